"""What an issuer says of somebody (OpenID Connect Core 1.0, §3.1.3.7), believed only where everything fits.

Signatures are asymmetric ones on an allow-list, by a key of the fitting type that the issuer publishes; nothing in the
token's own header (``jku``, ``jwk``, ``x5u``) is followed. Clocks may differ by a minute.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

from joserfc import jws, jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OKPKey, RSAKey

from shared.web.authentication import LEEWAY_SECONDS, Unauthenticated, token_header

ALGORITHMS: Mapping[str, type[Any]] = {
    "RS256": RSAKey,
    "PS256": RSAKey,
    "ES256": ECKey,
    "EdDSA": OKPKey,
    "Ed25519": OKPKey,
}
SUBJECT_CHARACTERS = 255  # Core §2
EMAIL_CHARACTERS = 254


class NotBelieved(ValueError):
    """The token proves nothing; ``code`` says why, without anything of the token."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class Expected(NamedTuple):
    """What a token must say to be the answer to what was asked."""

    issuer: str
    client_id: str
    nonce: str


class Identity(NamedTuple):
    """Somebody as the issuer knows them. ``email``: lower case, only where the issuer says it was verified;
    ``shown``: what was done to sign in there, as ``amr=…`` and ``acr=…``."""

    issuer: str
    subject: str
    email: str | None
    shown: frozenset[str]


def key_id(token: str) -> str | None:
    """Which key is said to have signed it. Raises NotBelieved."""
    found = _header(token).get("kid")
    return found if isinstance(found, str) else None


def identity_of(token: str, keys: Mapping[str, Any], expected: Expected, now: datetime) -> Identity:
    """Whose token it is; ``keys``: the issuer's public ones by id. Raises NotBelieved."""
    claims = _signed(token, keys)
    seconds = int(now.timestamp())
    registry = jwt.JWTClaimsRegistry(
        now=lambda: seconds,
        leeway=LEEWAY_SECONDS,
        iss={"essential": True, "value": expected.issuer},
        aud={"essential": True, "value": expected.client_id},
        sub={"essential": True},
        exp={"essential": True},
        iat={"essential": True},
    )
    try:
        registry.validate(dict(claims))
    except (JoseError, ValueError, TypeError) as broken:
        raise NotBelieved(f"claims_{type(broken).__name__}") from None
    _check_party(claims, expected.client_id)
    nonce = claims.get("nonce")
    if not isinstance(nonce, str) or not hmac.compare_digest(nonce.encode(), expected.nonce.encode()):
        raise NotBelieved("nonce")
    subject = claims["sub"]
    if not isinstance(subject, str) or not 1 <= len(subject) <= SUBJECT_CHARACTERS or not subject.isprintable():
        raise NotBelieved("subject")
    return Identity(expected.issuer, subject, _email(claims), _shown(claims))


def _signed(token: str, keys: Mapping[str, Any]) -> Mapping[str, Any]:
    header = _header(token)
    algorithm = header.get("alg", "")
    if algorithm not in ALGORITHMS:
        raise NotBelieved("algorithm")
    if "crit" in header or header.get("typ", "JWT").lower() != "jwt":
        raise NotBelieved("header")
    key = keys.get(header["kid"]) if "kid" in header else next(iter(keys.values())) if len(keys) == 1 else None
    if not isinstance(key, ALGORITHMS[algorithm]):
        raise NotBelieved("key")
    try:
        # One algorithm, already on the allow-list, with a key of its type: no confusion possible.
        return jwt.decode(token, key, algorithms=[algorithm], registry=jws.JWSRegistry(algorithms=[algorithm])).claims
    except (JoseError, ValueError, TypeError) as broken:
        raise NotBelieved(f"signature_{type(broken).__name__}") from None


def _header(token: str) -> Mapping[str, Any]:
    try:
        return token_header(token)
    except Unauthenticated:
        raise NotBelieved("header") from None


def _check_party(claims: Mapping[str, Any], client_id: str) -> None:
    """Made for this client: where several may read it, it was issued to us."""
    audience, party = claims["aud"], claims.get("azp")
    if party != client_id and (party is not None or (isinstance(audience, list) and len(audience) > 1)):
        raise NotBelieved("azp")


def _email(claims: Mapping[str, Any]) -> str | None:
    email = claims.get("email")
    if claims.get("email_verified") is not True or not isinstance(email, str) or len(email) > EMAIL_CHARACTERS:
        return None
    return email.strip().lower() or None


def _shown(claims: Mapping[str, Any]) -> frozenset[str]:
    ways, context = claims.get("amr"), claims.get("acr")
    shown = {f"amr={each}" for each in ways if isinstance(each, str)} if isinstance(ways, list) else set()
    return frozenset(shown | ({f"acr={context}"} if isinstance(context, str) else set()))

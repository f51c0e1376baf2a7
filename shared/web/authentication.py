"""Who is asking: signed tokens of the installation's issuer, checked against its published keys (RFC 7519, RFC 8725).

Only asymmetric signatures on an allow-list are accepted, only by keys of the fitting type, and nothing in a token's own
header (``jku``, ``jwk``, ``x5u``) is ever followed.
"""

from __future__ import annotations

import asyncio
import base64
import json
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from joserfc import jws, jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, KeySet, OKPKey, RSAKey

from shared.kernel.refusals import Refusal
from shared.outgoing.addresses import Gate
from shared.outgoing.fetching import fetch_json
from shared.outgoing.neighbours import host_of

ALGORITHMS = ("EdDSA", "Ed25519", "ES256", "RS256")
LEEWAY_SECONDS = 60
KEYS_FRESH_SECONDS = 300
REFETCH_PAUSE_SECONDS = 10  # between two fetches asked for by an unknown key id: a flood of forged ids costs nothing
FETCH_TIMEOUT_SECONDS = 5
TOKEN_CHARACTERS = 8192
TOKENS_KEPT = 1_024
RSA_BITS = 2048

_KEY_TYPES: dict[str, type[Any]] = {"EdDSA": OKPKey, "Ed25519": OKPKey, "ES256": ECKey, "RS256": RSAKey}
Claims = Mapping[str, Any]


class Unauthenticated(Refusal):
    """No token, or none that can be trusted. The reason is for the log; the caller learns only that it was refused."""

    status = 401
    code = "unauthenticated"

    def __init__(self, reason: str) -> None:
        super().__init__("请先登录,或登录已过期", "Please sign in; the session may have expired")
        self.reason = reason


class IssuerUnreachable(Refusal):
    """The issuer's keys cannot be read, so nobody can be let in for the moment."""

    status = 503
    code = "issuer_unreachable"

    def __init__(self) -> None:
        super().__init__("登录服务暂时没有应答,请稍后再试", "The sign-in service does not answer; please try again")


@dataclass
class _Signed:
    """The claims of a token with a good signature; none of them refuses it between the two (Unix seconds)."""

    claims: Claims
    good_from: float = 0.0
    good_until: float = 0.0


class Authenticator:
    """Checks tokens of one issuer for one audience; keys come from ``jwks_url`` (cached, rotated) or ``jwks``."""

    def __init__(
        self,
        *,
        issuer: str,
        audience: str,
        jwks_url: str | None = None,
        jwks: Mapping[str, Any] | None = None,
        fetch: Callable[[str], Mapping[str, Any]] | None = None,
        now: Callable[[], float] = time.time,
    ) -> None:
        if (jwks_url is None) == (jwks is None):
            raise ValueError("give either jwks_url or jwks")
        self._jwks_url, self._fetch, self._now = jwks_url, fetch or _fetched, now
        self._keys = signing_keys(jwks) if jwks is not None else {}
        # Tokens whose signature was good, whole: a client shows the same one with each request.
        self._signed: dict[str, _Signed] = {}
        self._fetched_at = self._tried_at = float("-inf")
        self._fetching = threading.Lock()
        self._claims = jwt.JWTClaimsRegistry(
            now=lambda: int(now()),
            leeway=LEEWAY_SECONDS,
            iss={"essential": True, "value": issuer},
            aud={"essential": True, "value": audience},
            sub={"essential": True},
            exp={"essential": True},
        )

    async def claims(self, token: str) -> Claims:
        """The claims of a valid token. Raises Unauthenticated, IssuerUnreachable."""
        if self._needs_fetch(token):
            await asyncio.to_thread(self._refresh, token)
        return self._verified(token)

    def claims_now(self, token: str) -> Claims:
        """The same for callers in a thread."""
        if self._needs_fetch(token):
            self._refresh(token)
        return self._verified(token)

    def _needs_fetch(self, token: str) -> bool:
        if self._jwks_url is None:
            return False
        now = time.monotonic()
        if now - self._fetched_at > KEYS_FRESH_SECONDS:
            return now - self._tried_at > REFETCH_PAUSE_SECONDS or not self._keys
        if token in self._signed:
            return False
        return token_header(token).get("kid") not in self._keys and now - self._tried_at > REFETCH_PAUSE_SECONDS

    def _refresh(self, token: str) -> None:
        assert self._jwks_url is not None
        with self._fetching:
            if not self._needs_fetch(token):
                return
            self._tried_at = time.monotonic()
            try:
                self._keys = signing_keys(self._fetch(self._jwks_url))
                self._signed.clear()  # what a withdrawn key has signed is no longer good
                self._fetched_at = time.monotonic()
            except (ValueError, KeyError, JoseError) as failed:
                # Keys already held stay good while the issuer is away; without any, nobody can be checked.
                if not self._keys:
                    raise IssuerUnreachable from failed

    def _verified(self, token: str) -> Claims:
        known = self._signed.get(token)
        if known is None:
            if len(self._signed) >= TOKENS_KEPT:
                self._signed.clear()
            known = self._signed[token] = _Signed(self._checked(token))
        now = self._now()
        if not known.good_from <= now < known.good_until:  # time alone makes a good token a bad one
            self._validate(known.claims)
            known.good_from, known.good_until = now, float(known.claims["exp"])
        return known.claims

    def _checked(self, token: str) -> Claims:
        """The claims of a token whose signature is good."""
        header = token_header(token)
        algorithm = header.get("alg")
        if algorithm not in ALGORITHMS:
            raise Unauthenticated("algorithm not allowed")
        if "crit" in header or header.get("typ", "JWT").lower() not in ("jwt", "at+jwt"):
            raise Unauthenticated("header not understood")
        key = self._keys.get(header.get("kid", "")) if "kid" in header or len(self._keys) != 1 else self._only_key()
        if not isinstance(key, OKPKey | ECKey | RSAKey) or not isinstance(key, _KEY_TYPES[algorithm]):
            raise Unauthenticated("no such key for the algorithm")
        try:
            # One algorithm, already on the allow-list, with a key of its type: no confusion possible.
            decoded = jwt.decode(token, key, algorithms=[algorithm], registry=jws.JWSRegistry(algorithms=[algorithm]))
        except (JoseError, ValueError, TypeError) as broken:
            raise Unauthenticated(type(broken).__name__) from broken
        return decoded.claims

    def _validate(self, claims: Claims) -> None:
        try:
            self._claims.validate(dict(claims))  # a subject that is empty or no text is refused there, too
        except (JoseError, ValueError, TypeError) as broken:
            raise Unauthenticated(type(broken).__name__) from broken

    def _only_key(self) -> Any:
        return next(iter(self._keys.values()))


class Issuers:
    """Tokens of several issuers for one audience: the one a token names checks it, and nobody else's keys are tried."""

    def __init__(self, trusted: Mapping[str, Authenticator]) -> None:
        self._trusted = dict(trusted)
        self._checks: dict[str, Authenticator] = {}  # of tokens that were good: what a token names never changes

    @classmethod
    def fetching(cls, issuers: Mapping[str, str], audience: str) -> Issuers:
        """``issuers``: issuer → address of its keys."""
        return cls(
            {
                issuer: Authenticator(issuer=issuer, audience=audience, jwks_url=address)
                for issuer, address in issuers.items()
            }
        )

    async def claims(self, token: str) -> Claims:
        """The claims of a valid token. Raises Unauthenticated, IssuerUnreachable."""
        checks = self._of(token)
        found = await checks.claims(token)
        self._remember(token, checks)
        return found

    def claims_now(self, token: str) -> Claims:
        """The same for callers in a thread."""
        checks = self._of(token)
        found = checks.claims_now(token)
        self._remember(token, checks)
        return found

    def _of(self, token: str) -> Authenticator:
        known = self._checks.get(token) or self._trusted.get(_told_issuer(token))
        if known is None:
            raise Unauthenticated("issuer not trusted")
        return known

    def _remember(self, token: str, checks: Authenticator) -> None:
        if token not in self._checks:
            if len(self._checks) >= TOKENS_KEPT:
                self._checks.clear()
            self._checks[token] = checks


Checker = Authenticator | Issuers


def _told_issuer(token: str) -> str:
    """What an unchecked token says of its issuer: it only chooses who checks it."""
    token_header(token)
    try:
        part = token.split(".")[1]
        told = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    except ValueError as broken:
        raise Unauthenticated("payload unreadable") from broken
    issuer = told.get("iss") if isinstance(told, dict) else None
    return issuer if isinstance(issuer, str) else ""


def token_header(token: str) -> dict[str, Any]:
    """The header of a compact token, which proves nothing yet. Raises Unauthenticated."""
    if len(token) > TOKEN_CHARACTERS or token.count(".") != 2:
        raise Unauthenticated("not a signed token")
    try:
        protected = jws.extract_compact(token.encode("ascii")).headers()
    except (JoseError, ValueError) as broken:
        raise Unauthenticated("header unreadable") from broken
    if not all(isinstance(protected.get(name, ""), str) for name in ("alg", "kid", "typ")):
        raise Unauthenticated("header unreadable")
    return protected


def signing_keys(jwks: Mapping[str, Any]) -> dict[str, Any]:
    """Public signing keys by id; symmetric keys, short RSA keys and unknown kinds are left out whatever the issuer
    publishes. Raises ValueError when none is left, KeyError."""
    kept: dict[str, Any] = {}
    for key in _read_keys(jwks["keys"]):
        described = key.as_dict(private=False)
        if not isinstance(key, OKPKey | ECKey | RSAKey) or described.get("use", "sig") != "sig":
            continue
        if isinstance(key, RSAKey) and key.public_key.key_size < RSA_BITS:
            continue
        kept[str(key.kid)] = key
    if not kept:
        raise ValueError("the key set holds no usable signing key")
    return kept


def _read_keys(told: Iterable[Any]) -> Iterator[Any]:
    for each in told:
        try:
            yield from KeySet.import_key_set({"keys": [each]})
        except (JoseError, ValueError, TypeError, KeyError):
            continue  # one key of a kind to come makes the others no worse


def _fetched(url: str) -> Mapping[str, Any]:
    # The operator named this address, so its host may stand inside the network.
    found = fetch_json(Gate(host_of(url)), url, deadline_seconds=FETCH_TIMEOUT_SECONDS)
    if not isinstance(found, dict):
        raise ValueError("not a key set")
    return found

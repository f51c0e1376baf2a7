"""The demonstration's issuer: one click per role, no password. It refuses to exist in production.

Its tokens are ordinary ones (Ed25519, an hour of life at most), so that nothing else in the system can tell a
demonstration from a real sign-in.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from joserfc import jwt
from joserfc.jwk import OKPKey

from shared.web.viewers import AGENCY, AID_CLERK, AUDITOR, SCHOOL

PREFIX = "/demo-issuer"
TOKEN_SECONDS = 60 * 60
RENEW_BELOW_SECONDS = 30 * 60
SESSION_SECONDS = 12 * 60 * 60  # a working day; then one click again
ALGORITHM = "Ed25519"
ROLES = (AID_CLERK, SCHOOL, AGENCY, AUDITOR)
AGENCIES = ("poverty_office", "civil_affairs", "disability_federation")
_NAMES = {
    AID_CLERK: "演示·资助中心经办",
    SCHOOL: "演示·学校",
    AGENCY: "演示·部门报送员",
    AUDITOR: "演示·审计",
}


class DemoRefused(Exception):
    """Someone tried to run the issuer without passwords in production."""


@dataclass(frozen=True)
class Persona:
    """Who to be: a role, and the school or agency where the role needs one. ``second``: the clerk at the next desk, for
    what takes two people."""

    role: str
    division: str
    school: str | None = None
    agency: str | None = None
    second: bool = False

    def claims(self) -> dict[str, Any]:
        """The claims that name this persona. Raises ValueError when the place is missing."""
        if self.role not in ROLES:
            raise ValueError("unknown role")
        found: dict[str, Any] = {"roles": [self.role], "name": _NAMES[self.role]}
        if self.role == AID_CLERK and self.second:
            name = f"{_NAMES[AID_CLERK]}(二)"
            return {**found, "name": name, "sub": f"demo:{AID_CLERK}:2", "division": self.division}
        if self.role in (AID_CLERK, AUDITOR):
            return {**found, "sub": f"demo:{self.role}", "division": self.division}
        place = self.school if self.role == SCHOOL else self.agency
        if not place:
            raise ValueError("a place is needed")
        return {**found, "sub": f"demo:{self.role}:{place}", self.role: place}


class DemoIssuer:
    """Signs tokens with the Ed25519 key of ``seed`` (32 bytes). Raises DemoRefused in production."""

    def __init__(
        self, seed: bytes, *, issuer: str, audience: str, environment: str, now: Callable[[], float] = time.time
    ) -> None:
        if environment == "production":
            raise DemoRefused("the demonstration issuer signs in anybody and is refused in production")
        private = Ed25519PrivateKey.from_private_bytes(seed)
        pem = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        self._key = OKPKey.import_key(pem, {"use": "sig", "alg": ALGORITHM})
        self._key.ensure_kid()
        self._issuer, self._audience, self._now = issuer, audience, now

    def jwks(self) -> Mapping[str, Any]:
        """The public key set, as served at /demo-issuer/jwks.json."""
        return {"keys": [dict(self._key.as_dict(private=False))]}

    def token(self, persona: Persona, seconds: int = TOKEN_SECONDS) -> str:
        """A signed token of at most an hour. Raises ValueError for a persona without its place."""
        return self._signed({**persona.claims(), "auth_time": int(self._now())}, seconds)

    def renewed(self, claims: Mapping[str, Any]) -> str | None:
        """A fresh token for someone at work whose token ends soon; None while there is time, or after a working day."""
        now = self._now()
        signed_in = claims.get("auth_time")
        if float(claims["exp"]) - now > RENEW_BELOW_SECONDS or not isinstance(signed_in, int):
            return None
        return self._signed(claims, TOKEN_SECONDS) if now - signed_in < SESSION_SECONDS else None

    def _signed(self, told: Mapping[str, Any], seconds: int) -> str:
        now = int(self._now())
        claims = {
            **told,
            "iss": self._issuer,
            "aud": self._audience,
            "iat": now,
            "nbf": now,
            "exp": now + min(seconds, TOKEN_SECONDS),
        }
        header = {"alg": ALGORITHM, "kid": self._key.kid, "typ": "JWT"}
        return jwt.encode(header, claims, self._key, algorithms=[ALGORITHM])

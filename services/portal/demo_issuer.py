"""The demonstration's issuer: one click per role, no password. It refuses to exist in production.

Its tokens are ordinary ones (EdDSA, ten-minute-to-an-hour life, the claims of CONTRACTS), so that nothing else in the
system knows a demonstration from a real sign-in.
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
    """Who to be: a role, and the school or agency where the role needs one."""

    role: str
    division: str
    school: str | None = None
    agency: str | None = None

    def claims(self) -> dict[str, Any]:
        """The claims that name this persona. Raises ValueError when the place is missing."""
        if self.role not in ROLES:
            raise ValueError("unknown role")
        found: dict[str, Any] = {"roles": [self.role], "name": _NAMES[self.role]}
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
        now = int(self._now())
        claims = {
            **persona.claims(),
            "iss": self._issuer,
            "aud": self._audience,
            "iat": now,
            "nbf": now,
            "exp": now + min(seconds, TOKEN_SECONDS),
        }
        header = {"alg": ALGORITHM, "kid": self._key.kid, "typ": "JWT"}
        return jwt.encode(header, claims, self._key, algorithms=[ALGORITHM])

"""Tokens: what a session may do for a few minutes, signed with Ed25519; and the keys they are checked with."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from joserfc import jwt
from joserfc.jwk import OKPKey

ALGORITHM = "Ed25519"
TOKEN_SECONDS = 5 * 60


class TokenSigner:
    """Signs with the first of ``seeds`` (32 bytes each) and publishes all: a key that was replaced is still trusted for
    the minutes its tokens live, and one that is to come is known before it signs."""

    def __init__(self, seeds: list[bytes], *, issuer: str, audience: str) -> None:
        self._keys = [_key(seed) for seed in seeds]
        self._issuer, self._audience = issuer, audience

    def jwks(self) -> Mapping[str, Any]:
        """The public key set (RFC 7517)."""
        return {"keys": [dict(key.as_dict(private=False)) for key in self._keys]}

    def token(self, told: Mapping[str, Any], session_id: UUID, now: datetime, ends_at: datetime) -> tuple[str, int]:
        """A token with these claims and how many seconds it lives: five minutes, or until ``ends_at``."""
        begins = int(now.timestamp())
        ends = min(begins + TOKEN_SECONDS, int(ends_at.timestamp()))
        claims = {
            **{name: value for name, value in told.items() if value is not None},
            "iss": self._issuer,
            "aud": self._audience,
            "sid": str(session_id),
            "iat": begins,
            "nbf": begins,
            "exp": ends,
        }
        header = {"alg": ALGORITHM, "kid": self._keys[0].kid, "typ": "JWT"}
        return jwt.encode(header, claims, self._keys[0], algorithms=[ALGORITHM]), ends - begins


def _key(seed: bytes) -> OKPKey:
    pem = Ed25519PrivateKey.from_private_bytes(seed).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    key = OKPKey.import_key(pem, {"use": "sig", "alg": ALGORITHM})
    key.ensure_kid()
    return key

"""Keys and tokens for tests, made with ``cryptography`` and plain base64: independent of the library under test."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

ISSUER, AUDIENCE = "https://issuer.test", "rollcall"


def b64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def _number(value: int, length: int) -> str:
    return b64(value.to_bytes(length, "big"))


class Ed25519Signer:
    """An issuer's key. ``jwk`` is its public half."""

    algorithm = "EdDSA"

    def __init__(self, kid: str = "ed") -> None:
        self._key, self.kid = ed25519.Ed25519PrivateKey.generate(), kid
        raw = self._key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        self.public_raw = raw
        self.jwk = {"kty": "OKP", "crv": "Ed25519", "x": b64(raw), "kid": kid, "use": "sig"}

    def sign(self, message: bytes) -> bytes:
        return self._key.sign(message)


class Es256Signer:
    algorithm = "ES256"

    def __init__(self, kid: str = "ec") -> None:
        self._key, self.kid = ec.generate_private_key(ec.SECP256R1()), kid
        numbers = self._key.public_key().public_numbers()
        self.jwk = {"kty": "EC", "crv": "P-256", "x": _number(numbers.x, 32), "y": _number(numbers.y, 32), "kid": kid}

    def sign(self, message: bytes) -> bytes:
        r, s = decode_dss_signature(self._key.sign(message, ec.ECDSA(SHA256())))
        return r.to_bytes(32, "big") + s.to_bytes(32, "big")


class Rs256Signer:
    algorithm = "RS256"

    def __init__(self, kid: str = "rsa", bits: int = 2048) -> None:
        self._key, self.kid = rsa.generate_private_key(65537, bits), kid
        numbers = self._key.public_key().public_numbers()
        self.jwk = {"kty": "RSA", "n": _number(numbers.n, bits // 8), "e": "AQAB", "kid": kid}

    def sign(self, message: bytes) -> bytes:
        return self._key.sign(message, padding.PKCS1v15(), SHA256())


Signer = Ed25519Signer | Es256Signer | Rs256Signer


def claims(**changed: Any) -> dict[str, Any]:
    """A clerk's claims, valid for an hour; None removes one."""
    now = int(time.time())
    found: dict[str, Any] = {"iss": ISSUER, "aud": AUDIENCE, "sub": "u1", "name": "经办", "kind": "aid_clerk"}
    found |= {"division": "460100", "nbf": now, "exp": now + 3600, **changed}
    return {name: value for name, value in found.items() if value is not None}


def token(signer: Signer, body: dict[str, Any] | None = None, **header: Any) -> str:
    """A compact JWS; header members given here replace the usual ones, None removes one."""
    head = {"alg": signer.algorithm, "kid": signer.kid, "typ": "JWT", **header}
    head = {name: value for name, value in head.items() if value is not None}
    signed = f"{b64(json.dumps(head).encode())}.{b64(json.dumps(body or claims()).encode())}"
    return f"{signed}.{b64(signer.sign(signed.encode()))}"


def hmac_token(secret: bytes, kid: str) -> str:
    """A token signed with HS256 under ``secret``: the classic key confusion when that is a public key."""
    head = {"alg": "HS256", "kid": kid, "typ": "JWT"}
    signed = f"{b64(json.dumps(head).encode())}.{b64(json.dumps(claims()).encode())}"
    return f"{signed}.{b64(hmac.new(secret, signed.encode(), hashlib.sha256).digest())}"


def unsigned_token(algorithm: str) -> str:
    """A token without a signature."""
    head = {"alg": algorithm, "typ": "JWT"}
    return f"{b64(json.dumps(head).encode())}.{b64(json.dumps(claims()).encode())}."

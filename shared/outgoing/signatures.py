"""Standard Webhooks signatures: ``v1,`` + base64 of HMAC-SHA-256 over ``id.timestamp.body``, one per valid secret.

The scheme is published at standard-webhooks; a test holds its published example.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
from collections.abc import Sequence

PREFIX = "whsec_"
SECRET_BYTES = 32


def new_secret() -> str:
    """A fresh secret as receivers' libraries take it."""
    return PREFIX + base64.b64encode(os.urandom(SECRET_BYTES)).decode()


def signed(secrets: Sequence[str], message_id: str, timestamp: int, body: bytes) -> dict[str, str]:
    """The three headers. A receiver accepts any of the signatures, so that a secret can be changed at leisure."""
    told = f"{message_id}.{timestamp}.".encode() + body
    signatures = [_signature(secret, told) for secret in secrets]
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(signatures),
    }


def _signature(secret: str, told: bytes) -> str:
    key = base64.b64decode(secret.removeprefix(PREFIX))
    return "v1," + base64.b64encode(hmac.new(key, told, hashlib.sha256).digest()).decode()

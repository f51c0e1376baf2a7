"""A second thing to sign in with: codes of an authenticator (TOTP, RFC 6238: SHA-1, six digits, half a minute).

A code is good for one sign-in, also within its half minute; the half minutes before and after count, for clocks that
differ. Who loses the telephone has ten recovery codes, each good once, or is reset by the next level up. Seeds are
sealed under a key outside the database.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import secrets
from datetime import datetime
from typing import Any
from urllib.parse import quote
from uuid import UUID

import psycopg
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from services.access.streams import Streams

SEED_BYTES = 20
DIGITS, STEP_SECONDS, STEPS_AROUND = 6, 30, 1
RECOVERY_CODES = 10
_NONCE_BYTES = 12


def code_of(seed: bytes, step: int, digits: int = DIGITS) -> str:
    """The code of a half minute (RFC 4226 over the number of the step)."""
    digest = hmac.new(seed, step.to_bytes(8, "big"), hashlib.sha1).digest()
    start = digest[-1] & 0xF
    number = int.from_bytes(digest[start : start + 4], "big") & 0x7FFFFFFF
    return str(number % 10**digits).zfill(digits)


def begun(raw: psycopg.Connection[Any], streams: Streams, account_id: UUID) -> bytes:
    """A new seed, not in force before a code of it was shown. A seed in force stays until then."""
    seed = os.urandom(SEED_BYTES)
    raw.execute(
        """INSERT INTO access_second_factors (account_id, seed) VALUES (%(id)s, %(seed)s)
           ON CONFLICT (account_id) DO UPDATE SET seed = %(seed)s WHERE NOT access_second_factors.confirmed""",
        {"id": account_id, "seed": _sealed(streams, account_id, seed)},
    )
    return seed


def address_of(seed: bytes, login: str) -> str:
    """The ``otpauth:`` address that authenticators read."""
    secret = base64.b32encode(seed).decode().rstrip("=")
    return f"otpauth://totp/{quote(f'Rollcall:{login}')}?secret={secret}&issuer=Rollcall"


def confirmed(
    raw: psycopg.Connection[Any], streams: Streams, account_id: UUID, code: str, now: datetime
) -> list[str] | None:
    """Put the seed in force that a code of was shown; its recovery codes, or None for a wrong code."""
    row = _row(raw, account_id)
    if row is None or row[1] or not _take(raw, streams, account_id, row, code, now):
        return None
    codes = [secrets.token_hex(5) for _ in range(RECOVERY_CODES)]
    raw.execute(
        "UPDATE access_second_factors SET confirmed = true, recovery = %s WHERE account_id = %s",
        ([streams.recovery(account_id, each) for each in codes], account_id),
    )
    return codes


def needed(raw: psycopg.Connection[Any], account_id: UUID) -> bool:
    """Whether this account signs in with a code."""
    row = raw.execute(
        "SELECT 1 FROM access_second_factors WHERE account_id = %s AND confirmed", (account_id,)
    ).fetchone()
    return row is not None


def taken(raw: psycopg.Connection[Any], streams: Streams, account_id: UUID, code: str, now: datetime) -> bool:
    """Use up a code, of the authenticator or for recovery, blanks in it or not; False when it is wrong or was used
    before."""
    code = "".join(code.split())
    row = _row(raw, account_id)
    if row is None:
        return False
    if _take(raw, streams, account_id, row, code, now):
        return True
    used = raw.execute(
        """UPDATE access_second_factors SET recovery = array_remove(recovery, %(code)s)
           WHERE account_id = %(id)s AND %(code)s = ANY(recovery) RETURNING 1""",
        {"id": account_id, "code": streams.recovery(account_id, code.lower())},
    ).fetchone()
    return used is not None


def removed(raw: psycopg.Connection[Any], account_id: UUID) -> bool:
    """Sign in without codes again; whether there was one in force."""
    row = raw.execute(
        "DELETE FROM access_second_factors WHERE account_id = %s RETURNING confirmed", (account_id,)
    ).fetchone()
    return row is not None and bool(row[0])


def _row(raw: psycopg.Connection[Any], account_id: UUID) -> tuple[bytes, bool, int] | None:
    return raw.execute(
        "SELECT seed, confirmed, last_step FROM access_second_factors WHERE account_id = %s FOR UPDATE", (account_id,)
    ).fetchone()


def _take(
    raw: psycopg.Connection[Any],
    streams: Streams,
    account_id: UUID,
    row: tuple[bytes, bool, int],
    code: str,
    now: datetime,
) -> bool:
    sealed, _, last = row
    seed, here = _opened(streams, account_id, bytes(sealed)), int(now.timestamp()) // STEP_SECONDS
    for step in range(here - STEPS_AROUND, here + STEPS_AROUND + 1):
        if step > last and hmac.compare_digest(code_of(seed, step), code.strip()):
            raw.execute("UPDATE access_second_factors SET last_step = %s WHERE account_id = %s", (step, account_id))
            return True
    return False


def _sealed(streams: Streams, account_id: UUID, seed: bytes) -> bytes:
    nonce = os.urandom(_NONCE_BYTES)
    return nonce + AESGCM(streams.sealing).encrypt(nonce, seed, account_id.bytes)


def _opened(streams: Streams, account_id: UUID, sealed: bytes) -> bytes:
    return AESGCM(streams.sealing).decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], account_id.bytes)

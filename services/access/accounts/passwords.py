"""Passwords: hashed with Argon2id, a few at a time, and the same work whether or not there is such an account.

Parameters are OWASP's first choice for Argon2id (19 MiB, 2 passes, 1 lane): 40 ms here, so that sign-in stays far under
300 ms and a thousand guesses cost a minute of a core. More than ``AT_ONCE`` of them would starve the machine's other
work; whoever finds ``WAITING`` before him is told to come back.
"""

from __future__ import annotations

import os
import secrets
import threading

from cryptography.exceptions import InvalidKey
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

from services.access.errors import Busy

MEMORY_KIB = 19_456
PASSES = 2
LANES = 1
HASH_BYTES = 32
SALT_BYTES = 16
AT_ONCE = 2
WAITING = 14
WAIT_SECONDS = 5.0
_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"  # none that is taken for another when it is read out
_GROUPS, _GROUP = 4, 4  # 79 bits
_START_GROUPS = 7  # 138 bits: nobody guesses it, however fast the digest is


class Hashing:
    """``pepper``: 32 bytes kept apart from the database. ``hashed``: how often it has worked, for tests and figures."""

    def __init__(self, pepper: bytes) -> None:
        self._pepper = pepper
        self._turn = threading.BoundedSemaphore(AT_ONCE)
        self._places = threading.BoundedSemaphore(AT_ONCE + WAITING)
        self._counting = threading.Lock()
        self.hashed = 0
        self._nobody = self._worked(secrets.token_urlsafe())

    def hash(self, password: str) -> str:
        """The password as it is kept, in the PHC string format. Raises Busy."""
        with self._slot():
            return self._worked(password)

    def fits(self, password: str, kept: str | None) -> bool:
        """Whether it is the password kept; None takes as long and never fits. Raises Busy."""
        with self._slot():
            self._count()
            try:
                Argon2id.verify_phc_encoded(_octets(password), kept or self._nobody, self._pepper)
            except InvalidKey:
                return False
            return kept is not None

    def _worked(self, password: str) -> str:
        self._count()
        kdf = Argon2id(
            salt=os.urandom(SALT_BYTES),
            length=HASH_BYTES,
            iterations=PASSES,
            lanes=LANES,
            memory_cost=MEMORY_KIB,
            secret=self._pepper,
        )
        return kdf.derive_phc_encoded(_octets(password))

    def _count(self) -> None:
        with self._counting:
            self.hashed += 1

    def _slot(self) -> _Slot:
        return _Slot(self._places, self._turn)


class _Slot:
    """A place in the bounded queue, then a turn. Raises Busy."""

    def __init__(self, places: threading.BoundedSemaphore, turn: threading.BoundedSemaphore) -> None:
        self._places, self._turn = places, turn

    def __enter__(self) -> None:
        if not self._places.acquire(blocking=False):
            raise Busy
        if not self._turn.acquire(timeout=WAIT_SECONDS):
            self._places.release()
            raise Busy

    def __exit__(self, *_failure: object) -> None:
        self._turn.release()
        self._places.release()


def one_time_password() -> str:
    """A password to be read out or written down once: four groups of four letters and digits."""
    groups = ("".join(secrets.choice(_LETTERS) for _ in range(_GROUP)) for _ in range(_GROUPS))
    return "-".join(groups)


def start_password() -> str:
    """A password that is good once and is kept as a keyed digest, because hashing thousands slowly takes minutes: seven
    groups of four letters and digits, to be printed or sent, not read out."""
    return "-".join("".join(secrets.choice(_LETTERS) for _ in range(_GROUP)) for _ in range(_START_GROUPS))


def _octets(password: str) -> bytes:
    return password.encode("utf-8")

"""Arrays of UUIDs as PostgreSQL reads them, made in one go: element by element they cost more than what they carry."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

import psycopg
from psycopg import pq
from psycopg.abc import Buffer
from psycopg.adapt import Dumper
from psycopg.postgres import types

_UUID, _UUID_ARRAY = types["uuid"].oid, types["uuid"].array_oid
_ELEMENT = (16).to_bytes(4, "big")


class UuidArray:
    """A parameter for a ``uuid[]``: the ids in order."""

    def __init__(self, ids: Iterable[UUID]) -> None:
        raw = [each.bytes for each in ids]
        # One dimension, no NULLs, element type, length, first index 1; then each element behind its length.
        numbers = (1, 0, _UUID, len(raw), 1) if raw else (0, 0, _UUID)
        self.encoded = b"".join(
            [*(number.to_bytes(4, "big") for number in numbers), *(_ELEMENT + each for each in raw)]
        )


class _UuidArrayDumper(Dumper):
    format = pq.Format.BINARY
    oid = _UUID_ARRAY

    def dump(self, obj: UuidArray) -> Buffer | None:
        return obj.encoded


psycopg.adapters.register_dumper(UuidArray, _UuidArrayDumper)

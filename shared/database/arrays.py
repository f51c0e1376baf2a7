"""Arrays as PostgreSQL reads them, made in one go: element by element they cost more than what they carry."""

from __future__ import annotations

from collections.abc import Iterable
from struct import Struct
from uuid import UUID

import psycopg
from psycopg import pq
from psycopg.abc import Buffer
from psycopg.adapt import Dumper
from psycopg.postgres import types

_UUID, _TEXT, _BYTEA = types["uuid"], types["text"], types["bytea"]
_UUID_LENGTH = (16).to_bytes(4, "big")
_HEAD, _EMPTY = Struct(">5i"), Struct(">3i")


class UuidArray:
    """A parameter for a ``uuid[]``: the ids in order."""

    def __init__(self, ids: Iterable[UUID]) -> None:
        self.ids = ids if isinstance(ids, list | tuple) else list(ids)

    def encoded(self) -> bytes:
        """As the wire has it."""
        return _encoded(_UUID.oid, [_UUID_LENGTH + each.bytes for each in self.ids])


class TextArray:
    """A parameter for a ``text[]``: the texts in order, none of them None."""

    def __init__(self, texts: Iterable[str]) -> None:
        self.texts = texts if isinstance(texts, list | tuple) else list(texts)

    def encoded(self) -> bytes:
        """As the wire has it."""
        return _encoded(_TEXT.oid, _behind_lengths([each.encode() for each in self.texts]))


class BytesArray:
    """A parameter for a ``bytea[]``: the values in order, none of them None."""

    def __init__(self, values: Iterable[bytes]) -> None:
        self.values = values if isinstance(values, list | tuple) else list(values)

    def encoded(self) -> bytes:
        """As the wire has it."""
        return _encoded(_BYTEA.oid, _behind_lengths(self.values))


def _behind_lengths(values: Iterable[bytes]) -> list[bytes]:
    return [len(each).to_bytes(4, "big") + each for each in values]


def _encoded(element: int, elements: list[bytes]) -> bytes:
    """One dimension, no NULLs, element type, length, first index 1; then each element behind its length."""
    if not elements:
        return _EMPTY.pack(0, 0, element)
    return _HEAD.pack(1, 0, element, len(elements), 1) + b"".join(elements)


class _ArrayDumper(Dumper):
    format = pq.Format.BINARY

    def dump(self, obj: UuidArray | TextArray | BytesArray) -> Buffer | None:
        return obj.encoded()


class _UuidArrayDumper(_ArrayDumper):
    oid = _UUID.array_oid


class _TextArrayDumper(_ArrayDumper):
    oid = _TEXT.array_oid


class _BytesArrayDumper(_ArrayDumper):
    oid = _BYTEA.array_oid


psycopg.adapters.register_dumper(UuidArray, _UuidArrayDumper)
psycopg.adapters.register_dumper(TextArray, _TextArrayDumper)
psycopg.adapters.register_dumper(BytesArray, _BytesArrayDumper)

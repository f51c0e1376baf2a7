"""A period without an end: ``FOREVER`` in Python, ``infinity`` in PostgreSQL.

psycopg refuses to read ``infinity`` as a date. Importing this module teaches every engine created afterwards to read
and write it as ``FOREVER`` (``date.max``), so that ``valid_from <= day AND day < valid_to`` needs no
special case anywhere.
"""

from __future__ import annotations

import struct
from datetime import date

import psycopg
from psycopg.abc import Buffer
from psycopg.adapt import Loader
from psycopg.types.datetime import DateBinaryDumper, DateDumper

FOREVER = date.max

_DAY = struct.Struct(">i")
_POSTGRES_EPOCH = date(2000, 1, 1).toordinal()
_INFINITY = 0x7FFFFFFF
_INFINITY_BYTES = _DAY.pack(_INFINITY)


class OpenDateLoader(Loader):
    """ISO text to a date. Raises ValueError for dates before year 1, which no period has."""

    def load(self, data: Buffer) -> date:
        text = bytes(data)
        return FOREVER if text == b"infinity" else date.fromisoformat(text.decode())


class OpenDateBinaryLoader(Loader):
    format = psycopg.pq.Format.BINARY

    def load(self, data: Buffer) -> date:
        days = _DAY.unpack(data)[0]
        return FOREVER if days == _INFINITY else date.fromordinal(days + _POSTGRES_EPOCH)


class OpenDateDumper(DateDumper):
    def dump(self, obj: date) -> Buffer | None:
        return b"infinity" if obj == FOREVER else super().dump(obj)


class OpenDateBinaryDumper(DateBinaryDumper):
    def dump(self, obj: date) -> Buffer | None:
        return _INFINITY_BYTES if obj == FOREVER else super().dump(obj)


def register(adapters: psycopg.adapt.AdaptersMap) -> None:
    """Teach one adapters map (of psycopg, a dialect or a connection) the open date."""
    adapters.register_loader("date", OpenDateLoader)
    adapters.register_loader("date", OpenDateBinaryLoader)
    adapters.register_dumper(date, OpenDateDumper)
    adapters.register_dumper(date, OpenDateBinaryDumper)


register(psycopg.adapters)

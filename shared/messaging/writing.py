"""Periods in and out of PostgreSQL, fast: one SELECT for the entities of a batch, one COPY for what changed.

Many rows are written as text COPY, with one small encoder per column chosen from its declared type; a value that does
not fit its column's type raises here, before it reaches the database. A few rows go as single statements in a pipeline:
the temporary table that COPY needs costs more than they do.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from datetime import date
from decimal import Decimal
from operator import attrgetter
from typing import Any, LiteralString
from uuid import UUID

import psycopg
import sqlalchemy
from psycopg import sql
from psycopg.types.json import Jsonb
from sqlalchemy.dialects.postgresql import JSONB

from shared.database.arrays import UuidArray
from shared.eventsourcing.open_dates import FOREVER
from shared.eventsourcing.periods import PeriodTable
from shared.eventsourcing.timeline import Period, Timeline

COPY_FROM = 40  # rows from which COPY by way of a temporary table is cheaper
Encoder = Callable[[Any], str]
_ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})
_SPECIAL = re.compile(r'[\\"\t\n\r\x00]')
_ARRAY_ESCAPES = str.maketrans({"\\": "\\\\", '"': '\\"'})


def _text(value: str) -> str:
    if not isinstance(value, str):
        raise TypeError(f"text expected, not {type(value).__name__}")
    if "\x00" in value:
        raise ValueError("text with a NUL character")
    return value if value.isalnum() else value.translate(_ESCAPES)


def _integer_of(bits: int) -> Encoder:
    limit: int = 1 << (bits - 1)

    def encode(value: int) -> str:
        if type(value) is not int:
            raise TypeError(f"integer expected, not {type(value).__name__}")
        if not -limit <= value < limit:
            raise ValueError(f"integer beyond {bits} bits")
        return str(value)

    return encode


_integer = _integer_of(64)


def _number(value: Any) -> str:
    if type(value) is not int and not isinstance(value, Decimal):
        raise TypeError(f"exact number expected, not {type(value).__name__}")
    return str(value)


def _boolean(value: bool) -> str:
    if value is not True and value is not False:
        raise TypeError(f"boolean expected, not {type(value).__name__}")
    return "t" if value else "f"


def _uuid(value: UUID) -> str:
    return value.hex


def _date(value: date) -> str:
    return "infinity" if value == FOREVER else value.isoformat()


def _moment(value: Any) -> str:
    if value.tzinfo is None:
        raise TypeError("a moment without time zone")
    return str(value.isoformat())


def _json(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False, allow_nan=False)
    if "\\u0000" in text:
        raise ValueError("JSON with a NUL character")
    return text.translate(_ESCAPES)


def _text_array(values: Iterable[str | None]) -> str:
    texts = list(values)
    if None not in texts:
        whole = "".join(texts)  # type: ignore[arg-type]  # raises TypeError for anything but text
        if _SPECIAL.search(whole) is None:  # nearly always: nothing to escape, one join for all
            return '{"' + '","'.join(texts) + '"}' if texts else "{}"  # type: ignore[arg-type]
    return _any_text_array(texts)


def _array(item: Encoder) -> Encoder:
    def encode(values: Iterable[Any]) -> str:
        items = ("NULL" if v is None else '"' + _raw(item, v).translate(_ARRAY_ESCAPES) + '"' for v in values)
        return ("{" + ",".join(items) + "}").translate(_ESCAPES)

    return encode


def _raw(item: Encoder, value: Any) -> str:
    if item is not _text:
        return item(value)
    _text(value)  # for what it refuses; the array escapes as a whole
    return str(value)


_any_text_array = _array(_text)


def encoder_of(kind: sqlalchemy.types.TypeEngine[Any]) -> Encoder:
    """How a value of this column type is written. Raises TypeError for a type no period table may have."""
    if isinstance(kind, JSONB):
        return _json
    if isinstance(kind, sqlalchemy.ARRAY):
        return _text_array if isinstance(kind.item_type, sqlalchemy.String) else _array(encoder_of(kind.item_type))
    table: tuple[tuple[type[Any], Encoder], ...] = (
        (sqlalchemy.Boolean, _boolean),
        (sqlalchemy.SmallInteger, _integer_of(16)),
        (sqlalchemy.BigInteger, _integer),
        (sqlalchemy.Integer, _integer_of(32)),
        (sqlalchemy.Numeric, _number),
        (sqlalchemy.DateTime, _moment),
        (sqlalchemy.Date, _date),
        (sqlalchemy.Uuid, _uuid),
        (sqlalchemy.String, _text),
    )
    for cls, encoder in table:
        if isinstance(kind, cls):
            return encoder
    raise TypeError(f"a period table cannot have columns of type {kind!r}")


def _adapter_of(kind: sqlalchemy.types.TypeEngine[Any]) -> Callable[[Any], Any] | None:
    """What makes a value of this column type one that a statement takes as it is."""
    if isinstance(kind, JSONB):
        return Jsonb
    return list if isinstance(kind, sqlalchemy.ARRAY) else None


def _rendered(template: LiteralString, *parts: sql.Composable) -> bytes:
    """The statement as it is sent; composed anew at each execution it would cost more than many a row."""
    return sql.SQL(template).format(*parts).as_bytes(None)


_number_of = attrgetter("int")  # the order of PostgreSQL's uuid, and faster to compare than the objects


class PeriodWriter:
    """Reads and writes the periods of one table through the current search path.

    Row-level security forbids COPY into a table (also to a role whose policy lets everything pass), so rows are copied
    into a temporary table of the connection and inserted from there.
    """

    def __init__(self, table: PeriodTable) -> None:
        self.table = table
        self._encoders = [encoder_of(table.table.c[name].type) for name in table.columns]
        self._by_name = dict(zip(table.columns, self._encoders, strict=True))
        self._set_by = _array(_integer)
        self._adapt = [_adapter_of(table.table.c[name].type) for name in table.columns]
        columns = ["entity", "valid_from", "valid_to", *table.columns, "marks", "log_index", "set_by"]
        names = sql.SQL(", ").join(map(sql.Identifier, columns))
        name, staging = sql.Identifier(table.name), sql.Identifier("pg_temp", f"staged_{table.name}")
        self._select = _rendered("SELECT {} FROM {} WHERE entity = ANY(%s) ORDER BY entity, valid_from", names, name)
        self._stage = _rendered(
            "CREATE TEMPORARY TABLE {} ON COMMIT DROP AS SELECT {} FROM {} LIMIT 0",
            sql.Identifier(f"staged_{table.name}"),
            names,
            name,
        )
        self._unstage = _rendered("DROP TABLE {}", staging)
        self._copy = _rendered("COPY {} ({}) FROM STDIN", staging, names)
        insert = sql.SQL("INSERT INTO {} ({}) SELECT {} FROM {}").format(name, names, names, staging)
        self._insert = insert.as_bytes(None)
        changed = sql.SQL(", ").join(
            sql.SQL("{} = excluded.{}").format(sql.Identifier(column), sql.Identifier(column)) for column in columns[2:]
        )
        merge = "{} ON CONFLICT (entity, valid_from) DO UPDATE SET {}"
        self._upsert = _rendered(merge, insert, changed)
        values = sql.SQL(", ").join([sql.Placeholder()] * len(columns))
        one = sql.SQL("INSERT INTO {} ({}) VALUES ({})").format(name, names, values)
        self._upsert_one = _rendered(merge, one, changed)

    def check(self, values: Mapping[str, Any]) -> None:
        """Raises TypeError, ValueError or AttributeError for a value its column cannot hold.

        Asked for every assertion, so that whether an event is poison never depends on what shares its batch.
        """
        for column, value in values.items():
            if value is not None:
                self._by_name[column](value)

    def load(self, connection: psycopg.Connection[Any], entities: Iterable[UUID]) -> dict[UUID, Timeline]:
        """A timeline for each entity, with what the table holds of it."""
        width = len(self.table.columns)
        timelines = {entity: Timeline(width) for entity in sorted(entities, key=_number_of)}
        with connection.cursor(binary=True) as cursor:
            cursor.execute(self._select, (UuidArray(timelines),))
            for entity, valid_from, valid_to, *values, marks, log_index, set_by in cursor:
                timeline = timelines[entity]
                timeline.known = True
                timeline.periods.append(Period(valid_from, valid_to, values, marks, log_index, set_by))
        return timelines

    def write(self, connection: psycopg.Connection[Any], timelines: dict[UUID, Timeline]) -> list[UUID]:
        """Write what changed, in key order; the entities that changed."""
        found = [(entity, dirty) for entity, timeline in timelines.items() if (dirty := timeline.changed)]
        rows = [(entity, period) for entity, dirty in found for period in dirty]
        if len(rows) >= COPY_FROM:
            fresh = all(period.fresh for _, period in rows)
            # Ready before COPY begins: no timeout of the server ends a session that waits for its client inside one, so
            # a worker stopped there would hold its locks for as long as it stays stopped.
            lines = "".join([self._line(entity, period) for entity, period in rows]).encode()
            connection.execute(self._stage)
            with connection.cursor().copy(self._copy) as copy:
                copy.write(lines)
            connection.execute(self._insert if fresh else self._upsert)
            connection.execute(self._unstage)
        elif rows:
            with connection.cursor() as cursor:
                cursor.executemany(self._upsert_one, [self._parameters(entity, period) for entity, period in rows])
        return [entity for entity, _ in found]

    def _parameters(self, entity: UUID, period: Period) -> list[Any]:
        """One row for a statement; the encoders have seen its values in :meth:`check`."""
        values = [
            value if adapt is None or value is None else adapt(value)
            for value, adapt in zip(period.values, self._adapt, strict=True)
        ]
        return [entity, period.valid_from, period.valid_to, *values, period.marks, period.log_index, period.set_by]

    def _line(self, entity: UUID, period: Period) -> str:
        encoded = [
            "\\N" if value is None else encode(value)
            for encode, value in zip(self._encoders, period.values, strict=True)
        ]
        set_by = "\\N" if period.set_by is None else self._set_by(period.set_by)
        return (
            f"{entity.hex}\t{_date(period.valid_from)}\t{_date(period.valid_to)}\t"
            + "\t".join(encoded)
            + f"\t{period.marks}\t{period.log_index}\t{set_by}\n"
        )

    def row(self, period: Period) -> dict[str, Any]:
        """A period as column → value, with ``valid_from`` and ``valid_to``."""
        values = dict(zip(self.table.columns, period.values, strict=True))
        return {**values, "valid_from": period.valid_from, "valid_to": period.valid_to}

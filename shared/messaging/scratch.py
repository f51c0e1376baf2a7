"""Scratch tables of a replay: folded in memory, written once, nobody else's to see.

A live projection writes every batch, because people read it meanwhile and a crash must cost nothing. A replay needs
neither: entities stay in memory as the text PostgreSQL reads, rows are copied when memory is full or at the end, and
indexes are made over what is there then. The rows are those that the live writer would have written.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from typing import Any
from uuid import UUID

import psycopg
import sqlalchemy
from psycopg import sql
from sqlalchemy.dialects import postgresql
from sqlalchemy.schema import CreateIndex, CreateTable

from shared.database.arrays import UuidArray
from shared.database.database import driver
from shared.eventsourcing.open_dates import FOREVER
from shared.eventsourcing.periods import PeriodTable
from shared.eventsourcing.projection import Projection
from shared.eventsourcing.timeline import Period, Timeline
from shared.messaging import key_tables
from shared.messaging.builds import shape
from shared.messaging.writing import encoder_of

NULL = "\\N"
_PERIOD_BYTES = 420  # a period, its list and its share of dicts, measured; besides, what each column takes
_COLUMN_BYTES = 40
_CHUNK_BYTES = 1 << 20
_DIALECT = postgresql.dialect()  # type: ignore[no-untyped-call]  # sqlalchemy leaves it untyped

Encoded = list[tuple[int, str | None]]


class ScratchTable:
    """The periods of one table: those in memory, and those already written. Values are kept encoded."""

    def __init__(self, table: PeriodTable, schema: str) -> None:
        self.table = table
        self.columns = ("entity", "valid_from", "valid_to", *table.columns, "marks", "log_index", "set_by")
        self._name = sql.Identifier(schema, table.name)
        self._names = sql.SQL(", ").join(map(sql.Identifier, self.columns))
        self._key = sql.Identifier(f"{table.name}_pkey")
        self._schema = schema
        self._encoders = {
            name: (position, encoder_of(table.table.c[name].type)) for name, position in table.positions.items()
        }
        self._timelines: dict[UUID, Timeline] = {}
        self._written = False
        self._keyed = False
        self._added = 0  # periods in memory, roughly: asserting may add one each
        self._period_bytes = _PERIOD_BYTES + _COLUMN_BYTES * len(table.columns)

    def encoded(self, values: Mapping[str, Any]) -> Encoded:
        """The values by position, as text. Raises TypeError, ValueError or AttributeError for what a column cannot hold
        (as :meth:`shared.messaging.writing.PeriodWriter.check` does)."""
        found: Encoded = []
        encoders = self._encoders
        for name, value in values.items():
            position, encode = encoders[name]
            found.append((position, None if value is None else encode(value)))
        return found

    def assert_from(self, entity: UUID, effective_on: date, log_index: int, values: Encoded) -> None:
        """Set values from a day on; the entity is in memory, or was never written."""
        timeline = self._timelines.get(entity)
        if timeline is None:
            timeline = self._timelines[entity] = Timeline(len(self.table.columns))
        timeline.assert_from(effective_on, log_index, values)
        self._added += 1

    @property
    def memory_bytes(self) -> int:
        """About what the periods in memory take, rather too much than too little."""
        return self._added * self._period_bytes

    def create(self, connection: sqlalchemy.Connection) -> None:
        """The empty table, without indexes, outside the write-ahead log: nobody needs it after a crash."""
        placed = self.table.table.to_metadata(sqlalchemy.MetaData(), schema=self._schema)
        made = str(CreateTable(placed).compile(dialect=_DIALECT)).replace("CREATE TABLE", "CREATE UNLOGGED TABLE", 1)
        raw = driver(connection)
        raw.execute(made.encode())
        raw.execute(sql.SQL("ALTER TABLE {} DROP CONSTRAINT {}").format(self._name, self._key))
        if self.table.keys is not None:
            key_tables.show(raw, self.table, self._schema)

    def fill(self, raw: psycopg.Connection[Any], rows: Iterable[bytes]) -> None:
        """Take rows as :meth:`dump` gave them, before anything else is asserted."""
        statement = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT binary)").format(self._name, self._names)
        with raw.cursor().copy(statement) as copy:
            for chunk in rows:
                copy.write(chunk)
                self._written = True

    def dump(self, raw: psycopg.Connection[Any]) -> Iterator[bytes]:
        """The rows by primary key in PostgreSQL's binary form of COPY, in pieces of about a mebibyte."""
        statement = sql.SQL("COPY (SELECT {} FROM {} ORDER BY entity, valid_from) TO STDOUT (FORMAT binary)").format(
            self._names, self._name
        )
        pieces: list[bytes] = []
        size = 0
        with raw.cursor().copy(statement) as copy:
            for piece in copy:
                pieces.append(bytes(piece))
                size += len(piece)
                if size >= _CHUNK_BYTES:
                    yield b"".join(pieces)
                    pieces, size = [], 0
        if pieces:
            yield b"".join(pieces)

    def load(self, raw: psycopg.Connection[Any], entities: Iterable[UUID]) -> None:
        """Bring these entities to memory, as far as they were written."""
        if not self._written:
            return
        wanted = {entity for entity in entities if entity not in self._timelines}
        if not wanted:
            return
        self._index(raw)
        ids = sql.Literal("{" + ",".join(map(str, wanted)) + "}")
        found = sql.SQL("SELECT {} FROM {} WHERE entity = ANY({}::uuid[]) ORDER BY entity, valid_from").format(
            self._names, self._name, ids
        )
        statement = sql.SQL("COPY ({}) TO STDOUT").format(found)
        width = len(self.table.columns)
        with raw.cursor().copy(statement) as copy:
            for line in copy:
                fields = bytes(line)[:-1].decode().split("\t")
                entity = UUID(fields[0])
                timeline = self._timelines.get(entity)
                if timeline is None:
                    timeline = self._timelines[entity] = Timeline(width)
                timeline.known = True
                timeline.periods.append(_period(fields))
                self._added += 1

    def spill(self, raw: psycopg.Connection[Any]) -> None:
        """Write what changed and forget everything."""
        changed = [(entity, line) for entity, line in self._timelines.items() if line.changed]
        again = [entity for entity, timeline in changed if timeline.known]
        if again:
            self._index(raw)
            raw.execute(
                sql.SQL("DELETE FROM {} WHERE entity = ANY(%s)").format(self._name), (UuidArray(again),), binary=True
            )
        if changed:
            statement = sql.SQL("COPY {} ({}) FROM STDIN").format(self._name, self._names)
            with raw.cursor().copy(statement) as copy:
                for chunk in _chunks(changed):
                    copy.write(chunk)
            self._written = True
        self._timelines.clear()
        self._added = 0

    def finish(self, raw: psycopg.Connection[Any], connection: sqlalchemy.Connection) -> None:
        """Write the rest, then make the indexes and let the planner know what is there."""
        self.spill(raw)
        self._index(raw)
        placed = self.table.table.to_metadata(sqlalchemy.MetaData(), schema=self._schema)
        for index in sorted(placed.indexes, key=lambda each: str(each.name)):
            connection.execute(CreateIndex(index))
        raw.execute(sql.SQL("ANALYZE {}").format(self._name))

    def _index(self, raw: psycopg.Connection[Any]) -> None:
        if not self._keyed:
            raw.execute(
                sql.SQL("ALTER TABLE {} ADD CONSTRAINT {} PRIMARY KEY (entity, valid_from)").format(
                    self._name, self._key
                )
            )
            self._keyed = True


def create_scratch(connection: sqlalchemy.Connection, projection: Projection, schema: str) -> dict[str, ScratchTable]:
    """The projection's tables, empty, in a new schema without rights for anyone else; by their names."""
    raw, name = driver(connection), sql.Identifier(schema)
    raw.execute(sql.SQL("CREATE SCHEMA {}").format(name))
    raw.execute("SET LOCAL maintenance_work_mem = '256MB'")  # indexes are made at the end, over everything at once
    raw.execute(sql.SQL("COMMENT ON SCHEMA {} IS {}").format(name, sql.Literal(shape(projection))))
    tables = {table.name: ScratchTable(table, schema) for table in projection.tables}
    for table in tables.values():
        table.create(connection)
    return tables


def _chunks(changed: Iterable[tuple[UUID, Timeline]]) -> Iterator[bytes]:
    lines: list[str] = []
    for entity, timeline in changed:
        name = entity.hex
        lines += [_line(name, period) for period in timeline.periods]
        if len(lines) >= 1_000:
            yield "".join(lines).encode()
            lines.clear()
    yield "".join(lines).encode()


def _line(entity: str, period: Period) -> str:
    values = "\t".join([NULL if value is None else value for value in period.values])
    until = "infinity" if period.valid_to is FOREVER or period.valid_to == FOREVER else period.valid_to.isoformat()
    set_by = NULL if period.set_by is None else "{" + ",".join(map(str, period.set_by)) + "}"
    return (
        f"{entity}\t{period.valid_from.isoformat()}\t{until}\t{values}\t{period.marks}\t{period.log_index}\t{set_by}\n"
    )


def _period(fields: list[str]) -> Period:
    """A line of COPY as :func:`_line` writes it."""
    values: list[Any] = [None if value == NULL else value for value in fields[3:-3]]
    until = FOREVER if fields[2] == "infinity" else date.fromisoformat(fields[2])
    set_by = None if fields[-1] == NULL else [int(each) for each in fields[-1][1:-1].split(",")]
    return Period(date.fromisoformat(fields[1]), until, values, int(fields[-3]), int(fields[-2]), set_by)

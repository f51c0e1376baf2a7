"""A county that already stands in the live roster, without the events it would have come from.

Every row is what the roster's own fold asserts and what its own writer writes; only the log, the checkpoints and the
work that a change notes are left out, so that a million students stand there in minutes.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import NamedTuple
from uuid import UUID

import psycopg
from psycopg import sql
from sqlalchemy import MetaData
from sqlalchemy.schema import CreateIndex

from services.matching.projections import ROSTER_VIEW
from services.matching.tables import ENTRIES, STUDENTS
from services.registry.commands import StudentRecord
from services.registry.keys import Keys
from services.registry.lists.known_schools import Schools
from services.registry.lists.parts import file_part
from services.registry.lists.submissions import AGENCIES
from services.registry.sheets.intake import enrolment, entry_ids, listing, student_record
from services.registry.sheets.lists import ListName, ListRow, register_row
from services.registry.sheets.row_records import placed, read_schools
from services.registry.sheets.schools import SchoolDirectory
from services.registry.sheets.sheet_files import REGISTER, open_inputs, read_list
from shared.database.database import Database, driver
from shared.eventsourcing.event import Event, Logged
from shared.eventsourcing.periods import PeriodTable
from shared.eventsourcing.projection import Recorded
from shared.eventsourcing.timeline import Timeline
from shared.hosting.settings import Settings
from shared.kernel.facts import Fact, fact_type
from shared.messaging.writing import PeriodWriter
from simulation.county import DEFAULT_AS_OF

ROWS_AT_ONCE = 5_000
LIST_FILES: dict[str, ListName] = {
    "poverty": "poverty",
    "civil": "civil",
    "hardship": "civil",
    "disability": "disability",
}
TABLES = (STUDENTS, ENTRIES)
INDEX_MEMORY = "512MB"  # for making the indexes anew, at once; the server keeps its own settings


class Enrolled(NamedTuple):
    """A student of the register as the registry records her."""

    student_id: UUID
    record: StudentRecord


class OnList(NamedTuple):
    """A row of a list as the registry records it."""

    entry_id: UUID
    row: ListRow
    agency: str


class LoadedStudents(NamedTuple):
    """How many stand in the roster; every so many of them, and those that were left out."""

    loaded: int
    sample: list[Enrolled]
    withheld: list[Enrolled]


class LoadedRows(NamedTuple):
    """How many stand in the roster, and every so many of them."""

    loaded: int
    sample: list[OnList]


@dataclass(frozen=True)
class County:
    """Files of a simulated county, and the build of the roster they go into.

    ``matching`` and ``registry``: settings of the two services; ``schema``: the live build's; ``withheld``: rows of the
    register that are not loaded; ``every``: one student or list row of so many is kept as a sample.
    """

    folder: Path
    matching: Settings
    registry: Settings
    schema: str
    withheld: frozenset[int]
    every: int

    @property
    def keys(self) -> Keys:
        return Keys(self.registry.hmac_key)

    @cached_property
    def schools(self) -> Schools:
        """The schools that the county's file names."""
        records, _, _ = read_schools(self.folder / "schools.csv")
        return Schools(
            SchoolDirectory.of((each.school_code, each.name) for each in records),
            {each.school_code: each.division_code for each in records},
            {each.school_code: each.name for each in records},
            {},
        )


def listed_students(folder: Path, count: int) -> frozenset[int]:
    """Rows of the register, evenly spread, of students whom a list names without any slip; at most ``count``."""
    with (folder / "truth.csv").open(encoding="utf-8", newline="") as file:
        rows = csv.DictReader(file)
        found = [int(row["student_row"]) for row in rows if row["state"] == "linked" and not row["corruption"]]
    known = sorted(set(found))
    return frozenset(known[:: max(1, len(known) // max(1, count))][:count])


def load_students(county: County, part: int, parts: int) -> LoadedStudents:
    """Load every ``parts``-th block of the register, from block ``part`` on; for a process of its own."""
    sample: list[Enrolled] = []
    withheld: list[Enrolled] = []

    def facts() -> Iterator[tuple[UUID, Fact]]:
        keys = county.keys
        for number, each in _register(county, part, parts):
            if number in county.withheld:
                withheld.append(each)
                continue
            if number % county.every == 0:
                sample.append(each)
            yield each.student_id, enrolment(each.record, each.student_id, keys)

    return LoadedStudents(_load(county, STUDENTS, facts()), sample, withheld)


def load_rows(county: County, name: str) -> LoadedRows:
    """Load the file of one list; for a process of its own."""
    kind = LIST_FILES[name]
    agency = AGENCIES[kind]
    file = open_inputs({kind: [county.folder / f"{name}.csv"]})[kind]
    rows = list(read_list(kind, file, county.schools.directory))
    identified = entry_ids(rows, agency, file_part(kind, rows), county.keys)
    keys, division = county.keys, county.registry.division
    facts = ((entry_id, listing(row, entry_id, agency, None, keys, division)) for row, _, entry_id in identified)
    count = _load(county, ENTRIES, facts)
    return LoadedRows(count, [OnList(entry_id, row, agency) for row, _, entry_id in identified[:: county.every]])


@contextmanager
def without_indexes(database: Database, schema: str) -> Iterator[None]:
    """Fill the tables first and make their indexes after: row by row it would take many times as long."""
    located = [table.table.to_metadata(MetaData(), schema=schema) for table in TABLES]
    with database.owner() as connection:
        for place in located:
            for index in place.indexes:
                index.drop(connection)
    yield
    with database.owner() as connection:
        driver(connection).execute(sql.SQL("SET LOCAL maintenance_work_mem = {}").format(sql.Literal(INDEX_MEMORY)))
        for place in located:
            for index in sorted(place.indexes, key=lambda each: str(each.name)):
                connection.execute(CreateIndex(index))
    with psycopg.connect(database.owner_conninfo, autocommit=True) as raw:
        for table in TABLES:
            raw.execute(sql.SQL("VACUUM (ANALYZE) {}").format(sql.Identifier(schema, table.name)))
        raw.execute("CHECKPOINT")


def _register(county: County, part: int, parts: int) -> Iterator[tuple[int, Enrolled]]:
    """(row number, student) of the rows that the registry would record."""
    file = open_inputs({REGISTER: [county.folder / "students.csv"]})[REGISTER]
    keys, schools = county.keys, county.schools
    for sheet in file[0].sheets:
        for number, fields in sheet.fields():
            if number // ROWS_AT_ONCE % parts != part:
                continue
            row = register_row(number, fields)
            problems, place = placed(row, schools)
            if problems or place is None:
                continue
            record = student_record(row, place)
            yield number, Enrolled(keys.student(record), record)


def _load(county: County, table: PeriodTable, facts: Iterable[tuple[UUID, Fact]]) -> int:
    """Fold and write; how many rows."""
    database, writer, count = county.matching.database(), PeriodWriter(table), 0
    try:
        coming = iter(facts)
        while some := list(islice(coming, ROWS_AT_ONCE)):
            timelines = _folded(table, some, county.registry.source)
            with database.working() as connection:
                raw = driver(connection)
                raw.execute(sql.SQL("SET LOCAL search_path = {}, public").format(sql.Identifier(county.schema)))
                raw.execute("SET LOCAL synchronous_commit = off")
                count += len(writer.write(raw, timelines))
    finally:
        database.close()
    return count


def _folded(table: PeriodTable, facts: Sequence[tuple[UUID, Fact]], source: str) -> dict[UUID, Timeline]:
    timelines: dict[UUID, Timeline] = {}
    for stream_id, fact in facts:
        for _, entity, effective_on, values in ROSTER_VIEW.fold(_recorded(stream_id, fact, source, DEFAULT_AS_OF)):
            timeline = timelines.setdefault(entity, Timeline(len(table.columns)))
            timeline.assert_from(effective_on, 0, [(table.positions[name], value) for name, value in values.items()])
    return timelines


def _recorded(stream_id: UUID, fact: Fact, source: str, on: date) -> Recorded:
    """The fact as a fold sees it, in no place of any log."""
    nothing = UUID(int=0)
    event = Event(nothing, stream_id, 1, fact_type(type(fact)).name, on, "", nothing, None, None, b"")
    return Recorded(Logged(source, 0, datetime(1970, 1, 1, tzinfo=UTC), b"", event), fact, None)

"""Reads what decisions rest on, in sets: list rows, the students they may mean, households, decisions that stand.

Always the last period of a row: who a row is about does not depend on the day, when it holds does.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, NamedTuple
from uuid import UUID

import psycopg
from psycopg.rows import namedtuple_row

from services.matching.commands import RowFacts, StudentPlace
from services.matching.domain import Standing
from services.matching.ladder import Candidates, StudentIndex
from services.matching.names import comparable
from services.matching.records import EntryRecord, StudentRecord, student_record

_ENTRIES = """
SELECT entity, agency, list, standing, removal_reason, division_code, valid_from, match_name, id_number, number_problem,
       number_contradicted, id_text, birth_date, suggested_birth_date, listed_school_code, school_elsewhere,
       guardian_name, household_key, stands_for_household, household_type, support_type, area_type, coverage,
       disability_kind, disability_grade, starts_on, ends_on
FROM entries WHERE entity = ANY(%s) AND valid_to = 'infinity'
"""
_TOUCHED = """
SELECT entity FROM entries
WHERE valid_to = 'infinity' AND (id_number = ANY(%(numbers)s) OR match_name = ANY(%(names)s))
UNION
SELECT entity FROM entries
WHERE valid_to = 'infinity' AND stands_for_household AND household_key = ANY(%(households)s)
"""
_STUDENTS = """
SELECT entity, name, former_name, id_number, birth_date, school_code, division_code, guardian_name, guardian_number,
       enrolled
FROM students
WHERE valid_to = 'infinity'
  AND (id_number = ANY(%(numbers)s) OR match_name = ANY(%(names)s) OR guardian_number = ANY(%(numbers)s))
"""
_HOUSEHOLDS = """
SELECT household_key, count(*) FROM entries
WHERE valid_to = 'infinity' AND standing AND household_key = ANY(%s) GROUP BY household_key
"""
_DECIDED = "SELECT entry_id, version, state, student_id, content FROM decided WHERE entry_id = ANY(%s)"
_PAGE = """
SELECT entity FROM entries WHERE valid_to = 'infinity' AND (%(after)s::uuid IS NULL OR entity > %(after)s)
ORDER BY entity LIMIT %(count)s
"""


class ListedRow(NamedTuple):
    """A list row as the ladder sees it (None once it has left its list) and as its decision tells it."""

    facts: RowFacts
    record: EntryRecord | None
    birth_date: date | None


@dataclass(frozen=True)
class Register:
    """The students whom a set of rows may mean. One who is registered now stands before one who has left."""

    index: StudentIndex
    places: dict[UUID, StudentPlace]
    enrolled: frozenset[UUID]

    def candidates(self, record: EntryRecord) -> Candidates:
        """Everyone the ladder may consider, former registrations only where there is no present one."""
        found = self.index.candidates(record)
        return Candidates(*(self._present(each) for each in (found.same_number, found.same_name, found.same_guardian)))

    def _present(self, found: tuple[StudentRecord, ...]) -> tuple[StudentRecord, ...]:
        return tuple(each for each in found if each.student_id in self.enrolled) or found


def touched(
    raw: psycopg.Connection[Any], numbers: Collection[str], names: Collection[str], households: Collection[UUID]
) -> set[UUID]:
    """The list rows that share one of these block keys."""
    if not (numbers or names or households):
        return set()
    keys = {"numbers": list(numbers), "names": list(names), "households": list(households)}
    return {row[0] for row in raw.execute(_TOUCHED, keys)}


def page(raw: psycopg.Connection[Any], after: UUID | None, count: int) -> list[UUID]:
    """The next ``count`` list rows by id."""
    return [row[0] for row in raw.execute(_PAGE, {"after": after, "count": count})]


def listed_rows(raw: psycopg.Connection[Any], entries: Sequence[UUID]) -> list[ListedRow]:
    """These list rows, by id."""
    with raw.cursor(row_factory=namedtuple_row) as cursor:
        read: list[Any] = cursor.execute(_ENTRIES, (list(entries),)).fetchall()
    found = sorted(read, key=lambda row: row.entity)
    keys = list({row.household_key for row in found if row.stands_for_household and row.household_key})
    members = dict(raw.execute(_HOUSEHOLDS, (keys,)).fetchall()) if keys else {}
    return [ListedRow(_facts(row), _record(row, members), row.birth_date) for row in found]


def register_for(raw: psycopg.Connection[Any], rows: Iterable[ListedRow]) -> Register:
    """Every student whom one of the rows may mean."""
    records = [row.record for row in rows if row.record is not None]
    keys = {
        "numbers": list({record.id_number for record in records if record.id_number}),
        "names": list({record.name for record in records if record.name}),
    }
    with raw.cursor(row_factory=namedtuple_row) as cursor:
        found: list[Any] = cursor.execute(_STUDENTS, keys).fetchall()
    return Register(
        StudentIndex.of(_student(row) for row in found),
        {row.entity: StudentPlace(row.division_code, row.school_code) for row in found},
        frozenset(row.entity for row in found if row.enrolled),
    )


def standing_decisions(raw: psycopg.Connection[Any], entries: Sequence[UUID]) -> dict[UUID, Standing]:
    """The decisions that stand about these rows."""
    return {row[0]: Standing(*row[1:]) for row in raw.execute(_DECIDED, (list(entries),))}


def keep_decisions(raw: psycopg.Connection[Any], decisions: Sequence[tuple[UUID, Standing]]) -> None:
    """Note what stands now, in the transaction that appends it."""
    columns: list[list[Any]] = [[], [], [], [], []]
    for entry_id, standing in decisions:
        row = (entry_id, standing.version, standing.state, standing.student_id, standing.content)
        for column, value in zip(columns, row, strict=True):
            column.append(value)
    raw.execute(
        "INSERT INTO decided (entry_id, version, state, student_id, content)"
        " SELECT * FROM unnest(%s::uuid[], %s::integer[], %s::text[], %s::uuid[], %s::bytea[])"
        " ON CONFLICT (entry_id) DO UPDATE SET version = excluded.version, state = excluded.state,"
        " student_id = excluded.student_id, content = excluded.content",
        columns,
    )


def _facts(row: Any) -> RowFacts:
    return RowFacts(
        entry_id=row.entity,
        list=row.list,
        agency=row.agency,
        standing=bool(row.standing),
        removal_reason=row.removal_reason,
        effective_on=row.valid_from,
        division_code=row.division_code,
        household_type=row.household_type,
        support_type=row.support_type,
        area_type=row.area_type,
        coverage=row.coverage,
        disability_kind=row.disability_kind,
        disability_grade=row.disability_grade,
        valid_from=row.starts_on,
        valid_to=row.ends_on,
    )


def _record(row: Any, members: dict[UUID, int]) -> EntryRecord | None:
    if not row.standing:
        return None
    alone = row.household_key is None or members.get(row.household_key, 1) == 1
    return EntryRecord(
        name=row.match_name or "",
        id_number=row.id_number,
        number_problem=row.number_problem,
        number_contradicted=bool(row.number_contradicted),
        id_text=row.id_text or "",
        birth_date=row.birth_date,
        suggested_birth_date=row.suggested_birth_date,
        school_key=row.listed_school_code or "",
        school_elsewhere=bool(row.school_elsewhere),
        guardian_name=comparable(row.guardian_name or ""),
        stands_for_household=bool(row.stands_for_household) and alone,
    )


def _student(row: Any) -> StudentRecord:
    return student_record(
        row.entity,
        name=row.name or "",
        id_number=row.id_number,
        birth_date=row.birth_date,
        school_key=row.school_code or "",
        guardian_name=row.guardian_name or "",
        guardian_id=row.guardian_number or "",
        former_name=row.former_name or "",
    )


def named_students(raw: psycopg.Connection[Any], students: Collection[UUID]) -> tuple[Register, list[StudentRecord]]:
    """These students, whatever keys they share with a row; those who are not in the register are absent."""
    if not students:
        return Register(StudentIndex(), {}, frozenset()), []
    with raw.cursor(row_factory=namedtuple_row) as cursor:
        statement = "SELECT * FROM students WHERE valid_to = 'infinity' AND entity = ANY(%s) ORDER BY entity"
        found: list[Any] = cursor.execute(statement, (list(students),)).fetchall()
    records = [_student(row) for row in found]
    places = {row.entity: StudentPlace(row.division_code, row.school_code) for row in found}
    return Register(StudentIndex.of(records), places, frozenset(row.entity for row in found if row.enrolled)), records

"""Reads what decisions rest on, in sets: list rows, the students they may mean, households, decisions that stand.

Always the last period of a row: who a row is about does not depend on the day, when it holds does.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import chain
from typing import Any, NamedTuple
from uuid import UUID

import psycopg
from psycopg.rows import dict_row

from services.matching import number_rungs
from services.matching.block_keys import family_sound, guardian_key, name_sound, number_key, school_keys
from services.matching.candidates import Candidates, ListIndex, StudentIndex
from services.matching.commands import RowFacts, StudentPlace
from services.matching.domain import Standing
from services.matching.outcome import StudentId
from services.matching.records import EntryRecord, StudentRecord
from services.matching.row_records import entry_of, student_of
from shared.database.arrays import TextArray, UuidArray

_ENTRIES = "SELECT * FROM entries WHERE entity = ANY(%s) AND valid_to = 'infinity'"
# One look into the index per key: asked for all keys at once (&&), it weighs each row it finds against every key, and
# thousands of keys make that seconds.
_TOUCHED = f"""
SELECT entity, bool_or(near) FROM (
    SELECT found.entity,
           sought.noted OR sought.key ^@ '{number_key("")}' OR sought.key ^@ '{guardian_key("")}' AS near FROM (
        SELECT key, bool_or(noted) FROM (
            SELECT unnest(block_keys), false FROM students WHERE valid_to = 'infinity' AND entity = ANY(%(students)s)
            UNION ALL SELECT unnest(%(keys)s), true
        ) AS told (key, noted) GROUP BY key
    ) AS sought (key, noted) CROSS JOIN LATERAL (
        SELECT entity FROM entries WHERE valid_to = 'infinity' AND block_keys @> ARRAY[sought.key] OFFSET 0
    ) AS found
    UNION ALL
    SELECT entity, true FROM entries WHERE valid_to = 'infinity' AND id_number = ANY(%(numbers)s)
    UNION ALL
    SELECT entity, true FROM entries
    WHERE valid_to = 'infinity' AND stands_for_household AND household_key = ANY(%(households)s)
) AS touched GROUP BY entity
"""
_BY_NUMBER = """
SELECT * FROM students
WHERE valid_to = 'infinity' AND (id_number = ANY(%(numbers)s) OR guardian_number = ANY(%(numbers)s))
"""
_BY_KEYS = """
SELECT student.* FROM (
    SELECT found.entity FROM unnest(%(keys)s) AS sought (key) CROSS JOIN LATERAL (
        SELECT entity FROM students WHERE valid_to = 'infinity' AND block_keys @> ARRAY[sought.key] OFFSET 0
    ) AS found
    UNION
    SELECT found.entity FROM unnest(%(schools)s, %(sounds)s) AS sought (school, sound) CROSS JOIN LATERAL (
        SELECT entity FROM students
        WHERE valid_to = 'infinity' AND school_code = sought.school AND name_sound = sought.sound OFFSET 0
    ) AS found
    UNION
    SELECT found.entity FROM unnest(%(vague_schools)s, %(families)s) AS sought (school, family) CROSS JOIN LATERAL (
        SELECT entity FROM students
        WHERE valid_to = 'infinity' AND school_code = sought.school AND name_sound || '-' ^@ (sought.family || '-')
        OFFSET 0
    ) AS found
) AS sharing CROSS JOIN LATERAL (
    SELECT * FROM students WHERE entity = sharing.entity AND valid_to = 'infinity' OFFSET 0
) AS student
"""
_BY_ID = "SELECT * FROM students WHERE valid_to = 'infinity' AND entity = ANY(%(students)s)"
_LISTED = """
SELECT DISTINCT id_number, list, match_name FROM entries
WHERE valid_to = 'infinity' AND standing AND id_number = ANY(%s) AND match_name <> ''
"""
_HOUSEHOLDS = """
SELECT household_key, count(*) FROM entries
WHERE valid_to = 'infinity' AND standing AND household_key = ANY(%s) GROUP BY household_key
"""
_DECIDED = "SELECT entry_id, version, state, student_id, content, by_number FROM decided WHERE entry_id = ANY(%s)"
_PAGE = """
SELECT entity FROM entries WHERE valid_to = 'infinity' AND (%(after)s::uuid IS NULL OR entity > %(after)s)
ORDER BY entity LIMIT %(count)s
"""


class ListedRow(NamedTuple):
    """A list row as the ladder sees it (None once it has left its list) and as its decision tells it, with its keys."""

    facts: RowFacts
    record: EntryRecord | None
    birth_date: date | None
    keys: Sequence[str] = ()


@dataclass(frozen=True)
class Register:
    """The students whom a set of rows may mean, and what the lists say of the rows' numbers."""

    index: StudentIndex
    places: dict[UUID, StudentPlace]
    listed: ListIndex = field(default_factory=ListIndex)

    def candidates(self, record: EntryRecord, keys: Sequence[str]) -> Candidates:
        """Everyone the ladder may consider, former registrations only where there is no present one."""
        return self.index.candidates(record, self.listed.listed(record), keys)


def touched(
    raw: psycopg.Connection[Any],
    students: Collection[UUID],
    keys: Collection[str],
    numbers: Collection[str],
    households: Collection[UUID],
) -> dict[UUID, bool]:
    """The list rows that share a block key with one of these students or one of these keys, or a number or a household
    with another row; False for those that only share what these students have and no number or guardian's number is:
    of them she is one more person of that name."""
    if not (students or keys or numbers or households):
        return {}
    sought = {
        "students": UuidArray(students),
        "keys": TextArray(keys),
        "numbers": TextArray(numbers),
        "households": UuidArray(households),
    }
    return dict(raw.execute(_TOUCHED, sought).fetchall())


def page(raw: psycopg.Connection[Any], after: UUID | None, count: int) -> list[UUID]:
    """The next ``count`` list rows by id."""
    return [row[0] for row in raw.execute(_PAGE, {"after": after, "count": count})]


def listed_rows(raw: psycopg.Connection[Any], entries: Sequence[UUID]) -> list[ListedRow]:
    """These list rows, by id."""
    with raw.cursor(row_factory=dict_row) as cursor:
        found = sorted(cursor.execute(_ENTRIES, (UuidArray(entries),)).fetchall(), key=lambda row: row["entity"])
    keys = list({row["household_key"] for row in found if row["stands_for_household"] and row["household_key"]})
    members = dict(raw.execute(_HOUSEHOLDS, (keys,)).fetchall()) if keys else {}
    return [ListedRow(_facts(row), _record(row, members), row["birth_date"], row["block_keys"] or ()) for row in found]


def register_for(raw: psycopg.Connection[Any], rows: Sequence[ListedRow], ruled: Collection[UUID] = ()) -> Register:
    """Every student whom one of the rows may mean. Nearly every row is settled by its number, so that only the others
    look for students by their other keys, and those that were ``ruled`` on: the student of the number may be ruled
    out."""
    standing = [(row.record, row.keys, row.facts.entry_id in ruled) for row in rows if row.record is not None]
    found = _students(
        raw, _BY_NUMBER, {"numbers": TextArray({each.id_number for each, _, _ in standing if each.id_number})}
    )
    register = _register(found)
    open_still = [
        (each, keys)
        for each, keys, named in standing
        if named or not number_rungs.settled(each, register.candidates(each, keys))
    ]
    if not open_still:
        return register
    schools = sorted({(each.school_key, name_sound(each.name)) for each, _ in open_still if each.school_key})
    families = sorted({(each.school_key, family) for each, _ in open_still if (family := family_sound(each))})
    asked = {key for _, keys in open_still for key in keys}
    sought = {
        "keys": TextArray(asked),
        "schools": TextArray(school for school, _ in schools),
        "sounds": TextArray(sound for _, sound in schools),
        "vague_schools": TextArray(school for school, _ in families),
        "families": TextArray(family for _, family in families),
    }
    register = _register(found | _students(raw, _BY_KEYS, sought), asked)
    numbers = TextArray({each.id_number for each, _ in open_still if each.id_number})
    for number, list_name, name in raw.execute(_LISTED, (numbers,)):
        register.listed.note(number, list_name, name)
    return register


def _students(raw: psycopg.Connection[Any], statement: str, sought: dict[str, Any]) -> dict[UUID, dict[str, Any]]:
    with raw.cursor(row_factory=dict_row) as cursor:
        return {row["entity"]: row for row in cursor.execute(statement, sought)}


def _register(found: dict[UUID, dict[str, Any]], asked: set[str] | frozenset[str] = frozenset()) -> Register:
    """These students, found by those of their block keys that are ``asked`` for."""
    former = frozenset[StudentId](entity for entity, row in found.items() if not row["enrolled"])

    def keys_of(student: StudentRecord) -> Iterable[str]:
        assert isinstance(student.student_id, UUID)
        row = found[student.student_id]
        keys = chain(row["block_keys"] or (), school_keys(row["school_code"] or "", row["name_sound"] or ""))
        return asked.intersection(keys)

    return Register(
        StudentIndex.of((student_of(entity, row) for entity, row in found.items()), former, keys_of),
        {entity: StudentPlace(row["division_code"], row["school_code"]) for entity, row in found.items()},
    )


def standing_decisions(raw: psycopg.Connection[Any], entries: Sequence[UUID]) -> dict[UUID, Standing]:
    """The decisions that stand about these rows."""
    return {row[0]: Standing(*row[1:]) for row in raw.execute(_DECIDED, (UuidArray(entries),))}


def keep_decisions(raw: psycopg.Connection[Any], decisions: Sequence[tuple[UUID, Standing]]) -> None:
    """Note what stands now, in the transaction that appends it."""
    columns: list[list[Any]] = [[], [], [], [], [], []]
    for entry_id, each in decisions:
        row = (entry_id, each.version, each.state, each.student_id, each.content, each.by_number)
        for column, value in zip(columns, row, strict=True):
            column.append(value)
    raw.execute(
        "INSERT INTO decided (entry_id, version, state, student_id, content, by_number)"
        " SELECT * FROM unnest(%s::uuid[], %s::integer[], %s::text[], %s::uuid[], %s::bytea[], %s::boolean[])"
        " ON CONFLICT (entry_id) DO UPDATE SET version = excluded.version, state = excluded.state,"
        " student_id = excluded.student_id, content = excluded.content, by_number = excluded.by_number",
        columns,
    )


def _facts(row: dict[str, Any]) -> RowFacts:
    return RowFacts(
        entry_id=row["entity"],
        list=row["list"],
        agency=row["agency"],
        standing=bool(row["standing"]),
        removal_reason=row["removal_reason"],
        effective_on=row["valid_from"],
        division_code=row["division_code"],
        household_type=row["household_type"],
        support_type=row["support_type"],
        area_type=row["area_type"],
        coverage=row["coverage"],
        disability_kind=row["disability_kind"],
        disability_grade=row["disability_grade"],
        valid_from=row["starts_on"],
        valid_to=row["ends_on"],
    )


def _record(row: dict[str, Any], members: dict[UUID, int]) -> EntryRecord | None:
    if not row["standing"]:
        return None
    alone = row["household_key"] is None or members.get(row["household_key"], 1) == 1
    return entry_of(row, bool(row["stands_for_household"]) and alone)


def named_students(raw: psycopg.Connection[Any], students: Collection[UUID]) -> tuple[Register, list[StudentRecord]]:
    """These students, whatever keys they share with a row; those who are not in the register are absent."""
    found = _students(raw, _BY_ID, {"students": UuidArray(students)}) if students else {}
    return _register(found), [student_of(entity, found[entity]) for entity in sorted(found)]

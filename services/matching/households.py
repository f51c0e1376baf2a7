"""Reads what proves that a listed head and a student are of one household, in sets; and which rows rest on it.

A member of a registered household is a student of the register when the registry said so, or else by the identity
number, whichever of household and enrolment came first.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from uuid import UUID

import psycopg
from psycopg.rows import namedtuple_row

from services.matching.candidates import HouseholdMember
from services.matching.commands import StudentPlace
from services.matching.household_cover import ENTERED_IN_ERROR, Proof, RowPeriod, Span, Support
from services.matching.index_rows import named_students
from services.matching.names import comparable
from services.matching.records import EntryRecord, StudentRecord
from shared.database.arrays import TextArray, UuidArray
from shared.eventsourcing.open_dates import FOREVER

# Rows of adults whose households these changes touch, and rows beside which another row of the household came or went.
_TOUCHED = """
WITH households AS (
    SELECT household_id FROM household_members WHERE household_id = ANY(%(households)s)
    UNION SELECT household_id FROM household_members WHERE student_id = ANY(%(students)s)
    UNION SELECT household_id FROM household_members WHERE id_number = ANY(%(numbers)s)
    UNION SELECT member.household_id FROM unnest(%(students)s) AS changed (entity)
    CROSS JOIN LATERAL (SELECT id_number FROM students WHERE entity = changed.entity OFFSET 0) AS own
    CROSS JOIN LATERAL (SELECT household_id FROM household_members WHERE id_number = own.id_number OFFSET 0) AS member
), adults AS (
    SELECT id_number FROM households CROSS JOIN LATERAL (
        SELECT id_number FROM household_members WHERE household_id = households.household_id OFFSET 0
    ) AS member
    UNION SELECT guardian_number FROM students WHERE entity = ANY(%(students)s)
)
SELECT listed.entity FROM adults CROSS JOIN LATERAL (
    SELECT entity FROM entries
    WHERE id_number = adults.id_number AND (stands_for_household OR coverage = 'single') OFFSET 0
) AS listed
UNION
SELECT beside.entity FROM unnest(%(entries)s) AS changed (entity)
CROSS JOIN LATERAL (SELECT household_key FROM entries WHERE entity = changed.entity OFFSET 0) AS own
CROSS JOIN LATERAL (
    SELECT entity FROM entries WHERE household_key = own.household_key AND stands_for_household OFFSET 0
) AS beside
"""
_ROWS = """
SELECT entity, valid_from, valid_to, standing, removal_reason, stands_for_household, name, id_number,
       number_contradicted, household_key, list, agency, household_type, support_type, area_type, coverage,
       starts_on, ends_on
FROM entries
WHERE entity = ANY(
    ARRAY(SELECT entity FROM entries WHERE entity = ANY(%(entries)s) AND stands_for_household) || %(covering)s
)
ORDER BY entity, valid_from
"""
_BESIDE = "SELECT household_key, entity, valid_from, valid_to FROM entries WHERE standing AND household_key = ANY(%s)"
_SHARED_HOUSEHOLDS = """
SELECT head.id_number AS number, head.name, head.household_id, member.entity AS member, student.entity AS student,
       student.enrolled, greatest(head.valid_from, member.valid_from) AS since,
       least(head.valid_to, member.valid_to) AS until
FROM household_members head
JOIN household_members member ON member.household_id = head.household_id AND member.entity <> head.entity
    AND member.belongs AND member.valid_from < head.valid_to AND member.valid_to > head.valid_from
JOIN LATERAL (
    SELECT entity, enrolled FROM students WHERE entity = member.student_id AND valid_to = 'infinity'
    UNION ALL
    SELECT entity, enrolled FROM students
    WHERE member.student_id IS NULL AND id_number = member.id_number AND valid_to = 'infinity'
) student ON true
WHERE head.belongs AND head.id_number = ANY(%s)
"""
_GUARDIANS = """
SELECT guardian_number AS number, guardian_name AS name, entity AS student, valid_from AS since, valid_to AS until
FROM students WHERE guardian_number = ANY(%s)
"""
_LISTED = """
SELECT DISTINCT id_number FROM entries
WHERE valid_to = 'infinity' AND standing AND list = 'civil' AND id_number = ANY(%s)
"""


@dataclass(frozen=True)
class HouseholdRows:
    """List rows that stand for households, or did: their periods, other rows of the households, and the proofs."""

    periods: dict[UUID, list[RowPeriod]]
    beside: dict[UUID, list[tuple[UUID, Span]]]  # household key → (row, days on its list)
    proofs: dict[str, list[Proof]] = field(default_factory=dict)

    def besides(self, entry_id: UUID) -> list[tuple[UUID, Span]]:
        """(household key, days) of the other rows of this row's households."""
        keys = {period.household_key for period in self.periods[entry_id] if period.household_key is not None}
        return [(key, days) for key in keys for other, days in self.beside.get(key, ()) if other != entry_id]

    def proofs_of(self, entry_id: UUID) -> list[Proof]:
        """The proofs for whoever the row names."""
        numbers = {period.number for period in self.periods[entry_id]}
        return [proof for number in sorted(numbers) for proof in self.proofs.get(number, ())]


class Households(NamedTuple):
    """``members``: number of a listed adult → students of his registered household; ``places``: where they are."""

    members: Mapping[str, tuple[HouseholdMember, ...]]
    places: Mapping[UUID, StudentPlace]


class HouseholdWork(NamedTuple):
    """What changed: ids of students, households and list rows, and identity numbers."""

    students: Collection[UUID]
    households: Collection[UUID]
    entries: Collection[UUID]
    numbers: Collection[str]


def touched_by_households(raw: psycopg.Connection[Any], work: HouseholdWork) -> set[UUID]:
    """The list rows whose household these changes may concern."""
    sought = {
        "students": UuidArray(work.students),
        "households": UuidArray(work.households),
        "entries": UuidArray(work.entries),
        "numbers": TextArray(work.numbers),
    }
    return {row[0] for row in raw.execute(_TOUCHED, sought)}


def household_rows(raw: psycopg.Connection[Any], entries: Sequence[UUID], covering: Sequence[UUID]) -> HouseholdRows:
    """Those of ``entries`` that ever stood for a household, and those that have covers (``covering``)."""
    with raw.cursor(row_factory=namedtuple_row) as cursor:
        found: list[Any] = cursor.execute(
            _ROWS, {"entries": UuidArray(entries), "covering": UuidArray(covering)}
        ).fetchall()
    periods: defaultdict[UUID, list[RowPeriod]] = defaultdict(list)
    for row in found:
        periods[row.entity].append(_period(row))
    known = [period for each in periods.values() for period in each if period.stands]
    beside: defaultdict[UUID, list[tuple[UUID, Span]]] = defaultdict(list)
    if keys := list({period.household_key for period in known if period.household_key is not None}):
        for key, entity, since, until in raw.execute(_BESIDE, (keys,)):
            beside[key].append((entity, Span(since, until)))
    numbers = {period.number for period in known if period.number}
    proofs: defaultdict[str, list[Proof]] = defaultdict(list)
    for proof in (*shared_households(raw, numbers), *_guardians(raw, numbers)):
        proofs[proof.number].append(proof)
    return HouseholdRows(dict(periods), beside, proofs)


def shared_households(raw: psycopg.Connection[Any], numbers: Collection[str]) -> list[Proof]:
    """The students of the register who share a registered household with whoever has one of these numbers. A member
    whose number several present students claim proves nothing."""
    if not numbers:
        return []
    with raw.cursor(row_factory=namedtuple_row) as cursor:
        found: list[Any] = cursor.execute(_SHARED_HOUSEHOLDS, (TextArray(numbers),)).fetchall()
    claims: defaultdict[UUID, dict[UUID, bool]] = defaultdict(dict)
    for row in found:
        claims[row.member][row.student] = bool(row.enrolled)
    return [
        Proof(row.number, comparable(row.name or ""), row.student, Span(row.since, row.until), row.household_id)
        for row in found
        if _alone(row.student, claims[row.member])
    ]


def households_for(raw: psycopg.Connection[Any], records: Iterable[EntryRecord]) -> Households:
    """The students of the register who are of one registered household with a listed adult until further notice. Only
    for rows whose outcome asks for them."""
    numbers = {each.id_number for each in records if (each.stands_for_household or each.covers_one) and each.id_number}
    proofs = [proof for proof in shared_households(raw, numbers) if proof.days.until >= FOREVER]
    if not proofs:
        return Households({}, {})
    register, students = named_students(raw, {proof.student_id for proof in proofs})
    known: dict[Any, StudentRecord] = {each.student_id: each for each in students}
    listed = {row[0] for row in raw.execute(_LISTED, ([each.id_number for each in students if each.id_number],))}
    members: defaultdict[str, set[HouseholdMember]] = defaultdict(set)
    for proof in proofs:
        student = known[proof.student_id]
        members[proof.number].add(HouseholdMember(proof.name, student, student.id_number in listed))
    return Households({number: tuple(each) for number, each in members.items()}, register.places)


def _guardians(raw: psycopg.Connection[Any], numbers: Collection[str]) -> list[Proof]:
    if not numbers:
        return []
    with raw.cursor(row_factory=namedtuple_row) as cursor:
        found: list[Any] = cursor.execute(_GUARDIANS, (TextArray(numbers),)).fetchall()
    return [Proof(row.number, comparable(row.name or ""), row.student, Span(row.since, row.until)) for row in found]


def _alone(student: UUID, claims: Mapping[UUID, bool]) -> bool:
    present = [each for each, enrolled in claims.items() if enrolled] or list(claims)
    return present == [student]


def _period(row: Any) -> RowPeriod:
    stands = bool(row.standing and row.stands_for_household and not row.number_contradicted)
    return RowPeriod(
        days=Span(row.valid_from, row.valid_to),
        stands=stands,
        void=not row.standing and row.removal_reason == ENTERED_IN_ERROR,
        name=comparable(row.name or ""),
        number=row.id_number or "",
        household_key=row.household_key,
        support=Support(
            list=row.list,
            agency=row.agency,
            household_type=row.household_type,
            support_type=row.support_type,
            area_type=row.area_type,
            coverage=row.coverage,
            starts_on=row.starts_on,
            ends_on=row.ends_on,
        ),
    )

"""Keyed ids and digests: the same agency record always names the same stream, and nobody without the key can tell which
person an id stands for (design.md §3, invariant 4)."""

from __future__ import annotations

from datetime import date
from uuid import UUID

import msgspec

from services.registry.commands import StudentRecord
from services.registry.sheets.lists import ListRow
from shared.kernel.identifiers import keyed_digest, keyed_id

TERM_PLAN = "term-plan"
EDUCATION = "education"  # the agency that keeps the student register

# What the row does not say itself: the key of a row without a number must not change when a school becomes known.
_FOUND_OUT = frozenset(("school_key", "school_elsewhere"))
_UNSAID = ("", None, False)

_encoder = msgspec.json.Encoder(order="sorted")


class Keys:
    """The registry's ids, all from its one HMAC key."""

    def __init__(self, hmac_key: bytes) -> None:
        self._key = hmac_key

    def school(self, school_code: str) -> UUID:
        return keyed_id(self._key, "school", school_code)

    def division(self, code: str) -> UUID:
        return keyed_id(self._key, "division", code)

    def calendar(self, division: str, school: str | None, school_year: int) -> UUID:
        """One stream per place and school year."""
        return keyed_id(self._key, "calendar", division, school or "", str(school_year))

    def term_plan(self) -> UUID:
        """The stream the first plan is planted in as configuration."""
        return keyed_id(self._key, "configuration", TERM_PLAN)

    def term_task(self, school_year: int, term: str, task: str, school: str | None) -> UUID:
        """One stream per term and task, and for each school its own of a school's task."""
        return keyed_id(self._key, "term-task", str(school_year), term, task, school or "")

    def student(self, record: StudentRecord) -> UUID:
        """By identity number, else by student number, else by content; all as first seen."""
        return keyed_id(self._key, "student", EDUCATION, student_record_key(record))

    def student_by_number(self, id_number: str) -> UUID:
        """The stream that a record with this identity number names."""
        return keyed_id(self._key, "student", EDUCATION, f"identity:{id_number}")

    def entry(self, agency: str, list_name: str, part: str, record_key: str, occurrence: int) -> UUID:
        """Who stands on two parts of a list (allowance and extreme hardship) has an entry on each."""
        return keyed_id(self._key, "entry", agency, list_name, part, record_key, str(occurrence))

    def household(self, list_name: str, household_number: str) -> UUID:
        """户编号 and 低保证号 are separate name spaces, so the list is part of the key."""
        return keyed_id(self._key, "household", list_name, household_number)

    def household_proposal(self, principal: str, command_id: UUID) -> UUID:
        return keyed_id(self._key, "household proposal", principal, str(command_id))

    def request(self, principal: str, command_id: UUID) -> UUID:
        return keyed_id(self._key, "change request", principal, str(command_id))

    def paper(self, principal: str, command_id: UUID) -> UUID:
        return keyed_id(self._key, "paper", principal, str(command_id))

    def person(self, id_number: str | None, otherwise: UUID) -> UUID:
        """Whose key seals the block: one person in all sources by identity number; without one, the record's own."""
        return otherwise if id_number is None else keyed_id(self._key, "person", id_number)

    def member(self, household_id: UUID, name: str) -> UUID:
        """A member without a usable identity number, within the household."""
        return keyed_id(self._key, "member", str(household_id), name)

    def submission(self, agency: str, principal: str, command_id: UUID) -> UUID:
        return keyed_id(self._key, "submission", agency, principal, str(command_id))

    def promotion(self, principal: str, command_id: UUID) -> UUID:
        return keyed_id(self._key, "promotion", principal, str(command_id))

    def change(self, principal: str, command_id: UUID) -> UUID:
        return keyed_id(self._key, "change", principal, str(command_id))

    def attendance(self, school_code: str, stage: str, grade: str, class_name: str, day: date) -> UUID:
        """One stream for each class and day: a class's own would be loaded whole at every report."""
        return keyed_id(self._key, "attendance", school_code, stage, grade, class_name, day.isoformat())

    def care(self, student_id: UUID) -> UUID:
        """The child's care record: a stream apart, which nobody loads who only moves the child."""
        return keyed_id(self._key, "care", str(student_id))

    def part(self, whole: UUID, kind: str, number: int) -> UUID:
        """The command id of one chunk: from the submission and the chunk's number (invariant 3)."""
        return keyed_id(self._key, "part", str(whole), kind, str(number))

    def record(self, topic_id: str, partition: int, offset: int) -> UUID:
        """The command id of one record of an agency's topic."""
        return keyed_id(self._key, "agency record", topic_id, str(partition), str(offset))

    def reader(self, viewer: str, day: date) -> UUID:
        """Who read what on one day: a stream for ever would be loaded whole at every read."""
        return keyed_id(self._key, "reader", viewer, day.isoformat())

    def contract(self, agency: str, list_name: str) -> UUID:
        """How often an agency reports a list."""
        return keyed_id(self._key, "freshness contract", agency, list_name)

    def silence(self, agency: str, list_name: str) -> UUID:
        """When an agency was silent about a list."""
        return keyed_id(self._key, "silence", agency, list_name)

    def clock(self) -> UUID:
        return keyed_id(self._key, "clock")

    def digest(self, value: object) -> str:
        """A keyed digest (128 bits, hex) of plain data; equal for equal content, and no guess can be tried without
        the key."""
        return keyed_digest(self._key, b"digest\x00" + _encoder.encode(value))[:16].hex()


def student_record_key(record: StudentRecord) -> str:
    """The register's own key of a row. The identity number comes first: a G number repeats it, and a child enrolled
    without a student number, or with a temporary one, is the same child when the G number arrives."""
    if record.id_number:
        return f"identity:{record.id_number}"
    if record.student_number:
        return f"number:{record.student_number}"
    born = record.birth_date.isoformat() if record.birth_date else ""
    return f"content:{record.school_code}|{record.name}|{record.sex or ''}|{born}|{record.guardian_name or ''}"


def entry_record_key(row: ListRow) -> str:
    """The agency's own key of a row: the person number of the poverty register, else the identity number (which is
    also the first part of a disability certificate), else the row's normalised content."""
    if row.list == "poverty" and row.person_number:
        return f"person:{row.person_number}"
    if row.id_number:
        return f"identity:{row.id_number}"
    said = {name: value for name, value in content_of(row).items() if value not in _UNSAID and name not in _FOUND_OUT}
    return "content:" + _encoder.encode(said).decode()


def content_of(row: ListRow) -> dict[str, object]:
    """What the row says, without where it stands in the file and without the judgement on it."""
    content = msgspec.structs.asdict(row)
    del content["row"], content["problems"]
    return content


def household_number_of(row: ListRow) -> str:
    """The number that rows of one household share on this list; empty when the row has none."""
    return (row.allowance_number or row.household_number) if row.list == "civil" else row.household_number

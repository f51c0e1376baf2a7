"""What a row and a student share besides number and name; small questions that several rungs ask."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from services.matching.name_relation import SAME_NAME, name_relation, read
from services.matching.outcome import CANDIDATES_HIGHEST, Outcome, State, StudentId
from services.matching.records import EntryRecord, StudentRecord

SCORES = {"R1": 1.0, "R2": 0.95, "R3": 0.6, "R4": 0.9, "R5": 0.4, "R6": 0.4, "R7": 0.9}
_SEX_DIGIT = 16


def review(
    rule: str, reason: str, found: Iterable[StudentRecord], score: float | None = None, **facts: object
) -> Outcome:
    """A review that names these students, the first ones first when they are given in order."""
    ids = _distinct(found)
    single = ids[0] if len(ids) == 1 else None
    weight = SCORES[rule] / 2 if score is None else score
    return Outcome(State.REVIEW, rule, weight, reason, single, ids[:CANDIDATES_HIGHEST], {"count": len(ids), **facts})


def linked(rule: str, reason: str, student: StudentRecord, score: float | None = None) -> Outcome:
    """A link to this student."""
    known = student.student_id
    return Outcome(State.LINKED, rule, SCORES[rule] if score is None else score, reason, known, (known,))


def in_order(found: Iterable[StudentRecord]) -> list[StudentRecord]:
    """Students in an order that does not depend on who came first."""
    return sorted(found, key=lambda student: (len(str(student.student_id)), str(student.student_id)))


def number_sex(number: str | None) -> str | None:
    """The sex that a number of 18 characters states in its seventeenth; None when it cannot be read."""
    digit = number[_SEX_DIGIT] if number and len(number) == _SEX_DIGIT + 2 else ""
    return None if not digit.isdigit() else "male" if int(digit) % 2 else "female"


def student_sex(student: StudentRecord) -> str | None:
    """The sex in the number, which is checked, before the one stated."""
    return number_sex(student.id_number) or student.sex


def contradicts_itself(entry: EntryRecord) -> bool:
    """The row states another birth date or sex than its own valid number."""
    stated = entry.sex
    return entry.birth_date_contradicted or bool(entry.id_number and stated and stated != number_sex(entry.id_number))


def same_guardian(entry: EntryRecord, student: StudentRecord) -> bool:
    """The row names the student's guardian, by number or by name, as guardian or as head of the household.

    A head's own row names himself as head, which says nothing about a student of his name.
    """
    if entry.guardian_id and entry.guardian_id == student.guardian_id:
        return True
    if not student.guardian_name:
        return False
    return any(
        name_relation(adult, student.guardian_name) in SAME_NAME and name_relation(adult, entry.name) not in SAME_NAME
        for adult in (entry.guardian_name, entry.head_name)
        if adult
    )


def same_surroundings(entry: EntryRecord, student: StudentRecord) -> bool:
    """The same school, or the same guardian."""
    return (bool(entry.school_key) and entry.school_key == student.school_key) or same_guardian(entry, student)


def one_family(one: StudentRecord, other: StudentRecord) -> bool:
    """Two students whose register entries name one guardian."""
    if one.guardian_id and one.guardian_id == other.guardian_id:
        return True
    return bool(one.guardian_name) and one.guardian_name == other.guardian_name


def twin_like(one: StudentRecord, other: StudentRecord) -> bool:
    """Two students of one surname born on one day: as twins are."""
    if one.birth_date is None or one.birth_date != other.birth_date:
        return False
    ours, theirs = read(one.name), read(other.name)
    return one_family(one, other) or (bool(ours) and ours[:1] == theirs[:1])


def birth_dates(entry: EntryRecord) -> tuple[date, ...]:
    """The stated birth date, or else the one readable in an unusable number."""
    born = entry.birth_date or entry.suggested_birth_date
    return () if born is None else (born,)


def _distinct(found: Iterable[StudentRecord]) -> tuple[StudentId, ...]:
    return tuple(dict.fromkeys(student.student_id for student in found))

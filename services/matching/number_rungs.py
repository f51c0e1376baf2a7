"""Rungs for rows with a valid number: R1 and R2 link, R3 and R5 review; and the guards before a link.

A typing slip breaks the check digit, so an equal valid number means the same person unless somebody wrote another
person's number into the row: a brother's, a guardian's. Every guard looks for traces of that.
"""

from __future__ import annotations

from services.matching.candidates import Candidates
from services.matching.evidence import (
    contradicts_itself,
    in_order,
    linked,
    one_family,
    review,
    same_surroundings,
    twin_like,
)
from services.matching.name_relation import (
    COMPATIBLE,
    RANK,
    SAME_NAME,
    WILDCARD,
    NameRelation,
    name_relation,
    read,
    relation,
)
from services.matching.outcome import Outcome
from services.matching.records import EntryRecord, StudentRecord

_HALF_READ = frozenset((NameRelation.WILDCARD, NameRelation.TRUNCATED))


def shared_number(candidates: Candidates) -> Outcome | None:
    """Guard: two students claim the number."""
    found = candidates.same_number
    return review("R1", "number_shared", in_order(found)) if len(found) > 1 else None


def contradicted(entry: EntryRecord, candidates: Candidates) -> Outcome | None:
    """Guard: two valid numbers in one row name two people."""
    if not entry.number_contradicted:
        return None
    found = candidates.same_number or tuple(s for s in candidates.others if relation(entry, s) in SAME_NAME)
    return review("R3", "number_contradicted", in_order(found))


def settled(entry: EntryRecord, candidates: Candidates) -> bool:
    """Whether number and name alone decide, so that nobody else need be looked for."""
    found = candidates.same_number
    if len(found) != 1 or entry.number_contradicted:
        return False
    return relation(entry, found[0]) is NameRelation.EQUAL


def unmet(entry: EntryRecord, candidates: Candidates) -> bool:
    """Whether nobody has the row's number, which nothing in the row contradicts.

    Of everyone who shares a block key the ladder then looks only at students without a number (score_rung) and at those
    of the row's name in its surroundings (`two_numbers`), so that nobody else need be looked for.
    """
    return entry.id_number is not None and not candidates.same_number and not entry.number_contradicted


def number_and_name(entry: EntryRecord, candidates: Candidates) -> Outcome | None:
    """R1, R2 and R3: one student has the number."""
    if len(candidates.same_number) != 1:
        return None
    student = candidates.same_number[0]
    found = relation(entry, student)
    if found is NameRelation.EQUAL:
        return linked("R1", "number_and_name_agree", student)
    if found in COMPATIBLE:
        return _guarded(entry, candidates, student, found) or linked("R2", f"name_{found}", student)
    rivals = _rivals(entry, candidates, student)
    if rivals:
        return review("R3", "number_of_another", [student, *rivals])
    return review("R3", "name_differs" if _says_something(entry.name) else "name_missing", [student])


def _says_something(name: str) -> bool:
    """Some character of the name can be read."""
    return any(position != WILDCARD for position in read(name))


def _guarded(entry: EntryRecord, candidates: Candidates, student: StudentRecord, found: NameRelation) -> Outcome | None:
    """The guards before R2: the number is this student's, but is the row about her?"""
    rivals = _rivals(entry, candidates, student)
    if rivals:
        return review("R2", "name_fits_another", [student, *rivals])
    if contradicts_itself(entry):
        return review("R2", "row_contradicts_number", [student])
    if _several_names(entry, candidates, student):
        return review("R2", "number_several_names", [student])
    return None


def _rivals(entry: EntryRecord, candidates: Candidates, student: StudentRecord) -> list[StudentRecord]:
    """Students whom the name fits better than the number's owner, near enough to have been mixed up with her; as well
    is enough for a name of which a part is missing: 王小* is either of two sisters."""
    others = (s for s in candidates.others if s.student_id != student.student_id)
    return in_order(s for s in others if _fits_another(entry, s, student) and _near(entry, s, student))


def _several_names(entry: EntryRecord, candidates: Candidates, student: StudentRecord) -> bool:
    """Other rows give the number to somebody else, or the same list gives it two names.

    Another office's slip in the student's own name says nothing; an office that lists the number twice under two names
    has put one child's number into another's row.
    """
    return any(
        known == entry.list_name or name_relation(name, student.name) is NameRelation.INCOMPATIBLE
        for known, name in candidates.listed.names
        if name_relation(name, entry.name) not in SAME_NAME
    )


def _fits_another(entry: EntryRecord, other: StudentRecord, student: StudentRecord) -> bool:
    ours, owners = relation(entry, other), relation(entry, student)
    if ours not in COMPATIBLE:
        return False
    return RANK[ours] < RANK[owners] or (ours is owners and ours in _HALF_READ)


def _near(entry: EntryRecord, other: StudentRecord, student: StudentRecord) -> bool:
    """The other student is a brother, sister or twin of the number's owner, or the row's own particulars fit her."""
    if one_family(other, student) or twin_like(other, student):
        return True
    return same_surroundings(entry, other) and not same_surroundings(entry, student)


def guardian_number(entry: EntryRecord, candidates: Candidates) -> Outcome | None:
    """R3: the number is the guardian's of the student whom the row names. A guardian of her name is listed himself."""
    children = [
        s
        for s in candidates.same_guardian
        if relation(entry, s) in COMPATIBLE and name_relation(entry.name, s.guardian_name) not in SAME_NAME
    ]
    return review("R3", "guardian_number", in_order(children)) if children else None


def two_numbers(entry: EntryRecord, candidates: Candidates) -> Outcome | None:
    """R5: both numbers are valid and differ. Two people, unless the student number or everything else says that a
    number is wrong."""
    if entry.id_number is None:
        return None
    copied = [s for s in candidates.others if s.other_number == entry.id_number]
    if copied:
        return review("R5", "number_in_student_number", in_order(copied))
    likely = [s for s in candidates.others if s.id_number and _likely_one_child(entry, s)]
    return review("R5", "numbers_differ", in_order(likely)) if likely else None


def _likely_one_child(entry: EntryRecord, student: StudentRecord) -> bool:
    """Name and school, or name and guardian: a wrong number in the row or in the register, or one name twice there."""
    return same_surroundings(entry, student) and relation(entry, student) in SAME_NAME

"""The ladder: rules tried in order, the first that has an opinion decides. Pure; no storage, clock or chance.

R1  valid identity number and name agree                          → linked
R3  the number agrees, the name does not, or it is the guardian's → review
R4  the number is invalid, a student of the same name is close    → review
R6  no usable number, name and birth date (school, guardian) agree → review
then out of age (R7: an adult who alone stands for a household that has students), rejected, registered elsewhere,
not in the register. Guards before R1 turn a link into a review.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date

from rapidfuzz.distance import OSA

from services.matching.outcome import CANDIDATES_HIGHEST, Outcome, State, StudentId
from services.matching.records import EntryRecord, StudentRecord
from shared.standards import age
from shared.standards.cell_text import number_text

SCORES = {"R1": 1.0, "R3": 0.6, "R4": 0.5, "R6": 0.4, "R7": 0.3, "": 0.0}
LOST_DIGITS = frozenset(("numeric_cell", "scientific_notation"))


@dataclass(frozen=True, slots=True)
class Candidates:
    """Students who could be meant: with the row's number, with the row's name, with the row's number as guardian's."""

    same_number: tuple[StudentRecord, ...] = ()
    same_name: tuple[StudentRecord, ...] = ()
    same_guardian: tuple[StudentRecord, ...] = ()


@dataclass(frozen=True, slots=True)
class Rules:
    """Configuration of the ladder; `version` is named by every decision."""

    version: str = "ladder-1"
    lowest_age_years: int = age.AID_AGE_LOWEST_YEARS
    highest_age_years: int = age.AID_AGE_HIGHEST_YEARS


DEFAULT_RULES = Rules()

Rung = Callable[[EntryRecord, Candidates, Rules, date], Outcome | None]


def decide(entry: EntryRecord, candidates: Candidates, rules: Rules, as_of: date) -> Outcome:
    """The one outcome of a row on a day. Same arguments, same outcome."""
    for rung in LADDER:
        outcome = rung(entry, candidates, rules, as_of)
        if outcome is not None:
            return outcome
    raise AssertionError("the last rung always decides")


def _lost_digits(entry: EntryRecord, candidates: Candidates, rules: Rules, as_of: date) -> Outcome | None:
    if entry.id_number is None and entry.number_problem in LOST_DIGITS:
        return Outcome(State.REJECTED, "", 0.0, f"number_{entry.number_problem}")
    return None


def _shared_number(entry: EntryRecord, candidates: Candidates, rules: Rules, as_of: date) -> Outcome | None:
    found = candidates.same_number
    return _review("R1", "number_shared", found) if len(found) > 1 else None


def _contradicted(entry: EntryRecord, candidates: Candidates, rules: Rules, as_of: date) -> Outcome | None:
    if not entry.number_contradicted:
        return None
    return _review("R3", "number_contradicted", candidates.same_number or candidates.same_name)


def _number_and_name(entry: EntryRecord, candidates: Candidates, rules: Rules, as_of: date) -> Outcome | None:
    if len(candidates.same_number) != 1 or candidates.same_number[0].name != entry.name or not entry.name:
        return None
    student = candidates.same_number[0].student_id
    return Outcome(State.LINKED, "R1", SCORES["R1"], "number_and_name_agree", student, (student,))


def _name_differs(entry: EntryRecord, candidates: Candidates, rules: Rules, as_of: date) -> Outcome | None:
    if not candidates.same_number:
        return None
    return _review("R3", "name_differs" if entry.name else "name_missing", candidates.same_number)


def _guardian_number(entry: EntryRecord, candidates: Candidates, rules: Rules, as_of: date) -> Outcome | None:
    if entry.id_number is None:
        return None
    # A guardian of the same name as the child is listed for himself.
    children = [s for s in candidates.same_name if s.guardian_id == entry.id_number and s.guardian_name != entry.name]
    return _review("R3", "guardian_number", children)


def _register_without_number(entry: EntryRecord, candidates: Candidates, rules: Rules, as_of: date) -> Outcome | None:
    if entry.id_number is None or entry.birth_date is None:
        return None
    found = [s for s in candidates.same_name if s.id_number is None and s.birth_date == entry.birth_date]
    return _review("R6", "register_has_no_number", found)


def _one_slip(entry: EntryRecord, candidates: Candidates, rules: Rules, as_of: date) -> Outcome | None:
    if entry.id_number is not None or not entry.id_text:
        return None
    text = number_text(entry.id_text)
    close = [s for s in candidates.same_name if s.id_number and OSA.distance(text, s.id_number, score_cutoff=1) <= 1]
    return _review("R4", "number_one_slip", close)


def _without_number(entry: EntryRecord, candidates: Candidates, rules: Rules, as_of: date) -> Outcome | None:
    if entry.id_number is not None:
        return None
    rule = "R4" if entry.number_problem else "R6"
    born = entry.birth_date or entry.suggested_birth_date
    same_birth = [s for s in candidates.same_name if born is not None and s.birth_date == born]
    if len(same_birth) > 1:
        same_birth = [s for s in same_birth if _same_surroundings(entry, s)] or same_birth
    if same_birth:
        reason = "name_and_birth_date_agree" if len(same_birth) == 1 else "several_candidates"
        return _review(rule, reason, same_birth)
    if entry.birth_date is not None:
        return None  # a stated birth date that nobody of this name has: another person
    around = [s for s in candidates.same_name if _same_surroundings(entry, s)]
    return _review(rule, "name_and_school_agree" if len(around) == 1 else "several_candidates", around)


def _out_of_age(entry: EntryRecord, candidates: Candidates, rules: Rules, as_of: date) -> Outcome | None:
    born = entry.birth_date
    if born is None and entry.number_problem == "fifteen_digit":
        born = entry.suggested_birth_date
    lowest, highest = rules.lowest_age_years, rules.highest_age_years
    if born is None or age.of_aid_age(born, as_of, lowest, highest):
        return None
    if entry.stands_for_household and candidates.same_guardian:
        # The adult himself is out of age; the children he is guardian of are named for a person to prove the link.
        ids = _ids(candidates.same_guardian)
        return Outcome(State.OUT_OF_AGE, "R7", SCORES["R7"], "household_link_unproven", None, ids[:CANDIDATES_HIGHEST])
    return Outcome(State.OUT_OF_AGE, "", 0.0, "age", facts={"lowest": lowest, "highest": highest})


def _unusable(entry: EntryRecord, candidates: Candidates, rules: Rules, as_of: date) -> Outcome | None:
    if entry.id_number is not None or (entry.name and entry.birth_date is not None):
        return None
    if entry.number_problem is not None:
        return Outcome(State.REJECTED, "", 0.0, f"number_{entry.number_problem}")
    return Outcome(State.REJECTED, "", 0.0, "nothing_to_match" if entry.name else "row_empty")


def _elsewhere(entry: EntryRecord, candidates: Candidates, rules: Rules, as_of: date) -> Outcome | None:
    if not entry.school_elsewhere:
        return None
    return Outcome(State.REGISTERED_ELSEWHERE, "", 0.0, "school_elsewhere")


def _not_in_register(entry: EntryRecord, candidates: Candidates, rules: Rules, as_of: date) -> Outcome | None:
    reason = "not_found" if entry.id_number is not None else "not_found_without_number"
    return Outcome(State.NOT_IN_REGISTER, "", 0.0, reason)


LADDER: tuple[Rung, ...] = (
    _lost_digits,
    _shared_number,
    _contradicted,
    _number_and_name,
    _name_differs,
    _guardian_number,
    _register_without_number,
    _one_slip,
    _without_number,
    _out_of_age,
    _unusable,
    _elsewhere,
    _not_in_register,
)


def _same_surroundings(entry: EntryRecord, student: StudentRecord) -> bool:
    same_school = bool(entry.school_key) and entry.school_key == student.school_key
    return same_school or (bool(entry.guardian_name) and entry.guardian_name == student.guardian_name)


def _ids(found: Iterable[StudentRecord]) -> tuple[StudentId, ...]:
    """Distinct, in an order that does not depend on who came first."""
    return tuple(sorted({s.student_id for s in found}, key=lambda known: (len(str(known)), str(known))))


def _review(rule: str, reason: str, found: Iterable[StudentRecord]) -> Outcome | None:
    ids = _ids(found)
    if not ids and reason != "number_contradicted":
        return None
    single = ids[0] if len(ids) == 1 else None
    facts = {"count": len(ids)}
    return Outcome(State.REVIEW, rule, SCORES[rule], reason, single, ids[:CANDIDATES_HIGHEST], facts)


@dataclass(slots=True)
class StudentIndex:
    """Students of the register in memory, found by number, by name and by guardian."""

    _by_number: dict[str, list[StudentRecord]] = field(default_factory=dict)
    _by_name: dict[str, list[StudentRecord]] = field(default_factory=dict)
    _by_guardian: dict[str, list[StudentRecord]] = field(default_factory=dict)

    @classmethod
    def of(cls, students: Iterable[StudentRecord]) -> StudentIndex:
        index = cls()
        for student in students:
            index.add(student)
        return index

    def add(self, student: StudentRecord) -> None:
        """Note a student; one with the same id must have been removed before."""
        for table, key in self._keys(student):
            table.setdefault(key, []).append(student)

    def remove(self, student: StudentRecord) -> None:
        """Forget a student that was added. Raises KeyError or ValueError when it was not."""
        for table, key in self._keys(student):
            table[key].remove(student)
            if not table[key]:
                del table[key]

    def candidates(self, entry: EntryRecord) -> Candidates:
        """Everyone the ladder may consider for the row."""
        number = entry.id_number
        return Candidates(
            tuple(self._by_number.get(number, ())) if number else (),
            tuple(self._by_name.get(entry.name, ())) if entry.name else (),
            tuple(self._by_guardian.get(number, ())) if number and entry.stands_for_household else (),
        )

    def _keys(self, student: StudentRecord) -> list[tuple[dict[str, list[StudentRecord]], str]]:
        keys = ((self._by_number, student.id_number), (self._by_name, student.name))
        return [(t, k) for t, k in (*keys, (self._by_guardian, student.guardian_id)) if k]

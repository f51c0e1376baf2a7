"""R6: no usable number on one side; the Fellegi–Sunter score of everything else decides, within guards.

At the model's automatic threshold a row is linked if the name is the student's own and tells her from others, nobody
else comes near and no twin stands beside her; from the review threshold on a person looks.
"""

from __future__ import annotations

from typing import NamedTuple, Protocol

from services.matching import tibetan_names
from services.matching.candidates import Candidates
from services.matching.evidence import birth_dates, linked, review, same_surroundings, student_sex, twin_like
from services.matching.name_relation import SAME_NAME, NameRelation, relation
from services.matching.outcome import Outcome
from services.matching.records import EntryRecord, StudentRecord

MARGIN_BITS = 10.0  # the next best must be a thousand times less likely
# Another spelling, a former or a shortened name is linked by nothing but an equal valid number (issue 4).
NUMBER_ONLY = frozenset((NameRelation.TRANSLITERATION, NameRelation.TRUNCATED, NameRelation.FORMER))


class Thresholds(Protocol):
    """In log2 units of the whole weight."""

    @property
    def automatic(self) -> float: ...
    @property
    def review(self) -> float: ...


class Scored(Protocol):
    """A pair's weight in log2 of the odds, and the same as a share."""

    @property
    def weight(self) -> float: ...
    @property
    def probability(self) -> float: ...


class Model(Protocol):
    """What a decision rests on and names; `hash` is SHA-256 of its content in hex."""

    @property
    def thresholds(self) -> Thresholds: ...
    @property
    def hash(self) -> str: ...


class Scorer(Protocol):
    """A model made ready to weigh a row against a student."""

    @property
    def model(self) -> Model: ...
    def weight(self, entry: EntryRecord, student: StudentRecord, /) -> float: ...
    def score(self, entry: EntryRecord, student: StudentRecord, /) -> Scored: ...


class Weighed(NamedTuple):
    """A student with the weight of her score."""

    weight: float
    student: StudentRecord


def scored(entry: EntryRecord, candidates: Candidates, scorer: Scorer) -> Outcome | None:
    """R6; None when nobody reaches the review threshold."""
    found = [s for s in candidates.others if entry.id_number is None or s.id_number is None]
    if not found:
        return None
    # Most candidates are nowhere near: only who is named in the outcome has her score taken apart.
    weighed = [Weighed(scorer.weight(entry, s), s) for s in found]
    weighed.sort(key=lambda each: (-each.weight, len(str(each.student.student_id)), str(each.student.student_id)))
    likely = [each for each in weighed if each.weight >= scorer.model.thresholds.review]
    if not likely:
        return _only_name(entry, weighed, scorer)
    best = likely[0]
    share = _share(entry, best.student, scorer)
    if best.weight >= scorer.model.thresholds.automatic:
        held = _held(entry, best, weighed)
        if held is None:
            return linked("R6", "score_agrees", best.student, share)
        return review("R6", held, [each.student for each in likely], share)
    return review("R6", _reason(entry, likely), [each.student for each in likely], share)


def _share(entry: EntryRecord, student: StudentRecord, scorer: Scorer) -> float:
    return round(scorer.score(entry, student).probability, 6)


def _only_name(entry: EntryRecord, weighed: list[Weighed], scorer: Scorer) -> Outcome | None:
    """Nobody reaches the threshold, but one student alone has the name, and sex, school or guardian speak for her.

    A row without a number and a birth date can say no more; a person who knows the family may.
    """
    if entry.id_number is not None or birth_dates(entry):
        return None  # a birth date, also one that an unusable number suggests, has been weighed
    named = [each for each in weighed if relation(entry, each.student) in SAME_NAME]
    if len(named) != 1:
        return None
    student = named[0].student
    if not same_surroundings(entry, student) and entry.sex != student_sex(student):
        return None
    if _contradicted(entry, student):
        return None
    return review("R6", "only_name_agrees", [student], _share(entry, student, scorer))


def _held(entry: EntryRecord, best: Weighed, weighed: list[Weighed]) -> str | None:
    """Why the best may not be linked without a person, or None."""
    name = relation(entry, best.student)
    if name in NUMBER_ONLY or name in (NameRelation.INCOMPATIBLE, NameRelation.MISSING):
        return "score_name_differs"
    others = weighed[1:]
    if others and best.weight - others[0].weight < MARGIN_BITS:
        return "score_runner_up"
    if name not in SAME_NAME:  # a sister elsewhere whose name sounds alike shares birth date, guardian and sex
        return "score_twin" if any(twin_like(each.student, best.student) for each in others) else "score_name_differs"
    if _contradicted(entry, best.student):
        return "score_birth_or_sex_differ"
    return "single_name" if tibetan_names.single(entry.name) else None


def _contradicted(entry: EntryRecord, student: StudentRecord) -> bool:
    """What both sides state of birth date and sex differs."""
    sex = student_sex(student)
    if entry.sex and sex and entry.sex != sex:
        return True
    return entry.birth_date is not None and student.birth_date not in (None, entry.birth_date)


def _reason(entry: EntryRecord, likely: list[Weighed]) -> str:
    if len(likely) > 1:
        return "several_candidates"
    student = likely[0].student
    if entry.id_number is not None:
        return "register_has_no_number"
    if relation(entry, student) in SAME_NAME:
        if student.birth_date in birth_dates(entry):
            return "name_and_birth_date_agree"
        if same_surroundings(entry, student):
            return "name_and_school_agree"
    return "score_review"

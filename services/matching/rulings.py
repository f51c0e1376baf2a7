"""R0: what a person rules about a list row stands before the ladder. Pure: no storage, clock or chance.

A ruling is pinned to digests of what was known of the row and of the students when it was given. While they stay the
ruling decides; once they change a person looks again, unless the ladder by itself comes to what was ruled. The outcome
is a function of the rulings that stand, of the evidence now and of the ladder, never of the order in which they came.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple
from uuid import UUID

import msgspec

from services.matching.errors import NothingToWithdraw
from services.matching.events import RowRuled, RulingWithdrawn, SecondOpinionAsked, Verdict
from services.matching.outcome import CANDIDATES_HIGHEST, Outcome, State, StudentId
from services.matching.records import EntryRecord, StudentRecord
from shared.kernel.facts import Fact
from shared.standards.separation import REVIEWS_DECIDE

RULE, SCORE = "R0", 1.0
Digest = Callable[..., str]
Ladder = Callable[[frozenset[StudentId]], Outcome]  # the ladder's outcome without these students


class Ruling(NamedTuple):
    """A ruling that was not withdrawn. ``evidence`` has one digest per student; ``version`` is its event's."""

    version: int
    verdict: Verdict
    students: tuple[UUID, ...]
    row_evidence: str
    evidence: tuple[str, ...]
    ruled_by: str
    answers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Ruled:
    """What people said about one row. ``rulings`` by version; ``asked_by``: who waits for a second opinion."""

    version: int = 0
    rulings: tuple[Ruling, ...] = ()
    asked_by: tuple[str, ...] = ()


class Pin(NamedTuple):
    """A student ruled about, with the evidence of then."""

    student_id: UUID
    row_evidence: str
    evidence: str


@dataclass(frozen=True, slots=True)
class InForce:
    """What the rulings come to: the one student it is, those it is not, and for ``nobody`` the row's evidence then."""

    link: Pin | None = None
    apart: tuple[Pin, ...] = ()
    nobody: str | None = None

    @property
    def students(self) -> frozenset[UUID]:
        """Everyone a ruling names."""
        return frozenset(pin.student_id for pin in (*self.apart, *((self.link,) if self.link else ())))

    def students_ruled_out(self, row_evidence: str | None, evidence: Mapping[UUID, str]) -> frozenset[UUID]:
        """Whom the row does not cover as a member of its household: whom it is linked to anyway, and those it is not
        about while the ruling's evidence stands. ``row_evidence`` None: the row left its list, as it was."""
        apart = (
            pin.student_id
            for pin in self.apart
            if row_evidence in (None, pin.row_evidence) and evidence.get(pin.student_id) == pin.evidence
        )
        return frozenset((*apart, *((self.link.student_id,) if self.link else ())))


def entry_evidence(digest: Digest, entry: EntryRecord) -> str:
    """What a ruling rests on of the row: who it is about. School, grade and class change each year and are left out."""
    return digest(
        "row", entry.name, entry.id_number, entry.number_problem, entry.number_contradicted, entry.id_text,
        entry.birth_date, entry.suggested_birth_date, entry.sex, entry.guardian_name, entry.guardian_id,
        entry.head_name, entry.former_name, entry.household_key, entry.stands_for_household,
    )  # fmt: skip


def student_evidence(digest: Digest, student: StudentRecord) -> str:
    """What a ruling rests on of a student: who she is, not where she learns this year."""
    return digest(
        "student", student.student_id, student.name, student.former_name, student.id_number, student.id_text,
        student.birth_date, student.sex, student.guardian_name, student.guardian_id,
    )  # fmt: skip


def apply(state: Ruled, fact: Fact) -> Ruled:
    """The state after one fact of its stream."""
    version = state.version + 1
    match fact:
        case RowRuled():
            made = Ruling(
                version, fact.verdict, fact.students, fact.row_evidence, fact.evidence, fact.ruled_by, fact.answers
            )
            return Ruled(version, (*state.rulings, made), ())
        case RulingWithdrawn():
            (gone,) = (each for each in state.rulings if each.version == fact.version)
            kept = tuple(each for each in state.rulings if each is not gone)
            # The question that the ruling answered is open again.
            return Ruled(version, kept, tuple(sorted({*state.asked_by, *gone.answers})))
        case SecondOpinionAsked():
            return replace(state, version=version, asked_by=tuple(sorted({*state.asked_by, fact.asked_by})))
        case _:
            raise TypeError(f"{type(fact).__name__} is no fact of a row's rulings")


def evolve(facts: Iterable[Fact]) -> Ruled:
    """The state after a whole stream."""
    state = Ruled()
    for fact in facts:
        state = apply(state, fact)
    return state


def rule(state: Ruled, ruling: RowRuled) -> list[Fact]:
    """Rule; saying again what was said last changes nothing. Raises SecondPersonNeeded."""
    REVIEWS_DECIDE.check(state.asked_by, ruling.ruled_by, entry_id=str(ruling.entry_id))
    last = state.rulings[-1] if state.rulings else None
    said = (ruling.verdict, ruling.students, ruling.row_evidence, ruling.evidence)
    if last is not None and not state.asked_by and said == last[1:5]:
        return []
    return [msgspec.structs.replace(ruling, answers=state.asked_by)]


def withdraw(state: Ruled, entry_id: UUID, by: str) -> list[Fact]:
    """Undo the last ruling that stands; the one before it counts again. Raises NothingToWithdraw."""
    if not state.rulings:
        raise NothingToWithdraw(entry_id)
    return [RulingWithdrawn(entry_id=entry_id, version=state.rulings[-1].version, withdrawn_by=by)]


def ask(state: Ruled, entry_id: UUID, by: str) -> list[Fact]:
    """Ask for a second opinion; asking twice changes nothing."""
    return [] if by in state.asked_by else [SecondOpinionAsked(entry_id=entry_id, asked_by=by)]


def in_force(rulings: Iterable[Ruling]) -> InForce:
    """What the rulings come to: a later one takes the place of those it contradicts."""
    link: Pin | None = None
    apart: dict[UUID, Pin] = {}
    nobody: str | None = None
    for ruling in sorted(rulings):
        pins = {
            student: Pin(student, ruling.row_evidence, evidence)
            for student, evidence in zip(ruling.students, ruling.evidence, strict=True)
        }
        if ruling.verdict == "must_link":
            (link,) = pins.values()
            nobody = None
            apart.pop(link.student_id, None)
        else:
            apart |= pins
            if ruling.verdict == "nobody":
                link, nobody = None, ruling.row_evidence
            elif link is not None and link.student_id in pins:
                link = None
    return InForce(link, tuple(apart[student] for student in sorted(apart)), nobody)


def decide_ruled(force: InForce, row_evidence: str, evidence: Mapping[UUID, str], ladder: Ladder) -> Outcome:
    """The outcome of a row that people ruled about. ``evidence``: students of ``force`` who are in the register now."""

    def holds(pin: Pin) -> bool:
        return pin.row_evidence == row_evidence and evidence.get(pin.student_id) == pin.evidence

    if force.link is not None:
        return _linked(force.link, holds(force.link), evidence, ladder)
    apart = frozenset[StudentId](pin.student_id for pin in force.apart if holds(pin))
    rest = ladder(apart)
    doubtful = rest.state in (State.LINKED, State.REVIEW)
    stale = {pin.student_id for pin in force.apart if not holds(pin)}
    if doubtful and (force.nobody is not None or not stale.isdisjoint(_named(rest))):
        return _outdated((), rest)
    if doubtful or rest.state in (State.OUT_OF_AGE, State.REGISTERED_ELSEWHERE):
        return rest
    if force.nobody is not None:
        return _settled("ruled_nobody") if force.nobody == row_evidence else rest
    if rest.state is State.NOT_IN_REGISTER and apart and rest != ladder(frozenset()):
        return _settled("ruled_different")
    return rest


def _linked(link: Pin, holds: bool, evidence: Mapping[UUID, str], ladder: Ladder) -> Outcome:
    student = link.student_id
    if holds:
        return Outcome(State.LINKED, RULE, SCORE, "ruled_same", student, (student,))
    alone = ladder(frozenset())
    if alone.state is State.LINKED and alone.student == student:
        return alone
    return _outdated((student,) if student in evidence else (), alone)


def _settled(reason: str) -> Outcome:
    return Outcome(State.NOT_IN_REGISTER, RULE, SCORE, reason)


def _outdated(ruled: tuple[StudentId, ...], ladder: Outcome) -> Outcome:
    candidates = tuple(dict.fromkeys((*ruled, *_named(ladder))))[:CANDIDATES_HIGHEST]
    single = candidates[0] if len(candidates) == 1 else None
    facts = {"count": len(candidates)}
    return Outcome(State.REVIEW, RULE, ladder.score, "ruling_outdated", single, candidates, facts)


def _named(outcome: Outcome) -> tuple[StudentId, ...]:
    return outcome.candidates or (() if outcome.student is None else (outcome.student,))

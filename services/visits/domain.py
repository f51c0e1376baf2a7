"""A student's one helper, and what a visit may claim (domain.md §8). Pure: the day is an argument."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from services.visits.commands import AssignHelper, LogVisit, Place
from services.visits.errors import ImpossibleVisitDate, SameHelper, UnmetVisitConfirms
from services.visits.events import HelperAssigned, VisitLogged, VisitNotes
from shared.kernel.facts import Fact
from shared.kernel.refusals import Malformed

CONFIRMABLE = frozenset({"lives_here", "attends_school", "aid_received", "family_told", "handbook_checked"})


@dataclass(frozen=True)
class Helping:
    """Who helps one student. ``version`` is the stream's; 0 before anybody was assigned."""

    version: int = 0
    helper: str | None = None
    since: date | None = None


def evolve(history: Iterable[tuple[Fact, date]]) -> Helping:
    """The state after a whole stream of (fact, effective_on); the assignment effective last is the one that stands."""
    state = Helping()
    for fact, effective_on in history:
        assert isinstance(fact, HelperAssigned)
        if state.since is None or effective_on >= state.since:
            state = Helping(state.version + 1, fact.helper, effective_on)
        else:
            state = Helping(state.version + 1, state.helper, state.since)
    return state


def assign(state: Helping, command: AssignHelper, place: Place) -> HelperAssigned:
    """Hand the student to this teacher. Raises SameHelper when nothing would change."""
    if state.helper == command.helper:
        raise SameHelper("该教师已是此学生的帮扶教师", "this teacher helps the student already")
    return HelperAssigned(
        student_id=command.student_id,
        helper=command.helper,
        division_code=place.division_code,
        school_code=place.school_code,
    )


def log_visit(command: LogVisit, place: Place, today: date) -> VisitLogged:
    """A visit as logged. Raises UnmetVisitConfirms, ImpossibleVisitDate, Malformed (an unknown code).

    Who found nobody home has confirmed nothing, not even that the child lives there.
    """
    if command.confirmed and command.outcome != "met":
        raise UnmetVisitConfirms("未见到家人的走访不能确认任何情况", "a visit that met nobody cannot confirm anything")
    if unknown := set(command.confirmed) - CONFIRMABLE:
        raise Malformed(
            "有无法识别的确认项", "unknown things confirmed", allowed=sorted(CONFIRMABLE), count=len(unknown)
        )
    if command.visited_on > today:
        raise ImpossibleVisitDate("走访日期不能晚于今天", "a visit cannot lie in the future", today=today.isoformat())
    if command.repeat_on is not None and command.repeat_on <= command.visited_on:
        raise ImpossibleVisitDate("再次走访日期应晚于本次走访", "a repeat lies after the visit")
    notes = None
    if command.notes or command.met_with:
        notes = VisitNotes(person_id=command.student_id, notes=command.notes or "", met_with=command.met_with)
    return VisitLogged(
        student_id=command.student_id,
        campaign=command.campaign,
        visited_on=command.visited_on,
        outcome=command.outcome,
        visitor=command.visitor,
        confirmed=tuple(sorted(set(command.confirmed))),
        repeat_on=command.repeat_on,
        division_code=place.division_code,
        school_code=place.school_code,
        personal=notes,
    )

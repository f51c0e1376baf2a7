"""An entitlement from granted to paid, and the rule that says who has one. Pure: time and configuration are arguments.

State of one (student, programme, term): granted or not, paid or not. Paid never turns back; a withdrawal after the
payment says that money is to be asked back, and a later grant of the same term then needs no second payment.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import NamedTuple
from uuid import UUID

from services.disbursement.commands import DisburseAid, GrantEntitlement, WithdrawEntitlement
from services.disbursement.errors import AlreadyDisbursed, NothingGranted, PaidBeforeGranted
from services.disbursement.events import AidDisbursed, EntitlementGranted, EntitlementWithdrawn
from services.disbursement.schedule import Programme, Term
from shared.kernel.facts import Fact

_ONE_DAY = timedelta(days=1)


class Schooling(NamedTuple):
    """Where a student was registered in [valid_from, valid_to). ``enrolment`` is the same as long as she did not leave,
    also when her school was taken over by another one."""

    valid_from: date
    valid_to: date
    enrolled: bool
    stage: str
    boarder: bool
    division_code: str
    school_code: str
    enrolment: UUID | None = None


class Evidence(NamedTuple):
    """A linked list entry in force in [valid_from, valid_to); ``event_id`` is the link's."""

    valid_from: date
    valid_to: date
    category: str
    event_id: UUID


class Asked(NamedTuple):
    """What is known of a child in a term for which the place of her registration was asked. ``aided``: there; None
    while nobody knows. ``event_id`` is the answer's."""

    category: str
    stage: str
    division_code: str
    evidence: Sequence[UUID]
    aided: bool | None
    answered_on: date | None
    event_id: UUID | None


class Qualified(NamedTuple):
    """The first day of the term on which everything held, and what held then."""

    on: date
    schooling: Schooling
    evidence: tuple[UUID, ...]


def qualified(
    programme: Programme, term: Term, today: date, schooling: Sequence[Schooling], evidence: Sequence[Evidence]
) -> Qualified | None:
    """The first day from the term's begin up to ``today`` on which the student was in a covered stage and on a list of
    a covered category; None without one.

    "Ever in the term" is what makes a later exit harmless, and the answer the same whatever order the facts came in.
    """
    last = min(today, term.ends - _ONE_DAY)
    starts = {term.begins, *(period.valid_from for period in schooling), *(held.valid_from for held in evidence)}
    for day in sorted(start for start in starts if term.begins <= start <= last):
        place = next((s for s in schooling if s.valid_from <= day < s.valid_to), None)
        if place is None or not place.enrolled or place.stage not in programme.stages:
            continue
        held = [e for e in evidence if e.valid_from <= day < e.valid_to and e.category in programme.categories]
        if held:
            return Qualified(day, place, tuple(sorted((e.event_id for e in held), key=str)))
    return None


def qualified_elsewhere(
    programme: Programme, term: Term, today: date, schooling: Sequence[Schooling], asked: Asked | None
) -> Qualified | None:
    """A child registered elsewhere who is verified as not aided there, of a covered stage and category; None for who
    was registered here on a day of the term: such a child is due what all students here are, and nothing twice.

    It is true from the term's first day: what was verified later was so from the beginning.
    """
    if asked is None or asked.aided is not False or asked.event_id is None or today < term.begins:
        return None
    if asked.stage not in programme.stages or asked.category not in programme.categories:
        return None
    if any(each.enrolled and each.valid_from < term.ends and each.valid_to > term.begins for each in schooling):
        return None
    # Whether she boards there nobody told: the lower rate, until somebody says otherwise.
    place = Schooling(term.begins, term.ends, True, asked.stage, False, asked.division_code, "")
    return Qualified(term.begins, place, (*sorted(asked.evidence, key=str), asked.event_id))


def held_now(place: Schooling, schooling: Sequence[Schooling], today: date) -> Schooling:
    """The last time of the same enrolment: who answers now for a child whose school was taken over."""
    same = [each for each in schooling if each.enrolment == place.enrolment and each.valid_from <= today]
    return max(same, key=lambda each: each.valid_from, default=place)


@dataclass(frozen=True)
class Entitlement:
    """The aggregate. ``version`` is its stream's; 0 before anything happened."""

    version: int = 0
    granted: bool = False
    paid: bool = False
    granted_on: date | None = None
    grant: EntitlementGranted | None = None


def apply(state: Entitlement, fact: Fact, effective_on: date) -> Entitlement:
    """The state after one fact of its stream."""
    state = replace(state, version=state.version + 1)
    match fact:
        case EntitlementGranted():
            return replace(state, granted=True, granted_on=effective_on, grant=fact)
        case EntitlementWithdrawn():
            return replace(state, granted=False)
        case AidDisbursed():
            return replace(state, paid=True)
        case _:
            raise TypeError(f"{type(fact).__name__} is no fact of an entitlement")


def evolve(history: Iterable[tuple[Fact, date]]) -> Entitlement:
    """The state after a whole stream of (fact, effective_on)."""
    state = Entitlement()
    for fact, effective_on in history:
        state = apply(state, fact, effective_on)
    return state


class Decided(NamedTuple):
    """A fact and the day from which it is true."""

    fact: Fact
    effective_on: date


def grant(state: Entitlement, command: GrantEntitlement) -> list[Decided]:
    """Grant once: nothing happens while one is granted. A grant after a withdrawal never reaches back before it."""
    if state.granted:
        return []
    fact = EntitlementGranted(
        student_id=command.student_id,
        programme=command.programme,
        term=command.term,
        amount_fen=command.amount_fen,
        stage=command.stage,
        boarder=command.boarder,
        division_code=command.division_code,
        school_code=command.school_code,
        evidence=command.evidence,
        content_hash=command.content_hash,
        term_begins=command.term_begins,
        term_ends=command.term_ends,
    )
    return [Decided(fact, max(command.effective_on, state.granted_on or command.effective_on))]


def withdraw(state: Entitlement, command: WithdrawEntitlement) -> list[Decided]:
    """Withdraw as of the day it was granted, for it was never true; nothing happens when nothing is granted."""
    if not state.granted or state.grant is None or state.granted_on is None:
        return []
    fact = EntitlementWithdrawn(
        student_id=state.grant.student_id,
        programme=state.grant.programme,
        term=state.grant.term,
        reason=command.reason,
        evidence=command.evidence,
        paid=state.paid,
    )
    return [Decided(fact, state.granted_on)]


def settle(
    state: Entitlement, claim: GrantEntitlement | None, *, open_term: bool, reason: str = "never_true"
) -> list[Decided]:
    """Bring an entitlement in line with what the facts known now say is due; the policy's one decision.

    Nothing due on any day of the term: it is withdrawn, as never true or for another ``reason``. An exit *within* the
    term leaves the claim standing, so it never recovers. What is due but not granted is granted while the term is open;
    what is granted but not paid is restated when a correction changes the amount or the school, so that the order of
    arrival is no matter.
    """
    if claim is None:
        evidence = state.grant.evidence if state.grant is not None else ()
        return withdraw(state, WithdrawEntitlement(reason, evidence))
    if not open_term:
        return []
    if not state.granted:
        return grant(state, claim)
    if state.paid or state.grant is None or _same_money(state.grant, claim):
        return []
    withdrawn = withdraw(state, WithdrawEntitlement("restated", state.grant.evidence))
    return [*withdrawn, *grant(apply(state, *withdrawn[0]), claim)]


def _same_money(granted: EntitlementGranted, claim: GrantEntitlement) -> bool:
    before = (granted.amount_fen, granted.school_code, granted.division_code)
    return before == (claim.amount_fen, claim.school_code, claim.division_code)


def disburse(state: Entitlement, command: DisburseAid) -> list[Decided]:
    """Pay the whole amount once. Raises NothingGranted, AlreadyDisbursed, PaidBeforeGranted."""
    if state.paid:
        raise AlreadyDisbursed("这笔资助已经发放,不能重复发放", "this entitlement was disbursed before")
    if not state.granted or state.grant is None or state.granted_on is None:
        raise NothingGranted("没有可发放的资助资格(未认定或已撤销)", "nothing is granted here, or it was withdrawn")
    if command.paid_on < state.granted_on:
        raise PaidBeforeGranted(
            f"发放日期早于资格认定日期 {state.granted_on}",
            f"the payment's date lies before the entitlement ({state.granted_on})",
            granted_on=state.granted_on.isoformat(),
        )
    fact = AidDisbursed(
        student_id=state.grant.student_id,
        programme=state.grant.programme,
        term=state.grant.term,
        amount_fen=state.grant.amount_fen,
        paid_on=command.paid_on,
        reference=command.reference,
        division_code=state.grant.division_code,
        school_code=state.grant.school_code,
    )
    return [Decided(fact, command.paid_on)]

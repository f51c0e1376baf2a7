"""An alert and the case it is, as one aggregate: what its stream says, and when it is raised or withdrawn.

Pure: the day is an argument. Raised again after an end only on evidence it did not have before: what a person closed
as mistaken stays closed until something new says otherwise (domain.md §9). An exemption ends with its document: then
the same grounds count again. What people and the calendar do about it is decided in cases/case_life.py.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date
from typing import Literal, NamedTuple
from uuid import UUID

import msgspec

from services.notifications.case_events import (
    AgencyActed,
    AttemptLogged,
    CaseEscalated,
    CounsellingReferred,
    DropoutAskedAbout,
    DropoutConfirmed,
    Level,
    MistakeStated,
    TeamFormed,
    TeamPassedOn,
)
from services.notifications.commands import CloseReturned, RaiseAlert, WithdrawAlert
from services.notifications.events import AlertClosed, AlertEvidenceChanged, AlertRaised, AlertSeen, AlertWithdrawn
from shared.kernel.facts import Fact

State = Literal["none", "raised", "seen", "dropped_out", "withdrawn", "closed"]
OPEN: frozenset[State] = frozenset({"raised", "seen", "dropped_out"})


@dataclass(frozen=True)
class Alert:
    """The aggregate. ``version`` is its stream's; nothing is written before ``last``, the latest effective date.

    ``raised`` is the fact that raised it last, ``times`` how often it was. Days of its steps are None until they are
    taken; ``level`` answers for it since ``level_on``. ``exempt_until``: the last day of the exemption that closed
    it; ``settled``: what was known when it was closed last."""

    version: int = 0
    state: State = "none"
    known: frozenset[UUID] = frozenset()
    last: date = date.min
    raised: AlertRaised | None = None
    times: int = 0
    level: Level = "school"
    level_on: date = date.min
    seen_on: date | None = None
    team_on: date | None = None
    attempted_on: date | None = None
    mistaken_says: str | None = None
    confirmed_on: date | None = None
    asked_on: date | None = None
    answer_by: date | None = None
    exempt_until: date | None = None
    settled: frozenset[UUID] = frozenset()

    @property
    def open(self) -> bool:
        return self.state in OPEN

    @property
    def kind(self) -> str:
        return "" if self.raised is None else self.raised.kind


class Decided(NamedTuple):
    """A fact and the day from which it is true."""

    fact: Fact
    effective_on: date


def apply(state: Alert, fact: Fact, effective_on: date, principal: str = "") -> Alert:
    """The state after one fact of its stream, which ``principal`` recorded."""
    version, last = state.version + 1, max(state.last, effective_on)
    state = replace(state, version=version, last=last)
    match fact:
        case AlertRaised():
            # A case begins anew, but for what is known and how often it was open.
            return Alert(
                version=version,
                state="raised",
                known=state.known | {*fact.evidence, *fact.grounds},
                last=last,
                raised=fact,
                times=state.times + 1,
                level_on=effective_on,
                settled=state.settled,
            )
        case AlertEvidenceChanged() if state.raised is not None:
            changed = {name: getattr(fact, name) for name in fact.__struct_fields__}
            known = state.known | {*fact.evidence, *fact.grounds}
            return replace(state, known=known, raised=msgspec.structs.replace(state.raised, **changed))
        case AlertSeen():
            return replace(state, state="seen", seen_on=effective_on)
        case AlertWithdrawn():
            return replace(state, state="withdrawn")
        case AlertClosed():
            return replace(state, state="closed", exempt_until=fact.ends_on, settled=state.known)
        case TeamFormed():
            return replace(state, team_on=effective_on)
        case AttemptLogged():
            return replace(state, attempted_on=effective_on)
        case CounsellingReferred() | AgencyActed() | TeamPassedOn():
            return state
        case MistakeStated():
            return replace(state, mistaken_says=principal)
        case DropoutConfirmed():
            return replace(state, state="dropped_out", confirmed_on=effective_on)
        case DropoutAskedAbout():
            return replace(state, asked_on=effective_on, answer_by=fact.answer_by)
        case CaseEscalated():
            return replace(state, level=fact.level, level_on=effective_on)
        case _:
            raise TypeError(f"{type(fact).__name__} is no fact of an alert")


def evolve(history: Iterable[tuple[Fact, date] | tuple[Fact, date, str]]) -> Alert:
    """The state after a whole stream of (fact, effective_on, principal)."""
    state = Alert()
    for told in history:
        state = apply(state, *told)
    return state


def raise_alert(state: Alert, command: RaiseAlert) -> list[Decided]:
    """Raise unless it is open, or was closed on these very grounds and no exemption has run out. One that is open tells
    what it rests on now."""
    if state.open:
        return _restated(state, command)
    if (
        state.state == "closed"
        and set(command.grounds or command.evidence) <= state.known
        and (state.exempt_until is None or command.on <= state.exempt_until)
    ):
        return []
    if command.latest is not None and _was_settled(state, command):
        command = replace(command, **command.latest._asdict())
    fact = AlertRaised(
        kind=command.kind,
        student_id=command.student_id,
        entry_id=command.entry_id,
        division_code=command.division_code,
        school_code=command.school_code,
        since=command.since,
        evidence=command.evidence,
        rules_hash=command.rules_hash,
        explanation_code=command.explanation_code,
        facts=command.facts,
        grounds=command.grounds,
        times=state.times + 1,
        subject=command.subject,
    )
    return [Decided(fact, max(command.on, state.last))]


def _was_settled(state: Alert, command: RaiseAlert) -> bool:
    return bool(state.settled) and set(command.evidence) <= state.settled


def _restated(state: Alert, command: RaiseAlert) -> list[Decided]:
    """The alert stands on other evidence than it was raised on, or on more grounds: they are told, so that whoever
    closes it settles them, too. What was told when it came back after a closing stays: it is what was new then."""
    raised = state.raised
    if not command.restates or raised is None:
        return []
    if _was_settled(state, command):
        told = {name: getattr(raised, name) for name in ("since", "evidence", "explanation_code", "facts")}
        command = replace(command, **told)
    same = (raised.since, raised.evidence, raised.facts) == (command.since, command.evidence, command.facts)
    if same and set(command.grounds) <= state.known:
        return []
    fact = AlertEvidenceChanged(
        since=command.since,
        evidence=command.evidence,
        rules_hash=command.rules_hash,
        explanation_code=command.explanation_code,
        facts=command.facts,
        grounds=command.grounds,
    )
    return [Decided(fact, max(command.on, state.last))]


def withdraw(state: Alert, command: WithdrawAlert) -> list[Decided]:
    """Withdraw an open alert; nothing happens to one that has ended, or stands on what has not changed."""
    if not state.open or command.unless_raised_on in state.known:
        return []
    return [Decided(AlertWithdrawn(reason=command.reason, evidence=command.evidence), max(command.on, state.last))]


def close_returned(state: Alert, command: CloseReturned) -> list[Decided]:
    """Close an open alert on the reports that say the child is back; nobody need have read it for that."""
    if not state.open:
        return []
    evidence = ",".join(str(each) for each in command.evidence)
    fact = AlertClosed(reason="attending_again", evidence=evidence, events=command.evidence)
    return [Decided(fact, max(command.on, state.last))]

"""An alert from raised to seen to closed, or withdrawn when its reason falls away. Pure: the day is an argument.

Raised again after an end only on evidence it did not have before: what a person closed as mistaken stays closed until
something new says otherwise (domain.md §9).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date
from typing import Literal, NamedTuple
from uuid import UUID

from services.notifications.commands import CloseAlert, RaiseAlert, SeeAlert, WithdrawAlert
from services.notifications.errors import AlertNotOpen, NotSeenYet
from services.notifications.events import AlertClosed, AlertRaised, AlertSeen, AlertWithdrawn
from shared.kernel.facts import Fact

State = Literal["none", "raised", "seen", "withdrawn", "closed"]
OPEN: frozenset[State] = frozenset({"raised", "seen"})


@dataclass(frozen=True)
class Alert:
    """The aggregate. ``version`` is its stream's; nothing is written before ``last``, the latest effective date."""

    version: int = 0
    state: State = "none"
    known: frozenset[UUID] = frozenset()
    last: date = date.min

    @property
    def open(self) -> bool:
        return self.state in OPEN


class Decided(NamedTuple):
    """A fact and the day from which it is true."""

    fact: Fact
    effective_on: date


def apply(state: Alert, fact: Fact, effective_on: date) -> Alert:
    """The state after one fact of its stream."""
    state = replace(state, version=state.version + 1, last=max(state.last, effective_on))
    match fact:
        case AlertRaised():
            return replace(state, state="raised", known=state.known | {*fact.evidence, *fact.grounds})
        case AlertSeen():
            return replace(state, state="seen")
        case AlertWithdrawn():
            return replace(state, state="withdrawn")
        case AlertClosed():
            return replace(state, state="closed")
        case _:
            raise TypeError(f"{type(fact).__name__} is no fact of an alert")


def evolve(history: Iterable[tuple[Fact, date]]) -> Alert:
    """The state after a whole stream of (fact, effective_on)."""
    state = Alert()
    for fact, effective_on in history:
        state = apply(state, fact, effective_on)
    return state


def raise_alert(state: Alert, command: RaiseAlert) -> list[Decided]:
    """Raise unless it is open, or was closed on these very grounds."""
    if state.open or (state.state == "closed" and set(command.grounds or command.evidence) <= state.known):
        return []
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
        subject=command.subject,
    )
    return [Decided(fact, max(command.on, state.last))]


def withdraw(state: Alert, command: WithdrawAlert) -> list[Decided]:
    """Withdraw an open alert; nothing happens to one that has ended, or stands on what has not changed."""
    if not state.open or command.unless_raised_on in state.known:
        return []
    return [Decided(AlertWithdrawn(reason=command.reason, evidence=command.evidence), max(command.on, state.last))]


def see(state: Alert, command: SeeAlert) -> list[Decided]:
    """Read it; reading twice changes nothing. Raises AlertNotOpen."""
    if state.state == "seen":
        return []
    _must_be_open(state)
    return [Decided(AlertSeen(), max(command.on, state.last))]


def close(state: Alert, command: CloseAlert) -> list[Decided]:
    """Close on evidence. Raises AlertNotOpen, NotSeenYet."""
    _must_be_open(state)
    if state.state != "seen":
        raise NotSeenYet("请先查看该预警再办结", "read the alert before closing it")
    return [Decided(AlertClosed(reason=command.reason, evidence=command.evidence), max(command.on, state.last))]


def _must_be_open(state: Alert) -> None:
    if not state.open:
        raise AlertNotOpen("该预警已结束", "this alert has ended", state=state.state)

"""One list row and the decision about it: pure rules, no storage, clock or chance (invariants 14 and 15).

A decision is appended only when it differs from the one that stands, so any order of arrival ends in the same state.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any, NamedTuple
from uuid import UUID

import msgspec

from services.matching.commands import DecideRow
from services.matching.events import (
    EntryUnmatched,
    EntryWithdrawn,
    LinkConfirmed,
    LinkWithdrawn,
    MemberCovered,
    MemberCoverWithdrawn,
    ReviewOpened,
)
from services.matching.outcome import Outcome, State
from shared.kernel.facts import Fact

ENTRY_REMOVED = "entry_removed"


@dataclass(frozen=True, slots=True)
class Standing:
    """The decision that stands: ``state`` None = withdrawn with its row. ``content`` is :func:`content_of` its event;
    ``version`` the stream's. A row never decided has version 0. ``by_number``: on number and name alone (R1), so that
    it stays whatever becomes of students who share neither number nor guardian with the row."""

    version: int = 0
    state: str | None = None
    student_id: UUID | None = None
    content: bytes = b""
    by_number: bool = False


class Decided(NamedTuple):
    """A fact to append and the day from which it holds."""

    fact: Fact
    effective_on: date


def settle(standing: Standing, command: DecideRow) -> list[Decided]:
    """What has to be appended so that the command's decision stands: nothing, one fact, or a withdrawal and a fact."""
    row, outcome = command.row, command.outcome
    if outcome is None:
        if standing.version == 0 or standing.state is None:
            return []  # a row that came and went before anyone decided it
        wanted: Fact = EntryWithdrawn(entry_id=row.entry_id, list=_list(row.list))
    else:
        wanted = _fact(command, outcome)
    if standing.version and content_of(wanted, row.effective_on) == standing.content:
        return []
    decided = [Decided(wanted, row.effective_on)]
    student = outcome.student if outcome is not None and outcome.state is State.LINKED else None
    if standing.student_id is not None and standing.student_id != student:
        reason = outcome.reason if outcome is not None else row.removal_reason or ENTRY_REMOVED
        withdrawn = LinkWithdrawn(
            entry_id=row.entry_id, student_id=standing.student_id, list=_list(row.list), reason=reason
        )
        decided.insert(0, Decided(withdrawn, row.effective_on))
    return decided


def after(standing: Standing, decided: list[Decided]) -> Standing:
    """What stands once ``decided`` (not empty) is appended."""
    last = decided[-1]
    state, student = _state(last.fact)
    by_number = isinstance(last.fact, LinkConfirmed) and last.fact.rule == "R1"
    content = content_of(last.fact, last.effective_on)
    return Standing(standing.version + len(decided), state, student, content, by_number)


def settle_covers(
    standing: Iterable[MemberCovered], wanted: Iterable[MemberCovered]
) -> list[MemberCovered | MemberCoverWithdrawn]:
    """What has to be appended so that the wanted covers of one row stand. What is new comes before what is taken back,
    so that a student whose span only begins on another day is never left without one."""
    before = {(each.student_id, each.covered_from): each for each in standing}
    after = {(each.student_id, each.covered_from): each for each in wanted}
    given = [each for key, each in after.items() if before.get(key) != each]
    gone = [
        MemberCoverWithdrawn(
            entry_id=each.entry_id, student_id=each.student_id, list=each.list, covered_from=each.covered_from
        )
        for key, each in before.items()
        if key not in after
    ]
    return [*given, *gone]


def content_of(fact: Fact, effective_on: date) -> bytes:
    """A decision as one text, to tell whether another one differs."""
    return msgspec.json.encode([type(fact).__name__, effective_on, fact])


def _state(fact: Fact) -> tuple[str | None, UUID | None]:
    if isinstance(fact, LinkConfirmed):
        return State.LINKED.value, fact.student_id
    if isinstance(fact, ReviewOpened):
        return State.REVIEW.value, None
    if isinstance(fact, EntryUnmatched):
        return fact.state, None
    return None, None


def _fact(command: DecideRow, outcome: Outcome) -> Fact:
    row, place = command.row, command.place
    shared: dict[str, Any] = {
        "entry_id": row.entry_id,
        "list": row.list,
        "agency": row.agency,
        "rule": outcome.rule,
        "score": outcome.score,
        "reason": outcome.reason,
        "model": command.model,
        "division_code": place.division_code if place else row.division_code,
        "school_code": place.school_code if place else None,
    }
    if outcome.state is State.LINKED:
        return LinkConfirmed(
            **shared,
            student_id=_student(outcome.student),
            household_type=row.household_type,
            support_type=row.support_type,
            area_type=row.area_type,
            coverage=row.coverage,
            disability_kind=row.disability_kind,
            disability_grade=row.disability_grade,
            valid_from=row.valid_from,
            valid_to=row.valid_to,
        )
    if outcome.state is State.REVIEW:
        return ReviewOpened(**shared, candidates=tuple(_student(each) for each in outcome.candidates))
    return EntryUnmatched(**shared, state=_unmatched(outcome.state), school_age=command.school_age)


def _student(student: object) -> UUID:
    assert isinstance(student, UUID), "a student of the register is known by her stream"
    return student


def _unmatched(state: State) -> Any:
    return state.value


def _list(name: str) -> Any:
    return name

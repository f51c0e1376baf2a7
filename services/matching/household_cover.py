"""Whom a list row that names only the head of a household covers (整户保), on which days. Pure: no storage, no clock.

A row covers a student on a day when on that day it stands for its household, no other row of the household stands on
the list, and head and student are proven to be of one household: by a registered household to which both belong, or by
the student's record, which names the head as guardian. Either proof goes by the head's identity number, and his name
must agree. So the covers are a function of periods, whatever order the facts came in, and a member who leaves ends a
cover on that day instead of undoing it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple
from uuid import UUID

from services.matching.name_relation import COMPATIBLE, name_relation
from shared.eventsourcing.open_dates import FOREVER

REGISTERED, GUARDIAN = "household_registered", "household_guardian"
ENTERED_IN_ERROR = "entered_in_error"


class Span(NamedTuple):
    """The days [since, until); ``until`` FOREVER = open."""

    since: date
    until: date


@dataclass(frozen=True, slots=True)
class Support:
    """What the row says on some days, as its evidence carries it. The paper's own period is [starts_on, ends_on)."""

    list: str
    agency: str
    household_type: str | None = None
    support_type: str | None = None
    area_type: str | None = None
    coverage: str | None = None
    starts_on: date | None = None
    ends_on: date | None = None


@dataclass(frozen=True, slots=True)
class RowPeriod:
    """A period of one list row. ``name`` is comparable; ``stands``: the row is on its list and names only the head of
    a household covered whole, with a number that nothing contradicts. ``void``: from here on the row is off its list
    because it never should have been there."""

    days: Span
    stands: bool
    void: bool
    name: str
    number: str
    household_key: UUID | None
    support: Support


class Proof(NamedTuple):
    """Student and the adult of this number are of one household on these days. ``name``: the adult's, comparable, as
    the proof gives it; ``household_id`` None: the student's record names him as guardian."""

    number: str
    name: str
    student_id: UUID
    days: Span
    household_id: UUID | None = None


class Cover(NamedTuple):
    """The row covers the student on all of these days."""

    student_id: UUID
    days: Span
    reason: str
    household_id: UUID | None
    support: Support


def names_agree(row_name: str, adult_name: str) -> bool:
    """The names may be one person's; both comparable."""
    return bool(row_name) and name_relation(row_name, adult_name) in COMPATIBLE


def covers(
    periods: Sequence[RowPeriod], beside: Iterable[tuple[UUID, Span]], proofs: Sequence[Proof], apart: Collection[UUID]
) -> list[Cover]:
    """The covers of one row, by student and first day. ``periods`` in order of time; ``beside``: when other rows of a
    household (by its key) stand on the list; ``apart``: students of whom a person said that the row is not theirs."""
    others = list(beside)
    pieces: dict[UUID, list[Cover]] = {}
    for period in _true(periods):
        taken = [days for key, days in others if key == period.household_key]
        for days in _without(period.days, taken):
            for proof in proofs:
                both = Span(max(days.since, proof.days.since), min(days.until, proof.days.until))
                if proof.number != period.number or proof.student_id in apart or both.since >= both.until:
                    continue
                if names_agree(period.name, proof.name):
                    reason = GUARDIAN if proof.household_id is None else REGISTERED
                    cover = Cover(proof.student_id, both, reason, proof.household_id, period.support)
                    pieces.setdefault(proof.student_id, []).append(cover)
    return [cover for student in sorted(pieces) for cover in _joined(pieces[student])]


def _true(periods: Sequence[RowPeriod]) -> list[RowPeriod]:
    """The periods on which the row stands for its household; none of those before it was found to be an error."""
    voids = [place for place, period in enumerate(periods) if period.void]
    return [period for period in periods[voids[-1] + 1 if voids else 0 :] if period.stands and period.number]


def _without(days: Span, taken: Iterable[Span]) -> Iterator[Span]:
    """What is left of the days outside of the spans taken."""
    since = days.since
    for other in sorted(taken):
        if other.until <= since or other.since >= days.until:
            continue
        if since < other.since:
            yield Span(since, other.since)
        since = max(since, other.until)
    if since < days.until:
        yield Span(since, days.until)


def _joined(pieces: Sequence[Cover]) -> list[Cover]:
    """Pieces that touch or overlap and say the same, as one; a registered household is named before a guardian."""
    found: list[Cover] = []
    for piece in sorted(pieces, key=lambda each: (each.days, each.reason != REGISTERED, str(each.household_id))):
        last = found[-1] if found else None
        # Periods of one row never overlap, so pieces that do have one support.
        if last is None or last.support != piece.support or piece.days.since > last.days.until:
            found.append(piece)
            continue
        days = Span(last.days.since, max(last.days.until, piece.days.until))
        households = [each.household_id for each in (last, piece) if each.household_id is not None]
        named = min(households) if households else None
        found[-1] = Cover(last.student_id, days, REGISTERED if named else GUARDIAN, named, last.support)
    return found


def open_end(until: date) -> date | None:
    """The end as events carry it: None while open."""
    return None if until >= FOREVER else until

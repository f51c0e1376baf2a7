"""A list row as it would be had one submission never come: pure rules.

What the remaining submissions say is told once more from the beginning; the entry's stream then gets the facts that
bring what is recorded to that, day by day, so that the past is put right as well as the present.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Literal, NamedTuple
from uuid import UUID

from services.registry.domain import Happened, ListEntry, apply_entry, record_entry, remove_entry
from services.registry.events import (
    ListEntryAdded,
    ListEntryCorrected,
    ListEntryFields,
    ListEntryRemoved,
    RemovalReason,
)
from shared.kernel.facts import Fact

Outcome = Literal["left", "restored", "returned", "kept", "unaffected"]


class Said(NamedTuple):
    """What one submission says of an entry: its fields, or (None) for ``reason`` that it is off the list."""

    as_of: date
    submission_id: UUID | None
    fact: ListEntryAdded | None
    reason: RemovalReason = "missing_from_snapshot"


def told(said: Iterable[Said], agency: str, list_name: str) -> list[Happened]:
    """The facts that these statements alone would have given, in order."""
    state, happened = ListEntry(), []
    for as_of, submission_id, fact, reason in said:
        if fact is not None:
            one = record_entry(state, fact, as_of)
        else:
            one = remove_entry(state, agency, list_name, reason, submission_id, as_of)
        if one is not None:
            happened.append(one)
            state = apply_entry(state, one.fact)
    return happened


def put_right(recorded: Sequence[Happened], wanted: Sequence[Happened], gone: ListEntryRemoved) -> list[Happened]:
    """The facts that bring an entry from what is recorded to what is wanted, in order; ``gone`` takes it off the list.

    On every day on which either begins to say something, both must say the same afterwards. The last fact is what the
    last of the remaining statements says, because the entry continues from there.
    """
    stands = {on: fact for fact, on in recorded}
    should = {on: fact for fact, on in wanted}
    made: list[Happened] = []
    for day in sorted(stands.keys() | should.keys()):
        target = _on(should, day)
        if not _alike(_on(stands, day), target):
            stands[day] = target or gone
            made.append(Happened(stands[day], day))
    last = made[-1].fact if made else recorded[-1].fact if recorded else None
    if wanted and not _alike(last, wanted[-1].fact):
        made.append(wanted[-1])
    state, facts = ListEntry(), []
    for each, _ in recorded:
        state = apply_entry(state, each)
    for each, on in made:
        fact = _restated(each, standing=state.standing)
        state = apply_entry(state, fact)
        facts.append(Happened(fact, on))
    return facts


def outcome(before: ListEntry, after: ListEntry, *, changed_something: bool, spoken_of_later: bool) -> Outcome:
    """What a withdrawal did to one entry."""
    if before.standing != after.standing:
        return "returned" if after.standing else "left"
    if after.standing and before.fingerprint != after.fingerprint:
        return "restored"
    return "kept" if changed_something and spoken_of_later else "unaffected"


def stated(fact: ListEntryFields, submission_id: UUID | None, row: int | None) -> ListEntryAdded:
    """What an event says, as this submission said it."""
    fields = {name: getattr(fact, name) for name in fact.__struct_fields__}
    return ListEntryAdded(**fields | {"submission_id": submission_id, "row": fact.row if row is None else row})


def _restated(fact: Fact, *, standing: bool) -> Fact:
    if not isinstance(fact, ListEntryFields):
        return fact
    fields = {name: getattr(fact, name) for name in fact.__struct_fields__}
    return ListEntryCorrected(**fields) if standing else ListEntryAdded(**fields)


def _on(days: Mapping[date, Fact], day: date) -> Fact | None:
    """What is said on a day: the last that began on it or before."""
    begun = [each for each in days if each <= day]
    return days[max(begun)] if begun else None


def _alike(recorded: Fact | None, wanted: Fact | None) -> bool:
    """Whether nothing has to change: who never stood is as good as taken off for any reason."""
    if isinstance(wanted, ListEntryFields):
        same = isinstance(recorded, ListEntryFields) and recorded.fingerprint == wanted.fingerprint
        return same and recorded.submission_id == wanted.submission_id  # type: ignore[union-attr]
    if isinstance(wanted, ListEntryRemoved) and isinstance(recorded, ListEntryRemoved):
        return recorded.reason == wanted.reason
    return not isinstance(recorded, ListEntryFields)

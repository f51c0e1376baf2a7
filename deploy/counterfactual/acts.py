"""What an agency's list was told, act by act, read back from the archived log.

An event tells what changed; an act is a whole submission, also with the rows it only repeated. A snapshot repeats every
row of its parts that stands and that it does not end, so these are found out from the events alone. Rows that an
increment repeated left no trace: how many there were is told (``unseen``).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Literal
from uuid import UUID

from services.registry.domain import Happened, ListEntry, apply_entry
from services.registry.events import (
    ListEntryAdded,
    ListEntryFields,
    ListEntryRemoved,
    ListSubmissionConfirmed,
    ListSubmissionHeld,
    ListSubmissionReceived,
    ListSubmissionWithdrawn,
)
from services.registry.lists.parts import HARDSHIP_PART, MAIN_PART
from services.registry.lists.sendings import LIST_NAMES
from services.registry.lists.withdrawing import stated
from shared.eventsourcing.projection import Recorded

Kind = Literal["stated", "removed", "confirmed", "withdrawn"]
ListKey = tuple[str, str]  # agency, list


@dataclass
class Act:
    """``stated``: a submission (None: a single row) with its ``rows``; as a snapshot it also ends what of its ``parts``
    it does not hold: unless it was ``held`` until ``confirmed``. ``removed``: single rows taken off. ``confirmed``,
    ``withdrawn``: what a person did to a submission. ``at``: when the last of it was recorded (UTC)."""

    kind: Kind
    submission: UUID | None
    at: datetime
    dated: date
    rows: dict[UUID, ListEntryAdded] = field(default_factory=dict)
    parts: frozenset[str] = frozenset()
    held: bool = False
    confirmed: bool = False
    removed: dict[UUID, ListEntryRemoved] = field(default_factory=dict)
    unseen: int = 0
    late: bool = False  # put here: its removals need no confirmation of another moment


@dataclass
class ListHistory:
    """The acts of one list of one agency in order, what they made of each entry, and the part each belongs to.
    ``stray``: entries with events that belong to no complete act."""

    acts: list[Act] = field(default_factory=list)
    recorded: dict[UUID, list[Recorded]] = field(default_factory=lambda: defaultdict(list))
    parts: dict[UUID, str] = field(default_factory=dict)
    stray: set[UUID] = field(default_factory=set)


def histories(events: Iterable[Recorded]) -> dict[ListKey, ListHistory]:
    """The history of every list told of in the registry's events, given in their order."""
    readers: dict[ListKey, _Reader] = {}
    lists_of: dict[UUID, ListKey] = {}
    for event in events:
        fact = event.fact
        if isinstance(fact, ListSubmissionConfirmed):
            key = lists_of.get(event.stream_id)
        else:
            key = (fact.agency, fact.list)
        if key is None or key[1] not in LIST_NAMES:  # the register and the schools come the same way, and are none
            continue
        if isinstance(fact, ListSubmissionReceived):
            lists_of[event.stream_id] = key
        readers.setdefault(key, _Reader()).take(event)
    return {key: reader.finish() for key, reader in readers.items()}


class _Reader:
    """Puts the events of one list together to acts, in the order of the log."""

    def __init__(self) -> None:
        self._history = ListHistory()
        self._waiting: list[Recorded] = []  # events of entries whose act is not complete yet
        self._done: dict[UUID, Act] = {}
        self._states: dict[UUID, ListEntry] = {}
        self._stands: dict[UUID, ListEntryFields] = {}

    def take(self, event: Recorded) -> None:
        fact = event.fact
        if isinstance(fact, ListEntryFields | ListEntryRemoved):
            self._history.recorded[event.stream_id].append(event)
            if fact.submission_id is None:
                self._single(event)
            else:
                self._waiting.append(event)
        elif isinstance(fact, ListSubmissionReceived):
            self._received(event, fact)
        elif isinstance(fact, ListSubmissionHeld):
            self._done[event.stream_id].held = True
        elif isinstance(fact, ListSubmissionConfirmed):
            self._confirmed(event)
        elif isinstance(fact, ListSubmissionWithdrawn):
            self._withdrawn(event)

    def finish(self) -> ListHistory:
        open_still: dict[UUID, list[Recorded]] = defaultdict(list)
        for event in self._waiting:
            submission: UUID = event.fact.submission_id
            if submission in self._done or not isinstance(event.fact, ListEntryFields):
                self._history.stray.add(event.stream_id)
            else:
                open_still[submission].append(event)
        for whole, events in open_still.items():  # never received whole: it only adds and corrects
            rows = {event.stream_id: stated(event.fact, whole, None) for event in events}
            self._note_parts(rows)
            last = events[-1]
            self._history.acts.append(Act("stated", whole, last.recorded_at, last.effective_on, rows))
        return self._history

    def _received(self, event: Recorded, fact: ListSubmissionReceived) -> None:
        submission = event.stream_id
        own, self._waiting = _split(self._waiting, submission)
        rows = {each.stream_id: stated(each.fact, submission, None) for each in own if _states(each)}
        self._note_parts(rows)
        act = Act("stated", submission, event.recorded_at, event.effective_on, rows)
        gone = {each.stream_id for each in own if not _states(each)}
        if fact.mode == "snapshot":
            act.parts = self._covered(rows, gone, fact)
            repeated = [
                entry
                for entry, state in self._states.items()
                if state.standing and entry not in rows and entry not in gone and self._part(entry) in act.parts
            ]
            rows |= {entry: stated(self._stands[entry], submission, None) for entry in repeated}
        act.unseen = max(0, fact.rows - len(rows))
        self._apply(own)
        self._done[submission] = act
        self._history.acts.append(act)

    def _covered(
        self, rows: Mapping[UUID, ListEntryAdded], gone: set[UUID], fact: ListSubmissionReceived
    ) -> frozenset[str]:
        """The parts a snapshot was one of: those its events tell of, and all there are when only that makes up for the
        rows that it repeated."""
        told = {self._part(entry) for entry in (*rows, *gone)}
        standing = [
            entry for entry, state in self._states.items() if state.standing and entry not in (rows.keys() | gone)
        ]
        every = {self._part(entry) for entry in standing}
        if not told:
            return frozenset(every or {MAIN_PART})
        repeated = sum(self._part(entry) in told for entry in standing)
        return frozenset(told if repeated >= fact.unchanged else told | every)

    def _confirmed(self, event: Recorded) -> None:
        own, self._waiting = _split(self._waiting, event.stream_id)
        act = self._done[event.stream_id]
        act.confirmed = True
        for each in own:
            act.rows.pop(each.stream_id, None)  # it was missing, after all
        self._apply(own)
        self._history.acts.append(Act("confirmed", event.stream_id, event.recorded_at, act.dated))

    def _withdrawn(self, event: Recorded) -> None:
        submission = event.stream_id
        if submission not in self._done:  # it was still open
            own = [each for each in self._waiting if each.fact.submission_id == submission and _states(each)]
            rows = {each.stream_id: stated(each.fact, submission, None) for each in own}
            self._note_parts(rows)
            last = own[-1] if own else event
            self._history.acts.append(Act("stated", submission, last.recorded_at, last.effective_on, rows))
        self._apply(self._waiting)
        self._waiting = []
        self._history.acts.append(Act("withdrawn", submission, event.recorded_at, event.effective_on))

    def _single(self, event: Recorded) -> None:
        fact = event.fact
        act = Act("stated", None, event.recorded_at, event.effective_on)
        if isinstance(fact, ListEntryFields):
            act.rows = {event.stream_id: stated(fact, None, None)}
            self._note_parts(act.rows)
        else:
            act.kind, act.removed = "removed", {event.stream_id: fact}
        self._apply([event])
        self._history.acts.append(act)

    def _apply(self, events: Iterable[Recorded]) -> None:
        for event in events:
            self._states[event.stream_id] = apply_entry(self._states.get(event.stream_id, ListEntry()), event.fact)
            if isinstance(event.fact, ListEntryFields):
                self._stands[event.stream_id] = event.fact

    def _part(self, entry: UUID) -> str:
        return self._history.parts.get(entry, MAIN_PART)

    def _note_parts(self, rows: Mapping[UUID, ListEntryAdded]) -> None:
        """As parts.py tells a file's parts; an entry never changes its own."""
        kinds = {row.support_type for row in rows.values() if row.support_type}
        of_file = HARDSHIP_PART if kinds == {HARDSHIP_PART} else MAIN_PART
        for entry, row in rows.items():
            own = (
                of_file
                if row.support_type is None
                else HARDSHIP_PART
                if row.support_type == HARDSHIP_PART
                else MAIN_PART
            )
            self._history.parts.setdefault(entry, own if row.list == "civil" else MAIN_PART)


def _states(event: Recorded) -> bool:
    return isinstance(event.fact, ListEntryFields)


def _split(waiting: list[Recorded], submission: UUID) -> tuple[list[Recorded], list[Recorded]]:
    own = [each for each in waiting if each.fact.submission_id == submission]
    return own, [each for each in waiting if each.fact.submission_id != submission]


def happened(events: Iterable[Recorded]) -> list[Happened]:
    """What an entry's events say, each with its day."""
    return [Happened(event.fact, event.effective_on) for event in events]

"""What a list's acts make of each entry, by the registry's own rules, told once more from the beginning; and which
entries come out otherwise when some of the acts are others.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import NamedTuple
from uuid import UUID

from deploy.counterfactual.acts import Act, ListHistory, ListKey, happened
from services.registry.domain import Happened, ListEntry, apply_entry, record_entry, remove_entry
from services.registry.events import ListEntryFields, ListEntryRemoved, ListName, RemovalReason
from services.registry.lists.sendings import LIST_NAMES
from services.registry.lists.snapshots import PERMITTED_REMOVALS_PERCENT
from services.registry.lists.withdrawing import Said, put_right, told


class Told(NamedTuple):
    """A fact of an entry and the act that brings it about."""

    act: Act
    happened: Happened


class Retold(NamedTuple):
    """``entries``: everything that each entry's stream says. ``assumed``: snapshots whose removals a person would have
    had to confirm, taken as confirmed."""

    entries: dict[UUID, list[Told]]
    assumed: list[Act]


def retell(acts: Iterable[Act], key: ListKey, parts: Mapping[UUID, str]) -> Retold:
    """What these acts, in this order, make of each entry."""
    telling = _Telling(key, parts)
    for act in acts:
        telling.take(act)
    return Retold(telling.entries, telling.assumed)


class _Telling:
    def __init__(self, key: ListKey, parts: Mapping[UUID, str]) -> None:
        self._agency = key[0]
        self._list: ListName = next(each for each in LIST_NAMES if each == key[1])
        self._parts = parts
        self.entries: dict[UUID, list[Told]] = defaultdict(list)
        self.assumed: list[Act] = []
        self._states: dict[UUID, ListEntry] = {}
        self._said: dict[UUID, list[Said]] = defaultdict(list)
        self._waiting: dict[UUID | None, Act] = {}  # held snapshots that are confirmed later

    def take(self, act: Act) -> None:
        if act.kind == "stated":
            self._stated(act)
        elif act.kind == "removed":
            for entry, fact in act.removed.items():
                self._remove(act, entry, fact.reason, act.dated)
        elif act.kind == "confirmed":
            stated_by = self._waiting.pop(act.submission, None)
            if stated_by is not None:
                self._sweep(act, stated_by)
        else:
            self._withdrawn(act)

    def _stated(self, act: Act) -> None:
        # Who stood before: rows that the snapshot itself brings count neither as there nor as gone.
        before = [
            entry for entry, state in self._states.items() if state.standing and self._parts.get(entry, "") in act.parts
        ]
        for entry, row in act.rows.items():
            state = self._states.get(entry, ListEntry())
            self._said[entry].append(Said(act.dated, act.submission, row))
            self._note(act, entry, record_entry(state, row, act.dated))
        if not act.parts:
            return
        too_many = self._too_many(act, before, [entry for entry in before if entry not in act.rows])
        if act.held and act.confirmed and not act.late:
            self._waiting[act.submission] = act
            return
        if too_many and act.held and not act.confirmed:
            return
        if too_many and not act.confirmed:
            self.assumed.append(act)
        self._sweep(act, act)

    def _sweep(self, act: Act, snapshot: Act) -> None:
        """Every entry of its parts that a snapshot does not hold is off the list, says the snapshot; those that stand
        leave it."""
        for entry in [each for each in self._said if self._parts.get(each, "") in snapshot.parts]:
            if entry not in snapshot.rows:
                self._remove(act, entry, "missing_from_snapshot", snapshot.dated)

    def _too_many(self, act: Act, before: Sequence[UUID], missing: Sequence[UUID]) -> bool:
        """The rule of snapshots.py, part by part."""
        for part in act.parts:
            was = sum(self._parts.get(entry, "") == part for entry in before)
            leave = sum(self._parts.get(entry, "") == part for entry in missing)
            if 100 * leave > PERMITTED_REMOVALS_PERCENT * was:
                return True
        return False

    def _remove(self, act: Act, entry: UUID, reason: RemovalReason, dated: date) -> None:
        self._said[entry].append(Said(dated, act.submission, None, reason))
        state = self._states.get(entry, ListEntry())
        self._note(act, entry, remove_entry(state, self._agency, self._list, reason, act.submission, dated))

    def _withdrawn(self, act: Act) -> None:
        self._waiting.pop(act.submission, None)
        gone = ListEntryRemoved(
            agency=self._agency, list=self._list, reason="entered_in_error", submission_id=act.submission
        )
        for entry, said in self._said.items():
            if not any(each.submission_id == act.submission for each in said):
                continue
            remaining = [each for each in said if each.submission_id != act.submission]
            self._said[entry] = remaining
            recorded = [each.happened for each in self.entries[entry]]
            for each in put_right(recorded, told(remaining, self._agency, self._list), gone):
                self._note(act, entry, each)

    def _note(self, act: Act, entry: UUID, one: Happened | None) -> None:
        if one is not None:
            self.entries[entry].append(Told(act, one))
            self._states[entry] = apply_entry(self._states.get(entry, ListEntry()), one.fact)


def same(one: Sequence[Happened], other: Sequence[Happened]) -> bool:
    """Whether two tellings of an entry say the same of it, whoever says it."""
    return [_content(each) for each in one] == [_content(each) for each in other]


def unlike_the_log(history: ListHistory, retold: Retold) -> set[UUID]:
    """Entries of which the log tells something else than their acts make of them: nothing is changed about these."""
    return history.stray | {
        entry
        for entry, recorded in history.recorded.items()
        if not same(happened(recorded), [each.happened for each in retold.entries.get(entry, ())])
    }


def otherwise(before: Retold, after: Retold) -> set[UUID]:
    """Entries that another fact, another day or another moment tells of."""
    found = set()
    for entry in before.entries.keys() | after.entries.keys():
        one, other = before.entries.get(entry, []), after.entries.get(entry, [])
        if [(each.act.at, _content(each.happened)) for each in one] != [
            (each.act.at, _content(each.happened)) for each in other
        ]:
            found.add(entry)
    return found


def _content(one: Happened) -> tuple[object, ...]:
    fact = one.fact
    if isinstance(fact, ListEntryFields):
        return (type(fact).__name__, one.on, fact.fingerprint)
    return (type(fact).__name__, one.on, getattr(fact, "reason", None))

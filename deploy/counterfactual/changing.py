"""Changes made to what is told: lists that come at another time, with another date or content, or not at all; other
rules. Everything that cannot be changed so is found first and told at once.
"""

from __future__ import annotations

import heapq
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

import msgspec

from deploy.counterfactual.acts import ListHistory, ListKey, histories
from deploy.counterfactual.history import Days, History, Placed
from deploy.counterfactual.list_changes import ListChanges, numbered
from deploy.counterfactual.list_files import ListFiles
from deploy.counterfactual.programmes import ProgrammeChange
from deploy.counterfactual.telling import Retold, Told, otherwise, retell, unlike_the_log
from services.audit.counterfactuals.changes import AnyChange, BringList, ListChange, OtherRules, ReplaceList
from services.audit.counterfactuals.counterfactual_errors import ChangesRefused
from shared.eventsourcing.event import Event, Logged
from shared.eventsourcing.sealing import people_of, seal
from shared.kernel.facts import fact_type
from shared.kernel.identifiers import keyed_id

_OWN = b"counterfactual event"  # only has to repeat
PRINCIPAL = "counterfactual"
Numbered = tuple[int, ListChange | BringList]


@dataclass
class Changed:
    """What is told instead. ``entries``: those told otherwise, with what was really told of each; ``touched``: by which
    change, of those that one is about; ``gone``: submissions told otherwise; ``instead``: what is told in place of all
    that."""

    entries: dict[UUID, list[Logged]] = field(default_factory=dict)
    touched: dict[UUID, int] = field(default_factory=dict)
    gone: set[UUID] = field(default_factory=set)
    instead: list[Placed] = field(default_factory=list)
    programmes: list[ProgrammeChange] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def since(self) -> datetime | None:
        """The first moment at which something is told otherwise; None when nothing ever is."""
        real = [logged.recorded_at for some in self.entries.values() for logged in some]
        real += [event.recorded_at for each in self.programmes for event in each.real]
        more = [each.at for each in (*self.instead, *(each.placed for each in self.programmes))]
        return min([*real, *more], default=None)

    def told(self, history: History) -> Iterator[Placed]:
        """Everything as changed, in order. Raises ArchiveDoubtful."""
        replaced = frozenset[UUID]().union(*(each.replaced for each in self.programmes))
        kept = (
            each
            for each in history.told()
            if each.logged.event.stream_id not in self.entries
            and each.logged.event.stream_id not in self.gone
            and each.logged.event.event_id not in replaced
        )
        more = sorted([*self.instead, *(each.placed for each in self.programmes)], key=_in_order)
        return heapq.merge(kept, more, key=_in_order)


@dataclass
class Changing:
    """Works changes out over the archive."""

    history: History
    days: Days
    files: ListFiles
    source: str  # of the registry's events
    wrong: list[str] = field(default_factory=list)

    def changed(self, changes: list[AnyChange]) -> Changed:
        """What is told instead. Raises ChangesRefused with everything that is wrong, ArchiveDoubtful."""
        changed = Changed()
        about_lists = [(n, each) for n, each in enumerate(changes, 1) if not isinstance(each, OtherRules)]
        known = histories(self.history.lists()) if about_lists else {}
        by_list: dict[ListKey, list[Numbered]] = {}
        for number, change in about_lists:
            key = self._list_of(number, change, known)
            if key is not None:
                by_list.setdefault(key, []).append((number, change))
        for key, some in by_list.items():
            self._list(changed, key, known.get(key, ListHistory()), some)
        for number, each in enumerate(changes, 1):
            if isinstance(each, OtherRules):
                try:
                    changed.programmes.append(ProgrammeChange.of(number, each, self.history, self.days))
                except ChangesRefused as refused:
                    self.wrong += numbered(number, refused)
        if self.wrong:
            raise ChangesRefused(self.wrong)
        return changed

    def _list_of(
        self, number: int, change: ListChange | BringList, known: Mapping[ListKey, ListHistory]
    ) -> ListKey | None:
        if isinstance(change, BringList):
            return change.agency, change.list
        for key, history in known.items():
            if any(act.submission == change.submission for act in history.acts):
                return key
        self.wrong.append(f"change {number}: no list submission {change.submission} was known by then")
        return None

    def _list(self, changed: Changed, key: ListKey, history: ListHistory, changes: list[Numbered]) -> None:
        made = ListChanges.over(key, history, self.days, self.files, self.wrong)
        for number, change in changes:
            made.make(number, change)
            if not isinstance(change, BringList | ReplaceList):
                changed.gone.add(change.submission)
        if self.wrong:
            return
        before, after = retell(history.acts, key, history.parts), retell(made.acts, key, made.parts)
        fixed = unlike_the_log(history, before)
        name = f"{key[0]}:{key[1]}"
        if fixed:
            changed.notes.append(f"{name}: {len(fixed)} rows stay as they were; their history is not a submission's")
        unseen = sum(act.unseen for act in history.acts)
        if unseen:
            changed.notes.append(
                f"{name}: increments repeated {unseen} rows without a trace; they count as not repeated"
            )
        known = {(act.submission, act.at) for act in before.assumed}
        for act in after.assumed:
            if (act.submission, act.at) not in known:
                changed.notes.append(f"{name}: what the list of {act.dated} leaves out is taken as confirmed")
        entries = otherwise(before, after) - fixed
        changed.entries |= {entry: [each.logged for each in history.recorded.get(entry, ())] for entry in entries}
        changed.touched |= made.touched
        changed.instead += self._instead(after, entries)

    def _instead(self, after: Retold, entries: Collection[UUID]) -> Iterator[Placed]:
        """The events of entries told otherwise, sealed as real ones are; for people who are in no log under keys that
        end with this process."""
        for entry in sorted(entries):
            told = after.entries.get(entry, [])
            people = {person for each in told for person in people_of(each.happened.fact)}
            self.history.keys.imagine(people)
            keys = self.history.keys.keys(people)
            for version, each in enumerate(told, 1):
                if not people_of(each.happened.fact) <= keys.keys():  # erased: a corrected list brings nobody back
                    erased = msgspec.structs.replace(each.happened.fact, personal=None)
                    each = each._replace(happened=each.happened._replace(fact=erased))
                yield self._event(entry, version, each, keys)

    def _event(self, entry: UUID, version: int, told: Told, keys: Mapping[UUID, bytes]) -> Placed:
        fact, on = told.happened
        event_id = keyed_id(_OWN, str(entry), str(version), str(told.act.submission))
        event = Event(
            event_id,
            entry,
            version,
            fact_type(type(fact)).name,
            on,
            PRINCIPAL,
            keyed_id(_OWN, str(told.act.submission), told.act.at.isoformat(), told.act.kind),
            None,
            None,
            seal(fact, event_id, entry, version, keys),
        )
        return Placed(told.act.at, 1, Logged(self.source, 0, told.act.at, b"", event))


def _in_order(placed: Placed) -> tuple[object, int]:
    return placed.at, placed.order

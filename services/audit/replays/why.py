"""Why: from a decision to every fact, rule version, model and person behind it; and from a person to every decision.

Nothing is worked out anew. An event names its cause, and in its public part the events it rests on, the records it is
about and the hash of the rules it followed; these are looked up, and theirs in turn.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple
from uuid import UUID

import psycopg

from services.audit.errors import NoSuchEvent
from services.audit.replays.moments import Cut
from services.audit.replays.records import (
    EventTold,
    activations,
    by_event_ids,
    ids_in,
    last_before,
    public_part,
    told,
)
from shared.eventsourcing.event import Logged
from shared.keys.keyring import KeyRing

EVENTS_LIMIT = 500  # behind one decision; what rests on more says so
RECORD_EVENTS = 20  # of each record that an event is about, the last ones before it
HASH_CHARACTERS = 16  # the least by which a hash is named
FACTS = "registry"  # whose events are facts that people and agencies told; every other service decides

Tie = Literal["cause", "evidence", "record", "rules", "in_force"]


@dataclass(frozen=True, slots=True)
class Ground:
    """``on`` rests on ``by``. cause: ``by`` brought it about; evidence: it names ``by``; record: it is about what
    ``by`` states; rules: it names the hash that ``by`` activated; in_force: it names none, and this was in force."""

    on: UUID
    by: UUID
    tie: Tie


class Why(NamedTuple):
    """``events``: the decision first, then everything behind it in the order it was recorded. ``people``: those who
    sent the commands, policies left out. ``complete``: nothing was left out for being too much."""

    decision: EventTold
    events: list[EventTold]
    grounds: list[Ground]
    people: list[str]
    complete: bool


def why(raw: psycopg.Connection[Any], event_id: UUID, known: Cut, keyring: KeyRing) -> Why:
    """What is behind an event. Raises NoSuchEvent, ArchiveDoubtful."""
    found = by_event_ids(raw, [event_id], known.upto)
    if not found:
        raise NoSuchEvent("截至该时刻没有这条记录", "no such event was known by then", event_id=str(event_id))
    search = _Search(raw, known, activations(raw, known.upto))
    search.follow(found[0])
    behind = sorted(search.seen.values(), key=lambda logged: (logged.recorded_at, logged.service))
    events = told([found[0], *(each for each in behind if each.event.event_id != event_id)], keyring)
    people = sorted({each.principal for each in events if ":" not in each.principal})
    return Why(events[0], events[1:], search.grounds, people, search.complete)


def decisions(events: Iterable[EventTold]) -> list[EventTold]:
    """Of a person's events those that decide something about her: what other services made of the register's facts."""
    return [each for each in events if each.service != FACTS]


class _Search:
    """Breadth first, each event once. What a record of the register says is not followed further: it is a fact."""

    def __init__(self, raw: psycopg.Connection[Any], known: Cut, rules: Sequence[Logged]) -> None:
        self._raw, self._known = raw, known
        self._rules = [(logged, public_part(logged.event)) for logged in rules]
        self.seen: dict[UUID, Logged] = {}
        self.grounds: list[Ground] = []
        self.complete = True

    def follow(self, start: Logged) -> None:
        waiting = [start]
        self.seen[start.event.event_id] = start
        while waiting:
            logged = waiting.pop(0)
            for tie, ground in self._grounds_of(logged):
                self.grounds.append(Ground(logged.event.event_id, ground.event.event_id, tie))
                if ground.event.event_id in self.seen:
                    continue
                if len(self.seen) >= EVENTS_LIMIT:
                    self.complete = False
                    continue
                self.seen[ground.event.event_id] = ground
                if tie in ("cause", "evidence") or (tie == "record" and ground.service != FACTS):
                    waiting.append(ground)

    def _grounds_of(self, logged: Logged) -> list[tuple[Tie, Logged]]:
        event, said = logged.event, public_part(logged.event)
        found: list[tuple[Tie, Logged]] = []
        named = set(ids_in(said)) - {event.event_id, event.stream_id}
        causes = {event.cause_id} if event.cause_id is not None else set()
        for ground in by_event_ids(self._raw, named | causes, self._known.upto):
            if ground.recorded_at < logged.recorded_at:
                found += [("cause", ground)] if ground.event.event_id in causes else []
                found += [("evidence", ground)] if ground.event.event_id in named else []
        about = (named | {event.stream_id}) - {ground.event.event_id for _, ground in found}
        records = last_before(self._raw, about, logged.recorded_at, self._known.upto, RECORD_EVENTS)
        found += [("record", each) for each in records]
        if ":" in event.principal or any("hash" in name or name == "model" for name in said):
            found += self._rules_of(logged, said)
        return found

    def _rules_of(self, logged: Logged, said: dict[str, Any]) -> list[tuple[Tie, Logged]]:
        """The configuration the event names; else what of its own service was in force on its day."""
        hashes = {
            part
            for name, value in said.items()
            if isinstance(value, str) and (name.endswith("hash") or name == "model")
            for part in value.split("+")
            if len(part) >= HASH_CHARACTERS
        }
        before = [(rules, content) for rules, content in self._rules if rules.recorded_at < logged.recorded_at]
        named: dict[str, Logged] = {}
        for rules, content in before:
            for each in hashes:
                if str(content.get("content_hash", "")).startswith(each):
                    named[each] = rules  # the last that activated it
        if named:
            return [("rules", rules) for rules in named.values()]
        in_force: dict[UUID, Logged] = {}
        for rules, _ in sorted(before, key=lambda each: (each[0].event.effective_on, each[0].log_index)):
            if rules.service == logged.service and rules.event.effective_on <= logged.event.effective_on:
                in_force[rules.event.stream_id] = rules
        return [("in_force", rules) for rules in in_force.values()]

"""The difference between two moments of a view: rows added, removed and changed, each with the events behind it.

An event is behind a change when it was recorded between the two moments, or one of its days lies between the two days,
and it touches a record that the row is made of: the row's own ids, those it names, the school it stands in. Where none
does, the configuration that came into force is: rules and calendars name no row.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any, Literal, NamedTuple
from uuid import UUID

from sqlalchemy import Connection

from services.audit import archived
from services.audit.replays.replaying import Answer, Question, Replays, Rows
from shared.database.database import driver
from shared.eventsourcing.event import Logged
from shared.eventsourcing.open_dates import FOREVER
from shared.eventsourcing.projection import Assertion, Projection
from shared.keys.keyring import KeyRing
from shared.messaging.arrivals import arrival
from shared.messaging.codec import Envelope
from shared.messaging.facts import open_facts

_SCHOOL = frozenset({"school_code", "school_name", "name", "former_names"})
BATCH_EVENTS = 1_000


@dataclass(frozen=True, slots=True)
class Cause:
    """An event behind a change, with its place in its log."""

    service: str
    log_index: int
    event_id: UUID
    type: str
    effective_on: date
    recorded_at: datetime
    principal: str


@dataclass(frozen=True, slots=True)
class FieldChange:
    """One field, before and after."""

    field: str
    before: Any
    after: Any


@dataclass(frozen=True, slots=True)
class Change:
    """What became of one row, named by its key."""

    key: dict[str, Any]
    kind: Literal["added", "removed", "changed"]
    fields: list[FieldChange]
    causes: list[Cause]


class Difference(NamedTuple):
    """The two answers and what lies between them, by key."""

    before: Answer
    after: Answer
    changes: list[Change]


class Touch(NamedTuple):
    """An event with what it asserts about: ids as text, school codes, and whether it configures everybody."""

    cause: Cause
    ids: frozenset[str]
    schools: frozenset[str]
    configures: bool


def difference(replays: Replays, before: Question, after: Question) -> Difference:
    """What changed in a view from one moment (or day) to another; both questions ask the same view.

    Raises what :meth:`Replays.ask` raises.
    """
    with replays.scratch() as connection:
        return difference_in(connection, replays, before, after)


def difference_in(connection: Connection, replays: Replays, before: Question, after: Question) -> Difference:
    """The same, folded within the caller's scratch transaction."""
    view = replays.view(before.view)
    one, other = replays.replayed(connection, before), replays.replayed(connection, after)
    changes = list(compared(one.rows, other.rows, view.key))
    touches = list(_between(connection, view.projection, one, other, replays.keyring)) if changes else []
    shown = [_by_key(answer.rows, view.key) for answer in (one, other)]
    return Difference(one, other, [_caused(change, shown, touches) for change in changes])


def flat(changes: list[Change]) -> Rows:
    """The changes as a table tells them: a row per field, with the events by their places and ids."""
    return [
        {
            **change.key,
            "kind": change.kind,
            "field": field.field,
            "before": field.before,
            "after": field.after,
            "causes": ", ".join(f"{cause.service} {cause.log_index} {cause.type}" for cause in change.causes),
            "cause_event_ids": ", ".join(str(cause.event_id) for cause in change.causes),
        }
        for change in changes
        for field in change.fields
    ]


def compared(before: Rows, after: Rows, key: tuple[str, ...]) -> Iterator[Change]:
    """The changes from one list of rows to the other, by key, without their causes."""
    old, new = _by_key(before, key), _by_key(after, key)
    for place in sorted(old.keys() | new.keys()):
        was, now = old.get(place), new.get(place)
        if was == now:
            continue
        row = now or was or {}
        names = [name for name in row if (was or {}).get(name) != (now or {}).get(name)]
        fields = [FieldChange(name, (was or {}).get(name), (now or {}).get(name)) for name in names]
        kind: Literal["added", "removed", "changed"] = (
            "added" if was is None else "removed" if now is None else "changed"
        )
        yield Change({name: row[name] for name in key}, kind, fields, [])


def _by_key(rows: Rows, key: tuple[str, ...]) -> dict[tuple[str, ...], dict[str, Any]]:
    return {tuple(str(row[name]) for name in key): row for row in rows}


def _caused(change: Change, shown: list[dict[tuple[str, ...], dict[str, Any]]], touches: list[Touch]) -> Change:
    place = tuple(map(str, change.key.values()))
    values = [value for rows in shown for value in rows.get(place, {}).values()]
    ids = {text for value in values for text in _ids_in(value)}
    found = [each for each in touches if not ids.isdisjoint(each.ids)]
    if not found or (_SCHOOL & {field.field for field in change.fields} and change.kind == "changed"):
        codes = {value for value in values if isinstance(value, str)}
        found += [each for each in touches if not codes.isdisjoint(each.schools)]
    if not found:
        found = [each for each in touches if each.configures]
    return replace(change, causes=sorted({each.cause for each in found}, key=lambda cause: cause.recorded_at))


def _ids_in(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        if len(value) == 36 and value.count("-") == 4:
            yield value
    elif isinstance(value, list | tuple):
        for each in value:
            yield from _ids_in(each)
    elif isinstance(value, dict):
        for each in value.values():
            yield from _ids_in(each)


def _between(
    connection: Connection, projection: Projection, one: Answer, other: Answer, keyring: KeyRing
) -> Iterator[Touch]:
    """The events between the two moments, and those known by the later one with a day between the two days."""
    first, last = sorted((one.true_on, other.true_on))
    known = {service: min(one.log_index[service], other.log_index[service]) for service in projection.logs}
    upto = {service: max(one.log_index[service], other.log_index[service]) for service in projection.logs}
    raw = driver(connection)
    for service in projection.logs:
        after = known[service] if first == last else 0  # a day that passed may be one an old event told of
        while page := archived.log_page(raw, service, after, upto[service]):
            after = page[-1].log_index
            for logged, assertions in _folded(projection, page, keyring):
                days = {logged.event.effective_on, *(day for each in assertions for day in _days_of(each))}
                if logged.log_index > known[service] or any(first < day <= last for day in days if day != FOREVER):
                    yield _touch(logged, assertions)


def _folded(projection: Projection, page: list[Logged], keyring: KeyRing) -> Iterator[tuple[Logged, list[Assertion]]]:
    facts = open_facts(projection, keyring, [arrival(Envelope(logged, 0, None)) for logged in page])
    for logged in page:
        fact = facts.get(logged.log_index)
        if fact is None or isinstance(fact, Exception):
            continue
        try:
            assertions = projection.fold(fact)
        except Exception:  # noqa: S112 - a poison event changes no row: the replay names it among those left out # nosec B112
            continue
        if assertions:
            yield logged, assertions


def _days_of(assertion: Assertion) -> Iterator[date]:
    yield assertion.effective_on
    for value in assertion.values.values():
        if isinstance(value, date) and not isinstance(value, datetime):
            yield value


def _touch(logged: Logged, assertions: list[Assertion]) -> Touch:
    ids, schools = {str(logged.event.event_id), str(logged.event.stream_id)}, set[str]()
    for table, entity, _, values in assertions:
        ids.add(str(entity))
        for name, value in values.items():
            if isinstance(value, UUID):
                ids.add(str(value))
            elif isinstance(value, list | tuple):
                ids.update(str(each) for each in value if isinstance(each, UUID))
            elif name == "code" and table.public and isinstance(value, str):
                schools.add(value)
    configures = all("content" in table.positions for table, _, _, _ in assertions)
    event = logged.event
    cause = Cause(
        logged.service,
        logged.log_index,
        event.event_id,
        event.type,
        event.effective_on,
        logged.recorded_at,
        event.principal,
    )
    return Touch(cause, frozenset(ids), frozenset(schools), configures)

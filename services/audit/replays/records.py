"""Archived events one by one: found by id, stream or mention, and told with what is personal masked, or in full for a
purpose."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

import msgspec
import psycopg

from services.audit.archived import EVENTS, logged_of
from services.audit.domain import leaf_alarm
from services.audit.verified import doubtful
from shared.eventsourcing.event import Event, Logged
from shared.eventsourcing.sealing import people_in, unseal
from shared.kernel.facts import Personal
from shared.kernel.masking import mask_address, mask_name, mask_number, mask_phone
from shared.keys.keyring import KeyRing

# Which events count: known by the cut. A log that the cut does not name counts as empty.
_KNOWN = "log_index <= coalesce((%(upto)s::jsonb ->> service)::bigint, 0)"
_SEALED = {"person", "box"}  # what a personal block looks like while it is sealed


@dataclass(frozen=True, slots=True)
class EventTold:
    """One event for a reader. ``said``: its fields, personal ones masked; None for those of an erased person."""

    service: str
    log_index: int
    event_id: UUID
    type: str
    stream_id: UUID
    version: int
    effective_on: date
    recorded_at: datetime
    principal: str
    command_id: UUID
    cause_id: UUID | None
    said: dict[str, Any]


def by_event_ids(raw: psycopg.Connection[Any], ids: Collection[UUID], upto: Mapping[str, int]) -> list[Logged]:
    """Those of these events that were known, in the order they were recorded."""
    return _read(raw, "event_id = ANY(%(ids)s)", upto, ids=list(ids)) if ids else []


def by_streams(raw: psycopg.Connection[Any], streams: Collection[UUID], upto: Mapping[str, int]) -> list[Logged]:
    """The events of these streams in the order they were recorded."""
    return _read(raw, "stream_id = ANY(%(ids)s)", upto, ids=list(streams)) if streams else []


def last_before(
    raw: psycopg.Connection[Any], streams: Collection[UUID], moment: datetime, upto: Mapping[str, int], count: int
) -> list[Logged]:
    """Of each of these streams its last ``count`` events recorded before ``moment``, in the order of recording."""
    if not streams:
        return []
    condition = (
        "(service, log_index) IN (SELECT last.service, last.log_index FROM unnest(%(ids)s) AS each (id)"
        " CROSS JOIN LATERAL (SELECT service, log_index FROM archive WHERE stream_id = each.id"
        " AND recorded_at < %(moment)s ORDER BY version DESC LIMIT %(count)s) AS last)"
    )
    return _read(raw, condition, upto, ids=list(streams), moment=moment, count=count)


def mentioning(raw: psycopg.Connection[Any], record_id: UUID, upto: Mapping[str, int]) -> list[Logged]:
    """The events of a record's own stream and those whose public part names it, in the order they were recorded. Reads
    the whole archive: sealed and public parts are one text."""
    sought = str(record_id).encode()
    return _read(raw, "(stream_id = %(id)s OR position(%(text)s in data) > 0)", upto, id=record_id, text=sought)


def activations(raw: psycopg.Connection[Any], upto: Mapping[str, int]) -> list[Logged]:
    """Every event that put rules, rates, a model or a calendar into force."""
    return _read(raw, "type ~ 'Activated\\.v[0-9]+$'", upto)


def _read(raw: psycopg.Connection[Any], condition: str, upto: Mapping[str, int], **given: Any) -> list[Logged]:
    given["upto"] = msgspec.json.encode(dict(upto)).decode()
    statement = f"{EVENTS} WHERE {condition} AND {_KNOWN} ORDER BY recorded_at, service"
    found = [logged_of(row) for row in raw.execute(statement.encode(), given)]
    for logged in found:
        alarm = leaf_alarm(logged, logged.source)
        if alarm is not None:
            raise doubtful(alarm.service, alarm.log_index, alarm.kind)
    return found


def public_part(event: Event) -> dict[str, Any]:
    """What an event says without any key: its fields but the personal blocks."""
    found = msgspec.json.decode(event.data)
    return {name: value for name, value in found.items() if not (isinstance(value, dict) and value.keys() == _SEALED)}


def ids_in(value: Any) -> Iterator[UUID]:
    """Every id an event's public part names."""
    if isinstance(value, str):
        if len(value) == 36:
            try:
                yield UUID(value)
            except ValueError:
                return
    elif isinstance(value, list):
        for each in value:
            yield from ids_in(each)
    elif isinstance(value, dict):
        for each in value.values():
            yield from ids_in(each)


def told(
    events: Iterable[Logged], keyring: KeyRing, about: UUID | None = None, in_full: Collection[UUID] = ()
) -> list[EventTold]:
    """The events for a reader, personal fields masked. ``about``: of lists of students only the part about her.
    ``in_full``: the people whose blocks are shown as they are, for a purpose that was recorded."""
    events, whole = list(events), frozenset(in_full)
    keys = keyring.keys({person for logged in events for person in people_in(logged.event)})
    return [_told(logged, keys, about, whole) for logged in events]


def _told(logged: Logged, keys: Mapping[UUID, bytes], about: UUID | None, in_full: Collection[UUID]) -> EventTold:
    event = logged.event
    fact = unseal(event, keys)
    said = {name: _shown(getattr(fact, name), in_full) for name in fact.__struct_fields__}
    if about is not None:
        said = {name: _part_about(value, str(about)) for name, value in said.items()}
    return EventTold(
        logged.service,
        logged.log_index,
        event.event_id,
        event.type,
        event.stream_id,
        event.version,
        event.effective_on,
        logged.recorded_at,
        event.principal,
        event.command_id,
        event.cause_id,
        said,
    )


def _shown(value: Any, in_full: Collection[UUID]) -> Any:
    if isinstance(value, Personal):
        fields = [name for name in value.__struct_fields__ if name != "person_id"]
        if value.person_id in in_full:
            return {name: msgspec.to_builtins(getattr(value, name)) for name in fields}
        return {name: masked(name, getattr(value, name)) for name in fields}
    return msgspec.to_builtins(value)


def _part_about(value: Any, student: str) -> Any:
    if not isinstance(value, list | tuple):
        return value
    return [each for each in value if not (isinstance(each, dict) and each.get("student_id", student) != student)]


def masked(field: str, value: Any) -> Any:
    """A personal field as it is shown without a purpose: what no mask is known for is hidden whole."""
    if value is None or value in ("", (), []):
        return value
    if isinstance(value, date):
        return f"{value.year}-**-**"
    if not isinstance(value, str):
        return "***"
    if field.endswith("name"):
        return mask_name(value)
    if field.endswith("phone"):
        return mask_phone(value)
    if field.endswith("address"):
        return mask_address(value)
    return mask_number(value) if field.endswith(("number", "_id", "id_text")) else "***"

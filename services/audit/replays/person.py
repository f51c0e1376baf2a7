"""One student's whole file: what every view says of her and her household at a moment, and her events in order.

Her events are those of her own stream, those of any log that name her, and those of the list rows, grants, alerts and
households these are about; of the latter only what names nobody else.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, NamedTuple
from uuid import UUID

import psycopg
from sqlalchemy import Connection

from services.audit.erasure.finding import people_of
from services.audit.errors import NoSuchPerson
from services.audit.replays.folding import folded
from services.audit.replays.moments import Cut, cut, day_asked
from services.audit.replays.narrowing import narrowed
from services.audit.replays.records import EventTold, by_streams, mentioning, public_part, told
from services.audit.replays.replaying import Replays, Rows, in_order
from shared.database.database import driver
from shared.database.scopes import Scope
from shared.eventsourcing.event import Logged


class PersonFile(NamedTuple):
    """``views``: view → its rows about her, only those with any. ``events``: hers, in the order they were recorded.
    ``left_out``: events that live views hold as dead letters."""

    student_id: UUID
    known_at: datetime
    true_on: date
    log_index: dict[str, int]
    left_out: list[tuple[str, int]]
    views: dict[str, Rows]
    events: list[EventTold]


def person_file(
    replays: Replays,
    student_id: UUID,
    known_at: datetime | None = None,
    true_on: date | None = None,
    scope: Scope | None = None,
) -> PersonFile:
    """The file as known at ``known_at`` (None: the latest complete moment), true on ``true_on`` (None: that day).

    Raises NoSuchPerson when nothing is known of her within the scope, and what :meth:`Replays.ask` raises.
    """
    with replays.scratch() as connection:
        return person_in(connection, replays, student_id, known_at, true_on, scope)


def person_in(
    connection: Connection,
    replays: Replays,
    student_id: UUID,
    known_at: datetime | None,
    true_on: date | None,
    scope: Scope | None,
    *,
    in_full: bool = False,
) -> PersonFile:
    """The file, folded within the caller's scratch transaction. ``in_full``: what her own keys seal is shown as it is;
    nothing of a relative, or of a row that bears somebody else's number. Raises what :func:`person_file` raises."""
    projections = {view.projection.name: view.projection for view in replays.views.values() if view.by_person}
    logs = sorted({log for projection in projections.values() for log in projection.logs})
    raw = driver(connection)
    known = cut(raw, logs, known_at)
    day = day_asked(true_on, known.known_at)
    scratch = folded(connection, projections.values(), known.upto, replays.keyring, shelf=replays.shelf)
    views: dict[str, Rows] = {}
    with narrowed(scratch, scope):
        for name, view in sorted(replays.views.items()):
            if view.by_person is not None:
                rows = view.by_person(scratch.enter(view.projection.name), day, student_id)
                if rows:
                    views[name] = in_order([row.model_dump(mode="json") for row in rows], view.key)
    if not views:
        raise NoSuchPerson("没有这名学生,或不在您的范围内", "there is no such student in your scope")
    found = [each for each in events_of(raw, student_id, known) if _within(each, scope)]
    hers = people_of(raw, student_id, known.upto).people if in_full else ()
    events = told(found, replays.keyring, student_id, hers)
    return PersonFile(student_id, known.known_at, day, known.upto, list(scratch.left_out), views, events)


def events_of(raw: psycopg.Connection[Any], student_id: UUID, known: Cut) -> list[Logged]:
    """A student's events over all services, in the order they were recorded."""
    named = mentioning(raw, student_id, known.upto)
    streams: set[UUID] = set()
    for logged in named:
        said = public_part(logged.event)
        if said.get("student_id") == str(student_id):
            streams.add(logged.event.stream_id)
            if said.get("entry_id"):
                streams.add(UUID(said["entry_id"]))
    found = {logged.event.event_id: logged for logged in named}
    for logged in by_streams(raw, streams, known.upto):
        if public_part(logged.event).get("student_id", str(student_id)) in (str(student_id), None):
            found.setdefault(logged.event.event_id, logged)
    return sorted(found.values(), key=lambda logged: (logged.recorded_at, logged.service))


def particulars_of(file: PersonFile) -> dict[str, Any]:
    """What the register last said of her herself, as the file's events show it: masked, or in full."""
    found: dict[str, Any] = {}
    for event in file.events:
        if event.service == "registry" and event.stream_id == file.student_id:
            for value in event.said.values():
                if isinstance(value, dict) and "name" in value and "birth_date" in value:
                    found |= {name: each for name, each in value.items() if each not in (None, "", [])}
    return found


def _within(logged: Logged, scope: Scope | None) -> bool:
    """Whether an event that names a place names one of the scope: what another school did stays that school's."""
    if scope is None:
        return True
    said = public_part(logged.event)
    if scope.school is not None:
        return said.get("school_code") in (None, scope.school)
    return str(said.get("division_code") or scope.division).startswith(str(scope.division))

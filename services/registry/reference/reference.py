"""Changes of reference data: schools close, division codes come and go, calendars are activated."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal
from uuid import UUID

from sqlalchemy import Connection

from services.registry.events import (
    DivisionCodeAdded,
    DivisionCodeWithdrawn,
    SchoolCalendarActivated,
    SchoolClosed,
    SchoolRegistered,
)
from services.registry.handlers import Registry, covers
from services.registry.lists import standing
from services.registry.lists.known_schools import ClosedSchool
from services.registry.reference_errors import (
    BeforeSchoolBegan,
    CalendarRefused,
    NoSchoolToMergeInto,
    SchoolAlreadyClosed,
    SchoolNotOnRecord,
)
from shared.database.database import driver
from shared.database.scopes import Scope
from shared.eventsourcing.store import BATCH_LIMIT, Command, Proposed, Result, Stored
from shared.kernel.refusals import Forbidden
from shared.standards.division import area
from shared.standards.school_calendar import CalendarError, CalendarYear, calendar_of, canonical, read_year


@dataclass(frozen=True, slots=True)
class CloseSchool:
    """``on``: the first day it is no more; ``merged_into``: the code of the school that took it over."""

    school_code: str
    on: date
    merged_into: str | None = None


@dataclass(frozen=True, slots=True)
class DivisionChange:
    """One line of a code's history; ``name`` of an added one, ``successors`` of a withdrawn one."""

    code: str
    on: date
    change: Literal["added", "withdrawn"]
    name: str = ""
    successors: tuple[str, ...] = ()
    source: str = ""


@dataclass(frozen=True, slots=True)
class ActivateCalendar:
    """``as_of``: the day from which these school days stand as told."""

    division_code: str
    school_code: str | None
    school_year: int
    year: CalendarYear
    as_of: date


def close_school(registry: Registry, scope: Scope, intent: CloseSchool, command: Command) -> Result:
    """Raises SchoolNotOnRecord (also outside the scope), SchoolAlreadyClosed, NoSchoolToMergeInto,
    BeforeSchoolBegan."""
    own = registry.keys.school(intent.school_code)

    def decide(connection: Connection) -> Sequence[Proposed]:
        stored = registry.store.load(connection, own)
        division = _division_of(stored)
        if division is None or not covers(scope, division, None):
            raise SchoolNotOnRecord(intent.school_code)
        if closed(stored):
            raise SchoolAlreadyClosed(intent.school_code)
        began = min(each.event.effective_on for each in stored)
        if intent.on < began:
            raise BeforeSchoolBegan(began)
        if intent.merged_into is not None:
            into = registry.store.load(connection, registry.keys.school(intent.merged_into))
            if intent.merged_into == intent.school_code or _division_of(into) is None or closed(into):
                raise NoSchoolToMergeInto(intent.merged_into)
        merged = ClosedSchool(intent.on, intent.merged_into)
        standing.keep_closed(driver(connection), intent.school_code, merged)
        fact = SchoolClosed(school_code=intent.school_code, division_code=division, merged_into=intent.merged_into)
        return [Proposed(own, len(stored), fact, intent.on)]

    return registry.store.run(registry.database, command, decide)


def state_divisions(registry: Registry, changes: Sequence[DivisionChange], command: Command) -> Result:
    """Record at most 1,000 lines of history; one that stands already is left alone. In any order: each has its day."""

    def decide(connection: Connection) -> Sequence[Proposed]:
        streams = [registry.keys.division(change.code) for change in changes]
        loaded = registry.store.load_many(connection, list(set(streams)))
        known = {(stream, each.event.effective_on, each.fact) for stream, found in loaded.items() for each in found}
        versions = {stream: len(found) for stream, found in loaded.items()}
        proposed = []
        for change, stream in zip(changes, streams, strict=True):
            fact = _division_fact(change)
            if (stream, change.on, fact) in known:
                continue
            known.add((stream, change.on, fact))
            proposed.append(Proposed(stream, versions.get(stream, 0), fact, change.on))
            versions[stream] = versions.get(stream, 0) + 1
        return proposed

    return registry.store.run(registry.database, command, decide)


def state_many_divisions(registry: Registry, changes: Sequence[DivisionChange], command: Command) -> tuple[UUID, ...]:
    """The same for any number of lines: as many commands as the size of one allows, their ids following from the
    caller's (invariant 3). The event ids, in order."""
    event_ids: list[UUID] = []
    for number, begin in enumerate(range(0, len(changes), BATCH_LIMIT)):
        own = command.command_id if number == 0 else registry.keys.part(command.command_id, "divisions", number)
        made = Command(command.principal, own, command.body, traceparent=command.traceparent)
        event_ids += state_divisions(registry, changes[begin : begin + BATCH_LIMIT], made).event_ids
    return tuple(event_ids)


def activate_calendar(registry: Registry, scope: Scope, intent: ActivateCalendar, command: Command) -> Result:
    """Raises CalendarRefused, also when the place's school years beside it do not fit to it, SchoolNotOnRecord,
    Forbidden outside the scope; nothing for the same content again."""
    content = canonical(intent.year)
    try:
        read_year(content)
    except CalendarError as wrong:
        raise CalendarRefused(wrong.message_zh, wrong.message_en) from None
    if not covers(scope, intent.division_code, None):
        raise Forbidden("只能设置本辖区的校历", "A calendar is set within one's own division only")
    stream = registry.keys.calendar(intent.division_code, intent.school_code, intent.school_year)

    def decide(connection: Connection) -> Sequence[Proposed]:
        if intent.school_code is not None:
            school = registry.store.load(connection, registry.keys.school(intent.school_code))
            if not (_division_of(school) or "").startswith(area(intent.division_code)):
                raise SchoolNotOnRecord(intent.school_code)
        _check_fits(registry, connection, intent, content)
        stored = registry.store.load(connection, stream)
        activated = SchoolCalendarActivated(
            division_code=intent.division_code,
            school_code=intent.school_code,
            school_year=intent.school_year,
            content=content,
            content_hash=hashlib.sha256(content.encode()).hexdigest(),
        )
        if stored and stored[-1].fact == activated:
            return []
        return [Proposed(stream, len(stored), activated, intent.as_of)]

    return registry.store.run(registry.database, command, decide)


def _check_fits(registry: Registry, connection: Connection, intent: ActivateCalendar, content: str) -> None:
    """Raises CalendarRefused when its terms overlap with those the same place told of the year before or after."""
    contents = [content]
    for beside in (-1, 1):
        stream = registry.keys.calendar(intent.division_code, intent.school_code, intent.school_year + beside)
        told = registry.store.load(connection, stream)
        contents += [each.fact.content for each in told[-1:] if isinstance(each.fact, SchoolCalendarActivated)]
    try:
        calendar_of(contents)
    except CalendarError as wrong:
        raise CalendarRefused(wrong.message_zh, wrong.message_en) from None


def calendar_id(registry: Registry, intent: ActivateCalendar) -> UUID:
    """The stream of this place and school year."""
    return registry.keys.calendar(intent.division_code, intent.school_code, intent.school_year)


def _division_fact(change: DivisionChange) -> DivisionCodeAdded | DivisionCodeWithdrawn:
    if change.change == "added":
        return DivisionCodeAdded(code=change.code, name=change.name, source=change.source)
    return DivisionCodeWithdrawn(code=change.code, successors=change.successors, source=change.source)


def registered(stored: Sequence[Stored]) -> SchoolRegistered | None:
    """A school as it was stated last; None when it never was."""
    return next((each.fact for each in reversed(stored) if isinstance(each.fact, SchoolRegistered)), None)


def closing(stored: Sequence[Stored]) -> ClosedSchool | None:
    """When a school closed and who took it over; None while it has not, or when the mass change that closed it was
    undone."""
    for each in reversed(stored):
        if isinstance(each.fact, SchoolClosed):
            return ClosedSchool(each.event.effective_on, each.fact.merged_into)
        if isinstance(each.fact, SchoolRegistered) and each.fact.undone_change_id is not None:
            return None
    return None


def closed(stored: Sequence[Stored]) -> bool:
    """Whether a school is no more."""
    return closing(stored) is not None


def _division_of(stored: Sequence[Stored]) -> str | None:
    told = registered(stored)
    return None if told is None else told.division_code

"""How reference data become rows: schools, division codes, calendars."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from services.registry.events import (
    DivisionCodeAdded,
    DivisionCodeWithdrawn,
    SchoolCalendarActivated,
    SchoolClosed,
    SchoolRegistered,
)
from services.registry.tables import CALENDARS, DIVISIONS, SCHOOLS
from shared.eventsourcing.projection import Assertion, Recorded
from shared.kernel.facts import Fact


def school_registered(event: Recorded) -> Iterable[Assertion]:
    fact: SchoolRegistered = event.fact
    values: dict[str, Any] = {
        "code": fact.school_code,
        "name": fact.name,
        "former_names": list(fact.former_names),
        "division": fact.division_code,
        "stages": list(fact.stages),
    }
    if fact.undone_change_id is not None:  # what is undone may have closed it
        values |= {"closed": False, "merged_into": None}
    yield Assertion(SCHOOLS, event.stream_id, event.effective_on, values)


def school_closed(event: Recorded) -> Iterable[Assertion]:
    fact: SchoolClosed = event.fact
    values = {"closed": True, "merged_into": fact.merged_into}
    yield Assertion(SCHOOLS, event.stream_id, event.effective_on, values)


def division_added(event: Recorded) -> Iterable[Assertion]:
    fact: DivisionCodeAdded = event.fact
    values = {"code": fact.code, "name": fact.name, "in_force": True, "successors": [], "source": fact.source}
    yield Assertion(DIVISIONS, event.stream_id, event.effective_on, values)


def division_withdrawn(event: Recorded) -> Iterable[Assertion]:
    fact: DivisionCodeWithdrawn = event.fact
    values = {"code": fact.code, "in_force": False, "successors": list(fact.successors), "source": fact.source}
    yield Assertion(DIVISIONS, event.stream_id, event.effective_on, values)


def calendar_activated(event: Recorded) -> Iterable[Assertion]:
    fact: SchoolCalendarActivated = event.fact
    values = {
        "place": fact.division_code,
        "school": fact.school_code,
        "school_year": fact.school_year,
        "content": fact.content,
        "content_hash": fact.content_hash,
    }
    yield Assertion(CALENDARS, event.stream_id, event.effective_on, values)


SCHOOL_FOLDS: dict[type[Fact], Any] = {SchoolRegistered: school_registered, SchoolClosed: school_closed}
REFERENCE_FOLDS: dict[type[Fact], Any] = {
    **SCHOOL_FOLDS,
    DivisionCodeAdded: division_added,
    DivisionCodeWithdrawn: division_withdrawn,
    SchoolCalendarActivated: calendar_activated,
}

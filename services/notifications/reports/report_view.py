"""The reports that were issued, every edition, and who has to report: the tables of the view and its folds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import Boolean, Column, Date, DateTime, Index, Integer, Text, Uuid
from sqlalchemy.dialects.postgresql import JSONB

from services.notifications.events import DayOpened, ReportIssued
from services.notifications.signals.folds import calendar_activated
from services.notifications.tables import CALENDARS
from services.registry.events import SchoolCalendarActivated, SchoolClosed, SchoolRegistered
from shared.eventsourcing.periods import PeriodTable
from shared.eventsourcing.projection import Assertion, Fold, Projection, Recorded
from shared.kernel.facts import Fact
from shared.kernel.identifiers import keyed_id

# One entity per edition.
REPORTS = PeriodTable(
    "reports",
    "notifications",
    [
        Column("report_id", Uuid),
        Column("level", Text),
        Column("period", Text),
        Column("period_name", Text),
        Column("first", Date),
        Column("last", Date),
        Column("edition", Integer),
        Column("cut", JSONB),
        Column("content", Text),
        Column("content_hash", Text),
        Column("rules_hash", Text),
        Column("plan_hash", Text),
        Column("differences", JSONB),
        Column("issued_on", Date),
        Column("issued_at", DateTime(timezone=True)),
        Column("issued_by", Text),
        Column("division_code", Text),
        Column("school_code", Text),
    ],
    indexes=[Index("reports_by_id", "report_id", "edition"), Index("reports_by_period", "last", "report_id")],
)

# Schools that have to report, within the viewer's scope.
REPORTING_SCHOOLS = PeriodTable(
    "reporting_schools",
    "registry",
    [Column("name", Text), Column("closed", Boolean), Column("division_code", Text), Column("school_code", Text)],
)
# The days this installation has lived through: before the first of them no report was due.
LIVED = PeriodTable("lived_days", "notifications", [Column("day", Date)], public=True)
_SCHOOLS_KEY = b"a school that reports"  # not a secret: a school's code is no person's


def report_issued(event: Recorded) -> Iterable[Assertion]:
    fact: ReportIssued = event.fact
    names = (
        "level", "period", "period_name", "first", "last", "edition", "content", "content_hash", "rules_hash",
        "plan_hash", "division_code", "school_code",
    )  # fmt: skip
    values: dict[str, Any] = {name: getattr(fact, name) for name in names} | {
        "report_id": event.stream_id,
        "cut": {log: list(indexes) for log, indexes in fact.cut.items()},
        "differences": {key: list(both) for key, both in fact.differences.items()},
        "issued_on": event.effective_on,
        "issued_at": event.recorded_at,
        "issued_by": event.logged.event.principal,
    }
    yield Assertion(REPORTS, event.event_id, event.effective_on, values)


def school_registered(event: Recorded) -> Iterable[Assertion]:
    fact: SchoolRegistered = event.fact
    values = {
        "name": fact.name,
        "closed": False,
        "division_code": fact.division_code,
        "school_code": fact.school_code,
    }
    yield Assertion(REPORTING_SCHOOLS, keyed_id(_SCHOOLS_KEY, fact.school_code), event.effective_on, values)


def school_closed(event: Recorded) -> Iterable[Assertion]:
    fact: SchoolClosed = event.fact
    values = {"closed": True, "division_code": fact.division_code, "school_code": fact.school_code}
    yield Assertion(REPORTING_SCHOOLS, keyed_id(_SCHOOLS_KEY, fact.school_code), event.effective_on, values)


def day_opened(event: Recorded) -> Iterable[Assertion]:
    yield Assertion(LIVED, event.event_id, event.effective_on, {"day": event.fact.day})


REPORTS_FOLDS: Mapping[type[Fact], Fold] = {
    ReportIssued: report_issued,
    SchoolRegistered: school_registered,
    SchoolClosed: school_closed,
    SchoolCalendarActivated: calendar_activated,
    DayOpened: day_opened,
}
REPORTS_VIEW = Projection("reports", (REPORTS, REPORTING_SCHOOLS, LIVED, CALENDARS), REPORTS_FOLDS, halts=True)

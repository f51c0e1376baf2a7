"""When each kind of alert about where a child is registered should stand. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from typing import NamedTuple
from uuid import UUID

from services.notifications.commands import Told
from services.notifications.events import AlertKind
from services.notifications.signals.rules import AlertRules, Thresholds
from services.notifications.signals.school_time import NO_CALENDAR, SchoolTime
from shared.standards.school_calendar import SchoolCalendar

_ONE_DAY = timedelta(days=1)


class Schooling(NamedTuple):
    """A student's standing on one day: ``status`` as in projections.py, true since ``since`` by event ``event_id``.
    ``compulsory`` is [from, to) or None where the birth date is not known."""

    student_id: UUID
    status: str
    since: date
    event_id: UUID
    stage: str | None
    division_code: str
    school_code: str | None
    compulsory: tuple[date, date] | None
    due_back: date | None = None
    grade: str | None = None
    class_name: str | None = None


class ListedChild(NamedTuple):
    """One list row that was decided last by event ``event_id``: ``state`` as in matching. ``listed_by`` put it on its
    list; ``lost_by`` took its link away last, None while it never had one."""

    entry_id: UUID
    state: str
    school_age: bool
    list: str
    since: date
    event_id: UUID
    division_code: str | None
    school_code: str | None
    listed_by: UUID | None
    lost_by: UUID | None = None


class Reason(NamedTuple):
    """Why an alert should stand; ``grounds`` as in AlertRaised, ``latest`` and ``restates`` as in RaiseAlert."""

    since: date
    evidence: tuple[UUID, ...]
    explanation_code: str
    facts: dict[str, str]
    grounds: tuple[UUID, ...] = ()
    latest: Told | None = None
    restates: bool = False


def of_compulsory_age(schooling: Schooling, rules: AlertRules) -> bool:
    """By birth date on the day it happened; by stage where the birth date is not known."""
    if schooling.compulsory is None:
        return schooling.stage in rules.compulsory_stages
    begins, ends = schooling.compulsory
    return begins <= schooling.since < ends


def acceptance_due(left_on: date, days: int, calendar: SchoolCalendar) -> date:
    """When the time for acceptance is up: ``days`` after, vacations between two terms told not counted. A calendar that
    tells no terms around leaves every day to count."""
    due = left_on
    while days:
        due += _ONE_DAY
        days -= not calendar.is_vacation(due)
    return due


def student_reasons(
    schooling: Schooling, rules: AlertRules, today: date, calendar: SchoolCalendar = NO_CALENDAR
) -> dict[AlertKind, Reason]:
    """The alerts that should stand for a registered student on ``today``; ``calendar`` is her school's."""
    if schooling.status == "transferred_out":
        due = acceptance_due(schooling.since, rules.acceptance_days, calendar)
        if today >= due:
            facts = {"left_on": schooling.since.isoformat(), "days": str(rules.acceptance_days)}
            return {
                "left_without_acceptance": Reason(
                    schooling.since, (schooling.event_id,), "left_and_not_accepted_in_time", facts
                )
            }
    if schooling.status == "dropped_out" and of_compulsory_age(schooling, rules):
        facts = {"left_on": schooling.since.isoformat()}
        return {
            "dropped_out": Reason(schooling.since, (schooling.event_id,), "dropped_out_of_compulsory_school", facts)
        }
    return {}


def listed_reason(entries: Iterable[ListedChild]) -> Reason | None:
    """Listed, of school age, enrolled nowhere: the alert stands while one row of this child says so and no row of this
    child is linked to a student."""
    rows = sorted(entries, key=lambda row: str(row.entry_id))
    if any(row.state == "linked" for row in rows):
        return None
    missing = [row for row in rows if row.state == "not_in_register" and row.school_age]
    if not missing:
        return None
    lists = ",".join(sorted({row.list for row in missing}))
    evidence = tuple(row.event_id for row in missing)
    grounds = tuple(each for row in missing for each in (row.listed_by, row.lost_by) if each is not None)
    return Reason(min(row.since for row in missing), evidence, "listed_but_in_no_register", {"lists": lists}, grounds)


def suspension_overdue(
    schooling: Schooling, rules: Thresholds, time: SchoolTime, today: date, reported: Sequence[int] = ()
) -> Reason | None:
    """Suspended, due back, and not enrolled again when ``suspension_grace_days`` school days have ended since the day
    she was due, that day included. Where no calendar tells, the days her class reported (``reported``, day numbers)
    count, or every day while it reported none."""
    due = schooling.due_back
    if schooling.status != "suspended" or due is None or due >= today:
        return None
    begin, end = due.toordinal(), today.toordinal()
    if time.knows(begin):
        ended = time.count_between(begin, end)
    else:
        ended = sum(begin <= day < end for day in reported) if reported else end - begin
    if ended < rules.suspension_grace_days:
        return None
    facts = {"due_back": due.isoformat(), "days": str(ended)}
    return Reason(due, (schooling.event_id,), "suspension_ended_and_not_returned", facts, (schooling.event_id,))

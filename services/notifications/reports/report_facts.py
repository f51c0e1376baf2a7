"""What the reports remember: each event that counts is a row of its own and is never overwritten, so that the counts
as of any cut of the logs can be read back at any time (ADR 0033). Nothing personal is kept.

A row carries its event's log index (by the table), ``part``, its partition, and ``recorded_at``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from sqlalchemy import Boolean, Column, Date, DateTime, Index, Integer, Text, Uuid

from services.matching.events import (
    EntryUnmatched,
    EntryWithdrawn,
    LinkConfirmed,
    LinkWithdrawn,
    MemberCovered,
    MemberCoverWithdrawn,
)
from services.notifications.case_events import (
    AttemptLogged,
    CaseEscalated,
    CasePlanActivated,
    DropoutConfirmed,
    TeamFormed,
)
from services.notifications.events import (
    AlertClosed,
    AlertRaised,
    AlertRulesActivated,
    AlertSeen,
    AlertWithdrawn,
    DayOpened,
)
from services.registry.events import (
    ClassAttendanceReported,
    SchoolCalendarActivated,
    SchoolClosed,
    SchoolRegistered,
    StudentAcceptedElsewhere,
    StudentEnrolled,
    StudentLeft,
    StudentPlaced,
    StudentTransferredOut,
)
from services.registry.events import (
    DayOpened as RegistryDayOpened,
)
from shared.eventsourcing.event import partition_of
from shared.eventsourcing.periods import PeriodTable
from shared.eventsourcing.projection import Assertion, Fold, Recorded
from shared.hosting.settings import PARTITIONS
from shared.kernel.facts import Fact


def _table(name: str, log: str, columns: Iterable[Column[Any]], *indexes: Index) -> PeriodTable:
    """Invisible but to the worker: places are named so that no scope matches (``division`` and ``school``)."""
    own = (Column("part", Integer), Column("recorded_at", DateTime(timezone=True)), Column("stream", Uuid))
    return PeriodTable(name, log, [*own, *columns], indexes=indexes)


# what: enrolled, placed, transferred_out, accepted_elsewhere, or why the student left.
LIVES = _table(
    "report_lives",
    "registry",
    [
        Column("what", Text),
        Column("division", Text),
        Column("school", Text),
        Column("stage", Text),
        Column("grade", Text),
        Column("class_name", Text),
        Column("left_behind", Boolean),
    ],
    Index("report_lives_by_student", "stream", "valid_from", "log_index"),
    Index("report_lives_by_school", "school"),
)
CLASS_REPORTS = _table(
    "report_class_reports",
    "registry",
    [
        Column("school", Text),
        Column("stage", Text),
        Column("grade", Text),
        Column("class_name", Text),
    ],
    Index("report_class_reports_by_day", "valid_from", "school"),
)
PLACES = _table(
    "report_places", "registry", [Column("school", Text), Column("division", Text), Column("closed", Boolean)]
)
YEARS = _table(
    "report_years",
    "registry",
    [Column("place", Text), Column("school", Text), Column("school_year", Integer), Column("content", Text)],
)
# Days the register opened: until it has opened a day, what it said before may still be on its way.
REGISTER_DAYS = _table("report_register_days", "registry", [Column("day", Date)])
# Whom a list row speaks of: a student, or with none the listed child that is in no register.
AID = _table(
    "report_aid",
    "matching",
    [
        Column("entry_id", Uuid),
        Column("student_id", Uuid),
        Column("list", Text),
        Column("holds", Boolean),
        Column("ends_on", Date),
    ],
)
# what: raised, seen, withdrawn, closed, team, attempt, confirmed, escalated, rules, plan, day. value: kind, reason,
# outcome or hash.
ACTS = _table(
    "report_acts",
    "notifications",
    [
        Column("what", Text),
        Column("value", Text),
        Column("student_id", Uuid),
        Column("entry_id", Uuid),
        Column("division", Text),
        Column("school", Text),
    ],
    Index("report_acts_by_what", "what"),
)


def _row(table: PeriodTable, event: Recorded, **values: Any) -> Iterable[Assertion]:
    own = {
        "part": partition_of(event.stream_id, PARTITIONS),
        "recorded_at": event.recorded_at,
        "stream": event.stream_id,
    }
    yield Assertion(table, event.event_id, event.effective_on, own | values)


def placed(what: str) -> Fold:
    def fold(event: Recorded) -> Iterable[Assertion]:
        fact: StudentEnrolled | StudentPlaced = event.fact
        return _row(
            LIVES,
            event,
            what=what,
            division=fact.division_code,
            school=fact.school_code,
            stage=fact.stage,
            grade=fact.grade,
            class_name=fact.class_name,
            left_behind=fact.left_behind,
        )

    return fold


def gone(status: Callable[[Any], str]) -> Fold:
    return lambda event: _row(LIVES, event, what=status(event.fact))


def class_reported(event: Recorded) -> Iterable[Assertion]:
    fact: ClassAttendanceReported = event.fact
    return _row(
        CLASS_REPORTS,
        event,
        school=fact.school_code,
        stage=fact.stage,
        grade=fact.grade,
        class_name=fact.class_name,
    )


def school_told(event: Recorded) -> Iterable[Assertion]:
    closed = isinstance(event.fact, SchoolClosed)
    return _row(PLACES, event, school=event.fact.school_code, division=event.fact.division_code, closed=closed)


def register_day_opened(event: Recorded) -> Iterable[Assertion]:
    return _row(REGISTER_DAYS, event, day=event.fact.day)


def calendar_told(event: Recorded) -> Iterable[Assertion]:
    fact: SchoolCalendarActivated = event.fact
    return _row(
        YEARS, event, place=fact.division_code, school=fact.school_code, school_year=fact.school_year,
        content=fact.content,
    )  # fmt: skip


def listed(event: Recorded) -> Iterable[Assertion]:
    """What a row says of a student, or of a listed child of school age that no school has."""
    fact = event.fact
    return _row(
        AID,
        event,
        entry_id=fact.entry_id,
        student_id=getattr(fact, "student_id", None),
        list=fact.list,
        holds=isinstance(fact, LinkConfirmed | MemberCovered) or getattr(fact, "state", "") == "not_in_register",
        ends_on=getattr(fact, "covered_to", None) or getattr(fact, "valid_to", None),
    )


def raised(event: Recorded) -> Iterable[Assertion]:
    fact: AlertRaised = event.fact
    return _row(
        ACTS, event, what="raised", value=fact.kind, student_id=fact.student_id, entry_id=fact.entry_id,
        division=fact.division_code, school=fact.school_code,
    )  # fmt: skip


def acted(what: str, value: Callable[[Any], str | None] = lambda _: None) -> Fold:
    return lambda event: _row(ACTS, event, what=what, value=value(event.fact))


MEMORY = (LIVES, CLASS_REPORTS, PLACES, YEARS, REGISTER_DAYS, AID, ACTS)
MEMORY_FOLDS: Mapping[type[Fact], Fold] = {
    StudentEnrolled: placed("enrolled"),
    StudentPlaced: placed("placed"),
    StudentTransferredOut: gone(lambda _: "transferred_out"),
    StudentAcceptedElsewhere: gone(lambda _: "accepted_elsewhere"),
    StudentLeft: gone(lambda fact: str(fact.reason)),
    ClassAttendanceReported: class_reported,
    SchoolRegistered: school_told,
    SchoolClosed: school_told,
    SchoolCalendarActivated: calendar_told,
    RegistryDayOpened: register_day_opened,
    LinkConfirmed: listed,
    LinkWithdrawn: listed,
    MemberCovered: listed,
    MemberCoverWithdrawn: listed,
    EntryUnmatched: listed,
    EntryWithdrawn: listed,
    AlertRaised: raised,
    AlertSeen: acted("seen"),
    AlertWithdrawn: acted("withdrawn"),
    AlertClosed: acted("closed", lambda fact: str(fact.reason)),
    TeamFormed: acted("team"),
    AttemptLogged: acted("attempt", lambda fact: str(fact.outcome)),
    DropoutConfirmed: acted("confirmed"),
    CaseEscalated: acted("escalated", lambda fact: str(fact.reason)),
    AlertRulesActivated: acted("rules", lambda fact: str(fact.content_hash)),
    CasePlanActivated: acted("plan", lambda fact: str(fact.content_hash)),
    DayOpened: acted("day"),
}

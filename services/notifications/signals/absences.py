"""What should become of the absence alerts of students: raised, left, closed because she is back, or withdrawn."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, timedelta
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import Connection

from services.notifications.commands import CloseReturned, RaiseAlert, WithdrawAlert
from services.notifications.events import AlertKind
from services.notifications.signals.attendance import ABSENCE_KINDS, Judged, judge
from services.notifications.signals.attendance_memory import ClassKey, days_of, open_alerts, report_ids, reported_days
from services.notifications.signals.memory import Calendars, InForce
from services.notifications.signals.reasons import Reason, Schooling, suspension_overdue
from services.notifications.signals.rules import Thresholds
from services.notifications.signals.school_time import SchoolTime
from services.notifications.signals.to_look_at import named_often

WITHOUT_WORD_DAYS = 200  # a class of which nothing was heard for so long gives no new signal
KINDS: tuple[AlertKind, ...] = (*ABSENCE_KINDS, "suspension_overdue")
Intent = RaiseAlert | WithdrawAlert | CloseReturned
Raising = Callable[[AlertKind, Schooling, Reason], RaiseAlert]


class _Case(NamedTuple):
    """A student with what is judged of her. ``key`` None: she is in no class."""

    place: Schooling
    judged: Judged
    undocumented: Judged
    key: ClassKey | None = None


def absence_intents(
    connection: Connection,
    standing: Mapping[UUID, Schooling],
    in_force: InForce,
    calendars: Calendars,
    today: date,
    raising: Raising,
    untold: Mapping[UUID, Mapping[AlertKind, UUID]],
) -> dict[UUID, list[tuple[AlertKind, Intent]]]:
    """Student → kind → what should become of that alert. Kinds that neither stand nor are open are left out.
    ``untold``: alerts that are open though the log may not have told them back."""
    if not standing:
        return {}
    opened = {**open_alerts(connection, list(standing), KINDS), **untold}
    # Who was named too seldom is not looked at further: after a promotion that is nearly the whole register.
    since = today - timedelta(days=WITHOUT_WORD_DAYS)
    often = named_often(connection, list(standing), in_force.rules, since, today)
    standing = {
        student: place
        for student, place in standing.items()
        if student in opened or student in often or place.status == "suspended"
    }
    intents: dict[UUID, list[tuple[AlertKind, Intent]]] = {}
    for student, case in _cases(connection, standing, in_force, calendars, today).items():
        found: list[tuple[AlertKind, Intent]] = [
            (kind, raising(kind, case.place, reason)) for kind, reason in case.judged.reasons.items()
        ]
        for kind in opened.get(student, ()):
            if kind not in case.judged.reasons:
                found.append((kind, _ending(connection, kind, case, today)))
        if found:
            intents[student] = found
    return intents


def _cases(
    connection: Connection,
    standing: Mapping[UUID, Schooling],
    in_force: InForce,
    calendars: Calendars,
    today: date,
) -> dict[UUID, _Case]:
    rules, day = in_force.rules, today.toordinal()
    enrolled = {student: place for student, place in standing.items() if place.status == "enrolled"}
    cases = {}
    for student, days in (days_of(connection, enrolled, rules, calendars, today) if enrolled else {}).items():
        place = enrolled[student]
        thresholds, time = _measures(place, in_force, calendars)
        judged = judge(days.child, thresholds, time, day)
        undocumented = judge(days.undocumented, thresholds, time, day) if days.child.documents else judged
        cases[student] = _Case(place, judged, undocumented, days.key)
    for student, place in standing.items():
        if student not in cases:
            reason = _overdue(connection, place, in_force, calendars, today)
            judged = Judged({} if reason is None else {"suspension_overdue": reason})
            cases[student] = _Case(place, judged, judged)
    return cases


def _measures(place: Schooling, in_force: InForce, calendars: Calendars) -> tuple[Thresholds, SchoolTime]:
    time = calendars.time(place.division_code, place.school_code)
    return in_force.rules.at(place.division_code, place.stage), time


def _overdue(
    connection: Connection, place: Schooling, in_force: InForce, calendars: Calendars, today: date
) -> Reason | None:
    if place.status != "suspended" or place.due_back is None:
        return None
    thresholds, time = _measures(place, in_force, calendars)
    reported: list[int] = []
    if not time.knows(place.due_back.toordinal()):
        key = ClassKey(place.school_code or "", place.stage or "", place.grade or "", place.class_name or "")
        told = reported_days(connection, [key], today, thresholds.attendance_reach_days)
        reported = [day for each in told.values() for day in each.days]
    return suspension_overdue(place, thresholds, time, today, reported)


def _ending(connection: Connection, kind: AlertKind, case: _Case, today: date) -> WithdrawAlert | CloseReturned:
    """Why an open alert does not stand any more."""
    place, judged = case.place, case.judged
    if place.status != "enrolled":
        return WithdrawAlert(place.status, (place.event_id,), today)
    if kind == "suspension_overdue":
        return WithdrawAlert("enrolled_again", (place.event_id,), today)
    if judged.covered_by:
        return WithdrawAlert("absence_documented", judged.covered_by, today)
    if kind in judged.ended and case.key is not None:
        return CloseReturned(report_ids(connection, case.key, judged.returned), today)
    if kind in case.undocumented.reasons or kind in case.undocumented.ended:
        return WithdrawAlert("absence_documented", (), today)
    return WithdrawAlert("attendance_corrected", (), today)

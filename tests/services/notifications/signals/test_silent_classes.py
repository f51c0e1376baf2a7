"""Silence of a class that should report is itself a signal, and ends when the report comes."""

from __future__ import annotations

import pytest

from shared.hosting.service import Service
from tests.services.installation import Installation
from tests.services.notifications.signals.school import School, day, school_days
from tests.services.notifications.signals.test_watching import notifications

__all__ = ["notifications"]  # a fixture


@pytest.fixture
def school(installation: Installation, notifications: Service) -> School:
    installation.bare("visits")
    found = School(installation, notifications)
    found.enrol("an", "1")
    found.enrol("bo", "2")
    return found


@pytest.mark.parametrize("calendar", [True, False])
def test_a_class_that_stops_reporting_is_told_the_next_day_and_taken_back_when_it_reports(
    school: School, calendar: bool
) -> None:
    if calendar:
        school.calendar()
    for each in school_days(day(9, 7), day(9, 9)):
        school.open(each)
        school.report(each, class_name="1")
        if each < day(9, 9):
            school.report(each, class_name="2")
        school.installation.pump()
    assert school.told(day(9, 9)) == []
    school.open(day(9, 10))
    (row,) = school.alerts(day(9, 10))
    assert (row.kind, row.state, row.subject, row.student_id) == ("class_silent", "open", "primary/5/2", None)
    assert row.explanation == "52 自 2026-09-09 起没有上报考勤,上次上报为 2026-09-08"
    assert (row.school_code, row.since) == ("S1", day(9, 9))
    late = school.report(day(9, 9), class_name="2")
    school.installation.pump()
    (row,) = school.alerts(day(9, 10))
    assert (row.state, row.ended_reason, row.ended_evidence) == ("withdrawn", "class_reported", str(late))


def test_a_class_that_never_reported_is_silent_once_others_of_its_school_do(school: School) -> None:
    school.calendar()
    school.open(day(9, 7))
    school.open(day(9, 8))
    assert school.told(day(9, 8)) == []  # a school that does not report yet
    school.report(day(9, 8), class_name="1")
    school.open(day(9, 9))
    assert [(row.kind, row.subject) for row in school.alerts(day(9, 9))] == [("class_silent", "primary/5/2")]


def test_nobody_is_silent_over_a_weekend_or_a_holiday(school: School) -> None:
    school.calendar()
    for class_name in ("1", "2"):
        school.report(day(9, 30), class_name=class_name)
    for each in (day(9, 30), day(10, 1), day(10, 4), day(10, 8)):
        school.open(each)
        assert school.told(each) == []
    school.open(day(10, 9))
    assert len(school.alerts(day(10, 9), "class_silent")) == 2


def test_a_class_formed_today_is_not_asked_for_yesterday(school: School) -> None:
    school.calendar()
    school.report(day(9, 7), class_name="1")
    school.report(day(9, 7), class_name="2")
    school.enrol("cy", "3", since=day(9, 8))
    school.open(day(9, 8))
    assert school.told(day(9, 8)) == []

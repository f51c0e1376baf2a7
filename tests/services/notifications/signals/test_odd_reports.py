"""Reports that say what cannot be, or come when they should not: no alert is raised on them, none is lost by them, and
nothing halts."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta

import pytest

from shared.hosting.service import Service
from tests.services.happenings import someone
from tests.services.installation import Installation
from tests.services.notifications.signals.school import School, day, school_days
from tests.services.notifications.signals.test_watching import notifications

__all__ = ["notifications"]  # a fixture
RUNNING = "absent_running"
FIRST = day(9, 1)


@pytest.fixture
def school(installation: Installation, notifications: Service) -> School:
    installation.bare("visits")
    found = School(installation, notifications)
    found.calendar()
    found.enrol("an", since=date(2022, 9, 1))
    return found


def whole(first: date, last: date) -> list[date]:
    return [first + timedelta(days=each) for each in range((last - first).days + 1)]


@pytest.mark.parametrize("free", [whole(day(10, 1), day(10, 7)), [day(9, 5), day(9, 6), day(9, 12), day(9, 13)]])
def test_absence_on_a_holiday_or_at_a_weekend_is_none(school: School, free: list[date]) -> None:
    school.live(FIRST, free[-1], {})
    for each in free:
        school.report(each, unexplained=["an"])
    school.open(free[-1])
    assert school.told(free[-1]) == []


@pytest.mark.parametrize("reports_now", [True, False])
def test_what_is_told_two_years_late_raises_nothing(school: School, reports_now: bool) -> None:
    """The class may have gone on reporting, or never have been heard of."""
    if reports_now:
        school.live(FIRST, day(9, 9), {})
    else:
        school.open(day(9, 9))
    for each in whole(date(2024, 9, 9), date(2024, 9, 20)):
        school.report(each, unexplained=["an"])
    school.installation.pump()
    school.open(day(9, 10))
    assert [each for each in school.alerts(day(9, 10)) if each.student_id is not None] == []


def test_a_correction_two_years_late_takes_nothing_away_that_stands(school: School) -> None:
    gone = {day(9, each): ["an"] for each in (7, 8, 9)}
    school.live(FIRST, day(9, 9), gone)
    school.report(date(2024, 9, 9), cleared=["an"])
    school.installation.pump()
    assert school.told(day(9, 9)) == [(RUNNING, "open", None)]


def test_a_report_that_comes_before_its_day_has_opened_counts_when_it_opens(school: School) -> None:
    """The registry's clock is ahead by a moment at midnight; the day counts from when it has begun here."""
    school.live(FIRST, day(9, 8), {day(9, each): ["an"] for each in (7, 8)})
    school.report(day(9, 9), unexplained=["an"])
    school.installation.pump()
    assert school.told(day(9, 8)) == []
    school.open(day(9, 9))
    assert school.told(day(9, 9)) == [(RUNNING, "open", None)]


def test_a_child_nobody_enrolled_is_named_in_vain(school: School) -> None:
    school.pupils["stranger"] = someone()
    school.live(FIRST, day(9, 11), {day(9, each): ["stranger"] for each in (7, 8, 9, 10, 11)})
    assert school.told(day(9, 11)) == []


Word = Callable[[School, date], object]
ABSENT: Word = lambda school, on: school.report(on, unexplained=["an"])  # noqa: E731
THERE: Word = lambda school, on: school.report(on, cleared=["an"])  # noqa: E731


@pytest.mark.parametrize(("words", "stands"), [((ABSENT, THERE, ABSENT), True), ((ABSENT, ABSENT, THERE), False)])
def test_of_a_day_told_twice_with_different_values_the_last_word_counts(
    school: School, words: tuple[Word, ...], stands: bool
) -> None:
    school.live(FIRST, day(9, 8), {day(9, each): ["an"] for each in (7, 8)})
    school.open(day(9, 9))
    for word in words:
        word(school, day(9, 9))
    school.installation.pump()
    assert [state == "open" for _, state, _ in school.told(day(9, 9))] == [stands]


def test_reports_that_come_late_and_out_of_order_leave_the_evidence_the_days_give(school: School) -> None:
    """The last three days first: the alert stands on them until the first one is told; then it says so."""
    school.live(FIRST, day(9, 4), {})
    days = school_days(day(9, 7), day(9, 10))
    for each in days:
        school.open(each)
    told = {each: school.report(each, unexplained=["an"]) for each in days[1:]}
    school.installation.pump()
    assert [row.evidence for row in school.alerts(days[-1], RUNNING)] == [[told[each] for each in days[1:]]]
    told[days[0]] = school.report(days[0], unexplained=["an"])
    school.installation.pump()
    (row,) = school.alerts(days[-1], RUNNING)
    assert (row.since, row.evidence, row.facts["days"]) == (days[0], [told[each] for each in days[:3]], "3")
    corrected = school.report(days[1], unexplained=["an"])  # mended for another child: the same of this one
    school.installation.pump()
    (row,) = school.alerts(days[-1], RUNNING)
    assert row.evidence == [told[days[0]], corrected, told[days[2]]] and row.times == 1

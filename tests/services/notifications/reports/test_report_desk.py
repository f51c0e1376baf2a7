"""Regular reports on a real PostgreSQL behind HTTP: issued by the calendar, read within a scope, issued again."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from services.notifications.case_events import AttemptLogged
from services.notifications.events import ReportIssued
from services.registry.events import DayOpened as RegistryDayOpened
from services.registry.events import SchoolCalendarActivated, StudentLeft
from shared.kernel.clock import today
from shared.standards.school_calendar import CalendarYear, Span, canonical
from tests.services.happenings import link, someone
from tests.services.installation import Installation
from tests.services.notifications.cases.desk import NORTH, SCHOOLS, SOUTH, Desk, open_desk


def next_month() -> date:
    """Its first day: this month's reports are due."""
    return (today() + timedelta(days=32 - today().day)).replace(day=1)


def month() -> str:
    return f"{today():%Y-%m}"


@pytest.fixture
def desk(installation: Installation) -> Iterator[Desk]:
    with open_desk(installation) as made:
        yield made


def lived(desk: Desk) -> None:
    """Two children dropped out, one of them poor; one is still there."""
    poor = desk.dropped()
    desk.dropped("S3")
    desk.child("S2", stage="junior")
    desk.installation.append("matching", someone(), link(someone(), poor), today())
    desk.settle()


def open_day(desk: Desk, day: date) -> None:
    desk.installation.open_day(desk.service, day)
    desk.installation.append("registry", UUID(int=7), RegistryDayOpened(day=day), day)
    desk.settle()


def get(desk: Desk, path: str, **more: Any) -> Any:
    answer = desk.ask("GET", path, **more)
    assert answer.status_code == 200, answer.text
    return answer.json()


def reports(desk: Desk, level: str, **more: Any) -> dict[str, dict[str, Any]]:
    """Place → the report in the list."""
    items = get(desk, "/reports", params={"level": level}, **more)["items"]
    return {each["school_code"] or each["division_code"]: each for each in items}


def test_the_first_day_after_a_month_issues_every_schools_report_once(desk: Desk) -> None:
    lived(desk)
    assert reports(desk, "school") == {}
    open_day(desk, next_month())
    open_day(desk, next_month() + timedelta(days=1))
    months = reports(desk, "school")
    assert list(months) and sorted(months) == ["S1", "S2", "S3"]
    assert {(each["edition"], each["period_name"]) for each in months.values()} == {(1, month())}
    own = months["S1"]
    told = get(desk, f"/reports/{own['report_id']}")
    assert told["figures"]["dropped_out.new.raised"] == 1
    assert told["figures"]["dropped_out.poor"] == 1
    assert told["figures"]["signals.raised.dropped_out"] == 1
    assert told["confirmed"] == [
        {"township": NORTH, "school_code": "S1", "school_name": "S1小学", "grade": "5", "children": 1}
    ]
    assert get(desk, f"/reports/{own['report_id']}/reproduced")["same"] is True


def test_no_report_is_issued_before_the_register_has_opened_the_day(desk: Desk) -> None:
    """What it said may still be on its way; the day it opens later issues them, from what has come by then."""
    lived(desk)
    desk.installation.open_day(desk.service, next_month())
    desk.settle()
    assert reports(desk, "school") == {}
    desk.child("S2", stage="junior")
    desk.installation.append("registry", UUID(int=7), RegistryDayOpened(day=next_month()), next_month())
    desk.settle()
    report = reports(desk, "school")["S2"]
    assert get(desk, f"/reports/{report['report_id']}")["figures"]["school_age.end"] == 2


def test_who_answers_for_the_place_is_told_that_its_report_is_issued_and_no_signal_is(desk: Desk) -> None:
    readers = {each.name for each in desk.service.projections if ReportIssued in each.folds}
    assert readers == {"reports", "composing"}
    lived(desk)
    open_day(desk, next_month())
    told = get(desk, "/messages", place={"school": "S2"})["items"]
    assert [(each["topic"], each["counts"]) for each in told] == [("reports_issued", {"month": 1})]


def test_a_school_sees_its_own_report_and_a_township_its_schools(desk: Desk) -> None:
    lived(desk)
    open_day(desk, next_month())
    months = reports(desk, "school")
    assert list(reports(desk, "school", place={"school": "S1"})) == ["S1"]
    assert sorted(reports(desk, "school", place={"division": NORTH})) == ["S1", "S2"]
    assert sorted(reports(desk, "school", place={"division": SOUTH})) == ["S3"]
    for division, found in (("469000", 3), ("469001", 3), ("469002", 0), ("460100", 0)):
        assert len(get(desk, "/reports", params={"level": "school", "division": division})["items"]) == found, division
    other = months["S3"]["report_id"]
    for path, method in ((f"/reports/{other}", "GET"), (f"/reports/{other}/reproduced", "GET"),
                         (f"/reports/{other}/editions", "POST")):  # fmt: skip
        for place in ({"school": "S1"}, {"division": NORTH}):
            assert desk.ask(method, path, place=place).status_code == 404, (path, place)
    for level, where in (("school", "S3"), ("county", "469001")):
        asked = {"level": level, "place": where}
        assert desk.ask("GET", "/reports/preview", params=asked, place={"school": "S1"}).status_code == 404
    (due,) = get(desk, "/reports/due", place={"school": "S1"}, params={"true_on": next_month().isoformat()})
    assert (due["level"], due["due"], due["issued"]) == ("school", 1, 1)


def test_what_is_told_late_changes_no_issued_report_but_the_next_edition(desk: Desk) -> None:
    lived(desk)
    open_day(desk, next_month())
    report = reports(desk, "school")["S2"]["report_id"]
    before = get(desk, f"/reports/{report}")
    refused = desk.ask("POST", f"/reports/{report}/editions")
    assert (refused.status_code, refused.json()["code"]) == (409, "report_nothing_changed")
    student = desk.child("S2", grade="8")
    left = StudentLeft(school_code="S2", division_code=SCHOOLS["S2"], reason="dropped_out")
    desk.installation.append("registry", student, left, today())
    desk.settle()
    assert get(desk, f"/reports/{report}") == before
    assert get(desk, f"/reports/{report}/reproduced")["same"] is True
    again = desk.ask("POST", f"/reports/{report}/editions")
    assert again.status_code == 201, again.text
    desk.settle()
    now = get(desk, f"/reports/{report}")
    assert now["edition"] == 2
    assert now["editions"][1]["differences"]["school_age.ended.dropped_out"] == [0, 1]
    assert now["editions"][1]["differences"]["S2/school_age.begin"] == [1, 2]
    for edition in (1, 2):
        assert get(desk, f"/reports/{report}/reproduced", params={"edition": edition})["same"] is True
    assert get(desk, f"/reports/{report}", params={"edition": 1})["figures"] == before["figures"]
    assert reports(desk, "school")["S2"]["edition"] == 2
    assert desk.ask("GET", f"/reports/{report}", params={"edition": 3}).status_code == 404


def test_the_running_period_and_as_it_was_known(desk: Desk) -> None:
    lived(desk)
    then = datetime.now(UTC)
    desk.dropped("S2")
    desk.settle()
    asked: dict[str, Any] = {"level": "county", "place": "469001"}
    running = get(desk, "/reports/preview", params=asked)
    assert running["figures"]["dropped_out.end"] == 3
    assert [row["place"] for row in running["rows"]] == ["S1", "S2", "S3"]
    assert sum(row["figures"]["dropped_out.end"] for row in running["rows"]) == 3
    known = get(desk, "/reports/preview", params=asked | {"known_at": then.isoformat()})
    assert known["figures"]["dropped_out.end"] == 2
    assert get(desk, "/reports/preview", params=asked | {"known_at": then.isoformat()}) == known
    assert reports(desk, "county") == {}, "a preview issues nothing"
    refused = desk.ask("GET", "/reports/preview", params={"level": "city"})
    assert (refused.status_code, refused.json()["code"]) == (422, "report_no_period")


def test_what_takes_effect_after_the_period_is_the_next_ones(desk: Desk) -> None:
    """A dropout told in advance, and an alert of next month, are nothing to this month's report."""
    lived(desk)
    leaver = desk.child("S2", stage="junior")
    left = StudentLeft(school_code="S2", division_code=SCHOOLS["S2"], reason="dropped_out")
    desk.installation.append("registry", leaver, left, next_month())
    open_day(desk, next_month())
    report = get(desk, f"/reports/{reports(desk, 'school')['S2']['report_id']}")["figures"]
    assert report["school_age.end"] == report["school_age.begin"] == 2
    assert not any(name.startswith("dropped_out") for name in report)
    asked = {"level": "school", "place": "S2", "on": next_month().isoformat()}
    following = get(desk, "/reports/preview", params=asked)["figures"]
    assert (following["school_age.end"], following["dropped_out.end"]) == (1, 1)


def test_each_level_reports_of_its_own_period(desk: Desk) -> None:
    """Terms by the calendar that was told: the city's report at the end of a term, the province's of a school year."""
    first, second = today() - timedelta(days=20), today() + timedelta(days=40)
    terms = (Span(first, today() + timedelta(days=20), "autumn"), Span(second, second + timedelta(days=30), "spring"))
    year = SchoolCalendarActivated(
        division_code="469000", school_year=2026, content=canonical(CalendarYear(terms)), content_hash=""
    )
    desk.installation.append("registry", someone(), year, date(2026, 1, 1))
    lived(desk)
    open_day(desk, second - timedelta(days=1))
    assert reports(desk, "city") == {}
    open_day(desk, second)
    (city,) = reports(desk, "city").values()
    assert (city["period"], city["period_name"], city["division_code"]) == ("term", "autumn", "469000")
    assert (city["first"], city["last"]) == (first.isoformat(), (second - timedelta(days=1)).isoformat())
    assert get(desk, f"/reports/{city['report_id']}")["figures"]["dropped_out.new.raised"] == 2
    due = {(each["level"], each["period_name"]): each for each in get(desk, "/reports/due", params={
        "true_on": second.isoformat()})}  # fmt: skip
    assert (due["city", "autumn"]["due"], due["city", "autumn"]["issued"]) == (1, 1)


def test_deadlines_kept_and_missed_and_attempts_by_what_came_of_them(desk: Desk) -> None:
    lived(desk)
    for row in desk.alerts():
        if row["school_code"] == "S1":
            assert desk.act(row["alert_id"], "seen").status_code == 200
            attempt = AttemptLogged(day=today(), way="phone", by=("teacher",), outcome="refused")
            desk.installation.append("notifications", UUID(row["alert_id"]), attempt, today())
    for day in range(1, 12):  # nobody looks at the other one
        open_day(desk, today() + timedelta(days=day))
    on = today().isoformat()
    kept = get(desk, "/reports/preview", params={"level": "school", "place": "S1", "on": on})["figures"]
    assert (kept["deadlines.kept.not_acknowledged"], kept["attempts.refused"]) == (1, 1)
    asked = {"level": "county", "place": "469001", "on": (today() + timedelta(days=11)).isoformat()}
    missed = get(desk, "/reports/preview", params=asked)
    row = next(each for each in missed["rows"] if each["place"] == "S3")
    assert row["figures"]["deadlines.missed.not_acknowledged"] == 1

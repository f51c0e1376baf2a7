"""From what a class reports to alerts: raised, withdrawn, closed by evidence, raised again, on a real database."""

from __future__ import annotations

import random
import uuid
from datetime import date

import pytest

from services.notifications.events import AbsenceDocumented, AbsenceDocumentWithdrawn, AbsenceKind, AlertRulesActivated
from services.notifications.signals.rules import AlertRules, Thresholds, canonical, content_hash
from services.registry.events import (
    LeavingReason,
    StudentEnrolled,
    StudentLeft,
    StudentPlaced,
    StudentSuspensionExtended,
)
from services.visits.events import VisitLogged
from shared.hosting.seeding import configuration_stream
from shared.hosting.service import Service
from shared.standards.school_calendar import CalendarYear, Span
from tests.services.installation import Installation
from tests.services.notifications.signals.oracle import PRESENT, signals
from tests.services.notifications.signals.school import DIVISION_CODE, TERM, School, day, school_days
from tests.services.notifications.signals.test_watching import notifications

__all__ = ["notifications"]  # a fixture
RUNNING = "absent_running"
FIRST = day(9, 1)


@pytest.fixture
def school(installation: Installation, notifications: Service) -> School:
    installation.bare("visits")
    found = School(installation, notifications)
    found.calendar()
    found.enrol("an")
    found.enrol("bo")
    return found


def test_three_days_running_raise_an_alert_with_its_evidence(school: School) -> None:
    days = school_days(day(9, 7), day(9, 9))
    school.live(FIRST, day(9, 4), {})
    reports = []
    for each in days:
        school.open(each)
        reports.append(school.report(each, unexplained=["an"]))
        school.installation.pump()
        expected = [(RUNNING, "open", None)] if each == days[-1] else []
        assert school.told(each) == expected
    (row,) = school.alerts(days[-1])
    assert (row.student_id, row.since, row.evidence) == (school.pupils["an"], days[0], reports)
    assert row.explanation == "2026-09-07 起连续缺勤 3 个上课日(截至 2026-09-09),其中无故 3 天"
    assert (row.school_code, row.division_code) == ("S1", DIVISION_CODE)


def test_a_holiday_a_weekend_and_a_made_up_saturday_are_no_gap(school: School) -> None:
    """30 September, 8 and 9 October, the made-up Saturday 10th: four school days that follow each other."""
    gone = {day(9, 30): ["an"], day(10, 8): ["an"], day(10, 9): ["an"], day(10, 10): ["an"]}
    school.live(FIRST, day(10, 8), gone)
    assert school.told(day(10, 8)) == []
    school.live(day(10, 9), day(10, 10), gone)
    assert school.told(day(10, 10)) == [(RUNNING, "open", None)]


def test_a_corrected_report_withdraws_and_says_so(school: School) -> None:
    school.live(FIRST, day(9, 9), {day(9, each): ["an"] for each in (7, 8, 9)})
    correction = school.report(day(9, 8), cleared=["an"])
    school.installation.pump()
    (row,) = school.alerts(day(9, 9))
    assert (row.state, row.ended_reason, row.ended_evidence) == ("withdrawn", "attendance_corrected", str(correction))


@pytest.mark.parametrize("batch", [1, 50])
def test_an_alert_that_rises_and_falls_within_one_batch_is_on_record_like_any_other(school: School, batch: int) -> None:
    school.live(FIRST, day(9, 8), {day(9, each): ["an"] for each in (7, 8)})
    school.open(day(9, 9))
    school.report(day(9, 9), unexplained=["an"])
    correction = school.report(day(9, 9), cleared=["an"])
    school.installation.pump(batch=batch)
    (row,) = school.alerts(day(9, 9))
    assert (row.state, row.ended_reason, row.ended_evidence) == ("withdrawn", "attendance_corrected", str(correction))


def test_three_days_back_close_it_and_a_relapse_raises_it_again(school: School) -> None:
    gone = {day(9, each): ["an"] for each in (7, 8, 9)}
    school.live(FIRST, day(9, 11), gone)
    assert school.told(day(9, 11)) == [(RUNNING, "open", None)]  # two days are not three
    school.live(day(9, 14), day(9, 14), gone)
    (row,) = school.alerts(day(9, 14))
    assert (row.state, row.ended_reason, len((row.ended_evidence or "").split(","))) == ("closed", "attending_again", 3)
    school.live(day(9, 15), day(9, 18), {day(9, each): ["an"] for each in (16, 17, 18)})
    assert [row.state for row in school.alerts(day(9, 18), RUNNING)] == ["open"]


def test_a_late_report_of_an_old_day_judges_it_anew(school: School) -> None:
    gone = {day(9, each): ["an"] for each in (7, 9)}
    for each in school_days(FIRST, day(9, 9)):
        school.open(each)
        if each != day(9, 8):
            school.report(each, unexplained=gone.get(each, ()))
    school.installation.pump()
    assert school.told(day(9, 9)) == [("class_silent", "withdrawn", "class_reported")]
    school.report(day(9, 8), unexplained=["an"])
    school.installation.pump()
    assert (RUNNING, "open", None) in school.told(day(9, 9))


def document(school: School, first: date, last: date, kind: AbsenceKind = "sick") -> uuid.UUID:
    stream = uuid.uuid4()
    fact = AbsenceDocumented(
        student_id=school.pupils["an"],
        division_code=DIVISION_CODE,
        school_code="S1",
        kind=kind,
        first_day=first,
        last_day=last,
        reference="paper 7",
    )
    school.installation.append("notifications", stream, fact, first)
    school.installation.pump()
    return stream


def test_a_document_silences_until_it_expires_and_its_days_count_neither_way(school: School) -> None:
    gone = {each: ["an"] for each in school_days(day(9, 7), day(9, 30))}
    school.live(FIRST, day(9, 9), gone)
    document(school, day(9, 10), day(9, 18))
    school.open(day(9, 10))
    assert school.told(day(9, 10)) == [(RUNNING, "withdrawn", "absence_documented")]
    school.report(day(9, 10), unexplained=["an"])
    school.live(day(9, 11), day(9, 18), gone)
    assert school.told(day(9, 18)) == [(RUNNING, "withdrawn", "absence_documented")]
    school.open(day(9, 21))
    assert [state for _, state, _ in school.told(day(9, 21))] == ["withdrawn"]  # nothing was said of her yet
    school.report(day(9, 21), unexplained=["an"])
    school.installation.pump()
    assert school.told(day(9, 21)) == [(RUNNING, "open", None)]  # the run goes on across it: three and one
    assert school.alerts(day(9, 21))[0].facts["days"] == "4"


def test_a_document_withdrawn_lets_its_days_count_again(school: School) -> None:
    gone = {each: ["an"] for each in school_days(day(9, 7), day(9, 9))}
    school.live(FIRST, day(9, 4), {})
    stream = document(school, day(9, 7), day(9, 30))
    school.live(day(9, 7), day(9, 9), gone)
    assert school.told(day(9, 9)) == []
    fact = AbsenceDocumentWithdrawn(student_id=school.pupils["an"], reason="entered in error")
    school.installation.append("notifications", stream, fact, day(9, 7))
    school.installation.pump()
    assert school.told(day(9, 9)) == [(RUNNING, "open", None)]


def test_home_teaching_without_visits_counts_as_absence_and_says_so(school: School) -> None:
    gone = {each: ["an"] for each in school_days(day(9, 7), day(11, 10))}
    school.live(FIRST, day(9, 4), {})
    document(school, day(9, 7), day(12, 31), "home_teaching")
    school.live(day(9, 7), day(10, 9), gone)  # 31 days end with 7 October: the 8th and 9th count
    assert school.told(day(10, 9)) == []
    school.live(day(10, 10), day(10, 10), gone)
    (row,) = school.alerts(day(10, 10))
    assert row.explanation_code == "absent_days_running_home_teaching_unvisited"
    visit = VisitLogged(
        student_id=school.pupils["an"],
        campaign=None,
        visited_on=day(10, 8),
        outcome="met",
        visitor="teacher",
        confirmed=(),
        repeat_on=None,
        division_code=DIVISION_CODE,
        school_code="S1",
        personal=None,
    )
    school.installation.append("visits", uuid.uuid4(), visit, day(10, 8))
    school.installation.pump()
    assert school.told(day(10, 10)) == [(RUNNING, "withdrawn", "absence_documented")]


def test_who_does_not_come_at_the_start_of_term_is_missed_on_the_second_day(school: School) -> None:
    school.live(FIRST, FIRST, {FIRST: ["an"]})
    assert school.told(FIRST) == []
    school.live(day(9, 2), day(9, 2), {day(9, 2): ["an"]})
    assert school.told(day(9, 2)) == [("not_returned_at_term_start", "open", None)]


def test_above_a_share_of_the_last_twenty_school_days(school: School) -> None:
    gone = {each: ["an"] for each in school_days(day(9, 2), day(9, 30)) if each.isoweekday() in (2, 4)}
    school.live(FIRST, day(9, 22), gone)
    assert {row.kind for row in school.alerts(day(9, 22))} == {"absent_share"}
    (row,) = school.alerts(day(9, 22))
    assert (row.raised_on, row.facts["absent"], row.facts["reported"]) == (day(9, 15), "4", "11")


@pytest.mark.parametrize("how", ["died", "dropped_out"])
def test_who_leaves_takes_her_absence_alerts_along(school: School, how: LeavingReason) -> None:
    school.live(FIRST, day(9, 9), {day(9, each): ["an"] for each in (7, 8, 9)})
    fact = StudentLeft(school_code="S1", division_code=DIVISION_CODE, reason=how)
    school.installation.append("registry", school.pupils["an"], fact, day(9, 9))
    school.installation.pump()
    (row,) = school.alerts(day(9, 9), RUNNING)
    assert (row.state, row.ended_reason) == ("withdrawn", how)


def test_an_old_absence_does_not_follow_her_to_another_school(school: School) -> None:
    school.live(FIRST, day(9, 9), {day(9, each): ["an"] for each in (7, 8, 9)})
    student = school.pupils["an"]
    school.installation.append(
        "registry",
        student,
        StudentEnrolled(school_code="S2", division_code=DIVISION_CODE, stage="primary", grade="5", class_name="1"),
        day(9, 9),
    )
    school.open(day(9, 10))
    assert school.told(day(9, 10)) == [(RUNNING, "withdrawn", "attendance_corrected")]


def test_a_suspension_that_ended_is_missed_after_the_days_of_grace(school: School) -> None:
    student = school.pupils["an"]
    left = StudentLeft(school_code="S1", division_code=DIVISION_CODE, reason="suspended", due_back=day(9, 18))
    school.installation.append("registry", student, left, day(9, 1))
    extended = StudentSuspensionExtended(school_code="S1", division_code=DIVISION_CODE, due_back=day(9, 28))
    school.installation.append("registry", student, extended, day(9, 10))
    for each in (day(9, 30), day(10, 1), day(10, 7)):
        school.open(each)
        expected = [] if each < day(10, 1) else [("suspension_overdue", "open", None)]
        assert school.told(each) == expected
    back = StudentEnrolled(school_code="S1", division_code=DIVISION_CODE, stage="primary", grade="5", class_name="1")
    school.installation.append("registry", student, back, day(10, 7))
    school.installation.pump()
    assert school.told(day(10, 7)) == [("suspension_overdue", "withdrawn", "enrolled_again")]


def test_a_report_of_a_day_without_school_counts_nothing(school: School) -> None:
    gone = {day(9, each): ["an"] for each in (3, 4)}
    school.live(FIRST, day(9, 4), gone)
    for each in (day(9, 5), day(9, 6)):  # a weekend
        school.open(each)
        school.report(each, unexplained=["an"])
    school.installation.pump()
    assert school.told(day(9, 6)) == []


def test_a_calendar_that_makes_a_day_a_holiday_takes_the_alert_away(school: School) -> None:
    school.live(FIRST, day(9, 9), {day(9, each): ["an"] for each in (7, 8, 9)})
    storm = Span(day(9, 8), day(9, 8), "storm")
    school.calendar(CalendarYear((TERM,), holidays=(storm,)), as_of=day(9, 9))
    school.installation.pump()
    assert school.told(day(9, 9)) == [(RUNNING, "withdrawn", "attendance_corrected")]


def test_a_class_that_is_not_hers_counts_only_where_her_own_said_nothing(school: School) -> None:
    school.live(FIRST, day(9, 9), {day(9, each): ["an"] for each in (7, 8, 9)})
    moved = StudentPlaced(school_code="S1", division_code=DIVISION_CODE, stage="primary", grade="5", class_name="2")
    school.installation.append("registry", school.pupils["an"], moved, day(9, 1))  # told late
    school.installation.pump()
    assert school.told(day(9, 9)) == [(RUNNING, "open", None)]
    school.report(day(9, 8), class_name="2")
    school.installation.pump()
    assert (RUNNING, "withdrawn", "attendance_corrected") in school.told(day(9, 9))


def test_other_rules_judge_everybody_anew(school: School) -> None:
    school.live(FIRST, day(9, 9), {day(9, each): ["an"] for each in (8, 9)})
    assert school.told(day(9, 9)) == []
    content = canonical(AlertRules(absent_days_running=2))
    fact = AlertRulesActivated(content=content, content_hash=content_hash(content))
    key = school.installation.settings("notifications").hmac_key
    school.installation.append("notifications", configuration_stream(key, "alert-rules"), fact, day(9, 10))
    school.installation.pump()
    assert school.told(day(9, 9)) == []
    school.open(day(9, 10))
    assert school.told(day(9, 10)) == [(RUNNING, "open", None)]


@pytest.mark.parametrize("seed", range(2))
def test_any_order_of_arrival_gives_the_alerts_a_walk_through_the_calendar_gives(school: School, seed: int) -> None:
    chance = random.Random(seed)
    names = [f"child {number}" for number in range(6)]
    classes = {name: "1" if name < "child 3" else "2" for name in names}
    for name in names:
        school.enrol(name, class_name=classes[name])
    days = school_days(FIRST, day(9, 22))
    said: dict[tuple[str, date], list[str]] = {}
    for each in days:
        for class_name in ("1", "2"):
            if chance.random() < 0.9:
                gone = [name for name in names if classes[name] == class_name and chance.random() < 0.4]
                said[class_name, each] = gone
                school.report(each, class_name=class_name, unexplained=gone)
    for class_name, each in chance.sample(sorted(said), 6):  # corrected: one of those named is cleared
        gone = said[class_name, each]
        said[class_name, each] = gone[1:]
        school.report(each, class_name=class_name, unexplained=gone[1:], cleared=gone[:1])
    for each in days:
        school.installation.open_day(school.service, each)
    school.installation.pump(random.Random(seed))
    found = {(row.kind, row.student_id) for row in school.alerts(days[-1]) if row.state == "open" and row.student_id}
    expected = set()
    for name in names:
        own = {
            each: ("unexplained" if name in gone else PRESENT, False)
            for (class_name, each), gone in said.items()
            if class_name == classes[name]
        }
        stands = signals(
            own, Thresholds(), days[-1], is_school_day=lambda each: each in days, terms=[TERM], since=FIRST
        )
        expected |= {(kind, school.pupils[name]) for kind in stands}
    assert found == expected


def test_the_same_events_again_append_nothing(school: School) -> None:
    school.live(FIRST, day(9, 9), {day(9, each): ["an"] for each in (7, 8, 9)})
    before = len(school.installation.entries("notifications"))
    school.installation._delivered.clear()  # as after a restart from an old offset: every batch comes once more
    school.installation.pump()
    assert len(school.installation.entries("notifications")) == before

"""What days at school mean, against an oracle that walks the calendar: gaps, half days, holidays, papers, late entry.

Each rule at its threshold stands in test_attendance_rules.py.
"""

from __future__ import annotations

from datetime import date, timedelta
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.notifications.errors import BadRules
from services.notifications.signals.attendance import ChildDays, Covered, Named, judge
from services.notifications.signals.rules import AlertRules, Thresholds, Variation, canonical, parse
from services.notifications.signals.school_time import NO_CALENDAR, SchoolTime
from shared.standards.school_calendar import SchoolCalendar
from tests.services.notifications.signals.oracle import PRESENT, signals
from tests.services.notifications.signals.school import TERM, YEAR, school_days

CALENDAR = SchoolTime(SchoolCalendar((YEAR,)))
BEGIN = date(2026, 8, 28)
DAYS = 60
Said = dict[date, tuple[str, bool]]
REASONS = st.sampled_from([PRESENT, PRESENT, "unexplained", "unexplained", "sick"])
SMALL = st.builds(
    Thresholds,
    absent_days_running=st.integers(1, 4),
    excused_days_running=st.integers(4, 7),
    absent_share=st.sampled_from([0.2, 0.3, 0.5]),
    share_window=st.integers(5, 12),
    share_least=st.integers(1, 5),
    term_start_days=st.integers(1, 3),
    return_days=st.integers(1, 4),
)


def days_known(said: Said, papers: list[tuple[date, date]], time: SchoolTime, since: date) -> ChildDays:
    def explained(day: date) -> bool:
        return any(first <= day <= last for first, last in papers)

    kept = {day: what for day, what in said.items() if not explained(day) and time.counts(day.toordinal())}
    absences = {
        day.toordinal(): Named(day.toordinal(), reason, half, UUID(int=day.toordinal()), UUID(int=1))
        for day, (reason, half) in kept.items()
        if reason != PRESENT
    }
    covered = [Covered(first.toordinal(), last.toordinal(), UUID(int=9)) for first, last in papers]
    return ChildDays(sorted(day.toordinal() for day in kept), absences, since.toordinal(), covered)


@settings(max_examples=150, deadline=None)
@given(st.data(), SMALL, st.booleans())
def test_the_rules_say_what_a_walk_through_the_calendar_says(
    data: st.DataObject, rules: Thresholds, told: bool
) -> None:
    said: Said = {}
    for offset in data.draw(st.sets(st.integers(0, DAYS), max_size=DAYS)):
        reason = data.draw(REASONS)
        said[BEGIN + timedelta(days=offset)] = (reason, reason != PRESENT and data.draw(st.integers(0, 5)) == 0)
    papers = []
    for first, length in data.draw(st.lists(st.tuples(st.integers(0, DAYS), st.integers(0, 12)), max_size=2)):
        papers.append((BEGIN + timedelta(days=first), BEGIN + timedelta(days=first + length)))
    today = BEGIN + timedelta(days=DAYS)
    since = BEGIN + timedelta(days=data.draw(st.sampled_from([0, 0, 4, 20])))
    said = {day: what for day, what in said.items() if day >= since}
    papers = [paper for paper in papers if paper[0] <= today]
    time = CALENDAR if told else SchoolTime(NO_CALENDAR)
    judged = judge(days_known(said, papers, time, since), rules, time, today.toordinal())
    expected = signals(
        said,
        rules,
        today,
        is_school_day=(lambda day: day in set(school_days(TERM.first, today)) or day < TERM.first)
        if told
        else lambda day: True,
        terms=(TERM,) if told else (),
        since=since,
        papers=papers,
    )
    assert set(judged.reasons) == expected


def test_a_closed_alert_comes_back_with_the_next_stretch_or_week_only() -> None:
    days = school_days(date(2026, 9, 7), date(2026, 9, 18))
    grounds = []
    for count in (3, 4, 5, 6):  # Monday to Wednesday, Thursday, Friday, the next Monday
        said = dict.fromkeys(days[:count], ("unexplained", False))
        known = days_known(said, [], CALENDAR, days[0])
        grounds.append(judge(known, Thresholds(), CALENDAR, days[-1].toordinal()).reasons["absent_running"].grounds)
    assert grounds[0] == grounds[1] == grounds[2] != grounds[3]


def test_a_sliding_window_brings_no_grounds_of_its_own() -> None:
    """Away from Monday to Wednesday, week by week: the window's first day moves into the middle of a week whose ground
    is known, and stays that ground."""
    days = school_days(date(2026, 10, 12), date(2026, 12, 18))
    said = {day: ("unexplained" if day.isoweekday() <= 3 else PRESENT, False) for day in days}
    known: set[UUID] = set()
    brought = []
    for number, day in enumerate(days, 1):
        told = {each: said[each] for each in days[:number]}
        found = judge(days_known(told, [], CALENDAR, days[0]), Thresholds(), CALENDAR, day.toordinal())
        if (reason := found.reasons.get("absent_share")) is not None:
            if known and set(reason.grounds) - known:
                brought.append(day.isoweekday())
            known.update(reason.grounds)
    assert len(known) == len(days) // 5 and set(brought) == {1}


def test_an_old_version_reads_with_the_defaults() -> None:
    assert parse('{"acceptance_days":30,"compulsory_stages":["primary"]}') == AlertRules(
        acceptance_days=30, compulsory_stages=("primary",)
    )


@pytest.mark.parametrize(
    "rules",
    [
        AlertRules(absent_days_running=0),
        AlertRules(absent_share=1.5),
        AlertRules(share_least=21),
        AlertRules(excused_days_running=2),
        AlertRules(attendance_reach_days=30),
        AlertRules(unexplained_reasons=("weather",)),
        AlertRules(variations=(Variation(absent_days_running=2),)),
        AlertRules(variations=(Variation(stage="kindergarten"),)),
        AlertRules(variations=(Variation(division="46x"),)),
        AlertRules(variations=(Variation(division="46"), Variation(division="46"))),
        AlertRules(variations=(Variation(division="46", share_window=5),)),
    ],
)
def test_nonsense_is_refused(rules: AlertRules) -> None:
    with pytest.raises(BadRules):
        parse(canonical(rules))

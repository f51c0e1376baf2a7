"""Each rule of absence at its threshold and one below it, and against a walk over days that shares nothing with it.

The days are school days in a row without a calendar unless a test says otherwise: what the calendar does to windows is
in test_school_calendar.py and in the simulated terms of proof/.
"""

from __future__ import annotations

from datetime import date
from typing import NamedTuple
from uuid import UUID

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.notifications.signals.attendance import ChildDays, Covered, Judged, Named, judge
from services.notifications.signals.attendance_memory import visited_parts
from services.notifications.signals.rules import AlertRules, Thresholds
from services.notifications.signals.school_time import SchoolTime, school_time
from shared.standards.school_calendar import CalendarYear, Span, canonical

RULES = Thresholds()
FIRST = date(2026, 9, 1).toordinal()  # a Tuesday
NO_TIME = school_time(())
REASON = {"u": "unexplained", "s": "sick", "o": "other", "h": "unexplained"}
PAPER = UUID(int=99)


def child(
    days: str, since: int = FIRST, documents: tuple[Covered, ...] = (), unvisited: UUID | None = None
) -> ChildDays:
    """One letter a day from FIRST on: ``.`` at school, ``-`` no report, ``u`` unexplained, ``o`` other, ``s`` sick,
    ``h`` half a day unexplained."""
    counted, absences = [], {}
    for number, letter in enumerate(days):
        day = FIRST + number
        if letter == "-" or any(each.first <= day <= each.last for each in documents):
            continue
        counted.append(day)
        if letter != ".":
            absences[day] = Named(day, REASON[letter], letter == "h", UUID(int=day), UUID(int=day))
    return ChildDays(counted, absences, since, documents, unvisited)


def judged(days: str, rules: Thresholds = RULES, time: SchoolTime = NO_TIME, **more: object) -> Judged:
    return judge(child(days, **more), rules, time, FIRST + len(days))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("days", "raised"),
    [
        (".uu", False),
        (".uuu", True),
        (".uou", True),  # "other" explains nothing either
        (".us.u", False),
        (".uu.u", False),  # a day at school ends the run
        (".uuhu", False),  # so does half a day: she was seen
        (".uu-u", True),  # a day without a report neither breaks nor extends
        (".uu--", False),
        (".usuu", True),  # explained days in between do not end it
        ("." + "s" * 9, False),
        ("." + "s" * 10, True),
        ("." + "s" * 8 + "u", False),
        ("." + "s" * 9 + "u", True),
    ],
)
def test_a_run_of_absence_at_its_threshold_and_below(days: str, raised: bool) -> None:
    assert ("absent_running" in judged(days).reasons) is raised


@pytest.mark.parametrize(
    ("days", "raised"),
    [
        ("..." + "s..s..s..s" + "." * 7, False),
        ("s..s..s..s..s..s..s.", True),  # at the seventh the window holds 7 of 19
        ("s..s..s..s..s..s..", True),  # 6 of 16 at the sixth
        (".......s..s..s..s..s", False),  # 5 of 20: a quarter
        (".....s..s..s..s.s..s", False),  # 6 of 20 is the share itself, not above it
        (".....s..s.ss..s.s..s", True),  # 7 of 20
        (".....s..s.ss..s.h..s", True),  # half a day counts half: 6.5
        (".....s..s.sh..h.s..s", False),  # 6
        ("s..s..s..", False),  # fewer than ten days reported
        (".ss.ss.ss", False),
        (".ss.ss.sss", True),  # the tenth
    ],
)
def test_a_share_of_absence_at_its_threshold_and_below(days: str, raised: bool) -> None:
    assert ("absent_share" in judged(days).reasons) is raised


YEAR = canonical(
    CalendarYear(
        terms=(
            Span(date(2026, 9, 1), date(2027, 1, 15), "autumn"),
            Span(date(2027, 2, 22), date(2027, 7, 2), "spring"),
        ),
        holidays=(Span(date(2026, 9, 7), date(2026, 9, 8), "holiday"),),
        made_up=(date(2026, 9, 5),),
    )
)


@pytest.mark.parametrize(
    ("days", "raised"),
    [
        ("u", False),
        ("uu", True),
        ("us", False),  # one of the two days was explained
        ("usu", True),
        (".uu", False),  # she was there when the term began
        ("-uu", True),
    ],
)
def test_not_back_at_the_start_of_term_at_its_threshold_and_below(days: str, raised: bool) -> None:
    found = judged(days, time=school_time((YEAR,)), since=FIRST - 30).reasons
    assert ("not_returned_at_term_start" in found) is raised


def test_who_enrolled_after_the_term_began_did_not_stay_away_at_its_start() -> None:
    assert "not_returned_at_term_start" not in judged("-uu", time=school_time((YEAR,)), since=FIRST + 1).reasons


def test_holidays_do_not_count_and_days_made_up_do() -> None:
    time = school_time((YEAR,))
    counts = {day: time.counts(date(2026, 9, day).toordinal()) for day in (4, 5, 6, 7, 8, 9)}
    assert counts == {4: True, 5: True, 6: False, 7: False, 8: False, 9: True}
    assert not time.counts(
        date(2026, 9, 7).toordinal(), True
    )  # what a report says of a holiday does not make it school
    assert time.counts(date(2027, 9, 1).toordinal(), None) and not time.counts(date(2027, 9, 1).toordinal(), False)


@pytest.mark.parametrize(
    ("days", "stands", "returned"),
    [
        (".uuu..", True, 0),
        (".uuu...", False, 3),
        (".uuu.h.", True, 0),  # half a day is no whole day at school
        (".uuu.-..", False, 3),
        (".uuu...uu", False, 0),  # back, and two days are no new signal
        (".uuu...uuu", True, 0),  # relapse
        (".uuu..uu", True, 0),  # not back: still the same episode
    ],
)
def test_back_after_return_days_at_school_and_not_before(days: str, stands: bool, returned: int) -> None:
    found = judged(days)
    assert ("absent_running" in found.reasons) is stands and len(found.returned) == returned
    assert ("absent_running" in found.ended) is bool(returned)


def test_a_relapse_has_grounds_of_its_own() -> None:
    first, again = judged(".uuu"), judged(".uuu...uuu")
    grounds = [set(found.reasons["absent_running"].grounds) for found in (first, again)]
    assert not grounds[0] & grounds[1]


def test_a_document_silences_until_it_expires_and_its_days_count_neither_way() -> None:
    def with_paper(days: str, last: int) -> Judged:
        return judged(days, documents=(Covered(FIRST + 1, FIRST + last, PAPER),))

    def with_paper_late(days: str) -> bool:
        found = judged(days, documents=(Covered(FIRST + 4, FIRST + 5, PAPER),))
        return "absent_running" in found.reasons

    assert with_paper(".uuu", 4).covered_by == (PAPER,) and not with_paper(".uuu", 4).reasons
    assert not with_paper(".uuu", 3).reasons  # expired: its days are gone
    assert not with_paper(".uuuuu", 3).reasons
    assert "absent_running" in with_paper(".uuuuuu", 3).reasons  # three days of its own after the paper
    assert not with_paper_late(".uuu--")  # what was absent before it raises nothing afterwards
    assert with_paper_late(".uuu--u")  # though the run goes on across it
    assert "absent_running" in judged("uu-u", documents=(Covered(FIRST + 2, FIRST + 2, PAPER),)).reasons


def test_a_visit_at_home_covers_its_days_and_one_that_fails_to_come_is_said() -> None:
    rules = Thresholds(home_teaching_visit_days=10)
    paper = Covered(100, 160, PAPER)
    covered = {
        day for each in visited_parts(paper, [120, 125, 170, 90], rules) for day in range(each.first, each.last + 1)
    }
    assert covered == {*range(100, 110), *range(120, 135)}  # from its first day; of visits outside it none
    last = {day for each in visited_parts(paper, [158], rules) for day in range(each.first, each.last + 1)}
    assert max(last) == 160  # a visit does not prolong the paper
    reason = judged(".uuu", unvisited=PAPER).reasons["absent_running"]
    assert reason.explanation_code.endswith("_home_teaching_unvisited") and PAPER in reason.evidence


class Walked(NamedTuple):
    running: bool
    share: bool
    back: bool


def walk(days: str, rules: Thresholds) -> Walked:
    """The same by walking from day to day with counters."""
    seen = days.replace("-", "")
    running = share = False
    run: list[str] = []
    at_school = 0
    for number, letter in enumerate(seen):
        if letter == ".":
            run, at_school = [], at_school + 1
            continue
        if at_school >= rules.return_days:
            running = share = False
        at_school = 0
        run = [] if letter == "h" else [*run, letter]
        unexplained = sum(each in "uo" for each in run)
        running = running or unexplained >= rules.absent_days_running or len(run) >= rules.excused_days_running
        window = seen[max(0, number + 1 - rules.share_window) : number + 1]
        missed = sum(0 if each == "." else 0.5 if each == "h" else 1 for each in window)
        share = share or (len(window) >= rules.share_least and missed > rules.absent_share * len(window) + 1e-9)
    back = bool(seen.strip(".")) and at_school >= rules.return_days
    return Walked(running, share, back)


@settings(max_examples=150, deadline=None)
@given(
    st.text("....uuusoh-", max_size=60),
    st.builds(
        Thresholds,
        absent_days_running=st.integers(1, 5),
        excused_days_running=st.integers(5, 12),
        share_window=st.integers(10, 20),
        share_least=st.integers(3, 10),
        absent_share=st.sampled_from([0.1, 0.3, 0.5]),
        return_days=st.integers(1, 5),
    ),
)
def test_any_days_give_what_a_walk_over_them_gives(days: str, rules: Thresholds) -> None:
    found, expected = judged(days, rules), walk(days, rules)
    assert bool(found.returned) is expected.back
    stood = found.ended if expected.back else frozenset(found.reasons)
    assert ("absent_running" in stood, "absent_share" in stood) == (expected.running, expected.share)


def test_a_stage_and_a_place_have_their_own_threshold() -> None:
    content = {"variations": [{"division": "469001", "absent_days_running": 5}, {"stage": "primary", "return_days": 2}]}
    rules = msgspec.convert(content, AlertRules)
    assert "absent_running" not in judged(".uuuu", rules.at("469001002", "junior")).reasons
    assert "absent_running" in judged(".uuuu", rules.at("469002001", "junior")).reasons
    assert judged(".uuu..", rules.at("469002001", "primary")).returned


def test_a_place_whose_code_ends_in_noughts_is_all_that_it_is_around() -> None:
    told = (("469001", 6), ("469000", 5), ("460000", 4))
    content = {"variations": [{"division": place, "return_days": days} for place, days in told]}
    rules = msgspec.convert(content, AlertRules)
    expected = {"469001001": 6, "469002001": 5, "469000": 5, "460106001": 4, "450100": 3}
    assert {place: rules.at(place, "junior").return_days for place in expected} == expected


def test_a_share_reached_before_a_document_raises_nothing_after_it() -> None:
    paper = (Covered(FIRST + 10, FIRST + 11, PAPER),)
    assert "absent_share" in judged(".ss.ss.sss").reasons
    assert "absent_share" not in judged(".ss.ss.sss--", documents=paper).reasons
    assert "absent_share" in judged(".ss.ss.sss--s", documents=paper).reasons

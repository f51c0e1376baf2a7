"""Whole terms: the same for the same seed, told as schools tell, and true to what really happened."""

from __future__ import annotations

import json
from collections import Counter
from datetime import date, timedelta
from pathlib import Path

import pytest

from simulation.class_reports import Shape
from simulation.county import Settings, SimulationRefused, simulate
from simulation.school_years import school_year
from simulation.stories import RATES
from simulation.term_files import read_classrooms, read_lives, read_reports
from simulation.terms import CountyTerms, invented_classrooms, school_time, simulate_terms

AS_OF = date(2026, 11, 16)


@pytest.fixture(scope="module")
def made() -> CountyTerms:
    return simulate_terms("3", invented_classrooms(1_200), school_time(AS_OF, 2), Shape(trouble=8, untidy=4))


def test_the_calendar_has_two_terms_with_holidays_and_days_made_up() -> None:
    year = school_year(2025)
    assert [term.name for term in year.terms] == ["2025-autumn", "2026-spring"]
    time = school_time(AS_OF, 2)
    assert time.days[0] == date(2025, 9, 1)
    assert date(2025, 10, 1) not in time.days
    assert set(year.made_up) <= set(time.days)
    assert {day.isoweekday() for day in year.made_up} == {6, 7}


def test_the_same_seed_tells_the_same_and_every_kind_of_story_occurs(made: CountyTerms) -> None:
    again = simulate_terms("3", invented_classrooms(1_200), school_time(AS_OF, 2), Shape(trouble=8, untidy=4))
    assert again == made
    assert {story.kind for story in made.stories} == {*RATES, "wave"}


def test_a_story_of_a_child_who_is_out_shows_in_what_is_told(made: CountyTerms) -> None:
    last: dict[tuple[int, date], dict[int, str]] = {}
    for told in made.reports:
        last[told.classroom, told.day] = dict(told.absences)
    room_of = {child: room.number for room in made.classrooms for child in room.children}
    for story in made.stories:
        if story.kind in ("returned", "late_back", "stopped_unsaid"):
            assert story.out_from is not None
            for (room, day), absences in last.items():
                if room == room_of[story.child] and story.out_from <= day < (story.out_until or date.max):
                    assert story.child in absences, (story, day)


def test_classes_are_late_silent_and_mended(made: CountyTerms) -> None:
    told = Counter((each.classroom, each.day) for each in made.reports)
    assert max(told.values()) > 1
    assert any(each.told_on > each.day for each in made.reports)
    assert any(each.day not in made.time.days for each in made.reports), "nobody reports a holiday"
    assert len(told) < len(made.classrooms) * len(made.time.days)


def test_who_has_left_is_named_in_no_report(made: CountyTerms) -> None:
    left = {life.child: life.on for life in made.lives if life.what in ("dropped_out", "transferred_out")}
    assert left
    for told in made.reports:
        assert not [child for child in told.absences if left.get(child, date.max) <= told.day]


def test_the_files_say_what_was_told(tmp_path: Path) -> None:
    simulate(Settings(students=300, schools=4, file_format="csv", weeks=0, terms=1), tmp_path)
    rooms = read_classrooms(tmp_path)
    assert sorted(child for room in rooms for child in room.children) == list(range(1, 301))
    calendar = json.loads((tmp_path / "term_calendar.json").read_text(encoding="utf-8"))
    days = [date.fromisoformat(day) for day in calendar["school_days"]]
    reports, lives = read_reports(tmp_path), read_lives(tmp_path)
    assert {each.day for each in reports} <= {*days, *(days[0] + timedelta(days=n) for n in range(200))}
    assert all(each.members >= len(each.absences) for each in reports)
    assert all(days[0] <= life.told_on for life in lives)
    truth = (tmp_path / "term_truth.csv").read_text(encoding="utf-8").splitlines()
    assert truth[0] == "student_row,kind,out_from,out_until"


def test_more_terms_than_anybody_asks_for_are_refused(tmp_path: Path) -> None:
    with pytest.raises(SimulationRefused, match="terms"):
        simulate(Settings(students=300, schools=4, terms=9), tmp_path)

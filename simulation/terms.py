"""Whole terms of a county: every class over every school day, what it told, and what really happened."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from itertools import groupby
from random import Random

from shared.standards.school_calendar import CalendarYear, SchoolCalendar, Span
from simulation.class_reports import Classroom, ClassTold, class_term
from simulation.class_reports import Shape as Shape
from simulation.families import grade_zh
from simulation.households import Student
from simulation.school_years import days_of, past_terms
from simulation.stories import Life, Story, Term

STAGES = {"小学": "primary", "初中": "junior", "高中": "senior", "中职": "vocational"}
OLDER_GRADES = (8, 9)
GENERATOR = "terms 1"  # raise it when the same seed gives other content


@dataclass(frozen=True, slots=True)
class SchoolTime:
    """The school years concerned, the terms simulated, and their school days in order."""

    years: tuple[CalendarYear, ...]
    terms: tuple[Span, ...]
    days: tuple[date, ...]

    def parts(self) -> list[Term]:
        """Each term with its place among the days."""
        found, first = [], 0
        for term in self.terms:
            end = first + sum(day in term for day in self.days)
            found.append(Term(self.days, first, end))
            first = end
        return found

    def free_days(self) -> list[date]:
        """Days within the terms on which there is no school."""
        calendar = SchoolCalendar(self.years)
        return [
            day
            for term in self.terms
            for day in (term.first + timedelta(days=place) for place in range((term.last - term.first).days + 1))
            if not calendar.is_school_day(day)
        ]


@dataclass(slots=True)
class CountyTerms:
    """What was told, each in the order of telling, and what is true."""

    time: SchoolTime
    classrooms: list[Classroom] = field(default_factory=list)
    reports: list[ClassTold] = field(default_factory=list)
    lives: list[Life] = field(default_factory=list)
    stories: list[Story] = field(default_factory=list)


def school_time(as_of: date, terms: int, days: int | None = None) -> SchoolTime:
    """The last ``terms`` terms that ended before ``as_of``; of them the first ``days`` school days, or all."""
    years, spans = past_terms(as_of, terms)
    return SchoolTime(years, spans, tuple(days_of(years, spans)[:days]))


def simulate_terms(seed: str, classrooms: Sequence[Classroom], time: SchoolTime, shape: Shape) -> CountyTerms:
    """The same seed gives the same terms, class by class: a class more or less changes no other."""
    made = CountyTerms(time, list(classrooms))
    terms, free_days = time.parts(), time.free_days()
    for room in classrooms:
        chance = Random(f"{GENERATOR}/{seed}/{room.number}")  # from a seed, no secret # nosec B311
        one = class_term(chance, room, terms, free_days, shape)
        made.stories += one.stories
        made.reports += one.reports
        made.lives += one.lives
    made.reports.sort(key=lambda told: (told.told_on, told.classroom, told.day))
    made.lives.sort(key=lambda life: (life.told_on, life.child, life.on))
    return made


def classrooms_of(students: Sequence[Student], first: int = 1) -> Iterator[Classroom]:
    """The classes of a district's register, numbered from ``first`` on, from students sorted by class."""
    grouped = groupby(students, key=lambda s: (s.school, s.stage, s.grade, s.class_number))
    for number, ((school, stage, grade, place), members) in enumerate(grouped, first):
        yield Classroom(
            number,
            school.code,
            school.township.code,
            STAGES[stage],
            grade_zh(stage, grade),
            f"{place}班",
            tuple(student.row for student in members),
            grade in OLDER_GRADES,
        )


def invented_classrooms(children: int, class_size: int = 40, schools: int = 0) -> list[Classroom]:
    """Classes without a register behind them, for tests and benchmarks: children are numbered from 1."""
    rooms = []
    count = -(-children // class_size)
    schools = schools or max(1, count // 20)
    for number in range(1, count + 1):
        school, grade = number % schools, (number - 1) // schools % 9 + 1
        stage = "primary" if grade < 7 else "junior"
        members = tuple(range((number - 1) * class_size + 1, min(number * class_size, children) + 1))
        place = (number - 1) // (schools * 9) + 1
        division = f"469080{101 + school % 12:03d}"
        name = f"{place}班"
        rooms.append(Classroom(number, f"S{school:05d}", division, stage, str(grade), name, members, grade in (8, 9)))
    return rooms

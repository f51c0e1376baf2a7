"""What is due in a term, and what was done: the plan and the calendar of a day, and the acts recorded by then."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date
from typing import Any, Literal, NamedTuple
from uuid import UUID

from pydantic import BaseModel
from sqlalchemy import Connection

from services.registry.keys import Keys
from services.registry.reference.known_at import rows_on
from services.registry.tables import CALENDARS, SCHOOLS
from services.registry.term_tables import TERM_PLANS, TERM_TASKS
from services.registry.terms.term_plan import TermPlan, TermTask, Who, parse, term_tasks
from shared.standards.school_calendar import SchoolCalendar, Span, ToldYear, calendar_of, read_year, years_for
from shared.web.languages import Language

TaskState = Literal["done", "late", "due", "upcoming"]
TERMS_MINDED = 2  # the last so many terms that began: what was left undone in older ones is history, not work


class School(NamedTuple):
    code: str
    name: str
    division: str


class DatedTerm(NamedTuple):
    """A term of the county's calendar; names repeat from year to year where a county calls them first and second."""

    school_year: int
    span: Span


class TermRow(BaseModel):
    """A term, and how many of its tasks stand how; a school's task counts once for each school."""

    school_year: int
    term: str
    first: date
    last: date
    current: bool
    done: int = 0
    late: int = 0
    due: int = 0
    upcoming: int = 0


class TermTaskRow(BaseModel):
    """A task of a term; of a school's own task, one for each school. ``told_by``: who recorded it last."""

    task_id: UUID
    school_year: int
    term: str
    task: str
    title: str
    who: Who
    school_code: str | None
    school_name: str | None
    opens_on: date
    due_on: date
    state: TaskState
    done_on: date | None
    told_by: str | None
    note: str | None
    count: int | None


class DueTask(BaseModel):
    """A task that is to be worked on; ``outstanding``: of how many schools it is missing, 1 of the county's own."""

    school_year: int
    term: str
    task: str
    title: str
    who: Who
    due_on: date
    state: TaskState
    outstanding: int


class Tasks:
    """The tasks as they stood on one day, for one viewer: ``schools`` lie in her scope, ``county`` says whether the
    county's own tasks do. Raises CalendarError when the calendars' years do not fit together."""

    def __init__(
        self, connection: Connection, keys: Keys, division: str, day: date, sees: Callable[[str, str | None], bool]
    ) -> None:
        """``sees``: whether a (division, school) lies in the viewer's scope."""
        self._keys, self._day, self._division = keys, day, division
        self.county = sees(division, None)
        self._told = [
            ToldYear(row["place"], row["school"], row["school_year"], row["content"])
            for row in rows_on(connection, CALENDARS, day, None)
        ]
        plan = next(iter(rows_on(connection, TERM_PLANS, day, None)), None)
        self.plan: TermPlan | None = None if plan is None else parse(plan["content"])
        self.plan_hash: str = "" if plan is None else plan["content_hash"]
        rows = sorted(rows_on(connection, SCHOOLS, day, None), key=lambda row: str(row["code"]))
        self.schools = [
            School(row["code"], row["name"], row["division"] or "")
            for row in rows
            if row["code"] and not row["closed"] and sees(row["division"] or "", row["code"])
        ]
        self._acts = {row["entity"]: row for row in rows_on(connection, TERM_TASKS, day, None)}
        self._made: dict[tuple[str, ...], SchoolCalendar] = {}
        self._dated: dict[tuple[DatedTerm, tuple[str, ...]], tuple[TermTask, ...]] = {}
        years = {year: read_year(content) for year, content in years_for(self._told, division, None).items()}
        self._calendar_of(division, None)  # refuses years that do not fit together
        self.terms = sorted(
            (DatedTerm(year, span) for year, told in years.items() for span in told.terms),
            key=lambda term: term.span.first,
        )

    def of_term(self, term: DatedTerm, language: Language) -> Iterator[TermTaskRow]:
        """The term's tasks in the order of the plan, a school's by school."""
        for place, planned in enumerate(() if self.plan is None else self.plan.tasks):
            if planned.who == "school":
                for school in self.schools:
                    yield self._row(term, self._tasks(term, school)[place], school, language)
            elif self.county:
                yield self._row(term, self._tasks(term, None)[place], None, language)

    def named(self, school_year: int, name: str) -> DatedTerm | None:
        """The term of that name in that school year."""
        return next((term for term in self.terms if term.school_year == school_year and term.span.name == name), None)

    def task(self, term: DatedTerm, task: str, school: str | None) -> TermTask | None:
        """One task, of that school or of the county; None when it is not there, or not theirs."""
        own = next((each for each in self.schools if each.code == school), None)
        if (own is None) if school is not None else not self.county:
            return None
        found = next((each for each in self._tasks(term, own) if each.planned.task == task), None)
        if found is None or (found.planned.who == "school") != (school is not None):
            return None
        return found

    def begun(self) -> list[DatedTerm]:
        """The terms that began by the day, the last one first."""
        return [term for term in reversed(self.terms) if term.span.first <= self._day]

    def due(self, language: Language) -> list[DueTask]:
        """What is to be worked on: what is due on the day itself, then by the day it is due. A school's task stands
        once, with how many schools are missing."""
        found: dict[tuple[int, str, str], DueTask] = {}
        for term in self.begun()[:TERMS_MINDED]:
            for row in self.of_term(term, language):
                if row.state not in ("late", "due"):
                    continue
                named = row.school_year, row.term, row.task
                if named in found:
                    before = found[named]
                    state: TaskState = "late" if "late" in (before.state, row.state) else "due"
                    changed = {"outstanding": before.outstanding + 1, "state": state}
                    found[named] = before.model_copy(update=changed | {"due_on": min(before.due_on, row.due_on)})
                else:
                    told = row.model_dump(include=set(DueTask.model_fields))
                    found[named] = DueTask(**told, outstanding=1)
        return sorted(found.values(), key=lambda each: (each.due_on != self._day, each.due_on))

    def counted(self, term: DatedTerm, language: Language) -> TermRow:
        """The term with its counts."""
        counts: dict[str, int] = {}
        for row in self.of_term(term, language):
            counts[row.state] = counts.get(row.state, 0) + 1
        return TermRow(
            school_year=term.school_year,
            term=term.span.name,
            first=term.span.first,
            last=term.span.last,
            current=self._day in term.span,
            **counts,
        )

    def _row(self, term: DatedTerm, task: TermTask, school: School | None, language: Language) -> TermTaskRow:
        planned = task.planned
        code = school.code if school else None
        task_id = self._keys.term_task(term.school_year, term.span.name, planned.task, code)
        act: dict[str, Any] = self._acts.get(task_id, {})
        return TermTaskRow(
            task_id=task_id,
            school_year=term.school_year,
            term=term.span.name,
            task=planned.task,
            title=planned.name_zh if language == "zh" else planned.name_en,
            who=planned.who,
            school_code=code,
            school_name=school.name if school else None,
            opens_on=task.opens_on,
            due_on=task.due_on,
            state=task.state(self._day, bool(act.get("done"))),
            done_on=act.get("done_on"),
            told_by=act.get("told_by"),
            note=act.get("note") or None,
            count=act.get("count"),
        )

    def _tasks(self, term: DatedTerm, school: School | None) -> tuple[TermTask, ...]:
        """The term's tasks by the school's own calendar where it tells that term, else by the county's."""
        if self.plan is None:
            return ()
        place = (self._division, None) if school is None else (school.division, school.code)
        contents, calendar = self._calendar_of(*place)
        if (term, contents) not in self._dated:
            own = [span for span in _spans(calendar) if span.name == term.span.name and _meet(span, term.span)]
            if own:
                span = own[0]
            else:
                span, calendar = term.span, self._calendar_of(self._division, None)[1]
            self._dated[term, contents] = term_tasks(self.plan, span, calendar)
        return self._dated[term, contents]

    def _calendar_of(self, division: str, school: str | None) -> tuple[tuple[str, ...], SchoolCalendar]:
        contents = tuple(years_for(self._told, division, school).values())
        if contents not in self._made:
            self._made[contents] = calendar_of(contents)
        return contents, self._made[contents]


def _spans(calendar: SchoolCalendar) -> Iterator[Span]:
    return (span for year in calendar.years for span in year.terms)


def _meet(one: Span, other: Span) -> bool:
    return one.first <= other.last and other.first <= one.last

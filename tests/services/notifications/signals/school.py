"""A small school whose classes report: what the tests of absence alerts are told with."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from services.notifications import queries
from services.notifications.queries import AlertRow
from services.registry.events import ClassAttendanceReported, SchoolCalendarActivated
from shared.database.scopes import Scope
from shared.hosting.service import Service
from shared.standards.school_calendar import CalendarYear, Span, canonical
from shared.web.pages import PageTurn
from tests.services.happenings import enrolled, someone
from tests.services.installation import DIVISION, Installation

TERM = Span(date(2026, 9, 1), date(2027, 1, 20), "2026-autumn")
HOLIDAY = Span(date(2026, 10, 1), date(2026, 10, 7), "national day")
MADE_UP = (date(2026, 10, 10),)  # a Saturday
YEAR = CalendarYear((TERM,), holidays=(HOLIDAY,), made_up=MADE_UP)
DIVISION_CODE = "469001"
_NAMES = UUID(int=0x5C4001)


def day(month: int, of_month: int, year: int = 2026) -> date:
    return date(year, month, of_month)


def school_days(first: date, last: date) -> list[date]:
    """Walked by hand: Monday to Friday, but for the holiday and the made-up Saturday."""
    days = [first + timedelta(days=each) for each in range((last - first).days + 1)]
    return [each for each in days if each in MADE_UP or (each.isoweekday() < 6 and each not in HOLIDAY)]


@dataclass
class School:
    """``tell`` appends a report of a class; the stream of a class and day is always the same one."""

    installation: Installation
    service: Service
    code: str = "S1"
    pupils: dict[str, UUID] = field(default_factory=dict)

    def calendar(self, year: CalendarYear = YEAR, as_of: date = date(2026, 1, 1)) -> None:
        fact = SchoolCalendarActivated(
            division_code="469000", school_year=2026, content=canonical(year), content_hash="hash"
        )
        self.installation.append("registry", uuid.uuid5(_NAMES, "calendar"), fact, as_of)

    def enrol(self, name: str, class_name: str = "1", since: date = date(2026, 9, 1)) -> UUID:
        student = self.pupils.setdefault(name, someone())
        fact = enrolled(student, self.code, class_name=class_name)
        self.installation.append("registry", student, fact, since)
        return student

    def report(
        self,
        on: date,
        *,
        class_name: str = "1",
        half: Sequence[str] = (),
        cleared: Sequence[str] = (),
        school_day: bool | None = None,
        **absences: Sequence[str],
    ) -> UUID:
        """``absences``: reason → names of pupils. The report's event id."""
        named = {reason: tuple(self.pupils[name] for name in names) for reason, names in absences.items() if names}
        fact = ClassAttendanceReported(
            school_code=self.code,
            division_code=DIVISION_CODE,
            stage="primary",
            grade="5",
            class_name=class_name,
            members=len(self.pupils),
            absences=named,
            half_day=tuple(self.pupils[name] for name in half),
            cleared=tuple(self.pupils[name] for name in cleared),
            school_day=school_day,
            reported_by="teacher",
        )
        stream = uuid.uuid5(_NAMES, f"{self.code}/{class_name}/{on}")
        return self.installation.append("registry", stream, fact, on)

    def open(self, on: date) -> None:
        """The day begins once everything told before is worked on.

        Partitions are independent: a day opened before a child's partition was read would judge her by what was
        told first, and withdraw it by what was told next."""
        self.installation.pump()
        self.installation.open_day(self.service, on)
        self.installation.pump()

    def live(self, first: date, last: date, absences: Mapping[date, Sequence[str]], **more: Any) -> None:
        """Day by day: it begins, the class reports, the alerts follow."""
        for each in school_days(first, last):
            self.open(each)
            self.report(each, unexplained=absences.get(each, ()), **more)
            self.installation.pump()

    def alerts(self, on: date, *kinds: str) -> list[AlertRow]:
        states: tuple[queries.State, ...] = ("open", "seen", "withdrawn", "closed")
        with self.service.database.reading(Scope(division=DIVISION[:4]), "alerts") as connection:
            rows = queries.alerts(connection, on, PageTurn(None, 200), queries.AlertFilter(states=states))
        return [row for row in rows if not kinds or row.kind in kinds]

    def told(self, on: date) -> list[tuple[str, str, str | None]]:
        return sorted((row.kind, row.state, row.ended_reason) for row in self.alerts(on))

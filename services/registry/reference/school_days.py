"""Whether a school has lessons on a day, by the calendar in force: noted with a report, never a reason to refuse it."""

from __future__ import annotations

from datetime import date

from sqlalchemy import select

from services.registry.handlers import Registry
from services.registry.projections import REGISTER
from services.registry.reference.known_at import rows_on
from services.registry.students.reporting_classes import SchoolDay
from services.registry.tables import CALENDARS, SCHOOLS
from shared.database.scopes import Scope
from shared.kernel.clock import today
from shared.standards.school_calendar import CalendarError, SchoolCalendar, ToldYear, calendar_for


def school_days(registry: Registry, scope: Scope) -> SchoolDay:
    """The calendars as they stand today; read once, for as many classes as are reported. None for a day that no
    calendar reaches, or where its years do not fit together."""
    day = today()
    with registry.database.reading(scope, REGISTER.name) as connection:
        told = [
            ToldYear(row["place"], row["school"], row["school_year"], row["content"])
            for row in rows_on(connection, CALENDARS, day, None)
        ]
        schools = select(SCHOOLS.c.code, SCHOOLS.c.division).where(SCHOOLS.holds_on(day))
        divisions = {row.code: row.division or "" for row in connection.execute(schools)} if told else {}
    made: dict[str, SchoolCalendar | None] = {}

    def of(school_code: str) -> SchoolCalendar | None:
        if school_code not in made:
            try:
                made[school_code] = calendar_for(told, divisions.get(school_code, ""), school_code)
            except CalendarError:
                made[school_code] = None
        return made[school_code]

    def is_school_day(school_code: str, on: date) -> bool | None:
        calendar = of(school_code)
        return calendar.is_school_day(on) if calendar is not None and calendar.knows(on) else None

    return is_school_day

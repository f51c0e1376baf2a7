"""What the watching policy remembers, read back in sets: today, the rules, where students stand, who is listed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import Connection, text

from services.notifications.signals.reasons import ListedChild, Schooling
from services.notifications.signals.rules import AlertRules, parse
from services.notifications.signals.school_time import SchoolTime, school_time
from shared.database.arrays import UuidArray
from shared.standards.school_calendar import SchoolCalendar, ToldYear, years_for


class InForce(NamedTuple):
    """The rules in force on a day."""

    rules: AlertRules
    content_hash: str


_STANDING = text("""
SELECT entity, status, since, event_id, stage, division_code, school_code, compulsory_from, compulsory_to, due_back,
       grade, class_name
FROM schooling WHERE entity = ANY(:students) AND valid_from <= :day AND valid_to > :day
""")

# Whose standing the mere passing of days may change: who is away, who is gone, and whose last word took effect lately.
_TO_LOOK_AT = text("""
SELECT DISTINCT entity FROM schooling
WHERE valid_from <= :day AND valid_to > :day AND (CAST(:after AS uuid) IS NULL OR entity > :after)
  AND (status IN ('transferred_out', 'dropped_out') OR (status = 'suspended' AND due_back <= :day)
       OR valid_from > CAST(:day AS date) - 31)
ORDER BY entity LIMIT :count
""")

_MISSING_CHILDREN = text("""
SELECT DISTINCT l.person_id FROM decisions d JOIN listed l ON l.entity = d.entity
WHERE d.state = 'not_in_register' AND d.school_age AND (CAST(:after AS uuid) IS NULL OR l.person_id > :after)
ORDER BY l.person_id LIMIT :count
""")

_CALENDARS = text("""
SELECT place, school, school_year, content FROM school_calendars
WHERE valid_from <= :day AND valid_to > :day ORDER BY entity
""")

_CHILDREN_OF = text("SELECT entity, person_id FROM listed WHERE entity = ANY(:entries)")

_ROWS_OF = text("""
SELECT l.person_id, d.entity, d.state, d.school_age, d.list, d.since, d.event_id, d.division_code, d.school_code,
       l.listed_by, d.lost_by
FROM listed l JOIN decisions d ON d.entity = l.entity WHERE l.person_id = ANY(:children)
""")


def opened_day(connection: Connection) -> date | None:
    """The day opened last, None before the first."""
    return connection.execute(text("SELECT day FROM days")).scalar_one_or_none()


def rules_on(connection: Connection, day: date) -> InForce | None:
    """The rules in force on ``day``, None before the first. Raises BadRules for content that no longer reads."""
    row = connection.execute(
        text("SELECT content, content_hash FROM rules WHERE valid_from <= :day AND valid_to > :day"), {"day": day}
    ).one_or_none()
    return None if row is None else InForce(parse(row[0]), row[1])


class Calendars:
    """The school calendars as in force on a day, of every place."""

    def __init__(self, told: Iterable[ToldYear]) -> None:
        self._told = tuple(told)
        self._made: dict[tuple[str, str | None], SchoolTime] = {}

    def time(self, division: str, school: str | None) -> SchoolTime:
        """The school days of a school in a division. Years of a place that do not fit together tell nothing."""
        place = division, school
        if place not in self._made:
            self._made[place] = school_time(tuple(years_for(self._told, division, school).values()))
        return self._made[place]

    def of(self, division: str, school: str | None) -> SchoolCalendar:
        """The calendar of a school in a division."""
        return self.time(division, school).calendar


def calendars_on(connection: Connection, day: date) -> Calendars:
    """The calendars in force on ``day``."""
    return Calendars(ToldYear(*row) for row in connection.execute(_CALENDARS, {"day": day}))


def standing(connection: Connection, students: Sequence[UUID], day: date) -> dict[UUID, Schooling]:
    """Where these students stand on ``day``; one who has not enrolled by then is absent."""
    rows = connection.execute(_STANDING, {"students": UuidArray(students), "day": day})
    found = {}
    for entity, status, since, event_id, stage, division, school, begins, ends, *rest in rows:
        if event_id is not None:
            years = (begins, ends) if begins else None
            found[entity] = Schooling(entity, status, since, event_id, stage, division or "", school, years, *rest)
    return found


def students_to_look_at(connection: Connection, day: date, after: UUID | None, count: int) -> list[UUID]:
    """Up to ``count`` students whom the passing of days may concern, in the order of their ids."""
    return list(connection.execute(_TO_LOOK_AT, {"day": day, "after": after, "count": count}).scalars())


def missing_children(connection: Connection, after: UUID | None, count: int) -> list[UUID]:
    """Up to ``count`` listed children of school age with a row in no register, in the order of their ids."""
    return list(connection.execute(_MISSING_CHILDREN, {"after": after, "count": count}).scalars())


def children_of(connection: Connection, entries: Sequence[UUID]) -> dict[UUID, UUID]:
    """Entry → the child it is about, where the registry's event has arrived."""
    rows = connection.execute(_CHILDREN_OF, {"entries": list(entries)})
    return {entry: child for entry, child in rows if child is not None}


def rows_of(connection: Connection, children: Sequence[UUID]) -> dict[UUID, list[ListedChild]]:
    """The decided list rows of each of these children."""
    found: dict[UUID, list[ListedChild]] = {child: [] for child in children}
    for child, entry, state, school_age, *rest in connection.execute(_ROWS_OF, {"children": list(children)}):
        found[child].append(ListedChild(entry, state or "", bool(school_age), *rest))
    return found

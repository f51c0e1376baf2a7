"""What the entitling policy remembers, read back in sets: today, the programmes, schooling and evidence of students."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import Connection, text

from services.disbursement.domain import Asked, Evidence, Schooling
from services.disbursement.schedule import Programme, parse
from shared.standards.school_calendar import CalendarError, ToldYear, calendar_for


class InForce(NamedTuple):
    """A programme's configuration as in force on a day; ``school_begins``: the first days of the terms as the school
    calendar tells them, none while no calendar is active."""

    programme: Programme
    content_hash: str
    school_begins: tuple[date, ...] = ()


class Remembered(NamedTuple):
    """All that decides about one student. ``linked``: a list row was ever linked to her, or covered her. ``asked``: by
    term, what another county was asked about her and said."""

    schooling: list[Schooling]
    evidence: list[Evidence]
    linked: bool
    asked: Mapping[str, Asked] = {}


# A link ends by the first word on its entry that the log holds after it; it is untrue when any later word says so.
_LINKS = text("""
SELECT l.student_id, l.entity, l.category, l.holds_from, least(l.holds_to, e.ended_on), coalesce(e.never_true, false)
FROM links l LEFT JOIN LATERAL (
    SELECT (array_agg(x.ended_on ORDER BY x.log_index))[1] AS ended_on, bool_or(x.never_true) AS never_true
    FROM link_ends x
    WHERE x.entry_id = l.entry_id AND x.student_id = l.student_id AND x.log_index > l.log_index
) e ON true
WHERE l.student_id = ANY(:students)
""")

_COVERS = text("""
SELECT student_id, event_id, category, holds_from, holds_to, stands FROM covers WHERE student_id = ANY(:students)
""")

_ASKED = text("""
SELECT child_id, term, category, stage, division_code, evidence, aided, answered_on, event_id
FROM asked WHERE child_id = ANY(:students)
""")

_PROGRAMMES = text("""
SELECT content, content_hash FROM programmes WHERE valid_from <= :day AND valid_to > :day ORDER BY programme
""")

_CALENDARS = text("""
SELECT place, school, school_year, content FROM school_calendars
WHERE valid_from <= :day AND valid_to > :day ORDER BY entity
""")

_SCHOOLING = text("""
SELECT entity, valid_from, valid_to, enrolled, stage, boarder, division_code, school_code, enrolment
FROM students WHERE entity = ANY(:students) ORDER BY entity, valid_from
""")

_LINKED_STUDENTS = text("""
SELECT student_id
FROM (SELECT student_id FROM links UNION SELECT student_id FROM covers UNION SELECT child_id FROM asked) AS known
WHERE CAST(:after AS uuid) IS NULL OR student_id > :after ORDER BY student_id LIMIT :count
""")


def opened_day(connection: Connection) -> date | None:
    """The day opened last, None before the first."""
    return connection.execute(text("SELECT day FROM days")).scalar_one_or_none()


def programmes_on(connection: Connection, day: date, division: str) -> list[InForce]:
    """The programmes in force on ``day`` in a division, by name. Raises BadProgramme for content that no longer
    reads."""
    begins = school_begins(connection, day, division)
    rows = connection.execute(_PROGRAMMES, {"day": day})
    return [InForce(parse(content), content_hash, begins) for content, content_hash in rows]


def school_begins(connection: Connection, day: date, division: str) -> tuple[date, ...]:
    """The first days of the terms in the division's own calendar as in force on ``day``: money has one term for all its
    schools. None when its years do not fit together: a calendar that nobody can read decides nothing."""
    told = [ToldYear(*row) for row in connection.execute(_CALENDARS, {"day": day})]
    try:
        years = calendar_for(told, division, None).years
    except CalendarError:
        return ()
    return tuple(term.first for year in years for term in year.terms)


def linked_students(connection: Connection, after: UUID | None, count: int) -> list[UUID]:
    """Up to ``count`` students that were ever linked to a list row, covered by one or asked about elsewhere, in the
    order of their ids."""
    return list(connection.execute(_LINKED_STUDENTS, {"after": after, "count": count}).scalars())


def remember(connection: Connection, students: Sequence[UUID]) -> dict[UUID, Remembered]:
    """What is known of each of these students."""
    schooling: dict[UUID, list[Schooling]] = {student: [] for student in students}
    evidence: dict[UUID, list[Evidence]] = {}
    for entity, begins, ends, enrolled, stage, boarder, division, school, enrolment in connection.execute(
        _SCHOOLING, {"students": list(students)}
    ):
        where = (division or "", school or "", enrolment)
        place = Schooling(begins, ends, bool(enrolled), stage or "", bool(boarder), *where)
        schooling[entity].append(place)
    for student, event_id, category, begins, ends, never_true in connection.execute(
        _LINKS, {"students": list(students)}
    ):
        held = evidence.setdefault(student, [])
        if not never_true:
            held.append(Evidence(begins, ends, category, event_id))
    for student, event_id, category, begins, ends, stands in connection.execute(_COVERS, {"students": list(students)}):
        held = evidence.setdefault(student, [])
        if stands and begins < ends:
            held.append(Evidence(begins, ends, category, event_id))
    asked: dict[UUID, dict[str, Asked]] = {}
    for child, term, *told in connection.execute(_ASKED, {"students": list(students)}):
        asked.setdefault(child, {})[term] = Asked(*told)
    return {
        student: Remembered(places, evidence.get(student, []), student in evidence, asked.get(student, {}))
        for student, places in schooling.items()
    }

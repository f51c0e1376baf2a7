"""Classes that should report and are silent: which ones, and since when.

A class should report when it reported before in this school year, or when another class of its school reported one of
the days in question. It is silent when it sent nothing since the first of the last ``silence_after_days`` school days
that have ended; any later report ends the silence. Where no calendar is known, the days on which its school reported
are the school days. A class that had no students yet on that first day is not asked.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import date
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import Connection, text

from services.notifications.commands import WithdrawAlert
from services.notifications.signals.attendance_memory import ClassKey
from services.notifications.signals.memory import Calendars, InForce
from services.notifications.signals.reasons import Reason

_SCHOOLS = text("""
SELECT s.school_code, min(s.division_code) FROM schooling s
WHERE s.valid_from <= :today AND s.valid_to > :today AND s.status = 'enrolled'
  AND (CAST(:schools AS text[]) IS NULL OR s.school_code = ANY(:schools))
GROUP BY s.school_code
HAVING EXISTS (SELECT FROM class_days d WHERE d.school_code = s.school_code AND d.day > CAST(:today AS date) - 400)
ORDER BY s.school_code
""")

_LAST_REPORTED = text("""
SELECT DISTINCT day FROM class_days WHERE school_code = :school AND day < :today ORDER BY day DESC LIMIT :count
""")

# Classes with students both then and now, with the last report of each.
_CLASSES = text("""
SELECT e.school_code, e.stage, e.grade, e.class_name, l.day, l.event_id
FROM (SELECT school_code, COALESCE(stage, '') AS stage, COALESCE(grade, '') AS grade,
             COALESCE(class_name, '') AS class_name
      FROM schooling
      WHERE school_code = ANY(:schools) AND status = 'enrolled' AND valid_from <= :today AND valid_to > :begin
      GROUP BY 1, 2, 3, 4
      HAVING bool_or(valid_from <= :begin) AND bool_or(valid_to > :today)) e
LEFT JOIN LATERAL (SELECT d.day, d.event_id FROM class_days d
                   WHERE d.school_code = e.school_code AND d.grade = e.grade AND d.class_name = e.class_name
                     AND COALESCE(d.stage, '') = e.stage AND d.day <= :today
                   ORDER BY d.day DESC LIMIT 1) l ON true
""")

# The first report of each school of each of these days.
_SPOKE = text("""
SELECT DISTINCT ON (school_code, day) school_code, day, event_id FROM class_days
WHERE school_code = ANY(:schools) AND day = ANY(:days) ORDER BY school_code, day, event_id
""")

_OPEN = text("""
SELECT entity, school_code, subject, since FROM standing_alerts
WHERE open AND kind = 'class_silent' AND school_code = ANY(:schools) ORDER BY entity
""")

_LAST_OF_SUBJECT = text("""
SELECT event_id FROM class_days
WHERE school_code = :school AND concat_ws('/', COALESCE(stage, ''), grade, class_name) = :subject AND day <= :today
  AND day >= :since
ORDER BY day DESC LIMIT 1
""")


class SilentClass(NamedTuple):
    """A class that should have reported, where it is, and why that is said."""

    key: ClassKey
    division_code: str
    reason: Reason


class OpenSilence(NamedTuple):
    """An open alert about a class, and since when it says the class is silent."""

    alert_id: UUID
    school_code: str
    subject: str
    since: date


def silent_classes(
    connection: Connection,
    in_force: InForce,
    calendars: Calendars,
    today: date,
    schools: Collection[str] | None = None,
) -> dict[ClassKey, SilentClass]:
    """The silent classes of these schools, or of all, on ``today``, which has not ended itself."""
    asked = None if schools is None else sorted(schools)
    places = {code: place or "" for code, place in connection.execute(_SCHOOLS, {"today": today, "schools": asked})}
    # Schools with the same days in question are asked together: in a county that is nearly all of them.
    alike: dict[tuple[int, ...], list[str]] = defaultdict(list)
    for school, division in places.items():
        days = _ended(connection, school, division, in_force, calendars, today)
        if days:
            alike[days].append(school)
    found = {}
    for days, together in alike.items():
        begin = date.fromordinal(days[0])
        spoke = _spoke(connection, together, days)
        values = {"schools": together, "today": today, "begin": begin}
        for *names, last, event_id in connection.execute(_CLASSES, values):
            key = ClassKey(*names)
            time = calendars.time(places[key.school_code], key.school_code)
            this_year = last is not None and last.toordinal() >= time.year_begin(days[0])
            witness = event_id if this_year else spoke.get(key.school_code)
            if witness is not None and (last is None or last < begin):
                reason = _reason(key, begin, last if this_year else None, witness, len(days))
                found[key] = SilentClass(key, places[key.school_code], reason)
    return found


def _ended(
    connection: Connection, school: str, division: str, in_force: InForce, calendars: Calendars, today: date
) -> tuple[int, ...]:
    """The last school days that have ended, as many as the rules ask for; none while there were fewer."""
    count = in_force.rules.at(division, None).silence_after_days
    time = calendars.time(division, school)
    if time.knows(today.toordinal() - 1):
        days: Sequence[int] = time.ended_before(today.toordinal(), count)
    else:
        rows = connection.execute(_LAST_REPORTED, {"school": school, "today": today, "count": count})
        days = sorted(day.toordinal() for day in rows.scalars())
    return tuple(days) if len(days) == count else ()


def _spoke(connection: Connection, schools: Sequence[str], days: Sequence[int]) -> Mapping[str, UUID]:
    """School → a report of one of its classes of the earliest of these days that has any."""
    values = {"schools": list(schools), "days": [date.fromordinal(day) for day in days]}
    found: dict[str, UUID] = {}
    for school, _, event_id in connection.execute(_SPOKE, values):
        found.setdefault(school, event_id)
    return found


def _reason(key: ClassKey, begin: date, last: date | None, witness: UUID, days: int) -> Reason:
    facts = {"grade": key.grade, "class_name": key.class_name, "since": begin.isoformat(), "days": str(days)}
    code = "class_never_reported"
    if last is not None:
        facts, code = facts | {"last": last.isoformat()}, "class_stopped_reporting"
    return Reason(begin, (witness,), code, facts)


def open_silences(connection: Connection, schools: Collection[str]) -> list[OpenSilence]:
    """The open alerts about silent classes of these schools."""
    return [OpenSilence(*row) for row in connection.execute(_OPEN, {"schools": sorted(schools)})]


def ended_silence(connection: Connection, silence: OpenSilence, today: date) -> WithdrawAlert:
    """Why a class is not silent any more: it reported, or nobody expects it to."""
    values = {"school": silence.school_code, "subject": silence.subject, "since": silence.since, "today": today}
    last = connection.execute(_LAST_OF_SUBJECT, values).scalar_one_or_none()
    if last is None:
        return WithdrawAlert("class_not_expected", (), today)
    return WithdrawAlert("class_reported", (last,), today)

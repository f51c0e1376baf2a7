"""Who may have to be looked at, found in sets: by what a class reported, by the passing of days, by another measure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from datetime import date, timedelta
from uuid import UUID

from sqlalchemy import Connection, text

from services.notifications.events import AlertKind
from services.notifications.signals.attendance_memory import ClassKey, columns_of
from services.notifications.signals.rules import AlertRules
from shared.database.arrays import UuidArray

_CLASSES_GIVEN = """
unnest(CAST(:schools AS text[]), CAST(:stages AS text[]), CAST(:grades AS text[]), CAST(:names AS text[]))
"""
_SAME_CLASS = """
d.school_code = k.school AND d.grade = k.grade AND d.class_name = k.name AND COALESCE(d.stage, '') = k.stage
"""

_NAMED_OFTEN = text("""
SELECT student_id FROM absences WHERE student_id = ANY(:students) AND reason IS NOT NULL
  AND day > :begin AND day <= :today
GROUP BY student_id HAVING count(*) >= :least
""")

_ALL_NAMED_OFTEN = text("""
SELECT student_id FROM absences
WHERE reason IS NOT NULL AND day > :begin AND day <= :today AND (CAST(:after AS uuid) IS NULL OR student_id > :after)
GROUP BY student_id HAVING count(*) >= :least ORDER BY student_id LIMIT :count
""")

_LATER = text(f"""
SELECT k.school, k.stage, k.grade, k.name, k.day
FROM unnest(CAST(:schools AS text[]), CAST(:stages AS text[]), CAST(:grades AS text[]), CAST(:names AS text[]),
            CAST(:days AS date[])) AS k(school, stage, grade, name, day)
WHERE EXISTS (SELECT FROM class_days d WHERE {_SAME_CLASS} AND d.day > k.day)
""")

_EVER_NAMED = text(f"""
SELECT DISTINCT k.school, k.stage, k.grade, k.name, a.student_id
FROM {_CLASSES_GIVEN} AS k(school, stage, grade, name)
JOIN class_days d ON {_SAME_CLASS} AND d.day > :begin AND d.day <= :today AND d.absent > 0
JOIN absences a ON a.day = d.day AND a.school_code = d.school_code AND a.class_day = d.entity
""")

_WITH_OPEN_ALERTS = text("""
SELECT DISTINCT a.student_id, s.school_code, COALESCE(s.stage, ''), COALESCE(s.grade, ''), COALESCE(s.class_name, '')
FROM standing_alerts a JOIN schooling s ON s.entity = a.student_id AND s.valid_from <= :today AND s.valid_to > :today
WHERE a.open AND a.kind = ANY(:kinds) AND s.school_code = ANY(:schools)
""")

_WITH_SILENCE = text("""
SELECT DISTINCT school_code FROM standing_alerts
WHERE open AND kind = 'class_silent' AND school_code = ANY(:schools)
""")

_HOME_TAUGHT = text("""
SELECT DISTINCT student_id FROM documented_absences
WHERE student_id = ANY(:students) AND kind = 'home_teaching' AND NOT withdrawn
""")

# Whom the passing of days concerns: an open alert, a document that began or ended lately, home teaching that is to be
# visited, and whom a report named before its day had opened.
_AWAITING = text("""
SELECT student_id FROM (
    SELECT student_id FROM standing_alerts WHERE open AND kind = ANY(:kinds)
    UNION SELECT student_id FROM documented_absences
          WHERE NOT withdrawn AND (last_day BETWEEN CAST(:today AS date) - 8 AND CAST(:today AS date) - 1
                                   OR first_day BETWEEN CAST(:today AS date) - 7 AND :today
                                   OR (kind = 'home_teaching' AND first_day <= :today AND last_day >= :today))
    UNION SELECT student_id FROM absences WHERE day = :today AND reason IS NOT NULL) AS concerned
WHERE CAST(:after AS uuid) IS NULL OR student_id > :after
ORDER BY student_id LIMIT :count
""")

_MEASURED_ANEW = text("""
SELECT EXISTS (SELECT FROM rules WHERE valid_from = :today) OR EXISTS (SELECT FROM school_calendars
                                                                       WHERE valid_from = :today)
""")

_REPORTING_SCHOOLS = text("""
SELECT school_code FROM (SELECT DISTINCT school_code FROM schooling
                         WHERE valid_from <= :today AND valid_to > :today AND status = 'enrolled') s
WHERE EXISTS (SELECT FROM class_days d WHERE d.school_code = s.school_code)
UNION SELECT school_code FROM standing_alerts WHERE open AND kind = 'class_silent' ORDER BY school_code
""")


def least_absences(rules: AlertRules) -> int:
    """Named absent on fewer days than this, no child can give a signal anywhere."""
    least = []
    for each in rules.everywhere:
        halves = int(2 * each.absent_share * each.share_least) + 1
        least += [each.absent_days_running, each.excused_days_running, each.term_start_days, (halves + 1) // 2]
    return min(least)


def _before(rules: AlertRules, since: date) -> date:
    return since - timedelta(days=max(each.attendance_reach_days for each in rules.everywhere))


def named_often(
    connection: Connection, students: Sequence[UUID], rules: AlertRules, since: date, today: date
) -> set[UUID]:
    """Those of these children who were named absent often enough for a signal on a day within reach of ``since``."""
    begin, least = _before(rules, since), least_absences(rules)
    values = {"students": UuidArray(students), "begin": begin, "today": today, "least": least}
    return set(connection.execute(_NAMED_OFTEN, values).scalars())


def all_named_often(
    connection: Connection, rules: AlertRules, today: date, after: UUID | None, count: int
) -> list[UUID]:
    """Up to ``count`` children named often enough within two reaches of ``today``, in the order of their ids."""
    begin = _before(rules, _before(rules, today))
    values = {"begin": begin, "today": today, "least": least_absences(rules), "after": after, "count": count}
    return list(connection.execute(_ALL_NAMED_OFTEN, values).scalars())


def with_later_reports(
    connection: Connection, reports: Collection[tuple[ClassKey, date]]
) -> set[tuple[ClassKey, date]]:
    """Those of these reports that are not the newest of their class."""
    given = sorted(reports)
    values = columns_of([key for key, _ in given]) | {"days": [day for _, day in given]}
    return {(ClassKey(*key), day) for *key, day in connection.execute(_LATER, values)}


def ever_named(
    connection: Connection, classes: Collection[ClassKey], since: date, rules: AlertRules, today: date
) -> dict[ClassKey, set[UUID]]:
    """Class → the children it named absent on any day within reach of ``since``."""
    found: dict[ClassKey, set[UUID]] = defaultdict(set)
    if classes:
        values = columns_of(sorted(classes)) | {"begin": _before(rules, since), "today": today}
        for *key, student in connection.execute(_EVER_NAMED, values):
            found[ClassKey(*key)].add(student)
    return found


def with_open_alerts(
    connection: Connection, classes: Collection[ClassKey], kinds: Sequence[AlertKind], today: date
) -> dict[ClassKey, list[UUID]]:
    """Class → its children with an open alert of one of these kinds."""
    values = {"schools": sorted({key.school_code for key in classes}), "kinds": list(kinds), "today": today}
    found: dict[ClassKey, list[UUID]] = defaultdict(list)
    for student, *key in connection.execute(_WITH_OPEN_ALERTS, values):
        if ClassKey(*key) in classes:
            found[ClassKey(*key)].append(student)
    return found


def schools_with_silence(connection: Connection, schools: Collection[str]) -> set[str]:
    """Those of these schools with an open alert about a silent class."""
    return set(connection.execute(_WITH_SILENCE, {"schools": sorted(schools)}).scalars())


def home_taught(connection: Connection, students: Sequence[UUID]) -> set[UUID]:
    """Those of these students with a document of home teaching."""
    return set(connection.execute(_HOME_TAUGHT, {"students": list(students)}).scalars()) if students else set()


def awaiting(
    connection: Connection, kinds: Sequence[AlertKind], today: date, after: UUID | None, count: int
) -> list[UUID]:
    """Up to ``count`` students whom a day that opens may concern, in the order of their ids."""
    values = {"kinds": list(kinds), "today": today, "after": after, "count": count}
    return list(connection.execute(_AWAITING, values).scalars())


def measured_anew(connection: Connection, today: date) -> bool:
    """Whether other rules or another calendar count from ``today`` on."""
    return bool(connection.execute(_MEASURED_ANEW, {"today": today}).scalar_one())


def reporting_schools(connection: Connection, today: date) -> list[str]:
    """Schools with students that ever reported attendance, or of which a class is told silent."""
    return list(connection.execute(_REPORTING_SCHOOLS, {"today": today}).scalars())

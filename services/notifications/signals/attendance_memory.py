"""Days at school read back in sets: for any number of children a fixed number of statements."""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import Connection, text

from services.notifications.events import AlertKind
from services.notifications.signals.attendance import ChildDays, Covered, Named
from services.notifications.signals.memory import Calendars
from services.notifications.signals.reasons import Schooling
from services.notifications.signals.rules import AlertRules, Thresholds
from shared.database.arrays import UuidArray


class ClassKey(NamedTuple):
    """A class of a school; what is not known of its name is empty."""

    school_code: str
    stage: str
    grade: str
    class_name: str

    @property
    def subject(self) -> str:
        """How an alert names it."""
        return f"{self.stage}/{self.grade}/{self.class_name}"


def columns_of(keys: Sequence[ClassKey]) -> dict[str, Any]:
    """Classes as the parameters of a statement that takes many."""
    return {
        "schools": [key.school_code for key in keys],
        "stages": [key.stage for key in keys],
        "grades": [key.grade for key in keys],
        "names": [key.class_name for key in keys],
    }


class Reported(NamedTuple):
    """The days a class reported, in order, and those of them it held for no school days."""

    days: Sequence[int]
    no_school: Collection[int] = frozenset()


_PERIODS = text("""
SELECT entity, valid_from, valid_to, COALESCE(school_code, ''), COALESCE(stage, ''), COALESCE(grade, ''),
       COALESCE(class_name, '')
FROM schooling WHERE entity = ANY(:students) AND status = 'enrolled' AND valid_from <= :today
ORDER BY entity, valid_from
""")

_ABSENCES = text("""
SELECT a.student_id, a.day, a.reason, a.half_day, a.class_day, a.event_id,
       d.school_code, COALESCE(d.stage, ''), d.grade, d.class_name
FROM absences a JOIN class_days d ON d.entity = a.class_day
WHERE a.student_id = ANY(:students) AND a.reason IS NOT NULL AND a.day <= :today ORDER BY a.event_id
""")

_DOCUMENTS = text("""
SELECT student_id, kind, first_day, last_day, event_id FROM documented_absences
WHERE student_id = ANY(:students) AND NOT withdrawn AND first_day <= :today ORDER BY event_id
""")

_VISITS = text("SELECT student_id, visited_on FROM visited WHERE student_id = ANY(:students) AND visited_on <= :today")

# 1 January of the year 1 is day number 1.
_CLASS_DAYS = text("""
SELECT k.n, array_agg(d.day - DATE '0001-01-01' + 1 ORDER BY d.day),
       array_agg(d.day - DATE '0001-01-01' + 1) FILTER (WHERE d.school_day IS FALSE)
FROM unnest(CAST(:schools AS text[]), CAST(:stages AS text[]), CAST(:grades AS text[]), CAST(:names AS text[]))
     WITH ORDINALITY AS k(school, stage, grade, name, n)
JOIN LATERAL (SELECT c.day FROM class_days c
              WHERE c.school_code = k.school AND c.grade = k.grade AND c.class_name = k.name
                AND COALESCE(c.stage, '') = k.stage AND c.day <= :today
              ORDER BY c.day DESC LIMIT 1) w ON true
JOIN class_days d ON d.school_code = k.school AND d.grade = k.grade AND d.class_name = k.name
 AND COALESCE(d.stage, '') = k.stage AND d.day <= :today AND d.day > w.day - CAST(:reach AS integer)
GROUP BY k.n
""")

_REPORT_IDS = text("""
SELECT d.day, d.event_id FROM class_days d
WHERE d.school_code = :school AND COALESCE(d.stage, '') = :stage AND d.grade = :grade AND d.class_name = :name
  AND d.day = ANY(:days) ORDER BY d.day
""")

_OPEN_ALERTS = text("""
SELECT entity, kind, student_id FROM standing_alerts WHERE open AND student_id = ANY(:students) AND kind = ANY(:kinds)
""")


def open_alerts(
    connection: Connection, students: Sequence[UUID], kinds: Sequence[AlertKind]
) -> dict[UUID, dict[AlertKind, UUID]]:
    """Student → kind → the stream of an alert that is open as far as the log has told it back."""
    found: dict[UUID, dict[AlertKind, UUID]] = defaultdict(dict)
    values = {"students": UuidArray(students), "kinds": list(kinds)}
    for stream, kind, student in connection.execute(_OPEN_ALERTS, values):
        found[student][kind] = stream
    return found


def reported_days(
    connection: Connection, classes: Iterable[ClassKey], today: date, reach: int
) -> dict[ClassKey, Reported]:
    """The days these classes reported, back to ``reach`` days before the last of each."""
    keys = sorted(set(classes))
    if not keys:
        return {}
    rows = connection.execute(_CLASS_DAYS, columns_of(keys) | {"today": today, "reach": reach})
    return {keys[number - 1]: Reported(days, frozenset(free or ())) for number, days, free in rows}


def report_ids(connection: Connection, key: ClassKey, days: Sequence[int]) -> tuple[UUID, ...]:
    """The reports of a class of these days."""
    values = {"school": key.school_code, "stage": key.stage, "grade": key.grade, "name": key.class_name}
    rows = connection.execute(_REPORT_IDS, {**values, "days": [date.fromordinal(day) for day in days]})
    return tuple(event_id for _, event_id in rows)


class _Spell(NamedTuple):
    begin: int
    end: int
    key: ClassKey


class Days(NamedTuple):
    """A child's days, and the same as if no document had been there; ``key``: her class now."""

    key: ClassKey
    child: ChildDays
    undocumented: ChildDays


def days_of(
    connection: Connection, standing: Mapping[UUID, Schooling], rules: AlertRules, calendars: Calendars, today: date
) -> dict[UUID, Days]:
    """The days of enrolled students, since they enrolled and within reach."""
    values = {"students": UuidArray(standing), "today": today}
    spells: dict[UUID, list[_Spell]] = defaultdict(list)
    for student, begin, end, *key in connection.execute(_PERIODS, values):
        since = max(begin, standing[student].since)
        if since < end:
            last = min(end, today + timedelta(days=1))
            spells[student].append(_Spell(since.toordinal(), last.toordinal(), ClassKey(*key)))
    named: dict[UUID, list[tuple[Named, ClassKey]]] = defaultdict(list)
    for student, day, reason, half, class_day, event_id, *key in connection.execute(_ABSENCES, values):
        named[student].append((Named(day.toordinal(), reason, bool(half), class_day, event_id), ClassKey(*key)))
    papers = _documents(connection, standing, rules, today)
    classes = {spell.key for each in spells.values() for spell in each}
    classes |= {by for each in named.values() for _, by in each}
    reported = reported_days(connection, classes, today, max(each.attendance_reach_days for each in rules.everywhere))
    counted = _Counted(reported, calendars)
    found = {}
    for student, own in spells.items():
        place = standing[student]
        thresholds = rules.at(place.division_code, place.stage)
        days, absences = counted.of(own, named.get(student, ()), place)
        documents, unvisited = papers.get(student, ((), None))
        since = own[0].begin
        within_reach = bool(days) and days[-1] - thresholds.attendance_reach_days >= since
        if within_reach:
            since = days[-1] - thresholds.attendance_reach_days + 1
            days = days[bisect_left(days, since) :]
        whole = _child(days, absences, since, (), None, within_reach=within_reach)
        known = _child(days, absences, since, documents, unvisited, within_reach=within_reach)
        found[student] = Days(own[-1].key, known, whole)
    return found


def _child(
    days: Sequence[int],
    absences: Mapping[int, Named],
    since: int,
    documents: Sequence[Covered],
    unvisited: UUID | None,
    *,
    within_reach: bool,
) -> ChildDays:
    if documents:
        days = [day for day in days if not any(each.first <= day <= each.last for each in documents)]
    kept = set(days)
    own = {day: each for day, each in absences.items() if day in kept}
    return ChildDays(days, own, since, documents, unvisited, within_reach)


class _Counted:
    """Which reported days of a class count, by the calendar of its school."""

    def __init__(self, reported: Mapping[ClassKey, Reported], calendars: Calendars) -> None:
        self._reported, self._calendars = reported, calendars
        self._known: dict[ClassKey, list[int]] = {}

    def of(
        self, spells: Sequence[_Spell], named: Sequence[tuple[Named, ClassKey]], place: Schooling
    ) -> tuple[list[int], dict[int, Named]]:
        """A child's days that count, in order, and her absences among them. A class that is not hers, by what is known
        now, but named her at the time speaks where her own class said nothing of a day: who is moved to another class
        after the fact does not lose her days."""
        days: list[int] = []
        absences: dict[int, Named] = {}
        for begin, end, key in spells:
            own = self._within(key, place, begin, end)
            told = frozenset(self._reported.get(key, Reported(())).days)
            by_day: dict[int, ClassKey] = dict.fromkeys(own, key)
            within = [(each, by) for each, by in named if begin <= each.day < end]
            others = sorted({by for _, by in within if by != key})
            for other in others:
                for day in self._within(other, place, begin, end):
                    if day not in told:
                        by_day.setdefault(day, other)
            for each, by in within:
                if by_day.get(each.day) == by or (by in others and each.day in by_day and each.day not in told):
                    absences[each.day] = each
            days += sorted(by_day) if others else own
        return days, absences

    def _within(self, key: ClassKey, place: Schooling, begin: int, end: int) -> list[int]:
        whole = self._days(key, place)
        return whole[bisect_left(whole, begin) : bisect_left(whole, end)]

    def _days(self, key: ClassKey, place: Schooling) -> list[int]:
        if key not in self._known:
            told = self._reported.get(key, Reported(()))
            time = self._calendars.time(place.division_code, key.school_code)
            free = told.no_school
            told_once = dict.fromkeys(told.days)  # a day counts once, however many streams speak of it
            self._known[key] = [day for day in told_once if time.counts(day, False if day in free else None)]
        return self._known[key]


def _documents(
    connection: Connection, standing: Mapping[UUID, Schooling], rules: AlertRules, today: date
) -> dict[UUID, tuple[list[Covered], UUID | None]]:
    """Student → the days her documents cover, and a document of home teaching that no visit covers today."""
    values = {"students": UuidArray(standing), "today": today}
    rows = list(connection.execute(_DOCUMENTS, values))
    visits: dict[UUID, list[int]] = defaultdict(list)
    if taught := [student for student, kind, *_ in rows if kind == "home_teaching"]:
        for student, visited_on in connection.execute(_VISITS, {"students": taught, "today": today}):
            visits[student].append(visited_on.toordinal())
    found: dict[UUID, tuple[list[Covered], UUID | None]] = {}
    for student, kind, first_day, last_day, event_id in rows:
        covered, unvisited = found.get(student, ([], None))
        paper = Covered(first_day.toordinal(), last_day.toordinal(), event_id)
        if kind != "home_teaching":
            covered = [*covered, paper]
        else:
            place = standing[student]
            parts = visited_parts(paper, visits[student], rules.at(place.division_code, place.stage))
            covered = [*covered, *parts]
            day = today.toordinal()
            if day <= paper.last and not any(part.first <= day <= part.last for part in parts):
                unvisited = event_id
        found[student] = (covered, unvisited)
    return found


def visited_parts(paper: Covered, visits: Iterable[int], rules: Thresholds) -> list[Covered]:
    """The days of home teaching that count as taught: from its first day and from each visit on for as long as one
    visit covers."""
    parts = []
    for begin in sorted({paper.first, *(day for day in visits if paper.first <= day <= paper.last)}):
        parts.append(Covered(begin, min(begin + rules.home_teaching_visit_days - 1, paper.last), paper.event_id))
    return parts

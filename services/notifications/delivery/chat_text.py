"""A text to paste into a chat group: who has reported today's attendance and who has not, and how many new alerts there
are, by class for a school, by school for a county or a township. Numbers and names of classes and schools, never a
child's: a chat group is read by people nobody counted.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import NamedTuple

from sqlalchemy import Connection, text

from services.notifications.delivery.desk import VIEW, Desk
from services.notifications.signals.memory import calendars_on
from services.notifications.signals.watching import NAME as WATCHING
from shared.database.scopes import Scope
from shared.kernel.clock import SHANGHAI
from shared.web.languages import Language

NAMED_MOST = 30  # of a list; a longer one is cut with its count, nobody reads on in a chat

_NO_CLASS = {"zh": "当天没有要报考勤的班", "en": "No class has to report that day"}

_CLASSES = text("""
SELECT school_code, min(division_code) AS division_code, coalesce(stage, '') AS stage, coalesce(grade, '') AS grade,
       coalesce(class_name, '') AS class_name
FROM children WHERE valid_from <= :day AND valid_to > :day AND status = 'enrolled' AND school_code IS NOT NULL
GROUP BY school_code, 3, 4, 5
""")
_REPORTED = text("""
SELECT school_code, coalesce(stage, '') AS stage, coalesce(grade, '') AS grade, coalesce(class_name, '') AS class_name
FROM class_days WHERE day = :day
""")
_RAISED = text("""
SELECT a.school_code, coalesce(c.stage, split_part(a.subject, '/', 1), '') AS stage,
       coalesce(c.grade, split_part(a.subject, '/', 2), '') AS grade,
       coalesce(c.class_name, split_part(a.subject, '/', 3), '') AS class_name, count(*)
FROM alerts a LEFT JOIN children c ON c.entity = a.student_id AND c.valid_from <= :day AND c.valid_to > :day
WHERE a.raised_on = :day AND a.valid_from <= :day AND a.valid_to > :day AND a.state IN ('open', 'seen', 'dropped_out')
GROUP BY 1, 2, 3, 4
""")
_SCHOOLS = text("""
SELECT code, name FROM schools WHERE code = ANY(:codes) AND valid_from <= :day AND valid_to > :day
""")


class ClassName(NamedTuple):
    """A class of a school; what is not known of its name is empty."""

    school: str
    stage: str
    grade: str
    name: str

    def worded(self, language: Language) -> str:
        """三年级2班; digits alone are told as what they are."""
        if language == "en":
            grade = f"grade {self.grade}" if self.grade.isdigit() else self.grade
            name = f"class {self.name}" if self.name.isdigit() else self.name
            return " ".join(each for each in (grade, name) if each) or "no class"
        grade = f"{self.grade}年级" if self.grade.isdigit() else self.grade
        name = f"{self.name}班" if self.name.isdigit() else self.name
        return grade + name or "未分班"


@dataclass
class Told:
    """What the text says, still in numbers. ``classes``: that have school that day; ``raised``: new alerts by class,
    under no school those of children without one."""

    day: date
    classes: set[ClassName] = field(default_factory=set)
    reported: set[ClassName] = field(default_factory=set)
    raised: Counter[ClassName] = field(default_factory=Counter)
    schools: Mapping[str, str] = field(default_factory=dict)

    @property
    def missing(self) -> list[ClassName]:
        return sorted(self.classes - self.reported)

    def named(self, code: str) -> str:
        """A school's name, else its code."""
        return self.schools.get(code) or code


def told(desk: Desk, scope: Scope, day: date) -> Told:
    """What this viewer may know of the day. A class without school that day counts neither way; where
    no calendar reaches, every day is a school day."""
    found = Told(day)
    with desk.database.reading(scope, VIEW) as connection:
        calendars = calendars_on(connection, day)
        has_school: dict[tuple[str, str], bool] = {}
        for school, division, *rest in connection.execute(_CLASSES, {"day": day}):
            at = (division or desk.division, school)
            if at not in has_school:
                calendar = calendars.of(*at)
                has_school[at] = calendar.is_school_day(day) or not calendar.knows(day)
            if has_school[at]:
                found.classes.add(ClassName(school, *rest))
        for school, *rest, count in connection.execute(_RAISED, {"day": day}):
            found.raised[ClassName(school or "", *rest)] += count
        found.schools = _names(connection, {each.school for each in (*found.classes, *found.raised)}, day)
    with desk.database.reading(scope, WATCHING) as connection:
        found.reported = {ClassName(*row) for row in connection.execute(_REPORTED, {"day": day})} & found.classes
    return found


def worded(found: Told, now: datetime, link: str, language: Language, school: str | None) -> str:
    """The text: for one school by class, else by school. ``now``: when it was true."""
    zh = language != "en"
    moment = now.astimezone(SHANGHAI)
    head = f"{found.named(school) if school else ('学校考勤' if zh else 'Attendance')} {found.day.isoformat()}"
    as_of = f"(截至 {moment:%m-%d %H:%M})" if zh else f" (as of {moment:%m-%d %H:%M})"
    lines = [head + as_of, *(_by_class(found, language) if school else _by_school(found, language))]
    lines += _alerts(found, language, by_school=school is None)
    lines += ["登录后查看(24 小时内有效,每人一次):" if zh else "Sign in to look (24 hours, once each):", link]
    return "\n".join(lines)


def _by_class(found: Told, language: Language) -> list[str]:
    missing = found.missing
    if not found.classes:
        return [_NO_CLASS[language]]
    if language == "en":
        lines = [f"Classes: {len(found.reported)} reported, {len(missing)} not"]
        return lines + ([f"Not reported: {_cut((each.worded('en') for each in missing), 'en')}"] if missing else [])
    lines = [f"已报 {len(found.reported)} 个班,未报 {len(missing)} 个班"]
    return lines + ([f"未报:{_cut((each.worded('zh') for each in missing), 'zh')}"] if missing else [])


def _by_school(found: Told, language: Language) -> list[str]:
    waiting = Counter(each.school for each in found.missing)
    done = len({each.school for each in found.classes}) - len(waiting)
    if not found.classes:
        return [_NO_CLASS[language]]
    order = sorted(waiting, key=lambda code: (-waiting[code], code))
    if language == "en":
        lines = [f"Schools: {done} complete, {len(waiting)} not ({waiting.total()} classes)"]
        named = (f"{found.named(code)} {waiting[code]}" for code in order)
        return lines + ([f"Not complete: {_cut(named, 'en')}"] if waiting else [])
    lines = [f"已报齐 {done} 所学校,未报齐 {len(waiting)} 所(共 {waiting.total()} 个班)"]
    named = (f"{found.named(code)} {waiting[code]} 个班" for code in order)
    return lines + ([f"未报齐:{_cut(named, 'zh')}"] if waiting else [])


def _alerts(found: Told, language: Language, *, by_school: bool) -> list[str]:
    zh = language != "en"
    if not found.raised:
        return ["当天无新增预警" if zh else "No new alerts"]
    counts: dict[str, int] = defaultdict(int)
    for each, count in found.raised.items():
        nowhere = "无学校" if zh else "no school"
        name = (found.named(each.school) if each.school else nowhere) if by_school else each.worded(language)
        counts[name] += count
    order = sorted(counts, key=lambda name: (-counts[name], name))
    parts = _cut((f"{name} {counts[name]}" for name in order), language)
    total = found.raised.total()
    return [f"新增预警 {total} 条:{parts}" if zh else f"New alerts {total}: {parts}"]


def _cut(names: Iterable[str], language: Language) -> str:
    every: Sequence[str] = list(names)
    shown = ("、" if language != "en" else ", ").join(every[:NAMED_MOST])
    if len(every) <= NAMED_MOST:
        return shown
    return f"{shown} 等 {len(every)} 个" if language != "en" else f"{shown} and {len(every) - NAMED_MOST} more"


def _names(connection: Connection, codes: Iterable[str], day: date) -> dict[str, str]:
    rows = connection.execute(_SCHOOLS, {"codes": sorted(each for each in codes if each), "day": day})
    return {code: name for code, name in rows if name}

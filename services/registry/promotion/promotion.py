"""Promotion of a year (升级): what one day means for each student of a scope, and how it is put back. Pure rules.

A student moves by what was true on the day before: who came on the day itself, or was given another grade from that day
on, stands where she was put. What was told about later days is kept, and only its grade moves along.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from itertools import pairwise
from typing import Literal, NamedTuple
from uuid import UUID

from services.registry.domain import Happened
from services.registry.events import StudentEnrolled, StudentLeft, StudentPlaced, StudentTransferredOut
from services.registry.jobs.on_a_day import ENDINGS, Dated, Place, in_order, place_of, place_on, placed

GRADUATES, HANDED_OVER = "graduates", "handed_over"
Outcome = Literal["promoted", "graduated", "handed_over", "held_back", "skipped"]
MOVED: tuple[Outcome, ...] = ("promoted", "graduated", "handed_over")
OUTCOMES: tuple[Outcome, ...] = (*MOVED, "held_back", "skipped")
SKIPPED: dict[str, tuple[str, str]] = {
    "not_enrolled": ("该日已离校", "had left by that day"),
    "enrolled_later": ("该日之后才入学", "came after that day"),
    "came_that_day": ("该日当天入学或转入", "came on that very day"),
    "placed_that_day": ("该日已另行编入年级", "was given another grade from that day on"),
    "already_promoted": ("本学年已升级", "was promoted in this school year already"),
    "not_on_ladder": ("年级不在升级表中", "the grade is not on the ladder"),
    "changed_since": ("该日之后另有学籍变动", "something else happened after that day"),
}

_SIX = tuple("一二三四五六")
_GRADES: dict[str, tuple[tuple[str, ...], ...]] = {  # per stage, each way grades are written, lowest first
    "preschool": (("小班", "中班", "大班"),),
    "primary": (tuple(f"{n}年级" for n in _SIX), tuple("123456")),
    "junior": (("七年级", "八年级", "九年级"), ("初一", "初二", "初三"), tuple("789")),
    "senior": (("高一", "高二", "高三"), ("10", "11", "12")),
    "vocational": (("中职一年级", "中职二年级", "中职三年级"), ("一年级", "二年级", "三年级")),
}
# Compulsory schooling goes on after primary: nobody has such a child until a junior school accepts it.
_LAST = {"preschool": GRADUATES, "primary": HANDED_OVER}


def rung(stage: str, grade: str) -> str:
    """How a grade is named on a ladder."""
    return f"{stage}:{grade}"


def _default_ladder() -> dict[str, str]:
    steps: dict[str, str] = {}
    for stage, ways in _GRADES.items():
        for grades in ways:
            for grade, following in pairwise(grades):
                steps[rung(stage, grade)] = rung(stage, following)
            steps[rung(stage, grades[-1])] = _LAST.get(stage, GRADUATES)
    return steps


DEFAULT_LADDER: Mapping[str, str] = _default_ladder()


@dataclass(frozen=True)
class Promotion:
    """What is to be done, as its start says it. ``division_code`` is a prefix; it does not count where a school is
    named."""

    promotion_id: UUID
    day: date
    division_code: str
    school_code: str | None
    stage: str | None
    ladder: Mapping[str, str]
    repeaters: frozenset[UUID] = frozenset()

    def covers(self, place: Place) -> bool:
        """Whether a student who stands there belongs to the scope."""
        if self.stage not in (None, place.stage):
            return False
        if self.school_code is not None:
            return place.school_code == self.school_code  # whatever its division was called then
        return place.division_code.startswith(self.division_code)


class Looked(NamedTuple):
    """What became of one student, counted at ``school_code``; ``reason`` why she was skipped."""

    school_code: str
    outcome: Outcome
    reason: str | None = None
    happened: tuple[Happened, ...] = ()


def ladder_problem(ladder: Mapping[str, str], stages: Iterable[str]) -> str | None:
    """The first step that cannot be: of no known stage, to no grade, or in a circle. None when all can."""
    known = set(stages)
    for step, following in ladder.items():
        for each in (step, following):
            stage, _, grade = each.partition(":")
            if each not in (GRADUATES, HANDED_OVER) and (stage not in known or not grade):
                return step
        at, seen = step, {step}
        while (at := ladder.get(at, "")) != "":
            if at in seen:
                return step
            seen.add(at)
    return None


def school_year(day: date) -> int:
    """The year in which the school year of a day began; it begins in August."""
    return day.year if day.month >= 8 else day.year - 1


def term(day: date) -> tuple[int, bool]:
    """The term of a day: its school year, and whether it is the first half (August to January)."""
    return school_year(day), day.month >= 8 or day.month == 1


def promote(promotion: Promotion, student_id: UUID, history: Sequence[Dated]) -> Looked | None:
    """What the promotion means for one student; None when she does not belong to its scope."""
    ordered, day = in_order(history), promotion.day
    now = place_on(ordered, day)
    if now is None:
        first = place_on(ordered, date.max)
        outside = first is None or not promotion.covers(first)
        return None if first is None or outside else Looked(first.school_code, "skipped", "enrolled_later")
    if not promotion.covers(now):
        return None
    if reason := _why_not(promotion, ordered, now):
        return Looked(now.school_code, "skipped", reason)
    if student_id in promotion.repeaters:
        return Looked(now.school_code, "held_back")
    following = promotion.ladder.get(rung(now.stage or "", now.grade or ""))
    if following is None:
        return Looked(now.school_code, "skipped", "not_on_ladder")
    later = [each for each in ordered if each.on > day]
    if following in (GRADUATES, HANDED_OVER):
        return _leaving(promotion, now, later, following)
    return _moving(promotion, now, later, following)


def _why_not(promotion: Promotion, ordered: Sequence[Dated], now: Place) -> str | None:
    """Why a student of the scope is not looked at any further."""
    if _promoted_before(promotion, ordered):
        return "already_promoted"
    if not now.enrolled:
        return "not_enrolled"
    before = place_on(ordered, promotion.day - timedelta(days=1))
    if before is None or not before.enrolled or _came_from(before, promotion.day, ordered, now):
        return "came_that_day"
    if (before.stage, before.grade) != (now.stage, now.grade):
        return "placed_that_day"
    return None


def _came_from(before: Place, day: date, ordered: Iterable[Dated], now: Place) -> bool:
    """Whether she came from another school on the day. Whose school was merged on it (撤点并校) came from nowhere."""
    enrolled = any(isinstance(fact, StudentEnrolled) and on == day for fact, on in ordered)
    return enrolled and before.school_code != now.school_code


def _promoted_before(promotion: Promotion, ordered: Iterable[Dated]) -> bool:
    done: set[UUID] = set()
    for fact, on in ordered:
        if isinstance(fact, StudentPlaced | StudentLeft | StudentTransferredOut) and fact.promotion_id is not None:
            if school_year(on) == school_year(promotion.day):
                done.add(fact.promotion_id)
        elif isinstance(fact, StudentEnrolled | StudentPlaced) and fact.undone_promotion_id is not None:
            done.discard(fact.undone_promotion_id)
    return bool(done)


def _leaving(promotion: Promotion, now: Place, later: Sequence[Dated], how: str) -> Looked:
    if later:
        return Looked(now.school_code, "skipped", "changed_since")
    school, division, cause = now.school_code, now.division_code, promotion.promotion_id
    if how == GRADUATES:
        left = StudentLeft(school_code=school, division_code=division, reason="graduated", promotion_id=cause)
        return Looked(school, "graduated", None, (Happened(left, promotion.day),))
    out = StudentTransferredOut(
        school_code=school, division_code=division, destination_kind="unknown", promotion_id=cause
    )
    return Looked(school, "handed_over", None, (Happened(out, promotion.day),))


def _moving(promotion: Promotion, now: Place, later: Sequence[Dated], following: str) -> Looked:
    stage, _, grade = following.partition(":")
    happened = [Happened(_at_grade(now, stage, grade, promotion.promotion_id), promotion.day)]
    for fact, on in later:
        if isinstance(fact, StudentPlaced) and (fact.stage, fact.grade) == (now.stage, now.grade):
            happened.append(Happened(_at_grade(place_of(fact), stage, grade, promotion.promotion_id), on))
        elif not isinstance(fact, ENDINGS):
            return Looked(now.school_code, "skipped", "changed_since")
    return Looked(now.school_code, "promoted", None, tuple(happened))


def _at_grade(place: Place, stage: str, grade: str, promotion_id: UUID) -> StudentPlaced:
    return placed(replace(place, stage=stage, grade=grade), promotion_id=promotion_id)

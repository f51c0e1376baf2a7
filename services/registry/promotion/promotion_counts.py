"""What a promotion would do and how far it has come, in numbers: for the preview, the progress and the page."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any
from uuid import UUID

import msgspec
from pydantic import BaseModel
from sqlalchemy import Connection, func, select

from services.registry.promotion.promotion import SKIPPED, rung
from services.registry.promotion.promotion_jobs import Job, Tally, outcomes
from services.registry.tables import STUDENTS
from shared.web.languages import Language

_S = STUDENTS.c


class LadderRow(BaseModel):
    """Students enrolled in a grade on a day, and where the ladder takes them; ``following`` None: not on it."""

    stage: str | None
    grade: str | None
    students: int
    following: str | None


class Preview(BaseModel):
    day: date
    students: int
    rows: list[LadderRow]


class SkippedRow(BaseModel):
    reason: str
    text: str
    students: int


class SchoolProgress(BaseModel):
    """``expected``: as the register's view showed at the start; ``done``: looked at so far."""

    school_code: str
    expected: int
    done: int


class PromotionRow(BaseModel):
    """One promotion; ``done`` = promoted + graduated + handed_over + held_back + every ``skipped``. While it is undone
    ``restored`` and ``changed_since`` grow."""

    promotion_id: UUID
    state: str
    day: date
    division_code: str
    school_code: str | None
    stage: str | None
    started_by: str
    started_at: datetime
    finished_at: datetime | None
    expected: int
    done: int
    promoted: int
    graduated: int
    handed_over: int
    held_back: int
    skipped: list[SkippedRow]
    restored: int
    changed_since: int


class PromotionDetails(PromotionRow):
    schools: list[SchoolProgress]


def expected(connection: Connection, day: date, school_code: str | None, stage: str | None) -> dict[str, int]:
    """School → students enrolled on that day, of the viewer's scope."""
    statement = select(_S.school_code, func.count()).group_by(_S.school_code)
    return {school or "": count for school, count in connection.execute(_enrolled(statement, day, school_code, stage))}


def preview(
    connection: Connection, day: date, school_code: str | None, stage: str | None, ladder: Mapping[str, str]
) -> Preview:
    """How many students stand in each grade, and what the ladder makes of it."""
    statement = select(_S.stage, _S.grade, func.count()).group_by(_S.stage, _S.grade).order_by(_S.stage, _S.grade)
    rows = [
        LadderRow(stage=at, grade=grade, students=count, following=ladder.get(rung(at or "", grade or "")))
        for at, grade, count in connection.execute(_enrolled(statement, day, school_code, stage))
    ]
    return Preview(day=day, students=sum(row.students for row in rows), rows=rows)


def shown(job: Job, language: Language) -> PromotionRow:
    """One promotion as it stands."""
    return PromotionRow(**_row(job, language))


def details(job: Job, language: Language) -> PromotionDetails:
    """With the progress of each school."""
    known, tally = msgspec.json.decode(job.expected, type=dict[str, int]), Tally.of(job.tally)
    schools = [
        SchoolProgress(
            school_code=school,
            expected=known.get(school, 0),
            done=sum(tally.schools.get(school, {}).values()),
        )
        for school in sorted(known.keys() | tally.schools.keys())
    ]
    return PromotionDetails(**_row(job, language), schools=schools)


def _row(job: Job, language: Language) -> dict[str, Any]:
    total, undone = Tally.of(job.tally).total(), Tally.of(job.undo_tally).total()
    counts, skipped = outcomes(total)
    plain = ("promotion_id", "state", "day", "division_code", "school_code", "stage", "started_by")
    return {name: getattr(job, name) for name in (*plain, "started_at", "finished_at")} | {
        **counts,
        "expected": sum(msgspec.json.decode(job.expected, type=dict[str, int]).values()),
        "done": total.total(),
        "skipped": [
            SkippedRow(reason=reason, text=SKIPPED[reason][0 if language == "zh" else 1], students=count)
            for reason, count in skipped.items()
        ],
        "restored": undone["restored"],
        "changed_since": undone["changed_since"],
    }


def _enrolled(statement: Any, day: date, school_code: str | None, stage: str | None) -> Any:
    narrowed = statement.where(STUDENTS.holds_on(day), _S.state == "enrolled")
    if school_code is not None:
        narrowed = narrowed.where(_S.school_code == school_code)
    if stage is not None:
        narrowed = narrowed.where(_S.stage == stage)
    return narrowed

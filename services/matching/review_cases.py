"""One row under review as a person looks at it: beside each candidate, in its household, in the queue. SELECTs within
the viewer's rows; masked unless the caller has recorded a read."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date
from typing import Any
from uuid import UUID

from pydantic import BaseModel
from sqlalchemy import ARRAY, Connection, Row, Text, Uuid, and_, any_, column, func, literal, select, table, tuple_

from services.matching.comparing import ComparedField, DecodedNumber, Side, compared, decoded, shown_text
from services.matching.explaining import explanation
from services.matching.index_rows import listed_rows, named_students
from services.matching.outcome import State
from services.matching.review_history import HistoryRow
from services.matching.scoring import Scorer
from services.matching.tables import DECISIONS, ENTRIES, SCHOOLS, STUDENTS
from shared.database.database import driver
from shared.kernel.masking import mask_name
from shared.web.languages import Language

HOUSEHOLD_ROWS = 30
_D, _E, _S, _N = DECISIONS.c, ENTRIES.c, STUDENTS.c, SCHOOLS.c


class Part(BaseModel):
    """One comparison's share of the weight, in log2 units."""

    comparison: str
    level: str
    weight: float


class Waterfall(BaseModel):
    """How the model weighs the pair: the parts sum to ``total``. Empty where the viewer may not see the row."""

    total: float = 0.0
    parts: tuple[Part, ...] = ()


class WeighedBy(BaseModel):
    """The model whose weights are shown: the one that the decision names. ``in_force``: it decides today."""

    hash: str
    name: str
    version: str
    in_force: bool


class HouseholdMember(BaseModel):
    """Somebody of the same household on the lists, or a student of the same guardian; the name is masked."""

    name: str
    birth_year: int | None
    list: str | None = None
    entry_id: UUID | None = None
    state: State | None = None
    student_id: UUID | None = None
    school_name: str | None = None


class CandidateCase(BaseModel):
    """A student beside the row. ``number``: her place on the page, from 1; ``ruled``: what a person ruled of her."""

    number: int
    student_id: UUID
    enrolled: bool
    name: str
    school_name: str | None
    fields: tuple[ComparedField, ...]
    decoded: DecodedNumber | None
    household: tuple[HouseholdMember, ...]
    waterfall: Waterfall
    ruled: str | None = None


class ReviewCase(BaseModel):
    """A list row with everything a person needs to decide it. ``version`` is that of its rulings (If-Match of what
    changes them); ``evidence`` the digest of all that is shown, to be sent with a ruling; ``may_rule`` is false for who
    asked for a second opinion. ``previous`` and ``next`` are rows of the queue, ``waiting`` counts it. ``weighed_by``
    is the model of the waterfalls."""

    entry_id: UUID
    list: str
    agency: str
    row: int | None
    submission_id: UUID | None
    state: State
    rule: str
    score: float
    reason: str
    explanation: str
    since: date
    fields: dict[str, Side]
    decoded: DecodedNumber | None
    household: tuple[HouseholdMember, ...]
    candidates: tuple[CandidateCase, ...]
    revealed: tuple[str, ...]
    ruled_by: tuple[str, ...] = ()
    asked_by: tuple[str, ...] = ()
    why_not: str | None = None
    may_rule: bool = False
    version: int = 0
    evidence: str = ""
    previous: UUID | None = None
    next: UUID | None = None
    waiting: int = 0
    history: tuple[HistoryRow, ...] = ()
    weighed_by: WeighedBy | None = None


def review_case(
    connection: Connection, day: date, entry_id: UUID, language: Language, revealed: Collection[str] = ()
) -> ReviewCase | None:
    """The case on a day, without rulings, queue and history; None without a decision, or outside the scope."""
    tables = DECISIONS.table.outerjoin(ENTRIES.table, and_(_E.entity == _D.entity, ENTRIES.holds_on(day)))
    entry_columns = [column for column in _E if column.name not in _D]
    statement = select(*_D, *entry_columns).select_from(tables)
    row = connection.execute(
        statement.where(DECISIONS.holds_on(day), _D.entity == entry_id, _D.state.is_not(None))
    ).one_or_none()
    if row is None:
        return None
    schools = _school_names(connection, day)
    ours = _row_fields(row, schools)
    students = [*row.candidates] if row.candidates else [row.student_id] if row.student_id else []
    return ReviewCase(
        entry_id=entry_id,
        list=row.list,
        agency=row.agency,
        row=row.row,
        submission_id=row.submission_id,
        state=row.state,
        rule=row.rule,
        score=row.score,
        reason=row.reason,
        explanation=explanation(row.reason, language, len(students)),
        since=row.valid_from,
        fields={name: Side(text=shown_text(name, value, revealed)) for name, value in ours.items() if value},
        decoded=decoded(ours["id_number"], language, plain="id_number" in revealed),
        household=_household(connection, day, row),
        candidates=_candidates(connection, day, ours, students, schools, language, revealed),
        revealed=tuple(revealed),
    )


def _row_fields(row: Row[Any], schools: Mapping[str, str]) -> dict[str, Any]:
    return {
        "name": row.name,
        "former_name": row.former_name,
        "id_number": row.id_number or row.id_text,
        "birth_date": row.birth_date or row.suggested_birth_date,
        "sex": row.sex,
        "guardian_name": row.guardian_name,
        "guardian_id": row.guardian_number,
        "head_name": row.head_name,
        "school": schools.get(row.listed_school_code or "", row.listed_school_code),
        "grade": row.grade,
    }


def _student_fields(row: Row[Any], schools: Mapping[str, str]) -> dict[str, Any]:
    return {
        "name": row.name,
        "former_name": row.former_name,
        "id_number": row.id_number,
        "student_number": row.student_number,
        "birth_date": row.birth_date,
        "sex": row.sex,
        "guardian_name": row.guardian_name,
        "guardian_id": row.guardian_number,
        "school": schools.get(row.school_code or "", row.school_code),
        "grade": row.grade,
        "class_name": row.class_name,
    }


def _candidates(
    connection: Connection,
    day: date,
    ours: Mapping[str, Any],
    students: Sequence[UUID],
    schools: Mapping[str, str],
    language: Language,
    revealed: Collection[str],
) -> tuple[CandidateCase, ...]:
    """Best first; students outside the scope are left out."""
    found = connection.execute(select(*_S).where(STUDENTS.holds_on(day), _S.entity.in_(students))).all()
    rows = {row.entity: row for row in found}
    siblings = _siblings(connection, day, found, schools)
    cases = []
    for number, row in enumerate((rows[student] for student in students if student in rows), 1):
        theirs = _student_fields(row, schools)
        cases.append(
            CandidateCase(
                number=number,
                student_id=row.entity,
                enrolled=bool(row.enrolled),
                name=shown_text("name", row.name, revealed),
                school_name=theirs["school"],
                fields=tuple(compared(ours, theirs, revealed)),
                decoded=decoded(theirs["id_number"], language, plain="id_number" in revealed),
                household=siblings.get(row.entity, ()),
                waterfall=Waterfall(),
            )
        )
    return tuple(cases)


def _school_names(connection: Connection, day: date) -> dict[str, str]:
    found = connection.execute(select(_N.code, _N.name).where(SCHOOLS.holds_on(day)))
    return {row.code: row.name for row in found}


def _household(connection: Connection, day: date, row: Row[Any]) -> tuple[HouseholdMember, ...]:
    """Other rows of the row's household."""
    if row.household_key is None:
        return ()
    tables = ENTRIES.table.outerjoin(DECISIONS.table, and_(_D.entity == _E.entity, DECISIONS.holds_on(day)))
    statement = (
        select(_E.entity, _E.name, _E.birth_date, _E.list, _D.state, _D.student_id)
        .select_from(tables)
        .where(ENTRIES.holds_on(day), _E.standing, _E.household_key == row.household_key, _E.entity != row.entity)
        .order_by(_E.birth_date.nulls_first(), _E.entity)
        .limit(HOUSEHOLD_ROWS)
    )
    return tuple(
        HouseholdMember(
            name=mask_name(member.name),
            birth_year=member.birth_date.year if member.birth_date else None,
            list=member.list,
            entry_id=member.entity,
            state=member.state,
            student_id=member.student_id,
        )
        for member in connection.execute(statement)
    )


def _siblings(
    connection: Connection, day: date, found: Iterable[Row[Any]], schools: Mapping[str, str]
) -> dict[UUID, tuple[HouseholdMember, ...]]:
    """Students of the same guardian, by number."""
    students = list(found)
    guardians = {row.guardian_number for row in students if row.guardian_number}
    if not guardians:
        return {}
    statement = (
        select(_S.entity, _S.name, _S.birth_date, _S.school_code, _S.guardian_number)
        .where(STUDENTS.holds_on(day), _S.enrolled, _S.guardian_number.in_(guardians))
        .order_by(_S.birth_date, _S.entity)
        .limit(HOUSEHOLD_ROWS)
    )
    near = connection.execute(statement).all()
    return {
        row.entity: tuple(
            HouseholdMember(
                name=mask_name(other.name),
                birth_year=other.birth_date.year if other.birth_date else None,
                student_id=other.entity,
                school_name=schools.get(other.school_code or "", other.school_code),
            )
            for other in near
            if other.guardian_number == row.guardian_number and other.entity != row.entity
        )
        for row in students
        if row.guardian_number
    }


def weigh(connection: Connection, case: ReviewCase, scorer: Scorer) -> None:
    """Put the waterfall beside each candidate."""
    raw = driver(connection)
    listed = listed_rows(raw, [case.entry_id])
    if not listed or listed[0].record is None:
        return
    _, students = named_students(raw, [candidate.student_id for candidate in case.candidates])
    scored = {student.student_id: scorer.score(listed[0].record, student) for student in students}
    for candidate in case.candidates:
        if (found := scored.get(candidate.student_id)) is not None:
            parts = (Part(comparison=each.comparison, level=each.level, weight=each.weight) for each in found.parts)
            candidate.waterfall = Waterfall(total=found.weight, parts=tuple(parts))


_R = table("ruled_rows", column("entry_id", Uuid), column("asked_by", ARRAY(Text)), schema="public").c


def neighbours(
    connection: Connection, day: date, case: ReviewCase, me: str, list_name: str | None = None
) -> tuple[UUID | None, UUID | None, int]:
    """The rows before and after this one in the queue, and how many wait; without those that wait for somebody else's
    opinion because ``me`` asked for it."""
    asked = select(_R.entry_id).where(literal(me) == any_(_R.asked_by))
    queue = [DECISIONS.holds_on(day), _D.state == State.REVIEW.value]
    if list_name is not None:
        queue.append(_D.list == list_name)
    here = tuple_(case.list, case.entry_id)
    place = tuple_(_D.list, _D.entity)
    others = select(_D.entity).where(*queue, _D.entity.not_in(asked), _D.entity != case.entry_id).limit(1)
    before = connection.execute(others.where(place < here).order_by(_D.list.desc(), _D.entity.desc())).scalar()
    after = connection.execute(others.where(place > here).order_by(_D.list, _D.entity)).scalar()
    waiting = connection.execute(select(func.count()).select_from(DECISIONS.table).where(*queue)).scalar_one()
    return before, after, int(waiting)

"""What people see of list rows: the review queue, rows matched to nobody, and the counts. Plain SELECTs."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any, Literal
from uuid import UUID

from pydantic import BaseModel
from sqlalchemy import Connection, Row, Select, String, and_, cast, func, select

from services.matching.explaining import explanation
from services.matching.outcome import State
from services.matching.roster import category_counts
from services.matching.ruled_rows import ruled_rows
from services.matching.tables import DECISIONS, ENTRIES, SCHOOLS, STUDENTS
from shared.database.database import driver
from shared.kernel.masking import mask_name
from shared.web.languages import Language
from shared.web.pages import PageTurn

UNMATCHED = (State.NOT_IN_REGISTER, State.REGISTERED_ELSEWHERE, State.OUT_OF_AGE, State.REJECTED)
_D, _E, _S, _N = DECISIONS.c, ENTRIES.c, STUDENTS.c, SCHOOLS.c


class Candidate(BaseModel):
    """A student whom the row may be about; the name is masked."""

    student_id: UUID
    name: str
    school_code: str | None
    school_name: str | None
    grade: str | None
    class_name: str | None


Opinion = Literal["mine", "wanted"]


class ReviewRow(BaseModel):
    """A list row that a person must decide; candidates best first. ``second_opinion``: "wanted" when somebody asked for
    one, "mine" when the viewer did and so cannot give it."""

    entry_id: UUID
    list: str
    agency: str
    row: int | None
    name: str
    rule: str
    score: float
    reason: str
    explanation: str
    since: date
    candidates: tuple[Candidate, ...]
    second_opinion: Opinion | None = None


class UnmatchedRow(BaseModel):
    """A list row about nobody of the register. ``school_age``: of compulsory age, so nobody may have this child."""

    entry_id: UUID
    list: str
    agency: str
    row: int | None
    name: str
    state: State
    school_age: bool
    reason: str
    explanation: str
    since: date


class Summary(BaseModel):
    """``categories``: students per category. ``states``: list rows per state, also per list; they sum to all rows.
    ``unenrolled_listed``: listed children of compulsory age in no register, each person once."""

    true_on: date
    students: int
    categories: dict[str, int]
    states: dict[str, int]
    by_list: dict[str, dict[str, int]]
    unenrolled_listed: int


def decided_rows(day: date) -> Select[Any]:
    """The decisions that stand on a day, each with the name and the line of its row."""
    tables = DECISIONS.table.outerjoin(ENTRIES.table, and_(_E.entity == _D.entity, ENTRIES.holds_on(day)))
    return select(*_D, _E.name, _E.row).select_from(tables).where(DECISIONS.holds_on(day))


def reviews(
    connection: Connection,
    true_on: date,
    turn: PageTurn,
    *,
    list_name: str | None = None,
    school: str | None = None,
    language: Language = "zh",
    me: str = "",
) -> list[ReviewRow]:
    """At most ``turn.fetch`` rows by list and id."""
    statement = decided_rows(true_on).where(_D.state == State.REVIEW.value)
    if list_name is not None:
        statement = statement.where(_D.list == list_name)
    if school is not None:
        statement = statement.where(_D.school_code == school)
    if turn.after is not None:
        statement = statement.where(turn.beyond(_D.list, _D.entity))
    found = connection.execute(statement.order_by(_D.list, _D.entity).limit(turn.fetch)).all()
    known = _candidates(connection, true_on, {student for row in found for student in row.candidates})
    asked = {entry: said.asked_by for entry, said in ruled_rows(driver(connection), [r.entity for r in found]).items()}
    rows = []
    for row in found:
        review = _review(row, known, language)
        if asked.get(row.entity):
            review.second_opinion = "mine" if me in asked[row.entity] else "wanted"
        rows.append(review)
    return rows


def unmatched(
    connection: Connection,
    true_on: date,
    turn: PageTurn,
    *,
    states: Sequence[State] = UNMATCHED,
    list_name: str | None = None,
    school_age: bool | None = None,
    language: Language = "zh",
) -> list[UnmatchedRow]:
    """At most ``turn.fetch`` rows by list and id."""
    statement = decided_rows(true_on).where(_D.state.in_([state.value for state in states]))
    if list_name is not None:
        statement = statement.where(_D.list == list_name)
    if school_age is not None:
        statement = statement.where(_D.school_age == school_age)
    if turn.after is not None:
        statement = statement.where(turn.beyond(_D.list, _D.entity))
    found = connection.execute(statement.order_by(_D.list, _D.entity).limit(turn.fetch)).all()
    return [
        UnmatchedRow(
            entry_id=row.entity,
            list=row.list,
            agency=row.agency,
            row=row.row,
            name=mask_name(row.name),
            state=row.state,
            school_age=bool(row.school_age),
            reason=row.reason,
            explanation=explanation(row.reason, language),
            since=row.valid_from,
        )
        for row in found
    ]


def standing_decision(connection: Connection, day: date, entry_id: UUID) -> Row[Any] | None:
    """The decision about a row on a day, with what the viewer may see of the row; None without one, or outside the
    scope."""
    statement = decided_rows(day).where(_D.entity == entry_id, _D.state.is_not(None))
    return connection.execute(statement).one_or_none()


def summary(connection: Connection, true_on: date) -> Summary:
    """The counts the viewer may know."""
    counted = connection.execute(
        select(_D.list, _D.state, func.count())
        .where(DECISIONS.holds_on(true_on), _D.state.is_not(None))
        .group_by(_D.list, _D.state)
    ).all()
    by_list: dict[str, dict[str, int]] = {}
    states = {state.value: 0 for state in State}
    for list_name, state, count in counted:
        by_list.setdefault(list_name, {})[state] = count
        states[state] += count
    categories = category_counts(connection, true_on)
    return Summary(
        true_on=true_on,
        students=sum(categories.values()),
        categories=categories,
        states=states,
        by_list=by_list,
        unenrolled_listed=_unenrolled(connection, true_on),
    )


def _unenrolled(connection: Connection, day: date) -> int:
    """A child on two lists counts once where her number says that it is she."""
    person = func.coalesce(_E.id_number, cast(_D.entity, String))
    tables = DECISIONS.table.outerjoin(ENTRIES.table, and_(_E.entity == _D.entity, ENTRIES.holds_on(day)))
    statement = (
        select(func.count(func.distinct(person)))
        .select_from(tables)
        .where(DECISIONS.holds_on(day), _D.state == State.NOT_IN_REGISTER.value, _D.school_age)
    )
    return int(connection.execute(statement).scalar_one())


def _candidates(connection: Connection, day: date, students: set[UUID]) -> dict[UUID, Candidate]:
    if not students:
        return {}
    names = select(_N.code, _N.name).where(SCHOOLS.holds_on(day)).subquery("school_names")
    tables = STUDENTS.table.outerjoin(names, names.c.code == _S.school_code)
    columns = (_S.entity, _S.name, _S.school_code, _S.grade, _S.class_name, names.c.name.label("school_name"))
    found = connection.execute(
        select(*columns).select_from(tables).where(STUDENTS.holds_on(day), _S.entity.in_(students))
    )
    return {
        row.entity: Candidate(
            student_id=row.entity,
            name=mask_name(row.name),
            school_code=row.school_code,
            school_name=row.school_name,
            grade=row.grade,
            class_name=row.class_name,
        )
        for row in found
    }


def _review(row: Row[Any], known: dict[UUID, Candidate], language: Language) -> ReviewRow:
    return ReviewRow(
        entry_id=row.entity,
        list=row.list,
        agency=row.agency,
        row=row.row,
        name=mask_name(row.name),
        rule=row.rule,
        score=row.score,
        reason=row.reason,
        explanation=explanation(row.reason, language, len(row.candidates)),
        since=row.valid_from,
        candidates=tuple(known[student] for student in row.candidates if student in known),
    )

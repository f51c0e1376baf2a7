"""The roster: students registered on a day with evidence in force that day, each with the category it reports.

Which class a row supports is told by the rules in force, turned into one SQL expression, so that filters, counts and
pages all decide alike; the same rules in Python (categories.py) are the oracle of the tests.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel
from sqlalchemy import (
    ColumnElement,
    Connection,
    Date,
    Integer,
    Row,
    Select,
    Subquery,
    and_,
    case,
    cast,
    func,
    literal,
    null,
    or_,
    select,
)

from services.matching.categories import CategoryRules, Evidence
from services.matching.list_dates import ListsKnown, lists_known
from services.matching.tables import COVERS, DECISIONS, RULES, SCHOOLS, STUDENTS
from shared.database.scopes import own_rows
from shared.kernel.clock import SHANGHAI
from shared.kernel.masking import mask_name
from shared.web.pages import PageTurn

_D, _C, _S, _R, _N = DECISIONS.c, COVERS.c, STUDENTS.c, RULES.c, SCHOOLS.c
SUPPORT_FIELDS = ("list", "household_type", "support_type", "area_type", "coverage")
_DISABILITY = ("disability_kind", "disability_grade")
EVIDENCE_FIELDS = (*SUPPORT_FIELDS, *_DISABILITY)
SHEET_PAGE_ROWS = 500
_OUTSIDE = 1_000  # rank of evidence that supports none of the classes


class EvidenceRow(BaseModel):
    """One list row in force, linked to the student or covering her household (rule R7). ``valid_from``/``valid_to`` are
    the paper's, half-open, null = open. ``list_dated``: as of which day the agency's newest list was when this was
    decided, ``list_age_days`` how old it was that day."""

    entry_id: UUID
    list: str
    kind: str
    valid_from: date | None
    valid_to: date | None
    rule: str
    decision_event_id: UUID
    agency: str
    decided_at: datetime
    list_dated: date
    list_age_days: int


class RosterRow(BaseModel):
    """One student with a category; the name is masked. ``since``: from when she is known by the deciding evidence."""

    student_id: UUID
    name: str
    school_code: str | None
    school_name: str | None
    stage: str | None
    grade: str | None
    class_name: str | None
    category: str
    kind: str
    since: date | None
    evidence: list[EvidenceRow]


def rules_on(connection: Connection, day: date) -> CategoryRules | None:
    """The category rules in force on ``day``; None before the first."""
    content = connection.execute(select(_R.content).where(RULES.holds_on(day))).scalar()
    return None if content is None else CategoryRules.of(json.loads(content))


def roster(
    connection: Connection,
    true_on: date,
    turn: PageTurn,
    *,
    school: str | None = None,
    category: str | None = None,
) -> list[RosterRow]:
    """At most ``turn.fetch`` students by school and id."""
    rules = rules_on(connection, true_on)
    if rules is None:
        return []
    statement = _students(rules, true_on, school, category).where(own_rows(connection, _S))
    if turn.after is not None:
        statement = statement.where(turn.beyond(_S.school_code, _S.entity))
    found = connection.execute(statement.order_by(_S.school_code, _S.entity).limit(turn.fetch)).all()
    return _with_evidence(connection, found, rules, true_on)


def roster_by_id(
    connection: Connection,
    true_on: date,
    ids: Sequence[UUID],
    *,
    school: str | None = None,
    category: str | None = None,
) -> dict[UUID, RosterRow]:
    """Those of these students who are on the roster, as the viewer may see it."""
    rules = rules_on(connection, true_on)
    if rules is None:
        return {}
    found = connection.execute(_students(rules, true_on, school, category).where(_S.entity.in_(ids))).all()
    return {row.student_id: row for row in _with_evidence(connection, found, rules, true_on)}


def roster_pages(
    connection: Connection, true_on: date, *, school: str | None = None, category: str | None = None
) -> Iterator[RosterRow]:
    """The whole list the viewer sees, read a page at a time."""
    after: tuple[str, UUID] | None = None
    while True:
        turn = PageTurn(after, SHEET_PAGE_ROWS - 1)  # reads one row more than it shows
        found = roster(connection, true_on, turn, school=school, category=category)
        yield from found
        if len(found) < SHEET_PAGE_ROWS:
            return
        after = (found[-1].school_code or "", found[-1].student_id)


def roster_ids(connection: Connection, true_on: date, count: int) -> set[UUID]:
    """The ids of the students the viewer sees on the roster, at most ``count``."""
    rules = rules_on(connection, true_on)
    if rules is None:
        return set()
    return {row.entity for row in connection.execute(_students(rules, true_on, None, None).limit(count))}


def every_student(connection: Connection, true_on: date) -> list[RosterRow]:
    """The whole roster, for a replay: its caller bounds the events behind it."""
    rules = rules_on(connection, true_on)
    if rules is None:
        return []
    found = connection.execute(_students(rules, true_on, None, None).order_by(_S.school_code, _S.entity)).all()
    return _with_evidence(connection, found, rules, true_on)


def category_counts(connection: Connection, true_on: date) -> dict[str, int]:
    """Students per category, every class of the rules named."""
    rules = rules_on(connection, true_on)
    if rules is None:
        return {}
    ranked = _students(rules, true_on, None, None).subquery()
    counted = connection.execute(select(ranked.c.rank, func.count()).group_by(ranked.c.rank))
    by_rank = {row[0]: int(row[1]) for row in counted}
    return {known.category: by_rank.get(rank, 0) for rank, known in enumerate(rules.classes)}


def _evidence_on(day: date) -> Subquery:
    """Everything that holds for a student on the day: rows linked to her, and rows that cover her household."""
    shown = ("student_id", "starts_on", "ends_on", "rule", "event_id", "agency", "decided_at")
    days = (_D.valid_from.label("first_day"), _D.valid_from.label("stated_on"))
    linked = select(_D.entity.label("entry_id"), *days, *(_D[name] for name in (*shown, *EVIDENCE_FIELDS))).where(
        DECISIONS.holds_on(day), _D.state == "linked", *_paper_holds(_D, day)
    )
    days = (_C.covered_from.label("first_day"), cast(null(), Date).label("stated_on"))
    none = (cast(null(), Integer).label(name) for name in _DISABILITY)
    covered = select(_C.entry_id, *days, *(_C[name] for name in (*shown, *SUPPORT_FIELDS)), *none).where(
        _C.stands, _C.covered_from <= day, _C.covered_to > day, *_paper_holds(_C, day)
    )
    return linked.union_all(covered).subquery("evidence")


def _paper_holds(columns: Any, day: date) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return (
        or_(columns.starts_on.is_(None), columns.starts_on <= day),
        or_(columns.ends_on.is_(None), columns.ends_on > day),
    )


def _rank(rules: CategoryRules, evidence: Subquery) -> ColumnElement[int]:
    """The place of the first class that a row of evidence supports."""
    if not rules.classes:
        return literal(_OUTSIDE)
    whens = []
    for rank, known in enumerate(rules.classes):
        conditions = []
        for field, accepted in known.accepts.items():
            column = evidence.c[field]
            accepts = column.in_(sorted(accepted))
            conditions.append(or_(column.is_(None), accepts) if field in known.missing_accepted else accepts)
        whens.append((and_(*conditions), rank))
    return case(*whens, else_=_OUTSIDE)


def _students(rules: CategoryRules, day: date, school: str | None, category: str | None) -> Select[Any]:
    """Registered students with evidence that supports a class, one row each."""
    held = _evidence_on(day)
    ranked = select(held.c.student_id, func.min(_rank(rules, held)).label("rank"))
    best = ranked.group_by(held.c.student_id).subquery("best")
    names = select(_N.code, _N.name).where(SCHOOLS.holds_on(day)).subquery("school_names")
    tables = STUDENTS.table.join(best, best.c.student_id == _S.entity).outerjoin(names, names.c.code == _S.school_code)
    columns = (_S.entity, _S.name, _S.school_code, _S.stage, _S.grade, _S.class_name)
    statement = (
        select(*columns, names.c.name.label("school_name"), best.c.rank)
        .select_from(tables)
        .where(STUDENTS.holds_on(day), _S.enrolled, best.c.rank < _OUTSIDE)
    )
    if school is not None:
        statement = statement.where(_S.school_code == school)
    if category is not None:
        ranks = [rank for rank, known in enumerate(rules.classes) if known.category == category]
        statement = statement.where(best.c.rank.in_(ranks))
    return statement


def _with_evidence(
    connection: Connection, found: Sequence[Row[Any]], rules: CategoryRules, day: date
) -> list[RosterRow]:
    evidence: defaultdict[UUID, list[Any]] = defaultdict(list)
    held = _evidence_on(day)
    statement = select(held, _rank(rules, held).label("rank")).order_by("rank", held.c.entry_id)
    if len(found) <= 1_000:  # a page; a whole roster is read in one go
        statement = statement.where(held.c.student_id.in_([row.entity for row in found]))
    for each in connection.execute(statement).all():
        evidence[each.student_id].append(each)
    known = lists_known(connection) if found else None
    return [_row(row, rules, evidence[row.entity], known) for row in found if known is not None]


def _row(row: Row[Any], rules: CategoryRules, evidence: Sequence[Row[Any]], known: ListsKnown) -> RosterRow:
    shown = [evidence_row(each._mapping, known) for each in evidence]
    deciding = [each.valid_from for each, raw in zip(shown, evidence, strict=True) if raw.rank == row.rank]
    return RosterRow(
        student_id=row.entity,
        name=mask_name(row.name),
        school_code=row.school_code,
        school_name=row.school_name,
        stage=row.stage,
        grade=row.grade,
        class_name=row.class_name,
        category=rules.classes[row.rank].category,
        kind=shown[0].kind,
        since=None if None in deciding else min(each for each in deciding if each is not None),
        evidence=shown,
    )


def evidence_row(row: Mapping[Any, Any], known: ListsKnown) -> EvidenceRow:
    """A row of evidence with the age of its list. A list is received a moment after its first rows are decided on, so
    the day ``stated_on`` which a linked row was stated counts as well (None: it covers a household), and ``first_day``
    where no list is known yet."""
    said: dict[str, Any] = {name: row.get(name) for name in EVIDENCE_FIELDS}
    decided_at: datetime = row["decided_at"]
    newest = known.newest(row["list"], row["agency"], decided_at)
    days: list[date] = [each for each in (newest, row["stated_on"]) if each is not None]
    dated = max(days, default=row["first_day"])
    return EvidenceRow(
        entry_id=row["entry_id"],
        list=row["list"],
        kind=Evidence(**said).kind,
        valid_from=row["starts_on"],
        valid_to=row["ends_on"],
        rule=row["rule"],
        decision_event_id=row["event_id"],
        agency=row["agency"],
        decided_at=decided_at,
        list_dated=dated,
        list_age_days=(decided_at.astimezone(SHANGHAI).date() - dated).days,
    )

"""The category of a student over time: one row per span of days on which it and its evidence stay the same.

Folded from the periods of her registration, of the rows linked to her, of the rows that cover her household, and of the
rules in force; so entries to and exits from a list (动态进出) show as days, and 脱贫 (lifted_on) ends nothing. What was
known at a moment is the same fold in a replay (deploy/views.py).
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import pairwise
from typing import Any, NamedTuple
from uuid import UUID

from pydantic import BaseModel
from sqlalchemy import ColumnElement, Connection, Date, cast, null, select

from services.matching.categories import CategoryRules, Evidence, categorise
from services.matching.list_dates import ListsKnown, lists_known
from services.matching.roster import EVIDENCE_FIELDS, SUPPORT_FIELDS, EvidenceRow, evidence_row
from services.matching.tables import COVERS, DECISIONS, RULES, STUDENTS
from shared.eventsourcing.periods import FOREVER

_D, _C, _S, _R = DECISIONS.c, COVERS.c, STUDENTS.c, RULES.c
_OF_THE_DECISION = {"decision_event_id", "decided_at", "list_dated", "list_age_days"}


class CategorySpan(BaseModel):
    """A student's category on the days [valid_from, valid_to), null = open. ``category`` is empty where the evidence
    supports none of the classes. ``on_day``: holds on the day asked for."""

    student_id: UUID
    valid_from: date
    valid_to: date | None
    category: str
    kind: str
    on_day: bool
    school_code: str | None
    evidence: list[EvidenceRow]


class Stay(NamedTuple):
    """Registered at a school on the days [since, until)."""

    since: date
    until: date
    school_code: str | None


class Held(NamedTuple):
    """Evidence that holds on the days [since, until), the paper's own period included."""

    since: date
    until: date
    evidence: Evidence
    shown: EvidenceRow


class RulesPeriod(NamedTuple):
    """Category rules in force on the days [since, until)."""

    since: date
    until: date
    rules: CategoryRules


@dataclass
class Past:
    """All that decides about one student's categories."""

    stays: list[Stay] = field(default_factory=list)
    held: list[Held] = field(default_factory=list)


def spans(student_id: UUID, past: Past, rules: Sequence[RulesPeriod], true_on: date) -> Iterator[CategorySpan]:
    """The student's categories in order of time. Days without registration or without any evidence are left out."""
    held = sorted(past.held, key=lambda each: (each.shown.entry_id, each.since))
    periods: tuple[Stay | Held | RulesPeriod, ...] = (*past.stays, *held, *rules)
    edges = {each.since for each in periods} | {each.until for each in periods}
    last: CategorySpan | None = None
    for since, until in pairwise(sorted(edges)):
        stay = _on(past.stays, since)
        known = _on(rules, since)
        now = [each for each in held if each.since <= since < each.until]
        if stay is None or known is None or not now:
            continue
        category = categorise((each.evidence for each in now), known.rules, since)
        made = CategorySpan(
            student_id=student_id,
            valid_from=since,
            valid_to=None if until >= FOREVER else until,
            category=category.category,
            kind=category.kind,
            on_day=since <= true_on < until,
            school_code=stay.school_code,
            evidence=[each.shown for each in now],
        )
        if last is not None and last.valid_to == since and _same(last, made):
            made = made.model_copy(update={"valid_from": last.valid_from, "on_day": last.on_day or made.on_day})
        elif last is not None:
            yield last
        last = made
    if last is not None:
        yield last


def _on(periods: Iterable[Any], day: date) -> Any:
    return next((each for each in periods if each.since <= day < each.until), None)


def _same(one: CategorySpan, other: CategorySpan) -> bool:
    """A row stated anew without a change of what it proves is another decision and no other span."""
    same = [one.category, one.kind, one.school_code] == [other.category, other.kind, other.school_code]
    ours, theirs = ([each.model_dump(exclude=_OF_THE_DECISION) for each in span.evidence] for span in (one, other))
    return same and ours == theirs


def category_history(connection: Connection, true_on: date, student_id: UUID) -> list[CategorySpan]:
    """One student's, as far as the viewer may see it."""
    return _histories(connection, true_on, _S.entity == student_id, _D.student_id == student_id, student_id)


def every_category_history(connection: Connection, true_on: date) -> list[CategorySpan]:
    """All students', for a replay: its caller bounds the events behind it."""
    return _histories(connection, true_on, _S.entity.is_not(None), _D.student_id.is_not(None), None)


def is_known(connection: Connection, student_id: UUID) -> bool:
    """Whether the viewer may see this student on any day."""
    return connection.execute(select(_S.entity).where(_S.entity == student_id).limit(1)).first() is not None


def _histories(
    connection: Connection,
    true_on: date,
    whose: ColumnElement[bool],
    linked: ColumnElement[bool],
    student_id: UUID | None,
) -> list[CategorySpan]:
    rules = [
        RulesPeriod(row.valid_from, row.valid_to, CategoryRules.of(json.loads(row.content)))
        for row in connection.execute(select(_R.valid_from, _R.valid_to, _R.content).order_by(_R.valid_from))
    ]
    pasts: defaultdict[UUID, Past] = defaultdict(Past)
    covered = _C.student_id == student_id if student_id is not None else None
    for held in _held(connection, linked, covered):
        pasts[held[0]].held.append(held[1])
    stays = select(_S.entity, _S.valid_from, _S.valid_to, _S.school_code).where(whose, _S.enrolled)
    for row in connection.execute(stays.order_by(_S.entity, _S.valid_from)):
        if row.entity in pasts:
            pasts[row.entity].stays.append(Stay(row.valid_from, row.valid_to, row.school_code))
    return [span for student in sorted(pasts) for span in spans(student, pasts[student], rules, true_on)]


def evidence_of(connection: Connection, students: Sequence[UUID]) -> list[tuple[UUID, EvidenceRow]]:
    """(student, evidence) on any day, as far as the viewer may see it, by student and decision."""
    found = _held(connection, _D.student_id.in_(students), _C.student_id.in_(students))
    rows = ((student, held.shown) for student, held in found)
    return sorted(rows, key=lambda row: (row[0], row[1].decision_event_id))


def _held(
    connection: Connection, linked: ColumnElement[bool], covered: ColumnElement[bool] | None
) -> Iterator[tuple[UUID, Held]]:
    """(student, evidence) of the rows linked to students and of those that cover them; None: everybody's."""
    known = lists_known(connection)
    paper = ("starts_on", "ends_on", "rule", "event_id", "agency", "decided_at")
    columns = (_D.student_id, _D.entity.label("entry_id"), _D.valid_from.label("since"), _D.valid_to.label("until"))
    days = (_D.valid_from.label("first_day"), _D.valid_from.label("stated_on"))
    rows = select(*columns, *days, *(_D[name] for name in (*paper, *EVIDENCE_FIELDS)))
    for row in connection.execute(rows.where(linked, _D.state == "linked")).mappings():
        yield from _evidence(row, known)
    days = (_C.covered_from.label("since"), _C.covered_to.label("until"))
    stated = (_C.covered_from.label("first_day"), cast(null(), Date).label("stated_on"))
    covers = select(
        _C.student_id, _C.entry_id, *days, *stated, *(_C[name] for name in (*paper, *SUPPORT_FIELDS))
    ).where(_C.stands)
    if covered is not None:
        covers = covers.where(covered)
    for row in connection.execute(covers).mappings():
        yield from _evidence(row, known)


def _evidence(row: Mapping[Any, Any], known: ListsKnown) -> Iterator[tuple[UUID, Held]]:
    since = max(row["since"], row["starts_on"] or row["since"])
    until = min(row["until"], row["ends_on"] or row["until"])
    if since >= until:
        return
    said: dict[str, Any] = {name: row.get(name) for name in EVIDENCE_FIELDS}
    yield row["student_id"], Held(since, until, Evidence(**said), evidence_row(row, known))

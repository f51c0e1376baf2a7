"""Two agencies about one person: what each says, side by side. Both stay on record, and neither wins unseen."""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import UUID

from pydantic import BaseModel
from sqlalchemy import Connection, Row, Text, and_, cast, func, or_, select, tuple_

from services.registry.tables import ENTRIES
from shared.kernel.masking import mask_name, mask_number
from shared.web.pages import PageTurn

_E = ENTRIES.c
# What two agencies that keep the same list may say differently of one person.
COMPARED = ("household_type", "support_type", "area_type", "coverage", "disability_kind", "disability_grade")


class SaidRow(BaseModel):
    """What one agency's row says; the person is masked."""

    entry_id: UUID
    agency: str
    list: str
    name: str
    household_type: str | None
    support_type: str | None
    area_type: str | None
    coverage: str | None
    disability_kind: int | None
    disability_grade: int | None
    since: date
    submission_id: UUID | None
    row: int | None


class Contradiction(BaseModel):
    """One person of whom agencies say different things: ``differs`` names the fields, ``rows`` every agency's words."""

    first_entry_id: UUID
    id_number: str
    differs: tuple[str, ...]
    rows: tuple[SaidRow, ...]


def contradictions(connection: Connection, day: date, turn: PageTurn) -> list[Contradiction]:
    """At most ``turn.fetch`` people of whom several agencies' rows that stand on ``day`` say different things: another
    name, or on the same list something else."""
    stands = and_(ENTRIES.holds_on(day), _E.standing, _E.id_number.is_not(None))
    first = func.min(cast(_E.entity, Text)).label("first")
    content = func.count(func.distinct(tuple_(_E.list, *(_E[name] for name in COMPARED))))
    differing = or_(func.count(func.distinct(_E.name)) > 1, content > func.count(func.distinct(_E.list)))
    people = (
        select(_E.id_number, first)
        .where(stands)
        .group_by(_E.id_number)
        .having(and_(func.count(func.distinct(_E.agency)) > 1, differing))
        .subquery("people")
    )
    asked = select(people.c.id_number, people.c.first).order_by(people.c.first).limit(turn.fetch)
    if turn.after is not None:
        turn.beyond(people.c.first)  # refuses another list's cursor
        asked = asked.where(people.c.first > str(turn.after[0]))
    found = {row.id_number: UUID(row.first) for row in connection.execute(asked)}
    rows: dict[str, list[Row[Any]]] = {number: [] for number in found}
    said = select(*_E).where(stands, _E.id_number.in_(list(found))).order_by(_E.list, _E.agency, _E.entity)
    for row in connection.execute(said):
        rows[row.id_number].append(row)
    return [_contradiction(found[number], number, some) for number, some in rows.items()]


def _contradiction(first: UUID, number: str, rows: list[Row[Any]]) -> Contradiction:
    differs = [] if len({row.name for row in rows}) == 1 else ["name"]
    for name in COMPARED:
        by_list: dict[str, set[Any]] = {}
        for row in rows:
            by_list.setdefault(row.list, set()).add(getattr(row, name))
        if any(len(values) > 1 for values in by_list.values()):
            differs.append(name)
    return Contradiction(
        first_entry_id=first, id_number=mask_number(number), differs=tuple(differs), rows=tuple(map(_said, rows))
    )


def _said(row: Row[Any]) -> SaidRow:
    return SaidRow(
        entry_id=row.entity,
        agency=row.agency,
        list=row.list,
        name=mask_name(row.name),
        since=row.valid_from,
        submission_id=row.submission_id,
        row=row.row,
        **{name: getattr(row, name) for name in COMPARED},
    )

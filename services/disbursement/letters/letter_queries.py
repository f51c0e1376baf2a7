"""What people see of letters: plain SELECTs within the viewer's rows."""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import UUID

from pydantic import BaseModel
from sqlalchemy import Connection, Row, Select, and_, case, func, select

from services.disbursement.letters.elsewhere import of_letter
from services.disbursement.letters.letter_tables import INQUIRIES, LETTERS
from services.disbursement.tables import ENTITLEMENTS, PAYMENTS
from shared.web.pages import WHOLE_LIST, PageTurn

_L, _I, _E, _P = LETTERS.c, INQUIRIES.c, ENTITLEMENTS.c, PAYMENTS.c


class LetterRow(BaseModel):
    """A letter with how many of its children are answered for."""

    letter_id: UUID
    term: str
    place: str
    place_name: str | None
    division_code: str
    state: str
    children: int
    answered: int
    aided: int
    unaided: int
    undecided: int
    drafted_by: str
    drafted_on: date
    approved_by: str | None
    sent_on: date | None
    way: str | None
    number: str | None
    reply_by: date | None
    reminded_on: date | None
    phoned_on: date | None
    phone_outcome: str | None
    content_hash: str


class LetterChild(BaseModel):
    """One child of a letter, masked: what is asked, what came back, and what is due and paid here in the term."""

    child_id: UUID
    name: str
    number: str
    grade: str
    school: str
    category: str
    stage: str
    reply: str | None
    aided: bool | None
    decided: bool
    replied_on: date | None
    aid: str | None
    amount_fen: int | None
    aided_term: str | None
    reference: str | None
    recorded_by: str | None
    ground: str | None
    here: str | None
    here_programme: str | None
    here_fen: int | None


def letters(
    connection: Connection,
    true_on: date,
    turn: PageTurn,
    *,
    term: str | None = None,
    state: str | None = None,
    place: str | None = None,
) -> list[LetterRow]:
    """At most ``turn.fetch`` letters by term, place and id."""
    statement = _letters(true_on)
    for column, wanted in ((_L.term, term), (_L.state, state), (_L.place, place)):
        if wanted is not None:
            statement = statement.where(column == wanted)
    if turn.after is not None:
        statement = statement.where(turn.beyond(_L.term, _L.place, _L.entity))
    rows = connection.execute(statement.order_by(_L.term, _L.place, _L.entity).limit(turn.fetch))
    return [_shown(row) for row in rows]


def every_letter(connection: Connection, true_on: date) -> list[LetterRow]:
    """All letters, for a replay."""
    return letters(connection, true_on, WHOLE_LIST)


def letter(connection: Connection, true_on: date, letter_id: UUID) -> LetterRow | None:
    """One letter, None when there is none or it is not the viewer's."""
    row = connection.execute(_letters(true_on).where(_L.entity == letter_id)).one_or_none()
    return None if row is None else _shown(row)


def children_of(connection: Connection, true_on: date, letter_id: UUID) -> list[LetterChild]:
    """The children of a letter by name and id."""
    asked = (
        select(*_I, _here())
        .select_from(
            INQUIRIES.table.outerjoin(
                ENTITLEMENTS.table,
                and_(_E.student_id == _I.child_id, _E.term == _I.term, ENTITLEMENTS.holds_on(true_on)),
            ).outerjoin(PAYMENTS.table, and_(_P.entity == _E.entity, PAYMENTS.holds_on(true_on)))
        )
        .add_columns(_E.programme.label("here_programme"), _E.amount_fen.label("here_fen"))
        .where(INQUIRIES.holds_on(true_on), _I.letter_id == letter_id)
        .order_by(_I.child_id, _E.granted.desc().nulls_last(), _E.entity)
    )
    rows: dict[UUID, Row[Any]] = {}
    for row in connection.execute(asked):
        rows.setdefault(row.child_id, row)  # what is granted comes before what was withdrawn
    who = of_letter(connection, true_on, rows)
    shown = [_child(row, *who.get(child_id, ("", "", "", ""))) for child_id, row in rows.items()]
    return sorted(shown, key=lambda child: (child.name, str(child.child_id)))


def _here() -> Any:
    paid = _P.entity.is_not(None)
    return case(
        (and_(_E.granted, paid), "paid"),
        (_E.granted, "granted"),
        (paid, "to_recover"),
        (_E.entity.is_not(None), "withdrawn"),
        else_=None,
    ).label("here")


def _letters(day: date) -> Select[Any]:
    counted = (
        select(
            _I.letter_id,
            func.count(_I.kind).label("answered"),
            func.count().filter(_I.aided).label("aided"),
            func.count().filter(~_I.aided).label("unaided"),
            func.count().filter(_I.kind.is_not(None), _I.aided.is_(None)).label("undecided"),
        )
        .where(INQUIRIES.holds_on(day), _I.letter_id.is_not(None))
        .group_by(_I.letter_id)
        .subquery()
    )
    numbers = [func.coalesce(counted.c[name], 0).label(name) for name in ("answered", "aided", "unaided", "undecided")]
    return (
        select(*_L, *numbers)
        .select_from(LETTERS.table.outerjoin(counted, counted.c.letter_id == _L.entity))
        .where(LETTERS.holds_on(day))
    )


def _shown(row: Row[Any]) -> LetterRow:
    told = {name: getattr(row, name) for name in LetterRow.model_fields if name != "letter_id"}
    return LetterRow(letter_id=row.entity, **told)


def _child(row: Row[Any], name: str, number: str, grade: str, school: str) -> LetterChild:
    own = ("child_id", "category", "stage", "aided", "replied_on", "aid", "amount_fen", "aided_term", "reference")
    told = {each: getattr(row, each) for each in (*own, "recorded_by", "ground", "here", "here_programme", "here_fen")}
    told |= {"name": name, "number": number, "grade": grade, "school": school}
    return LetterChild(**told, reply=row.kind, decided=bool(row.decided))

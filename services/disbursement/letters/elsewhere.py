"""Children of ours who are registered elsewhere: found, by place, with what was asked about them in a term.

Two sources: list rows whose state is *registered elsewhere* (a child who is no student here), and students who went to
a school of another division and stand on a list. A child on three lists is one child.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Any, Literal, NamedTuple
from uuid import UUID

from pydantic import BaseModel
from sqlalchemy import Connection, and_, select

from services.disbursement.letters.letter_tables import (
    DIVISIONS,
    INQUIRIES,
    LISTED,
    LISTED_STATES,
    PLACES_TOLD,
    PROGRAMMES_SHOWN,
)
from services.disbursement.schedule import Programme, parse
from services.disbursement.tables import PAYEES
from shared.standards.division import scope as shortest
from shared.standards.division_history import CodeEra, DivisionHistory

UNKNOWN_PLACE = "unknown"  # nobody told where the child is registered
Asking = Literal["to_ask", "asked", "answered"]
_L, _D, _P, _T, _I = LISTED.c, LISTED_STATES.c, PAYEES.c, PLACES_TOLD.c, INQUIRIES.c


class ElsewhereChild(BaseModel):
    """One child, masked. ``place``: six digits or *unknown*; ``certain`` is False for a code that was withdrawn and
    leads to several places or none. ``categories``: all her lists prove, ``category`` the first of them that entitles;
    None: on lists, but entitled by none. ``school``: as the office typed it. ``aided``: there, None while open."""

    child_id: UUID
    source: Literal["listed", "student"]
    name: str
    number: str
    place: str
    place_name: str | None
    certain: bool
    category: str | None
    categories: list[str]
    stage: str
    grade: str
    school: str
    division_code: str
    evidence: list[UUID]
    asking: Asking
    letter_id: UUID | None
    reply: str | None
    aided: bool | None


class PlaceCount(BaseModel):
    """How many entitled children are registered in one place, and how far asking about them is in the term."""

    place: str
    place_name: str | None
    certain: bool
    children: int
    to_ask: int
    asked: int
    answered: int
    aided: int
    unaided: int


class _Found(NamedTuple):
    child_id: UUID
    source: Literal["listed", "student"]
    name: str
    number: str
    code: str | None
    stage: str
    grade: str
    school: str
    division_code: str


def division_history(connection: Connection) -> DivisionHistory:
    """All eras of all codes."""
    table = DIVISIONS.c
    asked = select(table.code, table.valid_from, table.valid_to, table.name, table.in_force, table.successors)
    return DivisionHistory(
        CodeEra(code, begins, ends, name or "", bool(in_force), tuple(successors or ()))
        for code, begins, ends, name, in_force, successors in connection.execute(asked)
    )


def programmes_in_force(connection: Connection, day: date) -> list[Programme]:
    """The programmes in force on ``day``, by name."""
    asked = select(PROGRAMMES_SHOWN.c.content).where(PROGRAMMES_SHOWN.holds_on(day))
    found = (parse(content) for content in connection.execute(asked).scalars())
    return sorted(found, key=lambda programme: programme.programme)


def entitled_categories(programmes: Iterable[Programme]) -> tuple[str, ...]:
    """Every category that a programme in force pays, in the order the programmes name them."""
    return tuple(dict.fromkeys(category for programme in programmes for category in programme.categories))


def children(connection: Connection, day: date, term: str, division: str) -> list[ElsewhereChild]:
    """Everyone within the viewer's rows, by place and id. ``division``: whose own children they are."""
    own, history = shortest(division), division_history(connection)
    entitling = entitled_categories(programmes_in_force(connection, day))
    found, evidence = _found(connection, day)
    asked = select(_T.child_id, _T.place).where(PLACES_TOLD.holds_on(day))
    told = {row.child_id: row.place for row in connection.execute(asked)}
    inquiries = _inquiries(connection, day, term)
    shown = []
    for child in found:
        code = told.get(child.child_id) or child.code
        if code is not None and history.same_place(code, own, day):
            continue
        place, certain = _place(code, history, day)
        proofs = evidence[child.child_id]
        held = [category for category in entitling if category in proofs]
        shown.append(
            ElsewhereChild(
                **child._asdict(),
                place=place,
                place_name=None if code is None else history.name_of(place, day),
                certain=certain,
                category=held[0] if held else None,
                categories=[*held, *sorted(set(proofs) - set(held))],
                evidence=sorted({each for ids in proofs.values() for each in ids}, key=str),
                **inquiries.get(child.child_id, _NOT_ASKED),
            )
        )
    return sorted(shown, key=lambda each: (each.place, str(each.child_id)))


def counts(found: Iterable[ElsewhereChild]) -> list[PlaceCount]:
    """Entitled children per place, most first."""
    places: dict[str, PlaceCount] = {}
    for child in found:
        if child.category is None:
            continue
        row = places.get(child.place)
        if row is None:
            nothing = dict.fromkeys(("children", "to_ask", "asked", "answered", "aided", "unaided"), 0)
            place = {"place": child.place, "place_name": child.place_name, "certain": child.certain}
            row = places[child.place] = PlaceCount.model_validate(place | nothing)
        row.children += 1
        row.to_ask += child.asking == "to_ask"
        row.asked += child.asking == "asked"
        row.answered += child.asking == "answered"
        row.aided += child.aided is True
        row.unaided += child.aided is False
    return sorted(places.values(), key=lambda row: (-row.children, row.place))


_NOT_ASKED: dict[str, Any] = {"asking": "to_ask", "letter_id": None, "reply": None, "aided": None}


def _inquiries(connection: Connection, day: date, term: str) -> dict[UUID, dict[str, Any]]:
    asked = select(_I.child_id, _I.letter_id, _I.kind, _I.aided).where(
        INQUIRIES.holds_on(day), _I.term == term, _I.letter_id.is_not(None)
    )
    return {
        child: {"asking": "asked" if kind is None else "answered", "letter_id": letter, "reply": kind, "aided": aided}
        for child, letter, kind, aided in connection.execute(asked)
    }


def _place(code: str | None, history: DivisionHistory, day: date) -> tuple[str, bool]:
    """The place a code means on the day, and whether that is certain."""
    if code is None:
        return UNKNOWN_PLACE, False
    successors = history.successors(code, day)
    if len(successors) == 1:
        return successors[0], True
    return code, not successors and history.division_on(code, day) is None


def _found(connection: Connection, day: date) -> tuple[list[_Found], dict[UUID, dict[str, list[UUID]]]]:
    """Children, each once, and per child the categories her rows prove with the decisions behind them."""
    evidence: dict[UUID, dict[str, list[UUID]]] = {}
    found: dict[UUID, _Found] = {}
    of_person: dict[UUID, UUID] = {}
    went = select(
        *(_P.entity, _P.person_id, _P.name_masked, _P.number_masked, _P.destination, _P.stage, _P.grade),
        *(_P.destination_school, _P.division_code, _D.category, _D.event_id),
    ).join_from(PAYEES.table, LISTED_STATES.table, _D.student_id == _P.entity)
    linked = and_(_P.elsewhere, PAYEES.holds_on(day), LISTED_STATES.holds_on(day), _D.state == "linked")
    for row in connection.execute(went.where(linked)):
        school = row.destination_school or ""
        place = (row.destination, row.stage or "", row.grade or "", school, row.division_code or "")
        name, number = row.name_masked or "", row.number_masked or ""
        found[row.entity] = _Found(row.entity, "student", name, number, *place)
        of_person[row.person_id] = row.entity
        evidence.setdefault(row.entity, {}).setdefault(row.category, []).append(row.event_id)
    rows = (
        select(*LISTED.c, _D.event_id)
        .join_from(LISTED.table, LISTED_STATES.table, _D.entity == _L.entity)
        .where(_L.standing, LISTED.holds_on(day), LISTED_STATES.holds_on(day), _D.state == "registered_elsewhere")
        .order_by(_L.entity)
    )
    for row in connection.execute(rows):
        child = of_person.get(row.child_id, row.child_id)
        if child is None:
            continue
        evidence.setdefault(child, {}).setdefault(row.category, []).append(row.event_id)
        known = found.get(child)
        if known is None:
            place = (None, row.stage or "", row.grade or "", row.school or "", row.division_code or "")
            found[child] = _Found(child, "listed", row.name_masked or "", row.number_masked or "", *place)
        elif known.source == "listed":  # another list may say what the first one does not
            found[child] = known._replace(
                stage=known.stage or row.stage or "",
                grade=known.grade or row.grade or "",
                school=known.school or row.school or "",
            )
    return list(found.values()), evidence


def of_letter(connection: Connection, day: date, child_ids: Iterable[UUID]) -> dict[UUID, tuple[str, str, str, str]]:
    """(masked name, masked number, grade, school as typed) of children, wherever they are known from."""
    wanted = list(child_ids)
    shown: dict[UUID, tuple[str, str, str, str]] = {}
    listed = select(*LISTED.c).where(_L.child_id.in_(wanted), LISTED.holds_on(day)).order_by(_L.entity)
    for row in connection.execute(listed):
        before = shown.get(row.child_id, ("", "", "", ""))
        now = (row.name_masked or "", row.number_masked or "", row.grade or "", row.school or "")
        name, number, grade, school = (kept or new for kept, new in zip(before, now, strict=True))
        shown[row.child_id] = (name, number, grade, school)
    students = select(*PAYEES.c).where(_P.entity.in_(wanted), PAYEES.holds_on(day))
    for row in connection.execute(students):
        shown[row.entity] = (
            row.name_masked or "",
            row.number_masked or "",
            row.grade or "",
            row.destination_school or "",
        )
    return shown

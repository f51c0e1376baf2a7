"""Place of school registration (学籍属地): whose place it is, counted and listed.

Aid follows the place of registration, so two groups are looked after together with another county: students of ours
who went to a school elsewhere, and children who study here while their identity number was issued elsewhere. A number
keeps the code of its day: it is resolved by the history of division codes. List rows of children registered elsewhere
are matching's to tell.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Any, Literal, NamedTuple

from pydantic import BaseModel
from sqlalchemy import ColumnElement, Connection, and_, func, or_, select

from services.registry.queries import StudentRow, student_rows
from services.registry.reference.reference_queries import division_history
from services.registry.tables import STUDENTS
from shared.standards.division import scope as shortest
from shared.standards.division_history import DivisionHistory
from shared.web.pages import PageTurn

RegisterPlace = Literal["outside_here", "own_elsewhere"]
UNKNOWN_PLACE = "unknown"  # a student went elsewhere, and nobody said where
_S = STUDENTS.c
_WENT = ("transferred_out", "accepted_elsewhere")


class Place(NamedTuple):
    """A division that a code means on a day. ``certain`` is False when the code was withdrawn and leads to several
    divisions or to none, so that a person has to say; ``code`` is then the one as issued."""

    code: str
    certain: bool


class PlaceCount(BaseModel):
    """How many students of one kind belong to one place. ``place_name`` None: the code is not on record."""

    kind: RegisterPlace
    place: str
    place_name: str | None
    certain: bool
    students: int


class PlaceStudent(StudentRow):
    """A student with the place she belongs to; masked."""

    kind: RegisterPlace
    place: str
    place_name: str | None


def place_of(issued: str, own: str, history: DivisionHistory, day: date) -> Place | None:
    """The place that an issued code means on a day; None when it lies within ``own`` (a prefix)."""
    within = history.same_place(issued, own, day)
    if within:
        return None
    successors = history.successors(issued, day)
    if within is None or len(successors) > 1:
        return Place(issued, certain=False)
    return Place(successors[0] if successors else issued, certain=True)


def counts(connection: Connection, day: date, division: str, kind: RegisterPlace | None = None) -> list[PlaceCount]:
    """Students per kind and place within the viewer's rows, most first."""
    history = division_history(connection)
    found: dict[tuple[RegisterPlace, Place], int] = {}
    for each, _, place, students in _coded(connection, day, shortest(division), history):
        if kind in (None, each):
            found[each, place] = found.get((each, place), 0) + students
    rows = [
        PlaceCount(
            kind=each,
            place=place.code,
            place_name=history.name_of(place.code, day),
            certain=place.certain,
            students=students,
        )
        for (each, place), students in found.items()
    ]
    return sorted(rows, key=lambda row: (row.kind, -row.students, row.place))


def students(
    connection: Connection, day: date, division: str, kind: RegisterPlace, place: str | None, turn: PageTurn
) -> list[PlaceStudent]:
    """At most ``turn.fetch`` students of one kind, of one place or all, by school and id."""
    history = division_history(connection)
    places = {
        code: found
        for each, code, found, _ in _coded(connection, day, shortest(division), history)
        if each == kind and place in (None, found.code)
    }
    column = _S.issued_division if kind == "outside_here" else _S.destination_division
    condition = and_(_of_kind(kind), _is_one_of(column, places))
    return [
        PlaceStudent(
            **shown,
            kind=kind,
            place=places[code].code,
            place_name=history.name_of(places[code].code, day),
        )
        for shown, code in (
            (each, getattr(row, column.name)) for each, row in student_rows(connection, day, turn, condition)
        )
    ]


def _coded(
    connection: Connection, day: date, own: str, history: DivisionHistory
) -> Iterable[tuple[RegisterPlace, str | None, Place, int]]:
    """(kind, code as it stands, the place it means, students)."""
    kinds: tuple[tuple[RegisterPlace, Any], ...] = (
        ("outside_here", _S.issued_division),
        ("own_elsewhere", _S.destination_division),
    )
    for kind, column in kinds:
        asked = select(column, func.count()).where(STUDENTS.holds_on(day), _of_kind(kind)).group_by(column)
        for code, count in connection.execute(asked):
            if code is None:
                yield kind, code, Place(UNKNOWN_PLACE, certain=False), count
                continue
            place = place_of(code, own, history, day)
            if place is not None:
                yield kind, code, place, count


def _of_kind(kind: RegisterPlace) -> ColumnElement[bool]:
    if kind == "outside_here":
        return and_(_S.state == "enrolled", _S.issued_division.is_not(None))
    return _S.state.in_(_WENT)


def _is_one_of(column: Any, codes: Iterable[str | None]) -> ColumnElement[bool]:
    told = list(codes)
    return or_(column.in_([code for code in told if code is not None]), *([column.is_(None)] if None in told else []))

"""From a student to the households she belongs to, and from a household to those of its members who are students."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date
from uuid import UUID

from pydantic import BaseModel
from sqlalchemy import Connection, or_, select

from services.registry.handlers import Registry
from services.registry.households.household_life import Household
from services.registry.households.households import students_named
from services.registry.tables import HOUSEHOLDS, MEMBERS, STUDENTS

_S, _H, _M = STUDENTS.c, HOUSEHOLDS.c, MEMBERS.c


class HouseholdOfStudent(BaseModel):
    """``list``: whose household it is; ``since``: from when on what is told here holds."""

    household_id: UUID
    list: str
    household_type: str | None
    relation: str | None
    head: bool
    since: date


def households_of(connection: Connection, true_on: date, student_id: UUID) -> list[HouseholdOfStudent]:
    """The households a student belongs to on a day, by list: also those that were stated before she was enrolled,
    by her identity number. Those outside the viewer's scope, and of a student outside it, are not told."""
    number = connection.execute(
        select(_S.id_number).where(STUDENTS.holds_on(true_on), _S.entity == student_id)
    ).one_or_none()
    if number is None:
        return []
    hers = _M.student_id == student_id
    if number.id_number is not None:
        hers = or_(hers, _M.id_number == number.id_number)
    rows = connection.execute(
        select(_H.entity, _H.list, _H.household_type, _M.relation, _M.head, _M.valid_from)
        .join_from(MEMBERS.table, HOUSEHOLDS.table, _H.entity == _M.household_id)
        .where(hers, _M.belongs, MEMBERS.holds_on(true_on), HOUSEHOLDS.holds_on(true_on), _H.merged_into.is_(None))
        .order_by(_H.list, _H.entity)
    )
    return [
        HouseholdOfStudent(
            household_id=row.entity,
            list=row.list,
            household_type=row.household_type,
            relation=row.relation,
            head=row.head,
            since=row.valid_from,
        )
        for row in rows
    ]


def also_in(
    connection: Connection, true_on: date, list_name: str, id_numbers: Collection[str], households: Collection[UUID]
) -> list[tuple[UUID, UUID]]:
    """(member, household) of memberships of other households of the list than these, of the people with these identity
    numbers: who has none cannot be told from a namesake."""
    rows = connection.execute(
        select(_M.member_id, _M.household_id)
        .join_from(MEMBERS.table, HOUSEHOLDS.table, _H.entity == _M.household_id)
        .where(
            *(_M.id_number.in_(id_numbers), _M.household_id.not_in(households), _M.belongs, _H.list == list_name),
            *(MEMBERS.holds_on(true_on), HOUSEHOLDS.holds_on(true_on), _H.merged_into.is_(None)),
        )
        .order_by(_M.member_id, _M.household_id)
    )
    return [(row.member_id, row.household_id) for row in rows]


def students_of(registry: Registry, connection: Connection, state: Household) -> dict[UUID, UUID]:
    """Member → student of the register, also of those who were enrolled after the household was stated."""
    numbers = {
        member.personal.id_number: key
        for key, member in state.members.items()
        if member.personal is not None and member.personal.id_number is not None
    }
    told = {key: member.student_id for key, member in state.members.items() if member.student_id is not None}
    found = students_named(registry, connection, numbers)
    return told | {numbers[number]: student for number, student in found.items()}

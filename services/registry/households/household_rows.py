"""Households with their members, many at once: for a replay, or of one student."""

from __future__ import annotations

from collections import defaultdict
from datetime import date
from uuid import UUID

from sqlalchemy import Connection, select

from services.registry.queries import HouseholdRow, MemberRow, household
from services.registry.tables import HOUSEHOLDS, MEMBERS
from shared.kernel.masking import mask_address, mask_name, mask_number

_H, _M = HOUSEHOLDS.c, MEMBERS.c


def every_household(connection: Connection, true_on: date) -> list[HouseholdRow]:
    """All households of the day by id, each with its members, the head first; times on the poverty register are told
    of a household asked for by itself."""
    members: defaultdict[UUID, list[MemberRow]] = defaultdict(list)
    belonging = select(*_M).where(MEMBERS.holds_on(true_on), _M.belongs)
    for row in connection.execute(belonging.order_by(_M.household_id, _M.head.desc(), _M.member_id)):
        members[row.household_id].append(
            MemberRow(
                member_id=row.member_id,
                student_id=row.student_id,
                name=mask_name(row.name),
                id_number=mask_number(row.id_number),
                relation=row.relation,
                head=row.head,
            )
        )
    found = connection.execute(select(*_H).where(HOUSEHOLDS.holds_on(true_on)).order_by(_H.entity))
    return [
        HouseholdRow(
            household_id=row.entity,
            list=row.list,
            household_type=row.household_type,
            division_code=row.division_code,
            address=mask_address(row.address),
            merged_into=row.merged_into,
            members=tuple(members[row.entity]),
        )
        for row in found
        if row.list is not None
    ]


def households_of(connection: Connection, true_on: date, student_id: UUID) -> list[HouseholdRow]:
    """The households a student belongs to on the day, by id."""
    ids = connection.execute(
        select(_M.household_id)
        .where(MEMBERS.holds_on(true_on), _M.student_id == student_id, _M.belongs)
        .order_by(_M.household_id)
    ).scalars()
    found = (household(connection, true_on, household_id) for household_id in ids.all())
    return [each for each in found if each is not None]

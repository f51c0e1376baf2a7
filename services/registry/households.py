"""Households as their agencies state them: who belongs, and which members are students of the register."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import Connection

from services.registry.commands import MemberRecord, RegisterHousehold
from services.registry.domain import household_of, student_of
from services.registry.domain import register_household as decide_household
from services.registry.events import HouseholdMemberJoined, HouseholdRegistered, MemberPersonal
from services.registry.handlers import Registry
from shared.eventsourcing.store import Command, Proposed, Result


def register_household(registry: Registry, intent: RegisterHousehold, command: Command) -> Result:
    """Bring a household to what is stated: who is new has joined, who is missing has left."""
    household_id = registry.keys.household(intent.list, intent.household_number)

    def decide(connection: Connection) -> Sequence[Proposed]:
        state = household_of(each.fact for each in registry.store.load(connection, household_id))
        stated = HouseholdRegistered(
            list=intent.list, division_code=intent.division_code, household_type=intent.household_type
        )
        students = _students(registry, connection, intent.members)
        members = [_joined(registry, household_id, intent.division_code, each, students) for each in intent.members]
        happened = decide_household(state, stated, members, intent.as_of)
        return [Proposed(household_id, state.version, fact, on) for fact, on in happened]

    return registry.store.run(registry.database, command, decide)


def _joined(
    registry: Registry, household_id: UUID, division_code: str, member: MemberRecord, students: dict[str, UUID]
) -> HouseholdMemberJoined:
    member_id = registry.keys.person(member.id_number, registry.keys.member(household_id, member.name))
    return HouseholdMemberJoined(
        member_id=member_id,
        division_code=division_code,
        student_id=students.get(member.id_number or ""),
        relation=member.relation,
        head=member.head,
        personal=MemberPersonal(person_id=member_id, name=member.name, id_number=member.id_number),
    )


def _students(registry: Registry, connection: Connection, members: Sequence[MemberRecord]) -> dict[str, UUID]:
    """Identity number → student, for members who are students of the register; aliases followed."""
    numbers = {registry.keys.student_by_number(each.id_number): each.id_number for each in members if each.id_number}
    found: dict[str, UUID] = {}
    for stream_id, stored in registry.store.load_many(connection, list(numbers)).items():
        state = student_of(each.fact for each in stored)
        if state.version:
            found[numbers[stream_id]] = state.alias_of or stream_id
    return found

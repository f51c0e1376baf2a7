"""Households as their agencies state them, and what happens to them: joined, left, split, merged, moved, headed by
somebody else."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from sqlalchemy import Connection

from services.registry.commands import (
    ChangeHead,
    EnterRegister,
    HouseholdIntent,
    JoinHousehold,
    LeaveHousehold,
    LeaveRegister,
    MemberRecord,
    MergeHousehold,
    MoveHousehold,
    RegisterHousehold,
    SplitHousehold,
)
from services.registry.domain import student_of
from services.registry.errors import HouseholdNumberTaken, HouseholdUnknown
from services.registry.events import (
    HouseholdMemberJoined,
    HouseholdPersonal,
    HouseholdRegistered,
    MemberPersonal,
)
from services.registry.handlers import Registry
from services.registry.households import household_life
from services.registry.households.household_life import Change, Household, apply_household, household_of
from services.registry.households.household_members import join, leave
from services.registry.households.household_register import enter_register, leave_register
from services.registry.households.reach import Reach
from shared.eventsourcing.store import Command, Proposed, Result


def register_household(
    registry: Registry, intent: RegisterHousehold, command: Command, reach: Reach | None = None
) -> Result:
    """Bring a household to what is stated: who is new has joined, who is missing has left, who heads it. Raises
    HouseholdNumberTaken, HouseholdAlreadyMerged, BeforeHouseholdChange, HouseholdUnknown for one that is known and
    beyond ``reach`` (None: the whole list)."""

    def decide(connection: Connection) -> Sequence[Proposed]:
        return changes_stated(Changing(registry, connection, reach or Reach(frozenset([intent.list]))), intent)

    return registry.store.run(registry.database, command, decide)


@dataclass
class Changing:
    """One change of households under way: what it reads, as it stood. ``reach``: what the caller may change."""

    registry: Registry
    connection: Connection
    reach: Reach
    read_states: dict[UUID, Household] = field(default_factory=dict)

    def read(self, household_id: UUID) -> Household:
        """Raises HouseholdUnknown for a household beyond the caller's reach."""
        state = _household(self.registry, self.connection, household_id)
        known = state.registered
        if known is not None and not self.reach.covers(known.list, known.division_code):
            raise HouseholdUnknown(household_id)
        self.read_states[household_id] = state
        return state


def change_household(registry: Registry, reach: Reach, intent: HouseholdIntent, command: Command) -> Result:
    """Raises what household_life's rules raise, and HouseholdUnknown also beyond ``reach``."""

    def decide(connection: Connection) -> Sequence[Proposed]:
        return changes_stated(Changing(registry, connection, reach), intent)

    return registry.store.run(registry.database, command, decide)


def split_off(registry: Registry, intent: SplitHousehold) -> UUID:
    """The household that a split made. Raises HouseholdUnknown."""
    with registry.database.writing() as connection:
        state = _household(registry, connection, intent.household_id)
    return _new_household(registry, state, intent)


def changes_stated(changing: Changing, intent: HouseholdIntent | RegisterHousehold) -> list[Proposed]:
    """What the intent changes. Appends nothing."""
    changes = _registered(changing, intent) if isinstance(intent, RegisterHousehold) else _changes(changing, intent)
    versions = {household_id: state.version for household_id, state in changing.read_states.items()}
    return [Proposed(each.household_id, versions[each.household_id], *each.happened) for each in changes]


def _registered(changing: Changing, intent: RegisterHousehold) -> list[Change]:
    registry, on = changing.registry, intent.as_of
    household_id = registry.keys.household(intent.list, intent.household_number)
    state = changing.read(household_id)
    if intent.new and state.registered is not None:
        raise HouseholdNumberTaken(household_id)
    stated = HouseholdRegistered(
        list=intent.list, division_code=intent.division_code, household_type=intent.household_type
    )
    members = _joining(changing, household_id, intent.division_code, intent.members)
    happened = household_life.register_household(household_id, state, stated, members, on)
    if intent.address and intent.address != state.address:
        for fact, since in happened:
            state = apply_household(state, fact, since)
        lives = _address(state, intent.address)
        happened += household_life.move(household_id, state, intent.division_code, lives, on)
    return [Change(household_id, each) for each in happened]


def _changes(changing: Changing, intent: HouseholdIntent) -> list[Change]:
    household_id, on = intent.household_id, intent.on
    state = changing.read(household_id)
    match intent:
        case ChangeHead():
            happened = household_life.change_head(household_id, state, intent.member_id, on)
        case EnterRegister():
            happened = enter_register(household_id, state, intent.household_type, on)
        case LeaveRegister():
            happened = leave_register(household_id, state, intent.reason, on)
        case MoveHousehold():
            lives = _address(state, intent.address)
            happened = household_life.move(household_id, state, intent.division_code, lives, on)
        case JoinHousehold():
            division = household_life.living(household_id, state).division_code
            (member,) = _joining(changing, household_id, division, [intent.member])
            happened = join(household_id, state, member, on)
        case LeaveHousehold():
            happened = leave(household_id, state, intent.member_id, intent.reason, intent.head_id, on)
        case MergeHousehold():
            into = changing.read(intent.into_household_id)
            return household_life.merge(household_id, state, intent.into_household_id, into, on)
        case SplitHousehold():
            new_id = _new_household(changing.registry, state, intent)
            members, heads = intent.member_ids, (intent.head_id, intent.remaining_head_id)
            return household_life.split(household_id, state, new_id, changing.read(new_id), members, *heads, on)
    return [Change(household_id, each) for each in happened]


def _address(state: Household, address: str | None) -> HouseholdPersonal | None:
    """Sealed under its head's key; of a household that nobody heads, under one of its members'."""
    person = state.head or min(state.members, key=lambda key: key.int, default=None)
    return HouseholdPersonal(person_id=person, address=address) if address and person is not None else None


def _joining(
    changing: Changing, household_id: UUID, division_code: str, members: Sequence[MemberRecord]
) -> list[HouseholdMemberJoined]:
    registry, connection = changing.registry, changing.connection
    students = students_named(registry, connection, [each.id_number for each in members if each.id_number])
    return [_joined(registry, household_id, division_code, each, students) for each in members]


def _new_household(registry: Registry, state: Household, intent: SplitHousehold) -> UUID:
    if state.registered is None:
        raise HouseholdUnknown(intent.household_id)
    return registry.keys.household(state.registered.list, intent.household_number)


def _household(registry: Registry, connection: Connection, household_id: UUID) -> Household:
    """With the particulars of its members, for who joins another one; those of erased people are None."""
    stored = registry.store.load(connection, household_id, personal=True)
    return household_of((each.fact, each.event.effective_on) for each in stored)


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


def students_named(registry: Registry, connection: Connection, id_numbers: Iterable[str]) -> dict[str, UUID]:
    """Identity number → student, for those who are students of the register; aliases followed."""
    numbers = {registry.keys.student_by_number(each): each for each in id_numbers}
    found: dict[str, UUID] = {}
    for stream_id, stored in registry.store.load_many(connection, list(numbers)).items():
        state = student_of(each.fact for each in stored)
        if state.version:
            found[numbers[stream_id]] = state.alias_of or stream_id
    return found

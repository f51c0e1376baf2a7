"""A household from registration to merger: who belongs to it, who heads it. Pure rules; a change that reaches a second
household names its stream too.

A member's comings and goings in one household follow each other in time: what is told late may lie in the past, but not
before the member's own last change there, or the days would contradict each other.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import NamedTuple
from uuid import UUID

from services.registry.domain import Happened
from services.registry.errors import (
    BeforeHouseholdChange,
    HouseholdAlreadyMerged,
    HouseholdNumberTaken,
    HouseholdsNotMergeable,
    HouseholdUnknown,
    MemberNotInHousehold,
    NobodyLeft,
)
from services.registry.events import (
    HouseholdHeadChanged,
    HouseholdMemberJoined,
    HouseholdMemberLeft,
    HouseholdMerged,
    HouseholdMoved,
    HouseholdPersonal,
    HouseholdRegistered,
    HouseholdSplit,
)
from services.registry.household_events import HouseholdEnteredRegister, HouseholdLeftRegister, RegisterExit
from shared.kernel.facts import Fact

SPLIT, MERGED = "split", "merged"  # why a member left
HEAD_RELATION = "户主"


class RegisterTime(NamedTuple):
    """A time on the poverty register, [entered_on, left_on); ``reason``: why it ended."""

    entered_on: date
    left_on: date | None
    household_type: str | None
    reason: RegisterExit | None


class Change(NamedTuple):
    """Something to append to the stream of one household."""

    household_id: UUID
    happened: Happened


@dataclass(frozen=True, slots=True)
class Household:
    """``members``: who belongs to it now, as they joined; ``changed_on``: member → the day of the last coming or going;
    ``headed_on``: the day of the last word on who heads it; ``on_register``: the poverty office's own, and not out of
    its register; ``registered_on``: the day of the last word on that; ``register_times``: its times on it, the last one
    last (动态进出)."""

    version: int = 0
    registered: HouseholdRegistered | None = None
    members: Mapping[UUID, HouseholdMemberJoined] = field(default_factory=dict)
    changed_on: Mapping[UUID, date] = field(default_factory=dict)
    head: UUID | None = None
    headed_on: date = date.min
    merged_into: UUID | None = None
    on_register: bool = False
    registered_on: date = date.min
    left_for: RegisterExit | None = None
    register_times: tuple[RegisterTime, ...] = ()
    address: str | None = None


def apply_household(state: Household, fact: Fact, on: date) -> Household:
    """The state after one more fact of the household's stream."""
    state = replace(state, version=state.version + 1)
    match fact:
        case HouseholdRegistered():
            first = state.registered is None
            on_register = fact.list == "poverty" if first else state.on_register
            since = on if first else state.registered_on
            state = replace(state, registered=fact, on_register=on_register, registered_on=since)
            return _entered(state, fact.household_type, on) if first and on_register else state
        case HouseholdEnteredRegister():
            return _entered(replace(state, on_register=True, registered_on=on), fact.household_type, on)
        case HouseholdLeftRegister():
            left = replace(state, on_register=False, registered_on=on, left_for=fact.reason)
            return replace(left, register_times=_ended(state.register_times, fact.reason, on))
        case HouseholdMemberJoined():
            head = fact.member_id if fact.head else state.head
            return replace(
                state,
                members={**state.members, fact.member_id: fact},
                changed_on={**state.changed_on, fact.member_id: on},
                head=head,
                headed_on=on if fact.head else state.headed_on,
            )
        case HouseholdMemberLeft():
            kept = {key: member for key, member in state.members.items() if key != fact.member_id}
            head = None if state.head == fact.member_id else state.head
            return replace(state, members=kept, changed_on={**state.changed_on, fact.member_id: on}, head=head)
        case HouseholdHeadChanged():
            return replace(state, head=fact.member_id, headed_on=on)
        case HouseholdMoved():
            assert state.registered is not None
            moved = HouseholdRegistered(
                list=state.registered.list,
                division_code=fact.division_code,
                household_type=state.registered.household_type,
            )
            return replace(state, registered=moved, address=fact.personal.address if fact.personal else None)
        case HouseholdMerged():
            return replace(state, merged_into=fact.into_household_id)
    return state


def _entered(state: Household, household_type: str | None, on: date) -> Household:
    return replace(state, register_times=(*state.register_times, RegisterTime(on, None, household_type, None)))


def _ended(times: tuple[RegisterTime, ...], reason: RegisterExit, on: date) -> tuple[RegisterTime, ...]:
    """A time that ended on the day it began is none."""
    if not times or times[-1].left_on is not None:
        return times
    ended = () if times[-1].entered_on == on else (times[-1]._replace(left_on=on, reason=reason),)
    return times[:-1] + ended


def household_of(facts: Iterable[tuple[Fact, date]]) -> Household:
    """The household after all facts of the stream, each with the day from which it is true."""
    state = Household()
    for fact, on in facts:
        state = apply_household(state, fact, on)
    return state


def register_household(
    household_id: UUID,
    state: Household,
    stated: HouseholdRegistered,
    members: Iterable[HouseholdMemberJoined],
    as_of: date,
) -> list[Happened]:
    """The household as its agency states it now: who is missing has left, who is new has joined, who heads it. Raises
    HouseholdAlreadyMerged, BeforeHouseholdChange."""
    if state.merged_into is not None:
        raise HouseholdAlreadyMerged(household_id, state.merged_into)
    named = {member.member_id: member for member in members}
    new = [key for key in named if key not in state.members]
    gone = sorted(state.members.keys() - named.keys(), key=lambda key: key.int)
    in_order(state, [*new, *gone], as_of)
    happened = [] if state.registered == stated else [Happened(stated, as_of)]
    happened += [Happened(named[key], as_of) for key in new]
    happened += [Happened(HouseholdMemberLeft(member_id=key), as_of) for key in gone]
    head = next((key for key, member in named.items() if member.head), None)
    if head is not None and head in state.members and head != state.head:
        happened += headed(state, head, as_of)
    elif head is not None and head in new and state.head in named:  # who joined as head takes over from who stays
        happened.append(Happened(HouseholdHeadChanged(member_id=head, former_head_id=state.head), as_of))
    return happened


def change_head(household_id: UUID, state: Household, member_id: UUID, on: date) -> list[Happened]:
    """Another member heads the household; nothing when she does already. Raises HouseholdUnknown,
    HouseholdAlreadyMerged, MemberNotInHousehold, BeforeHouseholdChange."""
    living(household_id, state)
    members_known(household_id, state, [member_id], on)
    return [] if state.head == member_id else headed(state, member_id, on)


def split(
    household_id: UUID,
    state: Household,
    new_id: UUID,
    new: Household,
    leaving: Sequence[UUID],
    head: UUID | None,
    remaining_head: UUID | None,
    on: date,
) -> list[Change]:
    """Members leave together and are a household of their own from that day. ``head`` is one of them,
    ``remaining_head`` one of those who stay. Raises HouseholdUnknown, HouseholdAlreadyMerged, HouseholdNumberTaken,
    MemberNotInHousehold, NobodyLeft, BeforeHouseholdChange."""
    registered = living(household_id, state)
    if new.version:
        raise HouseholdNumberTaken(new_id)
    members_known(household_id, state, leaving, on)
    staying = state.members.keys() - set(leaving)
    if not staying or not leaving:
        raise NobodyLeft(household_id)
    if head is not None and head not in leaving:
        raise MemberNotInHousehold(new_id, head)
    if remaining_head is not None and remaining_head not in staying:
        raise MemberNotInHousehold(household_id, remaining_head)
    told = HouseholdSplit(new_household_id=new_id, member_ids=tuple(leaving))
    changes = [Change(household_id, Happened(told, on)), Change(new_id, Happened(registered, on))]
    if state.left_for is not None and not state.on_register:  # who left the register together are off it apart, too
        changes.append(Change(new_id, Happened(HouseholdLeftRegister(reason=state.left_for), on)))
    changes += _handed_over(household_id, state, new_id, leaving, head, on, SPLIT)
    if remaining_head is not None and remaining_head != state.head:
        changes += [Change(household_id, each) for each in headed(state, remaining_head, on)]
    return changes


def merge(household_id: UUID, state: Household, into_id: UUID, into: Household, on: date) -> list[Change]:
    """All members belong to the other household from that day, which keeps its head; the one is no more. Raises
    HouseholdUnknown, HouseholdAlreadyMerged, HouseholdsNotMergeable, BeforeHouseholdChange."""
    registered, other = living(household_id, state), living(into_id, into)
    if household_id == into_id or registered.list != other.list:
        raise HouseholdsNotMergeable(household_id, into_id)
    leaving = sorted(state.members, key=lambda key: key.int)
    in_order(state, leaving, on)
    newcomers = [key for key in leaving if key not in into.members]
    in_order(into, newcomers, on)
    head = state.head if into.head is None and state.head in newcomers else None
    changes = [Change(household_id, Happened(HouseholdMerged(into_household_id=into_id), on))]
    return changes + _handed_over(household_id, state, into_id, leaving, head, on, MERGED, newcomers)


def move(
    household_id: UUID, state: Household, division_code: str, personal: HouseholdPersonal | None, on: date
) -> list[Happened]:
    """The household lives elsewhere from that day. Raises HouseholdUnknown, HouseholdAlreadyMerged,
    BeforeHouseholdChange."""
    living(household_id, state)
    members = sorted(state.members, key=lambda key: key.int)
    in_order(state, members, on)
    moved = HouseholdMoved(division_code=division_code, member_ids=tuple(members), personal=personal)
    return [Happened(moved, on)]


def _handed_over(
    household_id: UUID,
    state: Household,
    to_id: UUID,
    leaving: Sequence[UUID],
    head: UUID | None,
    on: date,
    reason: str,
    newcomers: Collection[UUID] | None = None,
) -> list[Change]:
    """They leave the one household and join the other; a relation to the former head is not carried along."""
    changes: list[Change] = []
    for key in leaving:
        left = HouseholdMemberLeft(member_id=key, reason=reason)
        changes.append(Change(household_id, Happened(left, on)))
        if newcomers is None or key in newcomers:
            before = state.members[key]
            joined = HouseholdMemberJoined(
                member_id=key,
                division_code=before.division_code,
                student_id=before.student_id,
                relation=HEAD_RELATION if key == head else None,
                head=key == head,
                personal=before.personal,
            )
            changes.append(Change(to_id, Happened(joined, on)))
    return changes


def headed(state: Household, member_id: UUID, on: date) -> list[Happened]:
    """She heads it from that day. Raises BeforeHouseholdChange."""
    if on < state.headed_on:
        raise BeforeHouseholdChange(state.headed_on)
    return [Happened(HouseholdHeadChanged(member_id=member_id, former_head_id=state.head), on)]


def living(household_id: UUID, state: Household) -> HouseholdRegistered:
    """What is registered of a household. Raises HouseholdUnknown, HouseholdAlreadyMerged."""
    if state.registered is None:
        raise HouseholdUnknown(household_id)
    if state.merged_into is not None:
        raise HouseholdAlreadyMerged(household_id, state.merged_into)
    return state.registered


def members_known(household_id: UUID, state: Household, members: Iterable[UUID], on: date) -> None:
    """Raises MemberNotInHousehold, BeforeHouseholdChange."""
    named = list(members)
    for key in named:
        if key not in state.members:
            raise MemberNotInHousehold(household_id, key)
    in_order(state, named, on)


def in_order(state: Household, members: Iterable[UUID], on: date) -> None:
    """Raises BeforeHouseholdChange when one of them came or went after that day."""
    last = max((state.changed_on[key] for key in members if key in state.changed_on), default=on)
    if on < last:
        raise BeforeHouseholdChange(last)

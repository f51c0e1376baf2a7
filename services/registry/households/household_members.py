"""One person joins a household or leaves it. Pure rules; who comes or goes in a household stated whole, split or merged
is household_life's.
"""

from __future__ import annotations

from datetime import date
from uuid import UUID

from services.registry.domain import Happened
from services.registry.errors import MemberAlreadyInHousehold, MemberNotInHousehold
from services.registry.events import HouseholdMemberJoined, HouseholdMemberLeft
from services.registry.household_events import MemberLeaving
from services.registry.households.household_life import Household, headed, in_order, living, members_known


def join(household_id: UUID, state: Household, member: HouseholdMemberJoined, on: date) -> list[Happened]:
    """The person belongs to it from that day. Raises HouseholdUnknown, HouseholdAlreadyMerged,
    MemberAlreadyInHousehold, BeforeHouseholdChange."""
    living(household_id, state)
    if member.member_id in state.members:
        raise MemberAlreadyInHousehold(household_id, member.member_id)
    in_order(state, [member.member_id], on)
    return [Happened(member, on)]


def leave(
    household_id: UUID, state: Household, member_id: UUID, reason: MemberLeaving, head: UUID | None, on: date
) -> list[Happened]:
    """The member belongs to it no longer; ``head``, one of those who stay, heads it from then on. The last one may
    leave: the household stays on record, empty. Raises HouseholdUnknown, HouseholdAlreadyMerged, MemberNotInHousehold,
    BeforeHouseholdChange."""
    living(household_id, state)
    members_known(household_id, state, [member_id], on)
    happened = [Happened(HouseholdMemberLeft(member_id=member_id, reason=reason), on)]
    if head is None:
        return happened
    if head == member_id:
        raise MemberNotInHousehold(household_id, head)
    members_known(household_id, state, [head], on)
    return happened if head == state.head else happened + headed(state, head, on)

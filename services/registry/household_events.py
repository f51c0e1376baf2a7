"""Facts of a household on the poverty register, and of changes of households that take two people.

Part of events.py, through which they are imported; apart because a module holds one idea.
"""

from __future__ import annotations

from typing import Literal
from uuid import UUID

from shared.kernel.facts import Fact, fact

RegisterExit = Literal["lifted", "died_out", "moved_away", "entered_in_error"]
MemberLeaving = Literal["died", "married", "moved_away", "entered_in_error", "other"]  # why a member left
HouseholdChangeKind = Literal["split", "merge", "register_exit"]


@fact("registry")
class HouseholdEnteredRegister(Fact, frozen=True, kw_only=True):
    """The household is on the poverty register (again) from this day on (动态纳入). ``household_type`` is the kind as
    the office writes it. A household that the poverty office states is on it without this from the first."""

    household_type: str | None = None


@fact("registry")
class HouseholdLeftRegister(Fact, frozen=True, kw_only=True):
    """The household is no longer on the poverty register (退出). Aid already due is not touched by it."""

    reason: RegisterExit


@fact("registry")
class HouseholdChangeProposed(Fact, frozen=True, kw_only=True):
    """Somebody asks for a change of a household that a second person has to approve. Its stream is the proposal."""

    kind: HouseholdChangeKind
    household_id: UUID
    list: str
    reason: str
    proposed_by: str


@fact("registry")
class HouseholdChangeApproved(Fact, frozen=True, kw_only=True):
    """A second person approved it, and it was done in the same moment. ``preview_hash`` (keyed) names what was
    shown."""

    household_id: UUID
    preview_hash: str
    proposed_by: str
    approved_by: str


@fact("registry")
class HouseholdChangeRefused(Fact, frozen=True, kw_only=True):
    """It will not be done: another person refused it, or who proposed it took it back."""

    household_id: UUID
    reason: str
    refused_by: str

"""A household on the poverty register: entry, exit and re-entry follow each other in time (动态进出). Pure rules."""

from __future__ import annotations

from datetime import date
from uuid import UUID

from services.registry.domain import Happened
from services.registry.errors import (
    BeforeHouseholdChange,
    HouseholdAlreadyMerged,
    HouseholdNotOnRegister,
    HouseholdOnRegister,
    HouseholdUnknown,
    NoPovertyHousehold,
)
from services.registry.household_events import HouseholdEnteredRegister, HouseholdLeftRegister, RegisterExit
from services.registry.households.household_life import Household

REGISTER_LIST = "poverty"


def enter_register(household_id: UUID, state: Household, household_type: str | None, on: date) -> list[Happened]:
    """The household is on the register again. Raises HouseholdUnknown, HouseholdAlreadyMerged, NoPovertyHousehold,
    HouseholdOnRegister, BeforeHouseholdChange."""
    _poor(household_id, state, on)
    if state.on_register:
        raise HouseholdOnRegister(household_id)
    assert state.registered is not None, "checked before"
    kind = household_type or state.registered.household_type
    return [Happened(HouseholdEnteredRegister(household_type=kind), on)]


def leave_register(household_id: UUID, state: Household, reason: RegisterExit, on: date) -> list[Happened]:
    """The household leaves the register. Raises HouseholdUnknown, HouseholdAlreadyMerged, NoPovertyHousehold,
    HouseholdNotOnRegister, BeforeHouseholdChange."""
    _poor(household_id, state, on)
    if not state.on_register:
        raise HouseholdNotOnRegister(household_id)
    return [Happened(HouseholdLeftRegister(reason=reason), on)]


def _poor(household_id: UUID, state: Household, on: date) -> None:
    if state.registered is None:
        raise HouseholdUnknown(household_id)
    if state.merged_into is not None:
        raise HouseholdAlreadyMerged(household_id, state.merged_into)
    if state.registered.list != REGISTER_LIST:
        raise NoPovertyHousehold(household_id)
    if on < state.registered_on:
        raise BeforeHouseholdChange(state.registered_on)

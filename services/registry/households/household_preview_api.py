"""Every change of a household looked at before it is made, over HTTP: before, after, who belongs elsewhere too."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from uuid import UUID

from fastapi import APIRouter
from pydantic import BaseModel

from services.registry.commands import HouseholdIntent, RegisterHousehold
from services.registry.handlers import Registry
from services.registry.households import household_proposals, household_views
from services.registry.households.household_api import (
    Entry,
    HeadChange,
    Joining,
    Leaving,
    Move,
    Sender,
    Stated,
    reach_of,
    registration,
)
from services.registry.households.household_asking_api import Exit, Merge, Side, Split, side
from services.registry.households.household_life import Household
from services.registry.households.households import Changing
from services.registry.projections import REGISTER
from services.registry.purposes import check_purpose
from services.registry.reference.division_codes import check_division
from shared.database.scopes import Scope
from shared.kernel.clock import today
from shared.kernel.masking import mask_name
from shared.web.viewers import Viewer

_PROVINCE = 2  # digits of a division's code: an office's households live in several counties


class Elsewhere(BaseModel):
    member_id: UUID
    name: str
    household_id: UUID


class BeforeAfter(BaseModel):
    """What a change would do now; nothing is recorded. ``elsewhere``: members after it who belong to another household
    of the list as well, so that a person asks before both are kept."""

    before: list[Side]
    after: list[Side]
    elsewhere: list[Elsewhere] = []


def router(registry: Registry) -> APIRouter:
    """The routes under /v1."""
    routes = APIRouter(prefix="/v1")

    def shown(intent: HouseholdIntent | RegisterHousehold, viewer: Viewer, why: str | None = None) -> BeforeAfter:
        if why is not None:
            check_purpose(why)
        with registry.database.writing() as connection:
            found = household_proposals.preview(
                Changing(registry, connection, reach_of(viewer, registry.division)), intent
            )
        before, after = ([side(*each) for each in sides.items()] for sides in (found.before, found.after))
        return BeforeAfter(before=before, after=after, elsewhere=_elsewhere(registry, found.after))

    @routes.post("/households/{household_id}/split/preview")
    def split(household_id: UUID, body: Split, viewer: Sender) -> BeforeAfter:
        """What asking for it would ask for; refused as that is."""
        return shown(body.intent(household_id), viewer, body.why)

    @routes.post("/households/{household_id}/merge/preview")
    def merge(household_id: UUID, body: Merge, viewer: Sender) -> BeforeAfter:
        """The same of a merger."""
        return shown(body.intent(household_id), viewer, body.why)

    @routes.post("/households/{household_id}/register-exit/preview")
    def leave(household_id: UUID, body: Exit, viewer: Sender) -> BeforeAfter:
        """The same of an exit."""
        return shown(body.intent(household_id), viewer, body.why)

    @routes.post("/households/{household_id}/head/preview")
    def head(household_id: UUID, body: HeadChange, viewer: Sender) -> BeforeAfter:
        """What recording it would record; refused as that is."""
        return shown(body.intent(household_id), viewer)

    @routes.post("/households/preview")
    def register(body: Stated, viewer: Sender, as_of: date | None = None) -> BeforeAfter:
        """The same of a household stated whole."""
        return shown(registration(registry, viewer, body, as_of or today()), viewer)

    @routes.post("/households/{household_id}/join/preview")
    def join(household_id: UUID, body: Joining, viewer: Sender) -> BeforeAfter:
        """The same of somebody who joins."""
        return shown(body.intent(household_id), viewer)

    @routes.post("/households/{household_id}/leave/preview")
    def depart(household_id: UUID, body: Leaving, viewer: Sender) -> BeforeAfter:
        """The same of a member who leaves."""
        return shown(body.intent(household_id), viewer)

    @routes.post("/households/{household_id}/move/preview")
    def move(household_id: UUID, body: Move, viewer: Sender) -> BeforeAfter:
        """The same of a move."""
        check_division(registry, viewer.scope, body.division_code, body.on)
        return shown(body.intent(household_id), viewer)

    @routes.post("/households/{household_id}/register-entry/preview")
    def enter(household_id: UUID, body: Entry, viewer: Sender) -> BeforeAfter:
        """The same of an entry to the poverty register."""
        return shown(body.intent(household_id), viewer)

    return routes


def _elsewhere(registry: Registry, after: Mapping[UUID, Household]) -> list[Elsewhere]:
    """An office's own households, wherever in the province they live."""
    people = [member.personal for state in after.values() for member in state.members.values() if member.personal]
    named = {each.person_id: each for each in people if each.id_number is not None}
    numbers = [each.id_number for each in named.values() if each.id_number is not None]
    list_name = next(state.registered.list for state in after.values() if state.registered is not None)
    with registry.database.reading(Scope(division=registry.division[:_PROVINCE]), REGISTER.name) as connection:
        found = household_views.also_in(connection, today(), list_name, numbers, after)
    return [
        Elsewhere(member_id=key, name=mask_name(named[key].name), household_id=household)
        for key, household in found
        if key in named
    ]

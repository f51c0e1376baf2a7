"""Changes of households over HTTP: the household as it stands, and the changes that take two people asked for."""

from __future__ import annotations

from datetime import date
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Connection

from services.registry.commands import HouseholdIntent, LeaveRegister, MergeHousehold, SplitHousehold
from services.registry.errors import HouseholdUnknown
from services.registry.events import ListName
from services.registry.handlers import Registry
from services.registry.household_events import RegisterExit
from services.registry.households import household_proposals, household_views
from services.registry.households.household_api import MEMBERS_MAX, Sender, reach_of
from services.registry.households.household_life import Household
from services.registry.households.household_views import HouseholdOfStudent
from services.registry.households.households import Changing
from services.registry.projections import REGISTER
from services.registry.purposes import check_purpose
from services.registry.queries import RegisterTime
from shared.kernel.clock import today
from shared.kernel.masking import mask_address, mask_name, mask_number
from shared.standards.rights import Right
from shared.web.commands import command_from
from shared.web.viewers import Viewer, require

Reader = Annotated[Viewer, Depends(require(Right.HOUSEHOLDS_ASK))]
StudentReader = Annotated[Viewer, Depends(require(Right.HOUSEHOLDS_READ))]
Why = Annotated[str, Field(min_length=2, max_length=200)]


class Split(BaseModel):
    """Members who become a household of their own under ``household_number``, the agency's own. ``head_id`` is one of
    them; ``remaining_head_id`` one of those who stay, where the head is among those who leave."""

    model_config = ConfigDict(extra="forbid")

    household_number: str = Field(min_length=1, max_length=40)
    member_ids: tuple[UUID, ...] = Field(min_length=1, max_length=MEMBERS_MAX)
    head_id: UUID | None = None
    remaining_head_id: UUID | None = None
    on: date
    why: Why

    def intent(self, household_id: UUID) -> SplitHousehold:
        members = tuple(dict.fromkeys(self.member_ids))
        heads = (self.head_id, self.remaining_head_id)
        return SplitHousehold(household_id, self.household_number, members, self.on, *heads)


class Merge(BaseModel):
    model_config = ConfigDict(extra="forbid")

    into_household_id: UUID
    on: date
    why: Why

    def intent(self, household_id: UUID) -> MergeHousehold:
        return MergeHousehold(household_id, self.into_household_id, self.on)


class Exit(BaseModel):
    """The household leaves the poverty register on ``on``."""

    model_config = ConfigDict(extra="forbid")

    reason: RegisterExit
    on: date
    why: Why

    def intent(self, household_id: UUID) -> LeaveRegister:
        return LeaveRegister(household_id, self.reason, self.on)


class ProposalMade(BaseModel):
    """Another person has to approve it."""

    proposal_id: UUID


class MemberShown(BaseModel):
    """Masked; ``student_id``: told of a household as it stands now, to who may see students."""

    member_id: UUID
    name: str
    id_number: str
    head: bool
    student_id: UUID | None = None


class Side(BaseModel):
    """A household before or after; ``merged_into``: it is no more. ``address`` is masked; ``register_times``: all its
    times on the poverty register (动态进出)."""

    household_id: UUID
    members: list[MemberShown]
    on_register: bool
    merged_into: UUID | None
    division_code: str | None = None
    address: str = ""
    register_times: list[RegisterTime] = []


class Standing(Side):
    """A household as it stands now, after all that is on record; ``list``: whose household it is."""

    list: ListName


class Named(BaseModel):
    household_id: UUID


def router(registry: Registry) -> APIRouter:
    """The routes under /v1."""
    routes = APIRouter(prefix="/v1")
    _finding(routes, registry)
    _asking(routes, registry)
    return routes


def side(household_id: UUID, state: Household) -> Side:
    """The head first."""
    members = [
        MemberShown(
            member_id=key,
            name=mask_name(member.personal.name if member.personal else None),
            id_number=mask_number(member.personal.id_number if member.personal else None),
            head=key == state.head,
        )
        for key, member in state.members.items()
    ]
    return Side(
        household_id=household_id,
        members=sorted(members, key=lambda each: (not each.head, each.member_id.int)),
        on_register=state.on_register,
        merged_into=state.merged_into,
        division_code=state.registered.division_code if state.registered else None,
        address=mask_address(state.address),
        register_times=[RegisterTime(**each._asdict()) for each in state.register_times],
    )


def _finding(routes: APIRouter, registry: Registry) -> None:
    def read(connection: Connection, household_id: UUID, viewer: Viewer) -> Household:
        state = Changing(registry, connection, reach_of(viewer, registry.division)).read(household_id)
        if state.registered is None:
            raise HouseholdUnknown(household_id)
        return state

    @routes.get("/households")
    def named(list: ListName, household_number: str, viewer: Reader) -> Named:  # noqa: A002 (the parameter's name)
        """The household that its agency calls by this number."""
        household_id = registry.keys.household(list, household_number)
        with registry.database.writing() as connection:
            read(connection, household_id, viewer)
        return Named(household_id=household_id)

    @routes.get("/households/{household_id}/standing")
    def standing(household_id: UUID, viewer: Reader) -> Standing:
        """What a change would start from."""
        with registry.database.writing() as connection:
            state = read(connection, household_id, viewer)
            sees_students = viewer.has(Right.HOUSEHOLDS_READ)
            students = household_views.students_of(registry, connection, state) if sees_students else {}
        assert state.registered is not None, "an unknown household was refused"
        told = Standing(list=state.registered.list, **side(household_id, state).model_dump())
        for member in told.members:
            member.student_id = students.get(member.member_id)
        return told

    @routes.get("/students/{student_id}/households")
    def of_student(student_id: UUID, viewer: StudentReader, true_on: date | None = None) -> list[HouseholdOfStudent]:
        """The households she belongs to on a day."""
        with registry.database.reading(viewer.scope, REGISTER.name) as connection:
            return household_views.households_of(connection, true_on or today(), student_id)


def _asking(routes: APIRouter, registry: Registry) -> None:
    def ask(intent: HouseholdIntent, why: str, request: Request, viewer: Viewer, body: BaseModel) -> ProposalMade:
        check_purpose(why)
        command = command_from(request, viewer, body)
        return ProposalMade(
            proposal_id=household_proposals.propose(registry, reach_of(viewer, registry.division), intent, why, command)
        )

    @routes.post("/households/{household_id}/split", status_code=202)
    def split(household_id: UUID, body: Split, request: Request, viewer: Sender) -> ProposalMade:
        """Ask that members become a household of their own (分户)."""
        return ask(body.intent(household_id), body.why, request, viewer, body)

    @routes.post("/households/{household_id}/merge", status_code=202)
    def merge(household_id: UUID, body: Merge, request: Request, viewer: Sender) -> ProposalMade:
        """Ask that all members belong to another household of the list (并户)."""
        return ask(body.intent(household_id), body.why, request, viewer, body)

    @routes.post("/households/{household_id}/register-exit", status_code=202)
    def leave(household_id: UUID, body: Exit, request: Request, viewer: Sender) -> ProposalMade:
        """Ask that the household leaves the poverty register (退出)."""
        return ask(body.intent(household_id), body.why, request, viewer, body)

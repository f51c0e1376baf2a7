"""Changes of households that take two people, over HTTP: asked for, looked at before and after, approved or refused."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel, ConfigDict, Field

from services.registry.commands import HouseholdIntent, LeaveRegister, MergeHousehold, SplitHousehold
from services.registry.handlers import Registry
from services.registry.household_events import RegisterExit
from services.registry.households import household_proposals, households
from services.registry.households.household_api import MEMBERS_MAX, Changed, Sender, lists_of
from services.registry.households.household_life import Household
from services.registry.households.household_proposals import Asked
from services.registry.households.households import Changing
from services.registry.purposes import check_purpose
from shared.database.database import driver
from shared.kernel.clock import today
from shared.kernel.masking import mask_name
from shared.kernel.refusals import Refusal
from shared.web.commands import command_from
from shared.web.viewers import AGENCY, AID_CLERK, AUDITOR, Viewer, require

Reader = Annotated[Viewer, Depends(require(AID_CLERK, AGENCY, AUDITOR))]
Why = Annotated[str, Field(min_length=2, max_length=200)]
SHOWN = 100


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


class Merge(BaseModel):
    model_config = ConfigDict(extra="forbid")

    into_household_id: UUID
    on: date
    why: Why


class Exit(BaseModel):
    """The household leaves the poverty register on ``on``."""

    model_config = ConfigDict(extra="forbid")

    reason: RegisterExit
    on: date
    why: Why


class Approval(BaseModel):
    """Names the preview that was read."""

    model_config = ConfigDict(extra="forbid")

    preview_hash: str = Field(min_length=1, max_length=64)


class Refused(BaseModel):
    model_config = ConfigDict(extra="forbid")

    reason: Why


class ProposalMade(BaseModel):
    """Another person has to approve it."""

    proposal_id: UUID


class MemberShown(BaseModel):
    member_id: UUID
    name: str
    head: bool


class Side(BaseModel):
    """A household before or after; ``merged_into``: it is no more."""

    household_id: UUID
    members: list[MemberShown]
    on_register: bool
    merged_into: UUID | None


class ProposalRow(BaseModel):
    proposal_id: UUID
    state: str
    kind: str
    household_id: UUID
    list: str
    reason: str
    proposed_by: str
    proposed_at: datetime
    decided_by: str | None
    decided_at: datetime | None
    decision: str | None


class ProposalDetails(ProposalRow):
    """While it waits: what it would do now, and the hash that an approval names; ``problem``: why it cannot be done any
    more."""

    on: date
    before: list[Side] = []
    after: list[Side] = []
    preview_hash: str | None = None
    problem: str | None = None


def router(registry: Registry) -> APIRouter:
    """The routes under /v1."""
    routes = APIRouter(prefix="/v1")
    _asking(routes, registry)
    _reading(routes, registry)
    _deciding(routes, registry)
    return routes


def _asking(routes: APIRouter, registry: Registry) -> None:
    def ask(intent: HouseholdIntent, why: str, request: Request, viewer: Viewer, body: BaseModel) -> ProposalMade:
        check_purpose(why)
        command = command_from(request, viewer, body)
        return ProposalMade(proposal_id=household_proposals.propose(registry, lists_of(viewer), intent, why, command))

    @routes.post("/households/{household_id}/split", status_code=202)
    def split(household_id: UUID, body: Split, request: Request, viewer: Sender) -> ProposalMade:
        """Ask that members become a household of their own (分户)."""
        members = tuple(dict.fromkeys(body.member_ids))
        heads = (body.head_id, body.remaining_head_id)
        intent = SplitHousehold(household_id, body.household_number, members, body.on, *heads)
        return ask(intent, body.why, request, viewer, body)

    @routes.post("/households/{household_id}/merge", status_code=202)
    def merge(household_id: UUID, body: Merge, request: Request, viewer: Sender) -> ProposalMade:
        """Ask that all members belong to another household of the list (并户)."""
        return ask(MergeHousehold(household_id, body.into_household_id, body.on), body.why, request, viewer, body)

    @routes.post("/households/{household_id}/register-exit", status_code=202)
    def leave(household_id: UUID, body: Exit, request: Request, viewer: Sender) -> ProposalMade:
        """Ask that the household leaves the poverty register (退出)."""
        return ask(LeaveRegister(household_id, body.reason, body.on), body.why, request, viewer, body)


def _reading(routes: APIRouter, registry: Registry) -> None:
    @routes.get("/household-proposals")
    def proposals(viewer: Reader) -> list[ProposalRow]:
        """Those that wait first, then the newest."""
        with registry.database.writing() as connection:
            found = household_proposals.latest(driver(connection), lists_of(viewer), SHOWN)
        return [_row(each) for each in found]

    @routes.get("/household-proposals/{proposal_id}")
    def proposal(proposal_id: UUID, viewer: Reader) -> ProposalDetails:
        """One, with what it would do now; names are masked."""
        lists = lists_of(viewer)
        with registry.database.writing() as connection:
            asked = household_proposals.one(driver(connection), lists, proposal_id)
            intent = household_proposals.opened(registry.keyring, asked)
            details = ProposalDetails(**_row(asked).model_dump(), on=intent.on)
            if asked.state != "waiting":
                return details
            try:
                shown = household_proposals.preview(Changing(registry, connection, lists), intent)
            except Refusal as refused:
                details.problem = refused.zh if viewer.language == "zh" else refused.en
                return details
        details.before = [_side(household, state) for household, state in shown.before.items()]
        details.after = [_side(household, state) for household, state in shown.after.items()]
        details.preview_hash = shown.hash
        return details


def _deciding(routes: APIRouter, registry: Registry) -> None:
    @routes.post("/household-proposals/{proposal_id}/approve")
    def approve(proposal_id: UUID, body: Approval, request: Request, viewer: Sender) -> Changed:
        """Do it: another person than asked for it, who names the preview. ``household_id``: of a split the new one, of
        a merger the one that remains."""
        lists = lists_of(viewer)
        command = command_from(request, viewer, body)
        result = household_proposals.approve(registry, lists, proposal_id, body.preview_hash, command)
        with registry.database.writing() as connection:
            asked = household_proposals.one(driver(connection), lists, proposal_id)
        intent = household_proposals.opened(registry.keyring, asked)
        household_id = intent.household_id
        if isinstance(intent, SplitHousehold):
            household_id = households.split_off(registry, intent)
        if isinstance(intent, MergeHousehold):
            household_id = intent.into_household_id
        return Changed(household_id=household_id, event_ids=result.event_ids)

    @routes.post("/household-proposals/{proposal_id}/refuse")
    def refuse(proposal_id: UUID, body: Refused, request: Request, viewer: Sender) -> ProposalMade:
        """It will not be done; also how one is taken back."""
        check_purpose(body.reason)
        command = command_from(request, viewer, body)
        household_proposals.refuse(registry, lists_of(viewer), proposal_id, body.reason, command, today())
        return ProposalMade(proposal_id=proposal_id)


def _row(asked: Asked) -> ProposalRow:
    return ProposalRow(**{name: getattr(asked, name) for name in ProposalRow.model_fields})


def _side(household_id: UUID, state: Household) -> Side:
    members = [
        MemberShown(
            member_id=key,
            name=mask_name(member.personal.name if member.personal else None),
            head=key == state.head,
        )
        for key, member in state.members.items()
    ]
    return Side(
        household_id=household_id,
        members=sorted(members, key=lambda each: (not each.head, each.member_id.int)),
        on_register=state.on_register,
        merged_into=state.merged_into,
    )

"""Changes of households that take two people, over HTTP: looked at before and after, approved or refused."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel, ConfigDict, Field

from services.registry.commands import MergeHousehold, SplitHousehold
from services.registry.handlers import Registry
from services.registry.households import household_proposals, households
from services.registry.households.household_api import Changed, reach_of
from services.registry.households.household_asking_api import ProposalMade, Reader, Side, Why, side
from services.registry.households.household_proposals import Asked
from services.registry.households.households import Changing
from services.registry.purposes import check_purpose
from shared.database.database import driver
from shared.kernel.clock import today
from shared.kernel.refusals import Refusal
from shared.standards.rights import Right
from shared.standards.separation import HOUSEHOLDS_APPROVE
from shared.web.commands import command_from
from shared.web.viewers import Viewer, require

Approver = Annotated[Viewer, Depends(require(Right.HOUSEHOLDS_APPROVE))]
Refusing = Annotated[Viewer, Depends(require(Right.HOUSEHOLDS_CHANGE, Right.HOUSEHOLDS_APPROVE))]
SHOWN = 100


class Approval(BaseModel):
    """Names the preview that was read."""

    model_config = ConfigDict(extra="forbid")

    preview_hash: str = Field(min_length=1, max_length=64)


class Refused(BaseModel):
    model_config = ConfigDict(extra="forbid")

    reason: Why


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
    more; ``why_not``: why the reader may not approve it."""

    on: date
    why_not: str | None = None
    before: list[Side] = []
    after: list[Side] = []
    preview_hash: str | None = None
    problem: str | None = None


def router(registry: Registry) -> APIRouter:
    """The routes under /v1."""
    routes = APIRouter(prefix="/v1")
    _reading(routes, registry)
    _deciding(routes, registry)
    return routes


def _reading(routes: APIRouter, registry: Registry) -> None:
    @routes.get("/household-proposals")
    def proposals(viewer: Reader) -> list[ProposalRow]:
        """Those that wait first, then the newest."""
        with registry.database.writing() as connection:
            found = household_proposals.latest(driver(connection), reach_of(viewer, registry.division), SHOWN)
        return [_row(each) for each in found]

    @routes.get("/household-proposals/{proposal_id}")
    def proposal(proposal_id: UUID, viewer: Reader) -> ProposalDetails:
        """One, with what it would do now; names are masked."""
        reach = reach_of(viewer, registry.division)
        with registry.database.writing() as connection:
            asked = household_proposals.one(driver(connection), reach, proposal_id)
            intent = household_proposals.opened(registry.keyring, asked)
            why_not = HOUSEHOLDS_APPROVE.why_not(asked.proposed_by, viewer.principal, viewer.language)
            details = ProposalDetails(**_row(asked).model_dump(), on=intent.on, why_not=why_not)
            if asked.state != "waiting":
                return details
            try:
                shown = household_proposals.preview(Changing(registry, connection, reach), intent)
            except Refusal as refused:
                details.problem = refused.zh if viewer.language == "zh" else refused.en
                return details
        details.before = [side(household, state) for household, state in shown.before.items()]
        details.after = [side(household, state) for household, state in shown.after.items()]
        details.preview_hash = shown.hash
        return details


def _deciding(routes: APIRouter, registry: Registry) -> None:
    @routes.post("/household-proposals/{proposal_id}/approve")
    def approve(proposal_id: UUID, body: Approval, request: Request, viewer: Approver) -> Changed:
        """Do it: another person than asked for it, who names the preview. ``household_id``: of a split the new one, of
        a merger the one that remains."""
        reach = reach_of(viewer, registry.division)
        command = command_from(request, viewer, body)
        result = household_proposals.approve(registry, reach, proposal_id, body.preview_hash, command)
        with registry.database.writing() as connection:
            asked = household_proposals.one(driver(connection), reach, proposal_id)
        intent = household_proposals.opened(registry.keyring, asked)
        household_id = intent.household_id
        if isinstance(intent, SplitHousehold):
            household_id = households.split_off(registry, intent)
        if isinstance(intent, MergeHousehold):
            household_id = intent.into_household_id
        return Changed(household_id=household_id, event_ids=result.event_ids)

    @routes.post("/household-proposals/{proposal_id}/refuse")
    def refuse(proposal_id: UUID, body: Refused, request: Request, viewer: Refusing) -> ProposalMade:
        """It will not be done; also how one is taken back."""
        check_purpose(body.reason)
        command = command_from(request, viewer, body)
        household_proposals.refuse(
            registry, reach_of(viewer, registry.division), proposal_id, body.reason, command, today()
        )
        return ProposalMade(proposal_id=proposal_id)


def _row(asked: Asked) -> ProposalRow:
    return ProposalRow(**{name: getattr(asked, name) for name in ProposalRow.model_fields})

"""The matching model over HTTP: which one decides and which did, what a proposed one would change, and its activation
by a second person. For those whose scope is the whole division: a model decides about every row of it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from services.matching import model_handlers, model_queries
from services.matching.active_model import Activation
from services.matching.commands import ActivateModel, ProposeModel
from services.matching.errors import ModelUnknown, ProposalUnknown, ReportMissing
from services.matching.ladder import HASH_LENGTH
from services.matching.model_handlers import ModelDesk
from services.matching.model_queries import ChangedListRow, ChangeKind, Models, Proposal, ProposedModel, Sought
from services.matching.outcome import State
from services.matching.projections import ROSTER_VIEW
from shared.database.database import driver
from shared.kernel.refusals import Forbidden, Malformed
from shared.standards.rights import Right
from shared.web.commands import command_from
from shared.web.pages import Page, PageTurn, page_of, page_turn
from shared.web.viewers import Viewer, require

JSON = "application/json"
Turn = Annotated[PageTurn, Depends(page_turn)]
ModelName = Annotated[str, Path(pattern=f"^[0-9a-f]{{{HASH_LENGTH},64}}$", description="its hash, or the beginning")]
# What FastAPI cannot know of a body that is taken as it comes.
_MODEL_BODY = {
    "requestBody": {
        "required": True,
        "description": "A model as `python -m cli.train_model` writes it.",
        "content": {JSON: {"schema": {"type": "object"}}},
    }
}


class ActivationBody(BaseModel):
    """``report_hash``: of the report that was read."""

    model_config = ConfigDict(extra="forbid")

    report_hash: str = Field(pattern="^[0-9a-f]{64}$")


class ActivationDone(BaseModel):
    """The same answer however often the command is repeated."""

    proposal_id: UUID
    event_ids: tuple[UUID, ...]


def router(desk: ModelDesk, division: str) -> APIRouter:
    """The routes under /v1/models. ``division``: the installation's."""
    routes = APIRouter(prefix="/v1")
    reader, proposer = whole(division, Right.MODELS_READ), whole(division, Right.MODELS_PROPOSE)
    _proposals(routes, desk, reader, proposer)
    _changes(routes, desk, reader, whole(division, Right.MODELS_ACTIVATE))
    _models(routes, desk, reader)
    return routes


Permitted = Callable[[Viewer], Awaitable[Viewer]]


def whole(division: str, *rights: Right) -> Permitted:
    """Dependency: the viewer, if they hold one of the rights for the whole division. Raises Forbidden."""

    async def found(viewer: Viewer = Depends(require(*rights))) -> Viewer:
        if viewer.scope.division is None or not division.startswith(viewer.scope.division):
            raise Forbidden("模型关系到全县,须由全县范围的人员办理", "A model concerns the whole division")
        return viewer

    return found


async def body_as_sent(request: Request) -> bytes:
    """Dependency: the bytes of the body."""
    return await request.body()


def _models(routes: APIRouter, desk: ModelDesk, reader: Permitted) -> None:
    @routes.get("/models")
    def models(viewer: Viewer = Depends(reader)) -> Models:
        """The model in force and those before it."""
        with desk.database.reading(viewer.scope, ROSTER_VIEW.name) as connection:
            return model_queries.models(connection, desk.models)

    @routes.get("/models/in-force", response_class=Response, responses={200: {"content": {JSON: {}}}})
    def in_force(viewer: Viewer = Depends(require(Right.MODELS_USE))) -> Response:
        """The model that decides now, as it was hashed: who checks files before sending them decides as the service
        will, whatever their scope."""
        with desk.database.reading(viewer.scope, ROSTER_VIEW.name) as connection:
            found = desk.models.activations(connection)
        if not found:
            raise ModelUnknown
        return _as_hashed(found[-1])

    @routes.get("/models/{name}", response_class=Response, responses={200: {"content": {JSON: {}}}})
    def content(name: ModelName, viewer: Viewer = Depends(reader)) -> Response:
        """A model that was ever in force, as it was hashed: what the decisions that name it rest on."""
        with desk.database.reading(viewer.scope, ROSTER_VIEW.name) as connection:
            found = desk.models.named(connection, name)
        if found is None:
            raise ModelUnknown
        return _as_hashed(found)


def _as_hashed(found: Activation) -> Response:
    return Response(found.fact.content.encode(), media_type=JSON, headers={"etag": f'"{found.hash}"'})


def _proposals(routes: APIRouter, desk: ModelDesk, reader: Permitted, proposer: Permitted) -> None:
    def one(viewer: Viewer, proposal_id: UUID) -> Proposal:
        with desk.database.reading(viewer.scope, ROSTER_VIEW.name) as connection:
            raw = driver(connection)
            found = model_queries.proposal(
                raw, proposal_id, viewer.principal, activates=viewer.has(Right.MODELS_ACTIVATE)
            )
        if found is None:
            raise ProposalUnknown(proposal_id)
        return found

    @routes.get("/models/proposals")
    def proposals(viewer: Viewer = Depends(reader)) -> list[ProposedModel]:
        """The newest proposals, the last one first."""
        with desk.database.reading(viewer.scope, ROSTER_VIEW.name) as connection:
            return model_queries.proposed(driver(connection))

    @routes.post("/models/proposals", status_code=202, openapi_extra=_MODEL_BODY)
    def propose(
        request: Request, sent: Annotated[bytes, Depends(body_as_sent)], viewer: Viewer = Depends(proposer)
    ) -> Proposal:
        """Propose a model (at most 1 MB of JSON); the report of what it would change is made beside."""
        command = command_from(request, viewer, sent)
        return one(viewer, model_handlers.propose_model(desk, ProposeModel(sent, viewer.principal), command))

    @routes.get("/models/proposals/{proposal_id}")
    def proposal(proposal_id: UUID, viewer: Viewer = Depends(reader)) -> Proposal:
        """A proposal: how far its report is, or the report."""
        return one(viewer, proposal_id)


def _changes(routes: APIRouter, desk: ModelDesk, reader: Permitted, activator: Permitted) -> None:
    @routes.get("/models/proposals/{proposal_id}/rows")
    def rows(
        proposal_id: UUID,
        turn: Turn,
        before_state: Annotated[State | None, Query(description="only rows that end so today")] = None,
        after_state: Annotated[State | None, Query(description="only rows that would end so")] = None,
        kind: Annotated[ChangeKind | None, Query(description="only the rows behind this sum of the report")] = None,
        viewer: Viewer = Depends(reader),
    ) -> Page[ChangedListRow]:
        """The list rows that the model would decide otherwise, by id."""
        beyond = None if turn.after is None else turn.after[0]
        if beyond is not None and not isinstance(beyond, UUID):
            raise Malformed("翻页标记无效,请从第一页开始", "The page cursor is not valid; start from the first page")
        with desk.database.reading(viewer.scope, ROSTER_VIEW.name) as connection:
            raw = driver(connection)
            stands = model_queries.proposed(raw, proposal_id)
            if not stands:
                raise ProposalUnknown(proposal_id)
            if stands[0].report_hash is None:
                raise ReportMissing(proposal_id, stands[0].state)
            found = model_queries.changed(raw, proposal_id, Sought(before_state, after_state, kind), beyond, turn.fetch)
        return page_of(found, turn, key=lambda row: (row.entry_id,))

    @routes.post("/models/proposals/{proposal_id}/activation")
    def activate(
        proposal_id: UUID, body: ActivationBody, request: Request, viewer: Viewer = Depends(activator)
    ) -> ActivationDone:
        """Let the model decide from now on; every row is decided again. Another person than who proposed it."""
        intent = ActivateModel(proposal_id, body.report_hash, viewer.principal)
        result = model_handlers.activate_model(desk, intent, command_from(request, viewer, body))
        return ActivationDone(proposal_id=proposal_id, event_ids=result.event_ids)

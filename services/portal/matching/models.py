"""The matching model: which one decides, what a proposed one would change with the rows behind each number, and its
activation by a second person."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any
from urllib.parse import urlencode
from uuid import NAMESPACE_URL, UUID, uuid5

from fastapi import APIRouter, Depends, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse, Response

from services.portal.backends import Backends, Param, Refused
from services.portal.forms import Sent, command_id, refusal_shown, text
from services.portal.rendering import Rendering
from services.portal.session import Opening, check_form, opening, permit
from shared.kernel.identifiers import new_event_id
from shared.kernel.refusals import Malformed
from shared.standards.rights import Right
from shared.web.bodies import Upload, received_file

router = APIRouter(include_in_schema=False)
Opened = Annotated[Opening, Depends(opening)]
KINDS = ("newly_linked", "links_lost", "links_moved", "reviews_opened", "reviews_closed")
PAGE_ROWS = 50
_SHOWN_AGAIN = (409, 413, 422, 503)  # refusals after which the person goes on on the same page
_FILTERS = ("before_state", "after_state", "kind")
_FILTER_CHARACTERS = 40


@router.get("/models", dependencies=[permit(Right.MODELS_READ)])
async def models(request: Request, opened: Opened) -> Response:
    """The model in force, what was proposed, and the form."""
    return await _models(request, opened)


@router.get("/models/proposals")
async def proposals() -> Response:
    """Where a reload, or another language, after a refused proposal comes to."""
    return RedirectResponse("/models", 303)


@router.get("/models/proposals/{proposal_id}/activation")
async def activation(proposal_id: UUID) -> Response:
    """The same after a refused activation."""
    return RedirectResponse(f"/models/proposals/{proposal_id}", 303)


@router.post("/models/proposals", dependencies=[permit(Right.MODELS_PROPOSE)])
async def propose(request: Request, opened: Opened, upload: Annotated[Upload, Depends(received_file)]) -> Response:
    """Send the file on as it is; leads to its report. The same file of the same form counts once."""
    check_form(request, upload.fields.get("form_token"))
    try:
        made = UUID(upload.fields.get("command_id", ""))
    except ValueError:
        raise Malformed("表单不完整,请刷新后重试", "The form is incomplete; reload and try again") from None
    backends: Backends = request.app.state.backends
    content = await run_in_threadpool(upload.path.read_bytes)
    command = str(uuid5(uuid5(NAMESPACE_URL, str(made)), upload.sha256))
    try:
        answer = await backends.post(
            opened.caller, "matching", "/v1/models/proposals", command_id=command, content=content
        )
    except Refused as refused:
        return await _models(request, opened, refused)
    return RedirectResponse(f"/models/proposals/{answer.body['proposal_id']}", 303)


@router.get("/models/proposals/{proposal_id}", dependencies=[permit(Right.MODELS_READ)])
async def proposal(request: Request, proposal_id: UUID, opened: Opened) -> Response:
    """How far the report is, or the report; the page's script asks for that part alone (``?part=state``)."""
    return await _proposal(request, opened, proposal_id)


@router.post("/models/proposals/{proposal_id}/activation", dependencies=[permit(Right.MODELS_ACTIVATE)])
async def activate(request: Request, proposal_id: UUID, opened: Opened, form: Sent) -> Response:
    """Let the model decide; the form names the report that was read."""
    backends: Backends = request.app.state.backends
    path, body = f"/v1/models/proposals/{proposal_id}/activation", {"report_hash": text(form, "report_hash")}
    try:
        await backends.post(opened.caller, "matching", path, body, command_id=command_id(form))
    except Refused as refused:
        return await _proposal(request, opened, proposal_id, refused)
    return RedirectResponse("/models?done=activated", 303)


async def _models(request: Request, opened: Opening, refused: Refused | None = None) -> Response:
    """The page, with a refusal where there was one. Raises what is no answer to a form."""
    shown = refusal_shown(opened, refused, _SHOWN_AGAIN)
    backends: Backends = request.app.state.backends
    rendering: Rendering = request.app.state.rendering
    told = (await backends.get(opened.caller, "matching", "/v1/models")).body
    proposed = (await backends.get(opened.caller, "matching", "/v1/models/proposals")).body
    return rendering.page(
        request,
        opened,
        "models.html",
        told=told,
        proposed=proposed,
        may_propose=opened.viewer.has(Right.MODELS_PROPOSE),
        command_id=str(new_event_id()),
        **shown,
    )


async def _proposal(request: Request, opened: Opening, proposal_id: UUID, refused: Refused | None = None) -> Response:
    shown = refusal_shown(opened, refused, _SHOWN_AGAIN)
    backends: Backends = request.app.state.backends
    rendering: Rendering = request.app.state.rendering
    path = f"/v1/models/proposals/{proposal_id}"
    told = (await backends.get(opened.caller, "matching", path)).body
    narrowed = _narrowed(request)
    rows: Mapping[str, Any] = {"items": [], "next": None}
    if told["report"] is not None:
        after = request.query_params.get("after", "")
        asked: dict[str, Param] = {**narrowed, "after": after, "limit": PAGE_ROWS}
        rows = (await backends.get(opened.caller, "matching", f"{path}/rows", asked)).body
    here = f"/models/proposals/{proposal_id}"
    part = request.query_params.get("part") == "state"
    return rendering.page(
        request,
        opened,
        "_model_proposal.html" if part else "model_proposal.html",
        told=told,
        here_proposal=here,
        matrix=None if told["report"] is None else _matrix(told["report"]),
        kinds=KINDS,
        narrowed=narrowed,
        rows=rows["items"],
        following=_address(here, **narrowed, after=rows["next"]) if rows["next"] else None,
        command_id=str(new_event_id()),
        **shown,
    )


def _narrowed(request: Request) -> dict[str, str]:
    """Which of the changed rows the address asks for."""
    given = {name: request.query_params.get(name, "")[:_FILTER_CHARACTERS] for name in _FILTERS}
    return {name: value for name, value in given.items() if value}


def _matrix(report: Mapping[str, Any]) -> dict[str, Any]:
    """The counts as a table: ``states`` across and down, ``cells`` (before, after) → count with changed."""
    cells = {(each["before"], each["after"]): each for each in report["states"]}
    states = [state for state in _STATES if any(state in pair for pair in cells)]
    return {"states": states, "cells": cells}


_STATES = ("linked", "review", "not_in_register", "registered_elsewhere", "out_of_age", "rejected")


def _address(path: str, **query: str) -> str:
    return f"{path}?{urlencode(query)}#changed"

"""Proofs: how each log stands and who has put their name to it, and that one record is in it, step by step.

What is shown here convinces nobody who does not trust this page: the files are there to be checked elsewhere, with keys
that came by another way.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from services.portal.auditing.audit_changes import CauseShown, cause_shown
from services.portal.backends import Backends, BackendTrouble, Params, Refused
from services.portal.rendering import Rendering
from services.portal.session import Opening, opening, permit
from shared.kernel.clock import SHANGHAI
from shared.kernel.refusals import NotFound
from shared.standards.rights import Right
from shared.transparency.answers import InclusionProof
from shared.transparency.checkpoints import Checkpoint, unverified
from shared.transparency.notes import NoteBroken, told_signatures
from shared.transparency.verifying import ProofBroken, Step, inclusion_steps

router = APIRouter(include_in_schema=False)
Opened = Annotated[Opening, Depends(opening)]


@dataclass(frozen=True)
class LogShown:
    """One log. ``size`` and ``root``: of its own last checkpoint (None: nothing signed, or it does not answer);
    ``cosigned``: the size its witnesses have seen; ``witnesses``: (name, when)."""

    service: str
    size: int | None
    root: str
    cosigned: int | None
    witnesses: list[tuple[str, str]]
    age_seconds: int | None


@dataclass(frozen=True)
class ProofShown:
    """``agrees``: the steps lead to the root that the checkpoint names."""

    service: str
    index: int
    size: int
    leaf: str
    root: str
    steps: list[Step]
    agrees: bool
    signers: list[str]


@router.get("/audit/proofs", dependencies=[permit(Right.LOGS_READ)])
async def proofs(request: Request, opened: Opened) -> Response:
    """The logs; with service and index the proof; with an id the records it leads to."""
    backends: Backends = request.app.state.backends
    rendering: Rendering = request.app.state.rendering
    query = request.query_params
    typed = {name: query.get(name, "").strip()[:40] for name in ("service", "index", "record")}
    proof, complaint = None, ""
    places: Mapping[str, Any] | None = None
    try:
        if typed["record"]:
            places = await _places(backends, opened, typed["record"])
        elif typed["service"] and typed["index"].isdecimal():
            proof = await _proof(backends, opened, typed["service"], int(typed["index"]))
    except BackendTrouble as trouble:
        complaint = trouble.detail or opened.texts("error.title_502")
    except ValueError:
        complaint = opened.texts("proofs.no_id")
    logs = await _logs(backends, opened)
    return rendering.page(
        request,
        opened,
        "proofs.html",
        typed=typed,
        logs=logs,
        services=[log.service for log in logs or ()] or list(backends.addresses),
        proof=proof,
        places=places,
        complaint=complaint,
    )


@router.get("/audit/proofs/{service}/{index}.proof", dependencies=[permit(Right.LOGS_READ)])
async def proof_file(request: Request, service: str, index: int, opened: Opened) -> Response:
    """The proof as `./rollcall verify inclusion` reads it; ``size``: in the tree that was shown."""
    params: Params = {"index": str(index), "size": request.query_params.get("size")}
    content = await _file(request, opened, service, "/v1/log/proof/inclusion", params)
    return _kept(content, f"{service}-{index}.proof", "application/json")


@router.get("/audit/proofs/{service}/{index}.json", dependencies=[permit(Right.LOGS_READ)])
async def event_file(request: Request, service: str, index: int, opened: Opened) -> Response:
    """The record as it is hashed, sealed."""
    content = await _file(request, opened, service, f"/v1/log/events/{index}")
    return _kept(content, f"{service}-{index}.json", "application/json")


@router.get("/audit/proofs/{service}/checkpoint.note", dependencies=[permit(Right.LOGS_READ)])
async def note_file(request: Request, service: str, opened: Opened) -> Response:
    """The last checkpoint as the witness has cosigned it."""
    if service not in request.app.state.backends.addresses:
        raise NotFound("没有这个系统的记录", "There is no such log")
    content = await _file(request, opened, "audit", f"/v1/witness/{service}/checkpoint")
    return _kept(content, f"{service}.note", "text/plain; charset=utf-8")


async def _file(request: Request, opened: Opening, service: str, path: str, params: Params | None = None) -> bytes:
    backends: Backends = request.app.state.backends
    if service not in backends.addresses:
        raise NotFound("没有这个系统的记录", "There is no such log")
    return await _content(backends, opened, service, path, params)


async def _content(backends: Backends, opened: Opening, service: str, path: str, params: Params | None = None) -> bytes:
    return b"".join([piece async for piece in await backends.download(opened.caller, service, path, params)])


def _kept(content: bytes, name: str, media_type: str) -> Response:
    headers = {"content-disposition": f'attachment; filename="{name}"'}
    return Response(content, media_type=media_type, headers=headers)


async def _places(backends: Backends, opened: Opening, record: str) -> Mapping[str, Any]:
    """Where the records about an id stand. Raises ValueError for what is no id."""
    body = (await backends.post(opened.caller, "audit", "/v1/records", {"record_id": str(UUID(record))})).body
    items: list[CauseShown] = [cause_shown(item, opened.texts) for item in body["items"]]
    return {"items": items, "more": body["more"]}


async def _proof(backends: Backends, opened: Opening, service: str, index: int) -> ProofShown:
    if service not in backends.addresses:
        raise NotFound("没有这个系统的记录", "There is no such log")
    answer = await backends.get(opened.caller, service, "/v1/log/proof/inclusion", {"index": str(index)})
    found = InclusionProof.model_validate(answer.body)
    checkpoint, steps, agrees = unverified(found.checkpoint), [], False
    try:
        steps = inclusion_steps(found.leaf, found.log_index - 1, found.size, found.path)
        top = steps[-1].found if steps else found.leaf
        agrees = (checkpoint.size, checkpoint.root) == (found.size, top)
    except ProofBroken:
        pass  # shown as what it is
    return ProofShown(
        service=service,
        index=found.log_index,
        size=found.size,
        leaf=found.leaf.hex(),
        root=checkpoint.root.hex(),
        steps=steps,
        agrees=agrees,
        signers=[each.name for each in told_signatures(found.checkpoint)],
    )


async def _logs(backends: Backends, opened: Opening) -> list[LogShown] | None:
    """All logs in audit's order; None when audit does not answer."""
    try:
        rows = (await backends.get(opened.caller, "audit", "/v1/witness")).body["items"]
    except BackendTrouble:
        return None
    names = [row["service"] for row in rows if row["service"] in backends.addresses]
    return list(await asyncio.gather(*(_log(backends, opened, name) for name in names)))


async def _log(backends: Backends, opened: Opening, service: str) -> LogShown:
    own, witnessed = await asyncio.gather(
        _note(backends, opened, service, "/v1/log/checkpoint"),
        _note(backends, opened, "audit", f"/v1/witness/{service}/checkpoint"),
    )
    signed = [] if witnessed is None else [each for each in told_signatures(witnessed[1]) if each.moment]
    newest = max((each.moment for each in signed), default=None)
    seen = [(each.name, f"{datetime.fromtimestamp(each.moment, SHANGHAI):%Y-%m-%d %H:%M:%S}") for each in signed]
    last = own or witnessed
    return LogShown(
        service=service,
        size=None if own is None else own[0].size,
        root="" if last is None else last[0].root.hex(),
        cosigned=None if witnessed is None else witnessed[0].size,
        witnesses=seen,
        age_seconds=None if newest is None else max(0, int(datetime.now(UTC).timestamp()) - newest),
    )


async def _note(backends: Backends, opened: Opening, service: str, path: str) -> tuple[Checkpoint, str] | None:
    """A checkpoint with its note; None when there is none, or nobody answers."""
    try:
        note = (await _content(backends, opened, service, path)).decode()
        return unverified(note), note
    except (Refused, BackendTrouble, NoteBroken, UnicodeDecodeError):
        return None

"""Acts on the table of what agencies sent: removals confirmed, a submission withdrawn."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Request
from starlette.datastructures import FormData
from starlette.responses import RedirectResponse, Response

from services.portal.backends import Backends, Refused
from services.portal.forms import Sent, back, command_id, text
from services.portal.registry.imports import imports_page
from services.portal.session import Opening, opening, permit
from services.portal.tables.table_pages import SUBMISSIONS
from services.portal.tables.unsent import shown_again
from shared.kernel.refusals import Malformed
from shared.standards.rights import Right

router = APIRouter(include_in_schema=False)
Opened = Annotated[Opening, Depends(opening)]


@router.get("/imports/{submission_id}/confirm")
@router.get("/imports/{submission_id}/withdraw")
async def act_address(submission_id: UUID) -> Response:
    """Where a reload after a refused act comes to."""
    return RedirectResponse("/imports", 303)


@router.post("/imports/{submission_id}/confirm", dependencies=[permit(Right.LISTS_SEND)])
async def confirm(request: Request, submission_id: UUID, opened: Opened, form: Sent) -> Response:
    """Let the rows that a held snapshot left out leave the list."""
    return await _act(request, opened, form, submission_id, "confirm", None)


@router.post("/imports/{submission_id}/withdraw", dependencies=[permit(Right.LISTS_SEND)])
async def withdraw(request: Request, submission_id: UUID, opened: Opened, form: Sent) -> Response:
    """Undo what a submission did, row by row."""
    return await _act(request, opened, form, submission_id, "withdraw", {"reason": text(form, "reason")})


async def _act(request: Request, opened: Opening, form: FormData, submission_id: UUID, act: str, body: Any) -> Response:
    backends: Backends = request.app.state.backends
    path = f"/v1/submissions/{submission_id}/{act}"
    try:
        await backends.post(opened.caller, "registry", path, body, command_id=command_id(form))
    except (Refused, Malformed) as refused:
        return await shown_again(request, opened, form, refused, imports_page, [SUBMISSIONS], [])
    return back(form, act, "/imports")

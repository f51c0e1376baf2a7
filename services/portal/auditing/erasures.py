"""Acts on the tables of erasure and legal hold; audit decides, and knows that two people must agree."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Request
from starlette.responses import RedirectResponse, Response

from services.portal.auditing.erasure_pages import ERASURES, ERASURES_DUE
from services.portal.backends import Backends, Refused
from services.portal.forms import Sent, back, command_id, text
from services.portal.session import Opening, opening, permit
from services.portal.tables.tables import table_again
from shared.kernel.refusals import Malformed
from shared.standards.rights import Right

router = APIRouter(include_in_schema=False)
Opened = Annotated[Opening, Depends(opening)]
# act → path at audit, and the fields it takes
ACTS = {
    "request": ("erasures/{}/request", ("ground", "reason")),
    "approve": ("erasures/{}/approve", ()),
    "refuse": ("erasures/{}/refuse", ("reason",)),
    "hold": ("holds/{}/propose", ("reason", "reference")),
    "release": ("holds/{}/release", ("reason",)),
    "agree": ("holds/{}/approve", ()),
}


@router.get("/erasures/{student_id}/{act}")
async def address(student_id: UUID, act: str) -> Response:
    """Where a reload after a refused act comes to."""
    return RedirectResponse("/erasures", 303)


@router.post("/erasures/{student_id}/{act}", dependencies=[permit(Right.ERASURES_ASK, Right.ERASURES_APPROVE)])
async def acted(request: Request, student_id: UUID, act: str, opened: Opened, form: Sent) -> Response:
    """Ask, approve, refuse, hold, or end a hold."""
    if act not in ACTS:
        return RedirectResponse("/erasures", 303)
    path, fields = ACTS[act]
    body = {name: text(form, name) for name in fields} or None
    backends: Backends = request.app.state.backends
    try:
        await backends.post(opened.caller, "audit", f"/v1/{path.format(student_id)}", body, command_id=command_id(form))
    except (Refused, Malformed) as refused:
        written = ["reason", "reference"]
        return await table_again(request, opened, form, refused, [ERASURES, ERASURES_DUE], written)
    return back(form, "erasure", "/erasures")

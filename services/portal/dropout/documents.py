"""Papers that explain an absence: entered on the child's page, withdrawn from their list."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Request
from starlette.responses import RedirectResponse, Response

from services.portal.backends import Backends, Refused
from services.portal.dropout.alert_pages import DOCUMENTED_ABSENCES
from services.portal.forms import Sent, back, command_id, text
from services.portal.session import Opening, opening, permit
from services.portal.tables.tables import table_again
from shared.kernel.refusals import Malformed
from shared.standards.rights import Right

router = APIRouter(include_in_schema=False)
Opened = Annotated[Opening, Depends(opening)]
_FIELDS = ("kind", "first_day", "last_day", "reference")


@router.get("/students/{student_id}/documents")
async def entered_address(student_id: UUID) -> Response:
    """Where a reload after a refused entry comes to."""
    return RedirectResponse(f"/students/{student_id}#s-absences", 303)


@router.post("/students/{student_id}/documents", dependencies=[permit(Right.ALERTS_WORK)])
async def enter(request: Request, student_id: UUID, opened: Opened, form: Sent) -> Response:
    """A paper says why the child does not come, and until when."""
    backends: Backends = request.app.state.backends
    body = {"student_id": str(student_id)} | {name: text(form, name) for name in _FIELDS}
    path = "/v1/documented-absences"
    await backends.post(opened.caller, "notifications", path, body, command_id=command_id(form))
    return back(form, "document", f"/students/{student_id}")


@router.get("/dropout/documents/{document_id}/withdraw")
async def withdrawn_address(document_id: UUID) -> Response:
    """Where a reload after a refused withdrawal comes to."""
    return RedirectResponse("/dropout/documents", 303)


@router.post("/dropout/documents/{document_id}/withdraw", dependencies=[permit(Right.ALERTS_WORK)])
async def withdraw(request: Request, document_id: UUID, opened: Opened, form: Sent) -> Response:
    """The paper never held: its days count again."""
    backends: Backends = request.app.state.backends
    path = f"/v1/documented-absences/{document_id}/withdraw"
    body = {"reason": text(form, "reason")}
    try:
        await backends.post(opened.caller, "notifications", path, body, command_id=command_id(form))
    except (Refused, Malformed) as refused:
        return await table_again(request, opened, form, refused, [DOCUMENTED_ABSENCES], ["reason"])
    return back(form, "document_withdrawn", "/dropout/documents")

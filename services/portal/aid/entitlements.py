"""Acts on the table of aid: an amount was paid."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Request
from starlette.responses import RedirectResponse, Response

from services.portal.backends import Backends, Refused
from services.portal.forms import Sent, back, command_id, day, text
from services.portal.session import Opening, opening, permit
from services.portal.tables.table_pages import ENTITLEMENTS
from services.portal.tables.tables import table_again
from shared.kernel.refusals import Malformed
from shared.standards.rights import Right

router = APIRouter(include_in_schema=False)
Opened = Annotated[Opening, Depends(opening)]


@router.get("/entitlements/{entitlement_id}/disburse")
async def disburse_address(entitlement_id: UUID) -> Response:
    """Where a reload after a refused payment comes to."""
    return RedirectResponse("/entitlements", 303)


@router.post("/entitlements/{entitlement_id}/disburse", dependencies=[permit(Right.PAYMENTS_SEND)])
async def disburse(request: Request, entitlement_id: UUID, opened: Opened, form: Sent) -> Response:
    """The amount was paid."""
    backends: Backends = request.app.state.backends
    path = f"/v1/entitlements/{entitlement_id}/disburse"
    try:
        body = {"paid_on": day(form, "paid_on"), "reference": text(form, "reference")}
        await backends.post(opened.caller, "disbursement", path, body, command_id=command_id(form))
    except (Refused, Malformed) as refused:
        return await table_again(request, opened, form, refused, [ENTITLEMENTS], ["paid_on", "reference"])
    return back(form, "disburse", "/entitlements")

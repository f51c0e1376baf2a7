"""Forms of the page that become commands of a service. Each form carries the command's id, so sending it twice (a
double click, a reload) does it once."""

from __future__ import annotations

import json
import re
from collections.abc import Container
from typing import Annotated, Any, TypedDict
from urllib.parse import urlsplit
from uuid import UUID, uuid5

from fastapi import APIRouter, Depends, Request
from starlette.datastructures import FormData
from starlette.responses import RedirectResponse, Response

from services.portal.backends import Backends, Refused
from services.portal.session import Opening, check_form, inside, opening, permit
from shared.kernel.refusals import Malformed, Refusal
from shared.standards.rights import Right

router = APIRouter(include_in_schema=False)
Opened = Annotated[Opening, Depends(opening)]
_REFERENCE_CHARACTERS = 200


async def sent_form(request: Request) -> FormData:
    """FastAPI dependency: the form, after its guard. Raises FormExpired."""
    form = await request.form(max_files=0, max_fields=50)
    check_form(request, form.get("form_token"))
    return form


Sent = Annotated[FormData, Depends(sent_form)]


def text(form: FormData, name: str) -> str:
    """A field's text without surrounding blanks."""
    value = form.get(name)
    return value.strip()[:_REFERENCE_CHARACTERS] if isinstance(value, str) else ""


def long_text(form: FormData, name: str, characters: int) -> str:
    """The same of a field that holds more, at most ``characters``."""
    value = form.get(name)
    return value.strip()[:characters] if isinstance(value, str) else ""


def command_id(form: FormData) -> str:
    """The id the form was made with. Raises Malformed."""
    try:
        return str(UUID(text(form, "command_id")))
    except ValueError:
        raise Malformed("表单不完整,请刷新后重试", "The form is incomplete; reload and try again") from None


def command_of(form: FormData, said: Any) -> str:
    """The same form with the same content is one command, another content another. Raises Malformed."""
    return str(uuid5(UUID(command_id(form)), json.dumps(said, sort_keys=True)))


def back(form: FormData, done: str, otherwise: str) -> Response:
    """To where the form stood, with the sentence of what was done."""
    place = inside(text(form, "back") or None, otherwise)
    parts = urlsplit(place)
    query = "&".join(part for part in parts.query.split("&") if part and not part.startswith("done="))
    return RedirectResponse(f"{parts.path}?{query}&done={done}" if query else f"{parts.path}?done={done}", 303)


class Shown(TypedDict):
    """How a page is shown: ``status`` 200 and no ``complaint``, or those of a refusal."""

    status: int
    complaint: str


def refusal_shown(opened: Opening, refused: Refused | Refusal | None, among: Container[int] | None = None) -> Shown:
    """A refusal as the page of the form says it, in the reader's language; None: there was none. ``among``: the
    statuses of a service after which the person goes on on that page, None every one; raises a service's refusal with
    another. What the page itself refused is always said."""
    if refused is None:
        return {"status": 200, "complaint": ""}
    if isinstance(refused, Refusal):
        return {"status": refused.status, "complaint": refused.en if opened.language == "en" else refused.zh}
    if among is not None and refused.status not in among:
        raise refused
    return {"status": refused.status, "complaint": refused.detail or opened.texts("error.title_other")}


def day(form: FormData, name: str) -> str:
    """A day as typed. Raises Malformed."""
    typed = text(form, name)
    if not re.fullmatch(r"\d{4}-\d{2}-\d{2}", typed):
        raise Malformed("请填写日期", "Give a date", field=name)
    return typed


async def _send(request: Request, opened: Opening, form: FormData, service: str, path: str, body: Any) -> None:
    backends: Backends = request.app.state.backends
    await backends.post(opened.caller, service, path, body, command_id=command_id(form))


@router.post("/alerts/{alert_id}/seen", dependencies=[permit(Right.ALERTS_WORK)])
async def alert_seen(request: Request, alert_id: UUID, opened: Opened, form: Sent) -> Response:
    """Someone responsible has read it."""
    await _send(request, opened, form, "notifications", f"/v1/alerts/{alert_id}/seen", {})
    return back(form, "seen", "/alerts")


@router.post("/imports/{submission_id}/confirm", dependencies=[permit(Right.LISTS_SEND)])
async def confirm_removals(request: Request, submission_id: UUID, opened: Opened, form: Sent) -> Response:
    """Let the rows that a held snapshot left out leave the list."""
    await _send(request, opened, form, "registry", f"/v1/submissions/{submission_id}/confirm", None)
    return back(form, "confirm", "/imports")


@router.post("/imports/{submission_id}/withdraw", dependencies=[permit(Right.LISTS_SEND)])
async def withdraw_submission(request: Request, submission_id: UUID, opened: Opened, form: Sent) -> Response:
    """Undo what a submission did, row by row."""
    body = {"reason": text(form, "reason")}
    await _send(request, opened, form, "registry", f"/v1/submissions/{submission_id}/withdraw", body)
    return back(form, "withdraw", "/imports")


@router.post("/entitlements/{entitlement_id}/disburse", dependencies=[permit(Right.PAYMENTS_SEND)])
async def disburse(request: Request, entitlement_id: UUID, opened: Opened, form: Sent) -> Response:
    """The amount was paid."""
    body = {"paid_on": day(form, "paid_on"), "reference": text(form, "reference")}
    await _send(request, opened, form, "disbursement", f"/v1/entitlements/{entitlement_id}/disburse", body)
    return back(form, "disburse", "/entitlements")

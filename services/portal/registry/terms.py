"""Acts on the tasks of a term: done, taken up again."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from starlette.datastructures import FormData
from starlette.responses import RedirectResponse, Response

from services.portal.backends import Backends
from services.portal.forms import Sent, back, command_id, text
from services.portal.session import Opening, opening, permit
from shared.standards.rights import Right

router = APIRouter(include_in_schema=False)
Opened = Annotated[Opening, Depends(opening)]
PLACE = "/terms/tasks"


@router.get("/terms/tasks/{act}")
async def act_address(act: str) -> Response:
    """Where a reload after a refused act comes to."""
    return RedirectResponse(PLACE, 303)


@router.post("/terms/tasks/done", dependencies=[permit(Right.TERMS_DO)])
async def done(request: Request, opened: Opened, form: Sent) -> Response:
    """Somebody did it."""
    body = _named(form) | {"on": text(form, "on") or None, "note": text(form, "note")}
    if count := text(form, "count"):
        body["count"] = count
    await _send(request, opened, form, "done", body)
    return back(form, "task_done", PLACE)


@router.post("/terms/tasks/reopen", dependencies=[permit(Right.TERMS_DO)])
async def reopen(request: Request, opened: Opened, form: Sent) -> Response:
    """It is to be done again."""
    await _send(request, opened, form, "reopen", _named(form) | {"note": text(form, "note")})
    return back(form, "task_reopened", PLACE)


def _named(form: FormData) -> dict[str, Any]:
    named: dict[str, Any] = {name: text(form, name) for name in ("school_year", "term", "task")}
    return named | {"school_code": text(form, "school_code") or None}


async def _send(request: Request, opened: Opening, form: FormData, act: str, body: dict[str, Any]) -> None:
    backends: Backends = request.app.state.backends
    await backends.post(opened.caller, "registry", f"/v1/term-tasks/{act}", body, command_id=command_id(form))

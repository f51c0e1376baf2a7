"""Acts on the tasks of a term: done, taken up again."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from starlette.datastructures import FormData
from starlette.responses import RedirectResponse, Response

from services.portal.backends import Backends, Refused
from services.portal.forms import Sent, back, command_id, text
from services.portal.session import Opening, opening, permit
from services.portal.tables.table_pages import TERM_TASKS
from services.portal.tables.tables import table_again
from shared.kernel.refusals import Malformed
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
    return await _send(request, opened, form, "done", "task_done", body)


@router.post("/terms/tasks/reopen", dependencies=[permit(Right.TERMS_DO)])
async def reopen(request: Request, opened: Opened, form: Sent) -> Response:
    """It is to be done again."""
    return await _send(request, opened, form, "reopen", "task_reopened", _named(form) | {"note": text(form, "note")})


def _named(form: FormData) -> dict[str, Any]:
    named: dict[str, Any] = {name: text(form, name) for name in ("school_year", "term", "task")}
    return named | {"school_code": text(form, "school_code") or None}


async def _send(
    request: Request, opened: Opening, form: FormData, act: str, sentence: str, body: dict[str, Any]
) -> Response:
    backends: Backends = request.app.state.backends
    try:
        await backends.post(opened.caller, "registry", f"/v1/term-tasks/{act}", body, command_id=command_id(form))
    except (Refused, Malformed) as refused:
        return await table_again(request, opened, form, refused, [TERM_TASKS], ["on", "count", "note"])
    return back(form, sentence, PLACE)

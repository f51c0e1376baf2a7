"""Alarms: where a log is not what was signed, who has taken note, and how often everything was compared and agreed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from starlette.responses import RedirectResponse, Response

from services.portal.auditing.standing import Standings
from services.portal.backends import Backends, Refused
from services.portal.forms import Sent, back, command_of, long_text, refusal_shown, text
from services.portal.rendering import Rendering
from services.portal.session import Opening, opening, permit
from shared.kernel.refusals import Malformed
from shared.standards.rights import Right

router = APIRouter(include_in_schema=False)
Opened = Annotated[Opening, Depends(opening)]
DAYS = 30
_NOTE_CHARACTERS = 500


@router.get("/audit/alarms", dependencies=[permit(Right.LOGS_READ)])
async def alarms(request: Request, opened: Opened) -> Response:
    """Everything that was ever found, latest first, and the comparisons of the last days."""
    return await _page(request, opened)


@router.get("/audit/alarms/banner", dependencies=[permit(Right.ALARMS_WATCH)])
async def banner(request: Request, opened: Opened) -> Response:
    """What stands, for a page that has been open for a while."""
    rendering: Rendering = request.app.state.rendering
    return rendering.page(request, opened, "_standing.html")


@router.get("/audit/alarms/acknowledge")
async def address() -> Response:
    """Where a reload after a refused note comes to."""
    return RedirectResponse("/audit/alarms", 303)


@router.post("/audit/alarms/acknowledge", dependencies=[permit(Right.ALARMS_NOTE)])
async def acknowledge(request: Request, opened: Opened, form: Sent) -> Response:
    """Somebody has taken note. The alarm stands."""
    body: dict[str, Any] = {name: text(form, name) for name in ("service", "kind")}
    body["note"] = long_text(form, "note", _NOTE_CHARACTERS)
    if not text(form, "log_index").isdecimal():
        raise Malformed("没有这条警报", "There is no such alarm", field="log_index")
    body["log_index"] = int(text(form, "log_index"))
    backends: Backends = request.app.state.backends
    try:
        await backends.post(opened.caller, "audit", "/v1/alarms/acknowledge", body, command_id=command_of(form, body))
    except Refused as refused:
        return await _page(request, opened, typed=body, **refusal_shown(opened, refused, (400, 404, 409, 422)))
    standings: Standings = request.app.state.standings
    standings.forget()
    return back(form, "alarm_noted", "/audit/alarms")


async def _page(
    request: Request,
    opened: Opening,
    typed: Mapping[str, Any] | None = None,
    complaint: str = "",
    status: int = 200,
) -> Response:
    backends: Backends = request.app.state.backends
    rendering: Rendering = request.app.state.rendering
    found = (await backends.get(opened.caller, "audit", "/v1/alarms")).body["items"]
    compared = (await backends.get(opened.caller, "audit", "/v1/comparisons", {"days": str(DAYS)})).body["items"]
    return rendering.page(
        request,
        opened,
        "alarms.html",
        status=status,
        alarms=found,
        complaint=complaint,
        typed=typed,
        latest=_latest(compared),
        compared=compared,
        days=DAYS,
    )


def _latest(compared: list[Mapping[str, Any]]) -> list[tuple[str, Mapping[str, Any] | None, Mapping[str, Any] | None]]:
    """Log → its last day of comparing the store, and the topic."""
    found: dict[str, dict[str, Mapping[str, Any]]] = {}
    for row in compared:
        found.setdefault(row["service"], {}).setdefault(row["compared"], row)
    return [(service, each.get("store"), each.get("topic")) for service, each in found.items()]

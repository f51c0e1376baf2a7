"""What agencies send: where two contradict each other, and by which rhythm each reports; acts on who is suspended."""

from __future__ import annotations

import re
from typing import Annotated, Any
from urllib.parse import urlencode
from uuid import UUID

from fastapi import APIRouter, Depends, Request
from starlette.datastructures import FormData
from starlette.responses import RedirectResponse, Response

from services.portal.backends import Backends, Param, Refused
from services.portal.forms import Sent, back, command_of, long_text, text
from services.portal.rendering import Rendering
from services.portal.session import Opening, opening, permit
from services.portal.tables.table_pages import FRESHNESS, SUSPENSIONS
from services.portal.tables.table_reading import PAGE_SIZE, items_of
from services.portal.tables.tables import table_again
from shared.kernel.refusals import Malformed
from shared.standards.rights import Right

router = APIRouter(include_in_schema=False)
Opened = Annotated[Opening, Depends(opening)]
SUSPENDED = {"return": ("return", ("on", "grade", "class_name")), "extend": ("extend-suspension", ("on", "due_back"))}
RHYTHMS = ("day_of_month", "weekday", "every_days")
_HOLIDAYS_CHARACTERS = 4_000
_WRITTEN = ("number", "grace_days", "since", "holidays")  # in the form of a rhythm


@router.get("/contradictions", dependencies=[permit(Right.LISTS_READ)])
async def contradictions(request: Request, opened: Opened) -> Response:
    """People of whom two agencies say different things, side by side."""
    backends: Backends = request.app.state.backends
    rendering: Rendering = request.app.state.rendering
    asked: dict[str, Param] = {"after": request.query_params.get("after", ""), "limit": PAGE_SIZE}
    people, cursor = items_of((await backends.get(opened.caller, "registry", "/v1/contradictions", asked)).body)
    following = f"/contradictions?{urlencode({'after': cursor})}" if cursor else None
    return rendering.page(request, opened, "contradictions.html", people=people, following=following)


@router.get("/suspensions/{student_id}/{act}")
async def suspension_address(student_id: UUID, act: str) -> Response:
    """Where a reload after a refused act comes to."""
    return RedirectResponse("/suspensions", 303)


@router.post("/suspensions/{student_id}/{act}", dependencies=[permit(Right.REGISTER_KEEP)])
async def suspended(request: Request, student_id: UUID, act: str, opened: Opened, form: Sent) -> Response:
    """She is back in school, or due back later than was said."""
    if act not in SUSPENDED:
        return RedirectResponse("/suspensions", 303)
    path, fields = SUSPENDED[act]
    body = {name: text(form, name) for name in fields if text(form, name)}
    try:
        await _send(request, opened, form, f"/v1/students/{student_id}/{path}", body)
    except (Refused, Malformed) as refused:
        return await table_again(request, opened, form, refused, [SUSPENSIONS], fields)
    return back(form, f"suspension_{act}", "/suspensions")


@router.get("/freshness/{list_name}")
async def freshness_address(list_name: str) -> Response:
    """Where a reload after a refused contract comes to."""
    return RedirectResponse("/freshness", 303)


@router.post("/freshness/{list_name}", dependencies=[permit(Right.FRESHNESS_AGREE)])
async def agree(request: Request, list_name: str, opened: Opened, form: Sent) -> Response:
    """How often the agency reports the list from now on."""
    rhythm = text(form, "rhythm")
    body: dict[str, Any] = {name: text(form, name) for name in ("since", "grace_days")}
    path = f"/v1/lists/{list_name}/freshness-contract"
    try:
        body |= {rhythm if rhythm in RHYTHMS else RHYTHMS[0]: text(form, "number"), "holidays": _holidays(form)}
        await _send(request, opened, form, path, body, agency=text(form, "agency"))
    except (Refused, Malformed) as refused:
        return await table_again(request, opened, form, refused, [FRESHNESS], _WRITTEN)
    return back(form, "freshness", "/freshness")


def _holidays(form: FormData) -> list[dict[str, str]]:
    """One a line: first and last day. Raises Malformed."""
    found = []
    for number, line in enumerate(long_text(form, "holidays", _HOLIDAYS_CHARACTERS).splitlines(), 1):
        if not line.strip():
            continue
        days = re.findall(r"\d{4}-\d{2}-\d{2}", line)
        if len(days) != 2:
            raise Malformed(
                f"假期第{number}行应为:开始日期 结束日期,日期写作2026-10-01",
                f"Line {number} of the holidays should be: first day, last day; days as 2026-10-01",
                field="holidays",
            )
        found.append({"first": days[0], "last": days[1]})
    return found


async def _send(
    request: Request, opened: Opening, form: FormData, path: str, body: dict[str, Any], **params: str
) -> None:
    backends: Backends = request.app.state.backends
    made = command_of(form, [path, body])
    await backends.post(opened.caller, "registry", path, body, command_id=made, params=params)

"""Handing posts over: the list to sign, its signatures, what changed since. For who administers the post, and for the
two who hand it over and take it over, whoever else they are here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Request
from starlette.datastructures import FormData
from starlette.responses import RedirectResponse, Response, StreamingResponse

from services.portal.backends import Backends, Caller, Refused, Unreachable
from services.portal.forms import Sent, command_id, refusal_shown, text
from services.portal.people.entering import session_caller
from services.portal.people.staff_lists import account_of
from services.portal.rendering import Rendering
from services.portal.session import Opening, opening, permit
from services.portal.work import about_text, title_of
from shared.kernel.refusals import NotFound
from shared.standards.open_work import OPEN_WORK
from shared.standards.rights import Right
from shared.tabular.writing import XLSX
from shared.web.pages import PAGE_ROWS

router = APIRouter(include_in_schema=False)
Opened = Annotated[Opening, Depends(opening)]
READ, KEEP = Right.ACCOUNTS_READ, Right.ACCOUNTS_KEEP
ITEMS_SHOWN = 1_000  # on the page; the workbook has all
# act → whose it is (the administrator's token, or the party's session), and the fields it takes
ACTS: Mapping[str, tuple[bool, tuple[str, ...]]] = {
    "list": (False, ()),
    "absent": (False, ("items_hash", "reason")),
    "confirm": (False, ("items_hash",)),
    "lock-out": (False, ()),
    "withdraw": (False, ("reason",)),
    "sign": (True, ("items_hash", "password")),
    "take-back": (True, ("reason",)),
}
PATHS = {"take-back": "withdraw"}


class _Side:
    """From which side somebody sees a hand-over: whom to ask, and under which path."""

    def __init__(self, caller: Caller, path: str) -> None:
        self.caller, self.path = caller, path


@router.get("/handovers", dependencies=[permit(READ, KEEP)])
async def handovers(request: Request, opened: Opened) -> Response:
    """Those of one's place."""
    return await _administered(request, opened)


@router.get("/account/handovers")
async def own(request: Request, opened: Opened) -> Response:
    """Those one is a party to, and a form to hand one's own post over."""
    if not opened.viewer.session:
        return RedirectResponse("/", 303)  # a demonstration's persona has no account
    return await _own(request, opened)


@router.post("/handovers", dependencies=[permit(KEEP)])
async def open_one(request: Request, opened: Opened, form: Sent) -> Response:
    """Open one as who administers the post; leads to its list."""
    side = _Side(opened.caller, "/v1/handovers")
    try:
        person = await account_of(_backends(request), opened, text(form, "person"))
        body = _said(form) | {"successor": person}
        answer = await _backends(request).post(side.caller, "access", side.path, body, command_id=command_id(form))
    except (Refused, NotFound) as refused:
        return await _administered(request, opened, **refusal_shown(opened, refused))
    return RedirectResponse(f"/handovers/{answer.body['id']}", 303)


@router.post("/account/handovers")
async def open_own(request: Request, opened: Opened, form: Sent) -> Response:
    """Open one's own, to somebody named by the login name."""
    body = _said(form) | {"successor_login": text(form, "successor_login")}
    side = _party(request)
    try:
        answer = await _backends(request).post(side.caller, "access", side.path, body, command_id=command_id(form))
    except Refused as refused:
        return await _own(request, opened, **refusal_shown(opened, refused))
    return RedirectResponse(f"/handovers/{answer.body['id']}", 303)


@router.get("/handovers/{handover_id}")
async def one(request: Request, handover_id: UUID, opened: Opened) -> Response:
    """One: its list, its signatures, and what changed since."""
    return await _one(request, opened, handover_id)


@router.get("/handovers/{handover_id}/sheet.xlsx")
async def sheet(request: Request, handover_id: UUID, opened: Opened) -> Response:
    """交接清单 as a workbook laid out for paper."""
    side = (await _sides(request, opened, handover_id))[0]
    pieces = await _backends(request).download(side.caller, "access", f"{side.path}/{handover_id}/sheet.xlsx")
    headers = {"content-disposition": f'attachment; filename="handover-{handover_id}.xlsx"'}
    return StreamingResponse(pieces, media_type=XLSX, headers=headers)


@router.post("/handovers/{handover_id}/{act}")
async def act(request: Request, handover_id: UUID, act: str, opened: Opened, form: Sent) -> Response:
    """Sign, sign for somebody absent, put out at once, withdraw. A refusal is said above the list."""
    if act not in ACTS:
        raise NotFound("没有这个页面", "No such page")
    of_party, fields = ACTS[act]
    if not of_party:
        opened.allow(KEEP)
    side = _party(request) if of_party else _Side(opened.caller, "/v1/handovers")
    body = {name: text(form, name) for name in fields if text(form, name)} or None
    path = f"{side.path}/{handover_id}/{PATHS.get(act, act)}"
    try:
        await _backends(request).post(side.caller, "access", path, body, command_id=command_id(form))
    except Refused as refused:
        again = refused.code == "sign_in_again"
        return await _one(request, opened, handover_id, password=again, **refusal_shown(opened, refused))
    except Unreachable:
        return await _one(request, opened, handover_id, complaint=opened.texts("handover.away"), status=503)
    return RedirectResponse(f"/handovers/{handover_id}?done=handover", 303)


def _said(form: FormData) -> dict[str, Any]:
    told: dict[str, Any] = {name: text(form, name) for name in ("post_id", "reason")}
    return told | {"at_once": bool(text(form, "at_once"))}


async def _administered(request: Request, opened: Opening, *, complaint: str = "", status: int = 200) -> Response:
    turn = {"after": request.query_params.get("after"), "limit": PAGE_ROWS}
    page = (await _backends(request).get(opened.caller, "access", "/v1/handovers", turn)).body
    told = {"page_address": "/handovers", "posts": [], "complaint": complaint}
    return _rendering(request).page(request, opened, "handovers.html", status=status, page=page, **told)


async def _own(request: Request, opened: Opening, *, complaint: str = "", status: int = 200) -> Response:
    backends, party = _backends(request), _party(request)
    turn = {"after": request.query_params.get("after"), "limit": PAGE_ROWS}
    page = (await backends.get(party.caller, "access", party.path, turn)).body
    me = (await backends.get(party.caller, "access", "/v1/me")).body
    posts = [post for post in me["posts"] if not post["delegated"]]
    told = {"page_address": "/account/handovers", "posts": posts, "complaint": complaint}
    return _rendering(request).page(request, opened, "handovers.html", status=status, page=page, **told)


async def _one(
    request: Request,
    opened: Opening,
    handover_id: UUID,
    *,
    complaint: str = "",
    status: int = 200,
    password: bool = False,
) -> Response:
    backends, sides = _backends(request), await _sides(request, opened, handover_id)
    side = sides[0]
    address = f"{side.path}/{handover_id}"
    row = (await backends.get(side.caller, "access", address)).body
    items = await _items(request, side, handover_id)
    listed = [item for item in items if item["change"] != "added"]
    return _rendering(request).page(
        request,
        opened,
        "handover.html",
        status=status,
        row=row,
        items=listed,
        changes=await _changes(request, sides, handover_id, row),
        kinds={kind.value: title_of(kind, opened.language) for kind in OPEN_WORK},
        about=lambda item: about_text(item["about"], opened.texts),
        complaint=complaint,
        password=password,
        role=_role(opened, row),
        keeps=opened.viewer.has(KEEP) and sides[-1].path == "/v1/handovers",
        needed=["predecessor", "successor", *(["administrator"] if row["by_holder"] else [])],
    )


async def _items(request: Request, side: _Side, handover_id: UUID) -> list[Any]:
    """The first ITEMS_SHOWN of the list."""
    found: list[Any] = []
    after: str | None = None
    while len(found) < ITEMS_SHOWN:
        turn = {"after": after, "limit": PAGE_ROWS}
        page = (await _backends(request).get(side.caller, "access", f"{side.path}/{handover_id}/items", turn)).body
        found += page["items"]
        after = page["next"]
        if after is None:
            break
    return found


async def _changes(request: Request, sides: list[_Side], handover_id: UUID, row: Any) -> Any:
    """What changed since; None where there is no list, or who only reads accounts looks, or a service is away: the list
    itself is shown all the same."""
    if row["items_hash"] is None:
        return None
    for side in sides:
        try:
            address = f"{side.path}/{handover_id}/differences"
            return (await _backends(request).get(side.caller, "access", address)).body
        except (Refused, Unreachable):
            continue
    return None


async def _sides(request: Request, opened: Opening, handover_id: UUID) -> list[_Side]:
    """The sides from which this person may see it, as a party first. Raises NotFound."""
    found = []
    sides = [_party(request)] if opened.viewer.session else []
    if opened.viewer.has(READ, KEEP):
        sides.append(_Side(opened.caller, "/v1/handovers"))
    for side in sides:
        try:
            await _backends(request).get(side.caller, "access", f"{side.path}/{handover_id}")
        except Refused as refused:
            if refused.status != 404:
                raise
        else:
            found.append(side)
    if not found:
        raise NotFound("没有这次交接", "There is no such hand-over")
    return found


def _role(opened: Opening, row: Any) -> str | None:
    """Which party the viewer is."""
    account = opened.viewer.principal
    return next((role for role in ("predecessor", "successor") if row[role] == account), None)


def _party(request: Request) -> _Side:
    return _Side(session_caller(request), "/v1/me/handovers")


def _backends(request: Request) -> Backends:
    backends: Backends = request.app.state.backends
    return backends


def _rendering(request: Request) -> Rendering:
    rendering: Rendering = request.app.state.rendering
    return rendering

"""Accounts and posts, for who administers them. A one-time password is shown once, where its form is answered.

Both lists are filtered and paged by access; a person is chosen by login name, offered as one types (staff_lists.py).
"""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import urlencode
from uuid import UUID

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from services.portal.backends import Backends, Refused
from services.portal.forms import Sent, back, command_id, refusal_shown, text
from services.portal.people.entering import oidc_name
from services.portal.people.staff_lists import (
    FILTERS,
    PEOPLE,
    POSTS_LIST,
    StaffList,
    account_of,
    conditions,
    post_state,
)
from services.portal.rendering import Rendering
from services.portal.session import Opening, opening, permit
from services.portal.tables.table_reading import school_choices
from shared.kernel.refusals import NotFound
from shared.standards.posts import KINDS, POSTS, Kind, Shape
from shared.standards.rights import Right
from shared.web.pages import PAGE_ROWS

router = APIRouter(include_in_schema=False)
Opened = Annotated[Opening, Depends(opening)]
READ, KEEP = Right.ACCOUNTS_READ, Right.ACCOUNTS_KEEP
ACCOUNT_FIELDS = ("login", "name", "division", "school")
POST_FIELDS = ("kind", "division", "school", "school_class", "agency")
# act on a post → path below it, and the fields it takes; ``person`` is a login name, sent as the account's id
POST_ACTS = {
    "fill": ("fill", ("person",)),
    "vacate": ("vacate", ("reason",)),
    "delegate": ("delegations", ("person", "until")),
    "close": ("close", ()),
}


@router.get("/people", dependencies=[permit(READ, KEEP)])
async def people(request: Request, opened: Opened) -> Response:
    """Everybody with an account within one's place."""
    return await _people(request, opened)


@router.post("/people", dependencies=[permit(KEEP)])
async def open_account(request: Request, opened: Opened, form: Sent) -> Response:
    """Open an account and show its one-time password."""
    body = {name: text(form, name) or None for name in ACCOUNT_FIELDS}
    return await _handed(request, opened, "/v1/accounts", body, command_id(form), typed=body)


@router.post("/people/{account_id}/reset", dependencies=[permit(KEEP)])
async def reset(request: Request, account_id: UUID, opened: Opened, form: Sent) -> Response:
    """Give a one-time password; who had the account is out."""
    return await _handed(request, opened, f"/v1/accounts/{account_id}/reset", None, command_id(form))


@router.post("/people/{account_id}/close", dependencies=[permit(KEEP)])
async def close(request: Request, account_id: UUID, opened: Opened, form: Sent) -> Response:
    """Close an account."""
    try:
        await _backends(request).post(
            opened.caller,
            "access",
            f"/v1/accounts/{account_id}/close",
            {"reason": text(form, "reason")},
            command_id=command_id(form),
        )
    except Refused as refused:
        return await _people(request, opened, **refusal_shown(opened, refused))
    return back(form, "people", "/people")


@router.post("/people/{account_id}/identity", dependencies=[permit(KEEP)])
async def announce_identity(request: Request, account_id: UUID, opened: Opened, form: Sent) -> Response:
    """Tell which identity at the issuer is the account's, or take every one away."""
    path, body = f"/v1/accounts/{account_id}/identities", None
    if text(form, "act") == "unlink":
        path += "/unlink"
    else:
        value = form.get("value")  # whole: what is cut off would be somebody else's
        body = {"claim": text(form, "claim"), "value": value.strip() if isinstance(value, str) else ""}
    try:
        await _backends(request).post(opened.caller, "access", path, body, command_id=command_id(form))
    except Refused as refused:
        return await _people(request, opened, **refusal_shown(opened, refused))
    return back(form, "people", "/people")


@router.get("/posts", dependencies=[permit(READ, KEEP)])
async def posts(request: Request, opened: Opened) -> Response:
    """Every post within one's place and who holds it."""
    return await _posts(request, opened)


@router.post("/posts", dependencies=[permit(KEEP)])
async def establish(request: Request, opened: Opened, form: Sent) -> Response:
    """Make a post; what is wrong is said above the form, which keeps what was typed."""
    body = {name: text(form, name) or None for name in POST_FIELDS}
    try:
        await _backends(request).post(opened.caller, "access", "/v1/posts", body, command_id=command_id(form))
    except Refused as refused:
        return await _posts(request, opened, typed=body, **refusal_shown(opened, refused))
    return back(form, "people", "/posts")


@router.post("/posts/{post_id}/{act}", dependencies=[permit(KEEP)])
async def change(request: Request, post_id: UUID, act: str, opened: Opened, form: Sent) -> Response:
    """Fill, vacate, delegate or close a post."""
    if act not in POST_ACTS:
        raise NotFound("没有这个页面", "No such page")
    path, fields = POST_ACTS[act]
    body: dict[str, Any] | None = {name: text(form, name) for name in fields} or None
    address = f"/v1/posts/{post_id}/{path}"
    try:
        if body and "person" in body:
            body["account_id"] = await account_of(_backends(request), opened, body.pop("person"))
        await _backends(request).post(opened.caller, "access", address, body, command_id=command_id(form))
    except (Refused, NotFound) as refused:
        return await _posts(request, opened, **refusal_shown(opened, refused))
    return back(form, "people", "/posts")


async def _handed(
    request: Request, opened: Opening, path: str, body: Any, command: str, typed: dict[str, Any] | None = None
) -> Response:
    try:
        handed = (await _backends(request).post(opened.caller, "access", path, body, command_id=command)).body
    except Refused as refused:
        return await _people(request, opened, typed=typed, **refusal_shown(opened, refused))
    return await _people(request, opened, handed=handed)


async def _people(
    request: Request,
    opened: Opening,
    *,
    complaint: str = "",
    typed: dict[str, Any] | None = None,
    handed: dict[str, Any] | None = None,
    status: int = 200,
) -> Response:
    listed = await _listed(request, opened, PEOPLE)
    rendering: Rendering = request.app.state.rendering
    return rendering.page(
        request,
        opened,
        "people.html",
        status=status,
        **listed,
        complaint=complaint,
        typed=typed or dict.fromkeys(ACCOUNT_FIELDS),
        handed=handed,
        division=opened.viewer.scope.division,
        school=opened.viewer.scope.school,
        oidc=oidc_name(request),
    )


async def _posts(
    request: Request,
    opened: Opening,
    *,
    complaint: str = "",
    typed: dict[str, Any] | None = None,
    status: int = 200,
) -> Response:
    listed = await _listed(request, opened, POSTS_LIST)
    rendering: Rendering = request.app.state.rendering
    return rendering.page(
        request,
        opened,
        "posts.html",
        status=status,
        **listed,
        post_state=post_state,
        complaint=complaint,
        typed=typed or dict.fromkeys(POST_FIELDS),
        kinds=[kind.value for kind in _kinds(opened)],
    )


async def _listed(request: Request, opened: Opening, staff: StaffList) -> dict[str, Any]:
    """A page of a list, with its filters as they stand and what may be chosen in them."""
    backends, wanted = _backends(request), conditions(request, staff)
    turn = {**wanted, "after": request.query_params.get("after"), "limit": PAGE_ROWS}
    page = (await backends.get(opened.caller, "access", staff.source, turn)).body
    own = opened.viewer.scope.school
    return {
        "page": page,
        "wanted": dict.fromkeys(FILTERS, "") | wanted,
        "states": staff.states,
        "schools": [] if own is not None else await school_choices(backends, opened),
        "all_kinds": [kind.value for kind in KINDS],
        "query": urlencode(wanted),
    }


def _kinds(opened: Opening) -> list[Kind]:
    """What can be established here: at a school its teachers' posts only."""
    if opened.viewer.scope.school is None:
        return list(KINDS)
    return [kind for kind in KINDS if POSTS[kind].shape is Shape.CLASS]


def _backends(request: Request) -> Backends:
    backends: Backends = request.app.state.backends
    return backends

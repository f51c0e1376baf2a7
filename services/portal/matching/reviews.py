"""One case under review: two records side by side, decided by keyboard. Works as plain forms; the page's script sends
them without leaving the page and has the next case at hand (static/review.js)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any
from urllib.parse import urlencode
from uuid import UUID

from fastapi import APIRouter, Depends, Request
from starlette.datastructures import FormData
from starlette.responses import RedirectResponse, Response

from services.portal.backends import Backends, Refused
from services.portal.forms import Sent, command_id, refusal_shown, text
from services.portal.rendering import Rendering
from services.portal.session import Opening, opening, permit
from services.portal.tables.columns import Row
from services.portal.tables.table_reading import items_of
from services.portal.texts import Texts
from shared.kernel.identifiers import new_event_id
from shared.kernel.refusals import Malformed
from shared.standards.rights import Right

router = APIRouter(include_in_schema=False)
Opened = Annotated[Opening, Depends(opening)]
LISTS = frozenset({"poverty", "civil", "disability"})
_SHOWN_AGAIN = (400, 409, 412, 422)  # refusals after which the person goes on with the same case
_KEYS = 9
_SOUGHT_CHARACTERS, _SOUGHT_STUDENTS = 60, 10


@router.get("/reviews/{entry_id}", dependencies=[permit(Right.REVIEWS_READ)])
async def review(request: Request, entry_id: UUID, opened: Opened) -> Response:
    """The case, masked; ``?part=case`` is the case without its frame, for the page's script."""
    backends: Backends = request.app.state.backends
    answer = await backends.get(opened.caller, "matching", f"/v1/reviews/{entry_id}", _narrowed(_list_of(request)))
    sought = request.query_params.get("q", "").strip()[:_SOUGHT_CHARACTERS]
    others = await _sought(backends, opened, sought, answer.body) if sought else None
    return _page(request, opened, answer.body, undo=_undo_of(request), sought=sought, others=others)


async def _sought(backends: Backends, opened: Opening, sought: str, case: Mapping[str, Any]) -> list[Row]:
    """Students found by name or number who are not shown as candidates already."""
    answer = await backends.get(opened.caller, "registry", "/v1/students", {"q": sought, "limit": _SOUGHT_STUDENTS})
    shown = {each["student_id"] for each in case["candidates"]}
    items, _ = items_of(answer.body)
    return [row for row in items if row["student_id"] not in shown]


@router.post("/reviews/{entry_id}/reveal", dependencies=[permit(Right.REVIEWS_DECIDE)])
async def reveal(request: Request, entry_id: UUID, opened: Opened, form: Sent) -> Response:
    """The same case in full, once; matching records who reads it and why."""
    backends: Backends = request.app.state.backends
    purpose, narrowed = text(form, "purpose"), _narrowed(_list(text(form, "list")))
    path = f"/v1/reviews/{entry_id}/reveal"
    try:
        answer = await backends.post(
            opened.caller, "matching", path, {"purpose": purpose}, command_id=command_id(form), params=narrowed
        )
    except Refused as refused:
        return await _again(request, opened, entry_id, form, refused)
    return _page(request, opened, answer.body, purpose=purpose)


@router.post("/reviews/{entry_id}/ruling", dependencies=[permit(Right.REVIEWS_DECIDE)])
async def rule(request: Request, entry_id: UUID, opened: Opened, form: Sent) -> Response:
    """What a person decided; then the next case, with a way to undo it."""
    verdict, _, student = text(form, "verdict").partition(":")
    body = {"verdict": verdict, "students": [student] if student else [], "evidence": text(form, "evidence") or None}
    return await _settle(request, opened, entry_id, form, f"/v1/reviews/{entry_id}/ruling", body, "ruled")


@router.post("/reviews/{entry_id}/second-opinion", dependencies=[permit(Right.REVIEWS_DECIDE)])
async def second_opinion(request: Request, entry_id: UUID, opened: Opened, form: Sent) -> Response:
    """The case waits for another person; then the next one."""
    return await _settle(request, opened, entry_id, form, f"/v1/reviews/{entry_id}/second-opinion", None, "asked")


@router.post("/reviews/{entry_id}/undo", dependencies=[permit(Right.REVIEWS_DECIDE)])
async def undo(request: Request, entry_id: UUID, opened: Opened, form: Sent) -> Response:
    """Take the last ruling back and look at the case again."""
    backends: Backends = request.app.state.backends
    path = f"/v1/reviews/{entry_id}/ruling"
    try:
        await backends.delete(opened.caller, "matching", path, command_id=command_id(form), version=_version(form))
    except Refused as refused:
        return await _again(request, opened, entry_id, form, refused)
    return RedirectResponse(_address(entry_id, list=_list(text(form, "list")), done="undone"), 303)


async def _settle(
    request: Request, opened: Opening, entry_id: UUID, form: FormData, path: str, body: Any, done: str
) -> Response:
    backends: Backends = request.app.state.backends
    try:
        answer = await backends.post(
            opened.caller, "matching", path, body, command_id=command_id(form), version=_version(form)
        )
    except Refused as refused:
        return await _again(request, opened, entry_id, form, refused)
    # Asking for an opinion rules nothing, so there is nothing to undo.
    version = answer.body.get("version") if done == "ruled" and isinstance(answer.body, Mapping) else None
    undo = None if version is None else {"entry_id": str(entry_id), "version": version}
    if request.query_params.get("part") == "answer":
        rendering: Rendering = request.app.state.rendering
        said = opened.texts(f"review.done_{'ruled' if done == 'ruled' else 'asked'}")
        return rendering.page(
            request, opened, "_review_notice.html", said=said, undo=undo, chosen_list=_list(text(form, "list"))
        )
    following = text(form, "next")
    if not following:
        return RedirectResponse(f"/reviews?done={done}", 303)
    told = {"ruled": undo["entry_id"], "at": undo["version"]} if undo else {}
    return RedirectResponse(_address(_uuid(following), list=_list(text(form, "list")), done=done, **told), 303)


async def _again(request: Request, opened: Opening, entry_id: UUID, form: FormData, refused: Refused) -> Response:
    """The case as it is now, with the refusal and what was typed. Raises the refusal when there is nothing to show."""
    shown = refusal_shown(opened, refused, _SHOWN_AGAIN)
    backends: Backends = request.app.state.backends
    narrowed = _narrowed(_list(text(form, "list")))
    answer = await backends.get(opened.caller, "matching", f"/v1/reviews/{entry_id}", narrowed)
    return _page(request, opened, answer.body, purpose=text(form, "purpose"), **shown)


def _page(
    request: Request,
    opened: Opening,
    case: Mapping[str, Any],
    *,
    purpose: str = "",
    complaint: str = "",
    undo: Mapping[str, Any] | None = None,
    sought: str = "",
    others: Sequence[Row] | None = None,
    status: int = 200,
) -> Response:
    rendering: Rendering = request.app.state.rendering
    part = request.query_params.get("part") in ("case", "answer")
    chosen = _list_of(request)
    own = {"entry_id": case["entry_id"], "version": case["version"]} if case["ruled_by"] else None
    return rendering.page(
        request,
        opened,
        "_review_case.html" if part else "review.html",
        status=status,
        case=case,
        candidates=[_candidate(each, opened.texts) for each in case["candidates"]],
        row_fields=[(name, _value(name, side, opened.texts)) for name, side in case["fields"].items()],
        purpose=purpose,
        complaint=complaint,
        undo=undo or own,
        undo_elsewhere=undo is not None,
        sought=sought,
        others=others,
        chosen_list=chosen,
        previous=_link(case["previous"], chosen),
        following=_link(case["next"], chosen),
        here_case=_address(case["entry_id"], list=chosen),
        command_ids={name: str(new_event_id()) for name in ("ruling", "undo", "opinion", "reveal")},
    )


def _candidate(told: Mapping[str, Any], texts: Texts) -> dict[str, Any]:
    """A candidate with its fields cut where characters differ. ``key``: the digit that links her, if there is one."""
    fields = [
        {
            "field": each["field"],
            "agrees": each["agrees"],
            "row": _value(each["field"], each["row"], texts),
            "student": _value(each["field"], each["student"], texts),
        }
        for each in told["fields"]
    ]
    return {**told, "fields": fields, "key": told["number"] if told["number"] <= _KEYS else None}


def _value(field: str, side: Mapping[str, Any], texts: Texts) -> list[tuple[str, bool]]:
    """A value as pieces of text and whether each differs from the other record."""
    if field == "sex" and side["text"]:
        return [(texts.label("sex", side["text"]), bool(side["spans"]))]
    return segments(side["text"], side["spans"])


def segments(value: str, spans: Sequence[Sequence[int]]) -> list[tuple[str, bool]]:
    """``value`` cut at the spans (from, to), in order: (piece, marked)."""
    pieces: list[tuple[str, bool]] = []
    done = 0
    for begin, end in spans:
        pieces += [(value[done:begin], False), (value[begin:end], True)]
        done = end
    return [(piece, marked) for piece, marked in [*pieces, (value[done:], False)] if piece]


def _address(entry_id: object, **query: object) -> str:
    kept = {name: value for name, value in query.items() if value not in (None, "")}
    return f"/reviews/{entry_id}?{urlencode(kept)}" if kept else f"/reviews/{entry_id}"


def _link(entry_id: str | None, chosen: str | None) -> str | None:
    return None if entry_id is None else _address(entry_id, list=chosen)


def _narrowed(chosen: str | None) -> dict[str, str | int | list[str] | None]:
    return {"list": chosen}


def _list(given: str) -> str | None:
    return given if given in LISTS else None


def _list_of(request: Request) -> str | None:
    return _list(request.query_params.get("list", ""))


def _undo_of(request: Request) -> dict[str, Any] | None:
    """The ruling just given on the case before, as the address names it."""
    try:
        entry_id = UUID(request.query_params.get("ruled", ""))
        return {"entry_id": str(entry_id), "version": int(request.query_params.get("at", ""))}
    except ValueError:
        return None


def _version(form: FormData) -> int | None:
    given = text(form, "version")
    return int(given) if given.isdecimal() and len(given) < 10 else None


def _uuid(given: str) -> UUID:
    try:
        return UUID(given)
    except ValueError:
        raise Malformed("表单不完整,请刷新后重试", "The form is incomplete; reload and try again") from None

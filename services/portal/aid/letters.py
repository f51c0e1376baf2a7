"""公函: children of ours registered elsewhere, per place; a letter about them, from draft to the last answer."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Annotated, Any
from urllib.parse import quote, urlencode
from uuid import NAMESPACE_URL, UUID, uuid5

from fastapi import APIRouter, Depends, Request
from starlette.datastructures import FormData
from starlette.responses import RedirectResponse, Response, StreamingResponse

from services.portal.backends import Backends, Param, Refused
from services.portal.forms import Sent, command_id, command_of, refusal_shown, text
from services.portal.rendering import Rendering
from services.portal.session import Opening, check_form, opening, permit
from services.portal.tables.table_reading import items_of
from services.portal.texts import term_code
from shared.kernel.clock import today
from shared.kernel.refusals import Malformed, Refusal
from shared.standards.rights import Right
from shared.web.pages import PAGE_ROWS

router = APIRouter(include_in_schema=False)
Opened = Annotated[Opening, Depends(opening)]
CHILDREN_MOST = 200  # of one letter, as disbursement writes them
LETTERS_MOST = 50  # drafted by one press: each is a command of its own
DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
_SHOWN_AGAIN = (403, 404, 409, 422)  # refusals after which the person goes on on the same page
_OF_REPLY = ("kind", "aid", "amount", "aided_term", "stage")
# act → the right it takes and its fields
ACTS: Mapping[str, tuple[Right, tuple[str, ...]]] = {
    "approve": (Right.LETTERS_APPROVE, ("content_hash",)),
    "discard": (Right.LETTERS_KEEP, ("reason",)),
    "send": (Right.LETTERS_KEEP, ("sent_on", "way", "number", "reply_by")),
    "remind": (Right.LETTERS_KEEP, ("way", "reply_by")),
    "phone": (Right.LETTERS_KEEP, ("called_on", "outcome")),
    "decisions": (Right.LETTERS_APPROVE, ("child_id", "aided", "ground")),
}


async def _sent_form(request: Request) -> AsyncIterator[FormData]:
    async with request.form(max_files=0, max_fields=(len(_OF_REPLY) + 1) * CHILDREN_MOST + 20) as form:
        check_form(request, form.get("form_token"))
        yield form


Long = Annotated[FormData, Depends(_sent_form)]


@router.get("/letters", dependencies=[permit(Right.LETTERS_READ)])
async def letters(request: Request, opened: Opened) -> Response:
    """Per place, how many are registered there and were asked about; the letters of the term; one place's children."""
    return await letters_page(request, opened)


@router.post("/letters", dependencies=[permit(Right.LETTERS_KEEP)])
async def draft(request: Request, opened: Opened, form: Sent) -> Response:
    """A letter to one place, or to each that has somebody to ask about."""
    term, place = text(form, "term"), text(form, "place")
    backends: Backends = request.app.state.backends
    places = [place]
    if not place:
        told = (await backends.get(opened.caller, "disbursement", "/v1/elsewhere", {"term": term})).body
        places = [each["place"] for each in told["items"] if each["to_ask"] and each["place"].isdigit()]
    made = UUID(command_id(form))
    try:
        for each in places[:LETTERS_MOST]:
            body = {"term": term, "place": each}
            key = str(uuid5(uuid5(NAMESPACE_URL, str(made)), each))
            await backends.post(opened.caller, "disbursement", "/v1/letters", body, command_id=key)
    except Refused as refused:
        return await letters_page(request, opened, refused)
    return RedirectResponse(f"/letters?{urlencode({'term': term, 'done': 'letter_drafted'})}", 303)


@router.get("/letters/{letter_id}", dependencies=[permit(Right.LETTERS_READ)])
async def letter(request: Request, letter_id: UUID, opened: Opened) -> Response:
    """One letter with its children, what came back, and the next step."""
    return await _letter(request, opened, letter_id)


@router.get("/letters/{letter_id}/{act}")
async def address(letter_id: UUID, act: str) -> Response:
    """Where a reload after a refused act comes to."""
    return RedirectResponse(f"/letters/{letter_id}", 303)


@router.post("/letters/{letter_id}/replies", dependencies=[permit(Right.LETTERS_KEEP)])
async def replies(request: Request, letter_id: UUID, opened: Opened, form: Long) -> Response:
    """What came back, typed down the list: children without a kind of answer stay as they are."""
    typed = {name: by_id(form, name) for name in _OF_REPLY}
    try:
        told = [_reply(child, typed, form) for child in typed["kind"]]
        if told:
            await _post(request, opened, form, letter_id, "replies", {"replies": told})
    except (Refused, Refusal) as refused:
        return await _letter(request, opened, letter_id, typed=typed, **refusal_shown(opened, refused))
    return RedirectResponse(f"/letters/{letter_id}?done=letter_replies", 303)


@router.post("/letters/{letter_id}/paper", dependencies=[permit(Right.LETTERS_KEEP)])
async def paper_in_full(request: Request, letter_id: UUID, opened: Opened, form: Sent) -> Response:
    """The letter with its children in full, for a purpose; what stands in the way is said on the page."""
    backends: Backends = request.app.state.backends
    purpose, path = text(form, "purpose"), f"/v1/letters/{letter_id}"
    told = (await backends.get(opened.caller, "disbursement", path)).body
    try:
        pieces = await backends.download_by_post(
            opened.caller,
            "disbursement",
            f"{path}/letter.docx",
            command_id=command_of(form, ["paper", purpose]),
            body={"purpose": purpose},
        )
    except Refused as refused:
        shown = refusal_shown(opened, refused, _SHOWN_AGAIN)
        return await _letter(request, opened, letter_id, purpose=purpose, **shown)
    name = quote(f"公函-{told['place']}-{told['term']}-完整信息.docx")
    headers = {"content-disposition": f"attachment; filename*=UTF-8''{name}"}
    return StreamingResponse(pieces, media_type=DOCX, headers=headers)


@router.post("/letters/{letter_id}/{act}")
async def acted(request: Request, letter_id: UUID, act: str, opened: Opened, form: Sent) -> Response:
    """Sign off, discard, send, remind, note a call, decide about a child."""
    if act not in ACTS:
        return RedirectResponse(f"/letters/{letter_id}", 303)
    right, fields = ACTS[act]
    opened.allow(right)
    body: dict[str, Any] = {name: text(form, name) for name in fields}
    if "aided" in body:
        body["aided"] = body["aided"] == "true"
    try:
        await _post(request, opened, form, letter_id, act, body)
    except Refused as refused:
        return await _letter(request, opened, letter_id, **refusal_shown(opened, refused, _SHOWN_AGAIN))
    return RedirectResponse(f"/letters/{letter_id}?done=letter_step", 303)


async def _post(
    request: Request, opened: Opening, form: FormData, letter_id: UUID, act: str, body: Mapping[str, Any]
) -> None:
    backends: Backends = request.app.state.backends
    path = f"/v1/letters/{letter_id}/{act}"
    await backends.post(opened.caller, "disbursement", path, body, command_id=command_of(form, [act, body]))


def by_id(form: FormData, field: str) -> dict[str, str]:
    """Child or school → what was typed for it in the fields ``field.<id>``; blank ones left out."""
    found = {}
    for name, value in form.multi_items():
        what, _, named = name.partition(".")
        if what == field and isinstance(value, str) and value.strip():
            try:
                found[str(UUID(named))] = value.strip()[:40]
            except ValueError:
                continue
    return found


def _reply(child: str, typed: Mapping[str, Mapping[str, str]], form: FormData) -> dict[str, Any]:
    """One answer as disbursement takes it. Raises Malformed for an amount that is none."""
    told: dict[str, Any] = {"child_id": child, "kind": typed["kind"][child], "replied_on": text(form, "replied_on")}
    amount = typed["amount"].get(child)
    if amount is not None:
        yuan, _, cents = amount.replace(",", "").partition(".")
        if not (yuan.isdecimal() and len(yuan) <= 6 and (not cents or (cents.isdecimal() and len(cents) <= 2))):
            raise Malformed(f"金额不正确:{amount}", f"This is no amount: {amount}", field="amount")
        told["amount_fen"] = int(yuan) * 100 + int(cents.ljust(2, "0") or 0)
    if child in typed["aided_term"]:
        told["aided_term"] = term_code(typed["aided_term"][child])
    return told | {
        name: value
        for name, value in (
            ("aid", typed["aid"].get(child)),
            ("stage", typed["stage"].get(child)),
            ("reference", text(form, "reference")),
        )
        if value
    }


async def letters_page(
    request: Request, opened: Opening, refused: Refused | None = None, typed: Mapping[str, str] | None = None
) -> Response:
    """The page, with a refusal where there was one and the places as they were ``typed``, by the field's name. Raises
    what is no answer to a form."""
    shown = refusal_shown(opened, refused, _SHOWN_AGAIN)
    backends: Backends = request.app.state.backends
    rendering: Rendering = request.app.state.rendering
    asked: dict[str, Param] = {"term": term_code(request.query_params.get("term", "")[:32]) or None}
    told = (await backends.get(opened.caller, "disbursement", "/v1/elsewhere", asked)).body
    of_term: dict[str, Param] = {"term": told["term"], "limit": PAGE_ROWS}
    turn: dict[str, Param] = {"after": request.query_params.get("after", "")}
    written, following = items_of(
        (await backends.get(opened.caller, "disbursement", "/v1/letters", of_term | turn)).body
    )
    place = request.query_params.get("place", "")[:12]
    children: list[Any] = []
    child = ""
    more: str | None = None
    if place:
        child = request.query_params.get("child", "")
        of_place = of_term | {"place": place, "after": child}
        children, more = items_of(
            (await backends.get(opened.caller, "disbursement", "/v1/elsewhere/children", of_place)).body
        )
    here = {"term": told["term"]}
    list_here = here | {name: value for name, value in (("place", place), ("child", child)) if value}
    return rendering.page(
        request,
        opened,
        "letters.html",
        term=told["term"],
        places=told["items"],
        waiting=sum(1 for each in told["items"] if each["to_ask"] and each["place"].isdigit()),
        letters=written,
        following=f"/letters?{urlencode(here | {'after': following})}" if following else None,
        place=place,
        children=children,
        more=f"/letters?{urlencode(here | {'place': place, 'child': more})}" if more else None,
        tell=f"/letters/places?{urlencode(list_here)}",
        typed=typed or {},
        wrong={} if refused is None else _wrong(refused, opened.language),
        divisions_known=told["divisions_known"],
        may_keep=opened.viewer.has(Right.LETTERS_KEEP),
        **shown,
    )


def _wrong(refused: Refused, language: str) -> dict[str, str]:
    """What is wrong with each place, by the id of the child or the school."""
    facts = refused.problem.get("facts")
    told = facts.get("wrong") if isinstance(facts, Mapping) else None
    return {each["id"]: each[language] for each in told} if isinstance(told, list) else {}


async def _letter(
    request: Request,
    opened: Opening,
    letter_id: UUID,
    complaint: str = "",
    status: int = 200,
    typed: Mapping[str, Mapping[str, str]] | None = None,
    purpose: str = "",
) -> Response:
    backends: Backends = request.app.state.backends
    rendering: Rendering = request.app.state.rendering
    told = (await backends.get(opened.caller, "disbursement", f"/v1/letters/{letter_id}")).body
    return rendering.page(
        request,
        opened,
        "letter.html",
        status=status,
        told=told,
        typed=typed or {name: {} for name in _OF_REPLY},
        may_keep=opened.viewer.has(Right.LETTERS_KEEP),
        may_approve=opened.viewer.has(Right.LETTERS_APPROVE),
        complaint=complaint,
        purpose=purpose,
        replied_on=today().isoformat(),
    )

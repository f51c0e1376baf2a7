"""来函: letters of other counties about children registered here; a queue, and answers from what our books say."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Request
from starlette.responses import RedirectResponse, Response

from services.portal.backends import Backends, Param, Refused
from services.portal.forms import Sent, command_of, long_text, refusal_shown, text
from services.portal.rendering import Rendering
from services.portal.session import Opening, opening, permit
from services.portal.tables.table_reading import PAGE_SIZE, items_of
from services.portal.texts import term_code
from shared.kernel.clock import today
from shared.kernel.refusals import Malformed, Refusal
from shared.standards.rights import Right

router = APIRouter(include_in_schema=False)
Opened = Annotated[Opening, Depends(opening)]
OF_LETTER = ("from_place", "number", "term", "received_on", "answer_by", "people")
PEOPLE_MOST = 50  # lines of one letter: each is looked for in the register
_PEOPLE_CHARACTERS = 4_000
_SHOWN_AGAIN = (403, 404, 409, 422)


@router.get("/letters/incoming", dependencies=[permit(Right.LETTERS_READ)])
async def incoming(request: Request, opened: Opened) -> Response:
    """What is to be answered, by the day it is due, and the form for another letter."""
    return await _incoming(request, opened)


@router.post("/letters/incoming", dependencies=[permit(Right.LETTERS_KEEP)])
async def came(request: Request, opened: Opened, form: Sent) -> Response:
    """A letter came in: its children are looked for in the register, one line each; the lines themselves stay here."""
    typed = {name: text(form, name) for name in OF_LETTER} | {"people": long_text(form, "people", _PEOPLE_CHARACTERS)}
    backends: Backends = request.app.state.backends
    try:
        found, missing = await _found(request, opened, typed["people"])
        told = {name: typed[name] for name in OF_LETTER if name not in ("term", "people")}
        body = told | {"term": term_code(typed["term"]), "children": found, "not_found": missing}
        path, made = "/v1/incoming-letters", command_of(form, body)
        answer = await backends.post(opened.caller, "disbursement", path, body, command_id=made)
    except (Refused, Refusal) as refused:
        return await _incoming(request, opened, typed, **refusal_shown(opened, refused, _SHOWN_AGAIN))
    return RedirectResponse(f"/letters/incoming/{answer.body['incoming_id']}?done=letter_step", 303)


@router.get("/letters/incoming/{incoming_id}", dependencies=[permit(Right.LETTERS_READ)])
async def letter(request: Request, incoming_id: UUID, opened: Opened) -> Response:
    """One letter with what is due and paid to its children here."""
    return await _letter(request, opened, incoming_id)


@router.get("/letters/incoming/{incoming_id}/answer")
async def address(incoming_id: UUID) -> Response:
    """Where a reload after a refused answer comes to."""
    return RedirectResponse(f"/letters/incoming/{incoming_id}", 303)


@router.post("/letters/incoming/{incoming_id}/answer", dependencies=[permit(Right.LETTERS_APPROVE)])
async def answer(request: Request, incoming_id: UUID, opened: Opened, form: Sent) -> Response:
    """Sign off the answer and note that it was sent."""
    body = {name: text(form, name) for name in ("way", "number")}
    backends: Backends = request.app.state.backends
    path = f"/v1/incoming-letters/{incoming_id}/answer"
    try:
        await backends.post(opened.caller, "disbursement", path, body, command_id=command_of(form, body))
    except Refused as refused:
        return await _letter(request, opened, incoming_id, **refusal_shown(opened, refused, _SHOWN_AGAIN))
    return RedirectResponse(f"/letters/incoming/{incoming_id}?done=letter_step", 303)


async def _found(request: Request, opened: Opening, people: str) -> tuple[list[str], int]:
    """(students, how many lines named nobody). Raises Malformed for none or too many lines, and for a line that names
    several students: which one is meant a person has to say."""
    lines = [line.strip() for line in people.splitlines() if line.strip()]
    if not 1 <= len(lines) <= PEOPLE_MOST:
        raise Malformed(
            f"请每行填写一名学生,最多{PEOPLE_MOST}行", f"One child a line, at most {PEOPLE_MOST}", field="people"
        )
    backends: Backends = request.app.state.backends
    found: list[str] = []
    for number, line in enumerate(lines, 1):
        asked: dict[str, Param] = {"q": line[:64], "limit": 2}
        students, _ = items_of((await backends.get(opened.caller, "registry", "/v1/students/search", asked)).body)
        if len(students) > 1:
            raise Malformed(
                f"第{number}行对应多名学生,请填写身份证号",
                f"Line {number} names several: give the number",
                field="people",
            )
        found += [student["student_id"] for student in students]
    return found, len(lines) - len(found)


async def _incoming(
    request: Request, opened: Opening, typed: Mapping[str, str] | None = None, complaint: str = "", status: int = 200
) -> Response:
    backends: Backends = request.app.state.backends
    rendering: Rendering = request.app.state.rendering
    state = "answered" if request.query_params.get("state") == "answered" else "open"
    asked: dict[str, Param] = {"state": state, "after": request.query_params.get("after", ""), "limit": PAGE_SIZE}
    rows, following = items_of((await backends.get(opened.caller, "disbursement", "/v1/incoming-letters", asked)).body)
    return rendering.page(
        request,
        opened,
        "incoming_letters.html",
        status=status,
        state=state,
        rows=rows,
        following=following,
        typed=typed or dict.fromkeys(OF_LETTER, "") | {"received_on": today().isoformat()},
        may_keep=opened.viewer.has(Right.LETTERS_KEEP),
        complaint=complaint,
    )


async def _letter(
    request: Request, opened: Opening, incoming_id: UUID, complaint: str = "", status: int = 200
) -> Response:
    backends: Backends = request.app.state.backends
    rendering: Rendering = request.app.state.rendering
    told: Any = (await backends.get(opened.caller, "disbursement", f"/v1/incoming-letters/{incoming_id}")).body
    may_answer = opened.viewer.has(Right.LETTERS_APPROVE)
    return rendering.page(
        request, opened, "incoming_letter.html", status=status, told=told, may_answer=may_answer, complaint=complaint
    )

"""Classes of a grade reshuffled on the page (分班): a school, its grades, and every child of one with the class she
shall be in, typed down the list. It leads to the preview of a mass change, which another person approves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any
from urllib.parse import urlencode
from uuid import UUID

from fastapi import APIRouter, Depends, Request
from starlette.datastructures import FormData
from starlette.responses import RedirectResponse, Response

from services.portal.backends import Backends, Param, Refused
from services.portal.forms import command_of, refusal_shown, text
from services.portal.rendering import Rendering
from services.portal.session import Opening, check_form, opening, permit
from services.portal.tables.table_reading import school_choices
from shared.kernel.clock import today
from shared.kernel.identifiers import new_event_id
from shared.standards.rights import Right

router = APIRouter(include_in_schema=False)
Opened = Annotated[Opening, Depends(opening)]
PLACE = ("school", "stage", "grade")
SEATS_MOST = 2_000  # children of a grade, as the registry takes them
_CHARACTERS = 64
_SHOWN_AGAIN = (403, 409, 422)  # refusals after which the person goes on on the same page


@router.get("/changes/classes", dependencies=[permit(Right.CHANGES_PROPOSE)])
async def form(request: Request, opened: Opened) -> Response:
    """The schools to choose from, a school's grades, or the children of a grade."""
    return await _page(request, opened, _asked(opened, request.query_params))


@router.post("/changes/classes", dependencies=[permit(Right.CHANGES_PROPOSE)])
async def propose(request: Request, opened: Opened) -> Response:
    """Propose it; leads to the preview. A refusal keeps what was typed and says of which child it speaks."""
    async with request.form(max_files=0, max_fields=2 * SEATS_MOST + 20) as form:
        check_form(request, form.get("form_token"))
        asked = _asked(opened, form)
        typed = {"day": text(form, "day"), "reason": text(form, "reason")}
        seats = _seats(form)
        wanted = [seat for seat in seats.values() if seat["class_name"] != seat["was"]]
        body = typed | {"seats": [{name: seat[name] for name in seat if name != "was"} for seat in wanted]}
        backends: Backends = request.app.state.backends
        try:
            answer = await backends.post(
                opened.caller, "registry", "/v1/changes/classes", body, command_id=command_of(form, body)
            )
        except Refused as refused:
            return await _page(request, opened, asked, typed | {"seats": seats}, refused, wanted)
    return RedirectResponse(f"/changes/{answer.body['change_id']}", 303)


def _asked(opened: Opening, given: Mapping[str, Any]) -> dict[str, str | None]:
    """School, stage and grade of an address or a form; a school's own where it is one. ``grade`` None: not chosen."""
    own = opened.viewer.scope.school if opened.viewer.scope.division is None else None
    asked = {name: str(given[name]).strip()[:_CHARACTERS] if name in given else None for name in PLACE}
    return asked | {"school": own or asked["school"] or None}


def _seats(form: FormData) -> dict[str, dict[str, Any]]:
    """Child → what was typed for her, the version of her record, and the class she was in when the form was made."""
    found: dict[str, dict[str, Any]] = {}
    for name in form:
        what, _, rest = name.partition(".")
        child, _, version = rest.partition(".")
        if what == "to" and _is_id(child) and version.isdigit():
            was = text(form, f"was.{child}")
            found[child] = {"student_id": child, "version": int(version), "class_name": text(form, name), "was": was}
    return found


def _is_id(word: str) -> bool:
    try:
        return str(UUID(word)) == word
    except ValueError:
        return False


def _troubles(refused: Refused | None, wanted: list[dict[str, Any]], language: str) -> dict[str, str]:
    """Child → what is wrong with her row."""
    facts = refused.problem.get("facts") if refused is not None else None
    problems = facts.get("problems") if isinstance(facts, Mapping) else None
    return {
        wanted[each["line"] - 1]["student_id"]: each["en" if language == "en" else "zh"]
        for each in problems or ()
        if 1 <= each.get("line", 0) <= len(wanted)
    }


async def _page(
    request: Request,
    opened: Opening,
    asked: Mapping[str, str | None],
    typed: Mapping[str, Any] | None = None,
    refused: Refused | None = None,
    wanted: list[dict[str, Any]] | None = None,
) -> Response:
    shown = refusal_shown(opened, refused, _SHOWN_AGAIN)
    backends: Backends = request.app.state.backends
    rendering: Rendering = request.app.state.rendering
    grades: list[dict[str, Any]] = []
    seats: list[dict[str, Any]] = []
    params: dict[str, Param] = {name: value for name, value in asked.items() if value is not None}
    if asked["school"]:
        school: dict[str, Param] = {"school": asked["school"]}
        grades = (await backends.get(opened.caller, "registry", "/v1/class-seats/grades", school)).body
    if asked["school"] and asked["grade"] is not None:
        seats = (await backends.get(opened.caller, "registry", "/v1/class-seats", params)).body
    here = [each for each in grades if (each["stage"] or "", each["grade"]) == (asked["stage"], asked["grade"])]
    return rendering.page(
        request,
        opened,
        "class_seats.html",
        asked=asked,
        schools=await school_choices(backends, opened) if opened.viewer.scope.division is not None else [],
        own_school=opened.viewer.scope.division is None,
        grades=[each | {"address": _address(asked["school"], each)} for each in grades],
        classes=here[0]["classes"] if here else [],
        seats=seats,
        typed=typed or {"day": today().isoformat(), "reason": "", "seats": {}},
        troubles=_troubles(refused, wanted or [], opened.language),
        **shown,
        command_id=str(new_event_id()),
    )


def _address(school: str | None, grade: Mapping[str, Any]) -> str:
    named = {"school": school or "", "stage": grade["stage"] or "", "grade": grade["grade"]}
    return f"/changes/classes?{urlencode(named)}"

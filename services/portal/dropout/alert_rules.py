"""The alert rules: what is in force and how good it was, every version, the form for another one, and trying
thresholds on a past before they are put into force."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from starlette.responses import RedirectResponse, Response

from services.portal.backends import Backends, BackendTrouble, Refused
from services.portal.forms import command_of, refusal_shown, text
from services.portal.rendering import Rendering
from services.portal.session import Opening, check_form, opening, permit
from shared.kernel.clock import today
from shared.kernel.identifiers import new_event_id
from shared.kernel.refusals import Malformed, Refusal
from shared.standards.rights import Right

router = APIRouter(include_in_schema=False)
Opened = Annotated[Opening, Depends(opening)]
STAGES = ("preschool", "primary", "junior", "senior", "vocational", "special")
REASONS = ("sick", "leave", "unexplained", "suspended", "other")
TRIED = (
    *("absent_days_running", "excused_days_running", "absent_share", "share_window", "share_least"),
    *("term_start_days", "return_days"),
)
VARIATIONS_MOST = 50  # on the page; larger sets come over the interface
TRIED_DAYS = 120  # a term, when no other past is asked for
_SHOWN_AGAIN = (400, 403, 409, 422)
Content = Mapping[str, Any]


@router.get("/dropout/rules", dependencies=[permit(Right.ALERT_RULES_READ)])
async def rules(request: Request, opened: Opened) -> Response:
    """What is in force, its figures, the versions; for the clerk the form, filled with what is asked for in the
    address (as from a trial)."""
    wanted = {name: value[:12] for name, value in request.query_params.items() if name in TRIED}
    return await _page(request, opened, wanted or None)


@router.post("/dropout/rules", dependencies=[permit(Right.ALERT_RULES_ACTIVATE)])
async def activate(request: Request, opened: Opened) -> Response:
    """Other thresholds from a day on; a refusal shows the form with what was typed."""
    async with request.form(max_files=0, max_fields=40 * VARIATIONS_MOST) as form:
        check_form(request, form.get("form_token"))
        typed = {name: text(form, name) for name in form}
        typed["unexplained_reasons"] = ",".join(str(each) for each in form.getlist("unexplained_reasons"))
        made = command_of(form, sorted(typed.items()))
    as_of = typed.get("as_of", "")
    backends: Backends = request.app.state.backends
    try:
        content = await _in_force(request, opened)
        body = _told(content, typed)
        params = {"as_of": as_of}
        await backends.post(opened.caller, "notifications", "/v1/alert-rules", body, command_id=made, params=params)
    except (Refused, Refusal) as refused:
        return await _page(request, opened, typed, as_of, **refusal_shown(opened, refused, _SHOWN_AGAIN))
    return RedirectResponse("/dropout/rules?done=alert_rules", 303)


@router.get("/dropout/rules/try", dependencies=[permit(Right.ALERT_RULES_TRY)])
async def trial(request: Request, opened: Opened) -> Response:
    """Thresholds on a past: how many alerts they would have raised and how many would have been right, beside what is
    in force. Touches nothing."""
    backends: Backends = request.app.state.backends
    rendering: Rendering = request.app.state.rendering
    content = await _in_force(request, opened)
    query = request.query_params
    typed = {name: query.get(name, str(content.get(name, "")))[:12] for name in TRIED}
    last = query.get("last", today().isoformat())[:10]
    first = query.get("first", (today() - timedelta(days=TRIED_DAYS)).isoformat())[:10]
    school = query.get("school", "")[:64]
    result, complaint, status = None, "", 200
    if "first" in query:
        params = {name: value for name, value in typed.items() if value != str(content.get(name, ""))}
        try:
            path, asked = "/v1/alert-rules/what-if", {**params, "first": first, "last": last, "school": school}
            result = (await backends.get(opened.caller, "notifications", path, asked)).body
        except BackendTrouble as trouble:
            complaint, status = trouble.detail or opened.texts("error.title_502"), trouble.status
    return rendering.page(
        request,
        opened,
        "alert_rules_try.html",
        status=status,
        typed=typed,
        in_force=content,
        first=first,
        last=last,
        school=school,
        result=result,
        kinds=[] if result is None else _side_by_side(result["tried"], result["in_force"]),
        schools=[] if result is None else _by_school(result["parts"]),
        may_change=opened.viewer.has(Right.ALERT_RULES_ACTIVATE),
        complaint=complaint,
    )


def _side_by_side(tried: Sequence[Content], in_force: Sequence[Content]) -> list[tuple[str, Any, Any]]:
    """(kind, tried, in force) for every kind that either has."""
    sides = [{each["kind"]: each for each in side} for side in (tried, in_force)]
    return [(kind, sides[0].get(kind), sides[1].get(kind)) for kind in sorted(sides[0].keys() | sides[1].keys())]


def _by_school(parts: Sequence[Content]) -> list[tuple[str, int, int, int]]:
    """(school, raised, right, wrong), most alerts first."""
    found: dict[str, list[int]] = {}
    for part in parts:
        counts = found.setdefault(part["school_code"], [0, 0, 0])
        for place, name in enumerate(("raised", "right", "wrong")):
            counts[place] += part[name]
    ordered = sorted(found.items(), key=lambda each: (-each[1][0], each[0]))
    return [(school, raised, right, wrong) for school, (raised, right, wrong) in ordered]


async def _versions(request: Request, opened: Opening) -> Content:
    backends: Backends = request.app.state.backends
    params = {"after": request.query_params.get("after")}
    told: Content = (await backends.get(opened.caller, "notifications", "/v1/alert-rules", params)).body
    return told


async def _in_force(request: Request, opened: Opening) -> Content:
    """The content in force today. Raises Malformed when there is none yet."""
    backends: Backends = request.app.state.backends
    params = {"in_force": "true"}
    told = (await backends.get(opened.caller, "notifications", "/v1/alert-rules", params)).body
    for each in told["items"]:
        content: Content = each["content"]
        return content
    raise Malformed("尚无预警规则", "There are no alert rules yet")


async def _page(
    request: Request,
    opened: Opening,
    typed: Mapping[str, str] | None = None,
    as_of: str = "",
    status: int = 200,
    complaint: str = "",
) -> Response:
    backends: Backends = request.app.state.backends
    rendering: Rendering = request.app.state.rendering
    content, versions, figures = await asyncio.gather(
        _in_force(request, opened),
        _versions(request, opened),
        backends.get(opened.caller, "notifications", "/v1/alert-rules/figures"),
    )
    return rendering.page(
        request,
        opened,
        "alert_rules.html",
        status=status,
        content=content,
        numbers=_numbers(content),
        versions=versions["items"],
        more=versions["next"],
        figures=figures.body,
        form=_filled(content) | dict(typed or {}),
        variations=[*range(_count(content, typed))],
        stages=STAGES,
        reasons=REASONS,
        changing=typed is not None,
        as_of=as_of or (today() + timedelta(days=1)).isoformat(),
        may_change=opened.viewer.has(Right.ALERT_RULES_ACTIVATE),
        complaint=complaint,
        command_id=str(new_event_id()),
    )


def _numbers(content: Content) -> list[str]:
    """The thresholds that are numbers, in the rules' own order."""
    return [name for name, value in content.items() if isinstance(value, int | float) and not isinstance(value, bool)]


def _count(content: Content, typed: Mapping[str, str] | None) -> int:
    """Variations shown in the form: those there are, and one to fill in."""
    places = [int(name.rpartition("_")[2]) for name in typed or {} if name.startswith("division_")]
    return min(VARIATIONS_MOST, max([len(content["variations"]) + 1, *(place + 1 for place in places)]))


def _filled(content: Content) -> dict[str, str]:
    """The form as the rules in force fill it."""
    found = {name: str(content[name]) for name in _numbers(content)}
    found["unexplained_reasons"] = ",".join(content["unexplained_reasons"])
    found |= {f"document_{kind}": str(days) for kind, days in content["document_days"].items()}
    for place, variation in enumerate(content["variations"]):
        found |= {f"{name}_{place}": str(value) for name, value in variation.items() if not isinstance(value, list)}
    return found


def _told(content: Content, typed: Mapping[str, str]) -> dict[str, Any]:
    """What is typed as the service takes it: what the form does not show stays as it is in force. Raises Malformed."""
    told = dict(content)
    told |= {name: _number(name, typed.get(name, "")) for name in _numbers(content)}
    told["unexplained_reasons"] = [each for each in typed["unexplained_reasons"].split(",") if each]
    told["document_days"] = {
        kind: _number(kind, typed.get(f"document_{kind}", "")) for kind in content["document_days"]
    }
    told["variations"] = [found for place in range(VARIATIONS_MOST) if (found := _variation(content, typed, place))]
    return told


def _variation(content: Content, typed: Mapping[str, str], place: int) -> dict[str, Any] | None:
    """One variation of the form; None where nothing is typed, or it is to go."""
    if typed.get(f"remove_{place}") == "yes":
        return None
    kept = content["variations"][place] if place < len(content["variations"]) else {}
    found: dict[str, Any] = {name: value for name, value in kept.items() if isinstance(value, list)}
    for name in ("division", "stage"):
        if value := typed.get(f"{name}_{place}", ""):
            found[name] = value
    for name in _numbers(content):
        if value := typed.get(f"{name}_{place}", ""):
            found[name] = _number(name, value)
    return found or None


def _number(name: str, typed: str) -> int | float:
    try:
        value = float(typed)
    except ValueError:
        raise Malformed(f"“{typed}”不是数字", f"{typed!r} is no number", field=name) from None
    return int(value) if value.is_integer() else value

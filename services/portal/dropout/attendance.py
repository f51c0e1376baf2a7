"""Attendance as a school reports it: its classes on a day, all present in one tap or the absent named, corrected the
same way; for the county, which schools have reported."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date, timedelta
from typing import Annotated, Any
from urllib.parse import urlencode
from uuid import UUID

from fastapi import APIRouter, Depends, Request
from starlette.datastructures import FormData
from starlette.responses import RedirectResponse, Response

from services.portal.backends import Backends, Param, Refused
from services.portal.forms import Sent, command_of, refusal_shown, text
from services.portal.rendering import Rendering
from services.portal.session import Opening, check_form, opening, permit
from services.portal.tables.columns import as_date
from services.portal.tables.table_reading import items_of
from shared.kernel.clock import today
from shared.kernel.identifiers import new_event_id
from shared.standards.rights import Right
from shared.web.pages import PAGE_ROWS

router = APIRouter(include_in_schema=False)
Opened = Annotated[Opening, Depends(opening)]
REASONS = ("sick", "leave", "unexplained", "suspended", "other")
CLASS = ("stage", "grade", "class_name")
CHILDREN_MOST = 500
LATE = "late"
_SHOWN_AGAIN = (403, 409, 422)  # refusals after which the person goes on on the same page
_CHARACTERS = 64


@router.get("/attendance", dependencies=[permit(Right.ATTENDANCE_READ)])
async def attendance(request: Request, opened: Opened) -> Response:
    """A school's classes on a day; without a school, for who answers for several, how many classes of each reported."""
    return await _day(request, opened, *_asked(opened, request.query_params))


@router.post("/attendance", dependencies=[permit(Right.ATTENDANCE_REPORT)])
async def all_present(request: Request, opened: Opened, form: Sent) -> Response:
    """Every child of the named class was there, or of every class of which nothing is reported yet."""
    school, day = _asked(opened, form)
    place: dict[str, str | None] = {"school_code": school, "day": day.isoformat()}
    if text(form, "which") == "rest":
        told = await _classes(request, opened, school, day)
        named = [{name: each[name] for name in CLASS} for each in told["classes"] if not each["reported"]]
    else:
        named = [{name: text(form, name) for name in CLASS}]
    reports = [place | _class_of(each) for each in named]
    try:
        if reports:
            await _send(request, opened, form, reports)
    except Refused as refused:
        return await _day(request, opened, school, day, refused)
    return RedirectResponse(f"{_address(school, day)}&done=attendance", 303)


@router.get("/attendance/class", dependencies=[permit(Right.ATTENDANCE_READ)])
async def class_sheet(request: Request, opened: Opened) -> Response:
    """A class child by child, as it was reported last."""
    school, day = _asked(opened, request.query_params)
    named = {name: request.query_params.get(name, "")[:_CHARACTERS] for name in CLASS}
    return await _sheet(request, opened, school, day, named)


@router.post("/attendance/class", dependencies=[permit(Right.ATTENDANCE_REPORT)])
async def report_class(request: Request, opened: Opened) -> Response:
    """Report the class, or correct what was reported; a refusal keeps what was chosen."""
    async with request.form(max_files=0, max_fields=2 * CHILDREN_MOST + 20) as form:
        check_form(request, form.get("form_token"))
        school, day = _asked(opened, form)
        named = {name: text(form, name) for name in CLASS}
        chosen, half = _chosen(form)
        absent = [
            {"student_id": child, "reason": why, "half_day": child in half}
            for child, why in chosen.items()
            if why in REASONS
        ]
        late = [child for child, why in chosen.items() if why == LATE]
        report = {"school_code": school, "day": day.isoformat(), **_class_of(named), "absent": absent, "late": late}
        try:
            await _send(request, opened, form, [report])
        except Refused as refused:
            return await _sheet(request, opened, school, day, named, (chosen, half), refused)
    return RedirectResponse(f"{_address(school, day)}&done=attendance", 303)


def _asked(opened: Opening, given: Mapping[str, Any]) -> tuple[str, date]:
    """School and day of an address or a form: a school's own, and today, where nothing else is meant."""
    own = opened.viewer.scope.school if opened.viewer.scope.division is None else None
    day = min(as_date(str(given.get("day", ""))) or today(), today())
    return own or str(given.get("school", "")).strip()[:_CHARACTERS], day


def _address(school: str, day: date) -> str:
    return f"/attendance?{urlencode({'school': school, 'day': day.isoformat()})}"


def _class_of(named: Mapping[str, str]) -> dict[str, str | None]:
    """A class as a report names it; an unknown stage is left out."""
    return {"stage": named["stage"] or None, "grade": named["grade"], "class_name": named["class_name"]}


def _chosen(form: FormData) -> tuple[dict[str, str], set[str]]:
    """(child → what was chosen for her, children with half a day), of the form's fields."""
    chosen, half = {}, set()
    for name, value in form.multi_items():
        what, _, child = name.partition(".")
        if what in ("state", "half") and _is_id(child) and isinstance(value, str):
            if what == "half":
                half.add(child)
            elif value:
                chosen[child] = value
    return chosen, half


def _is_id(word: str) -> bool:
    try:
        return str(UUID(word)) == word
    except ValueError:
        return False


async def _send(request: Request, opened: Opening, form: FormData, reports: list[dict[str, Any]]) -> None:
    """All of them or none. Raises BackendTrouble."""
    backends: Backends = request.app.state.backends
    made = command_of(form, reports)
    if len(reports) == 1:
        await backends.post(opened.caller, "registry", "/v1/attendance", reports[0], command_id=made)
        return
    lines = "\n".join(json.dumps(each) for each in reports).encode()
    await backends.post(opened.caller, "registry", "/v1/attendance/batch", content=lines, command_id=made)


async def _classes(request: Request, opened: Opening, school: str, day: date) -> Mapping[str, Any]:
    backends: Backends = request.app.state.backends
    params: dict[str, Param] = {"school": school, "day": day.isoformat()}
    told: Mapping[str, Any] = (await backends.get(opened.caller, "registry", "/v1/attendance/classes", params)).body
    return told


async def _day(request: Request, opened: Opening, school: str, day: date, refused: Refused | None = None) -> Response:
    """The page of a day, with a refusal where there was one. Raises what is no answer to a form."""
    shown = refusal_shown(opened, refused, _SHOWN_AGAIN)
    rendering: Rendering = request.app.state.rendering
    before = day - timedelta(days=1)
    told, missed = None, 0
    schools: list[Any] = []
    following: str | None = None
    if school:
        told = await _classes(request, opened, school, day)
        earlier = await _classes(request, opened, school, before)
        missed = 0 if earlier["school_day"] is False else sum(not each["reported"] for each in earlier["classes"])
    else:
        schools, following = await _schools(request, opened, day)
    return rendering.page(
        request,
        opened,
        "attendance.html",
        school=school,
        day=day,
        told=told,
        waiting=sum(not each["reported"] for each in told["classes"]) if told else 0,
        schools=schools,
        following=following,
        before=_address(school, before),
        missed=missed,
        after=_address(school, day + timedelta(days=1)) if day < today() else None,
        several=opened.viewer.scope.division is not None,
        address_of=lambda each: f"/attendance/class?{urlencode(_named(each, day))}",
        school_address=lambda code: _address(code, day),
        may_report=opened.viewer.has(Right.ATTENDANCE_REPORT),
        **shown,
    )


def _named(each: Mapping[str, Any], day: date) -> dict[str, str]:
    return {"school": each["school_code"], "day": day.isoformat(), **{name: each[name] for name in CLASS}}


async def _schools(request: Request, opened: Opening, day: date) -> tuple[list[Any], str | None]:
    """The schools of one page, and the address of the next."""
    backends: Backends = request.app.state.backends
    asked: dict[str, Param] = {
        "day": day.isoformat(),
        "after": request.query_params.get("after", ""),
        "limit": PAGE_ROWS,
    }
    answer = await backends.get(opened.caller, "registry", "/v1/attendance/schools", asked)
    rows, cursor = items_of(answer.body)
    return rows, f"/attendance?{urlencode({'day': day.isoformat(), 'after': cursor})}" if cursor else None


async def _sheet(
    request: Request,
    opened: Opening,
    school: str,
    day: date,
    named: Mapping[str, str],
    sent: tuple[Mapping[str, str], set[str]] | None = None,
    refused: Refused | None = None,
) -> Response:
    """The page of a class; with what was chosen where that was refused."""
    shown = refusal_shown(opened, refused, _SHOWN_AGAIN)
    backends: Backends = request.app.state.backends
    rendering: Rendering = request.app.state.rendering
    asked: dict[str, Param] = {"school": school, "day": day.isoformat(), **named}
    told = (await backends.get(opened.caller, "registry", "/v1/attendance/class", asked)).body
    chosen, half = sent or (
        {each["student_id"]: LATE if each["late"] else each["reason"] or "" for each in told["children"]},
        {each["student_id"] for each in told["children"] if each["half_day"]},
    )
    return rendering.page(
        request,
        opened,
        "attendance_class.html",
        told=told,
        school=school,
        day=day,
        named=named,
        chosen=chosen,
        half=half,
        reasons=REASONS,
        back_to=_address(school, day),
        may_report=opened.viewer.has(Right.ATTENDANCE_REPORT),
        **shown,
        command_id=str(new_event_id()),
    )

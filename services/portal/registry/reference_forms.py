"""Forms of the clerk for reference data: a school calendar, the end of a school, a history of division codes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from io import BytesIO
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Depends, Request
from starlette.datastructures import FormData, UploadFile
from starlette.responses import RedirectResponse, Response

from services.portal.backends import Backends, Param, Refused
from services.portal.forms import Sent, command_of, long_text, text
from services.portal.rendering import Rendering
from services.portal.session import Opening, check_form, opening, permit
from services.portal.settings import PortalSettings
from services.portal.tables.table_reading import school_choices
from services.portal.texts import Texts
from shared.kernel.clock import today
from shared.kernel.identifiers import new_event_id
from shared.standards.rights import Right

router = APIRouter(include_in_schema=False)
Opened = Annotated[Opening, Depends(opening)]
TERMS = (1, 2)
_PLACE = ("division_code", "school_code", "school_year", "as_of")
_OF_TERMS = tuple(f"{field}_{number}" for number in TERMS for field in ("name", "first", "last"))
_LINES = ("holidays", "made_up")
_LINES_CHARACTERS = 4_000
_HOLIDAY = re.compile(r"(\d{4}-\d{2}-\d{2})\s+(\d{4}-\d{2}-\d{2})\s+(\S.*)")
_SHOWN_AGAIN = (400, 403, 404, 409, 413, 422)  # refusals after which the person goes on on the same form


class _BadLine(ValueError):
    """A line of the form that cannot be read, by its number."""


@router.get("/reference/calendars/new", dependencies=[permit(Right.REFERENCE_KEEP)])
async def calendar_form(request: Request, opened: Opened) -> Response:
    """The form, empty."""
    settings: PortalSettings = request.app.state.settings
    day = today()
    year = day.year if day.month >= 7 else day.year - 1
    typed = dict.fromkeys((*_OF_TERMS, *_LINES, "school_code"), "") | {"rest": "6 7"}
    typed |= {"division_code": settings.division, "school_year": str(year), "as_of": day.isoformat()}
    typed |= {"name_1": f"{year}-autumn", "name_2": f"{year + 1}-spring"}
    return _page(request, opened, "calendar_form.html", typed=typed, terms=TERMS)


@router.post("/reference/calendars/new", dependencies=[permit(Right.REFERENCE_KEEP)])
async def activate(request: Request, opened: Opened) -> Response:
    """Activate what was typed, or the sheet that was sent; a refusal shows the form with what was typed."""
    backends: Backends = request.app.state.backends
    async with request.form(max_files=1, max_fields=40) as form:
        check_form(request, form.get("form_token"))
        typed = {name: text(form, name) for name in (*_PLACE, *_OF_TERMS, "rest")}
        typed |= {name: long_text(form, name, _LINES_CHARACTERS) for name in _LINES}
        try:
            file = await _file(form)
            if file is not None:
                params: dict[str, Param] = {name: typed[name] for name in _PLACE}
                path, body = "/v1/reference/calendars/uploads", None
            else:
                params, path = {"as_of": typed["as_of"]}, "/v1/reference/calendars"
                body = _calendar(typed)
            made = command_of(form, [typed, file[1].hex() if file else ""])
            sent = None if file is None else (file[0], BytesIO(file[1]))
            await backends.post(opened.caller, "registry", path, body, command_id=made, params=params, file=sent)
        except _BadLine as bad:
            complaint = opened.texts("reference_forms.bad_line", line=bad)
            return _page(request, opened, "calendar_form.html", 422, complaint, typed=typed, terms=TERMS)
        except Refused as refused:
            return _again(request, opened, "calendar_form.html", refused, typed=typed, terms=TERMS)
    return RedirectResponse("/reference/calendars?done=calendar", 303)


@router.get("/reference/schools/{code}/close", dependencies=[permit(Right.REFERENCE_KEEP)])
async def close_form(request: Request, code: str, opened: Opened) -> Response:
    """The form, empty."""
    return await _closing(request, opened, code, {"on": today().isoformat(), "merged_into": ""})


@router.post("/reference/schools/{code}/close", dependencies=[permit(Right.REFERENCE_KEEP)])
async def close(request: Request, code: str, opened: Opened, form: Sent) -> Response:
    """The school is no more, or another took it over."""
    backends: Backends = request.app.state.backends
    typed = {name: text(form, name) for name in ("on", "merged_into")}
    made, path = command_of(form, typed), f"/v1/reference/schools/{quote(code, safe='')}/close"
    body = {"on": typed["on"], "merged_into": typed["merged_into"] or None}
    try:
        await backends.post(opened.caller, "registry", path, body, command_id=made)
    except Refused as refused:
        return await _closing(request, opened, code, typed, refused)
    return RedirectResponse(f"/reference/closed-schools?school={quote(code, safe='')}&done=school_closed", 303)


@router.get("/reference/divisions/upload", dependencies=[permit(Right.REFERENCE_KEEP)])
async def divisions_form(request: Request, opened: Opened) -> Response:
    """The form, empty."""
    return _page(request, opened, "divisions_form.html")


@router.post("/reference/divisions/upload", dependencies=[permit(Right.REFERENCE_KEEP)])
async def take_divisions(request: Request, opened: Opened) -> Response:
    """A history of codes as a sheet, all or none."""
    backends: Backends = request.app.state.backends
    async with request.form(max_files=1, max_fields=10) as form:
        check_form(request, form.get("form_token"))
        file = await _file(form)
        if file is None:
            return _page(request, opened, "divisions_form.html", 422, opened.texts("reference_forms.file_needed"))
        made = command_of(form, file[1].hex())
        try:
            sent = (file[0], BytesIO(file[1]))
            await backends.post(
                opened.caller, "registry", "/v1/reference/divisions/uploads", command_id=made, file=sent
            )
        except Refused as refused:
            return _again(request, opened, "divisions_form.html", refused)
    return RedirectResponse("/reference/divisions?done=divisions", 303)


async def _closing(
    request: Request, opened: Opening, code: str, typed: Mapping[str, str], refused: Refused | None = None
) -> Response:
    backends: Backends = request.app.state.backends
    schools = [school for school in await school_choices(backends, opened) or [] if school[0] != code]
    context: dict[str, Any] = {"code": code, "typed": typed, "schools": schools}
    if refused is not None:
        return _again(request, opened, "school_close_form.html", refused, **context)
    return _page(request, opened, "school_close_form.html", **context)


def _again(request: Request, opened: Opening, template: str, refused: Refused, **context: Any) -> Response:
    """The form with the refusal above it; raises what the person can do nothing about here."""
    if refused.status not in _SHOWN_AGAIN:
        raise refused
    return _page(request, opened, template, refused.status, "; ".join(_told(refused, opened.texts)), **context)


def _told(refused: Refused, texts: Texts) -> Iterator[str]:
    """What was wrong; of a request out of form, which fields."""
    yield refused.detail
    fields = refused.problem.get("errors")
    for each in fields if isinstance(fields, list) else ():
        if isinstance(each, Mapping):
            parts = [part for part in str(each.get("pointer", "")).split("/") if part and not part.isdigit()]
            yield f"{texts.label('reference_forms', parts[-1] if parts else '')}: {each.get('detail', '')}"


def _page(
    request: Request, opened: Opening, template: str, status: int = 200, complaint: str = "", **context: Any
) -> Response:
    rendering: Rendering = request.app.state.rendering
    made = str(new_event_id())
    return rendering.page(request, opened, template, status=status, complaint=complaint, command_id=made, **context)


def _calendar(typed: Mapping[str, str]) -> dict[str, Any]:
    """The form as the registry takes it. Raises _BadLine."""
    days = ({name: typed[f"{name}_{number}"] for name in ("name", "first", "last")} for number in TERMS)
    holidays = []
    for number, line in enumerate(typed["holidays"].splitlines(), 1):
        if line.strip():
            found = _HOLIDAY.fullmatch(line.strip())
            if found is None:
                raise _BadLine(number)
            holidays.append({"first": found[1], "last": found[2], "name": found[3]})
    return {
        "division_code": typed["division_code"],
        "school_code": typed["school_code"] or None,
        "school_year": typed["school_year"],
        "terms": [term for term in days if term["first"] or term["last"]],
        "rest_weekdays": re.findall(r"\d+", typed["rest"]),
        "holidays": holidays,
        "made_up": typed["made_up"].split(),
    }


async def _file(form: FormData) -> tuple[str, bytes] | None:
    """(name, content) of the file that was sent, None without one."""
    sent = form.get("file")
    if not isinstance(sent, UploadFile) or not sent.filename:
        return None
    return sent.filename, await sent.read()

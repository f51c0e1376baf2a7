"""One student: masked particulars, category and evidence, aid, visits, alerts, history; in full only for a purpose."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Request
from starlette.responses import RedirectResponse, Response

from services.portal.backends import Backends, BackendTrouble, Param, Refused
from services.portal.dropout.alert_pages import ALERTS
from services.portal.forms import Sent, command_id, refusal_shown, text
from services.portal.matching.category_history import read_history
from services.portal.registry.life_forms import offered
from services.portal.rendering import Rendering
from services.portal.session import Opening, opening, permit
from services.portal.tables.columns import Column, Row
from services.portal.tables.table_pages import ENTITLEMENTS, VISITS
from services.portal.tables.table_reading import TableRow, completed, items_of, shown_rows
from services.portal.tables.table_shape import TablePage
from shared.kernel.identifiers import new_event_id
from shared.standards.rights import Right

router = APIRouter(include_in_schema=False)
Opened = Annotated[Opening, Depends(opening)]

PARTICULARS = (
    Column("name", ("name",)),
    Column("former_name", ("former_name",)),
    Column("sex", ("sex",), "code", "sex"),
    Column("birth_date", ("birth_date",)),
    Column("id_number", ("id_number",)),
    Column("student_number", ("student_number",)),
    Column("guardian_name", ("guardian_name",)),
    Column("guardian_id", ("guardian_id",)),
    Column("phone", ("phone",)),
    Column("address", ("address",)),
    Column("boarder", ("boarder",), "code", "yes_no"),
    Column("left_behind", ("left_behind",), "code", "yes_no"),
)
PLACE = (
    Column("school", ("school_name", "school_code")),
    Column("stage", ("stage",), "code", "stage"),
    Column("grade", ("grade",)),
    Column("class_name", ("class_name",)),
    Column("student_state", ("state",), "code", "student_state"),
)
REVEALABLE = (
    "name",
    "former_name",
    "id_number",
    "student_number",
    "birth_date",
    "guardian_name",
    "guardian_id",
    "phone",
    "address",
)
SECTIONS: tuple[tuple[str, TablePage], ...] = (
    ("aid", ENTITLEMENTS),
    ("alerts", ALERTS),
    ("visits", VISITS),
)
_HISTORY_ROWS = 200


@router.get("/students")
@router.get("/students.xlsx")
async def former_address(request: Request) -> Response:
    """The list of students, which is the search's now; conditions go along."""
    ending = ".xlsx" if request.url.path.endswith(".xlsx") else ""
    query = f"?{request.url.query}" if request.url.query else ""
    return RedirectResponse(f"/search{ending}{query}", 303)


@router.get("/students/{student_id}", dependencies=[permit(Right.STUDENTS_READ)])
async def student(request: Request, student_id: UUID, opened: Opened) -> Response:
    """The page, everything that identifies the child masked."""
    return await student_page(request, opened, student_id)


@router.post("/students/{student_id}/reveal", dependencies=[permit(Right.STUDENTS_REVEAL)])
async def reveal(request: Request, student_id: UUID, opened: Opened, form: Sent) -> Response:
    """The same page with the asked-for fields in full, once; the registry records who read them and why."""
    backends: Backends = request.app.state.backends
    asked = [name for name in REVEALABLE if name in form.getlist("fields")]
    body = {"purpose": text(form, "purpose"), "fields": asked}
    try:
        answer = await backends.post(
            opened.caller, "registry", f"/v1/students/{student_id}/reveal", body, command_id=command_id(form)
        )
    except Refused as refused:
        shown = refusal_shown(opened, refused, (400, 422))
        return await student_page(request, opened, student_id, typed=body, **shown)
    told = answer.body.get("fields", answer.body) if isinstance(answer.body, Mapping) else {}
    in_full = {name: str(told[name]) for name in asked if isinstance(told, Mapping) and told.get(name)}
    return await student_page(request, opened, student_id, revealed=in_full, typed=body)


async def student_page(
    request: Request,
    opened: Opening,
    student_id: UUID,
    *,
    revealed: Mapping[str, str] | None = None,
    typed: Mapping[str, Any] | None = None,
    complaint: str = "",
    care: Mapping[str, Any] | None = None,
    unsent: Mapping[str, Any] | None = None,
    life: Mapping[str, Any] | None = None,
    status: int = 200,
) -> Response:
    """Her page. ``life``: an act that was refused, with the complaint and what was typed; ``unsent``: the same of
    another form, by its name."""
    backends: Backends = request.app.state.backends
    rendering: Rendering = request.app.state.rendering
    answer = await backends.get(opened.caller, "registry", f"/v1/students/{student_id}")
    row: Row = answer.body
    known_at = request.query_params.get("known_at", "")
    categories, absences, households, *sections = await asyncio.gather(
        read_history(opened, backends, student_id, known_at),
        _absences(backends, opened, student_id),
        _households(backends, opened, student_id),
        *(_section(backends, opened, page, student_id) for _, page in SECTIONS),
    )
    history = row.get("history")
    return rendering.page(
        request,
        opened,
        "student.html",
        status=status,
        student=row,
        particulars=[(column.label, column.shown(row, opened.texts)) for column in PARTICULARS],
        place=[(column.label, column.shown(row, opened.texts)) for column in PLACE],
        sections=[(name, page, rows) for (name, page), rows in zip(SECTIONS, sections, strict=True)],
        category_history=categories,
        absences=absences,
        households=households,
        care=care,
        unsent=unsent,
        life=life,
        acts=offered(row),
        history=history[:_HISTORY_ROWS] if isinstance(history, list) else [],
        revealable=REVEALABLE,
        revealed=revealed,
        typed=typed or {"purpose": "", "fields": ["id_number"]},
        complaint=complaint,
        command_id=str(new_event_id()),
    )


async def _absences(backends: Backends, opened: Opening, student_id: UUID) -> list[Row] | None:
    """The days she was absent or late, newest first; None when they cannot be read."""
    try:
        told = (await backends.get(opened.caller, "registry", f"/v1/students/{student_id}/absences")).body
    except BackendTrouble:
        return None
    return [row for row in told if isinstance(row, Mapping)] if isinstance(told, list) else None


async def _households(backends: Backends, opened: Opening, student_id: UUID) -> list[Row] | None:
    """The households she belongs to, for who may see them; None when they cannot be read."""
    if not opened.viewer.has(Right.HOUSEHOLDS_READ):
        return []
    try:
        told: list[Row] = (await backends.get(opened.caller, "registry", f"/v1/students/{student_id}/households")).body
    except BackendTrouble:
        return None
    return told


async def _section(backends: Backends, opened: Opening, page: TablePage, student_id: UUID) -> list[TableRow] | None:
    """Rows of one kind about this student; None when they cannot be read."""
    params: dict[str, Param] = {"student": str(student_id), "student_id": str(student_id), "limit": 50}
    try:
        answer = await backends.get(opened.caller, page.service, page.source, params)
    except BackendTrouble:
        return None
    items, _ = items_of(answer.body)
    # A service that does not know the condition answers with others too; only this student's rows belong here.
    own = [item for item in items if str(item.get("student_id")) == str(student_id)]
    return shown_rows(page, await completed(page, backends, opened.caller, own), opened.texts)

"""Regular reports of dropout control: the list with what is due, one report, its sheet, the running period."""

from __future__ import annotations

import asyncio
import re
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Request
from starlette.background import BackgroundTask
from starlette.responses import FileResponse, RedirectResponse, Response

from services.portal.backends import Backends, Refused
from services.portal.dropout.report_blocks import blocks, coverage, figure_text, period_text, report_title
from services.portal.forms import Sent, command_id, refusal_shown
from services.portal.rendering import Rendering
from services.portal.session import Opening, opening, permit
from services.portal.taking import taken
from services.portal.texts import Texts
from shared.kernel.identifiers import new_event_id
from shared.standards.rights import Right
from shared.tabular.writing import XLSX, WorkbookWriter

router = APIRouter(include_in_schema=False)
Opened = Annotated[Opening, Depends(opening)]
PAGE = "/dropout/reports"
LEVELS = ("school", "county", "city", "province")
ROWS = 50
_ASKED = ("level", "place", "on", "known_at")
_SHOWN_AGAIN = (404, 409, 422)


@router.get(PAGE, dependencies=[permit(Right.REPORTS_READ)])
async def reports(request: Request, opened: Opened) -> Response:
    """What is due and what was issued, then the reports, the newest period first."""
    backends: Backends = request.app.state.backends
    level = request.query_params.get("level", "")
    level = level if level in LEVELS else ""
    listed, due = await asyncio.gather(
        backends.get(
            opened.caller,
            "notifications",
            "/v1/reports",
            {"level": level, "after": request.query_params.get("after", ""), "limit": ROWS},
        ),
        backends.get(opened.caller, "notifications", "/v1/reports/due"),
    )
    rendering: Rendering = request.app.state.rendering
    return rendering.page(
        request,
        opened,
        "dropout_reports.html",
        rows=listed.body["items"],
        following=listed.body["next"],
        due=due.body,
        level=level,
        levels=("school",) if opened.viewer.scope.division is None else LEVELS,
        period_text=lambda each: period_text(each, opened.texts),
    )


@router.get(f"{PAGE}/preview", dependencies=[permit(Right.REPORTS_READ)])
async def preview(request: Request, opened: Opened) -> Response:
    """The period around a day as it stands now, or as it was known at a moment; a refusal is said on the page."""
    backends: Backends = request.app.state.backends
    asked = {name: request.query_params.get(name, "").strip() for name in _ASKED}
    params = asked | {"known_at": _moment(asked["known_at"])}
    told, refusal = None, None
    try:
        told = (await backends.get(opened.caller, "notifications", "/v1/reports/preview", params)).body
    except Refused as refused:
        refusal = refused
    return _page(request, opened, told, asked=asked, **refusal_shown(opened, refusal, _SHOWN_AGAIN))


@router.get(PAGE + "/{report_id}.xlsx", dependencies=[permit(Right.REPORTS_READ)])
async def sheet(request: Request, report_id: UUID, opened: Opened) -> Response:
    """The report as a workbook: one sheet per block, and one about the report itself."""
    report = await _report(request, opened, report_id)
    folder = tempfile.TemporaryDirectory(prefix="rollcall-report-")
    path = Path(folder.name) / "report.xlsx"
    try:
        _write(path, report, opened.texts)
        await taken(request, opened, PAGE + "/{report_id}.xlsx", None, path)
    except BaseException:
        folder.cleanup()
        raise
    name = f"{report_title(report, opened.texts)}.xlsx"
    return FileResponse(path, media_type=XLSX, filename=name, background=BackgroundTask(folder.cleanup))


@router.get(PAGE + "/{report_id}", dependencies=[permit(Right.REPORTS_READ)])
async def one(request: Request, report_id: UUID, opened: Opened) -> Response:
    """One edition, and whether its own events still give its own numbers when asked (``?check=1``)."""
    report = await _report(request, opened, report_id)
    checked = None
    if request.query_params.get("check") == "1":
        backends: Backends = request.app.state.backends
        path = f"/v1/reports/{report_id}/reproduced"
        checked = (await backends.get(opened.caller, "notifications", path, {"edition": report["edition"]})).body
    return _page(request, opened, report, checked=checked)


@router.post(PAGE + "/{report_id}/editions", dependencies=[permit(Right.REPORTS_ISSUE)])
async def again(request: Request, report_id: UUID, opened: Opened, form: Sent) -> Response:
    """Another edition from what is known now; a refusal is said on the report."""
    backends: Backends = request.app.state.backends
    path = f"/v1/reports/{report_id}/editions"
    try:
        await backends.post(opened.caller, "notifications", path, {}, command_id=command_id(form))
    except Refused as refused:
        shown = refusal_shown(opened, refused, _SHOWN_AGAIN)
        return _page(request, opened, await _report(request, opened, report_id), **shown)
    return RedirectResponse(f"{PAGE}/{report_id}?done=report_issued", 303)


async def _report(request: Request, opened: Opening, report_id: UUID) -> dict[str, Any]:
    backends: Backends = request.app.state.backends
    typed = request.query_params.get("edition", "")
    params = {"edition": typed if re.fullmatch(r"[1-9]\d{0,4}", typed) else ""}
    found = await backends.get(opened.caller, "notifications", f"/v1/reports/{report_id}", params)
    return dict(found.body)


def _page(
    request: Request,
    opened: Opening,
    report: Mapping[str, Any] | None,
    *,
    asked: Mapping[str, str] | None = None,
    checked: Mapping[str, Any] | None = None,
    complaint: str = "",
    status: int = 200,
) -> Response:
    rendering: Rendering = request.app.state.rendering
    texts = opened.texts
    return rendering.page(
        request,
        opened,
        "dropout_report.html",
        status=status,
        report=report,
        title=texts("dropout_reports.preview") if report is None else report_title(report, texts),
        blocks=[] if report is None else blocks(report, texts),
        asked=asked,
        checked=checked,
        figure_text=lambda figure: figure_text(figure, texts),
        complaint=complaint,
        levels=("school",) if opened.viewer.scope.division is None else LEVELS,
        may_issue=opened.viewer.has(Right.REPORTS_ISSUE),
        command_id=str(new_event_id()),
    )


def _moment(typed: str) -> str:
    """A moment as a form has it, in Shanghai."""
    return f"{typed}+08:00" if re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d)?", typed) else typed


def _write(path: Path, report: Mapping[str, Any], texts: Texts) -> None:
    with WorkbookWriter(path) as book:
        for block in blocks(report, texts):
            made = book.sheet(block.title, widths=[22, *([12] * (len(block.heads) - 1))])
            made.header(block.heads)
            for row in block.rows:
                made.row(row)
        about = book.sheet(texts("dropout_reports.about"), widths=[24, 70])
        about.header([report_title(report, texts), ""])
        said = {
            "period": f"{report['first']} — {report['last']}",
            "edition": report["edition"],
            "issued_on": report["issued_on"],
            "classes": coverage(report["figures"], texts),
            "digest": report["content_hash"],
            "rules": report["rules_hash"] or "—",
            "plan": report["plan_hash"] or "—",
        }
        for name, value in said.items():
            about.row([texts(f"dropout_reports.{name}"), value])
        for log, indexes in report["cut"].items():
            about.row([f"{texts('dropout_reports.cut')} {log}", " ".join(str(index) for index in indexes)])
        for code in report["not_covered"]:
            about.row([texts("dropout_reports.not_covered"), texts.label("report_not_covered", code)])

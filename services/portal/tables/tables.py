"""Every table of the page: shown, kept up to date, printed, and taken away as a sheet."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Request
from starlette.background import BackgroundTask
from starlette.datastructures import FormData
from starlette.responses import FileResponse, Response

from services.portal.backends import Backends, BackendTrouble, Refused
from services.portal.rendering import Rendering
from services.portal.session import Opening, opening, permit
from services.portal.tables.columns import Shown, day_text
from services.portal.tables.table_pages import SUBMISSIONS, TABLES
from services.portal.tables.table_reading import (
    SHEET_ROWS,
    TableRow,
    asked,
    completed,
    conditions_of,
    every_row,
    items_of,
    read_view,
    school_choices,
    shown_rows,
)
from services.portal.tables.table_shape import Filter, TablePage
from services.portal.tables.unsent import Unsent, shown_again
from services.portal.taking import taken
from services.portal.texts import Texts
from shared.kernel.clock import today
from shared.kernel.refusals import Malformed
from shared.tabular.sheets import Cell
from shared.tabular.writing import XLSX, WorkbookWriter

Opened = Annotated[Opening, Depends(opening)]


def router() -> APIRouter:
    """Two addresses per table: the page and its sheet."""
    made = APIRouter(include_in_schema=False)
    for page in TABLES.values():
        permitted = [permit(*page.rights)]
        if page is not SUBMISSIONS:
            made.add_api_route(page.address, _shower(page), methods=["GET"], dependencies=permitted)
        made.add_api_route(f"{page.address}.xlsx", _sheeter(page), methods=["GET"], dependencies=permitted)
    return made


def _shower(page: TablePage):  # type: ignore[no-untyped-def]
    async def show(request: Request, opened: Opened) -> Response:
        return await table_page(request, opened, page)

    return show


async def table_page(request: Request, opened: Opening, page: TablePage, unsent: Unsent | None = None) -> Response:
    """The page, or only its rows (``?part=rows``) when the page's script asks for what changed. With a form that was
    ``unsent`` the rows stand still, so that nothing takes away what was typed."""
    rendering: Rendering = request.app.state.rendering
    backends: Backends = request.app.state.backends
    view = await read_view(request, opened, page, backends)
    if request.query_params.get("part") == "rows":
        return rendering.page(request, opened, "_table.html", page=page, view=view, heads=page.columns, unsent=None)
    printing = request.query_params.get("print") == "1"
    if printing:
        await taken(request, opened, page.address, len(view.rows))
    inputs = await inputs_of(page, backends, opened, view.conditions)
    schools = await school_choices(backends, opened) if any(f.kind == "school" for f in page.filters) else None
    return rendering.page(
        request,
        opened,
        "table_page.html",
        status=200 if unsent is None else unsent.status,
        unsent=unsent,
        page=page,
        view=view if unsent is None else replace(view, stream=None),
        heads=page.columns,
        title=title_of(page, opened),
        schools=schools,
        inputs=inputs,
        tabs=_tabs(page, view.conditions, opened.texts),
        sheet=f"{page.address}.xlsx?{request.url.query}",
        printing=printing,
    )


async def table_again(
    request: Request,
    opened: Opening,
    form: FormData,
    refused: Refused | Malformed,
    pages: Sequence[TablePage],
    words: Sequence[str] = (),
) -> Response:
    """The one of ``pages`` on which ``form`` stood, with the form as it was sent and why it was refused. ``words``: the
    fields in which the person writes. Raises ``refused`` when it is no answer to a form."""
    return await shown_again(request, opened, form, refused, table_page, pages, words)


async def inputs_of(
    page: TablePage, backends: Backends, opened: Opening, conditions: Mapping[str, str]
) -> list[tuple[str, str]]:
    """(list, the date it is true on) of what the table rests on; empty where it does not tell."""
    if page.inputs is None:
        return []
    answer = await backends.get(opened.caller, page.service, page.inputs, {"true_on": conditions.get("true_on")})
    return [
        (opened.texts.label("list", each.get("list")), day_text(each.get("dated"))) for each in items_of(answer.body)[0]
    ]


def title_of(page: TablePage, opened: Opening) -> str:
    """The page's heading for this viewer."""
    school_only = opened.viewer.scope.division is None and opened.viewer.scope.school is not None
    return opened.texts("roster.title_school" if page.name == "roster" and school_only else f"{page.name}.title")


def _tabs(page: TablePage, conditions: dict[str, str], texts: Texts) -> list[tuple[str, str, bool]]:
    """(address, word, chosen) of the filter that is shown as tabs."""
    tabbed: Filter | None = next((f for f in page.filters if f.tabs), None)
    if tabbed is None:
        return []
    others = {name: value for name, value in conditions.items() if name != tabbed.name}
    chosen = conditions.get(tabbed.name, "all")
    choices = [*texts.codes(tabbed.vocabulary), *(() if tabbed.one else (("all", texts("table.all")),))]
    return [
        (f"{page.address}?{urlencode({**others, tabbed.name: code})}", word, code == chosen) for code, word in choices
    ]


def _sheeter(page: TablePage):  # type: ignore[no-untyped-def]
    async def sheet(request: Request, opened: Opened) -> Response:
        backends: Backends = request.app.state.backends
        params = asked(request, page, conditions_of(request, page))
        folder = tempfile.TemporaryDirectory(prefix="rollcall-sheet-")
        path = Path(folder.name) / "sheet.xlsx"
        written = 0
        try:
            inputs = await inputs_of(page, backends, opened, conditions_of(request, page))
            with _sheet_of(path, page, opened, inputs) as write:
                async for rows in _chunks(every_row(backends, opened.caller, page, params, SHEET_ROWS + 1)):
                    write(shown_rows(page, await completed(page, backends, opened.caller, rows), opened.texts))
                    written += len(rows)
            await taken(request, opened, f"{page.address}.xlsx", min(written, SHEET_ROWS), path)
        except BackendTrouble:
            folder.cleanup()
            raise
        name = f"{title_of(page, opened)}-{today().isoformat()}.xlsx"
        return FileResponse(path, media_type=XLSX, filename=name, background=BackgroundTask(folder.cleanup))

    return sheet


async def _chunks(rows: AsyncIterator, size: int = 200) -> AsyncIterator[list]:  # type: ignore[type-arg]
    chunk: list = []  # type: ignore[type-arg]
    async for row in rows:
        chunk.append(row)
        if len(chunk) == size:
            yield chunk
            chunk = []
    if chunk:
        yield chunk


@contextmanager
def _sheet_of(path: Path, page: TablePage, opened: Opening, inputs: list[tuple[str, str]]) -> Iterator:  # type: ignore[type-arg]
    texts, written = opened.texts, 0
    with WorkbookWriter(path) as book:
        sheet = book.sheet(title_of(page, opened), widths=[18] * len(page.columns))
        sheet.header([texts(f"column.{column.label}") for column in page.columns])

        def write(rows: list[TableRow]) -> None:
            nonlocal written
            for row in rows:
                if written == SHEET_ROWS:
                    sheet.row([texts("table.truncated", count=SHEET_ROWS)])
                    written += 1
                elif written < SHEET_ROWS:
                    sheet.row([_cell(cell) for cell in row.cells])
                    written += 1

        yield write
        if inputs:
            about = book.sheet(texts("home.fresh"), widths=[40, 16])
            about.header([texts("home.list"), texts("home.fresh")])
            for what, dated in inputs:
                about.row([what, dated])


def _cell(shown: Shown) -> Cell:
    """Numbers as numbers, days as days, everything else as text: the writer turns no text into a formula."""
    if shown.value is not None and not isinstance(shown.value, bool):
        return shown.value  # type: ignore[no-any-return]
    return "" if shown.kind == "link" else shown.text

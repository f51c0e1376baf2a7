"""A table page's rows, asked of their service with the conditions of the address."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from starlette.requests import Request

from services.portal.backends import Backends, BackendTrouble, Caller, Param
from services.portal.matching.decided_on import with_evidence
from services.portal.session import Opening
from services.portal.tables.columns import Row, Shown
from services.portal.tables.table_shape import TablePage
from services.portal.texts import Texts, term_code
from shared.kernel.clock import SHANGHAI
from shared.web.pages import PAGE_ROWS

PAGE_SIZE = 50
SHEET_ROWS = 20_000
PRINT_ROWS = 2_000
SCHOOL_CHOICES = 1_000
FILTER_CHARACTERS = 100


@dataclass(frozen=True)
class TableRow:
    """A row as shown. ``raw`` is for the row's actions."""

    id: str
    cells: tuple[Shown, ...]
    raw: Row


@dataclass(frozen=True)
class TableView:
    """One page of a table. ``next`` and ``first`` are addresses, ``stream`` is the address of its live changes;
    ``recognised``: (what was typed, what it was taken for) where the service says so."""

    rows: list[TableRow]
    conditions: dict[str, str]
    next: str | None
    first: str | None
    stream: str | None
    truncated: bool = False
    narrowed: bool = False
    recognised: tuple[tuple[str, str], ...] = ()


def conditions_of(request: Request, page: TablePage) -> dict[str, str]:
    """The page's filters as they stand in the address; a tab that is not named has its default."""
    found: dict[str, str] = {}
    for filter_ in page.filters:
        value = request.query_params.get(filter_.name, filter_.default).strip()[:FILTER_CHARACTERS]
        if filter_.kind == "term":
            value = term_code(value)
        if value and value != "all":
            found[filter_.name] = value
    return found


def asked(request: Request, page: TablePage, conditions: Mapping[str, str]) -> dict[str, Param]:
    """The conditions as the service is asked for them."""
    params: dict[str, Param] = {**page.fixed, **conditions}
    for filter_ in page.filters:
        if filter_.kind == "moment" and filter_.name in conditions:
            params[filter_.name] = shanghai_moment(conditions[filter_.name])
        if filter_.every and request.query_params.get(filter_.name) == "all":
            params[filter_.name] = list(filter_.every)
    return params


def shanghai_moment(typed: str) -> str:
    """A moment as a browser's field gives it, which is Shanghai's, with its offset; what is none stays as typed, for
    the service to refuse."""
    try:
        moment = datetime.fromisoformat(typed)
    except ValueError:
        return typed
    return (moment if moment.tzinfo else moment.replace(tzinfo=SHANGHAI)).isoformat()


def shown_rows(page: TablePage, items: list[Row], texts: Texts) -> list[TableRow]:
    """Rows with their cells."""
    return [
        TableRow(str(item.get(page.row_id, "")), tuple(column.shown(item, texts) for column in page.columns), item)
        for item in items
    ]


async def read_view(request: Request, opened: Opening, page: TablePage, backends: Backends) -> TableView:
    """The page asked for. Raises BackendTrouble."""
    conditions = conditions_of(request, page)
    after = request.query_params.get("after")
    if request.query_params.get("print") == "1":
        items = [
            row
            async for row in every_row(backends, opened.caller, page, asked(request, page, conditions), PRINT_ROWS + 1)
        ]
        shown = await completed(page, backends, opened.caller, items[:PRINT_ROWS])
        rows = shown_rows(page, shown, opened.texts)
        return TableView(rows, conditions, None, None, None, len(items) > PRINT_ROWS)
    params = asked(request, page, conditions) | {"after": after, "limit": PAGE_SIZE}
    answer = await backends.get(opened.caller, page.service, page.source, params)
    items, cursor = items_of(answer.body)
    items = await completed(page, backends, opened.caller, items)
    stream = None
    if page.live and not after:
        since = {"since": answer.position} if answer.position else {}
        stream = f"/api/{page.service}{page.live}?{urlencode({**page.fixed, **conditions, **since})}"
    return TableView(
        shown_rows(page, items, opened.texts),
        conditions,
        f"{page.address}?{urlencode({**_explicit(request, page), 'after': cursor})}" if cursor else None,
        f"{page.address}?{urlencode(_explicit(request, page))}" if after else None,
        stream,
        narrowed=bool(_explicit(request, page)),
        recognised=tuple((str(each["text"]), str(each["kind"])) for each in answer.body.get("recognised", ())),
    )


async def completed(page: TablePage, backends: Backends, caller: Caller, items: list[Row]) -> list[Row]:
    """The rows with what another service tells beside them."""
    return await with_evidence(backends, caller, items) if page.decided_on and items else items


def _explicit(request: Request, page: TablePage) -> dict[str, str]:
    """The filters as the address named them, so that a tab set to "all" stays so on the next page."""
    return {f.name: request.query_params[f.name] for f in page.filters if request.query_params.get(f.name)}


async def every_row(
    backends: Backends, caller: Caller, page: TablePage, params: Mapping[str, Param], limit: int
) -> AsyncIterator[Row]:
    """Rows of all pages, at most ``limit``. Raises BackendTrouble."""
    cursor: str | None = None
    given = 0
    while given < limit:
        turned = {**params, "after": cursor, "limit": PAGE_ROWS}
        items, cursor = items_of((await backends.get(caller, page.service, page.source, turned)).body)
        for item in items[: limit - given]:
            given += 1
            yield item
        if cursor is None or not items:
            return


def items_of(body: Any) -> tuple[list[Row], str | None]:
    """The rows and the next cursor of a list answer."""
    if isinstance(body, Mapping):
        items, cursor = body.get("items"), body.get("next")
        rows = [item for item in items if isinstance(item, Mapping)] if isinstance(items, list) else []
        return rows, cursor if isinstance(cursor, str) else None
    return [], None


async def school_choices(backends: Backends, opened: Opening) -> list[tuple[str, str]] | None:
    """(code, name) of the schools the viewer may choose from; None when they cannot be had (the code is typed then)."""
    schools: list[tuple[str, str]] = []
    cursor: str | None = None
    try:
        while len(schools) < SCHOOL_CHOICES:
            params = {"after": cursor, "limit": PAGE_ROWS}
            answer = await asyncio.wait_for(backends.get(opened.caller, "registry", "/v1/schools", params), 5)
            items, cursor = items_of(answer.body)
            for item in items:
                code = item.get("school_code") or item.get("code")
                if code:
                    schools.append((str(code), str(item.get("name") or item.get("school_name") or code)))
            if cursor is None:
                break
    except (BackendTrouble, TimeoutError):
        return None
    own = opened.viewer.scope.school
    if own is not None:
        schools = [school for school in schools if school[0] == own]
    return sorted(schools, key=lambda school: school[1])

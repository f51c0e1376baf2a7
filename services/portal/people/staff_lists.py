"""Accounts and posts as lists: their filters, their sheets, and people offered as somebody types."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from starlette.background import BackgroundTask
from starlette.responses import FileResponse, JSONResponse, Response

from services.portal.backends import Backends, BackendTrouble, Param
from services.portal.session import Opening, opening, permit
from services.portal.tables.columns import as_date
from services.portal.tables.table_reading import SHEET_ROWS, items_of
from services.portal.taking import taken
from services.portal.texts import Texts
from shared.kernel.clock import today
from shared.kernel.refusals import NotFound
from shared.standards.posts import KINDS, POSTS, Kind
from shared.standards.rights import Right
from shared.tabular.sheets import Cell
from shared.tabular.writing import XLSX, WorkbookWriter
from shared.web.pages import PAGE_ROWS

router = APIRouter(include_in_schema=False)
Opened = Annotated[Opening, Depends(opening)]
READ, KEEP = Right.ACCOUNTS_READ, Right.ACCOUNTS_KEEP
CHOICES = 20
FILTERS = ("begins", "school", "kind", "state")
Row = Mapping[str, Any]


@dataclass(frozen=True)
class StaffList:
    """A list of access: where it is read, by which states it is filtered, its sheet's columns (text key → cell)."""

    title: str
    source: str
    states: tuple[str, ...]
    columns: Mapping[str, Callable[[Row, Texts], Cell]]


def _named(kind: str, texts: Texts) -> str:
    post = POSTS[Kind(kind)]
    return post.en if texts.language == "en" else post.zh


def _place(row: Row, texts: Texts) -> str:
    agency = row.get("agency")
    return texts.label("agency", agency) if agency else row["school_name"] or row["school_code"] or row["division_code"]


def post_state(row: Row, on: str) -> str:
    """closed, vacant, ended (the holder's time is over), coming or held, on a day (ISO)."""
    if row["closed"] or row["holder"] is None:
        return "closed" if row["closed"] else "vacant"
    if row["until"] and row["until"] <= on:
        return "ended"
    return "coming" if row["begins_on"] and row["begins_on"] > on else "held"


PEOPLE = StaffList(
    "people.title",
    "/v1/accounts",
    ("open", "closed"),
    {
        "people.name": lambda row, _texts: row["name"] or "",
        "people.login": lambda row, _texts: row["login"] or "",
        "people.place": _place,
        "people.posts": lambda row, texts: "、".join(_named(kind, texts) for kind in row["posts"]),
        "people.state": lambda row, texts: texts("people.closed" if row["closed"] else "people.open"),
    },
)
POSTS_LIST = StaffList(
    "posts.title",
    "/v1/posts",
    ("held", "vacant", "ended", "closed"),
    {
        "posts.kind": lambda row, texts: _named(row["kind"], texts),
        "people.place": _place,
        "posts.class": lambda row, _texts: row["school_class"] or "",
        "posts.holder": lambda row, _texts: row["holder_name"] or "",
        "people.login": lambda row, _texts: row["holder_login"] or "",
        "posts.begins_on": lambda row, _texts: as_date(row["begins_on"]) or "",
        "posts.ends_before": lambda row, _texts: as_date(row["until"]) or "",
        "people.state": lambda row, texts: texts(f"posts.{post_state(row, today().isoformat())}"),
    },
)


def conditions(request: Request, staff: StaffList) -> dict[str, str]:
    """The filters of the address; what cannot be is left out."""
    given = {name: request.query_params.get(name, "").strip()[:80] for name in FILTERS}
    if given["kind"] not in KINDS:
        given["kind"] = ""
    if given["state"] not in staff.states:
        given["state"] = ""
    return {name: value for name, value in given.items() if value}


async def account_of(backends: Backends, opened: Opening, typed: str) -> str:
    """The account of a login name, or of a name that only one person has. Raises NotFound, BackendTrouble."""
    for name in ("login", "begins"):
        params: dict[str, Param] = {name: typed, "state": "open", "limit": PAGE_ROWS}
        found, _ = items_of((await backends.get(opened.caller, "access", PEOPLE.source, params)).body)
        exact = [each for each in found if typed.lower() == each["login"] or typed == each["name"]]
        if len(exact) == 1:
            return str(exact[0]["account_id"])
        if exact:
            raise NotFound("有几个人叫这个名字,请填登录名", "Several people have this name; give the login name")
    raise NotFound("没有这个人,请填登录名或姓名全称", "There is no such person; give the login name or the whole name")


@router.get("/people/choices", dependencies=[permit(KEEP)])
async def choices(request: Request, opened: Opened) -> Response:
    """People in use whose login name or name begins with ``q``, the first CHOICES of them."""
    typed = request.query_params.get("q", "").strip()[:80]
    params: dict[str, Param] = {"begins": typed, "state": "open", "limit": CHOICES}
    backends: Backends = request.app.state.backends
    rows, _ = (
        items_of((await backends.get(opened.caller, "access", PEOPLE.source, params)).body) if typed else ([], None)
    )
    items = [
        {"login": row["login"], "label": f"{row['name']} · {_place(row, opened.texts)}"}
        for row in rows
        if row["login"] and str(row["account_id"]) != opened.viewer.principal
    ]
    return JSONResponse({"items": items}, headers={"cache-control": "no-store"})


@router.get("/people.xlsx", dependencies=[permit(READ, KEEP)])
async def people_sheet(request: Request, opened: Opened) -> Response:
    """Everybody the filters leave, as a sheet."""
    return await _sheet(request, opened, PEOPLE)


@router.get("/posts.xlsx", dependencies=[permit(READ, KEEP)])
async def posts_sheet(request: Request, opened: Opened) -> Response:
    """Every post the filters leave, as a sheet."""
    return await _sheet(request, opened, POSTS_LIST)


async def _sheet(request: Request, opened: Opening, staff: StaffList) -> Response:
    texts, title = opened.texts, opened.texts(staff.title)
    folder = tempfile.TemporaryDirectory(prefix="rollcall-staff-")
    path = Path(folder.name) / "sheet.xlsx"
    try:
        with WorkbookWriter(path) as book:
            sheet = book.sheet(title, widths=[18.0] * len(staff.columns))
            sheet.header([texts(key) for key in staff.columns])
            async for row in _every(request.app.state.backends, opened, staff, conditions(request, staff)):
                if sheet.row_count > SHEET_ROWS:
                    sheet.row([texts("table.truncated", count=SHEET_ROWS)])
                    break
                sheet.row([cell(row, texts) for cell in staff.columns.values()])
            rows = min(sheet.row_count - 1, SHEET_ROWS)
        await taken(request, opened, request.url.path, rows, path)
    except BackendTrouble:
        folder.cleanup()
        raise
    name = f"{title}-{today().isoformat()}.xlsx"
    return FileResponse(path, media_type=XLSX, filename=name, background=BackgroundTask(folder.cleanup))


async def _every(
    backends: Backends, opened: Opening, staff: StaffList, wanted: Mapping[str, str]
) -> AsyncIterator[Row]:
    """The rows of all pages. Raises BackendTrouble."""
    cursor: str | None = None
    while True:
        turn = {**wanted, "after": cursor, "limit": PAGE_ROWS}
        rows, cursor = items_of((await backends.get(opened.caller, "access", staff.source, turn)).body)
        for row in rows:
            yield row
        if cursor is None or not rows:
            return

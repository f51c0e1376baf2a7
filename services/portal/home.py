"""The first page: what needs this person today, and where the roster stands; every number leads to its rows."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from services.portal.backends import Answer, Backends, BackendTrouble, Params
from services.portal.dropout.alert_pages import ALERTS
from services.portal.rendering import Rendering
from services.portal.session import Opening, opening
from services.portal.tables.table_pages import REVIEWS, ROSTER, SUBMISSIONS, TERM_TASKS, UNMATCHED
from services.portal.tables.table_reading import items_of
from services.portal.work import kinds_of, waiting
from shared.standards.open_work import Kind
from shared.standards.rights import Right

router = APIRouter(include_in_schema=False)

CATEGORIES = ("registered_poor", "disabled", "subsistence_rural", "extreme_hardship")
STATES = ("linked", "review", "not_in_register", "registered_elsewhere", "out_of_age", "rejected")
LISTS = ("poverty", "civil", "disability", "students")
COUNTED = {Kind.ALERT, Kind.REVIEW, Kind.TERM_TASK, Kind.MESSAGE}  # by a number of its own on this page


@dataclass(frozen=True)
class Figure:
    """A number that leads to its rows; ``href`` empty: to whoever may not see them."""

    label: str
    text: str
    href: str
    tone: str = ""
    hint: str = ""


@dataclass
class Home:
    """What the page shows; a part that could not be read is None and says so."""

    needs: list[Figure] = field(default_factory=list)
    needs_failed: bool = False
    categories: list[Figure] | None = None
    total: Figure | None = None
    lists: list[dict[str, Any]] | None = None
    tasks: list[dict[str, Any]] | None = None
    stream: str | None = None


@router.get("/")
async def home(request: Request, opened: Annotated[Opening, Depends(opening)]) -> Response:
    """The page, or its numbers only (``?part=numbers``)."""
    backends: Backends = request.app.state.backends
    rendering: Rendering = request.app.state.rendering
    found = await _read(backends, opened)
    part = request.query_params.get("part") == "numbers"
    return rendering.page(request, opened, "_home.html" if part else "home.html", home=found)


async def _read(backends: Backends, opened: Opening) -> Home:
    may = {
        page.name: opened.viewer.has(*page.rights)
        for page in (ROSTER, REVIEWS, UNMATCHED, ALERTS, SUBMISSIONS, TERM_TASKS)
    }
    counts, alerted = opened.viewer.has(Right.ROSTER_COUNT), opened.viewer.has(Right.ALERTS_COUNT)
    summary, alerts, freshness, tasks, (waits, away) = await asyncio.gather(
        _tried(backends, opened, counts, "matching", "/v1/roster/summary"),
        _tried(backends, opened, alerted, "notifications", "/v1/alerts/summary"),
        _tried(backends, opened, may["imports"], "registry", "/v1/freshness"),
        _tried(backends, opened, may["term_tasks"], "registry", "/v1/term-tasks/due"),
        waiting(backends, opened, [kind for kind in kinds_of(opened) if kind not in COUNTED]),
    )
    home = Home()
    if isinstance(alerts, Answer):
        home.needs.append(_alerts(alerts, may["alerts"], opened))
    if isinstance(summary, Answer) and isinstance(summary.body, Mapping):
        _stand(home, summary.body, may, opened)
        if may["roster"]:
            since = {"since": summary.position} if summary.position else {}
            home.stream = f"/api/matching/v1/roster/stream?{urlencode(since)}"
    if isinstance(freshness, Answer):
        home.lists = _lists(freshness, summary.body if isinstance(summary, Answer) else {})
        late = sum(bool(each["late"]) for each in home.lists)
        if late:
            home.needs.append(Figure(opened.texts("home.late"), f"{late:,}", "/imports", "alarm"))
    if isinstance(tasks, Answer):
        home.tasks = [each | {"href": _task_address(each)} for each in tasks.body]
    home.needs += [Figure(each.title, each.text, f"/work?kind={each.kind}", "due") for each in waits]
    asked = (summary, alerts, freshness, tasks)
    home.needs_failed = away or any(isinstance(answer, BackendTrouble) for answer in asked)
    return home


async def _tried(
    backends: Backends, opened: Opening, wanted: bool, service: str, path: str, params: Params | None = None
) -> Answer | BackendTrouble | None:
    if not wanted:
        return None
    try:
        return await backends.get(opened.caller, service, path, params)
    except BackendTrouble as trouble:
        return trouble


def _alerts(answer: Answer, rows: bool, opened: Opening) -> Figure:
    count = _counts(answer.body).get("open", 0)
    address = "/alerts?state=open" if rows else "/dropout"
    return Figure(opened.texts("home.alerts_open"), f"{count:,}", address, "alarm" if count else "calm")


def _task_address(task: Mapping[str, Any]) -> str:
    asked = {name: task[name] for name in ("school_year", "term", "task", "state")}
    return f"{TERM_TASKS.address}?{urlencode(asked)}"


def _stand(home: Home, summary: Mapping[str, Any], may: Mapping[str, bool], opened: Opening) -> None:
    texts = opened.texts
    states = _counts(summary.get("states"))
    if may["unmatched"]:
        unenrolled = int(summary.get("unenrolled_listed") or 0)
        tone = "alarm" if unenrolled else "calm"
        address = "/unmatched?state=not_in_register&school_age=true"
        home.needs.append(Figure(texts("home.unenrolled"), f"{unenrolled:,}", address, tone))
        # Not every row that is not matched: most are adults, about whom there is nothing to do.
        spoilt = states.get("rejected", 0)
        tone = "due" if spoilt else "calm"
        home.needs.append(Figure(texts("home.rejected"), f"{spoilt:,}", "/unmatched?state=rejected", tone))
    if may["reviews"]:
        waiting = states.get("review", 0)
        home.needs.append(Figure(texts("home.review"), f"{waiting:,}", "/reviews", "due" if waiting else "calm"))
    counts = _counts(summary.get("categories"))
    codes = [*CATEGORIES, *sorted(set(counts) - set(CATEGORIES))]
    home.categories = [
        Figure(
            texts.label("category", code),
            f"{counts.get(code, 0):,}",
            f"/roster?{urlencode({'category': code})}" if may["roster"] else "",
        )
        for code in codes
    ]
    home.total = Figure(texts("home.in_categories"), f"{sum(counts.values()):,}", "/roster" if may["roster"] else "")


def _counts(told: Any) -> dict[str, int]:
    """Counts by code, whether told as an object or as a list of rows."""
    if isinstance(told, Mapping):
        return {str(code): int(count) for code, count in told.items() if code and isinstance(count, int)}
    counts: dict[str, int] = {}
    for item in told if isinstance(told, list) else []:
        code = item.get("category") or item.get("state") or item.get("code")
        count = item.get("students", item.get("count", item.get("rows")))
        if code and isinstance(count, int):
            counts[str(code)] = counts.get(str(code), 0) + count
    return counts


def _lists(answer: Answer, summary: Any) -> list[dict[str, Any]]:
    """Each list: as of when it is, when it came, when the next is due and how late that is (of several agencies the
    latest one and the worst), and its rows by state if the summary tells."""
    items, _ = items_of(answer.body)
    by_list = summary.get("by_list") if isinstance(summary, Mapping) else None
    found: list[dict[str, Any]] = []
    for name in LISTS:
        own = [item for item in items if item.get("list") == name]
        last = max(
            (each for each in own if each.get("received_at")), key=lambda each: each["received_at"], default=None
        )
        due = min((each["due_by"] for each in own if each.get("due_by")), default=None)
        late = max((int(each.get("days_late") or 0) for each in own), default=0)
        states = _counts(by_list.get(name)) if isinstance(by_list, Mapping) else {}
        shown = {"last": last, "due": due, "late": late, "states": states, "rows": sum(states.values())}
        found.append({"list": name, **shown})
    return found

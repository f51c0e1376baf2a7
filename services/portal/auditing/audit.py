"""Replay: a view as it was known at a moment, beside an earlier moment when asked, with the digest that shows the same
question has the same answer. The question stands in the address; a slider and named days only write it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Request
from starlette.responses import RedirectResponse, Response, StreamingResponse

from services.portal.auditing.audit_changes import SHOWN_CHANGES, changes_shown
from services.portal.auditing.audit_slider import Slider, local_text, read_slider
from services.portal.backends import Backends, BackendTrouble, Refused
from services.portal.dropout.alert_pages import ALERTS
from services.portal.rendering import Rendering
from services.portal.session import Opening, opening, permit
from services.portal.tables.columns import Column, moment_text
from services.portal.tables.table_pages import ENTITLEMENTS, PAYMENTS, ROSTER
from services.portal.tables.table_reading import items_of, shown_rows
from services.portal.tables.table_shape import TablePage
from shared.kernel.clock import SHANGHAI
from shared.kernel.identifiers import new_event_id
from shared.kernel.refusals import Malformed
from shared.standards.rights import Right

router = APIRouter(include_in_schema=False)
Opened = Annotated[Opening, Depends(opening)]
VIEWS: Mapping[str, TablePage] = {
    "roster": ROSTER,
    "entitlements": ENTITLEMENTS,
    "payments": PAYMENTS,
    "alerts": ALERTS,
}
LOG_COLUMNS = (
    Column("service", ("service",), "code", "service_name"),
    Column("log_index", ("archived", "log_index"), "number"),
    Column("closed_until", ("closed_until",), "moment"),
    Column("root", ("root",)),
)
SHOWN_ROWS = 200
BEGINNING = "2000-01-01T00:00:00"  # before any log
# What stands in the address: the moment and the day, and those of the earlier side of a comparison.
QUESTION = {"known_at": 32, "true_on": 10, "from_known_at": 32, "from_true_on": 10}


@router.get("/audit", dependencies=[permit(Right.LOGS_READ)])
async def audit(request: Request, opened: Opened) -> Response:
    """The question in the address, its answer below."""
    backends: Backends = request.app.state.backends
    rendering: Rendering = request.app.state.rendering
    query = request.query_params
    view = query.get("view", "roster")
    page = _page_of(view)
    typed = {"view": view} | _typed(query)
    part = {name: _iso(query.get(f"marks_{name}", "")) for name in ("since", "until")}
    if query.get("by") == "mark":
        return await _stepped(backends, opened, typed, part, query.get("mark", ""))
    if not part["since"]:
        part["until"] = ""  # only the slider's own number counted to there
    told: dict[str, Any] = {"result": None, "changes": None, "complaint": "", "nearest": None}
    if "view" in query:
        told |= await _answered(backends, opened, page, typed)
    at = datetime.fromisoformat(moment_of(typed["known_at"])) if typed["known_at"] and not told["complaint"] else None
    slider = await read_slider(backends, opened, view, at, part)
    return rendering.page(
        request,
        opened,
        "audit.html",
        page=page,
        heads=page.columns,
        views=list(VIEWS),
        typed=typed,
        slider=slider,
        earlier=None if slider is None else _earlier(slider, typed),
        zoom=None if slider is None else _zoom(slider, typed),
        address=lambda **change: f"/audit?{urlencode({k: v for k, v in {**typed, **change}.items() if v})}",
        shown_changes=SHOWN_CHANGES,
        logs=await _logs(backends, opened),
        log_columns=LOG_COLUMNS,
        **told,
    )


@router.get("/audit/bundle", dependencies=[permit(Right.LOGS_READ)])
async def bundle(request: Request, opened: Opened) -> Response:
    """Exactly what is seen, as a file that proves itself: an answer, or a difference."""
    backends: Backends = request.app.state.backends
    query = request.query_params
    view = query.get("view", "roster")
    _page_of(view)
    typed = _typed(query)
    path, body = _asked(view, typed)
    pieces = await backends.download_by_post(
        opened.caller,
        "audit",
        f"{path}/bundle",
        command_id=str(new_event_id()),
        body=body | {"with_log": query.get("with_log") == "yes"},
    )
    name = view if path.endswith(view) else f"{view}-difference"
    headers = {"content-disposition": f'attachment; filename="{name}.bundle.zip"'}
    return StreamingResponse(pieces, media_type="application/zip", headers=headers)


def moment_of(typed: str) -> str:
    """A moment typed in Shanghai time, as UTC. Raises Malformed."""
    try:
        moment = datetime.fromisoformat(typed.strip())
    except ValueError:
        raise Malformed("时间格式不正确", "The moment is not a date and time", field="known_at") from None
    return (moment if moment.tzinfo else moment.replace(tzinfo=SHANGHAI)).isoformat()


def _page_of(view: str) -> TablePage:
    page = VIEWS.get(view)
    if page is None:
        raise Malformed("没有这种查看内容", "No such view", view="unknown")
    return page


def _typed(query: Mapping[str, str]) -> dict[str, str]:
    return {name: query.get(name, "").strip()[:characters] for name, characters in QUESTION.items()}


def _iso(typed: str) -> str:
    return moment_of(typed[:32]) if typed else ""


def _moment(typed: Mapping[str, str], side: str = "") -> dict[str, str | None]:
    known_at = typed[f"{side}known_at"]
    return {"known_at": moment_of(known_at) if known_at else None, "true_on": typed[f"{side}true_on"] or None}


def _asked(view: str, typed: Mapping[str, str]) -> tuple[str, dict[str, Any]]:
    """The path at audit and the question: a difference when an earlier moment or another day is given."""
    if typed["from_known_at"] or typed["from_true_on"]:
        earlier = _moment(typed, "from_")
        if not typed["from_known_at"]:
            earlier["known_at"] = _moment(typed)["known_at"]  # two days, as known at one moment
        return f"/v1/replay/{view}/difference", {"before": earlier, "after": _moment(typed)}
    return f"/v1/replay/{view}", _moment(typed)


async def _stepped(
    backends: Backends, opened: Opening, typed: Mapping[str, str], part: Mapping[str, str], mark: str
) -> Response:
    """The slider sent by form: to the address of its moment. The day follows the moment."""
    slider = await read_slider(backends, opened, typed["view"], None, part)
    if slider is None or not slider.steps or not mark.isdecimal():
        raise Malformed("没有可选的时刻", "There is no moment to choose", field="mark")
    step = slider.steps[min(max(int(mark), 1), len(slider.steps)) - 1]
    kept = {"view": typed["view"], "known_at": step.local}
    kept |= {f"marks_{name}": value for name, value in part.items() if part["since"]}
    return RedirectResponse(f"/audit?{urlencode(kept)}", 303)


async def _answered(backends: Backends, opened: Opening, page: TablePage, typed: Mapping[str, str]) -> dict[str, Any]:
    """The rows, and what changed since the earlier moment; or why not, in a sentence with the nearest that can be
    had."""
    view = typed["view"]
    try:
        body = (await backends.post(opened.caller, "audit", f"/v1/replay/{view}", _moment(typed))).body
        items, _ = items_of(body)
        path, question = _asked(view, typed)
        changes = None
        if path.endswith("/difference"):
            compared = (await backends.post(opened.caller, "audit", path, question)).body
            by_id = {str(item.get(page.row_id)): item for item in items}
            shown = changes_shown(page, compared["items"], by_id, opened.texts)
            changes = {"count": compared["count"], "items": shown, "before": compared["before"]}
    except Refused as refused:
        return _refused(opened, refused)
    except BackendTrouble as trouble:
        return {"complaint": trouble.detail or opened.texts("error.title_502")}
    return {
        "result": {
            "rows": shown_rows(page, items[:SHOWN_ROWS], opened.texts),
            "count": body["count"],
            "truncated": len(items) > SHOWN_ROWS,
            "hash": body["hash"],
            "indexes": body["log_index"],
            "known_at": body["known_at"],
            "true_on": body["true_on"],
            "left_out": len(body.get("left_out", ())),
        },
        "changes": changes,
    }


def _refused(opened: Opening, refused: Refused) -> dict[str, Any]:
    """What a clerk can do about it: the nearest moment or day that there is."""
    facts = refused.problem.get("facts") or {}
    texts = opened.texts
    if refused.code == "not_yet_closed" and facts.get("complete_until"):
        complete = datetime.fromisoformat(facts["complete_until"])
        told = texts("audit.not_complete", moment=moment_text(facts["complete_until"]))
        return {"complaint": told, "nearest": {"known_at": local_text(complete)}}
    if refused.code == "not_yet_closed":
        return {"complaint": texts("audit.nothing_complete")}
    if refused.code == "true_on_after_known_at":
        latest = date.fromisoformat(facts["latest"]).isoformat()
        return {"complaint": texts("audit.day_too_late", day=latest), "nearest": {"true_on": latest}}
    return {"complaint": refused.detail or texts("error.title_502")}


def _earlier(slider: Slider, typed: Mapping[str, str]) -> str | None:
    """The address of what the last step changed."""
    if slider.place < 2 or typed["from_known_at"]:
        return None
    now, before = slider.steps[slider.place - 1], slider.steps[slider.place - 2]
    question = {"view": typed["view"], "known_at": now.local, "from_known_at": before.local}
    return f"/audit?{urlencode(question)}#changes"


def _zoom(slider: Slider, typed: Mapping[str, str]) -> str | None:
    """The address of the slider over the present step alone, when several moments lie within it."""
    if slider.unit == "second" or not slider.place or slider.steps[slider.place - 1].events < 2:
        return None
    question = {name: typed[name] for name in ("view", "known_at", "true_on") if typed[name]}
    since = slider.steps[slider.place - 2].local if slider.place > 1 else slider.since or BEGINNING
    return (
        f"/audit?{urlencode({**question, 'marks_since': since, 'marks_until': slider.steps[slider.place - 1].local})}"
    )


async def _logs(backends: Backends, opened: Opening) -> list[list[Any]] | None:
    try:
        answer = await backends.get(opened.caller, "audit", "/v1/logs")
    except BackendTrouble:
        return None
    body = answer.body if isinstance(answer.body, Mapping) else {"items": answer.body}
    items, _ = items_of(body)
    return [[column.shown(item, opened.texts) for column in LOG_COLUMNS] for item in items]

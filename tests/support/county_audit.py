"""What audit says of one student of the invented county of the page's tests, and one question."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends

from shared.web import Viewer
from shared.web.pages import Page
from shared.web.viewers import viewer

Row = dict[str, Any]
Who = Annotated[Viewer, Depends(viewer)]


def audited(student: str) -> APIRouter:
    """The routes of audit about reads, erasures and questions."""
    r = APIRouter(prefix="/audit/v1")
    _replays(r, student)

    @r.get("/logs")
    def logs(who: Who) -> Page[Row]:
        at = "2024-09-01T01:02:03Z"
        return Page(items=[{"service": "registry", "log_index": 42, "closed_until": at, "root": "cd" * 32}])

    @r.get("/reads")
    def reads(who: Who) -> Page[Row]:
        read = {"read_id": student, "read_at": "2024-09-01T01:02:03Z", "viewer": "clerk", "kind": "student"}
        return Page(items=[{**read, "student_id": student, "purpose": "核对", "school_code": "3146000001"}])

    @r.get("/erasures")
    def erasures(who: Who) -> Page[Row]:
        return Page(items=[{"student_id": student, "erasure": "requested", "ground": "asked_for", "hold": ""}])

    @r.get("/erasures/due")
    def due(who: Who) -> Page[Row]:
        return Page(items=[{"student_id": student, "left_on": "2015-07-01", "due_on": "2024-07-01"}])

    @r.post("/records")
    def records(who: Who, body: Row) -> Row:
        found = {"service": "registry", "log_index": 3, "type": "registry.StudentEnrolled.v1", "principal": "clerk"}
        found |= {"event_id": student, "effective_on": "2019-09-01", "recorded_at": "2019-09-02T00:00:00Z"}
        return {"items": [found] if body["record_id"] == student else [], "more": 0}

    @r.get("/questions")
    def questions(who: Who) -> Page[Row]:
        titles = {"title_zh": "发放滞后", "title_en": "paid late", "meaning_zh": "晚于应发期限发放"}
        return Page(items=[{"name": "late", **titles, "columns": [], "parameters": {}, "sql": "SELECT 1"}])

    return r


def _replays(r: APIRouter, student: str) -> None:
    @r.get("/replay/{view}/moments")
    def moments(who: Who, view: str) -> Row:
        marks = [{"at": f"2024-08-{day}T01:02:03Z", "events": day} for day in (10, 20, 30)]
        return {"view": view, "until": "2024-09-01T01:02:03Z", "unit": "day", "items": marks, "paid_on": ["2024-08-25"]}

    @r.post("/replay/{view}/difference")
    def difference(who: Who, view: str, body: Row) -> Row:
        cause = {"service": "matching", "log_index": 7, "type": "matching.LinkConfirmed.v1", "principal": "policy:link"}
        cause |= {"event_id": student, "effective_on": "2024-08-20", "recorded_at": "2024-08-20T01:02:03Z"}
        fields = [{"field": "category", "before": "disabled", "after": "registered_poor"}]
        change = {"key": {"student_id": student}, "kind": "changed", "fields": fields, "causes": [cause]}
        side = {"known_at": "2024-08-10T01:02:03Z", "true_on": "2024-08-10", "count": 3}
        return {"view": view, "before": side, "after": side, "count": 1, "items": [change]}

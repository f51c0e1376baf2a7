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
    """The routes of audit about reads, erasures, questions and counterfactuals."""
    r = APIRouter(prefix="/audit/v1")

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

    @r.get("/questions")
    def questions(who: Who) -> Page[Row]:
        titles = {"title_zh": "发放滞后", "title_en": "paid late", "meaning_zh": "晚于应发期限发放"}
        return Page(items=[{"name": "late", **titles, "columns": [], "parameters": {}, "sql": "SELECT 1"}])

    @r.get("/counterfactuals")
    def counterfactuals(who: Who) -> Page[Row]:
        change = {"what": "leave_out", "submission": student}
        asked = {"counterfactual_id": student, "asked_by": "auditor", "asked_at": "2024-09-01T01:02:03Z"}
        return Page(items=[{**asked, "changes": [change], "state": "done"}])

    return r

"""What audit says of one student of the invented county of the page's tests, and one question."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends

from shared.kernel.refusals import Malformed
from shared.web import Viewer
from shared.web.pages import Page
from shared.web.viewers import viewer

Row = dict[str, Any]
Who = Annotated[Viewer, Depends(viewer)]


def audited(student: str) -> APIRouter:
    """The routes of audit about reads, erasures, questions and counterfactuals."""
    r = APIRouter(prefix="/audit/v1")
    _replays(r, student)
    _file(r, student)

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

    @r.get("/counterfactuals")
    def counterfactuals(who: Who) -> Page[Row]:
        change = {"what": "leave_out", "submission": student}
        asked = {"counterfactual_id": student, "asked_by": "auditor", "asked_at": "2024-09-01T01:02:03Z"}
        return Page(items=[{**asked, "changes": [change], "state": "done"}])

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


def _file(r: APIRouter, student: str) -> None:
    linked = str(UUID(int=77))
    event: Row = {"principal": "policy:link", "effective_on": "2024-08-20", "recorded_at": "2024-08-20T01:02:03Z"}
    link = {**event, "service": "matching", "log_index": 7, "type": "matching.LinkConfirmed.v1", "event_id": linked}
    link["said"] = {"list": "poverty", "reason": "number_and_name_agree", "student_id": student}

    def enrolled(name: str) -> Row:
        said = {"stage": "primary", "personal": {"name": name, "birth_date": "2016-03-01"}}
        place = {"service": "registry", "log_index": 3, "type": "registry.StudentEnrolled.v1"}
        return {**event, **place, "event_id": str(UUID(int=76)), "said": said}

    def told(name: str) -> Row:
        moment = {"known_at": "2024-09-01T01:02:03Z", "true_on": "2024-09-01", "log_index": {"registry": 42}}
        views = {"roster": [{"student_id": student, "name": "张*明", "category": "disabled"}]}
        events = {"events": [enrolled(name), link], "decisions": [linked]}
        return {"student_id": student, **moment, "views": views, **events, "particulars": {"name": name}}

    @r.post("/person")
    def person(who: Who, body: Row) -> Row:
        return told("张*明")

    @r.post("/person/full")
    def in_full(who: Who, body: Row) -> Row:
        if len(body["purpose"]) < 4:
            raise Malformed("请填写事由", "Give a purpose")
        return told("张小明")

    @r.post("/why")
    def why(who: Who, body: Row) -> Row:
        grounds = [{"on": linked, "by": str(UUID(int=76)), "tie": "record"}]
        return {"decision": link, "events": [enrolled("张*明")], "grounds": grounds, "people": [], "complete": True}

    @r.post("/why-not")
    def why_not(who: Who, body: Row) -> Row:
        there = {"step": "registered", "zh": "当日在籍", "en": "enrolled on the day", "there": True, "reasons": []}
        missing = {"step": "listed", "zh": "有名单行涉及该生", "en": "a list row", "there": False, "reasons": ["没有"]}
        steps = [each | {"rows": []} for each in (there, missing)]
        return {"missing": "listed", "steps": steps, "rules": []}

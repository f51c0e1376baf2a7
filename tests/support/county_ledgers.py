"""The ledgers of the invented county of the page's tests: one school with one dropout, one document of absence, one
regular report."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends

from shared.web import Viewer
from shared.web.viewers import viewer

Row = dict[str, Any]
Who = Annotated[Viewer, Depends(viewer)]
COUNTS = ("school_age", "in_no_school", "left", "not_attending", "suspected", "dropped_out", "poor_dropouts")
DAYS = {"first": "2024-09-01", "last": "2024-09-30"}


def ledgers(student: str) -> APIRouter:
    """The routes of notifications about ledgers, documents (one, of ``student``) and reports."""
    r = APIRouter(prefix="/notifications/v1")

    @r.get("/documented-absences")
    def documents(who: Who) -> Row:
        days = {"first_day": "2024-09-02", "last_day": "2024-09-13", "expiring": True}
        number = "00000000-0000-4000-8000-000000000001"
        row = {"document_id": number, "student_id": student, "kind": "home_teaching", "reference": "送教2024-1", **days}
        shown = {**row, "name": "王*", "school_code": "3146000001", "grade": "5", "class_name": "1"}
        return {"items": [shown] if who.scope.division or who.scope.school else [], "next": None}

    @r.get("/left-behind")
    def left_behind(who: Who) -> Row:
        row = {"student_id": student, "name": "王*", "school_code": "3146000001", "grade": "5", "class_name": "1"}
        shown = {**row, "heard_on": "2024-06-01", "days": 98, "due": True}
        return {"items": [shown] if who.scope.division or who.scope.school else [], "next": None}

    @r.get("/alert-rules")
    def rules(who: Who) -> Row:
        content = {"acceptance_days": 15, "variations": [], "unexplained_reasons": ["other"], "document_days": {}}
        told = {"version": 1, "as_of": "2019-09-01", "by": "system:configuration", "changed": {}, "in_force": True}
        return {"items": [{**told, "content": content}], "next": None}

    @r.get("/alert-rules/figures")
    def figures(who: Who) -> list[Row]:
        return []

    @r.get("/ledgers")
    def board(who: Who) -> Row:
        place = {"division_code": "460100101", "township": "460100101", "school_code": "3146000001"}
        counted = dict.fromkeys(COUNTS, 0) | {"school_age": 120, "dropped_out": 1}
        return {"covers": "未接入公安名单", "places": [{**place, "school_name": "第一小学", **counted}]}

    @r.get("/ledgers/trend")
    def trend(who: Who, weeks: int = 12) -> list[Row]:
        return [
            {"week_ends": f"2024-09-{number + 1:02d}", "raised": number % 3, "suspected": 3, "dropped_out": 1}
            for number in range(weeks)
        ]

    @r.get("/ledgers/children")
    def children(who: Who) -> Row:
        return {"items": [], "next": None}

    @r.get("/reports")
    def reports(who: Who) -> Row:
        period = {"level": "school", "period": "month", "period_name": "2024-09", "edition": 1, **DAYS}
        place = {"division_code": "460100101", "school_code": "3146000001", "school_name": "第一小学"}
        number = "00000000-0000-4000-8000-000000000002"
        return {"items": [{"report_id": number, "issued_on": "2024-10-01", **period, **place}], "next": None}

    @r.get("/reports/due")
    def due(who: Who) -> list[Row]:
        period = {"level": "school", "period": "month", "period_name": "2024-09", **DAYS}
        return [{**period, "due": 2, "issued": 1, "missing": ["3146000002"]}]

    return r

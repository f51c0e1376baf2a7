"""What access says of the staff of the invented county of the page's tests."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request

from shared.web import Viewer
from shared.web.pages import Page
from shared.web.viewers import viewer

Row = dict[str, Any]
Who = Annotated[Viewer, Depends(viewer)]
SCHOOL = "3146000001"
ACCOUNT, POST = "018f0000-0000-7000-8000-0000000000a1", "018f0000-0000-7000-8000-0000000000b1"


def staff(command: Callable[[Request, Viewer, Any], None]) -> APIRouter:
    """The routes of access that the pages of people and posts read, and where they have recorded what is taken."""
    r = APIRouter(prefix="/access/v1")

    @r.get("/accounts")
    def accounts(who: Who) -> Page[Row]:
        place = {"division_code": "460100", "school_code": None, "school_name": None, "identity": "linked"}
        known = {"account_id": ACCOUNT, "login": "jingban1", "name": "经办乙", "closed": False, "posts": ["aid_clerk"]}
        return Page(items=[known | place])

    @r.get("/posts")
    def posts(who: Who) -> Page[Row]:
        place = {"division_code": "460100", "school_code": None, "school_name": None, "school_class": None}
        held = {
            "holder": ACCOUNT,
            "holder_name": "经办乙",
            "holder_login": "jingban1",
            "begins_on": None,
            "until": None,
        }
        rest = {"delegates": 0, "closed": False, "agency": None}
        return Page(items=[{"post_id": POST, "kind": "aid_clerk"} | place | held | rest])

    @r.get("/staff/imports")
    def imports(who: Who) -> dict[str, list[Row]]:
        return {"items": []}

    @r.get("/sign-ins")
    def sign_ins(who: Who) -> dict[str, list[Row]]:
        odd = {"id": POST, "account_id": ACCOUNT, "name": "经办乙", "at": "2024-09-01T15:02:03Z", "refused": None}
        how = {"means": ["password"], "refused_before": 0, "address": "10.0.0.9", "agent": None}
        many = {"account": ACCOUNT, "name": "经办乙", "day": "2024-09-01", "reads": 60, "rows": 60}
        many |= {"at_once": 1, "unusual": ["many_reads"]}
        return {"items": [odd | how | {"unusual": ["at_night"]}], "reads": [many]}

    @r.get("/agency-keys")
    def agency_keys(who: Who) -> dict[str, list[Row]]:
        key = {"key_id": POST, "agency": "civil_affairs", "label": "前置机", "issued_at": "2024-09-01T01:02:03Z"}
        made = {"issued_by_name": "管理员甲", "until": "2025-09-01", "used_at": None, "revoked": False}
        return {"items": [key | made | {"ends_at": None, "replaced_by": None}]}

    @r.get("/emergencies")
    def emergencies(who: Who) -> dict[str, list[Row]]:
        place = {"division_code": "460100", "school_code": SCHOOL, "school_class": "primary/五年级/1班"}
        known = {"emergency_id": POST, "account_id": ACCOUNT, "name": "经办乙", "kind": "class_teacher"}
        times = {"taken_at": "2024-09-01T01:02:03Z", "until": "2024-09-01T03:02:03Z", "ended_at": None}
        judged = {"justified": None, "note": None, "reviewed_by": None, "reviewed_by_name": None}
        told = {"reason": "班主任住院", "state": "overdue", "why_not": None}
        return {"items": [known | place | times | judged | told]}

    @r.post("/files-taken")
    def taken(who: Who, request: Request, body: Row) -> Row:
        command(request, who, body)
        return {"event_id": POST}

    _handovers(r)
    return r


HANDOVER = "018f0000-0000-7000-8000-0000000000c1"
DIGEST = "ab" * 32
ITEM = {"kind": "alert", "item_id": POST, "about": "dropped_out 中心小学", "path": "/alerts", "since": "2024-09-01",
        "due": None, "count": 1, "mine": False, "change": "listed"}  # fmt: skip


def _handovers(r: APIRouter) -> None:
    place = {"division_code": "460100", "school_code": None, "school_name": None, "school_class": None, "agency": None}
    people = {"predecessor": ACCOUNT, "predecessor_name": "经办乙", "successor": POST, "successor_name": "经办丙"}
    told = {"reason": "轮岗", "opened_by": "x", "opened_at": "2024-09-01T02:00:00Z", "by_holder": True}
    listed = {"state": "listed", "items_hash": DIGEST, "listed_at": "2024-09-01T02:00:01Z", "counts": {"alert": 1}}
    ends = {"at_once": False, "out": True, "total": 1, "closed_at": None, "closed_reason": None}
    signed = {"predecessor_signed_at": "2024-09-02T02:00:00Z", "predecessor_signed_by": "x", "absent_reason": "病休"}
    unsigned: Row = {"successor_signed_at": None, "administrator_signed_at": None}
    row: Row = {"handover_id": HANDOVER, "post_id": POST, "kind": "aid_clerk"} | place | people | told | listed | ends
    row |= signed | unsigned

    @r.get("/handovers")
    def handovers(who: Who) -> Page[Row]:
        return Page(items=[row])

    @r.get("/handovers/{handover_id}")
    def one(handover_id: str, who: Who) -> Row:
        return row

    @r.get("/handovers/{handover_id}/items")
    def items(handover_id: str, who: Who) -> Page[Row]:
        return Page(items=[ITEM])

    @r.get("/handovers/{handover_id}/differences")
    def differences(handover_id: str, who: Who) -> dict[str, list[Row]]:
        return {"added": [ITEM | {"change": "added", "about": "新增一项"}], "gone": [], "left_behind": []}

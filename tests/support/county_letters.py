"""Letters of the invented county of the page's tests: none were written, none came in; four children of three schools
are registered nobody knows where."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Request
from starlette.responses import JSONResponse

from shared.web import Viewer
from shared.web.viewers import viewer

Row = dict[str, Any]
Who = Annotated[Viewer, Depends(viewer)]
TAKEN_IN = UUID(int=0xC0)
PLACES: Row = {"term": "2024-autumn", "divisions_known": True}
NO_PLACE = {"code": "no_such_place", "zh": "不是现行区划", "en": "no division in force"}
NEAR = {"code": "469083", "name": "临江市", "within": "海南省"}
SAME = [
    {"code": code, "name": "东岸区", "within": within} for code, within in (("430980", "湖南省"), ("460080", "海南省"))
]
SCHOOLS = ("临江市第三小学", "临江市第三小学", "东岸区育才学校", "外省务工地学校")  # of the children below, in turn
CHILDREN: list[Row] = [
    {
        "child_id": str(UUID(int=0xE00 + number)),
        "source": "listed",
        "name": "陈*梅",
        "number": "",
        "place": "unknown",
        "place_name": None,
        "certain": False,
        "category": "registered_poor",
        "grade": "三年级",
        "school": school,
        "asking": "to_ask",
        "letter_id": None,
        "reply": None,
        "school_children": SCHOOLS.count(school),
        "school_id": str(UUID(int=0xF00 + SCHOOLS.index(school))),
        "suggested": [NEAR] if school.startswith("临江市") else SAME if school.startswith("东岸区") else [],
    }
    for number, school in enumerate(SCHOOLS)
]


def county_letters(command: Callable[[Request, Viewer, Any], None]) -> APIRouter:
    """The routes of disbursement about letters; ``command`` notes what a form sent."""
    r = APIRouter(prefix="/disbursement/v1")

    @r.get("/elsewhere")
    def elsewhere(who: Who) -> Row:
        return {"items": [], "next": None, **PLACES}

    @r.get("/elsewhere/children")
    def children(who: Who, place: str = "") -> Row:
        return {"items": CHILDREN if place == "unknown" else [], "next": None}

    @r.post("/elsewhere/places")
    def told(request: Request, who: Who, body: Row) -> Any:
        """A place of two characters is nobody's; one wrong place is every place's refusal."""
        sent = [*body["schools"], *body["children"]]
        wrong = [{"id": each["id"], **NO_PLACE} for each in sent if len(each["place"]) < 3]
        if wrong:
            detail = {"detail": f"{len(wrong)} 处属地有误,全部未保存", "facts": {"wrong": wrong}}
            return JSONResponse({"status": 422, "code": "places_refused", **detail}, 422)
        command(request, who, body)
        return {"event_ids": []}

    @r.get("/letters")
    @r.get("/incoming-letters")
    def letters(who: Who) -> Row:
        return {"items": [], "next": None}

    @r.post("/incoming-letters")
    def came(request: Request, who: Who, body: Row) -> Row:
        command(request, who, body)
        return {"incoming_id": TAKEN_IN, "event_ids": []}

    return r

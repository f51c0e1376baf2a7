"""The ledgers of the invented county of the page's tests: one school with one dropout."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends

from shared.web import Viewer
from shared.web.viewers import viewer

Row = dict[str, Any]
Who = Annotated[Viewer, Depends(viewer)]
COUNTS = ("school_age", "in_no_school", "left", "not_attending", "suspected", "dropped_out", "poor_dropouts")


def ledgers() -> APIRouter:
    """The routes of notifications about ledgers."""
    r = APIRouter(prefix="/notifications/v1/ledgers")

    @r.get("")
    def board(who: Who) -> Row:
        place = {"division_code": "460100101", "township": "460100101", "school_code": "3146000001"}
        counted = dict.fromkeys(COUNTS, 0) | {"school_age": 120, "dropped_out": 1}
        return {"covers": "未接入公安名单", "places": [{**place, "school_name": "第一小学", **counted}]}

    @r.get("/trend")
    def trend(who: Who, weeks: int = 12) -> list[Row]:
        return [
            {"week_ends": f"2024-09-{number + 1:02d}", "raised": number % 3, "suspected": 3, "dropped_out": 1}
            for number in range(weeks)
        ]

    @r.get("/children")
    def children(who: Who) -> Row:
        return {"items": [], "next": None}

    return r

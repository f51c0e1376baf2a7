"""The dropout board: what the ledgers count, the weeks' trend as a picture with its table, a grid of townships."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from services.portal.backends import Backends
from services.portal.rendering import Rendering
from services.portal.session import Opening, opening, permit
from shared.standards.rights import Right

router = APIRouter(include_in_schema=False)
LEDGERS = ("school_age", "in_no_school", "left", "not_attending", "suspected", "dropped_out", "poor_dropouts")
WEEKS = 12
SHADES = 5
_WIDTH, _HEIGHT, _LEFT, _RIGHT, _TOP, _BOTTOM = 720, 430, 40, 16, 14, 28


@dataclass(frozen=True)
class Line:
    """One line of the picture: ``points`` as SVG has them, ``end`` where its name stands."""

    name: str
    points: str
    end: tuple[float, float]


@dataclass(frozen=True)
class Picture:
    """The trend, drawn: lines, bars of what was raised, and the axis' marks as (y, value)."""

    lines: list[Line]
    bars: list[tuple[float, float, float, float]]
    marks: list[tuple[float, int]]
    weeks: list[tuple[float, str]]
    width: int = _WIDTH
    height: int = _HEIGHT
    left: int = _LEFT
    right: int = _WIDTH - _RIGHT


@dataclass
class Township:
    """A township of the grid; ``shade`` 0 to SHADES - 1 by its share of the most."""

    code: str
    counts: dict[str, int]
    shade: int = 0

    @property
    def cases(self) -> int:
        return self.counts["suspected"] + self.counts["dropped_out"]


@router.get("/dropout", dependencies=[permit(Right.ALERTS_COUNT)])
async def board(request: Request, opened: Annotated[Opening, Depends(opening)]) -> Response:
    """The page."""
    backends: Backends = request.app.state.backends
    rendering: Rendering = request.app.state.rendering
    told, trend = await asyncio.gather(
        backends.get(opened.caller, "notifications", "/v1/ledgers"),
        backends.get(opened.caller, "notifications", "/v1/ledgers/trend", {"weeks": WEEKS}),
    )
    places = told.body["places"]
    return rendering.page(
        request,
        opened,
        "board.html",
        covers=told.body["covers"],
        places=places,
        ledgers=LEDGERS,
        totals={ledger: sum(place[ledger] for place in places) for ledger in LEDGERS},
        townships=townships(places),
        weeks=trend.body,
        picture=drawn(trend.body),
    )


def townships(places: Sequence[Mapping[str, Any]]) -> list[Township]:
    """The counts of the schools together by township, by code."""
    found: dict[str, Township] = {}
    for place in places:
        code = place["township"]
        township = found.setdefault(code, Township(code, dict.fromkeys(LEDGERS, 0)))
        for ledger in LEDGERS:
            township.counts[ledger] += place[ledger]
    most = max((each.cases for each in found.values()), default=0)
    for each in found.values():
        each.shade = 0 if not each.cases else 1 + (each.cases * (SHADES - 2)) // most
    return [found[code] for code in sorted(found)]


def drawn(weeks: Sequence[Mapping[str, Any]]) -> Picture:
    """The trend as coordinates."""
    most = max((max(each["raised"], each["suspected"], each["dropped_out"]) for each in weeks), default=0)
    top = _round_up(max(most, 4))
    wide = (_WIDTH - _LEFT - _RIGHT) / max(len(weeks), 1)

    def x(number: int) -> float:
        return round(_LEFT + wide * (number + 0.5), 1)

    def y(value: int) -> float:
        return round(_HEIGHT - _BOTTOM - (_HEIGHT - _BOTTOM - _TOP) * value / top, 1)

    lines = []
    for name in ("suspected", "dropped_out"):
        points = [(x(number), y(each[name])) for number, each in enumerate(weeks)]
        lines.append(Line(name, " ".join(f"{a},{b}" for a, b in points), points[-1] if points else (0, 0)))
    bars = [
        (round(x(number) - wide * 0.3, 1), y(each["raised"]), round(wide * 0.6, 1), round(y(0) - y(each["raised"]), 1))
        for number, each in enumerate(weeks)
    ]
    marks = [(y(value), value) for value in range(0, top + 1, top // 4)]
    return Picture(lines, bars, marks, [(x(number), each["week_ends"][5:]) for number, each in enumerate(weeks)])


def _round_up(value: int) -> int:
    """The next value with four even steps: 4, 8, 20, 40, 80, 200 …"""
    scale = 1
    while True:
        for step in (4, 8, 20):
            if value <= step * scale:
                return step * scale
        scale *= 10

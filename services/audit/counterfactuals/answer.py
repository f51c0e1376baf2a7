"""What a counterfactual replay answers: nobody's name, only keyed ids, places and money in integer fen."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from datetime import date, datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import BaseModel

ReasonCode = Literal[
    "list_moved", "list_redated", "list_left_out", "list_replaced", "list_brought", "other_rules", "another_row"
]


UNKNOWN_AGENCY = "-"


class EventNamed(BaseModel):
    """An event of a log."""

    service: str
    log_index: int
    event_id: UUID
    type: str
    effective_on: date


class Reason(BaseModel):
    """``change``: which of the changes, counted from 1; None: none of them is about a row this rests on, another row
    came out otherwise. ``entry_id``: the list row; ``events``: what was really told of it, or the rules that were
    replaced."""

    code: ReasonCode
    change: int | None = None
    entry_id: UUID | None = None
    events: list[EventNamed] = []


class Child(BaseModel):
    """One entitlement that would be another. ``real_fen``: what is due in truth; ``would_fen``: what would be;
    ``paid_fen``: what was really paid. ``unsure``: it comes out otherwise even when nothing is changed."""

    student_id: UUID
    programme: str
    term: str
    school_code: str
    division_code: str
    agencies: list[str]
    real_fen: int
    would_fen: int
    paid_fen: int
    reasons: list[Reason]
    unsure: bool = False


class Total(BaseModel):
    """The differences of a school or of the agencies whose rows they rest on (several by ``+``), in fen."""

    name: str
    children: int
    real_fen: int
    would_fen: int
    more_fen: int
    less_fen: int


def totals(rows: Iterable[Child], of: Callable[[Child], str]) -> list[Total]:
    """Sums of the differences by what ``of`` names, each row under one name: they add up to the whole."""
    groups: dict[str, list[Child]] = defaultdict(list)
    for row in rows:
        groups[of(row)].append(row)
    return [
        Total(
            name=name,
            children=len({row.student_id for row in group}),
            real_fen=sum(row.real_fen for row in group),
            would_fen=sum(row.would_fen for row in group),
            more_fen=sum(max(0, row.would_fen - row.real_fen) for row in group),
            less_fen=sum(max(0, row.real_fen - row.would_fen) for row in group),
        )
        for name, group in sorted(groups.items())
    ]


def by_school(row: Child) -> str:
    """The school of a row."""
    return row.school_code


def by_agency(row: Child) -> str:
    """The agencies whose rows it rests on, as one name."""
    return "+".join(row.agencies) or UNKNOWN_AGENCY


class Deviation(BaseModel):
    """An entitlement that a rerun without any change does not reproduce; both as text, empty: nothing is due or
    paid."""

    student_id: UUID
    programme: str
    term: str
    real: str
    rerun: str


class CounterfactualAnswer(BaseModel):
    """``clean``: the rerun without any change came to exactly the real entitlements; else ``deviations`` tells where
    not. ``log_index``: service → last event that counts. ``events``: how many were fed to each of the two reruns,
    ``seconds`` both took together. ``notes``: what had to be assumed."""

    known_at: datetime
    log_index: dict[str, int]
    changes: list[dict[str, Any]]
    clean: bool
    entitlements: int
    deviations: list[Deviation]
    children: list[Child]
    schools: list[Total]
    agencies: list[Total]
    notes: list[str]
    hash: str
    events: int
    seconds: float

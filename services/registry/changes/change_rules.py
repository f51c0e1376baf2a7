"""What a mass change means for one student: before, after, and the facts that make it so. Pure rules.

A student is looked at as she stands on the day, and on every later day about which something was told already: each of
those places is told again as it should be, because a placement states all its columns.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any, NamedTuple
from uuid import UUID

from services.registry.change_events import ChangeKind
from services.registry.domain import Happened
from services.registry.events import StudentDetailsCorrected, StudentEnrolled, StudentPlaced
from services.registry.jobs.on_a_day import Dated, Place, in_order, place_on, placed

WHERE_FIELDS = ("school_code", "stage", "grade", "class_name", "boarder")
PLACE_FIELDS = ("stage", "grade", "class_name", "boarder", "left_behind", "placement")
SHOWN_FIELDS = ("school_code", "division_code", *PLACE_FIELDS)
_YES_NO = frozenset(("boarder", "left_behind"))
EMPTY = ""  # a value that is taken away
Said = Mapping[str, Any]


@dataclass(frozen=True)
class ChangeSet:
    """What is proposed, as its first fact says it. ``division_code`` is a prefix: what the proposer answers for, with
    ``school_code`` where it is one school. ``into_division`` is the division of ``into``."""

    change_id: UUID
    kind: ChangeKind
    day: date
    division_code: str
    school_code: str | None = None
    sources: tuple[str, ...] = ()
    into: str | None = None
    into_division: str | None = None
    former_code: str | None = None
    code: str | None = None
    where: Mapping[str, str] = field(default_factory=dict)
    values: Mapping[str, str] = field(default_factory=dict)

    def covers(self, place: Place) -> bool:
        """Whether who stands there is the proposer's to change."""
        if self.school_code is not None:
            return place.school_code == self.school_code
        return place.division_code.startswith(self.division_code)


class Looked(NamedTuple):
    """What the change does to one student: the fields that differ, as they stand on the first day that changes."""

    school_code: str
    before: dict[str, Any]
    after: dict[str, Any]
    happened: tuple[Happened, ...]


def looked(change: ChangeSet, history: Sequence[Dated], values: Mapping[str, str] | None = None) -> Looked | None:
    """None for who is not concerned. ``values`` are her own where each student has some (a sheet)."""
    ordered = in_order(history)
    wanted = change.values if values is None else values
    base: Place | None = None
    steps: list[tuple[Place, Happened]] = []
    for on, place in _places(ordered, change.day):
        if not place.enrolled or not change.covers(place):
            continue
        base = base or (place if _meant(change, place) else None)
        after = _after(change, place, base, wanted)
        if after != place:
            steps.append((place, Happened(placed(after, change_id=change.change_id), on)))
    if not steps:
        return None
    first, (fact, _) = steps[0]
    assert isinstance(fact, StudentPlaced), "a place is stated"
    differing = [name for name in SHOWN_FIELDS if getattr(first, name) != getattr(fact, name)]
    return Looked(
        first.school_code,
        {name: getattr(first, name) for name in differing},
        {name: getattr(fact, name) for name in differing},
        tuple(happened for _, happened in steps),
    )


def _places(ordered: Sequence[Dated], day: date) -> list[tuple[date, Place]]:
    """Where she stands from the day on, and from each later day that was told."""
    later = {on for fact, on in ordered if on > day and isinstance(fact, StudentEnrolled | StudentPlaced)}
    found = [(on, place_on(ordered, on)) for on in sorted({day, *later})]
    return [(on, place) for on, place in found if place is not None]


def _meant(change: ChangeSet, place: Place) -> bool:
    return all(getattr(place, name) == typed(name, value) for name, value in change.where.items())


def _after(change: ChangeSet, place: Place, base: Place | None, wanted: Mapping[str, str]) -> Place:
    if change.kind == "schools_merged":
        if place.school_code not in change.sources:
            return place
        assert change.into is not None and change.into_division is not None, "checked when it was proposed"
        return replace(place, school_code=change.into, division_code=change.into_division)
    if change.kind == "division_changed":
        assert change.former_code is not None and change.code is not None, "checked when it was proposed"
        return replace(place, division_code=recoded(place.division_code, change.former_code, change.code))
    if base is None:
        return place
    # A later day that says something else about a field keeps it.
    given: dict[str, Any] = {name: typed(name, value) for name, value in wanted.items() if name in PLACE_FIELDS}
    return replace(place, **{k: v for k, v in given.items() if getattr(place, k) == getattr(base, k)})


def recoded(code: str, former: str, now: str) -> str:
    """A division code, or a part of the division, under its new code."""
    return now + code[len(former) :] if code.startswith(former) else code


def typed(name: str, value: str) -> str | bool | None:
    """A field's value from its text: yes and no are ``true`` and ``false``; empty is none."""
    if value == EMPTY:
        return None
    return value == "true" if name in _YES_NO else value


def value_problem(name: str, value: str, stages: Sequence[str]) -> bool:
    """Whether a text is no value of that field."""
    if name not in PLACE_FIELDS and name not in WHERE_FIELDS:
        return True
    if name == "stage":
        return value not in stages
    return name in _YES_NO and value not in ("true", "false")


def placed_by_change(change_id: UUID, dated: Dated) -> bool:
    """Whether a fact is a place that the mass change stated."""
    return isinstance(dated.fact, StudentPlaced) and dated.fact.change_id == change_id


def corrected_by_change(change_id: UUID, dated: Dated) -> bool:
    """Whether a fact is particulars that the mass change stated."""
    return isinstance(dated.fact, StudentDetailsCorrected) and dated.fact.change_id == change_id

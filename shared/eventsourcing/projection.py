"""Projections: which facts a view is folded from, and what they assert (design.md §3, invariants 7, 8 and 10).

Declared in ``services/<x>/projections.py`` as a module constant, one small pure function per fact::

    def enrolled(event: Recorded) -> Iterable[Assertion]:
        fact = event.fact
        yield Assertion(ENROLMENTS, event.stream_id, event.effective_on, {"school_code": fact.school_code})

    ROSTER = Projection("roster", (ENROLMENTS,), {StudentEnrolled: enrolled})
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property
from typing import Any, NamedTuple
from uuid import UUID

import sqlalchemy

from shared.eventsourcing.event import Logged
from shared.eventsourcing.periods import Assertion, PeriodTable
from shared.eventsourcing.rounds import Touched
from shared.eventsourcing.sealing import people_in
from shared.kernel.facts import Fact, fact_type, personal_fields

__all__ = ["Assertion", "Change", "Fold", "FoldMistake", "Projection", "Recorded"]

_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")


class Recorded(NamedTuple):
    """A fact with its place in its log; personal blocks of erased people are None."""

    logged: Logged
    fact: Any  # Fact; typed loosely so that a fold reads the fields of the class it is declared for
    traceparent: str | None

    @property
    def stream_id(self) -> UUID:
        return self.logged.event.stream_id

    @property
    def event_id(self) -> UUID:
        return self.logged.event.event_id

    @property
    def effective_on(self) -> date:
        return self.logged.event.effective_on

    @property
    def recorded_at(self) -> datetime:
        return self.logged.recorded_at

    @property
    def service(self) -> str:
        return self.logged.service

    @property
    def person_id(self) -> UUID | None:
        """Whose block the event holds (of two the first), also when that person was erased: the id reveals nobody."""
        for name in personal_fields(fact_type(self.logged.event.type).cls):
            block = getattr(self.fact, name)
            if block is not None:
                return block.person_id  # type: ignore[no-any-return]
        return min(people_in(self.logged.event), default=None)


class Change(NamedTuple):
    """The last period (latest valid_from) of an entity before and after a batch, as column → value, with ``valid_from``
    and ``valid_to``. ``before`` is None for a new entity."""

    table: PeriodTable
    entity: UUID
    before: dict[str, Any] | None
    after: dict[str, Any]


Fold = Callable[[Recorded], Iterable[Assertion]]
After = Callable[[sqlalchemy.Connection, Sequence[Recorded], Sequence[Change]], None]
Touching = Callable[[sqlalchemy.Connection, Sequence[Recorded]], Sequence[Touched]]


class FoldMistake(Exception):
    """A fold asserted what it may not: another log's table, a table or column not declared, or nothing at all."""


@dataclass(frozen=True)
class Projection:
    """A view folded from facts. ``folds`` are pure: no file, no clock, no chance, no database.

    ``halts``: a poison event halts its partition (money, proofs) instead of parking its stream.
    ``after``: runs in the batch's own transaction, as the worker, with the batch's facts in log order per partition and
    the last row of each entity before and after; silent while a build catches up. An event is passed to it exactly once
    in effect. ``appends``: it may append events; what only follows from the logs need not wait for the disk, because
    what a crash of the database takes is read again from the checkpoint that goes with it. ``touched``: whom each event
    of a batch may concern, for an ``after`` whose effects must not depend on where batches are cut (rounds.py); it is
    asked before the batch is written, and ``after`` then runs round by round.
    """

    name: str
    tables: tuple[PeriodTable, ...]
    folds: Mapping[type[Fact], Fold]
    halts: bool = False
    after: After | None = None
    appends: bool = True
    touched: Touching | None = None

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise ValueError(f"projection name {self.name!r} is not a short lower-case name")
        if not self.folds:
            raise ValueError(f"projection {self.name} folds no fact")
        if len({table.name for table in self.tables}) != len(self.tables):
            raise ValueError(f"projection {self.name} has two tables of one name")
        strangers = [table.name for table in self.tables if table.log not in self.logs]
        if strangers:
            raise ValueError(f"projection {self.name} folds no fact of the log that writes {', '.join(strangers)}")

    @cached_property
    def logs(self) -> tuple[str, ...]:
        """The services whose logs this projection reads, sorted."""
        return tuple(sorted({fact_type(cls).service for cls in self.folds}))

    @cached_property
    def by_type(self) -> dict[str, Fold]:
        """The fold of each event type name."""
        return {fact_type(cls).name: fold for cls, fold in self.folds.items()}

    @cached_property
    def sealed_types(self) -> frozenset[str]:
        """The event types with personal blocks: opening them takes keys."""
        return frozenset(fact_type(cls).name for cls in self.folds if personal_fields(cls))

    def fold(self, recorded: Recorded) -> list[Assertion]:
        """What this event asserts, checked. Raises FoldMistake, or whatever the fold raises."""
        log = recorded.service
        assertions = list(self.by_type[recorded.logged.event.type](recorded))
        for table, _, _, values in assertions:
            if table not in self.tables or table.log != log:
                raise FoldMistake(f"{self.name}: an event of {log} may not write {table.name}")
            if not values or not values.keys() <= table.positions.keys():
                raise FoldMistake(f"{self.name}: {sorted(values)} are not columns of {table.name}")
        return assertions

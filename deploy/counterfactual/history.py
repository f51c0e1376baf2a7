"""What a rerun is fed with: the archived events that no policy made, in the order they were recorded, up to the cut."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

import psycopg

from deploy.counterfactual.keys import ReadKeys
from services.audit.archived import EVENTS, logged_of
from services.audit.verified import verified_events
from services.disbursement import events as disbursement
from services.disbursement.projections import ENTITLING_FOLDS
from services.matching import events as matching
from services.matching.projections import FOLDS as ROSTER_FOLDS
from services.registry import events as registry
from shared.eventsourcing.event import Logged
from shared.eventsourcing.projection import Recorded
from shared.eventsourcing.sealing import opened, people_of_sealed, sealed_of, unseal
from shared.kernel.facts import Fact, fact_type

LOGS = ("registry", "matching", "disbursement")
POLICY = "policy:"  # principals that decide anew
OPEN_AT_ONCE = 2_000
_MOMENT = timedelta(microseconds=1)
_TOLD: Mapping[str, tuple[type[Fact], ...]] = {
    "registry": tuple(cls for cls in {**ROSTER_FOLDS, **ENTITLING_FOLDS} if fact_type(cls).service == "registry"),
    "matching": (
        matching.DayOpened,
        matching.CategoryRulesActivated,
        matching.MatchingModelActivated,
        matching.RowRuled,
        matching.RulingWithdrawn,
        matching.SecondOpinionAsked,
    ),
    "disbursement": (
        *(disbursement.DayOpened, disbursement.ProgrammeActivated, disbursement.AidDisbursed),
        *disbursement.letter_events.INQUIRY_FACTS,
    ),
}
_KEPT: tuple[type[Fact], ...] = (
    *(matching.LinkConfirmed, matching.LinkWithdrawn),
    *(matching.ReviewOpened, matching.EntryUnmatched),
)
_LIST_FACTS: tuple[type[Fact], ...] = (
    *(registry.ListEntryAdded, registry.ListEntryCorrected, registry.ListEntryRemoved),
    *(registry.ListSubmissionReceived, registry.ListSubmissionHeld, registry.ListSubmissionConfirmed),
    registry.ListSubmissionWithdrawn,
)
_DAYS = tuple(fact_type(cls).name for cls in (matching.DayOpened, disbursement.DayOpened))


class Placed(NamedTuple):
    """An event with its place among all that is told: ``at``, and ``order`` among those of one moment."""

    at: datetime
    order: int
    logged: Logged


@dataclass(frozen=True)
class History:
    """The archive up to a cut. ``raw`` only reads. ``erased``: streams of people whose keys are gone: what was decided
    about these is told, too."""

    raw: psycopg.Connection[Any]
    keys: ReadKeys
    upto: Mapping[str, int]
    erased: frozenset[UUID] = frozenset()

    def told(self) -> Iterator[Placed]:
        """Everything a rerun is told when nothing is changed, in order. Raises ArchiveDoubtful."""
        each = (self._told(service) for service in LOGS)
        return heapq.merge(*each, key=lambda placed: (placed.at, placed.order))

    def _told(self, service: str) -> Iterator[Placed]:
        kept = _KEPT if self.erased and service == "matching" else ()
        for logged in self._events(service, (*_TOLD[service], *kept)):
            decided = logged.event.principal.startswith(POLICY) and service != "registry"
            if not decided or (kept and unseal(logged.event, {}).entry_id in self.erased):  # type: ignore[attr-defined]
                yield Placed(logged.recorded_at, 0, logged)

    def facts(self, service: str, classes: Iterable[type[Fact]]) -> Iterator[Recorded]:
        """The facts of these kinds in a log, opened, in its order. Raises ArchiveDoubtful."""
        waiting: list[Logged] = []
        for logged in self._events(service, classes):
            waiting.append(logged)
            if len(waiting) >= OPEN_AT_ONCE:
                yield from self.open(waiting)
                waiting = []
        yield from self.open(waiting)

    def lists(self) -> Iterator[Recorded]:
        """Everything told of agencies' lists."""
        return self.facts("registry", _LIST_FACTS)

    def open(self, events: list[Logged]) -> list[Recorded]:
        """The events with their facts; personal blocks of erased people are None."""
        sealed = [sealed_of(logged.event) for logged in events]
        people = {
            person
            for logged, each in zip(events, sealed, strict=True)
            for person in people_of_sealed(logged.event, each)
        }
        keys = self.keys.keys(people)
        return [
            Recorded(logged, opened(logged.event, each, keys), None)
            for logged, each in zip(events, sealed, strict=True)
        ]

    def _events(self, service: str, classes: Iterable[type[Fact]]) -> Iterator[Logged]:
        types = [fact_type(cls).name for cls in classes]
        return verified_events(self.raw, {service: self.upto.get(service, 0)}, types)


class Days:
    """Which day had opened when: what comes on a day comes once everybody knows that it has begun."""

    def __init__(self, history: History) -> None:
        rows = history.raw.execute(
            EVENTS + " WHERE type = ANY(%s) ORDER BY recorded_at",
            (list(_DAYS),),
        )
        events = [logged for logged in map(logged_of, rows) if logged.log_index <= history.upto.get(logged.service, 0)]
        self._opened = [(each.fact.day, each.recorded_at, each.service) for each in history.open(events)]

    @property
    def first(self) -> date | None:
        """The first day that opened, None when none has."""
        return min((day for day, _, _ in self._opened), default=None)

    @property
    def last(self) -> date | None:
        """The last day that opened by the cut."""
        return max((day for day, _, _ in self._opened), default=None)

    def moment(self, day: date) -> datetime:
        """Just after this day, or the last one before it that opened at all, had begun for matching and disbursement
        alike. Raises LookupError for a day before the first."""
        begun = [each for each in self._opened if each[0] <= day]
        if not begun:
            raise LookupError(day)
        last = max(each[0] for each in begun)
        return max(at for opened, at, _ in begun if opened == last) + _MOMENT

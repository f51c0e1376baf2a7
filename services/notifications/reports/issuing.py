"""The policy that issues reports: on the first day after a period, each place's report of it. The day must have opened
at the register, too: what it said before has then arrived, also when this service was away or is new (ADR 0033).

It decides on its own memory as of a cut taken when the day opens, and appends in that transaction. What is told later
of the period changes no report: a person has another edition issued, which names what changed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from sqlalchemy import Connection, text

from services.notifications.events import DayOpened, ReportIssued
from services.notifications.report_events import ReportLevel
from services.notifications.reports import reading
from services.notifications.reports.compiling import Compiled, Place, compile_level, differences, places_of
from services.notifications.reports.cuts import Cut, cut_now
from services.notifications.reports.report_facts import MEMORY, MEMORY_FOLDS
from services.notifications.reports.report_periods import LEVELS, Period, ended_before
from services.notifications.reports.tallying import tally
from services.notifications.streams import Streams
from services.registry.events import DayOpened as RegistryDayOpened
from shared.eventsourcing.projection import Change, Projection, Recorded
from shared.eventsourcing.store import EventStore, Proposed
from shared.messaging.policy import policy_command

NAME = "reporting"
CHUNK_REPORTS = 100
_LOCK = 0x7265706F7274


@dataclass(frozen=True)
class Issuing:
    """The policy with what it needs. ``division`` is the installation's."""

    store: EventStore
    streams: Streams
    division: str

    def projection(self) -> Projection:
        """The policy as the processor runs it. An event it cannot read halts it: no report rests on a gap."""
        return Projection(NAME, MEMORY, MEMORY_FOLDS, halts=True, after=self.react)

    def react(self, connection: Connection, events: Sequence[Recorded], changes: Sequence[Change]) -> None:
        """Issue what is due on each day that opened, here and at the register, whichever comes last."""
        days = [event for event in events if isinstance(event.fact, DayOpened | RegistryDayOpened)]
        if days:
            connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})  # one worker's turn
        for event in days:
            self._issue(connection, event, event.fact.day)

    def _issue(self, connection: Connection, cause: Recorded, day: date) -> None:
        indexes = cut_now(connection, NAME, cause)
        cut = Cut(indexes)
        since, opened = reading.first_opened(connection, cut), reading.opened(connection, cut)
        if since is None or opened is None:
            return
        today = min(day, opened)
        calendar = reading.calendars(connection, cut).of(self.division, None)
        ordinal = 0
        for level, kind in LEVELS.items():
            period = ended_before(kind, today, calendar)
            if period is None or period.last < since or self._issued(connection, cut, level, period):
                continue
            made = compile_level(level, tally(connection, cut, period, self.division), self.division)
            facts = self._proposed(connection, made, period, indexes, today)
            for chunk in _chunks(list(facts)):
                command = policy_command(NAME, cause, ordinal, NAME.encode())
                self.store.execute(connection, command, lambda: chunk)  # noqa: B023 (called before the next turn)
                ordinal += 1

    def _issued(self, connection: Connection, cut: Cut, level: ReportLevel, period: Period) -> bool:
        """Whether every place that has to has its report: nothing is counted on the many days when nothing is due."""
        due = places_of(level, reading.schools(connection, cut, period.last), self.division)
        streams = [stream_of(self.streams, level, place, period) for place in due]
        return all(self.store.load_many(connection, streams).values()) if streams else True

    def _proposed(
        self,
        connection: Connection,
        made: Sequence[Compiled],
        period: Period,
        indexes: dict[str, tuple[int, ...]],
        today: date,
    ) -> Iterator[Proposed]:
        streams = {stream_of(self.streams, each.level, each.place, period): each for each in made}
        stored = self.store.load_many(connection, list(streams))
        for stream, each in streams.items():
            if not stored[stream]:
                yield Proposed(stream, 0, issued(each, period, indexes), today)


def stream_of(streams: Streams, level: ReportLevel, place: Place, period: Period) -> UUID:
    """The stream of a place's report of a period."""
    return streams.report(level, place.key, period.kind, period.name)


def issued(
    made: Compiled, period: Period, indexes: dict[str, tuple[int, ...]], before: ReportIssued | None = None
) -> ReportIssued:
    """The edition that follows ``before``, the first one without."""
    return ReportIssued(
        level=made.level,
        division_code=made.place.division_code,
        school_code=made.place.school_code,
        period=period.kind,
        period_name=period.name,
        first=period.first,
        last=period.last,
        edition=1 if before is None else before.edition + 1,
        cut=indexes,
        content=made.content,
        content_hash=made.content_hash,
        rules_hash=made.rules_hash,
        plan_hash=made.plan_hash,
        differences={} if before is None else differences(before.content, made.content),
    )


def _chunks(facts: Sequence[Proposed]) -> Iterator[Sequence[Proposed]]:
    return (facts[begin : begin + CHUNK_REPORTS] for begin in range(0, len(facts), CHUNK_REPORTS))

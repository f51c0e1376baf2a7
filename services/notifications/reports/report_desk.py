"""What is asked of reports beside reading them: the running period at any moment, as it was known then, and another
edition of an issued one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import Connection

from services.notifications.events import ReportIssued
from services.notifications.report_errors import NoPeriod, NothingChanged, NotThisPlace, UnknownReport
from services.notifications.report_events import ReportLevel
from services.notifications.reports import reading
from services.notifications.reports.compiling import Compiled, Place, compile_level, place_of
from services.notifications.reports.cuts import Cut, cut_now
from services.notifications.reports.issuing import NAME, issued
from services.notifications.reports.ledger_counts import Unit
from services.notifications.reports.report_periods import LEVELS, Period, period_around
from services.notifications.reports.tallying import tally
from services.notifications.streams import Streams
from shared.database.database import Database, driver
from shared.database.scopes import Scope
from shared.eventsourcing.store import Command, EventStore, Proposed, Result
from shared.messaging.builds import enter_live
from shared.standards import division as divisions


class Wanted(NamedTuple):
    """A level's report of the period around ``on``; ``place``: a school's code, or digits of a division, None = the
    viewer's own. ``known_at``: from what was recorded by then only."""

    level: ReportLevel
    on: date
    place: str | None = None
    known_at: datetime | None = None


@dataclass(frozen=True)
class ReportDesk:
    """What it needs. ``division`` is the installation's."""

    database: Database
    store: EventStore
    streams: Streams
    division: str

    def preview(self, scope: Scope, wanted: Wanted) -> Compiled:
        """The report as it would be issued now; nothing is kept. Raises NotThisPlace, NoPeriod."""
        asked = wanted.place or scope.school or scope.division or ""
        with self.database.working() as connection:
            enter_live(driver(connection), NAME)
            cut = Cut(cut_now(connection, NAME), wanted.known_at)
            calendar = reading.calendars(connection, cut).of(self.division, None)
            period = period_around(LEVELS[wanted.level], wanted.on, calendar)
            if period is None:
                raise NoPeriod(wanted.on)
            place = self._place(connection, cut, scope, wanted.level, asked, period)
            return self._compiled(connection, cut, wanted.level, place, period)

    def again(self, scope: Scope, report_id: UUID, on: date, command: Command) -> Result:
        """Another edition from what is known now. Raises UnknownReport, NothingChanged."""

        def decide(connection: Connection) -> Sequence[Proposed]:
            stored = self.store.load(connection, report_id)
            before = stored[-1].fact if stored else None
            if not isinstance(before, ReportIssued) or not scope.covers(before.division_code, before.school_code):
                raise UnknownReport
            made, period, indexes = self._anew(before)
            if made.content_hash == before.content_hash:
                raise NothingChanged(before.edition)
            return [Proposed(report_id, len(stored), issued(made, period, indexes, before), on)]

        return self.store.run(self.database, command, decide)

    def reproduced(self, report: ReportIssued) -> Compiled:
        """An issued edition counted once more from the events of its own cut: its hash must be the same."""
        period = _period_of(report)
        with self.database.working() as connection:
            enter_live(driver(connection), NAME)
            return self._compiled(connection, Cut(report.cut), report.level, _place_of(report), period)

    def edition(self, scope: Scope, report_id: UUID, edition: int | None) -> ReportIssued:
        """The event of an edition, default the latest. Raises UnknownReport."""
        with self.database.writing() as connection:
            stored = self.store.load(connection, report_id)
        facts = [each.fact for each in stored if isinstance(each.fact, ReportIssued)]
        found = next((fact for fact in reversed(facts) if edition in (None, fact.edition)), None)
        if found is None or not scope.covers(found.division_code, found.school_code):
            raise UnknownReport
        return found

    def _anew(self, report: ReportIssued) -> tuple[Compiled, Period, dict[str, tuple[int, ...]]]:
        period = _period_of(report)
        with self.database.working() as connection:
            enter_live(driver(connection), NAME)
            indexes = cut_now(connection, NAME)
            return self._compiled(connection, Cut(indexes), report.level, _place_of(report), period), period, indexes

    def _compiled(self, connection: Connection, cut: Cut, level: ReportLevel, place: Place, period: Period) -> Compiled:
        counted = tally(connection, cut, period, self.division, place.school_code)
        (made,) = compile_level(level, counted, self.division, place)
        return made

    def _place(
        self, connection: Connection, cut: Cut, scope: Scope, level: ReportLevel, asked: str, period: Period
    ) -> Place:
        division_of = reading.schools(connection, cut, period.last).division
        if level == "school":
            found = Place(division_of[asked], asked) if asked in division_of else None
        else:
            found = place_of(level, Unit(asked, ""), self.division)
            if found not in {place_of(level, Unit(each, ""), self.division) for each in division_of.values()}:
                found = None
        if found is None or not scope.covers(found.division_code, found.school_code):
            raise NotThisPlace
        return found


def own_level(scope: Scope) -> ReportLevel:
    """The level at which a viewer reports."""
    if scope.division is None:
        return "school"
    digits = len(divisions.scope(scope.division))
    return "province" if digits <= 2 else "city" if digits <= 4 else "county"


def _period_of(report: ReportIssued) -> Period:
    return Period(report.period, report.period_name, report.first, report.last)


def _place_of(report: ReportIssued) -> Place:
    return Place(report.division_code, report.school_code)

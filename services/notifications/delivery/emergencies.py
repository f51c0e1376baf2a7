"""Emergency access told to who reviews it: at once when somebody takes one, and every day while one is overdue.

The policy keeps the few accesses that are not reviewed; the day that opens tells which are late, so that a moment's
message that nobody read is not the last word. Reviewers are at the school it was taken at, and always in the county.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time

from sqlalchemy import Boolean, Column, Connection, DateTime, Text

from services.access.events import REVIEW_WITHIN, EmergencyAccessEnded, EmergencyAccessReviewed, EmergencyAccessTaken
from services.notifications.delivery import message_store
from services.notifications.delivery.composing import Told, growths
from services.notifications.delivery.places import Place
from services.notifications.events import DayOpened
from services.notifications.streams import Streams
from shared.database.database import driver
from shared.eventsourcing.periods import PeriodTable
from shared.eventsourcing.projection import Assertion, Fold, Projection, Recorded
from shared.kernel.clock import SHANGHAI
from shared.kernel.facts import Fact

NAME = "emergency_notices"
ALWAYS = date(1, 1, 1)

WAITING = PeriodTable(
    "emergencies_waiting",
    "access",
    [
        Column("kind", Text),
        Column("ends_at", DateTime(timezone=True)),
        Column("reviewed", Boolean),
        Column("division_code", Text),
        Column("school_code", Text),
    ],
)
_LATE = """
SELECT kind, division_code, school_code, count(*) FROM emergencies_waiting
WHERE NOT reviewed AND ends_at < %s GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
"""


def taken(event: Recorded) -> Iterable[Assertion]:
    fact = event.fact
    place = {"division_code": fact.division_code, "school_code": fact.school_code}
    values = {"kind": fact.kind, "ends_at": fact.until, "reviewed": False, **place}
    yield Assertion(WAITING, fact.emergency_id, ALWAYS, values)


def ended(event: Recorded) -> Iterable[Assertion]:
    yield Assertion(WAITING, event.fact.emergency_id, ALWAYS, {"ends_at": event.recorded_at})


def reviewed(event: Recorded) -> Iterable[Assertion]:
    yield Assertion(WAITING, event.fact.emergency_id, ALWAYS, {"reviewed": True})


def day_opened(_event: Recorded) -> Iterable[Assertion]:
    return ()


@dataclass(frozen=True)
class EmergencyNotices:
    """The policy with what it needs. ``division`` is the installation's."""

    streams: Streams
    division: str

    def projection(self) -> Projection:
        """The policy as the processor runs it."""
        folds: dict[type[Fact], Fold] = {
            EmergencyAccessTaken: taken,
            EmergencyAccessEnded: ended,
            EmergencyAccessReviewed: reviewed,
            DayOpened: day_opened,
        }
        return Projection(NAME, (WAITING,), folds, after=self.react)

    def react(self, connection: Connection, events: Sequence[Recorded], _changes: object) -> None:
        """Count what was taken, and on a new day what is late."""
        told = [each for event in events for each in self._told(connection, event)]
        message_store.grow(driver(connection), growths(self.streams, told))

    def _told(self, connection: Connection, event: Recorded) -> Iterator[Told]:
        fact = event.fact
        if isinstance(fact, EmergencyAccessTaken):
            for place in self._places(fact.division_code, fact.school_code):
                yield Told(event, "emergencies_taken", place, fact.kind)
        elif isinstance(fact, DayOpened):
            for kind, division, school, count in driver(connection).execute(_LATE, (_late_before(fact.day),)):
                for place in self._places(division, school):
                    yield Told(event, "emergencies_overdue", place, kind, count)

    def _places(self, division_code: str, school_code: str | None) -> Iterator[Place]:
        yield Place(self.division, None)
        if school_code is not None:
            yield Place(division_code, school_code)


def _late_before(day: date) -> datetime:
    """What ended before this moment and is not reviewed as the day begins is late."""
    return datetime.combine(day, time(), SHANGHAI) - REVIEW_WITHIN

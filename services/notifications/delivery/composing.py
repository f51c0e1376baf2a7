"""The policy that composes messages: every alert and every report issued is counted in the one open message of its
topic at each place that answers for it, the child's class too, so that a storm of events is a message and not a storm
of messages."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import Connection

from services.notifications.care.contacts import contact_days, due_by_class, due_by_school
from services.notifications.case_events import CaseEscalated
from services.notifications.delivery import message_store
from services.notifications.delivery.message_store import Growth
from services.notifications.delivery.places import Place, at_level, nearest
from services.notifications.delivery_events import Topic
from services.notifications.events import AlertClosed, AlertRaised, AlertWithdrawn, DayOpened, ReportIssued
from services.notifications.streams import Streams
from shared.database.database import driver
from shared.database.scopes import Classroom
from shared.eventsourcing.projection import Projection, Recorded
from shared.eventsourcing.store import EventStore
from shared.kernel.clock import SHANGHAI
from shared.messaging.builds import enter_live
from shared.messaging.policy import policy

NAME = "composing"
ALERTS, WATCHING = "alerts", "watching"  # whose tables tell who is to be asked after
MONDAY = 1


_CLASSES = """
SELECT entity, school_code, coalesce(stage, ''), grade, class_name FROM children
WHERE entity = ANY(%s) AND valid_from <= %s AND valid_to > %s
  AND school_code <> '' AND grade <> '' AND class_name <> ''
"""


class Told(NamedTuple):
    """One cause and what is told of it: counted under ``kind`` in the message of ``topic`` at ``place``."""

    cause: Recorded
    topic: Topic
    place: Place
    kind: str
    times: int = 1


@dataclass(frozen=True)
class Composing:
    """The policy with what it needs. ``division`` is the installation's: it is told of everything."""

    store: EventStore
    streams: Streams
    division: str

    def projection(self) -> Projection:
        """The policy as the processor runs it."""
        return policy(
            NAME, (AlertRaised, AlertWithdrawn, AlertClosed, CaseEscalated, DayOpened, ReportIssued), self.react
        )

    def react(self, connection: Connection, events: Sequence[Recorded], _changes: object) -> None:
        """Count these events."""
        raised = self._raised(connection, events)
        days = [event for event in events if isinstance(event.fact, DayOpened)]
        classes = self._classes(connection, events, raised)
        told = [each for event in events if event not in days for each in self._told(event, raised, classes)]
        told += [each for event in days for each in self._reminders(connection, event)]
        message_store.grow(driver(connection), growths(self.streams, told))

    def _raised(self, connection: Connection, events: Sequence[Recorded]) -> dict[UUID, AlertRaised]:
        """Alert → how it was raised last, for those that have ended."""
        ended = {event.stream_id for event in events if isinstance(event.fact, AlertWithdrawn | AlertClosed)}
        found: dict[UUID, AlertRaised] = {}
        for stream, stored in (self.store.load_many(connection, ended) if ended else {}).items():
            for each in stored:
                if isinstance(each.fact, AlertRaised):
                    found[stream] = each.fact
        return found

    def _classes(
        self, connection: Connection, events: Sequence[Recorded], raised: dict[UUID, AlertRaised]
    ) -> dict[UUID, Classroom]:
        """Student → her class as the alerts view has it, which is also what shows the class's teacher the alert."""
        facts = [*raised.values(), *(event.fact for event in events if isinstance(event.fact, AlertRaised))]
        students = list({fact.student_id for fact in facts if fact.student_id is not None})
        raw = driver(connection)
        if not students or not enter_live(raw, ALERTS):
            return {}
        day = max(event.recorded_at for event in events).astimezone(SHANGHAI).date()
        rows = raw.execute(_CLASSES, (students, day, day)).fetchall()
        return {row[0]: Classroom(*row[1:]) for row in rows}

    def _reminders(self, connection: Connection, cause: Recorded) -> Iterator[Told]:
        """When a week begins each school, and each class of it, is told how many of its left-behind children were not
        heard of for long, as the views stand: a reminder that is a moment behind harms nothing."""
        raw, today = driver(connection), cause.fact.day
        if today.isoweekday() != MONDAY or not enter_live(raw, WATCHING):
            return
        allowed = contact_days(connection, today)
        if allowed is None or not enter_live(raw, ALERTS):
            return
        for school in due_by_school(raw, today, allowed):
            place = nearest(self.division, school.division_code, school.school_code)
            yield Told(cause, "contacts_due", place, "contact_due", school.children)
        for each in due_by_class(raw, today, allowed):
            own = Classroom(each.school_code, each.stage, each.grade, each.class_name)
            place = Place(each.division_code or self.division, each.school_code, own)
            yield Told(cause, "contacts_due", place, "contact_due", each.children)

    def _told(self, event: Recorded, raised: dict[UUID, AlertRaised], classes: dict[UUID, Classroom]) -> Iterator[Told]:
        fact = event.fact
        if isinstance(fact, CaseEscalated):
            where = at_level(self.division, fact.level, fact.division_code, fact.school_code)
            yield Told(event, "cases_escalated", where, fact.level)
            return
        if isinstance(fact, ReportIssued):
            yield Told(event, "reports_issued", Place(fact.division_code, fact.school_code), fact.period)
            return
        about = fact if isinstance(fact, AlertRaised) else raised[event.stream_id]
        topic: Topic = "alerts_raised" if fact is about else "alerts_ended"
        kind = fact.kind if isinstance(fact, AlertRaised) else fact.reason
        county = Place(self.division, None)
        close_by = nearest(self.division, about.division_code, about.school_code)
        own = None if about.student_id is None else classes.get(about.student_id)
        if own is not None:
            yield Told(event, topic, Place(about.division_code or self.division, own.school, own), kind)
        for place in {close_by.key: close_by, county.key: county}.values():
            yield Told(event, topic, place, kind)


def growths(streams: Streams, told: Iterable[Told]) -> list[Growth]:
    """The causes of a batch put together by topic and place."""
    found: dict[tuple[Topic, str], Growth] = {}
    for each in told:
        at, cause = each.cause.recorded_at, each.cause.event_id
        growth = found.get((each.topic, each.place.key))
        if growth is None:
            name = streams.message(each.topic, each.place.key, cause)
            growth = Growth(each.topic, each.place, name, at, at, cause, cause)
            found[each.topic, each.place.key] = growth
        growth.counts[each.kind] += each.times
        if at < growth.opened_at:
            growth.opened_at, growth.first_cause = at, cause
        if at > growth.grew_at:
            growth.grew_at, growth.last_cause = at, cause
    return list(found.values())

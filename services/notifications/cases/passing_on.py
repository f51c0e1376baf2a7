"""The policy of hand-overs: where a predecessor stands in the team of an open case, the successor stands from then on.

Messages to the place are sent to the predecessor no more. The case itself is of a place and needs nothing. No deadline
begins anew: the team stood all along.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, Boolean, Column, Connection, Row, Text, Uuid, text

from services.access.events import HandoverClosed
from services.notifications.case_events import TeamFormed, TeamPassedOn
from services.notifications.delivery import receivers
from services.notifications.delivery.places import place_of
from services.notifications.delivery_events import ContactEnded
from services.notifications.domain import evolve
from services.notifications.events import AlertClosed, AlertRaised, AlertWithdrawn
from services.notifications.streams import Streams
from services.registry.events import StudentEnrolled, StudentPlaced
from shared.database.database import driver
from shared.eventsourcing.periods import PeriodTable
from shared.eventsourcing.projection import Assertion, Change, Fold, Projection, Recorded
from shared.eventsourcing.store import EventStore, Proposed
from shared.kernel.facts import Fact
from shared.messaging.handing_over import (
    ALWAYS,
    HANDED_OVER,
    HandedOver,
    given_at,
    handover_closed,
    later_ones,
    told_by,
)
from shared.messaging.policy import policy_command

NAME = "teams_handed_on"
CHUNK = 500

# Teams with members who have an account, by case; only as it stands now.
TEAMS = PeriodTable(
    "teams",
    "notifications",
    [
        Column("members", ARRAY(Text)),
        Column("open", Boolean),
        Column("student_id", Uuid),
        Column("of_division", Text),
        Column("of_school", Text),
    ],
)
# In which class a student is; nothing personal.
CLASSES = PeriodTable("classes", "registry", [Column("stage", Text), Column("grade", Text), Column("class_name", Text)])

_HIS = text("""
SELECT t.entity, t.of_division, t.of_school, c.stage, c.grade, c.class_name FROM teams t
LEFT JOIN classes c ON c.entity = t.student_id AND c.valid_to = 'infinity'
WHERE t.open AND :former = ANY(t.members) AND (CAST(:alerts AS uuid[]) IS NULL OR t.entity = ANY(:alerts))
ORDER BY t.entity
""")


def _raised(event: Recorded) -> Iterable[Assertion]:
    fact = event.fact
    place = {"student_id": fact.student_id, "of_division": fact.division_code, "of_school": fact.school_code}
    yield Assertion(TEAMS, event.stream_id, ALWAYS, place | {"members": [], "open": True})


def _members(event: Recorded) -> Iterable[Assertion]:
    yield Assertion(TEAMS, event.stream_id, ALWAYS, {"members": sorted(set(event.fact.principals.values()))})


def _ended(event: Recorded) -> Iterable[Assertion]:
    yield Assertion(TEAMS, event.stream_id, ALWAYS, {"open": False})


def _placed(event: Recorded) -> Iterable[Assertion]:
    names = ("stage", "grade", "class_name")
    yield Assertion(CLASSES, event.stream_id, event.effective_on, {name: getattr(event.fact, name) for name in names})


@dataclass(frozen=True)
class PassingOn:
    """The policy with what it needs. ``division`` is the installation's."""

    store: EventStore
    streams: Streams
    division: str

    def projection(self) -> Projection:
        """As the processor runs it."""
        folds: dict[type[Fact], Fold] = {
            AlertRaised: _raised,
            TeamFormed: _members,
            TeamPassedOn: _members,
            AlertClosed: _ended,
            AlertWithdrawn: _ended,
            StudentEnrolled: _placed,
            StudentPlaced: _placed,
            HandoverClosed: handover_closed,
        }
        return Projection(NAME, (TEAMS, CLASSES, HANDED_OVER), folds, after=self.react)

    def react(self, connection: Connection, events: Sequence[Recorded], changes: Sequence[Change]) -> None:
        """For each hand-over the teams known by now; for a team formed before a known one, that team."""
        for event in events:
            if isinstance(event.fact, HandoverClosed):
                told = told_by(event)
                if told is not None:
                    self._end_contact(connection, event, told)
                    self._pass_on(connection, event, told, None)
            elif isinstance(event.fact, TeamFormed | TeamPassedOn):
                people = sorted(set(event.fact.principals.values()))
                later = [told for former in people for told in later_ones(connection, former, given_at(event))]
                for number, told in enumerate(later):
                    self._pass_on(connection, event, told, [event.stream_id], number)

    def _end_contact(self, connection: Connection, cause: Recorded, told: HandedOver) -> None:
        """Messages to the post's place are sent to the predecessor no more."""
        place = place_of(told.scope, self.division)
        contact = self.streams.contact(told.former)
        if place is None or not receivers.ended_at(driver(connection), contact, place):
            return
        fact = ContactEnded(
            division_code=place.division_code, school_code=place.school_code, handover_id=told.handover_id
        )
        version = len(self.store.load(connection, contact))
        command = policy_command(f"{NAME}_contact", cause, 0, NAME.encode())
        self.store.execute(connection, command, lambda: [Proposed(contact, version, fact, told.day)])

    def _pass_on(
        self,
        connection: Connection,
        cause: Recorded,
        told: HandedOver,
        alerts: list[UUID] | None,
        number: int = 0,
    ) -> None:
        rows = connection.execute(_HIS, {"former": told.former, "alerts": alerts})
        kept = [row.entity for row in rows if _covered(told, row)]
        self.streams.lock(connection, kept)
        for ordinal, begin in enumerate(range(0, len(kept), CHUNK)):
            proposed = list(self._proposed(connection, told, kept[begin : begin + CHUNK]))
            if proposed:
                command = policy_command(NAME, cause, number + ordinal, str(told.handover_id).encode())
                self.store.execute(connection, command, lambda: proposed)  # noqa: B023 (called before the next turn)

    def _proposed(self, connection: Connection, told: HandedOver, alerts: Sequence[UUID]) -> Iterator[Proposed]:
        loaded = self.store.load_many(connection, alerts)
        for alert in alerts:
            stored = loaded[alert]
            state = evolve((each.fact, each.event.effective_on) for each in stored)
            formed = [each.fact for each in stored if isinstance(each.fact, TeamFormed | TeamPassedOn)]
            principals = formed[-1].principals if formed else {}
            if not state.open or told.former not in principals.values():
                continue
            now = {role: told.account if who == told.former else who for role, who in principals.items()}
            fact = TeamPassedOn(former=told.former, account=told.account, principals=now, handover_id=told.handover_id)
            yield Proposed(alert, state.version, fact, max(told.day, state.last))


def _covered(told: HandedOver, row: Row[Any]) -> bool:
    classroom = (row.stage, row.grade, row.class_name)
    return told.scope.covers(row.of_division, row.of_school, classroom=classroom)

"""The policy of hand-overs: the students a predecessor helped get the successor as their helper.

Also those whom nobody helps and whom the predecessor meant to visit again: somebody must go. Whom to look at comes from
its own memory, what to do from the student's stream.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import Connection, text

from services.access.events import HandoverClosed
from services.registry.events import StudentEnrolled, StudentPlaced
from services.visits import domain
from services.visits.events import HelperAssigned, VisitLogged
from services.visits.projections import helper_assigned, placed, visit_logged
from services.visits.streams import Streams
from services.visits.tables import HELPERS, PLACES, VISITS
from shared.eventsourcing.projection import Change, Fold, Projection, Recorded
from shared.eventsourcing.store import EventStore, Proposed
from shared.kernel.facts import Fact
from shared.messaging.handing_over import HANDED_OVER, HandedOver, given_at, handover_closed, later_ones, told_by
from shared.messaging.policy import policy_command

NAME = "helpers_handed_on"
CHUNK = 500
_LOCK = 0x70617373
# The latest assignment and the visit made last of every student; the first day of either may lie ahead.
_HIS = text("""
WITH last AS (
    SELECT DISTINCT ON (student_id) student_id, visitor, repeat_on FROM visits
    WHERE valid_to = 'infinity' ORDER BY student_id, visited_on DESC, entity DESC
)
SELECT student_id FROM helpers WHERE valid_to = 'infinity' AND helper = :former
UNION
SELECT student_id FROM last WHERE visitor = :former AND repeat_on IS NOT NULL
    AND NOT EXISTS (SELECT FROM helpers h WHERE h.student_id = last.student_id)
ORDER BY student_id
""")
_PLACES = text("""
SELECT entity, division_code, school_code, stage, grade, class_name FROM places
WHERE entity = ANY(:students) AND valid_to = 'infinity'
""")


@dataclass(frozen=True)
class PassingOn:
    """The policy with what it needs."""

    store: EventStore
    streams: Streams

    def projection(self) -> Projection:
        """As the processor runs it."""
        folds: dict[type[Fact], Fold] = {
            StudentEnrolled: placed,
            StudentPlaced: placed,
            HelperAssigned: helper_assigned,
            VisitLogged: visit_logged,
            HandoverClosed: handover_closed,
        }
        return Projection(NAME, (PLACES, HELPERS, VISITS, HANDED_OVER), folds, after=self.react)

    def react(self, connection: Connection, events: Sequence[Recorded], changes: Sequence[Change]) -> None:
        """For each hand-over the work known by now; for work given before a known one, that work."""
        for event in events:
            if isinstance(event.fact, HandoverClosed):
                told = told_by(event)
                if told is not None:
                    students = connection.execute(_HIS, {"former": told.former}).scalars()
                    self._pass_on(connection, event, told, list(students))
            elif isinstance(event.fact, HelperAssigned | VisitLogged):
                fact = event.fact
                former = fact.helper if isinstance(fact, HelperAssigned) else fact.visitor
                for number, told in enumerate(later_ones(connection, former, given_at(event))):
                    self._pass_on(connection, event, told, [fact.student_id], number)

    def _pass_on(
        self, connection: Connection, cause: Recorded, told: HandedOver, students: Sequence[UUID], number: int = 0
    ) -> None:
        if not students:
            return
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
        kept = [student for student, scoped in self._scoped(connection, told, students) if scoped]
        for ordinal, begin in enumerate(range(0, len(kept), CHUNK)):
            proposed = list(self._proposed(connection, told, kept[begin : begin + CHUNK]))
            if proposed:
                command = policy_command(NAME, cause, number + ordinal, str(told.handover_id).encode())
                self.store.execute(connection, command, lambda: proposed)  # noqa: B023 (called before the next turn)

    def _scoped(
        self, connection: Connection, told: HandedOver, students: Sequence[UUID]
    ) -> Iterator[tuple[UUID, bool]]:
        for row in connection.execute(_PLACES, {"students": list(students)}):
            classroom = (row.stage, row.grade, row.class_name)
            yield row.entity, told.scope.covers(row.division_code, row.school_code, classroom=classroom)

    def _proposed(self, connection: Connection, told: HandedOver, students: Sequence[UUID]) -> Iterator[Proposed]:
        places = {row.entity: row for row in connection.execute(_PLACES, {"students": list(students)})}
        loaded = self.store.load_many(connection, [self.streams.helper(student) for student in students])
        for student in students:
            stream, place = self.streams.helper(student), places[student]
            state = domain.evolve((each.fact, each.event.effective_on) for each in loaded[stream])
            if state.helper not in (told.former, None):
                continue  # somebody else helps her meanwhile
            fact = HelperAssigned(
                student_id=student,
                helper=told.account,
                division_code=place.division_code,
                school_code=place.school_code,
            )
            yield Proposed(stream, state.version, fact, max(told.day, state.since or told.day))

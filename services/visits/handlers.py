"""One function per command: find the student within the caller's rows, decide, append."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from sqlalchemy import Connection

from services.visits import domain, queries
from services.visits.commands import AssignHelper, LogVisit, Place
from services.visits.errors import UnknownStudent
from services.visits.streams import Streams
from shared.database.database import Database
from shared.database.scopes import Scope
from shared.eventsourcing.store import Command, EventStore, Proposed, Result


def assign_helper(
    database: Database,
    store: EventStore,
    streams: Streams,
    scope: Scope,
    intent: AssignHelper,
    command: Command,
    today: date,
) -> Result:
    """Hand a student to a teacher. Raises UnknownStudent, SameHelper, CommandReused."""

    place = _place(database, scope, intent, today)
    stream_id = streams.helper(intent.student_id)

    def decide(connection: Connection) -> Sequence[Proposed]:
        stored = store.load(connection, stream_id)
        state = domain.evolve((each.fact, each.event.effective_on) for each in stored)
        return [Proposed(stream_id, state.version, domain.assign(state, intent, _known(place)), intent.from_day)]

    return store.run(database, command, decide)


def log_visit(
    database: Database,
    store: EventStore,
    streams: Streams,
    scope: Scope,
    intent: LogVisit,
    command: Command,
    today: date,
) -> Result:
    """Log a visit, once however often it is sent.

    Raises UnknownStudent, UnmetVisitConfirms, ImpossibleVisitDate, Malformed, CommandReused.
    """
    place = _place(database, scope, intent, today)
    stream_id = streams.visit(command.principal, command.command_id)

    def decide(_connection: Connection) -> Sequence[Proposed]:
        return [Proposed(stream_id, 0, domain.log_visit(intent, _known(place), today), intent.visited_on)]

    return store.run(database, command, decide)


def _place(database: Database, scope: Scope, intent: AssignHelper | LogVisit, today: date) -> Place | None:
    """Read before the command's own transaction, and judged inside it: a repeated command keeps its first answer."""
    with database.reading(scope, "visits") as connection:
        return queries.place_of(connection, intent.student_id, today)


def _known(place: Place | None) -> Place:
    if place is None:
        raise UnknownStudent("没有这名学生", "there is no such student")
    return place

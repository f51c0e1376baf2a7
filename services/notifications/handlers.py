"""One function per command of a person: load, decide, append. The policies' commands are in signals/ and cases/."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from uuid import UUID

from sqlalchemy import Connection, select

from services.notifications.cases.case_evidence import evidence_of
from services.notifications.cases.case_life import close, see
from services.notifications.commands import CloseAlert, SeeAlert
from services.notifications.domain import Alert, Decided, evolve
from services.notifications.errors import UnknownAlert
from services.notifications.events import AlertRaised
from services.notifications.projections import ALERTS_VIEW
from services.notifications.streams import Streams
from services.notifications.tables import ALERTS
from shared.database.database import Database
from shared.database.scopes import NO_SCOPE, Scope
from shared.eventsourcing.store import Command, EventStore, Proposed, Result, Stored


def see_alert(
    database: Database,
    store: EventStore,
    streams: Streams,
    scope: Scope,
    alert_id: UUID,
    intent: SeeAlert,
    command: Command,
) -> Result:
    """Note that somebody responsible has read it. Raises UnknownAlert, AlertNotOpen, CommandReused."""
    return settle(database, store, streams, scope, alert_id, command, lambda alert: see(alert, intent))


def close_alert(
    database: Database,
    store: EventStore,
    streams: Streams,
    scope: Scope,
    alert_id: UUID,
    intent: CloseAlert,
    command: Command,
) -> Result:
    """Close it on what is on record. Raises UnknownAlert, AlertNotOpen, NotSeenYet, EvidenceMissing,
    SecondPersonNeeded, DayNotInCase, CommandReused."""

    def decide(alert: Alert) -> list[Decided]:
        assert alert.raised is not None  # settle has found it
        return close(alert, intent, evidence_of(database, alert.raised, intent.on))

    return settle(database, store, streams, scope, alert_id, command, decide)


def settle(
    database: Database,
    store: EventStore,
    streams: Streams,
    scope: Scope,
    alert_id: UUID,
    command: Command,
    decision: Callable[[Alert], list[Decided]],
) -> Result:
    """Decide about one case of the viewer's, under the lock that the policies take, too. Raises UnknownAlert, and what
    the decision raises."""
    scope = judged_by(database, scope, alert_id)

    def decide(connection: Connection) -> Sequence[Proposed]:
        streams.lock(connection, [alert_id])
        alert = case_of(store.load(connection, alert_id), scope)
        return [Proposed(alert_id, alert.version, fact, on) for fact, on in decision(alert)]

    return store.run(database, command, decide)


def case_of(stored: Sequence[Stored], scope: Scope) -> Alert:
    """The case as its stream tells it. Raises UnknownAlert, also for one outside the scope."""
    if not _covered(stored, scope):
        raise UnknownAlert("没有这条预警", "there is no such alert")
    return evolve((each.fact, each.event.effective_on, each.event.principal) for each in stored)


def _covered(stored: Sequence[Stored], scope: Scope) -> bool:
    """The same rule as row-level security, by the place named when the alert was raised last."""
    raised = next((each.fact for each in reversed(stored) if isinstance(each.fact, AlertRaised)), None)
    if raised is None:
        return False
    return scope.covers(raised.division_code, raised.school_code)


def judged_by(database: Database, scope: Scope, alert_id: UUID) -> Scope:
    """The scope a case's stream is judged by. A stream tells no class: for who sees one class the view tells whether
    the case is of a child of it."""
    if scope.classroom is None:
        return scope
    with database.reading(scope, ALERTS_VIEW.name) as connection:
        seen = connection.execute(select(ALERTS.c.entity).where(ALERTS.c.entity == alert_id)).first()
    return NO_SCOPE if seen is None else Scope(school=scope.classroom.school)

"""One function per command of a person: load, decide, append. The policy's commands are in watching.py."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from uuid import UUID

from sqlalchemy import Connection

from services.notifications.commands import CloseAlert, SeeAlert
from services.notifications.domain import Alert, Decided, close, evolve, see
from services.notifications.errors import UnknownAlert
from services.notifications.events import AlertRaised
from services.notifications.streams import Streams
from shared.database.database import Database
from shared.database.scopes import Scope
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
    return _settle(database, store, streams, scope, alert_id, command, lambda alert: see(alert, intent))


def close_alert(
    database: Database,
    store: EventStore,
    streams: Streams,
    scope: Scope,
    alert_id: UUID,
    intent: CloseAlert,
    command: Command,
) -> Result:
    """Close it on evidence. Raises UnknownAlert, AlertNotOpen, NotSeenYet, CommandReused."""
    return _settle(database, store, streams, scope, alert_id, command, lambda alert: close(alert, intent))


def _settle(
    database: Database,
    store: EventStore,
    streams: Streams,
    scope: Scope,
    alert_id: UUID,
    command: Command,
    decision: Callable[[Alert], list[Decided]],
) -> Result:
    def decide(connection: Connection) -> Sequence[Proposed]:
        streams.lock(connection, [alert_id])
        stored = store.load(connection, alert_id)
        if not _covered(stored, scope):
            raise UnknownAlert("没有这条预警", "there is no such alert")
        alert = evolve((each.fact, each.event.effective_on) for each in stored)
        return [Proposed(alert_id, alert.version, fact, on) for fact, on in decision(alert)]

    return store.run(database, command, decide)


def _covered(stored: Sequence[Stored], scope: Scope) -> bool:
    """The same rule as row-level security, by the place named when the alert was raised last."""
    raised = next((each.fact for each in reversed(stored) if isinstance(each.fact, AlertRaised)), None)
    if raised is None:
        return False
    by_division = scope.division is not None and (raised.division_code or "").startswith(scope.division)
    return by_division or (scope.school is not None and scope.school == raised.school_code)

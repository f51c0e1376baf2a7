"""One function per command of a person: load, decide, append. The policy's commands are in entitling.py."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import Connection

from services.disbursement.commands import DisburseAid
from services.disbursement.domain import disburse, evolve
from services.disbursement.errors import AidedElsewhere, UnknownEntitlement
from services.disbursement.events import EntitlementGranted
from services.disbursement.letters.letter_life import inquiry_of
from services.disbursement.streams import Streams
from shared.database.database import Database
from shared.database.scopes import Scope
from shared.eventsourcing.store import Command, EventStore, Proposed, Result


def disburse_aid(
    database: Database,
    store: EventStore,
    streams: Streams,
    scope: Scope,
    entitlement_id: UUID,
    intent: DisburseAid,
    command: Command,
) -> Result:
    """Pay one entitlement, exactly once whatever is repeated or raced.

    Raises UnknownEntitlement (also for one outside the scope), AlreadyDisbursed, NothingGranted, PaidBeforeGranted,
    AidedElsewhere, CommandReused.
    """

    def decide(connection: Connection) -> Sequence[Proposed]:
        streams.lock(connection, [entitlement_id])
        stored = store.load(connection, entitlement_id)
        state = evolve((each.fact, each.event.effective_on) for each in stored)
        if state.grant is None or not scope.covers(state.grant.division_code, state.grant.school_code):
            raise UnknownEntitlement("没有这项资助资格", "there is no such entitlement")
        _not_aided_elsewhere(connection, store, streams, state.grant)
        return [
            Proposed(entitlement_id, state.version, fact, effective_on)
            for fact, effective_on in disburse(state, intent)
        ]

    return store.run(database, command, decide)


def _not_aided_elsewhere(
    connection: Connection, store: EventStore, streams: Streams, grant: EntitlementGranted
) -> None:
    """An answer recorded a moment ago counts before the policy has withdrawn anything: who records it holds the same
    lock. Raises AidedElsewhere."""
    inquiry_id = streams.inquiry(grant.student_id, grant.term)
    streams.lock(connection, [inquiry_id])
    if inquiry_of(stored.fact for stored in store.load(connection, inquiry_id)).aided:
        raise AidedElsewhere

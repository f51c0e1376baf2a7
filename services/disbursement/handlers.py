"""One function per command of a person: load, decide, append. The policy's commands are in entitling.py."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import Connection

from services.disbursement.commands import DisburseAid
from services.disbursement.domain import disburse, evolve
from services.disbursement.errors import UnknownEntitlement
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
    CommandReused.
    """

    def decide(connection: Connection) -> Sequence[Proposed]:
        streams.lock(connection, [entitlement_id])
        stored = store.load(connection, entitlement_id)
        state = evolve((each.fact, each.event.effective_on) for each in stored)
        if state.grant is None or not scope.covers(state.grant.division_code, state.grant.school_code):
            raise UnknownEntitlement("没有这项资助资格", "there is no such entitlement")
        return [
            Proposed(entitlement_id, state.version, fact, effective_on)
            for fact, effective_on in disburse(state, intent)
        ]

    return store.run(database, command, decide)

"""A model is proposed by one person and activated by another. Nothing of it is decided from a wish: model_change.py."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

import psycopg
from sqlalchemy import Connection

from services.matching import model_change, model_proposals
from services.matching.active_model import ActiveModel
from services.matching.commands import ActivateModel, ProposeModel
from services.matching.errors import DecidingBusy, ProposalUnknown
from shared.database.database import Database, driver
from shared.eventsourcing.store import Command, EventStore, Proposed, Result
from shared.kernel.clock import today


@dataclass(frozen=True)
class ModelDesk:
    """What both handlers need."""

    database: Database
    store: EventStore
    models: ActiveModel


def propose_model(desk: ModelDesk, intent: ProposeModel, command: Command) -> UUID:
    """Note the proposal, of which a report is made beside; its id, the same for the same command.

    Raises ModelUnusable, ModelInForce, TooManyProposals.
    """
    model = model_change.usable(intent.content)
    proposal_id = desk.models.streams.proposal(command.principal, command.command_id)
    in_force: list[str] = []

    def decide(connection: Connection) -> Sequence[Proposed]:
        active = desk.models.current(connection)
        assert active is not None, "the first model is activated before anybody can ask"
        model_change.check_proposal(model, active.hash, model_proposals.open_count(driver(connection)))
        in_force[:] = [active.hash]
        return ()

    def then(connection: Connection, _result: Result) -> None:
        model_proposals.insert(driver(connection), proposal_id, model, in_force[0], intent.by)

    desk.store.run(desk.database, command, decide, then)
    return proposal_id


def activate_model(desk: ModelDesk, intent: ActivateModel, command: Command) -> Result:
    """Let the proposed model decide, every row anew. Raises ProposalUnknown, DecidingBusy, and what
    model_change.activate raises."""

    def decide(connection: Connection) -> Sequence[Proposed]:
        desk.models.hold(connection)
        proposal = model_proposals.proposal(driver(connection), intent.proposal_id)
        if proposal is None:
            raise ProposalUnknown(intent.proposal_id)
        active = desk.models.activations(connection)[-1]
        fact = model_change.activate(active.hash, proposal, intent)
        return [Proposed(desk.models.streams.model, active.version, fact, today())]

    def then(connection: Connection, result: Result) -> None:
        model_proposals.close(driver(connection), intent.proposal_id, result.event_ids[-1], command.traceparent)

    try:
        return desk.store.run(desk.database, command, decide, then)
    except psycopg.errors.LockNotAvailable as busy:
        raise DecidingBusy from busy

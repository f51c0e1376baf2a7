"""One rerun: matching's roster and decider and disbursement's policy, as their services run them, in one thread.

What people and clocks told is fed in its order; what policies made is made anew. Nothing waits to be delivered when the
next fact comes that could matter to it: a second event of the same stream by another command, a person's decision, a
new day.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID, uuid4

from sqlalchemy import Connection

from deploy.counterfactual.erased import DECISIONS, told_as_it_was
from deploy.counterfactual.history import Placed
from deploy.counterfactual.keys import ReadKeys
from deploy.counterfactual.scratch import Scratch
from deploy.counterfactual.service_log import FedLog, ScratchLog
from services.disbursement.commands import DisburseAid
from services.disbursement.domain import disburse, evolve
from services.disbursement.entitling import Entitling
from services.disbursement.events import AidDisbursed
from services.disbursement.streams import Streams as DisbursementStreams
from services.matching import app as matching_app
from services.matching import ruled_rows, rulings
from services.matching.active_model import ActiveModel
from services.matching.deciding import Deciding, Progress
from services.matching.events import MatchingModelActivated, RowRuled, RulingWithdrawn, SecondOpinionAsked
from services.matching.model_proposals import enqueue_every_row
from services.matching.projections import ROSTER_VIEW
from services.matching.streams import Streams as MatchingStreams
from shared.database.database import Database, driver
from shared.eventsourcing.event import Logged
from shared.eventsourcing.projection import Projection
from shared.eventsourcing.sealing import unseal
from shared.eventsourcing.store import Command, EventStore, Proposed
from shared.hosting.settings import Settings
from shared.kernel.refusals import Refusal
from shared.messaging.builds import prepare
from shared.messaging.codec import Envelope
from shared.messaging.runner import Runner

PENDING_MOST = 2_000
APPLIED_AT_ONCE = 1_000
PRINCIPAL = "counterfactual"
PARTS = ("matching", "disbursement")
_RULINGS = (RowRuled, RulingWithdrawn, SecondOpinionAsked)


class RerunFailed(Exception):
    """The rerun could not apply an event that the real services applied."""


@dataclass
class Part:
    """One service of the rerun with its scratch log and the runner of what it folds."""

    database: Database
    store: EventStore
    log: ScratchLog
    runner: Runner

    def apply(self, service: str, envelopes: list[Envelope]) -> None:
        """Fold these events of a log. Raises RerunFailed."""
        for begin in range(0, len(envelopes), APPLIED_AT_ONCE):
            applied = self.runner.apply(service, 0, envelopes[begin : begin + APPLIED_AT_ONCE])
            if applied.halted is not None or applied.gap is not None:
                raise RerunFailed(f"{self.runner.projection.name}: {applied.halted or applied.gap}")


@dataclass
class Rerun:
    """``unpaid``: payments of the log for which nothing was granted at their moment. ``fed`` counts the events told."""

    registry: FedLog
    matching: Part
    disbursement: Part
    deciding: Deciding
    streams: DisbursementStreams
    wiring: Wiring
    progress: Callable[[int], None] = lambda fed: None
    fed: int = 0
    unpaid: list[Logged] = field(default_factory=list)
    _pending: list[Logged] = field(default_factory=list)
    _touched: dict[UUID, UUID] = field(default_factory=dict)
    _now: datetime | None = None
    _settled: bool = True

    def run(self, told: Iterable[Placed]) -> None:
        """Feed everything and let it settle. Raises RerunFailed, and what reading raises."""
        for placed in told:
            logged = placed.logged
            if logged.service != "registry":
                self._settle()
                self._now = placed.at
                self._inject(logged)
            else:
                event = logged.event
                again = self._touched.get(event.stream_id, event.command_id) != event.command_id
                if again or len(self._pending) >= PENDING_MOST:
                    self._settle()
                self._pending.append(logged._replace(recorded_at=placed.at))
                self._settled = False
                self._touched[event.stream_id] = event.command_id
                self._now = placed.at
            self.fed += 1
            if self.fed % 1_000 == 0:
                self.progress(self.fed)
        self._settle()
        self.progress(self.fed)

    def fork(self, name: str) -> Rerun:
        """Another rerun that stands where this one, all settled, stands now: on copies of its databases."""
        copies = []
        for part, kind in zip((self.matching, self.disbursement), PARTS, strict=True):
            part.database.close()
            copies.append(self.wiring.scratch.make(f"{name}_{kind}", template=part.database.name))
            copies[-1].prepare()  # the rights of a database are not copied with it
        other = self.wiring.rerun(*copies)
        other.registry = dataclasses.replace(self.registry)
        other.matching.log = dataclasses.replace(self.matching.log, database=other.matching.database)
        other.disbursement.log = dataclasses.replace(self.disbursement.log, database=other.disbursement.database)
        other.fed, other.unpaid, other._now = self.fed, list(self.unpaid), self._now
        return other

    def close(self) -> None:
        """End its connections."""
        self.matching.database.close()
        self.disbursement.database.close()

    def _settle(self) -> None:
        """Let everything that was told have its effects."""
        if self._settled or self._now is None:
            return
        self._settled = True
        fed = self.registry.next(self._pending)
        self._pending, self._touched = [], {}
        if fed:
            self.matching.apply("registry", fed)
            self.disbursement.apply("registry", fed)
        while True:
            own = self.matching.log.fresh(self._now)
            self.matching.apply("matching", own)
            self.disbursement.apply("matching", own)
            paid = self.disbursement.log.fresh(self._now)
            self.disbursement.apply("disbursement", paid)
            decided = self._decide()
            if not (own or paid or decided):
                return

    def _decide(self) -> bool:
        """As matching's worker does: until no work is left."""
        any_work = False
        while (found := self.deciding.decide_some()) is not Progress.NOTHING:
            any_work = True
            if found is Progress.LAST:
                break
        return any_work

    def _inject(self, logged: Logged) -> None:
        """What a person or a clock told a service, told again."""
        fact = unseal(logged.event, {})
        if isinstance(fact, AidDisbursed):
            self._pay(logged, fact)
            return
        if isinstance(fact, DECISIONS):
            self._settled = False
            stream = self.deciding.streams.entry(fact.entry_id)
            command = Command(PRINCIPAL, uuid4(), b"")
            told_as_it_was(self.matching.database, self.matching.store, stream, logged, command)
            return
        self._settled = False
        part = self.matching if logged.service == "matching" else self.disbursement
        event = logged.event
        with part.database.writing() as connection:
            before = part.store.load(connection, event.stream_id)
            proposed = Proposed(event.stream_id, len(before), fact, event.effective_on)
            event_id = _append(part, connection, proposed)
            if isinstance(fact, _RULINGS):
                ruled = rulings.evolve([*(each.fact for each in before), fact])
                ruled_rows.keep(driver(connection), fact.entry_id, ruled)
                ruled_rows.enqueue(driver(connection), fact.entry_id, event_id, None)
            elif isinstance(fact, MatchingModelActivated) and before:
                enqueue_every_row(driver(connection), event_id, None)

    def _pay(self, logged: Logged, fact: AidDisbursed) -> None:
        """The payment is made if something is granted that was not paid; of what is granted then, for a payment is
        always the whole of it."""
        part = self.disbursement
        stream = self.streams.entitlement(fact.student_id, fact.programme, fact.term)
        with part.database.writing() as connection:
            stored = part.store.load(connection, stream)
            state = evolve((each.fact, each.event.effective_on) for each in stored)
            try:
                ((paid, on),) = disburse(state, DisburseAid(fact.paid_on, fact.reference))
            except Refusal:
                self.unpaid.append(logged)
                return
            _append(part, connection, Proposed(stream, state.version, paid, on))


def _append(part: Part, connection: Connection, proposed: Proposed) -> UUID:
    """One fact of a person or a clock; the id of its event."""
    command = Command(PRINCIPAL, uuid4(), b"")
    return part.store.execute(connection, command, lambda: [proposed]).event_ids[0]


def rerun_on(scratch: Scratch, name: str, settings: Mapping[str, Settings], keys: ReadKeys) -> Rerun:
    """A rerun on fresh scratch databases called after ``name``; ``settings``: those of matching and disbursement, of
    which only division and keys are used."""
    wiring = Wiring(scratch, settings, keys)
    matching_database, disbursement_database = (scratch.make(f"{name}_{part}") for part in PARTS)
    _prepare(matching_database, matching_app.build(settings["matching"]).steps, ROSTER_VIEW)
    _prepare(disbursement_database, (), wiring.entitling.projection())
    return wiring.rerun(matching_database, disbursement_database)


@dataclass(frozen=True)
class Wiring:
    """What reruns are made of."""

    scratch: Scratch
    settings: Mapping[str, Settings]
    keys: ReadKeys

    @property
    def entitling(self) -> Entitling:
        """The policy of disbursement."""
        settings = self.settings["disbursement"]
        store = EventStore("disbursement", self.keys, settings.hmac_key)
        return Entitling(store, DisbursementStreams(settings.hmac_key), settings.division)

    def rerun(self, matching_database: Database, disbursement_database: Database) -> Rerun:
        """On databases that are prepared."""
        own, policy = self.settings["matching"], self.entitling
        store, streams = EventStore("matching", self.keys, own.hmac_key), MatchingStreams(own.hmac_key)
        matching = Part(
            matching_database,
            store,
            ScratchLog(matching_database, own.source),
            Runner(ROSTER_VIEW, matching_database, self.keys),
        )
        disbursement = Part(
            disbursement_database,
            policy.store,
            ScratchLog(disbursement_database, self.settings["disbursement"].source),
            Runner(policy.projection(), disbursement_database, self.keys),
        )
        return Rerun(
            registry=FedLog(f"//rollcall/{own.division}/registry"),
            matching=matching,
            disbursement=disbursement,
            deciding=Deciding(matching_database, store, streams, ActiveModel(store, streams)),
            streams=policy.streams,
            wiring=self,
        )


def _prepare(database: Database, steps: tuple[tuple[str, str], ...], projection: Projection) -> None:
    database.prepare(steps)
    prepare(database, [projection])

"""Who is due what, read from a log of disbursement: the real one, or the one a rerun made."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple
from uuid import UUID

from deploy.counterfactual.rerun import Rerun
from services.disbursement import events as disbursement
from services.disbursement.events import AidDisbursed, EntitlementGranted
from services.matching.events import LinkConfirmed, MemberCovered
from shared.database.database import Database, driver
from shared.eventsourcing.event import Event
from shared.eventsourcing.sealing import unseal
from shared.kernel.facts import Fact, fact_type

MONEY: tuple[type[Fact], ...] = (
    disbursement.EntitlementGranted,
    disbursement.EntitlementWithdrawn,
    disbursement.AidDisbursed,
)
PROOFS: tuple[type[Fact], ...] = (LinkConfirmed, MemberCovered)
Claim = tuple[UUID, str, str]  # student, programme, term


class Proof(NamedTuple):
    """What a decision of matching proves with: a row of an agency's list."""

    entry_id: UUID
    agency: str


class Due(NamedTuple):
    """One entitlement as it stands. ``due_fen`` 0: nothing is granted (any more). ``grant``: the last one made."""

    grant: EntitlementGranted
    due_fen: int
    paid_fen: int
    proofs: frozenset[Proof]


def dues(events: Iterable[tuple[UUID, Fact]], proofs: Mapping[UUID, Proof]) -> dict[Claim, Due]:
    """The entitlements that these facts, each with its stream and in order, come to; ``proofs`` by decision."""
    grants: dict[UUID, EntitlementGranted] = {}
    standing: dict[UUID, bool] = {}
    paid: dict[UUID, int] = {}
    for stream, fact in events:
        if isinstance(fact, EntitlementGranted):
            grants[stream], standing[stream] = fact, True
        elif isinstance(fact, AidDisbursed):
            paid[stream] = fact.amount_fen
        else:
            standing[stream] = False
    return {
        (grant.student_id, grant.programme, grant.term): Due(
            grant,
            grant.amount_fen if standing[stream] else 0,
            paid.get(stream, 0),
            frozenset(proofs[each] for each in grant.evidence if each in proofs),
        )
        for stream, grant in grants.items()
    }


def proofs_of(events: Iterable[tuple[UUID, Fact]]) -> dict[UUID, Proof]:
    """By the id of a decision, what it proves with."""
    return {
        event_id: Proof(fact.entry_id, fact.agency)
        for event_id, fact in events
        if isinstance(fact, LinkConfirmed | MemberCovered)
    }


def made(rerun: Rerun) -> dict[Claim, Due]:
    """The entitlements that a rerun made."""
    found = proofs_of((event.event_id, fact) for event, fact in _stored(rerun.matching.database, PROOFS))
    facts = _stored(rerun.disbursement.database, MONEY)
    return dues(((event.stream_id, fact) for event, fact in facts), found)


def _stored(database: Database, classes: Iterable[type[Fact]]) -> list[tuple[Event, Fact]]:
    types = [fact_type(cls).name for cls in classes]
    with database.working() as connection:
        rows = driver(connection).execute(
            "SELECT event_id, stream_id, version, type, effective_on, principal, command_id, cause_id,"
            " cause_recorded_at, data FROM public.events WHERE type = ANY(%s) ORDER BY position",
            (types,),
            binary=True,
        )
        events = [Event(*row) for row in rows]
    return [(event, unseal(event, {})) for event in events]

"""Changes of households that take two people: split, merger, exit from the register. One asks, with what is before and
after; another approves exactly that, and it is done in the same moment."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

import msgspec
import psycopg
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from psycopg.rows import class_row
from sqlalchemy import Connection

from services.registry.commands import (
    HouseholdIntent,
    LeaveRegister,
    MergeHousehold,
    RegisterHousehold,
    SplitHousehold,
)
from services.registry.errors import HouseholdPreviewOutdated, HouseholdProposalDecided, HouseholdProposalUnknown
from services.registry.handlers import Registry
from services.registry.household_events import (
    HouseholdChangeApproved,
    HouseholdChangeKind,
    HouseholdChangeProposed,
    HouseholdChangeRefused,
)
from services.registry.households.household_life import Household, apply_household
from services.registry.households.households import Changing, changes_stated
from services.registry.households.reach import Reach
from shared.database.database import driver
from shared.eventsourcing.sealing import NONCE_BYTES
from shared.eventsourcing.store import Command, Proposed, Result
from shared.keys.keyring import KeyRing
from shared.standards.separation import HOUSEHOLDS_APPROVE

STEPS: tuple[tuple[str, str], ...] = (
    (
        "registry-household-0001-proposals",
        """
-- sealed: what is asked for, under a key of the proposal's own.
CREATE TABLE household_proposals (
    proposal_id uuid PRIMARY KEY,
    number bigint GENERATED ALWAYS AS IDENTITY,
    state text NOT NULL CHECK (state IN ('waiting', 'done', 'refused')),
    kind text NOT NULL,
    household_id uuid NOT NULL,
    list text NOT NULL,
    sealed bytea NOT NULL,
    reason text NOT NULL,
    proposed_by text NOT NULL,
    proposed_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    decided_by text,
    decided_at timestamptz,
    decision text
);
GRANT SELECT, INSERT, UPDATE ON household_proposals TO rollcall_app;
""",
    ),
    # Where the household lived when it was asked for; unknown of older ones, which only the whole division is shown.
    ("registry-household-0002-place", "ALTER TABLE household_proposals ADD COLUMN division_code text;"),
)

KINDS: Mapping[type, HouseholdChangeKind] = {
    SplitHousehold: "split",
    MergeHousehold: "merge",
    LeaveRegister: "register_exit",
}
_INTENTS: Mapping[str, Any] = {kind: intent for intent, kind in KINDS.items()}
Raw = psycopg.Connection[Any]
_COLUMNS = (
    "proposal_id, state, kind, household_id, list, sealed, reason, proposed_by, proposed_at, decided_by, decided_at,"
    " decision, division_code"
)


@dataclass(frozen=True)
class Asked:
    """A proposal as it stands; ``sealed`` is what is asked for."""

    proposal_id: UUID
    state: str
    kind: str
    household_id: UUID
    list: str
    sealed: bytes
    reason: str
    proposed_by: str
    proposed_at: datetime
    decided_by: str | None
    decided_at: datetime | None
    decision: str | None
    division_code: str | None


@dataclass(frozen=True)
class Preview:
    """Household → how it stands before and after. ``hash`` is keyed, and differs whenever a household of it changed."""

    before: dict[UUID, Household]
    after: dict[UUID, Household]
    hash: str
    proposed: Sequence[Proposed]


def preview(changing: Changing, intent: HouseholdIntent | RegisterHousehold) -> Preview:
    """What the change would do now. Raises what household_life's rules raise."""
    proposed = changes_stated(changing, intent)
    before = dict(changing.read_states)
    after = dict(before)
    for each in proposed:
        after[each.stream_id] = apply_household(after[each.stream_id], each.fact, each.effective_on)
    versions = sorted((str(household), state.version) for household, state in before.items())
    said = msgspec.json.encode(intent).decode()
    return Preview(before, after, changing.registry.keys.digest([said, versions]), proposed)


def propose(registry: Registry, reach: Reach, intent: HouseholdIntent, reason: str, command: Command) -> UUID:
    """Ask for a change; the proposal's id, the same for the same command. Raises what household_life's rules raise, so
    that nobody is asked to approve what cannot be."""
    proposal_id = registry.keys.household_proposal(command.principal, command.command_id)

    def decide(connection: Connection) -> Sequence[Proposed]:
        shown = preview(Changing(registry, connection, reach), intent)
        registered = shown.before[intent.household_id].registered
        assert registered is not None, "an unknown household was refused"
        kind = KINDS[type(intent)]
        driver(connection).execute(
            "INSERT INTO household_proposals"
            " (proposal_id, state, kind, household_id, list, sealed, reason, proposed_by, division_code)"
            " VALUES (%s, 'waiting', %s, %s, %s, %s, %s, %s, %s)",
            (
                *(proposal_id, kind, intent.household_id, registered.list),
                *(_sealed(registry.keyring, proposal_id, intent), reason, command.principal, registered.division_code),
            ),
        )
        asked = HouseholdChangeProposed(
            kind=kind,
            household_id=intent.household_id,
            list=registered.list,
            reason=reason,
            proposed_by=command.principal,
        )
        return [Proposed(proposal_id, 0, asked, intent.on)]

    registry.store.run(registry.database, command, decide)
    return proposal_id


def approve(registry: Registry, reach: Reach, proposal_id: UUID, preview_hash: str, command: Command) -> Result:
    """Do it. Raises HouseholdProposalUnknown, HouseholdProposalDecided, SecondPersonNeeded, HouseholdPreviewOutdated
    when the households are no longer as they were shown, and what the rules raise."""

    def decide(connection: Connection) -> Sequence[Proposed]:
        raw = driver(connection)
        asked = waiting(raw, reach, proposal_id)
        HOUSEHOLDS_APPROVE.check(asked.proposed_by, command.principal)
        intent = opened(registry.keyring, asked)
        shown = preview(Changing(registry, connection, reach), intent)
        if shown.hash != preview_hash:
            raise HouseholdPreviewOutdated(proposal_id)
        approved = HouseholdChangeApproved(
            household_id=asked.household_id,
            preview_hash=preview_hash,
            proposed_by=asked.proposed_by,
            approved_by=command.principal,
        )
        _decided(raw, proposal_id, "done", command.principal, None)
        return [Proposed(proposal_id, 1, approved, intent.on), *shown.proposed]

    return registry.store.run(registry.database, command, decide)


def refuse(registry: Registry, reach: Reach, proposal_id: UUID, reason: str, command: Command, today: date) -> Result:
    """It will not be done. Raises HouseholdProposalUnknown, HouseholdProposalDecided."""

    def decide(connection: Connection) -> Sequence[Proposed]:
        raw = driver(connection)
        asked = waiting(raw, reach, proposal_id)
        _decided(raw, proposal_id, "refused", command.principal, reason)
        refused = HouseholdChangeRefused(household_id=asked.household_id, reason=reason, refused_by=command.principal)
        return [Proposed(proposal_id, 1, refused, today)]

    return registry.store.run(registry.database, command, decide)


def one(raw: Raw, reach: Reach, proposal_id: UUID, *, lock: bool = False) -> Asked:
    """A proposal. Raises HouseholdProposalUnknown, also for a household beyond ``reach``."""
    found = _read(raw, f"WHERE proposal_id = %s{' FOR UPDATE' if lock else ''}", (proposal_id,))
    if not found or not reach.covers(found[0].list, found[0].division_code):
        raise HouseholdProposalUnknown(proposal_id)
    return found[0]


def waiting(raw: Raw, reach: Reach, proposal_id: UUID) -> Asked:
    """A proposal nobody decided on, locked. Raises HouseholdProposalUnknown, HouseholdProposalDecided."""
    asked = one(raw, reach, proposal_id, lock=True)
    if asked.state != "waiting":
        raise HouseholdProposalDecided(proposal_id)
    return asked


def latest(raw: Raw, reach: Reach, limit: int) -> list[Asked]:
    """The newest first, those that wait before all others."""
    where = "WHERE list = ANY(%s) AND coalesce(division_code, '') ^@ %s"
    where += " ORDER BY state = 'waiting' DESC, number DESC LIMIT %s"
    return _read(raw, where, (sorted(reach.lists), reach.division, limit))


def opened(keyring: KeyRing, asked: Asked) -> HouseholdIntent:
    """What is asked for."""
    key = keyring.keys([asked.proposal_id])[asked.proposal_id]
    box = bytes(asked.sealed)
    text = AESGCM(key).decrypt(box[:NONCE_BYTES], box[NONCE_BYTES:], asked.proposal_id.bytes)
    intent: HouseholdIntent = msgspec.json.decode(text, type=_INTENTS[asked.kind])
    return intent


def _sealed(keyring: KeyRing, proposal_id: UUID, intent: HouseholdIntent) -> bytes:
    key = keyring.keys([proposal_id], create=True)[proposal_id]
    nonce = os.urandom(NONCE_BYTES)
    return nonce + AESGCM(key).encrypt(nonce, msgspec.json.encode(intent), proposal_id.bytes)


def _decided(raw: Raw, proposal_id: UUID, state: str, by: str, reason: str | None) -> None:
    raw.execute(
        "UPDATE household_proposals SET state = %s, decided_by = %s, decided_at = clock_timestamp(), decision = %s"
        " WHERE proposal_id = %s",
        (state, by, reason, proposal_id),
    )


def _read(raw: Raw, where: str, given: Iterable[object]) -> list[Asked]:
    with raw.cursor(row_factory=class_row(Asked)) as cursor:
        return cursor.execute(f"SELECT {_COLUMNS} FROM household_proposals {where}", tuple(given)).fetchall()

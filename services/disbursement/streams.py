"""The names of disbursement's streams, keyed so that the same thing always has the same one (invariant 4)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from sqlalchemy import Connection, text

from shared.kernel.identifiers import keyed_id

_LOCK_STREAMS = text("SELECT pg_advisory_xact_lock(k) FROM unnest(CAST(:keys AS bigint[])) AS k ORDER BY k")


@dataclass(frozen=True)
class Streams:
    """``key`` is the service's HMAC key."""

    key: bytes

    def entitlement(self, student_id: UUID, programme: str, term: str) -> UUID:
        """One stream per (student, programme, term): a second entitlement has nowhere to be."""
        return keyed_id(self.key, "entitlement", str(student_id), programme, term)

    def programme(self, name: str) -> UUID:
        return keyed_id(self.key, "programme", name)

    def letter(self, principal: str, command_id: UUID) -> UUID:
        """A letter is named by the command that drafted it."""
        return keyed_id(self.key, "letter", principal, str(command_id))

    def incoming(self, principal: str, command_id: UUID) -> UUID:
        """A letter of another county is named by the command that told it."""
        return keyed_id(self.key, "incoming letter", principal, str(command_id))

    def inquiry(self, child_id: UUID, term: str) -> UUID:
        """One stream per child and term: nobody is asked about twice."""
        return keyed_id(self.key, "inquiry", str(child_id), term)

    def register_place(self, child_id: UUID) -> UUID:
        """Where the child is registered, as people found out."""
        return keyed_id(self.key, "register place", str(child_id))

    def school_elsewhere(self, name: str) -> UUID:
        """Stands for a school as an office typed it, where its name may not: in addresses and cursors."""
        return keyed_id(self.key, "school elsewhere", name)

    def reader(self, principal: str, day: date) -> UUID:
        """Where it is kept what one person read in full on a day."""
        return keyed_id(self.key, "reader", principal, day.isoformat())

    def lock(self, connection: Connection, stream_ids: Iterable[UUID]) -> None:
        """Hold these streams until the transaction ends. A payment and the withdrawal of its entitlement both take it,
        so that neither has to be tried again and the policy never fails on a race with a person."""
        keys = sorted((stream_id.int & (1 << 63) - 1) for stream_id in stream_ids)
        if keys:
            connection.execute(_LOCK_STREAMS, {"keys": keys})

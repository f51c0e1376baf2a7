"""The names of audit's streams, keyed so that the same thing always has the same one (invariant 4)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from uuid import UUID

from shared.hosting.seeding import configuration_stream
from shared.kernel.identifiers import keyed_id

RETENTION = "retention-rule"


@dataclass(frozen=True)
class Streams:
    """``key`` is the service's HMAC key."""

    key: bytes

    def subject(self, student_id: UUID) -> UUID:
        """Erasure and legal hold of one student stand in one stream."""
        return keyed_id(self.key, "subject", str(student_id))

    def key_rotation(self) -> UUID:
        """One rotation after another."""
        return keyed_id(self.key, "key-rotation")

    def alarm(self, log: str, kind: str, log_index: int) -> UUID:
        """Who has taken note of one alarm."""
        return keyed_id(self.key, "alarm", log, kind, str(log_index))

    def reader(self, viewer: str, day: date) -> UUID:
        """What one person opened in full, or which answers they read, on one day: a stream for ever would be loaded
        whole at every read."""
        return keyed_id(self.key, "reader", viewer, day.isoformat())

    def retention(self) -> UUID:
        """The versions of the rule."""
        return configuration_stream(self.key, RETENTION)

    def erased(self, student_id: UUID) -> UUID:
        """The id of the command that records an erasure: killed and begun again, it is the same one."""
        return keyed_id(self.key, "erased", str(student_id))

    def counterfactual(self, principal: str, command_id: UUID) -> UUID:
        """The id of what was asked by this command."""
        return keyed_id(self.key, "counterfactual", principal, str(command_id))

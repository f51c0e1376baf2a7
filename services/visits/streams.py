"""The names of visits' streams, keyed so that the same thing always has the same one (invariant 4)."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from shared.kernel.identifiers import keyed_id


@dataclass(frozen=True)
class Streams:
    """``key`` is the service's HMAC key."""

    key: bytes

    def helper(self, student_id: UUID) -> UUID:
        """One stream per student: one helper at a time."""
        return keyed_id(self.key, "helper", str(student_id))

    def visit(self, principal: str, command_id: UUID) -> UUID:
        """A visit has no number of its own; the command that logged it names it, so sending twice makes one visit."""
        return keyed_id(self.key, "visit", principal, str(command_id))

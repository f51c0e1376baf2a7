"""The names of matching's streams and commands, keyed so that the same thing always has the same one (invariant 4)."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from shared.kernel.identifiers import keyed_id


@dataclass(frozen=True)
class Streams:
    """``key`` is the service's HMAC key."""

    key: bytes

    def entry(self, entry_id: UUID) -> UUID:
        """The stream of the decisions about a list row."""
        return keyed_id(self.key, "entry", str(entry_id))

    def command(self, work_id: int, cause_id: UUID, part: int) -> UUID:
        """The id of the command that settles one part of the work taken together."""
        return keyed_id(self.key, "decide", str(work_id), str(cause_id), str(part))

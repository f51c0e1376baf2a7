"""The names of matching's streams and commands, keyed so that the same thing always has the same one (invariant 4)."""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from datetime import date
from uuid import UUID

import msgspec

from shared.hosting.seeding import configuration_stream
from shared.kernel.identifiers import keyed_id

MODEL_STREAM = "matching-model"


@dataclass(frozen=True)
class Streams:
    """``key`` is the service's HMAC key."""

    key: bytes

    def entry(self, entry_id: UUID) -> UUID:
        """The stream of the decisions about a list row."""
        return keyed_id(self.key, "entry", str(entry_id))

    def rulings(self, entry_id: UUID) -> UUID:
        """The stream of what people rule about a list row."""
        return keyed_id(self.key, "rulings", str(entry_id))

    def covers(self, entry_id: UUID) -> UUID:
        """The stream of the members whom a list row that names only the head covers."""
        return keyed_id(self.key, "covers", str(entry_id))

    @property
    def model(self) -> UUID:
        """The stream of the models activated one after the other."""
        return configuration_stream(self.key, MODEL_STREAM)

    def reader(self, viewer: str, day: date) -> UUID:
        """Who read what unmasked on one day: a stream for ever would be loaded whole at every read."""
        return keyed_id(self.key, "reader", viewer, day.isoformat())

    def digest(self, *values: object) -> str:
        """A keyed digest (128 bits, hex) of plain data: equal for equal data, and no guess can be tried without the key
        (invariant 14)."""
        return hmac.digest(self.key, b"evidence\x00" + msgspec.json.encode(values), "sha256").hex()[:32]

    def proposal(self, principal: str, command_id: UUID) -> UUID:
        """The id of what was proposed by this command."""
        return keyed_id(self.key, "model-proposal", principal, str(command_id))

    def command(self, work_id: int, cause_id: UUID, part: int) -> UUID:
        """The id of the command that settles one part of the work taken together."""
        return keyed_id(self.key, "decide", str(work_id), str(cause_id), str(part))

    def covering_command(self, work_id: int, cause_id: UUID, part: int, chunk: int) -> UUID:
        """The id of the command that settles the covers of one chunk of such a part."""
        return keyed_id(self.key, "cover", str(work_id), str(cause_id), str(part), str(chunk))

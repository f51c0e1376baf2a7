"""What a snapshot says of itself, and what must agree for it to be used."""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Mapping
from datetime import datetime
from functools import cache
from importlib.metadata import distributions
from uuid import UUID

import msgspec

from services.audit.replays.bundle_format import source_hash
from shared.eventsourcing.projection import Projection
from shared.messaging.builds import shape


class LogPart(msgspec.Struct, frozen=True, kw_only=True):
    """The beginning of a log that a snapshot covers: events 1 to ``log_index``, over which the tree has this root."""

    log_index: int
    root: str


class Head(msgspec.Struct, frozen=True, kw_only=True):
    """``known_at``: the moment it shows, UTC. ``version``: of the folds (:func:`version_of`). ``erasures``: how often
    people had been erased before the first key was fetched. The id also names its key in the key ring."""

    id: UUID
    projection: str
    known_at: datetime
    logs: dict[str, LogPart]
    version: str
    erasures: int

    def encoded(self) -> bytes:
        """As it is kept; every sealed piece is bound to it."""
        return msgspec.json.encode(self, order="sorted")

    @property
    def events(self) -> int:
        """How many events it covers."""
        return sum(part.log_index for part in self.logs.values())

    @property
    def upto(self) -> dict[str, int]:
        """Service → the last event that counts."""
        return {service: part.log_index for service, part in self.logs.items()}

    def within(self, upto: Mapping[str, int]) -> bool:
        """Whether it shows nothing beyond these indexes."""
        return all(part.log_index <= upto.get(service, 0) for service, part in self.logs.items())


def head_of(raw: bytes) -> Head:
    """Raises msgspec.DecodeError."""
    return msgspec.json.decode(raw, type=Head)


@cache
def program_version() -> str:
    """SHA-256 (hex) over everything a fold can be made of: this program's sources, Python, and every library."""
    libraries = sorted(f"{each.name}=={each.version}" for each in distributions())
    told = "\n".join([source_hash(), platform.python_version(), *libraries])
    return hashlib.sha256(told.encode()).hexdigest()


def version_of(projection: Projection, program: str) -> str:
    """What the folds of a projection are: the program (:func:`program_version`), what is folded, and its tables."""
    told = "\n".join([program, projection.name, *sorted(projection.by_type), shape(projection)])
    return hashlib.sha256(told.encode()).hexdigest()

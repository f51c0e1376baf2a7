"""The one shape of an event (design.md §3, invariant 1): immutable attributes, opaque data, one Merkle leaf.

The same attributes stand in the store's row, in the leaf and in the CloudEvents headers of the published record.
"""

from __future__ import annotations

import hashlib
import struct
from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple
from uuid import UUID

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_ABSENT = b"\xff\xff\xff\xff"
_LENGTH = struct.Struct(">I")
DATA_CONTENT_TYPE = "application/json"


class Event(NamedTuple):
    """An event as appended. ``type`` is for example ``registry.StudentEnrolled.v1``; ``data`` is the sealed JSON of the
    fact; ``cause_id`` and ``cause_recorded_at`` name the event that brought a policy to its command, if any."""

    event_id: UUID
    stream_id: UUID
    version: int
    type: str
    effective_on: date
    principal: str
    command_id: UUID
    cause_id: UUID | None
    cause_recorded_at: datetime | None
    data: bytes


class Logged(NamedTuple):
    """An event with its place in its service's one order. ``source`` is ``//rollcall/<division>/<service>``;
    ``recorded_at`` is UTC with microseconds; ``leaf`` is :func:`leaf_hash`."""

    source: str
    log_index: int
    recorded_at: datetime
    leaf: bytes
    event: Event

    @property
    def service(self) -> str:
        return self.source.rpartition("/")[2]


def microseconds(moment: datetime) -> int:
    """Microseconds since 1970-01-01 UTC, exact (a float would round)."""
    return (moment - _EPOCH) // _MICROSECOND


def from_microseconds(count: int) -> datetime:
    """The UTC moment ``count`` microseconds after 1970-01-01."""
    return _EPOCH + timedelta(microseconds=count)


def attributes(source: str, log_index: int, recorded_at: datetime, event: Event) -> list[tuple[str, str | None]]:
    """The listed attributes in leaf order, as the text they carry in the headers; None where absent."""
    cause_at = event.cause_recorded_at
    return [
        ("specversion", "1.0"),
        ("source", source),
        ("id", str(event.event_id)),
        ("type", event.type),
        ("subject", str(event.stream_id)),
        ("streamversion", str(event.version)),
        ("effectiveon", event.effective_on.isoformat()),
        ("principal", event.principal),
        ("commandid", str(event.command_id)),
        ("causeid", None if event.cause_id is None else str(event.cause_id)),
        ("causerecordedat", None if cause_at is None else str(microseconds(cause_at))),
        ("datacontenttype", DATA_CONTENT_TYPE),
        ("logindex", str(log_index)),
        ("recordedat", str(microseconds(recorded_at))),
    ]


def leaf_hash(source: str, log_index: int, recorded_at: datetime, event: Event) -> bytes:
    """RFC 9162 leaf: SHA-256(0x00 ‖ each listed attribute with a 4-byte length, absent = ff ff ff ff ‖ data)."""
    parts = [b"\x00"]
    for _, value in attributes(source, log_index, recorded_at, event):
        if value is None:
            parts.append(_ABSENT)
        else:
            raw = value.encode()
            parts.append(_LENGTH.pack(len(raw)) + raw)
    parts.append(event.data)
    return hashlib.sha256(b"".join(parts)).digest()


def partition_of(stream_id: UUID, partitions: int) -> int:
    """The partition of a stream. Stream ids are keyed hashes, so their low bits spread evenly and never change."""
    return stream_id.int % (1 << 32) % partitions

"""What came in from a topic: readable records and unreadable ones, each with its place if that much can be told."""

from __future__ import annotations

from typing import Any, NamedTuple, Protocol
from uuid import UUID

from shared.eventsourcing.event import Logged
from shared.messaging.codec import Envelope, decode, encode

Headers = list[tuple[str, bytes]]


class Record(Protocol):
    """A Kafka record, as aiokafka and kafka-python both give it."""

    @property
    def offset(self) -> int: ...
    @property
    def key(self) -> bytes | None: ...
    @property
    def value(self) -> bytes | None: ...
    @property
    def headers(self) -> Any: ...


class Arrival(NamedTuple):
    """One event that arrived. ``offset`` is None when it did not come from a topic; ``error`` is set and ``logged``
    missing when it could not be read, then ``raw`` keeps key, value and headers as they came."""

    log_index: int
    prev_log_index: int
    stream_id: UUID | None
    type: str
    offset: int | None
    logged: Logged | None
    traceparent: str | None
    error: Exception | None = None
    raw: tuple[bytes | None, bytes | None, Headers] | None = None

    def wire(self) -> tuple[bytes | None, bytes | None, Headers]:
        """Key, value and headers, as published."""
        if self.raw is not None:
            return self.raw
        assert self.logged is not None
        return encode(self.logged, self.prev_log_index, self.traceparent)


class Foreign(NamedTuple):
    """A record that does not even tell its place in the log: nothing our relay wrote. It takes no part in the chain."""

    offset: int
    raw: tuple[bytes | None, bytes | None, Headers]
    error: Exception


def arrival(envelope: Envelope, offset: int | None = None) -> Arrival:
    """A readable envelope as an arrival."""
    logged = envelope.logged
    event = logged.event
    return Arrival(
        logged.log_index, envelope.prev_log_index, event.stream_id, event.type, offset, logged, envelope.traceparent
    )


def read(record: Record) -> Arrival | Foreign:
    """Read one record; never raises: what cannot be read says why."""
    try:
        return arrival(decode(record.value, record.headers), record.offset)
    except Exception as error:
        return _unreadable(record, [(name, bytes(value)) for name, value in record.headers], error)


def _unreadable(record: Record, headers: Headers, error: Exception) -> Arrival | Foreign:
    raw = (record.key, record.value, headers)
    named = dict(headers)
    try:
        log_index, previous = int(named["ce_logindex"]), int(named["prevlogindex"])
        kind = named["ce_type"].decode()
    except (KeyError, ValueError):
        return Foreign(record.offset, raw, error)
    try:
        stream_id = UUID(named["ce_subject"].decode())
    except (KeyError, ValueError):
        stream_id = None
    return Arrival(log_index, previous, stream_id, kind, record.offset, None, None, error, raw)

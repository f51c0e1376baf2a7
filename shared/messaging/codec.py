"""Events on the wire: CloudEvents 1.0 in Kafka's binary binding, the attributes as headers, the data as the value.

Each listed attribute rides as ``ce_<name>`` (the data's content type as ``content-type``, as the binding demands),
absent ones not at all. Outside the event, and outside its leaf, ride ``traceparent``, ``prevlogindex`` (the log index
of the previous record of the same partition, 0 for the first) and ``leaf`` (hexadecimal, a convenience: only
:func:`verify_leaf` makes it a proof).
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple
from uuid import UUID, SafeUUID

from shared.eventsourcing.event import DATA_CONTENT_TYPE, Event, Logged, attributes, leaf_hash

Headers = list[tuple[str, bytes]]

CONTENT_TYPE_HEADER = "content-type"
TRACEPARENT_HEADER = "traceparent"
PREVIOUS_HEADER = "prevlogindex"
LEAF_HEADER = "leaf"

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SPEC_VERSION = b"1.0"
_CONTENT_TYPE = DATA_CONTENT_TYPE.encode()


class NotAnEvent(ValueError):
    """A record that does not have the shape of our events; the message names the header, never a value."""


class Envelope(NamedTuple):
    """A record as read: the event with its place, the chain of its partition, and the trace it belongs to."""

    logged: Logged
    prev_log_index: int
    traceparent: str | None


def header_name(attribute: str) -> str:
    """The header that carries a listed attribute."""
    return CONTENT_TYPE_HEADER if attribute == "datacontenttype" else f"ce_{attribute}"


def encode(logged: Logged, prev_log_index: int, traceparent: str | None) -> tuple[bytes, bytes, Headers]:
    """The record's key (the stream id as text), value (the data, untouched) and headers."""
    event = logged.event
    headers: Headers = [
        (_HEADER_OF[name], value.encode())
        for name, value in attributes(logged.source, logged.log_index, logged.recorded_at, event)
        if value is not None
    ]
    headers.append((PREVIOUS_HEADER, b"%d" % prev_log_index))
    headers.append((LEAF_HEADER, logged.leaf.hex().encode()))
    if traceparent is not None:
        headers.append((TRACEPARENT_HEADER, traceparent.encode()))
    return str(event.stream_id).encode(), event.data, headers


def decode(value: bytes | None, headers: Iterable[tuple[str, bytes]]) -> Envelope:
    """The envelope of a record. Checks the shape only. Raises NotAnEvent."""
    given = dict(headers)
    try:
        if value is None or given["ce_specversion"] != _SPEC_VERSION or given["content-type"] != _CONTENT_TYPE:
            raise NotAnEvent("the record is no CloudEvent with JSON data")
        cause_id, cause_at = given.get("ce_causeid"), given.get("ce_causerecordedat")
        event = Event(
            _uuid(given["ce_id"]),
            _uuid(given["ce_subject"]),
            int(given["ce_streamversion"]),
            given["ce_type"].decode(),
            date.fromisoformat(given["ce_effectiveon"].decode()),
            given["ce_principal"].decode(),
            _uuid(given["ce_commandid"]),
            None if cause_id is None else _uuid(cause_id),
            None if cause_at is None else _EPOCH + timedelta(microseconds=int(cause_at)),
            value,
        )
        logged = Logged(
            given["ce_source"].decode(),
            int(given["ce_logindex"]),
            _EPOCH + timedelta(microseconds=int(given["ce_recordedat"])),
            bytes.fromhex(given["leaf"].decode()),
            event,
        )
        trace = given.get("traceparent")
        return Envelope(logged, int(given["prevlogindex"]), None if trace is None else trace.decode())
    except KeyError as missing:
        raise NotAnEvent(f"the record lacks the header {missing.args[0]}") from None
    except NotAnEvent:
        raise
    except (ValueError, OverflowError, AttributeError, TypeError) as broken:
        raise NotAnEvent(f"a header of the record cannot be read ({type(broken).__name__})") from None


def verify_leaf(logged: Logged) -> bool:
    """Whether the leaf that came with the event is the hash of exactly this event in this place."""
    return leaf_hash(logged.source, logged.log_index, logged.recorded_at, logged.event) == logged.leaf


_HEADER_OF = {
    name: header_name(name)
    for name, _ in attributes(
        "", 1, _EPOCH, Event(UUID(int=0), UUID(int=0), 1, "", date.min, "", UUID(int=0), None, None, b"")
    )
}

_new_object, _set_field, _unknown = object.__new__, object.__setattr__, SafeUUID.unknown


def _uuid(raw: bytes) -> UUID:
    """UUID(text) without its courtesies (braces, urn:), which cost more than all the rest of decoding."""
    if len(raw) != 36:
        raise NotAnEvent("an id of the record is no UUID")
    made: UUID = _new_object(UUID)
    _set_field(made, "int", int(raw.replace(b"-", b""), 16))
    _set_field(made, "is_safe", _unknown)
    return made

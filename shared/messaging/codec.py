"""Events on the wire: CloudEvents 1.0 in Kafka's binary binding, the attributes as headers, the data as the value.

Each listed attribute rides as ``ce_<name>`` (the data's content type as ``content-type``, as the binding demands),
absent ones not at all. Outside the event, and outside its leaf, ride ``traceparent``, ``prevlogindex`` (the log index
of the previous record of the same partition, 0 for the first) and ``leaf`` (hexadecimal, a convenience: only
:func:`verify_leaf` makes it a proof).
"""

from __future__ import annotations

from binascii import unhexlify
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from operator import itemgetter
from typing import NamedTuple
from uuid import UUID

import msgspec

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
        (HEADER_OF[name], value.encode())
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
        event_id, stream_id, version, effective_on, command_id, log_index, recorded_at, previous = _plain(
            b'["%b"]' % b'","'.join(_plain_headers(given))
        )
        cause_id, cause_at = given.get("ce_causeid"), given.get("ce_causerecordedat")
        event = Event(
            event_id,
            stream_id,
            version,
            given["ce_type"].decode(),
            effective_on,
            given["ce_principal"].decode(),
            command_id,
            None if cause_id is None else _id(b'"%b"' % cause_id),
            None if cause_at is None else _EPOCH + timedelta(microseconds=int(cause_at)),
            value,
        )
        logged = Logged(
            given["ce_source"].decode(),
            log_index,
            _EPOCH + timedelta(microseconds=recorded_at),
            unhexlify(given["leaf"]),
            event,
        )
        trace = given.get("traceparent")
        return Envelope(logged, previous, None if trace is None else trace.decode())
    except KeyError as missing:
        raise NotAnEvent(f"the record lacks the header {missing.args[0]}") from None
    except NotAnEvent:
        raise
    except (ValueError, OverflowError, AttributeError, TypeError) as broken:
        raise NotAnEvent(f"a header of the record cannot be read ({type(broken).__name__})") from None


def verify_leaf(logged: Logged) -> bool:
    """Whether the leaf that came with the event is the hash of exactly this event in this place."""
    return leaf_hash(logged.source, logged.log_index, logged.recorded_at, logged.event) == logged.leaf


HEADER_OF = {
    name: header_name(name)
    for name, _ in attributes(
        "", 1, _EPOCH, Event(UUID(int=0), UUID(int=0), 1, "", date.min, "", UUID(int=0), None, None, b"")
    )
}

# Ids, numbers and dates of a record, read in one go as a JSON array of texts: by far the cheapest way, and a header
# that is none of its kind, or several in one, is refused by the types and the number of the elements.
_plain_headers = itemgetter(
    *("ce_id", "ce_subject", "ce_streamversion", "ce_effectiveon", "ce_commandid"),
    *("ce_logindex", "ce_recordedat", "prevlogindex"),
)
_plain = msgspec.json.Decoder(tuple[UUID, UUID, int, date, UUID, int, int, int], strict=False).decode
_id = msgspec.json.Decoder(UUID).decode

"""An event as a line that anybody can verify without us: one JSON object.

It holds the listed attributes under their names, ``data`` in base64 (personal blocks stay sealed in it) and the
``leaf`` in hex.
"""

from __future__ import annotations

import base64
import binascii
from datetime import date
from typing import Any
from uuid import UUID

import msgspec

from shared.eventsourcing.event import DATA_CONTENT_TYPE, Event, Logged, attributes, from_microseconds

LINE_BYTES = 1_048_576


class NotAnEventLine(ValueError):
    """A line is no event of an exported log."""


def to_line(logged: Logged) -> bytes:
    """One line, with its newline."""
    named = dict(attributes(logged.source, logged.log_index, logged.recorded_at, logged.event))
    named["data"] = base64.b64encode(logged.event.data).decode()
    named["leaf"] = logged.leaf.hex()
    return msgspec.json.encode(named) + b"\n"


def read_line(line: bytes) -> Logged:
    """The event of a line; its leaf is what the line says, not yet verified. Raises NotAnEventLine."""
    if len(line) > LINE_BYTES:
        raise NotAnEventLine(f"longer than {LINE_BYTES} bytes")
    try:
        return _logged(msgspec.json.decode(line))
    except (msgspec.MsgspecError, KeyError, TypeError, ValueError, binascii.Error, OverflowError) as broken:
        raise NotAnEventLine(f"no event of an exported log ({type(broken).__name__})") from broken


def _logged(named: dict[str, Any]) -> Logged:
    if named["specversion"] != "1.0" or named["datacontenttype"] != DATA_CONTENT_TYPE:
        raise ValueError("not a CloudEvent with JSON data")
    cause_id, cause_at = named["causeid"], named["causerecordedat"]
    event = Event(
        UUID(named["id"]),
        UUID(named["subject"]),
        int(named["streamversion"]),
        named["type"],
        date.fromisoformat(named["effectiveon"]),
        named["principal"],
        UUID(named["commandid"]),
        None if cause_id is None else UUID(cause_id),
        None if cause_at is None else from_microseconds(int(cause_at)),
        base64.b64decode(named["data"], validate=True),
    )
    recorded_at = from_microseconds(int(named["recordedat"]))
    return Logged(named["source"], int(named["logindex"]), recorded_at, bytes.fromhex(named["leaf"]), event)

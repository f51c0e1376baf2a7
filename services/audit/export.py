"""A log as a file that anybody can verify without us: one JSON object per line, in log order.

Each line holds the listed attributes under their names, ``data`` in base64 (personal blocks stay sealed in it) and the
``leaf`` in hex.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Iterator
from datetime import date
from typing import Any
from uuid import UUID

import msgspec

from shared.eventsourcing.event import DATA_CONTENT_TYPE, Event, Logged, attributes, from_microseconds

LINE_BYTES = 1_048_576


class NotAnExport(ValueError):
    """A line is no event of an exported log; the message names the line."""


def to_line(logged: Logged) -> bytes:
    """One line, with its newline."""
    named = dict(attributes(logged.source, logged.log_index, logged.recorded_at, logged.event))
    named["data"] = base64.b64encode(logged.event.data).decode()
    named["leaf"] = logged.leaf.hex()
    return msgspec.json.encode(named) + b"\n"


def read_lines(lines: Iterable[bytes]) -> Iterator[Logged]:
    """The events of an export. Raises NotAnExport."""
    for number, line in enumerate(lines, 1):
        if len(line) > LINE_BYTES:
            raise NotAnExport(f"line {number} is longer than {LINE_BYTES} bytes")
        try:
            yield _logged(msgspec.json.decode(line))
        except (msgspec.MsgspecError, KeyError, TypeError, ValueError, binascii.Error, OverflowError) as broken:
            raise NotAnExport(f"line {number} is no event of an exported log ({type(broken).__name__})") from broken


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

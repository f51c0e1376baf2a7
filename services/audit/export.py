"""A log as a file: one line per event (shared/transparency/exported.py), in log order from index 1."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from shared.eventsourcing.event import Logged
from shared.transparency.exported import NotAnEventLine, read_line, to_line

__all__ = ["NotAnExport", "read_lines", "to_line"]


class NotAnExport(ValueError):
    """A line is no event of an exported log; the message names the line."""


def read_lines(lines: Iterable[bytes]) -> Iterator[Logged]:
    """The events of an export. Raises NotAnExport."""
    for number, line in enumerate(lines, 1):
        try:
            yield read_line(line)
        except NotAnEventLine as broken:
            raise NotAnExport(f"line {number} is {broken}") from broken

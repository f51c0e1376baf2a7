"""What people see of the archive: heads of the logs. They hold nothing personal."""

from __future__ import annotations

import threading
from datetime import UTC, datetime

import psycopg
from pydantic import BaseModel
from sqlalchemy import Connection

from services.audit import archived
from shared.database.database import driver
from shared.transparency.tree import Tree


class LogRow(BaseModel):
    """How far one log is archived. ``root`` is the RFC 9162 tree head over 1…``archived``, in hex; ``closed_until`` is
    null while the archive is behind what the log's relay told."""

    service: str
    log_index: int
    archived: int
    closed_until: datetime | None
    root: str


class Roots:
    """Tree heads, grown by what was archived since they were asked for last. Thread-safe."""

    def __init__(self) -> None:
        self._trees: dict[str, Tree] = {}
        self._lock = threading.Lock()

    def root(self, raw: psycopg.Connection[tuple[object, ...]], service: str, size: int) -> bytes:
        """The head over leaves 1…``size``, which are all archived; sizes only grow."""
        with self._lock:
            tree = self._trees.get(service)
            if tree is None or tree.size > size:
                tree = self._trees[service] = Tree()
            rows = raw.execute(
                "SELECT leaf FROM archive WHERE service = %s AND log_index > %s AND log_index <= %s ORDER BY log_index",
                (service, tree.size, size),
            )
            for (leaf,) in rows:
                assert isinstance(leaf, bytes)
                tree.add(leaf)
            return tree.root()


def logs(connection: Connection, services: tuple[str, ...], roots: Roots) -> list[LogRow]:
    """One row per log, in the order of ``services``."""
    raw = driver(connection)
    return [
        LogRow(
            service=head.service,
            log_index=head.log_index,
            archived=head.archived,
            closed_until=None if head.closed_until is None else head.closed_until.astimezone(UTC),
            root=roots.root(raw, head.service, head.archived).hex(),
        )
        for head in archived.heads(raw, services)
    ]

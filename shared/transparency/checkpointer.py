"""Follows a service's log and signs what it has become: a checkpoint at most every second, when the log grew.

It never signs a tree that does not begin with the last one it signed: when the log or its nodes no longer lead to the
stored root (somebody changed rows, or the database is an older copy), it stops signing and says so until that is
mended. One signs at a time (a lock in the database); any number may run.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any, NamedTuple

import psycopg
import sqlalchemy.exc
import structlog

from shared.database.database import Database, driver
from shared.eventsourcing import log as event_log
from shared.transparency.checkpoints import Checkpoint, issue
from shared.transparency.nodes import HashMissing, NodeStore, hashes_of
from shared.transparency.notes import Signer

CHECKPOINT_SECONDS = 1.0
_LOCK = 0x436865636B706F
TABLE = "log_nodes"

log = structlog.get_logger(__name__)


class Signed(NamedTuple):
    """A stored checkpoint."""

    size: int
    root: bytes
    note: str


class LogAltered(Exception):
    """The log no longer begins with what was signed of it."""


def latest(raw: psycopg.Connection[Any], size: int | None = None) -> Signed | None:
    """The last checkpoint, or the one over exactly ``size`` events; None when there is none."""
    where = "" if size is None else "WHERE size = %s"
    row = raw.execute(
        f"SELECT size, root, note FROM log_checkpoints {where} ORDER BY size DESC LIMIT 1".encode(),
        None if size is None else (size,),
        binary=True,
    ).fetchone()
    return None if row is None else Signed(*row)


def own_nodes(raw: psycopg.Connection[Any], service: str) -> NodeStore:
    """The nodes of the service's own log, whose leaves are those of the log table."""

    def leaves(first: int, count: int) -> list[bytes]:
        row = raw.execute(
            "SELECT string_agg(leaf, ''::bytea ORDER BY log_index) FROM log WHERE log_index > %s AND log_index <= %s",
            (first, first + count),
            binary=True,
        ).fetchone()
        return hashes_of(row)

    return NodeStore(raw, TABLE, service, leaves)


class Checkpointer:
    """Signs the log of ``database`` under ``origin`` with every one of ``signers`` (the present key first)."""

    def __init__(self, database: Database, origin: str, signers: Sequence[Signer]) -> None:
        self._database, self._origin, self._signers = database, origin, tuple(signers)
        self.problem: str | None = None

    def run(self, stop: threading.Event) -> None:
        """Sign until ``stop``; outlives its database."""
        while not stop.is_set():
            grown = True
            try:
                grown = self.tick()
                self.problem = None
            except LogAltered as altered:
                if self.problem is None:
                    log.critical("the log is not signed any more", origin=self._origin, reason=str(altered))
                self.problem = str(altered)
            except (psycopg.Error, sqlalchemy.exc.SQLAlchemyError) as lost:
                log.warning("the checkpointer tries again", origin=self._origin, error=type(lost).__name__)
            if grown:
                stop.wait(CHECKPOINT_SECONDS)

    def tick(self) -> bool:
        """Keep new nodes and sign what is there; whether all of the log is signed now. Raises LogAltered."""
        with self._database.working() as connection:
            raw = driver(connection)
            row = raw.execute("SELECT pg_try_advisory_xact_lock(%s)", (_LOCK,)).fetchone()
            if row is None or not row[0]:
                return True  # another one signs
            size, last = event_log.head(raw).log_index, latest(raw)
            if last is not None and size < last.size:
                raise LogAltered(f"the log ends at {size}, but was signed up to {last.size}")
            if size == (0 if last is None else last.size):
                return True
            try:
                store = own_nodes(raw, self._database.service)
                if not store.grow(size):
                    return False
                nodes = store.at(size)
                if last is not None and nodes.root(last.size) != last.root:
                    raise LogAltered(f"the first {last.size} events do not have the root that was signed")
                self._sign(raw, Checkpoint(self._origin, size, nodes.root()))
            except HashMissing as missing:
                raise LogAltered(f"a part of the log is gone: {missing}") from missing
            return True

    def _sign(self, raw: psycopg.Connection[Any], checkpoint: Checkpoint) -> None:
        for signer in self._signers:
            raw.execute(
                "INSERT INTO log_keys (vkey, since_size) VALUES (%s, %s) ON CONFLICT DO NOTHING",
                (signer.verifier.vkey(), checkpoint.size),
            )
        raw.execute(
            "INSERT INTO log_checkpoints (size, root, note) VALUES (%s, %s, %s)",
            (checkpoint.size, checkpoint.root, issue(checkpoint, self._signers)),
        )

"""The row of a job that goes on in chunks (chunked_work.py): whose turn it is, and how far it came.

Such a table has ``number`` (their order), ``state``, ``chunk``, ``done_until`` (the last student looked at), and
``tally`` and ``undo_tally``, what became of the students on the way there and back, JSON.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields
from typing import Any, Generic, Protocol, TypeVar
from uuid import UUID

import psycopg
from psycopg.rows import class_row

Raw = psycopg.Connection[Any]


class ChunkedJob(Protocol):
    """A row as it is read: a dataclass whose fields are the table's columns."""

    @property
    def state(self) -> str: ...
    @property
    def chunk(self) -> int: ...


J = TypeVar("J", bound=ChunkedJob)


@dataclass(frozen=True)
class JobRows(Generic[J]):
    """The rows of ``table``, by ``key``. ``open``: states in which there is something to do; in ``undoing`` of them the
    work goes back."""

    table: str
    key: str
    job: type[J]
    open: tuple[str, ...]
    undoing: str = "undoing"

    def oldest(self, raw: Raw) -> J | None:
        """The job whose turn it is."""
        states = ", ".join(f"'{state}'" for state in self.open)  # as the partial index has them
        return next(iter(self._read(raw, f"WHERE state IN ({states}) ORDER BY number LIMIT 1", ())), None)

    def one(self, raw: Raw, job_id: UUID, *, lock: bool = False) -> J | None:
        """One job; ``lock`` keeps others from going on with it until the end of the transaction."""
        found = self._read(raw, f"WHERE {self.key} = %s{' FOR UPDATE' if lock else ''}", (job_id,))
        return next(iter(found), None)

    def latest(self, raw: Raw, limit: int) -> list[J]:
        """The newest first."""
        return self._read(raw, "ORDER BY number DESC LIMIT %s", (limit,))

    def keep_chunk(self, raw: Raw, job: J, tally: bytes, done_until: UUID) -> None:
        """A chunk is done, up to this student."""
        column = "undo_tally" if job.state == self.undoing else "tally"
        raw.execute(
            f"UPDATE {self.table} SET {column} = %s, chunk = chunk + 1, done_until = %s WHERE {self.key} = %s",
            (tally, done_until, getattr(job, self.key)),
        )

    def renumber(self, raw: Raw, job: J) -> None:
        """The chunk that comes next gets another number, and so another command id."""
        raw.execute(
            f"UPDATE {self.table} SET chunk = chunk + 1 WHERE {self.key} = %s AND state = %s AND chunk = %s",
            (getattr(job, self.key), job.state, job.chunk),
        )

    def _read(self, raw: Raw, which: str, given: Iterable[object]) -> list[J]:
        columns = ", ".join(each.name for each in fields(self.job))  # type: ignore[arg-type]  # a Protocol is none
        with raw.cursor(row_factory=class_row(self.job)) as cursor:
            return cursor.execute(f"SELECT {columns} FROM {self.table} {which}", tuple(given)).fetchall()

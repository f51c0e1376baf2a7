"""Replay: a view as it was known at a moment, folded anew from the archive and queried as it is queried live.

Known at T means: all events recorded at or before T in every log the view reads. The fold happens in a scratch schema
inside one transaction that is rolled back, so nobody else ever sees it and nothing is left, whatever happens.
"""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import Connection

from services.audit.errors import NotByStudent, ReplayBusy, UnknownView
from services.audit.replays.folding import folded
from services.audit.replays.moments import cut, day_asked
from services.audit.replays.narrowing import narrowed
from services.audit.snapshots.beginning import Beginning
from services.audit.snapshots.shelf import Shelf
from shared.database.database import Database, driver
from shared.database.scopes import Scope
from shared.eventsourcing.view import Query, View, Views
from shared.keys.keyring import KeyRing

REPLAYS_AT_ONCE = 2
WAIT_SECONDS = 20.0

Rows = list[dict[str, Any]]


class Question(NamedTuple):
    """``true_on`` None: the day of the moment. ``known_at`` UTC, or ``log_index`` of the view's own log, or neither:
    the latest moment that is complete. ``student_id``: only what the view says about this student. ``scope``: only the
    rows of this part of the division. ``from_first``: every event is read, whatever snapshots there are."""

    view: str
    true_on: date | None = None
    known_at: datetime | None = None
    log_index: int | None = None
    student_id: UUID | None = None
    scope: Scope | None = None
    from_first: bool = False


class Answer(NamedTuple):
    """``log_index``: service → last event that counts. ``hash``: SHA-256 of the rows' canonical JSON. ``left_out``:
    events a live projection would hold as dead letters. ``inputs``: how old each input was, where the view tells.
    ``began``: where the fold began, which changes nothing of the rest."""

    view: str
    true_on: date
    known_at: datetime
    log_index: dict[str, int]
    rows: Rows
    hash: str
    left_out: list[tuple[str, int]]
    inputs: Rows
    began: Beginning = Beginning()


def canonical(rows: Rows) -> bytes:
    """The rows' one JSON text, UTF-8: sorted keys, no blanks."""
    return json.dumps(rows, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False).encode()


def in_order(rows: Rows, key: Sequence[str]) -> Rows:
    """The rows by their keys as text: an order that no database's collation can change."""
    return sorted(rows, key=lambda row: tuple("" if row[name] is None else str(row[name]) for name in key))


@dataclass(frozen=True)
class Replays:
    """Replays of ``views`` from the archive in ``database``; two at a time, because each folds a whole county.
    ``shelf``: the snapshots they may begin at."""

    database: Database
    keyring: KeyRing
    views: Views
    running: threading.BoundedSemaphore
    shelf: Shelf | None = None

    def view(self, name: str) -> View:
        """Raises UnknownView."""
        found = self.views.get(name)
        if found is None:
            raise UnknownView("没有这种查看内容", "there is no such view", views=sorted(self.views))
        return found

    def ask(self, question: Question) -> Answer:
        """Raises UnknownView, NotByStudent, BeforeFirstEvent, NotYetClosed, NoSuchIndex, TrueOnAfterKnownAt,
        WholeDivisionOnly, ArchiveDoubtful and ReplayBusy."""
        view = self.view(question.view)
        asked_for(view, question.student_id)
        with self.scratch() as connection:
            return self.replayed(connection, question)

    @contextmanager
    def scratch(self) -> Iterator[Connection]:
        """A transaction of the owner that sees one state of the archive and leaves nothing. Raises ReplayBusy."""
        if not self.running.acquire(timeout=WAIT_SECONDS):
            raise ReplayBusy("正在进行的回放过多,请稍后再试", "too many replays are running; try again later")
        try:
            with self.database.owner() as connection:
                try:
                    driver(connection).execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
                    yield connection
                finally:
                    connection.rollback()
        finally:
            self.running.release()

    def replayed(self, connection: Connection, question: Question) -> Answer:
        """The answer, folded within the caller's scratch transaction."""
        view = self.view(question.view)
        query = asked_for(view, question.student_id)
        index = None if question.log_index is None else (view.service, question.log_index)
        known_at, upto = cut(driver(connection), view.projection.logs, question.known_at, index)
        true_on = day_asked(question.true_on, known_at)
        shelf = None if question.from_first else self.shelf
        scratch = folded(connection, [view.projection], upto, self.keyring, shelf=shelf)
        with narrowed(scratch, question.scope):
            rows = in_order(scratch.asked(view.projection.name, query, true_on), view.key)
            inputs = [] if view.inputs is None else scratch.asked(view.projection.name, view.inputs, true_on)
        digest = hashlib.sha256(canonical(rows)).hexdigest()
        began = scratch.began[view.projection.name]
        return Answer(view.name, true_on, known_at, upto, rows, digest, list(scratch.left_out), inputs, began)


def asked_for(view: View, student_id: UUID | None) -> Query:
    """The view's own query, or the one about a student. Raises NotByStudent."""
    if student_id is None:
        return view.query
    of_person = view.by_person
    if of_person is None:
        raise NotByStudent("这项内容不能按学生查看", "the view cannot be asked for one student", view=view.name)
    return lambda connection, true_on: of_person(connection, true_on, student_id)

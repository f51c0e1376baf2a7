"""Replay: a view as it was known at a moment, folded anew from the archive and queried as it is queried live.

Known at T means: all events recorded at or before T in every log the view reads. The fold happens in a scratch schema
inside one transaction that is rolled back, so nobody else ever sees it and nothing is left, whatever happens.
"""

from __future__ import annotations

import hashlib
import json
import threading
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, NamedTuple
from uuid import UUID

import psycopg

from services.audit import archived
from services.audit.archived import Head
from services.audit.domain import leaf_alarm
from services.audit.errors import (
    ArchiveDoubtful,
    BeforeFirstEvent,
    NoSuchIndex,
    NotByStudent,
    NotYetClosed,
    ReplayBusy,
    UnknownView,
)
from services.audit.views import Query, View, Views
from shared.database.database import Database, driver
from shared.eventsourcing.event import Logged
from shared.keys.keyring import KeyRing
from shared.messaging.replay import replay

REPLAYS_AT_ONCE = 2
WAIT_SECONDS = 20.0


class Question(NamedTuple):
    """``known_at`` UTC, or ``log_index`` of the view's own log, or neither: the latest moment that is complete.
    ``student_id``: only what the view says about this student."""

    view: str
    true_on: date
    known_at: datetime | None = None
    log_index: int | None = None
    student_id: UUID | None = None


class Answer(NamedTuple):
    """``log_index``: service → last event that counts. ``hash``: SHA-256 of the rows' canonical JSON. ``left_out``:
    events a live projection would hold as dead letters. ``inputs``: how old each input was, where the view tells."""

    view: str
    true_on: date
    known_at: datetime
    log_index: dict[str, int]
    rows: list[dict[str, Any]]
    hash: str
    left_out: list[tuple[str, int]]
    inputs: list[dict[str, Any]]


def canonical(rows: list[dict[str, Any]]) -> bytes:
    """The rows' one JSON text, UTF-8: sorted keys, no blanks."""
    return json.dumps(rows, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False).encode()


@dataclass(frozen=True)
class Replays:
    """Replays of ``views`` from the archive in ``database``; two at a time, because each folds a whole county."""

    database: Database
    keyring: KeyRing
    views: Views
    running: threading.BoundedSemaphore

    def ask(self, question: Question) -> Answer:
        """Raises UnknownView, NotByStudent, BeforeFirstEvent, NotYetClosed, NoSuchIndex, ArchiveDoubtful and
        ReplayBusy."""
        view = self.views.get(question.view)
        if view is None:
            raise UnknownView("没有这种查看内容", "there is no such view", views=sorted(self.views))
        query = asked_for(view, question.student_id)
        if not self.running.acquire(timeout=WAIT_SECONDS):
            raise ReplayBusy("正在进行的回放过多,请稍后再试", "too many replays are running; try again later")
        try:
            with self.database.owner() as connection:
                try:
                    return self._replay(connection, view, question, query)
                finally:
                    connection.rollback()
        finally:
            self.running.release()

    def _replay(self, connection: Any, view: View, question: Question, query: Query) -> Answer:
        raw = driver(connection)
        raw.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        known_at = moment(raw, view, question)
        upto = {service: archived.index_known_at(raw, service, known_at) for service in view.projection.logs}
        if not any(upto.values()):
            raise BeforeFirstEvent(
                "该时刻之前没有任何记录", "nothing was recorded by then", known_at=known_at.isoformat()
            )
        doubts = archived.alarms_within(raw, upto)
        if doubts:
            raise _doubtful(doubts[0].service, doubts[0].log_index, doubts[0].kind)
        schema = f"replay_{uuid.uuid4().hex}"
        replayed = replay(view.projection, connection, schema, verified(archived.events(raw, upto)), self.keyring)
        rows = [row.model_dump(mode="json") for row in query(connection, question.true_on)]
        told = view.inputs(connection, question.true_on) if view.inputs is not None else ()
        inputs = [each.model_dump(mode="json") for each in told]
        digest = hashlib.sha256(canonical(rows)).hexdigest()
        return Answer(view.name, question.true_on, known_at, upto, rows, digest, list(replayed.left_out), inputs)


def asked_for(view: View, student_id: UUID | None) -> Query:
    """The view's own query, or the one about a student. Raises NotByStudent."""
    if student_id is None:
        return view.query
    about = view.about
    if about is None:
        raise NotByStudent("这项内容不能按学生查看", "the view cannot be asked for one student", view=view.name)
    return lambda connection, true_on: about(connection, true_on, student_id)


def moment(raw: psycopg.Connection[Any], view: View, question: Question) -> datetime:
    """The moment asked for, checked against what is complete. Raises NotYetClosed, NoSuchIndex."""
    complete = complete_until(archived.heads(raw, view.projection.logs))
    if question.log_index is not None:
        found = archived.moment_of(raw, view.service, question.log_index)
        if found is None:
            raise NoSuchIndex("没有这个记录序号", "the log has no such index", service=view.service)
        asked = found.astimezone(UTC)
    else:
        asked = question.known_at or complete or datetime.max.replace(tzinfo=UTC)
    if complete is None or asked > complete:
        told = None if complete is None else complete.isoformat()
        raise NotYetClosed(
            "该时刻的数据尚未收齐,请选择更早的时刻",
            "what was known then is not complete yet; ask for an earlier moment",
            complete_until=told,
        )
    return asked


def complete_until(heads: list[Head]) -> datetime | None:
    """The moment up to which all these logs are archived; None while one of them is behind its own word."""
    closed = [head.closed_until for head in heads]
    known = [each for each in closed if each is not None]
    return min(known).astimezone(UTC) if len(known) == len(closed) else None


def verified(events: Iterator[Logged]) -> Iterator[Logged]:
    """The events, each checked once more on its way out: index after index, leaf by leaf. Raises ArchiveDoubtful."""
    last: dict[str, int] = {}
    for logged in events:
        index = last[logged.service] = last.get(logged.service, 0) + 1
        if logged.log_index != index:
            raise _doubtful(logged.service, index, "missing")
        alarm = leaf_alarm(logged, logged.source)
        if alarm is not None:
            raise _doubtful(alarm.service, alarm.log_index, alarm.kind)
        yield logged


def _doubtful(service: str, log_index: int, kind: str) -> ArchiveDoubtful:
    return ArchiveDoubtful(
        "存档中有未通过校验的记录,不能据此回放",
        "the archive holds an event that does not verify; nothing is replayed on it",
        service=service,
        log_index=log_index,
        kind=kind,
    )

"""Asks counterfactuals, one at a time, and keeps their answers.

Whoever works on one holds an advisory lock in its name as long as the process lives; so one that nobody works on any
more, because a process was killed, is found out by whoever looks.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple
from uuid import UUID, uuid4

import msgspec
import psycopg
import structlog
from sqlalchemy import Connection

from services.audit.counterfactuals import counterfactual_queries as queries
from services.audit.counterfactuals.answer import CounterfactualAnswer
from services.audit.counterfactuals.changes import AnyChange
from services.audit.counterfactuals.counterfactual_errors import TooManyCounterfactuals
from services.audit.counterfactuals.counterfactual_queries import Asked
from services.audit.events import CounterfactualAsked, CounterfactualRead
from services.audit.replays.moments import cut
from services.audit.streams import Streams
from shared.database.database import Database, driver
from shared.database.scopes import Scope
from shared.eventsourcing.store import Command, EventStore, Proposed
from shared.kernel.refusals import Refusal

WAITING_MOST = 4
KEPT_MOST = 100
LOGS = ("registry", "matching", "disbursement")

log = structlog.get_logger(__name__)


class Job(NamedTuple):
    """What is to be computed; ``files`` by the names the changes give them."""

    changes: list[AnyChange]
    known_at: datetime
    files: Mapping[str, Path]


Report = Callable[[str, int], None]  # which rerun, events fed to it
Compute = Callable[[Job, Report], CounterfactualAnswer]  # raises Refusal for changes that cannot be made


@dataclass(frozen=True)
class Counterfactuals:
    """``compute`` is what the composition root injects: it knows the services that are run again."""

    database: Database
    store: EventStore
    streams: Streams
    compute: Compute
    _turn: threading.Lock = field(default_factory=threading.Lock, repr=False)
    _places: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(WAITING_MOST), repr=False)

    def ask(
        self,
        changes: list[AnyChange],
        known_at: datetime | None,
        files: Mapping[str, bytes],
        scope: Scope,
        command: Command,
        day: date,
    ) -> UUID:
        """Begin; the same command again gives the same id and begins nothing. Raises what moments.cut raises for its
        moment, TooManyCounterfactuals, CommandReused."""
        counterfactual_id = self.streams.counterfactual(command.principal, command.command_id)
        with self.database.working() as connection:
            known = cut(driver(connection), LOGS, known_at)
        if not self._places.acquire(blocking=False):
            raise TooManyCounterfactuals(
                "正在推演的任务已满,请稍后再试", "as many counterfactuals wait as may; try again later"
            )
        begun = False
        held: psycopg.Connection[Any] | None = None
        try:
            held = _hold(self.database, counterfactual_id)
            asked = _asked(counterfactual_id, changes, known.known_at, files, scope, command.principal)

            def decide(connection: Connection) -> list[Proposed]:
                told = msgspec.json.encode(changes).decode()
                queries.insert(driver(connection), asked, told, KEPT_MOST, sum(known.upto.values()))
                return [Proposed(counterfactual_id, 0, asked, day)]

            if not self.store.run(self.database, command, decide).replayed:
                given = (held, counterfactual_id, Job(changes, known.known_at, {}), files)
                threading.Thread(target=self._work, args=given, name="counterfactual", daemon=True).start()
                begun = True
        finally:
            if not begun:
                self._places.release()
                if held is not None:
                    held.close()
        return counterfactual_id

    def note_read(self, one: Asked, rows: int, form: Any, viewer: str, scope: Scope, day: date) -> None:
        """Record that somebody reads an answer, before anything is shown."""
        stream = self.streams.reader(viewer, day)
        read = CounterfactualRead(
            counterfactual_id=one.counterfactual_id,
            viewer=viewer,
            rows=rows,
            form=form,
            division_code=scope.division,
            school_code=scope.school,
        )

        def decide(connection: Connection) -> list[Proposed]:
            return [Proposed(stream, len(self.store.load(connection, stream)), read, day)]

        self.store.run(self.database, Command(viewer, uuid4(), b"read"), decide)

    def asked(self, counterfactual_id: UUID) -> Asked | None:
        """One that was asked, as it stands."""
        with self.database.working() as connection:
            raw = driver(connection)
            queries.give_up(raw, counterfactual_id, _lock(counterfactual_id))
            return queries.one(raw, counterfactual_id)

    def latest(self, asked_by: str | None, count: int) -> list[Asked]:
        """Those that were asked, latest first; by this person, None: by anybody."""
        with self.database.working() as connection:
            raw = driver(connection)
            for each in queries.latest(raw, asked_by, count):
                if each.state in ("waiting", "running"):
                    queries.give_up(raw, each.counterfactual_id, _lock(each.counterfactual_id))
            return queries.latest(raw, asked_by, count)

    def answer(self, asked: Asked) -> CounterfactualAnswer:
        """What came of it. Raises NotDoneYet."""
        with self.database.working() as connection:
            return queries.answer(driver(connection), asked)

    def _work(
        self,
        held: psycopg.Connection[Any],
        counterfactual_id: UUID,
        job: Job,
        files: Mapping[str, bytes],
    ) -> None:
        def report(rerun: str, fed: int) -> None:
            with self.database.writing() as connection:
                queries.progress(driver(connection), counterfactual_id, rerun, fed)

        try:
            with self._turn, TemporaryDirectory(prefix="rollcall-counterfactual-") as folder:
                answer = self.compute(job._replace(files=_written(Path(folder), files)), report)
            with self.database.writing() as connection:
                queries.done(driver(connection), counterfactual_id, answer.model_dump_json())
        except Refusal as refused:
            with self.database.writing() as connection:
                queries.refused(driver(connection), counterfactual_id, refused)
        except Exception as error:
            log.warning("a counterfactual failed", error=type(error).__name__)
            with self.database.writing() as connection:
                queries.failed(driver(connection), counterfactual_id)
        finally:
            held.close()
            self._places.release()


def _asked(
    counterfactual_id: UUID,
    changes: list[AnyChange],
    known_at: datetime,
    files: Mapping[str, bytes],
    scope: Scope,
    principal: str,
) -> CounterfactualAsked:
    digest = hashlib.sha256(msgspec.json.encode(changes))
    for name, content in sorted(files.items()):
        digest.update(hashlib.sha256(content).digest() + name.encode())
    return CounterfactualAsked(
        counterfactual_id=counterfactual_id,
        asked_by=principal,
        known_at=known_at,
        changes=tuple(str(each.__struct_config__.tag) for each in changes),
        changes_hash=digest.hexdigest(),
        division_code=scope.division,
        school_code=scope.school,
    )


def _written(folder: Path, files: Mapping[str, bytes]) -> dict[str, Path]:
    """The files under names of our own, with the sender's endings, by which the reader tells the format."""
    paths = {}
    for number, (name, content) in enumerate(files.items()):
        ending = Path(name).suffix.lower()
        paths[name] = folder / f"{number}{ending if ending in ('.xlsx', '.xls', '.csv', '.txt') else ''}"
        paths[name].write_bytes(content)
    return paths


def _hold(database: Database, counterfactual_id: UUID) -> psycopg.Connection[Any]:
    held = psycopg.connect(database.worker_conninfo, autocommit=True)
    # Not had when the same command is being done a second time; then nothing is begun.
    held.execute("SELECT pg_try_advisory_lock(%s)", (_lock(counterfactual_id),))
    return held


def _lock(counterfactual_id: UUID) -> int:
    return int.from_bytes(hashlib.sha256(b"counterfactual" + counterfactual_id.bytes).digest()[:8], "big", signed=True)

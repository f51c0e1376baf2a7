"""What a benchmark runs on: PostgreSQL (and Kafka) of its own in a temporary home, and a small service with facts."""

from __future__ import annotations

import shutil
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Literal
from uuid import UUID

import msgspec
import psutil

from deploy.broker import EmbeddedKafka
from deploy.ports import free_port
from deploy.postgres import EmbeddedPostgres
from shared.database import Database
from shared.eventsourcing.store import Command, EventStore, Proposed, Result
from shared.kernel.facts import Fact, Personal, fact
from shared.keys import KeyRing

KEK = bytes(range(32))
SOURCE = "//rollcall/460100/bench"
TERM = date(2026, 9, 1)


class ChildPersonal(Personal, frozen=True, kw_only=True):
    """About as much as a real register row says."""

    name: str
    id_number: str
    student_number: str
    guardian_name: str
    phone: str
    address: str


class ChildInClear(msgspec.Struct, frozen=True, kw_only=True):
    """The same fields, which a log that encrypts nothing would hold."""

    person_id: UUID
    name: str
    id_number: str
    student_number: str
    guardian_name: str
    phone: str
    address: str


@fact("bench")
class ChildEnrolled(Fact, frozen=True, kw_only=True):
    """A fact of the size of a real enrolment."""

    school_code: str
    division_code: str
    stage: str
    grade: int
    class_name: str
    boarder: bool
    personal: ChildPersonal | None


@fact("bench")
class ChildWritten(Fact, frozen=True, kw_only=True):
    """The same enrolment with its personal fields in the clear: only to measure beside."""

    school_code: str
    division_code: str
    stage: str
    grade: int
    class_name: str
    boarder: bool
    personal: ChildInClear


@dataclass
class Stage:
    """The running parts."""

    database: Database
    keyring: KeyRing
    store: EventStore
    bootstrap: str | None
    dsn: str

    def append(self, proposed: list[Proposed]) -> Result:
        """One command, one transaction."""
        return self.store.run(self.database, Command("bench", uuid.uuid4(), b"bench"), lambda connection: proposed)


def children(count: int, *, personal: bool) -> list[Proposed]:
    """New children, one fact each."""
    return list(_children(count, "sealed" if personal else "none"))


def children_in_clear(count: int) -> list[Proposed]:
    """The same children as if nothing were encrypted."""
    return list(_children(count, "clear"))


def _children(count: int, personal: Literal["sealed", "clear", "none"]) -> Iterator[Proposed]:
    for number in range(count):
        stream = uuid.uuid4()
        block: dict[str, Any] = {
            "person_id": stream,
            "name": "王小明",
            "id_number": "11010519491231002X",
            "student_number": "G11010519491231002X",
            "guardian_name": "王建国",
            "phone": "13800000000",
            "address": "海南省海口市某区某街道某路一号",
        }
        said: dict[str, Any] = {
            "school_code": "3146000001",
            "division_code": "460106001001",
            "stage": "primary",
            "grade": number % 6 + 1,
            "class_name": "三班",
            "boarder": number % 3 == 0,
        }
        if personal == "clear":
            enrolled: Fact = ChildWritten(**said, personal=ChildInClear(**block))
        else:
            enrolled = ChildEnrolled(**said, personal=ChildPersonal(**block) if personal == "sealed" else None)
        yield Proposed(stream, 0, enrolled, TERM)


@contextmanager
def stage(*, kafka: bool = False) -> Iterator[Stage]:
    """Start the parts with the settings of a real installation (fsync on) and end them with everything they wrote."""
    home = Path(tempfile.mkdtemp(prefix="rollcall-bench-"))
    with ExitStack() as stack:
        stack.callback(shutil.rmtree, home, ignore_errors=True)
        postgres = EmbeddedPostgres(home, free_port())
        stack.callback(postgres.stop, 10.0)
        postgres.start()
        broker = None
        if kafka:
            broker = EmbeddedKafka(home, free_port(), free_port())
            stack.callback(broker.stop, 10.0)
            broker.start()
        keyring = KeyRing(postgres.dsn(), KEK)
        keyring.prepare()
        stack.callback(keyring.close)
        database = Database("bench", postgres.dsn())
        database.prepare()
        stack.callback(database.close)
        store = EventStore("bench", keyring, b"bench")
        yield Stage(database, keyring, store, broker.bootstrap if broker else None, postgres.dsn())


def processor_seconds(pid: int | None) -> float:
    """Of a server and its present and former children; of this process without ``pid``. Raises psutil.NoSuchProcess."""
    server = psutil.Process(pid)
    living = 0.0
    for each in server.children(recursive=True):
        with suppress(psutil.NoSuchProcess):  # a session that has just ended counts with its parent
            living += sum(each.cpu_times()[:4])
    if pid is None:  # the process itself by a finer clock than the system's ticks
        return living + sum(server.cpu_times()[2:4]) + time.process_time()
    return living + sum(server.cpu_times()[:4])

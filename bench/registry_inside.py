"""A registry inside this process on a PostgreSQL of its own, with students seeded, for work that goes on in chunks.

Each student has one sealed enrolment; the enrolments have their places in the log, as in a register that has stood for
a while. No processor folds what is appended, so the figures are those of the work itself.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import NamedTuple

import psutil
import psycopg

from bench.registry_stage import registry_postgres
from bench.report import Measure, timed
from bench.stage import processor_seconds
from deploy.postgres import EmbeddedPostgres
from services.registry.app import STEPS
from services.registry.events import StudentEnrolled, StudentPersonal
from services.registry.handlers import Registry
from services.registry.keys import Keys
from shared.database import Database
from shared.eventsourcing.sequencer import Term
from shared.eventsourcing.store import BATCH_LIMIT, Command, EventStore, Proposed
from shared.kernel.clock import today
from shared.keys import KeyRing

DIVISION = "469000"
GRADES = tuple(f"{each}年级" for each in "一二三四五六")
STUDENTS_PER_SCHOOL = 1_000


class Processors(NamedTuple):
    """Seconds of processor so far: this process, PostgreSQL."""

    own: float
    server: float


class Inside(NamedTuple):
    """``server``: the process id of PostgreSQL."""

    registry: Registry
    students: int
    server: int

    def processors(self) -> Processors:
        return Processors(sum(psutil.Process().cpu_times()[:2]), processor_seconds(self.server))

    def worked(self, label: str, some: Callable[[], bool], target_rate: float | None = None) -> list[Measure]:
        """Call ``some`` until it says that nothing is left: the whole, and its chunks one by one."""
        chunks = []
        began = time.perf_counter()
        last = began
        while some():
            now = time.perf_counter()
            chunks.append(now - last)
            last = now
        seconds = last - began
        whole = Measure(f"students {label}", self.students, seconds, target_rate=target_rate)
        return [whole, timed(f"chunks of 1,000 {label}", seconds, chunks)]


@contextmanager
def registry_inside(students: int) -> Iterator[Inside]:
    """``students`` of a thousand in each school, grades by turns; ended with everything it wrote."""
    with ExitStack() as stack:
        _, postgres = stack.enter_context(registry_postgres())
        registry = _registry(postgres, stack)
        _seed(registry, students)
        _sequence(registry)
        assert postgres.identity is not None, "the server runs"
        yield Inside(registry, students, postgres.identity.pid)


def _registry(postgres: EmbeddedPostgres, stack: ExitStack) -> Registry:
    keyring = KeyRing(postgres.dsn(), bytes(range(32)))
    keyring.prepare()
    stack.callback(keyring.close)
    database = Database("registry", postgres.dsn())
    database.prepare(STEPS)
    stack.callback(database.close)
    return Registry(database, EventStore("registry", keyring, b"bench"), keyring, Keys(b"bench"), DIVISION)


def _seed(registry: Registry, students: int) -> None:
    """Enrolments of the size of real ones, long ago; schools and grades by turns, a thousand of one school together."""
    day = today().replace(year=today().year - 1, day=1)
    for begin in range(0, students, BATCH_LIMIT):
        proposed = []
        for number in range(begin, min(begin + BATCH_LIMIT, students)):
            student = registry.keys.student_by_number(str(number))
            personal = StudentPersonal(
                person_id=student,
                name="王小明",
                id_number="11010519491231002X",
                student_number="G11010519491231002X",
                guardian_name="王建国",
                phone="13800000000",
                address="海南省海口市某区某街道某路一号",
            )
            enrolled = StudentEnrolled(
                school_code=f"31{number // STUDENTS_PER_SCHOOL:08d}",
                division_code=DIVISION,
                stage="primary",
                grade=GRADES[number % len(GRADES)],
                class_name="3班",
                fingerprint="0" * 32,
                personal=personal,
            )
            proposed.append(Proposed(student, 0, enrolled, day))
        registry.store.run(registry.database, Command("bench", uuid.uuid4(), b"seed"), _stating(proposed))


def _stating(proposed: list[Proposed]) -> Callable[[object], list[Proposed]]:
    return lambda connection: proposed


def _sequence(registry: Registry) -> None:
    with psycopg.connect(registry.database.worker_conninfo, autocommit=True) as connection:
        term = Term(connection, "registry")
        term.claim()
        term.recover()
        while term.sequence():
            pass

"""A whole register moves up a grade: students looked at, decided and appended in one promotion, and the way back.

The register is seeded first, each student with one sealed enrolment. One process, PostgreSQL with fsync; no processor
folds what is appended, so the figures are those of the work itself.
"""

from __future__ import annotations

import shutil
import tempfile
import time
import uuid
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from uuid import UUID

import psutil

from bench.report import BenchResult, Measure, result, timed
from bench.stage import processor_seconds
from deploy.ports import free_port
from deploy.postgres import EmbeddedPostgres
from services.registry.events import StudentEnrolled, StudentPersonal
from services.registry.handlers import Registry
from services.registry.keys import Keys
from services.registry.life_events import PromotionFinished
from services.registry.lists import standing
from services.registry.promotion import promotion_jobs
from services.registry.promotion.promoting import Promoting
from services.registry.promotion.promotion import DEFAULT_LADDER
from services.registry.promotion.promotion_orders import StartPromotion, start_promotion, undo_promotion
from shared.database import Database
from shared.database.scopes import Scope
from shared.eventsourcing.store import BATCH_LIMIT, Command, EventStore, Proposed
from shared.kernel.clock import today
from shared.keys import KeyRing

TARGET_RATE = 10_000.0
DIVISION = "469000"
GRADES = tuple(f"{each}年级" for each in "一二三四五六")
STUDENTS_PER_SCHOOL = 1_000


def run(events: int = 100_000) -> BenchResult:
    """``events``: students of the register."""
    home = Path(tempfile.mkdtemp(prefix="rollcall-bench-"))
    with ExitStack() as stack:
        stack.callback(shutil.rmtree, home, ignore_errors=True)
        postgres = EmbeddedPostgres(home, free_port())
        stack.callback(postgres.stop, 10.0)
        postgres.start()
        registry = _registry(postgres, stack)
        _seed(registry, events)
        assert postgres.identity is not None, "the server runs"
        own, server = psutil.Process(), postgres.identity.pid
        measures, before = [], processor_seconds(server)
        began = sum(own.cpu_times()[:2])
        promotion = _order(registry, events)
        measures += _worked("promoted", registry, TARGET_RATE)
        processor = sum(own.cpu_times()[:2]) - began
        servers = processor_seconds(server) - before
        finished = _finished(registry, promotion)
        if finished.looked_at != events or finished.skipped:
            raise RuntimeError(f"{finished.looked_at} of {events} students were looked at")
        undo_promotion(registry, Scope(division=DIVISION), promotion, Command("bench", uuid.uuid4(), b"u"), today())
        measures += _worked("put back", registry)
        return result(
            "registry_promotion",
            measures,
            students=events,
            promoting_processor_seconds=round(processor, 1),
            postgres_processor_seconds=round(servers, 1),
        )


def _registry(postgres: EmbeddedPostgres, stack: ExitStack) -> Registry:
    keyring = KeyRing(postgres.dsn(), bytes(range(32)))
    keyring.prepare()
    stack.callback(keyring.close)
    database = Database("registry", postgres.dsn())
    database.prepare((*standing.STEPS, *promotion_jobs.STEPS))
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


def _order(registry: Registry, students: int) -> UUID:
    expected = {f"31{school:08d}": STUDENTS_PER_SCHOOL for school in range(students // STUDENTS_PER_SCHOOL)}
    intent = StartPromotion(today(), DIVISION, None, None, DEFAULT_LADDER, (), expected)
    return start_promotion(registry, intent, Command("bench", uuid.uuid4(), b"order"), today())


def _worked(label: str, registry: Registry, target_rate: float | None = None) -> list[Measure]:
    """The whole order, and its chunks one by one."""
    promoting, chunks = Promoting(registry), []
    with registry.database.writing() as connection:
        students = connection.exec_driver_sql("SELECT count(*) FROM events WHERE version = 1").scalar_one()
    students -= 1  # the promotion's own stream
    began = time.perf_counter()
    last = began
    while promoting.promote_some():
        now = time.perf_counter()
        chunks.append(now - last)
        last = now
    seconds = last - began
    return [
        Measure(f"students {label}", students, seconds, target_rate=target_rate),
        timed(f"chunks of 1,000 {label}", seconds, chunks),
    ]


def _finished(registry: Registry, promotion: UUID) -> PromotionFinished:
    with registry.database.writing() as connection:
        fact = registry.store.load(connection, promotion)[-1].fact
    assert isinstance(fact, PromotionFinished), "the order was worked off"
    return fact

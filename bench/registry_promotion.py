"""A whole register moves up a grade: students looked at, decided and appended in one promotion, and the way back.

One process, PostgreSQL with fsync (registry_inside.py).
"""

from __future__ import annotations

import uuid
from uuid import UUID

from bench.registry_inside import DIVISION, STUDENTS_PER_SCHOOL, registry_inside
from bench.report import BenchResult, result
from services.registry.handlers import Registry
from services.registry.life_events import PromotionFinished
from services.registry.promotion.promoting import Promoting
from services.registry.promotion.promotion import DEFAULT_LADDER
from services.registry.promotion.promotion_orders import StartPromotion, start_promotion, undo_promotion
from shared.database.scopes import Scope
from shared.eventsourcing.store import Command
from shared.kernel.clock import today

TARGET_RATE = 10_000.0


def run(events: int = 100_000) -> BenchResult:
    """``events``: students of the register."""
    with registry_inside(events) as inside:
        registry = inside.registry
        promoting = Promoting(registry)
        before = inside.processors()
        promotion = _order(registry, events)
        measures = inside.worked("promoted", promoting.promote_some, TARGET_RATE)
        after = inside.processors()
        finished = _finished(registry, promotion)
        if finished.looked_at != events or finished.skipped:
            raise RuntimeError(f"{finished.looked_at} of {events} students were looked at")
        undo_promotion(registry, Scope(division=DIVISION), promotion, Command("bench", uuid.uuid4(), b"u"), today())
        measures += inside.worked("put back", promoting.promote_some)
        return result(
            "registry_promotion",
            measures,
            students=events,
            promoting_processor_seconds=round(after.own - before.own, 1),
            postgres_processor_seconds=round(after.server - before.server, 1),
        )


def _order(registry: Registry, students: int) -> UUID:
    expected = {f"31{school:08d}": STUDENTS_PER_SCHOOL for school in range(students // STUDENTS_PER_SCHOOL)}
    intent = StartPromotion(today(), DIVISION, None, None, DEFAULT_LADDER, (), expected)
    return start_promotion(registry, intent, Command("bench", uuid.uuid4(), b"order"), today())


def _finished(registry: Registry, promotion: UUID) -> PromotionFinished:
    with registry.database.writing() as connection:
        fact = registry.store.load(connection, promotion)[-1].fact
    assert isinstance(fact, PromotionFinished), "the order was worked off"
    return fact

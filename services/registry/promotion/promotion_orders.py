"""A person orders a promotion, or that one be undone. Both only begin: the worker (promoting.py) does the work."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import get_args
from uuid import UUID

from sqlalchemy import Connection

from services.registry.events import Stage
from services.registry.handlers import Registry, covers
from services.registry.jobs.on_a_day import Dated, in_order, place_on
from services.registry.life_errors import (
    DayInFuture,
    DayTooLongAgo,
    LadderBroken,
    PromotionNotFinished,
    PromotionUnknown,
    RepeatersUnknown,
    UndoTooLate,
)
from services.registry.life_events import PromotionStarted, PromotionUndoStarted
from services.registry.promotion import promotion_jobs
from services.registry.promotion.promotion import Promotion, ladder_problem, term
from shared.database.database import driver
from shared.database.scopes import Scope
from shared.eventsourcing.store import Command, Proposed

REPEATERS_MAX = 5_000  # the start names them in one event, and a broker's batch must hold it
EARLIEST = timedelta(days=366)


@dataclass(frozen=True, slots=True)
class StartPromotion:
    """``division_code`` is the prefix that the caller answers for. ``expected``: school → students, as shown before."""

    day: date
    division_code: str
    school_code: str | None
    stage: str | None
    ladder: Mapping[str, str]
    repeaters: tuple[UUID, ...]
    expected: Mapping[str, int]


def start_promotion(registry: Registry, intent: StartPromotion, command: Command, today: date) -> UUID:
    """The promotion's id, the same for the same command. Raises DayInFuture, DayTooLongAgo, LadderBroken,
    RepeatersUnknown."""
    promotion_id = registry.keys.promotion(command.principal, command.command_id)
    promotion = Promotion(
        promotion_id,
        intent.day,
        intent.division_code,
        intent.school_code,
        intent.stage,
        intent.ladder,
        frozenset(intent.repeaters),
    )

    def decide(connection: Connection) -> Sequence[Proposed]:
        _check_terms(intent, today)
        _check_repeaters(registry, connection, promotion)
        promotion_jobs.begin(driver(connection), promotion, intent.expected, command.principal)
        started = PromotionStarted(
            day=intent.day,
            division_code=intent.division_code,
            school_code=intent.school_code,
            stage=intent.stage,
            ladder=dict(intent.ladder),
            repeaters=tuple(sorted(promotion.repeaters)),
            expected=sum(intent.expected.values()),
            started_by=command.principal,
        )
        return [Proposed(promotion_id, 0, started, intent.day)]

    registry.store.run(registry.database, command, decide)
    return promotion_id


def undo_promotion(registry: Registry, scope: Scope, promotion_id: UUID, command: Command, today: date) -> None:
    """Begin to put back what a promotion changed. Raises PromotionUnknown (also outside the scope),
    PromotionNotFinished, UndoTooLate."""

    def decide(connection: Connection) -> Sequence[Proposed]:
        raw = driver(connection)
        job = promotion_jobs.JOBS.one(raw, promotion_id, lock=True)
        if job is None or not covers(scope, job.division_code, job.school_code):
            raise PromotionUnknown(promotion_id)
        if job.state != "finished":
            raise PromotionNotFinished(promotion_id, job.state)
        if term(today) != term(job.day):
            raise UndoTooLate(promotion_id, job.day)
        promotion_jobs.begin_undo(raw, promotion_id)
        version = len(registry.store.load(connection, promotion_id))
        return [Proposed(promotion_id, version, PromotionUndoStarted(undone_by=command.principal), today)]

    registry.store.run(registry.database, command, decide)


def _check_terms(intent: StartPromotion, today: date) -> None:
    if intent.day > today:
        raise DayInFuture(intent.day)
    if intent.day < today - EARLIEST:
        raise DayTooLongAgo(intent.day, today - EARLIEST)
    if step := ladder_problem(intent.ladder, get_args(Stage)):
        raise LadderBroken(step)


def _check_repeaters(registry: Registry, connection: Connection, promotion: Promotion) -> None:
    unknown = []
    for student_id, stored in registry.store.load_many(connection, promotion.repeaters).items():
        history = [Dated(each.fact, each.event.effective_on) for each in stored]
        place = place_on(in_order(history), promotion.day)
        if place is None or not place.enrolled or not promotion.covers(place):
            unknown.append(student_id)
    if unknown:
        raise RepeatersUnknown(sorted(unknown))

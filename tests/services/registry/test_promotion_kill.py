"""A promotion whose process is killed, in the middle of a chunk and right after one, goes on by itself and ends like
one that was never interrupted; so does the undoing of it. Two workers at once do no chunk twice.

A whole installation of its own, because everybody in it moves up. The oracle knows only who was seated where.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from uuid import UUID, uuid4

import pytest

import services.registry.app as registry_app
from services.registry.handlers import Registry
from services.registry.keys import Keys
from services.registry.life_events import PromotionFinished, PromotionUndoFinished
from services.registry.promotion import promoting
from services.registry.promotion.promoting import Promoting
from services.registry.promotion.promotion import DEFAULT_LADDER
from services.registry.promotion.promotion_orders import StartPromotion, start_promotion, undo_promotion
from shared.database.scopes import Scope
from shared.eventsourcing.store import Command
from shared.kernel.clock import today
from shared.kernel.facts import Fact
from shared.standards.identity_number import check_digit
from tests.services.installation import DIVISION, Installation
from tests.services.registry.promotion_process import until_killed
from tests.services.registry.year import ONE_UP, Seat, found_school, seat, seats, work_off

GRADES = (*ONE_UP, "六年级", "复式班")
STUDENTS = 2_300  # three chunks: killed in the first and after the second, there is a third one left
REPEATERS = 40


def number(place: int) -> str:
    first = f"46900120140101{place % 1000:03d}" if place < 1000 else f"469001201{place // 1000}0101{place % 1000:03d}"
    return first + check_digit(first)


class Town:
    """Everybody in three schools, by turns in each grade."""

    def __init__(self, installation: Installation) -> None:
        self.installation = installation
        self.settings = installation.settings("registry")
        service = installation.start(registry_app.build(self.settings))
        self.registry = Registry(
            service.database, service.store, installation.keyring, Keys(self.settings.hmac_key), DIVISION
        )
        self.seated: dict[UUID, str] = {}
        for school in range(3):
            code = found_school(self.registry, f"314690010{school}", f"第{school}小学")
            pairs = [(number(place), GRADES[place % len(GRADES)]) for place in range(school, STUDENTS, 3)]
            students = seat(self.registry, code, pairs)
            self.seated |= dict(zip(students, (grade for _, grade in pairs), strict=True))
        self.repeaters = tuple(sorted(self.seated)[:REPEATERS])
        self.pump()

    def pump(self) -> None:
        self.installation.pump(batch=500)

    def order(self) -> UUID:
        intent = StartPromotion(
            today(), DIVISION[:2], None, None, DEFAULT_LADDER, self.repeaters, {"": len(self.seated)}
        )
        return start_promotion(self.registry, intent, Command("clerk", uuid4(), b"order"), today())

    def undo(self, promotion: UUID) -> None:
        undo_promotion(self.registry, Scope(division=DIVISION[:2]), promotion, Command("clerk", uuid4(), b"u"), today())

    def shown(self) -> dict[UUID, Seat]:
        self.pump()
        return seats(self.registry, list(self.seated))

    def moved(self) -> dict[UUID, Seat]:
        """What must be true after a promotion, by the oracle."""
        found: dict[UUID, Seat] = {}
        for student, grade in self.seated.items():
            stays = student in self.repeaters
            gone = grade == "六年级" and not stays
            found[student] = (
                "transferred_out" if gone else "enrolled",
                grade if stays else ONE_UP.get(grade, grade),
                "1班",
            )
        return found

    def told(self, promotion: UUID) -> list[Fact]:
        with self.registry.database.writing() as connection:
            return [each.fact for each in self.registry.store.load(connection, promotion)]

    def moves(self) -> int:
        """Events that moved somebody since all were seated."""
        entries = self.installation.entries("registry")
        return sum(each.logged.event.principal == promoting.PRINCIPAL for each in entries)


@pytest.fixture
def town(installation: Installation) -> Iterator[Town]:
    yield Town(installation)


def test_a_killed_promotion_goes_on_and_ends_like_an_uninterrupted_one(town: Town) -> None:
    promotion = town.order()
    until_killed(town.settings, "append.committed:2")
    work_off(town.registry)
    assert town.shown() == town.moved()
    (finished,) = [fact for fact in town.told(promotion) if isinstance(fact, PromotionFinished)]
    outcomes = Counter(
        "held_back" if each in town.repeaters else "promoted" if grade in ONE_UP else grade
        for each, grade in town.seated.items()
    )
    assert (finished.promoted, finished.held_back) == (outcomes["promoted"], REPEATERS)
    assert (finished.handed_over, finished.skipped) == (outcomes["六年级"], {"not_on_ladder": outcomes["复式班"]})
    assert finished.looked_at == len(town.seated) == outcomes.total()
    assert town.moves() == finished.promoted + finished.handed_over + 1  # and nobody moved twice
    town.undo(promotion)
    until_killed(town.settings, "promotion.before_commit:2")
    work_off(town.registry)
    assert town.shown() == {student: ("enrolled", grade, "1班") for student, grade in town.seated.items()}
    ended = town.told(promotion)[-1]
    assert isinstance(ended, PromotionUndoFinished)
    assert ended.restored == ended.looked_at == finished.promoted + finished.handed_over


def test_two_workers_at_once_do_no_chunk_twice(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(promoting, "CHUNK_STUDENTS", 60)
    promotion, gate = town.order(), threading.Barrier(2)

    def work() -> None:
        worker = Promoting(town.registry)
        gate.wait()
        while worker.promote_some():
            pass

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert town.shown() == town.moved()
    (finished,) = [fact for fact in town.told(promotion) if isinstance(fact, PromotionFinished)]
    assert town.moves() == finished.promoted + finished.handed_over + 1


def test_a_restatement_never_makes_a_chunk_too_large(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(promoting, "BATCH_LIMIT", 70)
    town.order()
    assert work_off(town.registry) > STUDENTS // 100
    assert town.shown() == town.moved()

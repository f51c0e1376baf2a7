"""Days are opened once each, also after a pause; configuration is planted once, and anew when its content changes."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from services.matching import app
from services.matching.events import CategoryRulesActivated
from shared.database.database import driver
from shared.hosting.seeding import plant
from shared.hosting.service import Seed, Service
from shared.hosting.ticker import MISSED_DAYS_MAX, Ticker
from tests.services.installation import Installation

KEY = bytes(32)
DAY = date(2026, 11, 24)


@pytest.fixture
def matching(postgres: Any, tmp_path: Path) -> Iterator[Service]:
    installation = Installation(postgres, tmp_path)
    service = app.build(installation.settings("matching"))
    service.database.prepare(service.steps)
    yield service
    service.database.close()
    installation.close()


def opened(service: Service) -> list[date]:
    with service.database.writing() as connection:
        rows = driver(connection).execute(
            "SELECT effective_on FROM events WHERE type = 'matching.DayOpened.v1' ORDER BY position"
        )
        return [row[0] for row in rows]


def rules(content: str) -> Seed:
    return Seed("category-rules", "category-rules", CategoryRulesActivated(content=content, content_hash=""), DAY)


def planted(service: Service) -> list[str]:
    with service.database.writing() as connection:
        rows = driver(connection).execute(
            "SELECT stream_id, version FROM events WHERE type = 'matching.CategoryRulesActivated.v1' ORDER BY position"
        )
        return [f"{row[0]}:{row[1]}" for row in rows]


def test_the_first_tick_opens_today_and_the_next_ones_nothing(matching: Service) -> None:
    ticker = Ticker(matching, KEY, lambda: DAY)
    assert [ticker.tick(), ticker.tick(), Ticker(matching, KEY, lambda: DAY).tick()] == [[DAY], [], []]
    assert opened(matching) == [DAY]


def test_days_missed_while_nothing_ran_are_opened_one_by_one(matching: Service) -> None:
    Ticker(matching, KEY, lambda: DAY).tick()
    later = DAY + timedelta(days=4)
    assert Ticker(matching, KEY, lambda: later).tick() == [DAY + timedelta(days=count) for count in (1, 2, 3, 4)]
    assert opened(matching) == [DAY + timedelta(days=count) for count in range(5)]


def test_a_pause_of_years_opens_no_more_days_than_the_bound(matching: Service) -> None:
    Ticker(matching, KEY, lambda: DAY).tick()
    later = DAY + timedelta(days=MISSED_DAYS_MAX + 30)
    days = Ticker(matching, KEY, lambda: later).tick()
    assert (len(days), days[-1]) == (MISSED_DAYS_MAX, later)


def test_a_clock_set_back_opens_nothing(matching: Service) -> None:
    Ticker(matching, KEY, lambda: DAY).tick()
    assert Ticker(matching, KEY, lambda: DAY - timedelta(days=1)).tick() == []


def test_tickers_that_race_open_each_day_once(matching: Service) -> None:
    Ticker(matching, KEY, lambda: DAY).tick()
    later = DAY + timedelta(days=5)
    started = threading.Barrier(4)

    def race() -> None:
        started.wait()
        Ticker(matching, KEY, lambda: later).tick()

    threads = [threading.Thread(target=race) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert opened(matching) == [DAY + timedelta(days=count) for count in range(6)]


def test_configuration_is_planted_once_and_a_new_content_follows_in_its_stream(matching: Service) -> None:
    first = dataclasses.replace(matching, seeds=(rules("one"),))
    plant(first, KEY)
    plant(first, KEY)
    assert len(planted(matching)) == 1
    plant(dataclasses.replace(matching, seeds=(rules("two"),)), KEY)
    plant(first, KEY)
    stream = planted(matching)[0].split(":")[0]
    assert planted(matching) == [f"{stream}:1", f"{stream}:2"]


def test_a_first_only_seed_is_planted_where_nothing_stands_and_never_after(matching: Service) -> None:
    def seeded(content: str) -> Service:
        return dataclasses.replace(matching, seeds=(rules(content)._replace(first_only=True),))

    started = threading.Barrier(3)

    def race(content: str) -> None:
        started.wait()
        plant(seeded(content), KEY)

    threads = [threading.Thread(target=race, args=(content,)) for content in ("one", "two", "three")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert [each.split(":")[1] for each in planted(matching)] == ["1"]
    plant(seeded("four"), KEY)
    assert len(planted(matching)) == 1

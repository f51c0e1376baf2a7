"""One runner on a real database: exactly once in effect, any interleaving, any repeat, gaps seen."""

from __future__ import annotations

import random
import threading
from typing import Any

import pytest

from shared.database.database import Database, driver
from shared.eventsourcing.projection import Change, Recorded
from shared.keys.keyring import KeyRing
from shared.messaging.builds import drop_schema, prepare
from shared.messaging.hashing import projection_hash
from shared.messaging.replay import replay
from shared.messaging.runner import Place, Runner
from tests.shared.messaging.world import (
    Enrolled,
    World,
    expected_days,
    live_schema,
    roster,
    shown_days,
    shuffled_batches,
)


def hash_of(database: Database, projection: str = "roster") -> str:
    with database.working() as connection:
        return projection_hash(connection, roster(projection), live_schema(database, projection))


def test_the_rows_say_each_day_what_the_input_says(database: Database, keyring: KeyRing, world: World) -> None:
    world.grow(600)
    prepare(database, [roster()])
    runner = Runner(roster(), database, keyring)
    for service in world.logs:
        for partition, arrivals in world.arrivals(service).items():
            applied = runner.apply(service, partition, arrivals)
            assert applied.gap is None and applied.applied == len(arrivals)
    with database.working() as connection:
        assert shown_days(connection, live_schema(database)) == expected_days(world)


@pytest.mark.parametrize("seed", range(4))
def test_every_interleaving_with_repeats_gives_the_hash_of_a_replay(
    database: Database, keyring: KeyRing, world: World, seed: int
) -> None:
    world.grow(400)
    prepare(database, [roster()])
    runner = Runner(roster(), database, keyring)
    for service, partition, batch in shuffled_batches(world, random.Random(seed)):
        runner.apply(service, partition, batch, Place("c", "t"))
    with database.owner() as connection:
        replayed = replay(roster(), connection, "scratch", world.in_time_order(), keyring)
        assert replayed.left_out == ()
        assert projection_hash(connection, roster(), "scratch") == hash_of(database)
        drop_schema(connection, "scratch")


def test_two_runners_on_the_same_partitions_at_once_apply_each_event_once(
    database: Database, keyring: KeyRing, world: World
) -> None:
    world.grow(500)
    effects: list[tuple[str, int]] = []

    def after(connection: Any, events: Any, changes: Any) -> None:
        effects.extend((event.service, event.logged.log_index) for event in events)

    projection = roster(after=after)
    prepare(database, [projection])
    failures: list[BaseException] = []

    def work(seed: int) -> None:
        runner = Runner(projection, database, keyring)
        try:
            for service, partition, batch in shuffled_batches(world, random.Random(seed)):
                runner.apply(service, partition, batch)
            for service in world.logs:
                for partition, arrivals in world.arrivals(service).items():
                    runner.apply(service, partition, arrivals)
        except BaseException as failure:
            failures.append(failure)

    threads = [threading.Thread(target=work, args=(seed,)) for seed in (1, 2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert not failures
    assert len(effects) == len(set(effects))
    with database.working() as connection:
        assert shown_days(connection, live_schema(database)) == expected_days(world)


def test_a_gap_is_seen_and_what_continues_the_chain_later_is_still_taken(
    database: Database, keyring: KeyRing, world: World
) -> None:
    world.grow(200)
    prepare(database, [roster()])
    runner = Runner(roster(), database, keyring)
    arrivals = world.arrivals("alpha")[0]
    lost = arrivals[:5] + arrivals[7:12]
    applied = runner.apply("alpha", 0, lost)
    assert applied.applied == 5
    assert applied.gap is not None
    assert (applied.gap.last, applied.gap.found) == (arrivals[4].log_index, arrivals[11].log_index)
    again = runner.apply("alpha", 0, arrivals[7:12] + arrivals[5:12])  # the relay republishes behind the others
    assert again.gap is None and again.last_log_index == arrivals[11].log_index


def test_side_effects_get_the_last_rows_before_and_after_and_roll_back_with_the_batch(
    database: Database, keyring: KeyRing, world: World
) -> None:
    seen: list[Change] = []

    def after(connection: Any, events: list[Recorded], changes: list[Change]) -> None:
        seen.extend(changes)

    world.grow(0)
    student = world.student(1)
    from datetime import date

    world.add("alpha", student, date(2025, 9, 1), Enrolled(school="S1", grade=1, personal=None))
    world.add("alpha", student, date(2025, 10, 1), Enrolled(school="S2", grade=1, personal=None))
    projection = roster(after=after)
    prepare(database, [projection])
    runner = Runner(projection, database, keyring)
    partition, arrivals = next((p, a) for p, a in world.arrivals("alpha").items() if a)
    runner.apply("alpha", partition, arrivals[:1])
    runner.apply("alpha", partition, arrivals)
    assert [change.before and change.before["school_code"] for change in seen] == [None, "S1"]
    assert [change.after["school_code"] for change in seen] == ["S1", "S2"]


def test_a_restored_database_is_noticed_although_the_runner_knew_more(
    database: Database, keyring: KeyRing, world: World
) -> None:
    world.grow(100)
    prepare(database, [roster()])
    runner = Runner(roster(), database, keyring)
    for service in world.logs:
        for partition, arrivals in world.arrivals(service).items():
            runner.apply(service, partition, arrivals)
    before = hash_of(database)
    with database.owner() as connection:
        driver(connection).execute("UPDATE checkpoints SET last_log_index = 0")
        driver(connection).execute("TRUNCATE roster_b1.enrolments, roster_b1.notes, roster_b1.payments")
    for service in world.logs:
        for partition, arrivals in world.arrivals(service).items():
            runner.apply(service, partition, arrivals)
    assert hash_of(database) == before

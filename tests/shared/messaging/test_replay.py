"""The replay engine beside the live one: other code, other order, little memory, half of it from before; equal rows."""

from __future__ import annotations

import random
from typing import Any

import pytest

from shared.database.database import Database, driver
from shared.keys.keyring import KeyRing
from shared.messaging import deadletters
from shared.messaging import replay as engine
from shared.messaging.builds import drop_schema, prepare
from shared.messaging.hashing import projection_hash
from shared.messaging.replay import Replayed, Start, replay
from shared.messaging.runner import Place, Runner
from shared.messaging.scratch import ScratchTable
from tests.shared.messaging.test_runner import hash_of
from tests.shared.messaging.world import BROKEN, FIRST_DAY, TABLES, Moved, World, roster, shuffled_batches


def with_poison(world: World) -> None:
    """Random facts, late ones and corrections among them; some cannot be read, some not folded, some not written."""
    pick = random.Random(world.seed)
    for _ in range(4):
        world.grow(100)
        student = world.student(pick.randrange(40))
        world.add("alpha", student, FIRST_DAY, Moved(school="S1"), data=b'{"school":')
        world.add("alpha", world.student(pick.randrange(40)), FIRST_DAY, Moved(school="broken"))
        world.add("alpha", world.student(pick.randrange(40)), FIRST_DAY, Moved(school="nul\x00"))


def hashed(database: Database, world: World, schema: str, **options: Any) -> tuple[str, Replayed]:
    with database.owner() as connection:
        replayed = replay(roster(), connection, schema, world.in_time_order(), world.keyring, **options)
        found = projection_hash(connection, roster(), schema)
        drop_schema(connection, schema)
    return found, replayed


@pytest.mark.parametrize("seed", range(3))
def test_poison_and_late_facts_leave_the_rows_of_the_live_projection_however_little_memory_there_is(
    database: Database, keyring: KeyRing, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = World(keyring, seed=seed + 50)
    with_poison(world)
    BROKEN["school"] = "broken"
    prepare(database, [roster()])
    runner = Runner(roster(), database, keyring)
    for service, partition, batch in shuffled_batches(world, random.Random(seed)):
        runner.apply(service, partition, batch, Place("c", "t"))
    live = hash_of(database)
    whole, replayed = hashed(database, world, "whole")
    assert whole == live
    with database.working() as connection:
        letters = deadletters.open_letters(driver(connection))
    assert sorted(replayed.left_out) == sorted((letter.log.rpartition("/")[2], letter.log_index) for letter in letters)
    monkeypatch.setattr(engine, "REPLAY_BATCH_EVENTS", 17)
    assert hashed(database, world, "little", memory_bytes=1) == (live, replayed)


def test_a_replay_that_begins_in_the_middle_ends_with_the_same_rows_and_the_same_events_left_out(
    database: Database, keyring: KeyRing, world: World
) -> None:
    with_poison(world)
    BROKEN["school"] = "broken"
    whole, replayed = hashed(database, world, "whole")
    events = world.in_time_order()
    for cut in (0, 1, len(events) // 2, len(events)):
        with database.owner() as connection:
            raw = driver(connection)
            first = replay(roster(), connection, "first", events[:cut], keyring)
            rows = {table.name: list(ScratchTable(table, "first").dump(raw)) for table in TABLES}
            start = Start(rows, first.left_out, first.parked)
            second = replay(roster(), connection, "second", events[cut:], keyring, start=start)
            assert projection_hash(connection, roster(), "second") == whole
            assert (second.left_out, second.parked) == (replayed.left_out, replayed.parked)
            assert first.events + second.events == replayed.events
            connection.rollback()


def test_the_tables_of_a_replay_are_indexed_as_the_live_ones_are(database: Database, world: World) -> None:
    world.grow(50)
    prepare(database, [roster()])

    def indexes(schema: str) -> list[str]:
        found = raw.execute("SELECT indexdef FROM pg_indexes WHERE schemaname = %s", (schema,)).fetchall()
        return sorted(definition.replace(schema, "s") for (definition,) in found)

    with database.owner() as connection:
        raw = driver(connection)
        replay(roster(), connection, "scratch", world.in_time_order(), world.keyring)
        assert indexes("scratch") == indexes("roster_b1")
        kept = raw.execute(
            "SELECT relpersistence FROM pg_class WHERE relnamespace = 'scratch'::regnamespace AND relkind = 'r'"
        ).fetchall()
        assert kept == [("u",)] * len(TABLES)
        connection.rollback()

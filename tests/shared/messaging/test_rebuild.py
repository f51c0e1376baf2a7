"""Blue/green: a new build beside the live one, the same rows, one switch, side effects once."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest
from sqlalchemy import Column, Text

from shared.database.database import Database, driver
from shared.database.scopes import Scope
from shared.eventsourcing.periods import PeriodTable
from shared.eventsourcing.projection import Projection
from shared.keys.keyring import KeyRing
from shared.messaging.builds import BuildOutdated, drop_retired, live_build, prepare
from shared.messaging.failures import BuildRetired
from shared.messaging.rebuild import RebuildIncomplete, RebuildRunning, rebuild
from shared.messaging.runner import Runner
from shared.messaging.supply import GivenSupply, TopicSupply
from tests.shared.messaging.topics import publish_world
from tests.shared.messaging.world import (
    ENROLMENTS,
    FOLDS,
    NOTES,
    PARTITIONS,
    PAYMENTS,
    World,
    expected_days,
    live_schema,
    roster,
    shown_days,
)


def feed(runner: Runner, world: World) -> None:
    for service in world.logs:
        for partition, arrivals in world.arrivals(service).items():
            for start in range(0, len(arrivals), 40):
                runner.apply(service, partition, arrivals[start : start + 40])


def live_number(database: Database) -> int:
    with database.working() as connection:
        build = live_build(driver(connection), "roster")
    assert build is not None
    return build.number


def given(world: World) -> GivenSupply:
    return GivenSupply({service: list(log) for service, log in world.logs.items()}, PARTITIONS)


def test_a_rebuild_gives_the_same_rows_and_the_old_worker_notices(
    database: Database, keyring: KeyRing, world: World
) -> None:
    effects: list[tuple[str, int]] = []

    def after(connection: Any, events: Any, changes: Any) -> None:
        effects.extend((event.service, event.logged.log_index) for event in events)

    projection = roster(after=after)
    world.grow(300)
    prepare(database, [projection])
    runner = Runner(projection, database, keyring)
    feed(runner, world)
    done = list(effects)
    rebuilt = rebuild(projection, database, keyring, given(world))
    assert rebuilt.switched and rebuilt.parity.equal is True and rebuilt.letters == 0
    assert effects == done, "a build that catches up is silent"
    assert live_number(database) == 2
    world.grow(100)
    with pytest.raises(BuildRetired):
        feed(runner, world)
    runner.forget_build()
    feed(runner, world)
    folded = [e for log in world.logs.values() for e in log if e.event.type != "alpha.Ignored.v1"]
    assert sorted(effects) == sorted((e.service, e.log_index) for e in folded), "each event acts exactly once"
    with database.working() as connection:
        assert shown_days(connection, live_schema(database)) == expected_days(world)
    assert drop_retired(database, "roster") == ["roster_b1"]


def test_a_live_worker_goes_on_while_a_rebuild_reads_the_topics(
    kafka: Any, database: Database, keyring: KeyRing, world: World
) -> None:
    world.grow(800)
    topics = {service: kafka.create_topic(service) for service in world.logs}
    asyncio.run(publish_world(world, kafka.bootstrap, topics))
    prepare(database, [roster()])
    runner = Runner(roster(), database, keyring)
    failures: list[BaseException] = []

    def live() -> None:
        try:
            for service in world.logs:
                for partition, arrivals in world.arrivals(service).items():
                    for start in range(0, len(arrivals), 5):
                        try:
                            runner.apply(service, partition, arrivals[start : start + 5])
                        except BuildRetired:
                            runner.forget_build()
                            runner.apply(service, partition, arrivals[: start + 5])
        except BaseException as failure:
            failures.append(failure)

    thread = threading.Thread(target=live)
    thread.start()
    rebuilt = rebuild(roster(), database, keyring, TopicSupply(kafka.bootstrap, topics))
    thread.join(120)
    assert not failures and rebuilt.switched and rebuilt.parity.equal is True
    with database.working() as connection:
        assert shown_days(connection, live_schema(database)) == expected_days(world)


@pytest.mark.parametrize("known", [True, False], ids=["a partition that moved before", "a partition's first events"])
def test_a_batch_that_waits_while_builds_are_switched_does_not_go_to_the_old_one(
    database: Database, keyring: KeyRing, world: World, known: bool
) -> None:
    world.grow(300)
    prepare(database, [roster()])
    runner = Runner(roster(), database, keyring)
    arrivals = world.arrivals("alpha")[0]
    others = {service: list(log) for service, log in world.logs.items()}
    for partition, each in world.arrivals("alpha").items():
        if partition != 0 or known:
            runner.apply("alpha", partition, each[:-5])
    outcome: list[object] = []

    def late() -> None:
        try:
            outcome.append(runner.apply("alpha", 0, arrivals))
        except BuildRetired as retired:
            outcome.append(retired)

    thread = threading.Thread(target=late)

    def accept(parity: object) -> bool:
        thread.start()
        while not waiting(database):
            assert thread.is_alive(), outcome
        return True

    assert rebuild(roster(), database, keyring, GivenSupply(others, PARTITIONS), accept=accept).switched
    thread.join(30)
    assert [type(each) for each in outcome] == [BuildRetired]


def waiting(database: Database) -> bool:
    """Whether a session of this database waits for a lock."""
    with database.owner() as connection:
        query = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
        row = driver(connection).execute(query).fetchone()
    return row is not None and row[0] > 0


def test_a_rebuild_that_is_not_accepted_or_cannot_be_complete_leaves_nothing_behind(
    database: Database, keyring: KeyRing, world: World
) -> None:
    world.grow(100)
    prepare(database, [roster()])
    feed(Runner(roster(), database, keyring), world)
    refused = rebuild(roster(), database, keyring, given(world), accept=lambda parity: False)
    assert not refused.switched
    cut = {service: log[: len(log) // 2] for service, log in world.logs.items()}
    with pytest.raises(RebuildIncomplete):
        rebuild(roster(), database, keyring, GivenSupply(cut, PARTITIONS))
    with database.owner() as connection:
        schemas = driver(connection).execute("SELECT schema FROM builds").fetchall()
        left = driver(connection).execute("SELECT nspname FROM pg_namespace WHERE nspname LIKE 'roster%'").fetchall()
    assert schemas == left == [("roster_b1",)]


def test_only_one_rebuild_of_a_projection_runs_at_a_time(database: Database, keyring: KeyRing, world: World) -> None:
    world.grow(50)
    prepare(database, [roster()])
    feed(Runner(roster(), database, keyring), world)

    def second(parity: Any) -> bool:
        with pytest.raises(RebuildRunning):
            rebuild(roster(), database, keyring, given(world))
        return True

    assert rebuild(roster(), database, keyring, given(world), accept=second).switched


def test_changed_tables_are_refused_until_they_are_rebuilt_and_queries_follow_the_switch(
    database: Database, keyring: KeyRing, world: World
) -> None:
    world.grow(200)
    prepare(database, [roster()])
    feed(Runner(roster(), database, keyring), world)
    wider = PeriodTable(
        "notes", "alpha", [Column("note", Text), Column("noted_by", Text), Column("division_code", Text)]
    )
    folds = dict(FOLDS)
    folds.update({cls: _onto(fold, wider) for cls, fold in FOLDS.items() if cls.__name__ == "Noted"})
    changed = Projection("roster", (ENROLMENTS, wider, PAYMENTS), folds)
    with pytest.raises(BuildOutdated):
        prepare(database, [changed])
    with database.reading(Scope(division="46"), "roster") as connection:
        before = driver(connection).execute("SELECT count(*) FROM enrolments").fetchone()
    rebuilt = rebuild(changed, database, keyring, given(world))
    assert rebuilt.switched and rebuilt.parity.equal is None
    assert rebuilt.parity.rows["enrolments"][0] == rebuilt.parity.rows["enrolments"][1]
    prepare(database, [changed])
    with database.reading(Scope(division="46"), "roster") as connection:
        assert driver(connection).execute("SELECT count(*) FROM enrolments").fetchone() == before
        row = driver(connection).execute("SELECT count(*) FROM notes WHERE division_code = '460107'").fetchone()
    assert row is not None and row[0] > 0


def _onto(fold: Any, table: PeriodTable) -> Any:
    def folded(event: Any) -> Any:
        for assertion in fold(event):
            if assertion.table is NOTES:
                yield assertion._replace(table=table, values={**assertion.values, "division_code": "460107"})
            else:
                yield assertion

    return folded

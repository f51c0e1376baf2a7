"""The archive on a real database: takes each event once, and names the first one that is not what it should be."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest

from services.audit import app, archived
from services.audit.archive import Arrived, Taken, note_head, take
from shared.database.database import driver
from shared.eventsourcing.event import Logged
from shared.hosting.service import Service
from shared.messaging.codec import Envelope
from tests.services.audit.test_domain import SOURCE, a_log
from tests.services.installation import Installation


@pytest.fixture(scope="module")
def built(postgres: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    installation = Installation(postgres, Path(tmp_path_factory.mktemp("audit")))
    yield installation.start(app.build(installation.settings("audit"), {}))
    installation.close()


@pytest.fixture
def audit(built: Service) -> Service:
    with built.database.owner() as connection:
        raw = driver(connection)
        raw.execute("ALTER TABLE archive DISABLE TRIGGER USER")
        raw.execute("ALTER TABLE alarms DISABLE TRIGGER USER")
        raw.execute("TRUNCATE archive, alarms, archive_heads, archive_partitions")
        raw.execute("ALTER TABLE archive ENABLE TRIGGER USER")
        raw.execute("ALTER TABLE alarms ENABLE TRIGGER USER")
    return built


def chain(log: list[Logged], partition: int = 0, partitions: int = 1) -> list[Arrived]:
    arrived: list[Arrived] = []
    last = 0
    for logged in log:
        if logged.log_index % partitions == partition:
            arrived.append(Arrived(len(arrived), Envelope(logged, last, None)))
            last = logged.log_index
    return arrived


def give(audit: Service, arrived: list[Arrived], partition: int = 0) -> Taken:
    with audit.database.working() as connection:
        return take(driver(connection), SOURCE, partition, arrived)


def alarms(audit: Service) -> list[tuple[str, int]]:
    with audit.database.working() as connection:
        rows = driver(connection).execute("SELECT kind, log_index FROM alarms ORDER BY id").fetchall()
    return [(kind, index) for kind, index in rows]


def kept(audit: Service) -> list[Logged]:
    with audit.database.working() as connection:
        return archived.log_page(driver(connection), "registry", 0, 10_000)


@pytest.mark.parametrize("seed", range(3))
def test_partitions_in_any_interleaving_with_repeats_give_the_log_once(audit: Service, seed: int) -> None:
    chance, log = random.Random(seed), a_log(60)
    queues = {partition: chain(log, partition, 4) for partition in range(4)}
    position = dict.fromkeys(queues, 0)
    while any(position[p] < len(queues[p]) for p in queues):
        partition = chance.choice([p for p in queues if position[p] < len(queues[p])])
        start = max(0, position[partition] - chance.randrange(3))
        end = min(len(queues[partition]), position[partition] + chance.randrange(1, 5))
        assert not give(audit, queues[partition][start:end], partition).gap
        position[partition] = end
    assert kept(audit) == log
    assert alarms(audit) == []


def test_an_altered_record_raises_one_alarm_with_its_index(audit: Service) -> None:
    log = a_log(20)
    log[11] = log[11]._replace(event=log[11].event._replace(data=b'{"n":0}'))
    for _ in range(2):
        give(audit, chain(log))
    assert alarms(audit)[0] == ("wrong_leaf", 12)


def test_a_gap_is_not_taken_and_is_filled_later(audit: Service) -> None:
    log = chain(a_log(20))
    assert give(audit, log[:8]) == Taken(8, False)
    assert give(audit, log[10:]) == Taken(0, True)
    assert give(audit, log[6:]) == Taken(12, False)
    assert len(kept(audit)) == 20
    with audit.database.working() as connection:
        assert archived.alarms_within(driver(connection), {"registry": 20}) == []  # the gap was filled


def test_a_topic_that_tells_another_history_than_before_is_found_out(audit: Service) -> None:
    log = a_log(20)
    give(audit, chain(log))
    other = a_log(20)
    forged = other[4]._replace(event=other[4].event._replace(principal="forger"))
    other[4] = forged._replace(leaf=bytes(32))
    give(audit, chain(other))
    assert alarms(audit) == [("rewritten", 5)]
    assert kept(audit) == log


def test_an_index_that_comes_again_on_another_partition_is_found_out(audit: Service) -> None:
    log = a_log(3)
    give(audit, chain(log))
    forged = a_log(4)[1]
    forged = forged._replace(event=forged.event._replace(principal="forger"))
    assert not give(audit, [Arrived(0, Envelope(forged, 0, None))], partition=1).gap
    assert ("rewritten", 2) in alarms(audit)


def test_an_unreadable_record_is_an_alarm_and_stops_nothing(audit: Service) -> None:
    log = chain(a_log(5))
    give(audit, [*log[:2], Arrived(2, None, "the record lacks the header ce_id"), *log[2:]])
    assert alarms(audit) == [("unreadable", 0)]
    assert len(kept(audit)) == 5


def test_a_log_is_closed_only_when_everything_told_of_has_arrived(audit: Service) -> None:
    log = a_log(10)
    closed = log[-1].recorded_at + timedelta(seconds=1)
    give(audit, chain(log)[:6])

    def head() -> archived.Head:
        with audit.database.working() as connection:
            return archived.heads(driver(connection), ["registry"])[0]

    with audit.database.working() as connection:
        note_head(driver(connection), "registry", 10, closed)
    assert head() == archived.Head("registry", 10, 6, None)
    give(audit, chain(log))
    assert head() == archived.Head("registry", 10, 10, closed)
    with audit.database.working() as connection:
        note_head(driver(connection), "registry", 4, closed - timedelta(hours=1))  # an old word, told again
    assert head() == archived.Head("registry", 10, 10, closed)


@pytest.mark.parametrize("table", ["archive", "alarms"])
@pytest.mark.parametrize("change", ["UPDATE {} SET log_index = 7", "DELETE FROM {}", "TRUNCATE {}"])
def test_nobody_changes_the_archive(audit: Service, table: str, change: str) -> None:
    give(audit, chain(a_log(2)))
    for door in (audit.database.working, audit.database.owner):
        with pytest.raises(psycopg.errors.InsufficientPrivilege), door() as connection:
            driver(connection).execute(change.format(table).encode())

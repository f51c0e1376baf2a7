"""What leaves the archive is what was archived, and whatever somebody altered in it is named by its index."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import uuid4

import psycopg
import pytest

from services.audit import verified
from services.audit.archive import store
from services.audit.errors import ArchiveDoubtful
from services.audit.tables import STEPS
from services.audit.verified import verified_events
from shared.database.database import Database, driver
from shared.eventsourcing.event import Logged, leaf_hash
from shared.keys.keyring import KeyRing
from tests.shared.messaging.world import World, roster

FOLDED = roster().by_type
Raw = psycopg.Connection[Any]


@pytest.fixture
def world(postgres: Any) -> Iterator[World]:
    ring = KeyRing(postgres.dsn(), bytes(range(32)), name=f"keys_{uuid.uuid4().hex[:10]}")
    ring.prepare()
    made = World(ring)
    made.grow(120)
    alpha = made.logs["alpha"]
    for place in (3, 40):  # some have a cause, and a principal that is not ASCII
        logged = alpha[place]
        event = logged.event._replace(
            cause_id=uuid4(), cause_recorded_at=logged.recorded_at - timedelta(days=9_999), principal="王老师"
        )
        leaf = leaf_hash(logged.source, logged.log_index, logged.recorded_at, event)
        alpha[place] = logged._replace(leaf=leaf, event=event)
    yield made
    ring.close()


@pytest.fixture
def raw(postgres: Any, world: World) -> Iterator[Raw]:
    database = Database("audit", postgres.dsn(), name=f"audit_{uuid.uuid4().hex[:10]}")
    database.prepare(STEPS)
    with database.owner() as connection:
        for service, log in world.logs.items():
            store(driver(connection), service, log)
        driver(connection).execute("ALTER TABLE archive DISABLE TRIGGER USER")
        yield driver(connection)
        connection.rollback()
    database.close()


def read(raw: Raw, world: World, after: dict[str, int] | None = None) -> list[Logged]:
    return list(verified_events(raw, {name: len(log) for name, log in world.logs.items()}, FOLDED, after))


def test_every_folded_event_comes_out_as_it_was_archived(
    raw: Raw, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = [each for log in world.logs.values() for each in log if each.event.type in FOLDED]
    assert read(raw, world) == expected
    monkeypatch.setattr(verified, "PAGE_EVENTS", 7)
    assert read(raw, world) == expected
    later = [each for each in expected if each.log_index > {"alpha": 30, "beta": 5}[each.service]]
    assert read(raw, world, {"alpha": 30, "beta": 5}) == later
    assert list(verified_events(raw, {"alpha": 50}, ())) == []


@pytest.mark.parametrize(
    "change",
    [
        "principal = 'forger'",
        "data = data || ' '",
        "recorded_at = recorded_at + interval '1 microsecond'",
        "effective_on = effective_on + 1",
        "version = version + 1",
        "leaf = sha256('other')",
        "cause_id = event_id",
        "type = 'alpha.Ignored.v1'",  # hidden from whoever folds it
        "type = 'alpha.Moved.v1'",  # shown to whoever folds it
    ],
)
def test_an_altered_event_is_named_whether_anybody_folds_it_or_not(raw: Raw, world: World, change: str) -> None:
    alpha = world.logs["alpha"]
    for index in (
        next(each.log_index for each in alpha if each.event.type == "alpha.Ignored.v1"),
        next(each.log_index for each in alpha if each.event.type == "alpha.Enrolled.v1"),
    ):
        if f"type = '{alpha[index - 1].event.type}'" == change:
            continue
        raw.execute("SAVEPOINT whole")
        raw.execute(f"UPDATE archive SET {change} WHERE service = 'alpha' AND log_index = {index}".encode())
        with pytest.raises(ArchiveDoubtful) as refused:
            read(raw, world)
        assert refused.value.facts == {"service": "alpha", "log_index": index, "kind": "wrong_leaf"}
        raw.execute("ROLLBACK TO whole")


def test_a_removed_event_is_named_also_the_last(raw: Raw, world: World) -> None:
    for service, log in world.logs.items():
        for index in (1, 17, len(log)):
            raw.execute("SAVEPOINT whole")
            raw.execute("DELETE FROM archive WHERE service = %s AND log_index = %s", (service, index))
            with pytest.raises(ArchiveDoubtful) as refused:
                read(raw, world)
            assert refused.value.facts == {"service": service, "log_index": index, "kind": "missing"}
            raw.execute("ROLLBACK TO whole")

"""A replay from a snapshot ends with the very rows of one from the first event; what must not be used is not."""

from __future__ import annotations

import itertools
import threading
import time
import uuid
from collections.abc import Iterator
from datetime import timedelta
from typing import Any, NamedTuple

import msgspec
import psycopg
import pytest

from services.audit import archived
from services.audit.archive import note_head, store
from services.audit.errors import ArchiveDoubtful
from services.audit.proofs.archive_tree import nodes_of
from services.audit.replays.folding import folded, schema_of
from services.audit.snapshots.beginning import Beginning
from services.audit.snapshots.heads import Head
from services.audit.snapshots.shelf import Shelf
from services.audit.snapshots.snapshotter import Snapshotter
from services.audit.tables import STEPS
from shared.database.database import Database, driver
from shared.eventsourcing.event import leaf_hash
from shared.keys.keyring import KeyRing
from shared.messaging import scratch
from shared.messaging.hashing import projection_hash
from tests.shared.messaging.test_replay import with_poison
from tests.shared.messaging.world import BROKEN, START, World, roster

EVERY = 120
ROSTER = roster()
Raw = psycopg.Connection[Any]


class Found(NamedTuple):
    """What a replay gave: the hash of all rows, what was left out, where it began."""

    rows: str
    left_out: tuple[tuple[str, int], ...]
    began: Beginning

    @property
    def result(self) -> tuple[str, tuple[tuple[str, int], ...]]:
        return self.rows, self.left_out


@pytest.fixture(scope="module")
def world(postgres: Any) -> Iterator[World]:
    ring = KeyRing(postgres.dsn(), bytes(range(32)), name=f"keys_{uuid.uuid4().hex[:10]}")
    ring.prepare()
    made = World(ring, seed=7)
    with_poison(made)
    yield made
    ring.close()


@pytest.fixture(scope="module")
def database(postgres: Any, world: World) -> Iterator[Database]:
    made = Database("audit", postgres.dsn(), name=f"audit_{uuid.uuid4().hex[:10]}")
    made.prepare(STEPS)
    with made.owner() as connection:
        raw = driver(connection)
        for service, log in world.logs.items():
            store(raw, service, log)
            note_head(raw, service, len(log), START + timedelta(days=1))
            while not nodes_of(raw, service).grow(len(log)):
                pass
        raw.execute("ALTER TABLE archive DISABLE TRIGGER USER")
        raw.execute("ALTER TABLE archive_nodes DISABLE TRIGGER USER")
    yield made
    made.close()


@pytest.fixture
def shelf(database: Database, world: World, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shelf]:
    monkeypatch.setattr(scratch, "_CHUNK_BYTES", 2_000)  # so that each table has several pieces
    monkeypatch.setitem(BROKEN, "school", "broken")
    made = Shelf(database, world.keyring, "this program")
    yield made
    with database.working() as connection:
        ids = [row[0] for row in driver(connection).execute("SELECT id FROM snapshots").fetchall()]
    made.drop(ids)
    with database.owner() as connection:
        driver(connection).execute("ALTER TABLE alarms DISABLE TRIGGER USER; DELETE FROM alarms")


def snapshots(shelf: Shelf, **options: Any) -> list[Head]:
    """Everything that is due, oldest first."""
    writer = Snapshotter(shelf, {ROSTER.name: ROSTER}, **{"every_events": EVERY, **options})
    written = []
    while (head := writer.write_next(ROSTER)) is not None:
        written.append(head)
    return written


def asked(
    database: Database, world: World, upto: dict[str, int], shelf: Shelf | None, altered: tuple[str, ...] = ()
) -> Found:
    """A replay; ``altered``: what somebody did to the database before it."""
    with database.owner() as connection:
        try:
            raw = driver(connection)
            for statement in altered:
                raw.execute(statement.encode())
            found = folded(connection, [ROSTER], upto, world.keyring, "asked", shelf)
            rows = projection_hash(connection, ROSTER, schema_of("asked", ROSTER.name))
            return Found(rows, found.left_out, found.began[ROSTER.name])
        finally:
            connection.rollback()


def cuts(world: World) -> list[dict[str, int]]:
    """Several moments, from early to the last, as indexes."""
    last = max(map(len, world.logs.values()))
    moments = [*range(20, last, 67), last]
    return [{name: min(moment, len(log)) for name, log in world.logs.items()} for moment in moments]


def whole(world: World) -> dict[str, int]:
    return {name: len(log) for name, log in world.logs.items()}


def test_a_replay_to_any_moment_gives_the_same_from_its_newest_snapshot_as_from_the_first_event(
    database: Database, world: World, shelf: Shelf
) -> None:
    written = snapshots(shelf)
    assert [head.events for head in written] == sorted({head.events for head in written})
    assert len(written) == sum(map(len, world.logs.values())) // EVERY
    used = set()
    for upto in cuts(world):
        plain, quick = asked(database, world, upto, None), asked(database, world, upto, shelf)
        assert quick.result == plain.result
        newest = max((head for head in written if head.within(upto)), key=lambda head: head.events, default=None)
        assert quick.began == (Beginning() if newest is None else Beginning(newest.id, newest.upto))
        used.add(quick.began.snapshot)
    assert used == {None, *(head.id for head in written)}
    assert any(index <= written[-1].upto[service] for service, index in plain.left_out)


def test_a_snapshot_is_due_after_so_many_events_that_are_complete_and_none_is_written_twice(
    database: Database, world: World, shelf: Shelf
) -> None:
    first, *_ = snapshots(shelf)
    assert EVERY <= first.events < EVERY + 2  # two logs may record in the same microsecond
    with database.working() as connection:
        assert first.upto == {
            name: archived.index_known_at(driver(connection), name, first.known_at) for name in world.logs
        }
    assert snapshots(shelf) == []
    shelf.drop([head.id for head in shelf.usable(ROSTER)])
    assert snapshots(shelf, every_events=0) == []
    with database.owner() as connection:
        driver(connection).execute("UPDATE archive_heads SET closed_until = %s", (first.known_at,))
    try:
        assert [head.upto for head in snapshots(shelf)] == [first.upto]
    finally:
        with database.owner() as connection:
            driver(connection).execute("UPDATE archive_heads SET closed_until = %s", (START + timedelta(days=1),))


def test_in_the_background_it_writes_what_is_due_and_drops_what_may_not_be_used(
    database: Database, world: World, shelf: Shelf
) -> None:
    old = snapshots(Shelf(database, world.keyring, "an older program"), every_events=200)
    stop = threading.Event()
    worker = threading.Thread(target=Snapshotter(shelf, {ROSTER.name: ROSTER}, 200).run, args=(stop,))
    worker.start()
    due = sum(map(len, world.logs.values())) // 200
    deadline = time.monotonic() + 20
    while len(shelf.usable(ROSTER)) < due and time.monotonic() < deadline:
        time.sleep(0.05)
    stop.set()
    worker.join()
    assert len(shelf.usable(ROSTER)) == due
    assert not {head.id for head in old} & set(shelf.unusable([]))


def test_no_more_are_kept_than_wanted_and_they_lie_far_apart(database: Database, world: World, shelf: Shelf) -> None:
    written = snapshots(shelf, every_events=60)
    Snapshotter(shelf, {ROSTER.name: ROSTER}, 60, 3).tidy()
    kept = sorted(shelf.usable(ROSTER), key=lambda head: head.events)
    assert len(kept) == 3 and kept[-1] == written[-1]
    ends = [0, *(head.events for head in kept)]
    assert max(later - earlier for earlier, later in itertools.pairwise(ends)) <= ends[-1] / 3 * 2


def test_after_an_erasure_no_snapshot_of_before_is_used_and_its_key_is_destroyed(
    database: Database, world: World, shelf: Shelf
) -> None:
    before = snapshots(shelf)
    upto = whole(world)
    named = asked(database, world, upto, shelf)
    world.keyring.erase(world.student(3))
    assert shelf.usable(ROSTER) == []
    anew = asked(database, world, upto, shelf)
    assert anew.began == Beginning()
    assert anew.rows != named.rows
    writer = Snapshotter(shelf, {ROSTER.name: ROSTER}, EVERY)
    writer.tidy()
    assert world.keyring.keys([head.id for head in before]) == {}
    with database.working() as connection:
        assert driver(connection).execute("SELECT count(*) FROM snapshot_pieces").fetchone() == (0,)
    after = snapshots(shelf)
    again = asked(database, world, upto, shelf)
    assert again.result == anew.result
    assert again.began.snapshot == after[-1].id
    writer.tidy()
    assert shelf.usable(ROSTER)[0] == after[-1]  # a key that is no person's was destroyed: that is no erasure


def test_snapshots_of_another_program_are_not_used(database: Database, world: World, shelf: Shelf) -> None:
    written = snapshots(shelf)
    other = Shelf(database, world.keyring, "another program")
    assert asked(database, world, whole(world), other).began == Beginning()
    assert sorted(other.unusable([ROSTER])) == sorted(head.id for head in written)
    assert other.unusable([]) == other.unusable([ROSTER])
    fewer = roster()
    object.__setattr__(fewer, "folds", dict(list(fewer.folds.items())[:-2]))
    assert shelf.usable(fewer) == []


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ("UPDATE snapshot_pieces SET sealed = set_byte(sealed, 40, get_byte(sealed, 40) # 1) WHERE place = 1", "open"),
        ("UPDATE snapshot_pieces SET sealed = substr(sealed, 1, length(sealed) - 1) WHERE place = 0", "open"),
        ("UPDATE snapshot_pieces p SET sealed = o.sealed FROM snapshot_pieces o WHERE p.snapshot = o.snapshot"
         " AND (p.place, o.place) IN ((0, 1), (1, 0))", "open"),
        ("UPDATE snapshot_pieces p SET sealed = o.sealed FROM snapshot_pieces o WHERE p.place = o.place"
         " AND p.place = 0 AND p.snapshot <> o.snapshot", "open"),
        ("DELETE FROM snapshot_pieces p WHERE place ="
         " (SELECT max(place) FROM snapshot_pieces o WHERE o.snapshot = p.snapshot)", "missing"),
        ("DELETE FROM snapshot_pieces WHERE place = 1", "missing"),
        ("DELETE FROM snapshot_pieces", "no pieces"),
        ("UPDATE snapshots SET head = convert_to(regexp_replace(convert_from(head, 'UTF8'),"
         " '\"known_at\":\"[^\"]*\"', '\"known_at\":\"2020-01-01T00:00:00Z\"'), 'UTF8')", "open"),
    ],
)  # fmt: skip
def test_a_snapshot_that_somebody_touched_is_refused_by_name_and_the_replay_begins_at_the_first_event(
    database: Database, world: World, shelf: Shelf, change: str, reason: str
) -> None:
    upto = whole(world)
    plain = asked(database, world, upto, None)
    snapshots(shelf, every_events=200)
    with database.owner() as connection:
        driver(connection).execute(change.encode())
    found = asked(database, world, upto, shelf)
    assert found.result == plain.result
    assert found.began.snapshot is None
    assert found.began.refused is not None and reason in found.began.refused
    refused = uuid.UUID(found.began.refused.split()[1].rstrip(":"))
    assert refused not in {head.id for head in shelf.usable(ROSTER)}
    assert refused in shelf.unusable([ROSTER])
    with database.working() as connection:
        alarms = archived.alarms_within(driver(connection), upto)
        told = driver(connection).execute("SELECT detail FROM alarms WHERE kind = 'snapshot_touched'").fetchall()
    assert alarms == []  # no replay waits for somebody to look into it
    assert (found.began.refused,) in told


@pytest.mark.parametrize(
    "head",
    [
        "convert_to('{', 'UTF8')",
        "convert_to(replace(convert_from(s.head, 'UTF8'), s.id::text, o.id::text), 'UTF8')",
        "convert_to(replace(convert_from(s.head, 'UTF8'), 'roster', 'other'), 'UTF8')",
    ],
)
def test_a_head_that_is_not_a_snapshots_own_is_refused(
    database: Database, world: World, shelf: Shelf, head: str
) -> None:
    snapshots(shelf, every_events=200)
    with database.owner() as connection:
        change = f"UPDATE snapshots s SET head = {head} FROM snapshots o WHERE o.id <> s.id"
        driver(connection).execute(change.encode())
    assert shelf.usable(ROSTER) == []
    with database.working() as connection:
        told = driver(connection).execute("SELECT DISTINCT refused FROM snapshots").fetchall()
    assert told == [("its head is not its own",)]


def test_a_head_that_says_less_than_was_sealed_is_refused(database: Database, world: World, shelf: Shelf) -> None:
    """Whoever lowers the indexes would have later events told as known before."""
    head = snapshots(shelf)[-1]
    shown = {service: index - 5 for service, index in head.upto.items()}
    lower = {name: msgspec.structs.replace(part, log_index=shown[name]) for name, part in head.logs.items()}
    forged = msgspec.structs.replace(head, logs=lower)
    with database.owner() as connection:
        driver(connection).execute("UPDATE snapshots SET head = %s WHERE id = %s", (forged.encoded(), head.id))
    found = asked(database, world, shown, shelf)
    assert found.result == asked(database, world, shown, None).result
    assert found.began.refused is not None and str(head.id) in found.began.refused


def rewritten(world: World, service: str, index: int) -> str:
    """An event altered with a leaf that fits it: what whoever owns the archive can do."""
    logged = world.logs[service][index - 1]
    event = logged.event._replace(principal="forger")
    leaf = leaf_hash(logged.source, logged.log_index, logged.recorded_at, event)
    return (
        f"UPDATE archive SET principal = 'forger', leaf = '\\x{leaf.hex()}'"
        f" WHERE service = '{service}' AND log_index = {index}"
    )


def test_an_old_event_that_was_altered_changes_no_answer_from_a_snapshot_and_is_found_from_the_first_event(
    database: Database, world: World, shelf: Shelf
) -> None:
    newest, upto = snapshots(shelf)[-1], whole(world)
    plain, change = asked(database, world, upto, None), rewritten(world, "alpha", 11)
    quick = asked(database, world, upto, shelf, (change,))
    assert (quick.result, quick.began.snapshot) == (plain.result, newest.id)
    with pytest.raises(ArchiveDoubtful) as refused:
        asked(database, world, upto, None, (change,))
    assert refused.value.facts == {"service": "alpha", "log_index": 1, "kind": "archive_differs"}


def test_whoever_alters_an_old_event_and_its_nodes_has_the_snapshot_refused_and_is_named(
    database: Database, world: World, shelf: Shelf
) -> None:
    newest, upto = snapshots(shelf)[-1], whole(world)
    nodes = "UPDATE archive_nodes SET hash = sha256('other') WHERE log = 'alpha' AND place = 0"
    with pytest.raises(ArchiveDoubtful) as refused:
        asked(database, world, upto, shelf, (rewritten(world, "alpha", 11), nodes))
    assert refused.value.facts == {"service": "alpha", "log_index": 1, "kind": "archive_differs"}
    assert newest.id in shelf.unusable([ROSTER])


def test_an_altered_event_behind_the_snapshot_is_named(database: Database, world: World, shelf: Shelf) -> None:
    upto = whole(world)
    snapshots(shelf, every_events=200)
    changed = rewritten(world, "alpha", 256)
    before = [head for head in shelf.usable(ROSTER) if head.upto["alpha"] < 256]
    shelf.drop([head.id for head in shelf.usable(ROSTER) if head not in before])
    with pytest.raises(ArchiveDoubtful) as refused:
        asked(database, world, upto, shelf, (changed,))
    assert refused.value.facts == {"service": "alpha", "log_index": 1, "kind": "archive_differs"}
    assert before
    plain = "UPDATE archive SET principal = 'forger' WHERE service = 'alpha' AND log_index = 290"
    with pytest.raises(ArchiveDoubtful) as named:
        asked(database, world, upto, shelf, (plain,))
    assert named.value.facts == {"service": "alpha", "log_index": 290, "kind": "wrong_leaf"}


def test_a_snapshot_that_does_not_lead_to_what_was_cosigned_is_refused(
    database: Database, world: World, shelf: Shelf
) -> None:
    newest, upto = snapshots(shelf)[-1], whole(world)
    cosigned = (
        "INSERT INTO cosignatures (service, size, root, note, cosigned_at)"
        f" VALUES ('alpha', {upto['alpha']}, sha256('another tree'), '', now())"
    )
    found = asked(database, world, upto, shelf, (cosigned,))
    assert found.began.refused == f"snapshot {newest.id}: the archive's tree does not lead to its root"
    assert found.result == asked(database, world, upto, None).result


def test_two_do_not_write_at_once_and_what_was_erased_meanwhile_stays_in_no_snapshot(
    database: Database, world: World, shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer = Snapshotter(shelf, {ROSTER.name: ROSTER}, EVERY)
    with database.owner() as connection:
        driver(connection).execute("SELECT pg_advisory_xact_lock(%s)", (0x536E617073686F74,))
        assert writer.write_next(ROSTER) is None
    wrote = shelf.write

    def erased_meanwhile(*given: Any) -> int:
        world.keyring.erase(world.student(5))
        return wrote(*given)

    monkeypatch.setattr(Shelf, "write", lambda _, *given: erased_meanwhile(*given))
    assert writer.write_next(ROSTER) is None
    with database.working() as connection:
        assert driver(connection).execute("SELECT count(*) FROM snapshots").fetchone() == (0,)

"""An intruder with the rights of a superuser alters the store, the archive, Kafka or a checkpoint: each is found, with
the first wrong index and the one that is wrong."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from services.audit import app
from services.audit.proofs.archive_tree import nodes_of
from services.audit.proofs.witnessing import Judge, note_checkpoint
from shared.database.database import driver
from shared.eventsourcing.event import Logged, leaf_hash
from shared.transparency.checkpointer import Checkpointer, own_nodes
from shared.transparency.checkpoints import Checkpoint, issue, opened, origin_of
from shared.transparency.notes import Signer
from tests.services.audit.proofs.witnessed import SERVICE, WITNESS, Witnessed, put_back, witnessed
from tests.services.installation import Installation
from tests.shared.transparency.a_log import NEW, OLD, signed_log
from tests.support.trial import SOURCE

EVENTS = 1_100  # five tiles, two blocks of the sweep
SIGNED = (600, EVENTS)


@pytest.fixture(scope="module")
def untouched(postgres: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Witnessed]:
    """A log of 1,100 events, archived and cosigned."""
    installation = Installation(postgres, Path(tmp_path_factory.mktemp("witness")))
    audit = installation.start(app.build(installation.settings("audit"), {}))
    with signed_log(postgres) as log:
        world = witnessed(log, audit)
        before = 0
        for size in SIGNED:
            while before < size:  # a command holds at most a thousand
                count = min(size - before, 500)
                log.grow(count)
                before += count
            note = log.sign().note
            have = len(world.rows("SELECT 1 FROM archive"))
            world.bring(world.entries()[have:])
            world.tell(note)
        yield world
    installation.close()


@pytest.fixture
def world(untouched: Witnessed) -> Iterator[Witnessed]:
    with put_back(untouched):
        yield untouched


def rounds(world: Witnessed) -> list[tuple[Any, ...]]:
    return world.rows("SELECT rounds, green, size, first_wrong, green_at = ended_at FROM comparison_days")


def test_an_untouched_log_is_cosigned_and_raises_nothing(world: Witnessed) -> None:
    world.sweep()
    assert world.alarms() == []
    assert rounds(world) == [(1, 1, EVENTS, None, True)]


def test_a_round_that_found_something_is_not_green_and_the_next_one_may_be(world: Witnessed) -> None:
    world.sweep()
    true = world.entries()[699].leaf
    for leaf, told in ((b"f" * 32, (2, 1, EVENTS, 700, False)), (true, (3, 2, EVENTS, 700, True))):
        with world.intruding("store") as raw:
            raw.execute("UPDATE log SET leaf = %s WHERE log_index = 700", (leaf,))
        world.sweep()
        assert rounds(world) == [told]
    notes = world.rows("SELECT size, note FROM cosignatures ORDER BY size")
    assert [size for size, _ in notes] == list(SIGNED)
    for _, note in notes:
        (by,) = opened(note, [NEW.verifier, WITNESS.verifier]).witnesses
        assert (by.verifier, by.moment) == (WITNESS.verifier, int(world.clock))


STORE = {
    "one byte": (
        "UPDATE events SET data = set_byte(data, 20, get_byte(data, 20) # 1) WHERE position ="
        " (SELECT position FROM log WHERE log_index = 777)",
        777,
    ),
    "an attribute": (
        "UPDATE events SET principal = 'forger' WHERE position = (SELECT position FROM log WHERE log_index = 1)",
        1,
    ),
    "a moment": ("UPDATE log SET recorded_at = recorded_at + interval '1 day' WHERE log_index = 1100", 1_100),
    "a leaf": ("UPDATE log SET leaf = sha256('forged') WHERE log_index = 257", 257),
    "an event removed": (
        "DELETE FROM events WHERE position = (SELECT position FROM log WHERE log_index = 1025)",
        1_025,
    ),
    "a place removed": ("DELETE FROM log WHERE log_index = 300", 300),
    "two swapped": (
        "CREATE TEMPORARY TABLE two AS SELECT * FROM log WHERE log_index IN (400, 900);"
        "DELETE FROM log WHERE log_index IN (400, 900);"
        "INSERT INTO log SELECT 1300 - log_index, position, recorded_at, leaf FROM two",
        400,
    ),
    "the tail cut": ("DELETE FROM log WHERE log_index > 1000; UPDATE sequencer_state SET head = 1000", 1_001),
}


@pytest.mark.parametrize("how", STORE)
def test_what_is_altered_in_the_store_is_found_at_its_index(world: Witnessed, how: str) -> None:
    statement, index = STORE[how]
    with world.intruding("store") as raw:
        raw.execute(statement.encode())
    world.sweep()
    assert world.alarms() == [("store_differs", index)]


ARCHIVE = {
    "one byte": ("UPDATE archive SET data = set_byte(data, 20, get_byte(data, 20) # 1) WHERE log_index = 777", 777),
    "an event removed": ("DELETE FROM archive WHERE log_index = 1025", 1_025),
    "two swapped": (
        "UPDATE archive a SET data = b.data, stream_id = b.stream_id, event_id = b.event_id, leaf = b.leaf"
        " FROM archive b WHERE (a.log_index, b.log_index) IN ((400, 900), (900, 400))",
        400,
    ),
    "the tail cut": ("DELETE FROM archive WHERE log_index > 1000", 1_001),
}


@pytest.mark.parametrize("how", ARCHIVE)
def test_what_is_altered_in_the_archive_is_found_at_its_index(world: Witnessed, how: str) -> None:
    statement, index = ARCHIVE[how]
    with world.intruding("archive") as raw:
        raw.execute(statement.encode())
    world.sweep()
    assert world.alarms() == [("archive_differs", index)]


def forged(logged: Logged) -> Logged:
    """Another event with a leaf that fits it: nothing about it alone is wrong."""
    event = logged.event._replace(principal="forger")
    return logged._replace(event=event, leaf=leaf_hash(SOURCE, logged.log_index, logged.recorded_at, event))


def rewrite_store(raw: psycopg.Connection[Any], events: list[Logged]) -> None:
    """The whole history with every hash made anew; nodes and checkpoints go, so that the service signs again."""
    with raw.cursor() as cursor:
        cursor.executemany(
            "UPDATE events SET principal = %s WHERE event_id = %s",
            [(each.event.principal, each.event.event_id) for each in events],
        )
        cursor.executemany("UPDATE log SET leaf = %s WHERE log_index = %s", [(e.leaf, e.log_index) for e in events])
    raw.execute("TRUNCATE log_nodes, log_checkpoints, log_keys")


def test_a_rewritten_history_with_all_its_hashes_is_found_by_comparing(world: Witnessed) -> None:
    with world.intruding("store") as raw:
        rewrite_store(raw, [forged(each) for each in world.entries()[4:]])
    world.sweep()
    assert world.alarms() == [("store_differs", 5)]


def test_a_rewritten_history_that_is_even_signed_again_is_a_fork_with_its_first_index(world: Witnessed) -> None:
    with world.intruding("store") as raw:
        rewrite_store(raw, [forged(each) for each in world.entries()[4:]])
    world.tell(world.log.sign().note)  # the service's own key, the same size, another root
    assert world.alarms() == [("fork", EVENTS), ("store_differs", 5)]
    assert [size for (size,) in world.rows("SELECT size FROM cosignatures ORDER BY size")] == list(SIGNED)


def test_a_rewritten_history_that_has_grown_meanwhile_is_not_cosigned(world: Witnessed) -> None:
    with world.intruding("store") as raw:
        rewrite_store(raw, [forged(each) for each in world.entries()[699:]])
    world.log.grow(3)
    note = world.log.sign().note
    world.bring(world.entries()[EVENTS:])
    world.tell(note)
    assert world.alarms() == [("store_differs", 700)]
    assert world.rows("SELECT max(size) FROM cosignatures") == [(EVENTS,)]


def test_an_archive_that_was_rewritten_with_all_its_hashes_is_found(world: Witnessed) -> None:
    events = [forged(each) for each in world.entries()[9:]]
    with world.intruding("archive") as raw:
        with raw.cursor() as cursor:
            cursor.executemany(
                "UPDATE archive SET principal = %s, leaf = %s WHERE log_index = %s",
                [(each.event.principal, each.leaf, each.log_index) for each in events],
            )
        raw.execute("TRUNCATE archive_nodes")
        nodes_of(raw, SERVICE).grow(EVENTS)
    world.sweep()
    assert world.alarms() == [("archive_differs", 10)]


def test_an_altered_record_with_a_fitting_leaf_does_not_lead_to_what_was_signed(world: Witnessed) -> None:
    world.log.grow(40)
    note = world.log.sign().note
    brought = world.entries()[EVENTS:]
    brought[16] = forged(brought[16])
    world.bring(brought)
    world.tell(note)
    assert world.alarms() == [("kafka_differs", EVENTS + 17)]


def test_an_altered_archive_does_not_lead_to_the_next_checkpoint(world: Witnessed) -> None:
    with world.intruding("archive") as raw:
        raw.execute("UPDATE archive SET version = version + 1 WHERE log_index = 1090")
    world.log.grow(5)
    world.bring(world.entries()[EVENTS:])
    world.tell(world.log.sign().note)
    assert world.alarms() == [("archive_differs", 1_090)]
    assert world.rows("SELECT max(size) FROM cosignatures") == [(EVENTS,)]


@pytest.mark.parametrize("statement", ["root = sha256('x')", "size = 1099", "note = replace(note, '1100', '1099')"])
def test_a_cosignature_that_was_altered_is_not_the_witnesss_word(world: Witnessed, statement: str) -> None:
    with world.intruding("archive") as raw:
        raw.execute(f"UPDATE cosignatures SET {statement} WHERE size = 1100".encode())
    world.tell(world.rows("SELECT note FROM told_checkpoints ORDER BY id LIMIT 1")[0][0])
    assert [kind for kind, _ in world.alarms()] == ["cosignature_differs"]


def test_a_witness_with_a_new_key_stands_by_what_it_signed_with_the_old_one(world: Witnessed) -> None:
    again = Signer(WITNESS.name, WITNESS.kind, b"v" * 32)
    world.log.grow(5)
    world.bring(world.entries()[EVENTS:])
    with world.audit.database.working() as connection:
        raw = driver(connection)
        note_checkpoint(raw, SOURCE, world.log.sign().note)
        assert Judge(SOURCE, [NEW.verifier, WITNESS.verifier], again).judge(raw) == []
    assert world.alarms() == []
    (note,) = world.rows("SELECT note FROM cosignatures WHERE size = 1105")[0]
    assert [each.verifier for each in opened(note, [NEW.verifier, again.verifier]).witnesses] == [again.verifier]


def test_a_record_that_kafka_lost_keeps_the_checkpoint_waiting(world: Witnessed) -> None:
    world.log.grow(40)
    note = world.log.sign().note
    brought = world.entries()[EVENTS:]
    world.bring(brought[:10] + brought[11:])
    world.tell(note)
    assert world.rows("SELECT max(size) FROM cosignatures") == [(EVENTS,)]
    world.bring(brought)
    world.tell(note)
    assert world.rows("SELECT max(size) FROM cosignatures") == [(EVENTS + 40,)]
    assert world.alarms() == [("missing", EVENTS + 11)]  # it was, for a while


def test_a_checkpoint_of_another_tree_than_store_and_kafka_hold_is_named(world: Witnessed) -> None:
    world.log.grow(5)
    world.bring(world.entries()[EVENTS:])
    with world.intruding("store") as raw:
        own_nodes(raw, "trial").grow(EVENTS + 5)
    for size in (EVENTS + 4, EVENTS + 5):  # the second one says nothing new
        world.tell(issue(Checkpoint(origin_of(SOURCE), size, b"x" * 32), [NEW]))
    assert world.alarms() == [("checkpoint_differs", EVENTS + 4)]


def test_a_checkpoint_without_a_good_signature_is_an_alarm_and_cosigned_by_nobody(world: Witnessed) -> None:
    world.log.grow(5)
    world.bring(world.entries()[EVENTS:])
    good = world.log.sign().note
    flipped = bytearray(base64.b64decode(good.split(" ")[-1]))
    flipped[-1] ^= 1
    for note in (
        issue(opened(good, [NEW.verifier]).checkpoint, [OLD]),
        good.replace(good.split(" ")[-1], base64.b64encode(flipped).decode() + "\n"),
        "not a note",
    ):
        with put_back(world):
            world.tell(note)
            assert [kind for kind, _ in world.alarms()] == ["bad_signature"]
            assert world.rows("SELECT max(size) FROM cosignatures") == [(EVENTS,)]
    world.tell(good)
    assert world.rows("SELECT max(size) FROM cosignatures") == [(EVENTS + 5,)]


def test_an_older_checkpoint_told_again_is_judged_and_changes_nothing(world: Witnessed) -> None:
    first = world.rows("SELECT note FROM told_checkpoints ORDER BY id LIMIT 1")[0][0]
    world.tell(first)
    assert world.alarms() == []
    altered = Checkpointer(world.log.trial.database, origin_of(SOURCE), [NEW])
    assert altered.tick()  # nothing new: nothing is signed
    assert altered.problem is None

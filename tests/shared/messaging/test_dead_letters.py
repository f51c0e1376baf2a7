"""Poison events: the stream waits, everything else moves on; repaired, the result is as if nothing had happened."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from shared.database.database import Database, driver
from shared.keys.keyring import KeyRing
from shared.messaging import deadletters
from shared.messaging.arrivals import read
from shared.messaging.builds import prepare
from shared.messaging.codec import encode
from shared.messaging.repair import LetterSettled, discard_dead_letter, replay_dead_letter
from shared.messaging.runner import Runner
from tests.shared.messaging.world import (
    BROKEN,
    FIRST_DAY,
    Moved,
    World,
    expected_days,
    live_schema,
    roster,
    shown_days,
)


class Wire:
    """A record as a client hands it over."""

    def __init__(self, offset: int, key: bytes | None, value: bytes | None, headers: list[tuple[str, bytes]]) -> None:
        self.offset, self.key, self.value, self.headers = offset, key, value, headers


def letters(database: Database) -> list[deadletters.Letter]:
    with database.working() as connection:
        return deadletters.open_letters(driver(connection))


def parked(database: Database) -> int:
    with database.working() as connection:
        row = driver(connection).execute("SELECT count(*) FROM parked_streams").fetchone()
    assert row is not None
    return int(row[0])


def shown(database: Database) -> Any:
    with database.working() as connection:
        return shown_days(connection, live_schema(database))


def apply_all(runner: Runner, world: World, size: int = 50) -> None:
    for service in world.logs:
        for partition, arrivals in world.arrivals(service).items():
            for start in range(0, len(arrivals), size):
                runner.apply(service, partition, arrivals[start : start + size])


def test_a_fold_that_fails_parks_its_stream_and_after_the_repair_nothing_is_missing(
    database: Database, keyring: KeyRing, world: World
) -> None:
    world.grow(200)
    world.add("alpha", world.student(1), FIRST_DAY, Moved(school="broken"))
    world.grow(200)
    prepare(database, [roster()])
    runner = Runner(roster(), database, keyring)
    BROKEN["school"] = "broken"
    apply_all(runner, world)
    found = letters(database)
    assert [letter.state for letter in found][:1] == ["poison"]
    assert {letter.state for letter in found[1:]} == {"queued"}
    assert {letter.stream_id for letter in found} == {world.student(1)}
    assert parked(database) == 1
    assert found[0].error_kind == "ValueError" and "world.py" in (found[0].error_place or "")
    with database.working() as connection:
        sealed = deadletters.unsealed(driver(connection), keyring, found[0].id)
        row = driver(connection).execute("SELECT sealed FROM dead_letters WHERE id = %s", (found[0].id,)).fetchone()
    assert "a school nobody knows" in sealed.error and sealed.value == b'{"school":"broken"}'
    assert row is not None and b"school" not in bytes(row[0])

    still = replay_dead_letter(runner, found[0].id, by="tester")
    assert still.applied == 0 and still.error_kind == "ValueError" and parked(database) == 1
    BROKEN.clear()
    repaired = replay_dead_letter(runner, found[0].id, by="tester")
    assert repaired.applied == len(found) and repaired.stopped_at is None
    assert letters(database) == [] and parked(database) == 0
    assert shown(database) == expected_days(world)
    with pytest.raises(LetterSettled):
        replay_dead_letter(runner, found[0].id, by="tester")


def test_a_value_no_column_can_hold_is_poison_whatever_shares_its_batch(
    database: Database, keyring: KeyRing, world: World
) -> None:
    world.add("alpha", world.student(2), FIRST_DAY, Moved(school="nul\x00byte"))
    world.add("alpha", world.student(2), FIRST_DAY, Moved(school="after"))
    prepare(database, [roster()])
    apply_all(Runner(roster(), database, keyring), world)
    assert [(letter.state, letter.error_kind) for letter in letters(database)] == [
        ("poison", "ValueError"),
        ("queued", None),
    ]


def test_an_event_that_fails_in_the_database_is_found_among_its_batch(
    database: Database, keyring: KeyRing, world: World
) -> None:
    world.grow(150)
    poison = world.add("alpha", world.student(2), FIRST_DAY, Moved(school="S1"))
    followers = [world.add("alpha", world.student(2), FIRST_DAY, Moved(school="S2")) for _ in range(2)]
    world.grow(150)
    effects: list[int] = []
    broken = [True]

    def after(connection: Any, events: Any, changes: Any) -> None:
        mine = [event.logged.log_index for event in events if event.service == "alpha"]
        if broken and poison.log_index in mine:
            connection.exec_driver_sql("SELECT 1 / 0")
        connection.exec_driver_sql("SELECT 1")
        effects.extend(mine)

    projection = roster(after=after)
    prepare(database, [projection])
    runner = Runner(projection, database, keyring)
    apply_all(runner, world, size=400)
    found = letters(database)
    assert (found[0].state, found[0].log_index) == ("poison", poison.log_index)
    assert {letter.stream_id for letter in found} == {world.student(2)} and len(found) > len(followers)
    broken.clear()
    assert replay_dead_letter(runner, found[0].id, by="tester").applied == len(found)
    assert parked(database) == 0
    assert shown(database) == expected_days(world)
    folded = {e.log_index for e in world.logs["alpha"] if e.event.type != "alpha.Ignored.v1"}
    assert folded <= set(effects)


def test_a_discarded_letter_frees_its_stream_only_when_no_other_waits(
    database: Database, keyring: KeyRing, world: World
) -> None:
    poison = world.add("alpha", world.student(2), FIRST_DAY, Moved(school="broken"))
    world.add("alpha", world.student(2), FIRST_DAY, Moved(school="S2"))
    prepare(database, [roster()])
    runner = Runner(roster(), database, keyring)
    BROKEN["school"] = "broken"
    apply_all(runner, world)
    first, second = letters(database)
    discard_dead_letter(runner, first.id, by="tester", reason="the source was corrected")
    assert parked(database) == 1
    assert replay_dead_letter(runner, second.id, by="tester").applied == 1
    assert parked(database) == 0
    del world.facts["alpha"][poison.log_index - 1]
    assert shown(database) == expected_days(world)


@pytest.mark.parametrize("damage", ["value", "type", "version", "foreign"])
def test_a_record_that_cannot_be_read_becomes_a_letter_and_the_partition_moves_on(
    database: Database, keyring: KeyRing, world: World, damage: str
) -> None:
    world.grow(300)
    prepare(database, [roster()])
    runner = Runner(roster(), database, keyring)
    partition, envelopes = 1, world.envelopes("alpha")[1]
    wires = [Wire(offset, *encode(*envelope)) for offset, envelope in enumerate(envelopes)]
    victim = next(i for i, e in enumerate(envelopes) if i > 5 and e.logged.event.type == "alpha.Enrolled.v1")
    if damage == "value":
        wires[victim].value = b"\xff not json"
    elif damage == "type":
        wires[victim].value = b'{"school": 5}'
    elif damage == "version":
        wires[victim].headers = [(n, b"x" if n == "ce_streamversion" else v) for n, v in wires[victim].headers]
    else:
        wires.insert(victim, Wire(9_999, b"k", b"v", [("hello", b"world")]))
    applied = runner.apply("alpha", partition, [read(wire) for wire in wires])
    assert applied.gap is None and applied.last_log_index == envelopes[-1].logged.log_index
    assert applied.poisoned == 1
    found = [letter for letter in letters(database) if letter.state == "poison"]
    assert len(found) == 1
    stream: UUID | None = None if damage == "foreign" else envelopes[victim].logged.event.stream_id
    assert found[0].stream_id == stream
    with database.working() as connection:
        assert deadletters.unsealed(driver(connection), keyring, found[0].id).value == wires[victim].value


def test_a_projection_that_feeds_money_halts_its_partition_and_says_so(
    database: Database, keyring: KeyRing, world: World
) -> None:
    world.grow(200)
    poison = world.add("alpha", world.student(1), FIRST_DAY, Moved(school="broken"))
    world.grow(200)
    projection = roster(halts=True)
    prepare(database, [projection])
    runner = Runner(projection, database, keyring)
    BROKEN["school"] = "broken"
    apply_all(runner, world, size=1_000)
    halted = [(p, c) for p in range(4) if (c := runner.checkpoint("alpha", p)) is not None and c.halted]
    assert len(halted) == 1
    partition, standing = halted[0]
    assert standing.last_log_index < poison.log_index and f"#{poison.log_index}" in str(standing.halted)
    assert runner.apply("alpha", partition, world.arrivals("alpha")[partition]).halted == standing.halted
    BROKEN.clear()
    replay_dead_letter(runner, letters(database)[0].id, by="tester")
    apply_all(runner, world)
    assert letters(database) == []
    assert shown(database) == expected_days(world)


def test_a_halted_partition_goes_on_after_its_event_is_discarded_for_a_reason(
    database: Database, keyring: KeyRing, world: World
) -> None:
    world.grow(100)
    poison = world.add("alpha", world.student(1), FIRST_DAY, Moved(school="broken"))
    world.grow(100)
    projection = roster(halts=True)
    prepare(database, [projection])
    runner = Runner(projection, database, keyring)
    BROKEN["school"] = "broken"
    apply_all(runner, world)
    with pytest.raises(ValueError, match="reason"):
        discard_dead_letter(runner, letters(database)[0].id, by="tester", reason=" ")
    discard_dead_letter(runner, letters(database)[0].id, by="tester", reason="recorded twice, by hand")
    apply_all(runner, world)
    del world.facts["alpha"][poison.log_index - 1 : poison.log_index]
    # the oracle counts places in the log; only their order matters
    assert shown(database) == expected_days(world)

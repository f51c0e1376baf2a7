"""Several deciders on one database: what one of them read before it waited for another never decides a row."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest
from msgspec.structs import replace

from services.matching import deciding, taking
from services.matching.index_rows import listed_rows
from services.matching.projections import ROSTER_VIEW
from services.registry.events import EntryPersonal, ListEntryCorrected, StudentLeft
from shared.database.database import driver
from shared.messaging.rebuild import rebuild
from shared.messaging.supply import GivenSupply
from tests.services.installation import PARTITIONS, Installation
from tests.services.matching.test_deciding import (
    SINCE,
    Happening,
    Matching,
    county,
    happen,
    listed,
    matching_of,
    number,
    settle,
    shuffled,
    student,
)

DECIDERS = 3
WAIT_SECONDS = 8.0
IDLE_SECONDS = 0.02
# Rows are locked in the order of their last bits; a day's pages follow the whole id. The first row is locked before the
# second, and comes on a later page.
FIRST, SECOND = UUID(int=2 << 120 | 100), UUID(int=1 << 120 | 900)
CHILD, OWNER = UUID(int=3 << 120), UUID(int=4 << 120)
LAST_BIRTHDAY = date(2001, 11, 25)  # of aid age on the day the tests begin, no longer on the next
NEXT_DAY = date(2026, 11, 25)
LATER = SINCE + timedelta(days=1)
NAME, OWN = "林小燕", number(date(2015, 3, 4), 7)


@pytest.fixture
def matching(installation: Installation) -> Matching:
    """Two rows of one name and different numbers that are no student's, and a child of that name just enrolled."""
    made = matching_of(installation)
    rows = [listed(FIRST, NAME, number(LAST_BIRTHDAY, 1)), listed(SECOND, NAME, number(LAST_BIRTHDAY, 3))]
    happen(installation, [*rows, student(OWNER, NAME, OWN)])
    settle(installation, made)
    assert {row[0] for row in made.decisions().values()} == {"not_in_register"}
    happen(installation, [student(CHILD, NAME, number(date(2015, 3, 4), 5))])
    installation.pump()
    return made


@contextmanager
def delayed(matching: Matching) -> Iterator[Future[deciding.Progress]]:
    """A decider that has taken the child's work, both rows, and waits for the first one until the block ends."""
    with ThreadPoolExecutor(1) as pool:
        with matching.service.database.working() as connection:
            deciding.hold_rows(driver(connection), [FIRST])
            late = pool.submit(matching.deciding.decide_some)
            _until_it_waits(matching)
            yield late
        assert late.result(WAIT_SECONDS)


def _until_it_waits(matching: Matching) -> None:
    deadline = time.monotonic() + WAIT_SECONDS
    with matching.service.database.working() as connection:
        raw = driver(connection)
        waiting = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted AND classid = %s"
        while raw.execute(waiting, (deciding.LOCK_CLASS,)).fetchall() == [(0,)]:
            assert time.monotonic() < deadline, "the decider never waited"
            time.sleep(0.02)


def test_a_decider_that_waited_overnight_decides_on_the_new_day(
    installation: Installation, matching: Matching, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(taking, "DAY_ROWS", 1)
    with delayed(matching):
        installation.open_day(matching.service, NEXT_DAY)
        installation.pump()
        assert matching.deciding.decide_some()
        assert matching.decisions()[SECOND][0] == "out_of_age"
    settle(installation, matching)
    assert {entry: row[0] for entry, row in matching.decisions().items()} == {
        FIRST: "out_of_age",
        SECOND: "out_of_age",
    }


def test_a_decider_that_waited_through_a_rebuild_reads_the_new_tables(
    installation: Installation, matching: Matching
) -> None:
    corrected = listed(SECOND, NAME, OWN).fact
    fields = {name: getattr(corrected, name) for name in corrected.__struct_fields__}
    with delayed(matching):
        database = matching.service.database
        logs = {name: [entry.logged for entry in installation.entries(name)] for name in ROSTER_VIEW.logs}
        assert rebuild(ROSTER_VIEW, database, installation.keyring, GivenSupply(logs, PARTITIONS)).switched
        for runner in installation.runners:
            runner.forget_build()
        happen(installation, [Happening(SECOND, ListEntryCorrected(**fields), SINCE)])
        installation.pump()
        assert matching.deciding.decide_some()
        assert matching.decisions()[SECOND][:2] == ("linked", OWNER)
    settle(installation, matching)
    assert matching.decisions()[SECOND][:2] == ("linked", OWNER)


@pytest.mark.parametrize("seed", [21, *(pytest.param(seed, marks=pytest.mark.long) for seed in range(22, 32))])
def test_deciders_side_by_side_end_where_one_alone_ends(installation: Installation, seed: int) -> None:
    print(f"seed {seed}")
    chance = random.Random(seed)
    happenings, expected = county(seed=seed)
    matching = matching_of(installation)
    stop = threading.Event()

    def work() -> None:
        while not stop.is_set():
            if not matching.deciding.decide_some():
                stop.wait(IDLE_SECONDS)

    with ThreadPoolExecutor(DECIDERS) as pool:
        working = [pool.submit(work) for _ in range(DECIDERS)]
        try:
            for each in shuffled(happenings, chance):
                happen(installation, [each])
                if chance.random() < 0.3:
                    installation.pump(chance)
            installation.pump()
        finally:
            stop.set()
        for worker in working:
            worker.result(WAIT_SECONDS)
    settle(installation, matching)
    settle(installation, matching)
    found = {entry: row[:2] for entry, row in matching.decisions().items() if row[0]}
    assert found == {entry: wanted for entry, wanted in expected.items() if wanted[0]}


def test_what_stands_by_its_number_is_left_alone_unless_another_decider_took_it_back(
    installation: Installation,
) -> None:
    """A namesake who enrols changes nothing about a row linked by number and name; whether it still is, is read only
    when its lock is held."""
    matching = matching_of(installation)
    happen(installation, [listed(FIRST, NAME, OWN), student(OWNER, NAME, OWN)])
    settle(installation, matching)
    assert matching.decisions()[FIRST][:2] == ("linked", OWNER)
    happen(installation, [student(CHILD, NAME, number(date(2015, 3, 4), 5))])
    installation.pump()
    with delayed(matching):
        happen(installation, [student(OWNER, NAME, number(date(2015, 3, 4), 9))])
        installation.pump()
        with matching.service.database.working() as connection:  # as if another decider had decided the row meanwhile
            raw = driver(connection)
            raw.execute("DELETE FROM matching_work WHERE entity = %s", (OWNER,))
            raw.execute("UPDATE decided SET by_number = false WHERE entry_id = %s", (FIRST,))
    settle(installation, matching)
    assert matching.decisions()[FIRST][:2] != ("linked", OWNER)


def test_a_namesake_leaves_rows_alone_that_stand_by_their_number(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    matching = matching_of(installation)
    personal = EntryPersonal(person_id=SECOND, name=NAME, birth_date=date(2015, 3, 4))
    unnumbered = Happening(SECOND, replace(listed(SECOND, NAME, OWN).fact, personal=personal), SINCE)
    happen(installation, [listed(FIRST, NAME, OWN), unnumbered, student(OWNER, NAME, OWN)])
    settle(installation, matching)
    read: list[UUID] = []

    def seen(raw: Any, entries: Sequence[UUID]) -> Any:
        read.extend(entries)
        return listed_rows(raw, entries)

    monkeypatch.setattr("services.matching.deciding.listed_rows", seen)
    happen(installation, [student(CHILD, NAME, number(date(2015, 3, 4), 5))])
    settle(installation, matching)
    assert read == [SECOND]
    happen(installation, [student(CHILD, NAME, OWN)])  # but one who claims the number is looked at with its rows
    settle(installation, matching)
    assert set(read) == {FIRST, SECOND}
    assert matching.decisions()[FIRST][0] == "review"


@pytest.mark.parametrize("how", ["left", "renamed"])
def test_whoever_a_namesake_hid_is_found_when_she_hides_nobody_any_more(installation: Installation, how: str) -> None:
    """An ended registration counts only where no present student has its name, so a row may mean it although the row
    has nothing to do with the student who leaves."""
    matching = matching_of(installation)
    former, namesake, born = OWNER, CHILD, date(2015, 3, 4)
    personal = EntryPersonal(person_id=SECOND, name=NAME, birth_date=born)
    unnumbered = Happening(SECOND, replace(listed(SECOND, NAME, OWN).fact, personal=personal), SINCE)
    gone = StudentLeft(school_code="S1", division_code="469080101", reason="graduated")
    present = student(namesake, NAME, number(date(2011, 9, 9), 5), "S2")
    happen(installation, [student(former, NAME, OWN), Happening(former, gone, LATER), present, unnumbered])
    settle(installation, matching)
    assert matching.decisions()[SECOND][0] == "not_in_register"
    if how == "left":
        happen(installation, [Happening(namesake, replace(gone, school_code="S2"), LATER)])
    else:
        happen(installation, [student(namesake, "吴海生", number(date(2011, 9, 9), 5), "S2")])
    settle(installation, matching)
    assert matching.decisions()[SECOND][0] in ("linked", "review")

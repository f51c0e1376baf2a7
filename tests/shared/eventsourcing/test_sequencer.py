from __future__ import annotations

import itertools
import signal
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

from shared.database import driver
from shared.eventsourcing import log, sequencer
from shared.eventsourcing.event import leaf_hash
from shared.eventsourcing.sequencer import Sequencer, SourceChanged, Term
from shared.eventsourcing.store import Cause, Command
from shared.kernel.pacing import Pace
from tests.support.log_process import running
from tests.support.trial import SOURCE, Server, Trial, joined, moved

PATIENCE_SECONDS = 30.0


def wait_until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not true():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


def read_log(trial: Trial) -> list[log.Entry]:
    with trial.database.working() as connection:
        return list(log.entries(driver(connection)))


def head(trial: Trial) -> int:
    with trial.database.working() as connection:
        return log.head(driver(connection)).log_index


def check_log(trial: Trial, expected: int) -> list[log.Entry]:
    """Every committed event once, gapless from 1, later than what came before it, with the leaf Python computes."""
    entries = read_log(trial)
    assert [entry.logged.log_index for entry in entries] == list(range(1, expected + 1))
    moments = [entry.logged.recorded_at for entry in entries]
    assert all(before < after for before, after in itertools.pairwise(moments))
    for logged, _ in entries:
        assert logged.leaf == leaf_hash(logged.source, logged.log_index, logged.recorded_at, logged.event)
        cause = logged.event.cause_recorded_at
        assert cause is None or logged.recorded_at > cause
    with trial.database.working() as connection:
        ids = {row[0] for row in driver(connection).execute("SELECT event_id FROM events").fetchall()}
    assert {entry.logged.event.event_id for entry in entries} == ids
    last: dict[Any, int] = {}
    for logged, _ in entries:
        assert logged.event.version == last.get(logged.event.stream_id, 0) + 1
        last[logged.event.stream_id] = logged.event.version
    return entries


@contextmanager
def term(trial: Trial) -> Iterator[Term]:
    """A sequencer driven by hand."""
    with psycopg.connect(trial.database.worker_conninfo, autocommit=True) as connection:
        one = Term(connection, SOURCE)
        one.claim()
        one.recover()
        yield one


@contextmanager
def sequencing(trial: Trial) -> Iterator[None]:
    stop = threading.Event()
    thread = threading.Thread(target=Sequencer(trial.database, SOURCE).run, args=(stop,))
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(timeout=10)
        assert not thread.is_alive()


class OpenTransaction:
    """A writer that stopped somewhere between its first statement and its end, as the store orders them."""

    def __init__(self, trial: Trial, *, draws: int = 1, inserts: bool = True) -> None:
        self.connection = psycopg.connect(trial.database.app_conninfo)
        self.connection.execute("SET idle_in_transaction_session_timeout = 0")  # it is meant to be this slow
        command = uuid.uuid4()
        self.connection.execute("INSERT INTO commands VALUES ('late', %s, '', 'done', '{}')", (command,))
        for _ in range(draws):
            if inserts:
                self.connection.execute(
                    "INSERT INTO events (event_id, stream_id, version, type, effective_on, principal, command_id, data)"
                    " VALUES (%s, %s, 1, 'trial.PupilMoved.v1', '2026-09-01', 'late', %s, '{\"grade\":1}')",
                    (uuid.uuid4(), uuid.uuid4(), command),
                )
        self.command = command

    def draw(self, trial: Trial) -> int:
        """Only nextval: the position is drawn, its row not yet written (as a stopped process would leave it)."""
        with trial.database.owner() as owner:
            raw = driver(owner)
            return int(raw.execute("SELECT nextval(pg_get_serial_sequence('events', 'position'))").fetchone()[0])  # type: ignore[index]

    def insert_at(self, position: int) -> None:
        self.connection.execute(
            "INSERT INTO events"
            " (position, event_id, stream_id, version, type, effective_on, principal, command_id, data)"
            " OVERRIDING SYSTEM VALUE"
            " VALUES (%s, %s, %s, 1, 'trial.PupilMoved.v1', '2026-09-01', 'late', %s, '{\"grade\":1}')",
            (position, uuid.uuid4(), uuid.uuid4(), self.command),
        )

    def commit(self) -> None:
        self.connection.commit()
        self.connection.close()

    def roll_back(self) -> None:
        self.connection.rollback()
        self.connection.close()


def test_events_of_every_shape_get_their_place_and_the_leaf_python_computes(trial: Trial) -> None:
    future = datetime.now(UTC) + timedelta(hours=1)
    cause = Cause(uuid.uuid4(), future, None)
    command = Command("政策·一号", uuid.uuid4(), b"", cause, "00-aa-bb-01")
    stream = trial.join(1)[0]
    trial.store.run(trial.database, command, lambda connection: [moved(stream, 1), joined(name="阿卜杜拉·买买提")])
    trial.join(60)
    with term(trial) as one:
        assert one.sequence() == 63
        assert one.sequence() == 0
    entries = check_log(trial, 63)
    assert entries[1].logged.recorded_at == future + timedelta(microseconds=1)
    assert entries[1].traceparent == "00-aa-bb-01"
    assert read_log(trial) == entries


def test_a_late_commit_is_not_waited_for_and_never_skipped(trial: Trial) -> None:
    with term(trial) as one:
        first, second = OpenTransaction(trial, draws=2), OpenTransaction(trial)
        trial.join(3)
        assert one.sequence() == 3
        second.commit()
        assert one.sequence() == 1
        assert one.sequence() == 0
        first.commit()
        assert one.sequence() == 2
    check_log(trial, 6)


def test_a_writer_with_a_younger_id_than_every_completed_one_is_still_waited_for(trial: Trial) -> None:
    """The completed id is older than the running one, so a snapshot's xmax would call the running one's hole dead."""
    with term(trial) as one:
        older = OpenTransaction(trial, draws=0)
        younger = OpenTransaction(trial, draws=1)  # draws the lower position under the higher id
        with older.connection as connection:
            connection.execute(
                "INSERT INTO events (event_id, stream_id, version, type, effective_on, principal, command_id, data)"
                " VALUES (%s, %s, 1, 'trial.PupilMoved.v1', '2026-09-01', 'late', %s, '{\"grade\":1}')",
                (uuid.uuid4(), uuid.uuid4(), older.command),
            )
        assert one.sequence() == 1
        for _ in range(3):
            assert one.sequence() == 0
        younger.commit()
        assert one.sequence() == 1
    check_log(trial, 2)


def test_a_transaction_stopped_between_drawing_and_writing_is_not_skipped(trial: Trial) -> None:
    with term(trial) as one:
        stopped = OpenTransaction(trial, inserts=False)
        position = stopped.draw(trial)
        trial.join(2)
        assert one.sequence() == 2
        assert one.sequence() == 0
        stopped.insert_at(position)
        assert one.sequence() == 0
        stopped.commit()
        assert one.sequence() == 1
    check_log(trial, 3)


def test_rolled_back_holes_settle_and_the_log_has_no_gap(trial: Trial) -> None:
    with term(trial) as one:
        OpenTransaction(trial, draws=5).roll_back()
        blocker = OpenTransaction(trial, draws=3)
        trial.join(2)
        assert one.sequence() == 2
        blocker.roll_back()
        assert one.sequence() == 0
        with trial.database.working() as connection:
            query = "SELECT settled, (SELECT max(position) FROM events) FROM sequencer_state"
            row = driver(connection).execute(query).fetchone()
        assert row is not None
        settled, highest = row
        assert settled == highest
    check_log(trial, 2)


def test_a_new_leader_finds_the_open_holes_again(trial: Trial) -> None:
    late = OpenTransaction(trial, draws=2)
    with term(trial) as one:
        trial.join(2)
        assert one.sequence() == 2
    with term(trial) as another:
        trial.join(1)
        assert another.sequence() == 1
        late.commit()
        assert another.sequence() == 2
    check_log(trial, 5)


def test_more_late_arrivals_than_one_batch_holds_are_all_found(trial: Trial, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sequencer, "BATCH_LIMIT", 3)
    with term(trial) as one:
        late = OpenTransaction(trial, draws=10)
        trial.join(1)
        assert one.sequence() == 1
        late.commit()
        counts = [one.sequence() for _ in range(5)]
    assert counts == [3, 3, 3, 1, 0]
    check_log(trial, 11)


def test_closed_until_is_a_promise_about_everything_later(trial: Trial) -> None:
    with term(trial) as one:
        trial.join(1)
        one.sequence()
        one.close()
        with trial.database.working() as connection:
            closed = log.head(driver(connection)).closed_until
        trial.join(1)
        one.sequence()
        with trial.database.working() as connection:
            assert log.index_known_at(driver(connection), closed) == 1
    assert check_log(trial, 2)[1].logged.recorded_at > closed


def test_a_log_does_not_change_its_source(trial: Trial) -> None:
    with term(trial):
        pass
    with pytest.raises(SourceChanged, match="460200"):
        Sequencer(trial.database, "//rollcall/460200/trial").run(threading.Event())


def test_an_append_is_sequenced_at_once(trial: Trial) -> None:
    with sequencing(trial):
        trial.join(1)
        wait_until(lambda: head(trial) == 1)
        waits = []
        for number in range(2, 12):
            trial.join(1)
            began = time.monotonic()
            wait_until(lambda number=number: head(trial) == number)  # type: ignore[misc]
            waits.append(time.monotonic() - began)
    assert sorted(waits)[5] < 1.0


def test_two_sequencers_fight_and_one_log_comes_out(trial: Trial) -> None:
    with sequencing(trial), sequencing(trial), sequencing(trial):
        writers = [threading.Thread(target=lambda: [trial.join(7) for _ in range(15)]) for _ in range(3)]
        for writer in writers:
            writer.start()
        for _ in range(3):  # take the lead away again and again
            time.sleep(0.2)
            with trial.database.owner() as owner:
                driver(owner).execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND granted"
                    " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
                )
        for writer in writers:
            writer.join()
        wait_until(lambda: head(trial) == 315)
    check_log(trial, 315)


@pytest.mark.parametrize(
    "failpoint", ["sequencer.before_commit:1", "sequencer.before_commit:3", "sequencer.committed:2"]
)
def test_a_sequencer_killed_at_any_step_leaves_a_whole_log(postgres: Server, trial: Trial, failpoint: str) -> None:
    name = trial.database.name.removeprefix("trial_")
    late = OpenTransaction(trial, draws=3)
    with running(postgres.dsn(), "sequencer", name, failpoint=failpoint) as doomed:
        while doomed.poll() is None:
            trial.join(20)
            time.sleep(0.05)
        assert doomed.returncode == -signal.SIGKILL
    late.commit()
    trial.join(5)
    with trial.database.working() as connection:
        expected = int((driver(connection).execute("SELECT count(*) FROM events").fetchone() or (0,))[0])
    with running(postgres.dsn(), "sequencer", name):
        wait_until(lambda: head(trial) == expected)
    check_log(trial, expected)


def test_a_writer_killed_right_after_its_commit_has_appended_exactly_once(postgres: Server, trial: Trial) -> None:
    name = trial.database.name.removeprefix("trial_")
    with running(postgres.dsn(), "append", name, "5", "10", failpoint="append.committed:3") as doomed:
        assert doomed.wait(timeout=30) == -signal.SIGKILL
    with term(trial) as one:
        assert one.sequence() == 30
    check_log(trial, 30)


def test_what_is_committed_while_the_sequencer_rests_is_sequenced_together(trial: Trial) -> None:
    """Each transaction writes its rows under an id of its own."""
    stop = threading.Event()
    unhurried = Sequencer(trial.database, SOURCE, Pace(share=1_000.0, longest_seconds=0.5))
    thread = threading.Thread(target=unhurried.run, args=(stop,))
    thread.start()
    try:
        trial.join(1)
        wait_until(lambda: head(trial) == 1)
        for _ in range(6):
            trial.join(1)
        wait_until(lambda: head(trial) == 7)
    finally:
        stop.set()
        thread.join(timeout=10)
    with trial.database.working() as connection:
        found = driver(connection).execute("SELECT count(*) FROM log GROUP BY xmin ORDER BY min(log_index)").fetchall()
    assert [row[0] for row in found] == [1, 6]

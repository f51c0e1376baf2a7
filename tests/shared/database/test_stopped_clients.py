"""A process stopped in the middle of a statement, on a real server: its locks must come free."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest
from psycopg import errors

from shared.database.stopped_clients import StoppedClients
from tests.support.trial import Trial

_LOCK = 4711
_BEGIN = f"""
import sys, time, psycopg
raw = psycopg.connect(sys.argv[1])
raw.execute("CREATE TEMPORARY TABLE staged (n int) ON COMMIT DROP")
raw.execute("SELECT pg_advisory_xact_lock({_LOCK})")
def here():
    print("here", flush=True)
    time.sleep(300)
"""
_COPY = """
with raw.cursor().copy("COPY staged FROM STDIN") as copy:
    copy.write(b"1\\n" * 100_000)
    here()
"""
_PIPELINE = """
with raw.pipeline():
    raw.execute("SELECT 1")
    raw.pgconn.send_flush_request()
    raw.pgconn.flush()
    here()
"""
_ANSWER = """
raw.pgconn.send_query(b"SELECT repeat('x', 1000) FROM generate_series(1, 100000)")
raw.pgconn.flush()
here()
"""
_MOVING = """
with raw.cursor().copy("COPY staged FROM STDIN") as copy:
    print("here", flush=True)
    while True:
        copy.write(b"1\\n" * 50_000)
        time.sleep(0.05)
"""


@contextmanager
def client(conninfo: str, doing: str) -> Iterator[subprocess.Popen[bytes]]:
    child = subprocess.Popen([sys.executable, "-c", _BEGIN + doing, conninfo], stdout=subprocess.PIPE)
    try:
        assert child.stdout is not None
        assert child.stdout.readline() == b"here\n"
        yield child
    finally:
        child.kill()
        child.wait(10)


def is_free(trial: Trial) -> bool:
    with trial.database.working() as connection:
        found = connection.exec_driver_sql(f"SELECT pg_try_advisory_xact_lock({_LOCK})").scalar_one()
    return bool(found)


@pytest.mark.parametrize("doing", [_COPY, _PIPELINE, _ANSWER], ids=["copy", "pipeline", "answer"])
@pytest.mark.parametrize("login", ["worker", "app"])
def test_who_stops_in_the_middle_of_a_statement_loses_its_locks(trial: Trial, doing: str, login: str) -> None:
    conninfo = getattr(trial.database, f"{login}_conninfo")
    watch = StoppedClients(trial.database, after_seconds=0.3)
    with client(conninfo, doing) as child:
        child.send_signal(signal.SIGSTOP)
        ended, end = 0, time.monotonic() + 20
        while not ended and time.monotonic() < end:
            assert not is_free(trial)
            ended = watch.look()
            time.sleep(0.1)
        assert ended == 1
        while not is_free(trial) and time.monotonic() < end:
            time.sleep(0.05)
        assert is_free(trial)


def test_a_copy_that_goes_on_and_a_transaction_between_two_statements_are_left_alone(trial: Trial) -> None:
    watch = StoppedClients(trial.database, after_seconds=0.3)
    with client(trial.database.worker_conninfo, _MOVING), psycopg.connect(trial.database.app_conninfo) as idle:
        idle.execute("SELECT 1")
        for _ in range(15):
            assert watch.look() == 0
            time.sleep(0.1)
        assert not is_free(trial)


def test_one_login_does_not_end_the_sessions_of_another(trial: Trial) -> None:
    with (
        psycopg.connect(trial.database.worker_conninfo) as worker,
        psycopg.connect(trial.database.app_conninfo) as app,
        pytest.raises(errors.InsufficientPrivilege),
    ):
        worker.execute("SELECT pg_terminate_backend(%s)", (app.info.backend_pid,))

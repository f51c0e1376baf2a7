"""How long one waits after wrong passwords, attempt by attempt on a real table."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

from services.access.own_tables import TABLES
from services.access.sessions import lockout
from services.access.sessions.lockout import Subjects, refused_before, succeeded, taken, uncounted, wait_seconds

NOON = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)
ONE = Subjects(b"one", b"desk")
ATTEMPTS = TABLES[TABLES.index("CREATE TABLE access_attempts") :].partition(";")[0]


@pytest.fixture(scope="module")
def connection(postgres: Any) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(postgres.dsn(), autocommit=True) as made:
        made.execute(ATTEMPTS.replace("CREATE TABLE", "CREATE TEMPORARY TABLE"))
        yield made


@pytest.fixture
def raw(connection: psycopg.Connection[Any]) -> psycopg.Connection[Any]:
    connection.execute("DELETE FROM access_attempts")
    return connection


def rows(raw: psycopg.Connection[Any]) -> dict[bytes, tuple[int, int, datetime]]:
    found = raw.execute("SELECT subject, failures, unlooked, last_at FROM access_attempts").fetchall()
    return {bytes(subject): (failures, unlooked, at.astimezone(UTC)) for subject, failures, unlooked, at in found}


def failed(raw: psycopg.Connection[Any], subjects: Subjects, times: int, at: datetime = NOON) -> datetime:
    """So many attempts, each as soon as it is looked at; when the last was."""
    for number in range(times):
        wait = taken(raw, subjects, at)
        if wait:
            at += timedelta(seconds=wait)
            assert taken(raw, subjects, at) == 0, number
    return at


@pytest.mark.parametrize(
    ("failures", "free", "seconds"),
    [
        *((0, 4, 0), (4, 4, 0), (5, 4, 5), (6, 4, 10), (7, 4, 20), (11, 4, 320), (12, 4, 640), (13, 4, 900)),
        *((14, 4, 900), (1_000_000, 4, 900), (30, 30, 0), (31, 30, 5), (3, 4, 0)),
    ],
)
def test_each_mistake_doubles_the_wait_up_to_a_quarter_of_an_hour(failures: int, free: int, seconds: int) -> None:
    assert wait_seconds(failures, free) == seconds
    assert (lockout.FIRST_WAIT_SECONDS, lockout.LONGEST_WAIT_SECONDS) == (5, 900)


def test_four_mistakes_are_free_and_the_sixth_attempt_waits(raw: psycopg.Connection[Any]) -> None:
    for _ in range(5):
        assert taken(raw, ONE, NOON) == 0
    assert rows(raw) == {b"one": (5, 0, NOON), b"desk": (5, 0, NOON)}
    assert taken(raw, ONE, NOON) == 6 and taken(raw, ONE, NOON + timedelta(seconds=4.5)) == 1
    assert rows(raw) == {b"one": (5, 2, NOON), b"desk": (5, 0, NOON)}
    later = NOON + timedelta(seconds=5)
    assert taken(raw, ONE, later) == 0 and rows(raw)[b"one"] == (6, 2, later)
    assert taken(raw, ONE, later) == 11 and lockout.FREE_BY_LOGIN == 4


def test_an_address_has_thirty_whoever_it_asks_for(raw: psycopg.Connection[Any]) -> None:
    assert lockout.FREE_BY_ADDRESS == 30
    for number in range(31):
        assert taken(raw, Subjects(b"%d" % number, b"desk"), NOON) == 0
    assert taken(raw, Subjects(b"new", b"desk"), NOON) == 6
    assert taken(raw, Subjects(b"new", b"other desk"), NOON) == 0
    assert rows(raw)[b"desk"] == (31, 0, NOON)


def test_who_waits_longest_decides(raw: psycopg.Connection[Any]) -> None:
    raw.execute("INSERT INTO access_attempts VALUES ('one', 7, 0, %s), ('desk', 31, 0, %s)", (NOON, NOON))
    assert taken(raw, ONE, NOON) == 21
    raw.execute("UPDATE access_attempts SET failures = CASE subject WHEN 'one' THEN 5 ELSE 34 END")
    assert taken(raw, ONE, NOON) == 41


@pytest.mark.parametrize(("hours", "remembered"), [(24, True), (24.001, False)])
def test_a_day_later_it_is_forgotten(raw: psycopg.Connection[Any], hours: float, remembered: bool) -> None:
    raw.execute("INSERT INTO access_attempts VALUES ('one', 40, 0, %s), ('desk', 40, 0, %s)", (NOON, NOON))
    later = NOON + timedelta(hours=hours)
    assert taken(raw, ONE, later) == 0  # the wait of 15 minutes is over in any case
    assert rows(raw) == dict.fromkeys((b"one", b"desk"), (41 if remembered else 1, 0, later))


def test_a_wait_longer_than_a_day_is_forgotten_too(
    raw: psycopg.Connection[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lockout, "LONGEST_WAIT_SECONDS", 10**7)
    raw.execute("INSERT INTO access_attempts VALUES ('one', 30, 0, %s), ('desk', 5, 0, %s)", (NOON, NOON))
    assert taken(raw, ONE, NOON + timedelta(hours=24)) > 0
    assert taken(raw, ONE, NOON + timedelta(hours=24, seconds=1)) == 0
    assert timedelta(days=1) == lockout.FORGOTTEN_AFTER


def test_a_forgotten_login_does_not_hide_an_address_that_waits(raw: psycopg.Connection[Any]) -> None:
    later = NOON + timedelta(hours=25)
    for login in (b"a", b"z"):  # before and behind the address in the order they are read
        raw.execute("DELETE FROM access_attempts")
        raw.execute("INSERT INTO access_attempts VALUES (%s, 9, 0, %s), ('desk', 31, 0, %s)", (login, NOON, later))
        assert taken(raw, Subjects(login, b"desk"), later) == 6


def test_what_was_refused_before_is_counted_looked_at_or_not(raw: psycopg.Connection[Any]) -> None:
    assert refused_before(raw, ONE) == 0
    taken(raw, ONE, NOON)
    assert refused_before(raw, ONE) == 0
    for _ in range(4):
        taken(raw, ONE, NOON)
    assert taken(raw, ONE, NOON) and taken(raw, ONE, NOON)
    assert refused_before(raw, ONE) == 6 and refused_before(raw, Subjects(b"other", b"desk")) == 0
    raw.execute("UPDATE access_attempts SET failures = 0, unlooked = 0")
    assert refused_before(raw, ONE) == 0


def test_the_right_password_clears_the_login_and_gives_the_address_its_attempt_back(
    raw: psycopg.Connection[Any],
) -> None:
    assert succeeded(raw, ONE) == 0
    at = failed(raw, ONE, 6)
    taken(raw, Subjects(b"two", b"desk"), at)
    assert succeeded(raw, ONE) == 6 and rows(raw) == {b"two": (1, 0, at), b"desk": (6, 0, at)}
    assert succeeded(raw, ONE) == 0
    raw.execute("UPDATE access_attempts SET failures = 0")
    assert succeeded(raw, Subjects(b"two", b"desk")) == 0 and rows(raw) == {b"desk": (0, 0, at)}


def test_an_attempt_that_was_no_mistake_is_taken_back(raw: psycopg.Connection[Any]) -> None:
    taken(raw, ONE, NOON)
    taken(raw, Subjects(b"two", b"desk"), NOON)
    uncounted(raw, ONE)
    assert rows(raw) == {b"one": (0, 0, NOON), b"two": (1, 0, NOON), b"desk": (1, 0, NOON)}
    uncounted(raw, ONE)
    uncounted(raw, ONE)
    assert rows(raw) == {b"one": (0, 0, NOON), b"two": (1, 0, NOON), b"desk": (0, 0, NOON)}

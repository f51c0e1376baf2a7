"""An intruder with the database's password, on a running system: found by the witness with the index, while all
works on."""

from __future__ import annotations

import time
from collections.abc import Iterator

import psycopg
import pytest

from tests.support.district import District
from tests.support.system import System

ROUND_SECONDS = 150.0  # a short log's round, the pause behind it, and the next one


@pytest.fixture(scope="module")
def district() -> Iterator[District]:
    """A system of its own: what is altered in it stays altered."""
    system = System()
    try:
        made = District(system.start(), seed=39)
        made.found(children=30)
        system.settle()
        yield made
    finally:
        system.stop()


def alter(system: System, service: str, statement: str) -> None:
    """As a superuser, triggers off."""
    with psycopg.connect(system.dsn(service)) as raw:
        raw.execute("SET session_replication_role = replica")
        raw.execute(statement.encode())


def found(system: System, service: str, kind: str, index: int) -> None:
    asked = "SELECT log_index FROM alarms WHERE service = %s AND kind = %s ORDER BY id"
    end = time.monotonic() + ROUND_SECONDS
    while not (rows := system.ask("audit", asked, service, kind)):
        assert time.monotonic() < end, system.ask("audit", "SELECT * FROM alarms")
        time.sleep(0.5)
    assert rows[0] == (index,)


@pytest.mark.long
@pytest.mark.timeout(900)
def test_a_superuser_is_found_out_in_the_store_and_by_the_next_signature(district: District) -> None:
    system = district.system
    cosigned = "SELECT coalesce(max(size), 0) FROM cosignatures WHERE service = %s"
    system.eventually(lambda: int(str(system.ask("audit", cosigned, "registry")[0][0])) > 20, "it is cosigned")
    at = "position = (SELECT position FROM log WHERE log_index = 11)"
    alter(system, "registry", f"UPDATE events SET data = set_byte(data, 9, get_byte(data, 9) # 1) WHERE {at}")
    found(system, "registry", "store_differs", 11)
    system.eventually(lambda: int(str(system.ask("audit", cosigned, "matching")[0][0])) > 2, "it is cosigned")
    # Another history, whose service is made to forget what it signed: it signs again, and nobody cosigns.
    alter(system, "matching", "UPDATE log SET leaf = sha256('forged') WHERE log_index >= 2")
    alter(system, "matching", "TRUNCATE log_nodes, log_checkpoints")
    before = system.ask("audit", cosigned, "matching")
    found(system, "matching", "store_differs", 2)
    assert system.ask("audit", cosigned, "matching") == before

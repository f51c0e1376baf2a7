"""Peer: the library eventsourcing with its own PostgreSQL recorder and cipher, as its documentation shows.

It comes with what the tests need (requirements-dev.txt); where it is not installed, benchmarks leave its lines out. It
has one key for everybody, and neither leaves nor an order that is proved: what is compared is the rate of the store.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

import psycopg
from eventsourcing.application import Application
from eventsourcing.cryptography import AESCipher
from eventsourcing.domain import Aggregate, event
from psycopg.conninfo import conninfo_to_dict

PAGE = 1_000


class Child(Aggregate):
    """One event that says what ours do (stage.py)."""

    @event("Enrolled")
    def __init__(
        self,
        school_code: str,
        division_code: str,
        stage: str,
        grade: int,
        class_name: str,
        boarder: bool,
        name: str,
        id_number: str,
        student_number: str,
        guardian_name: str,
        phone: str,
        address: str,
    ) -> None:
        self.school_code, self.class_name, self.name = school_code, class_name, name


@contextmanager
def application(dsn: str, name: str, *, encrypted: bool) -> Iterator[Application[UUID]]:
    """An application of the library on a database of its own, on the same server as ours."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}".encode())
    server = conninfo_to_dict(dsn)
    environment = {
        "PERSISTENCE_MODULE": "eventsourcing.postgres",
        "POSTGRES_DBNAME": name,
        "POSTGRES_HOST": str(server["host"]),
        "POSTGRES_PORT": str(server["port"]),
        "POSTGRES_USER": str(server["user"]),
        "POSTGRES_PASSWORD": str(server.get("password", "")),
    }
    if encrypted:
        environment |= {"CIPHER_TOPIC": "eventsourcing.cryptography:AESCipher", "CIPHER_KEY": AESCipher.create_key(32)}
    made: Application[UUID] = Application(env=environment)
    try:
        yield made
    finally:
        made.close()


def children(count: int) -> list[Child]:
    """New aggregates, one event each."""
    return [
        Child(
            school_code="3146000001",
            division_code="460106001001",
            stage="primary",
            grade=number % 6 + 1,
            class_name="三班",
            boarder=number % 3 == 0,
            name="王小明",
            id_number="11010519491231002X",
            student_number="G11010519491231002X",
            guardian_name="王建国",
            phone="13800000000",
            address="海南省海口市某区某街道某路一号",
        )
        for number in range(count)
    ]


def replayed(app: Application[UUID]) -> tuple[int, float]:
    """All events read in order, decoded (and decrypted) and folded into counts in memory: how many, in how long."""
    counts: Counter[str] = Counter()
    began, last = time.perf_counter(), 0
    while page := app.recorder.select_notifications(last, PAGE, inclusive_of_start=False):
        for notification in page:
            counts[type(app.mapper.to_domain_event(notification)).__qualname__] += 1
        last = page[-1].id
    return counts.total(), time.perf_counter() - began

"""A county's years in audit's archive: facts of the real kinds in the shares of a school year, really sealed."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from functools import partial
from multiprocessing import get_context
from typing import Any
from uuid import UUID

import psycopg

from bench.stage import KEK, Stage
from services.audit.archive import note_head, store
from services.audit.proofs.archive_tree import TABLE
from services.audit.tables import LOOKUPS
from services.disbursement.events import AidDisbursed, DayOpened, EntitlementGranted
from services.registry.events import ClassAttendanceReported, StudentEnrolled, StudentPersonal, StudentPlaced
from shared.database import Database, driver
from shared.eventsourcing.event import Event, Logged, leaf_hash
from shared.eventsourcing.sealing import fresh_nonces, people_of, seal
from shared.kernel.facts import Fact, fact_type
from shared.keys import KeyRing
from shared.transparency.nodes import NodeStore, hashes_of

SERVICES = ("registry", "disbursement")
EMPTY = ("matching", "visits", "notifications", "audit")
DIVISION = "469000"
CHUNK_STUDENTS = 200
# Of each student: enrolled, placed twice, four class reports (a class's, shared out), granted, paid, and a day.
CHUNK_EVENTS = 10 * CHUNK_STUDENTS
CHUNK_SHARES = {"registry": 7 * CHUNK_STUDENTS, "disbursement": 3 * CHUNK_STUDENTS}
FILLERS = 2
_CHUNKS_ALONE = 20  # fewer are there before a second process is
_BEGAN = datetime(2024, 9, 1, tzinfo=UTC)
_SEXES = ("male", "female")


def fill_archive(ready: Stage, events: int) -> dict[str, int]:
    """Archive about ``events`` events as if they had arrived, with the nodes of their trees; service → last index.
    Every leaf is the event's own. Two processes do it: each chunk has its own places in the logs."""
    chunks = max(1, events // CHUNK_EVENTS)
    with ready.database.owner() as connection:
        driver(connection).execute("DROP INDEX archive_by_event, archive_by_stream, archive_activations")
    shares = [range(first, chunks, FILLERS) for first in range(min(FILLERS, chunks))]
    if len(shares) == 1 or chunks < _CHUNKS_ALONE:
        for share in shares:
            _fill(ready.database, ready.keyring, share)
    else:
        fillers = [get_context("spawn").Process(target=_filler, args=(ready.dsn, share)) for share in shares]
        for filler in fillers:
            filler.start()
        for filler in fillers:
            filler.join()
        assert all(filler.exitcode == 0 for filler in fillers), "a process that fills the archive failed"
    upto = {service: chunks * share for service, share in CHUNK_SHARES.items()}
    with ready.database.owner() as connection:
        raw: psycopg.Connection[Any] = driver(connection)
        raw.execute(LOOKUPS.encode())
        for service in (*SERVICES, *EMPTY):
            note_head(raw, service, upto.get(service, 0), moment_of(chunks * CHUNK_EVENTS) + timedelta(seconds=1))
        for service, index in upto.items():
            while not NodeStore(raw, TABLE, service, partial(_leaves, raw, service)).grow(index):
                pass
    with psycopg.connect(ready.database.owner_conninfo, autocommit=True) as tidying:
        tidying.execute("VACUUM (ANALYZE) archive")  # as autovacuum has done with what arrived over years
        tidying.execute("CHECKPOINT")
    return upto


def moment_of(ordinal: int) -> datetime:
    """When the event with this number over both logs, from 1, was recorded."""
    return _BEGAN + timedelta(milliseconds=20) * ordinal


def _filler(dsn: str, chunks: range) -> None:
    database, keyring = Database("bench", dsn), KeyRing(dsn, KEK)
    _fill(database, keyring, chunks)
    database.close()
    keyring.close()


def _fill(database: Database, keyring: KeyRing, chunks: range) -> None:
    for chunk in chunks:
        said = list(_said(chunk))
        keys = keyring.keys(people_of(*(fact for _, _, fact in said)), create=True)
        nonces = fresh_nonces()
        placed: dict[str, list[Logged]] = {name: [] for name in SERVICES}
        versions: dict[UUID, int] = {}
        for number, (stream, day, fact) in enumerate(said, 1):
            known = fact_type(type(fact))
            versions[stream] = versions.get(stream, 0) + 1
            event_id, version = uuid.uuid4(), versions[stream]
            data = seal(fact, event_id, stream, version, keys, nonces)
            event = Event(event_id, stream, version, known.name, day, "bench", event_id, None, None, data)
            source, moment = f"//rollcall/{DIVISION}/{known.service}", moment_of(chunk * CHUNK_EVENTS + number)
            index = chunk * CHUNK_SHARES[known.service] + len(placed[known.service]) + 1
            leaf = leaf_hash(source, index, moment, event)
            placed[known.service].append(Logged(source, index, moment, leaf, event))
        with database.owner() as connection:
            for service, fresh in placed.items():
                store(driver(connection), service, fresh)


def _leaves(raw: psycopg.Connection[Any], service: str, first: int, count: int) -> list[bytes]:
    row = raw.execute(
        "SELECT string_agg(leaf, ''::bytea ORDER BY log_index) FROM archive"
        " WHERE service = %s AND log_index > %s AND log_index <= %s",
        (service, first, first + count),
        binary=True,
    ).fetchone()
    return hashes_of(row)


def _said(chunk: int) -> Iterator[tuple[UUID, date, Fact]]:
    """What is told of some students over a school year: (stream, day, fact)."""
    began = date(2024, 9, 1)
    where: dict[str, Any] = {"school_code": f"31460{chunk % 500:05}", "division_code": f"4690{chunk % 20 + 1:02}"}
    pupils = [uuid.uuid4() for _ in range(CHUNK_STUDENTS)]
    for number, pupil in enumerate(pupils):
        born = date(2014, 1, 1) + timedelta(days=(chunk * 7 + number) % 2_000)
        personal = StudentPersonal(
            person_id=pupil,
            name="王李张陈符吴林黄周郑"[number % 10] + "小明华丽芳强伟静敏军"[(number // 10) % 10] + "子"[: number % 2],
            id_number=None,
            student_number=f"G46900120160101{number:04}",
            sex=_SEXES[number % 2],  # type: ignore[arg-type]  # one of the two
            birth_date=born,
            guardian_name="王建国",
            phone="13800000000",
            address="海南省海口市某区某街道某路一号",
        )
        room: dict[str, Any] = {"stage": "primary", "grade": str(number % 6 + 1), "class_name": f"{number // 40 + 1}班"}
        yield pupil, began, StudentEnrolled(**where, **room, boarder=number % 3 == 0, personal=personal)
    for number, pupil in enumerate(pupils):
        yield pupil, date(2025, 2, 17), StudentPlaced(**where, stage="primary", grade="2", boarder=number % 4 == 0)
    for day in range(CHUNK_STUDENTS * 4):
        yield uuid.uuid4(), began + timedelta(days=day % 200), _reported(where, pupils, day)
    for number, pupil in enumerate(pupils):
        yield pupil, date(2025, 9, 1), StudentPlaced(**where, stage="primary", grade="3", boarder=number % 3 == 0)
        entitlement = uuid.uuid4()
        due: dict[str, Any] = {"student_id": pupil, "programme": "living_subsidy", "term": "2025-autumn"}
        due["amount_fen"] = 62_500
        stated = EntitlementGranted(
            **due, **where, stage="primary", boarder=True, evidence=(uuid.uuid4(),), content_hash="0" * 64
        )
        yield entitlement, date(2025, 9, 1), stated
        paid_on = date(2025, 11, 20)
        yield entitlement, paid_on, AidDisbursed(**due, **where, paid_on=paid_on, reference=f"B{chunk}-{number}")
        yield uuid.UUID(int=chunk + 1), paid_on, DayOpened(day=paid_on + timedelta(days=chunk % 300))


def _reported(where: dict[str, Any], pupils: list[UUID], day: int) -> ClassAttendanceReported:
    absent = {"illness": tuple(pupils[(day * 7 + k) % len(pupils)] for k in range(day % 4))} if day % 4 else {}
    return ClassAttendanceReported(
        **where,
        stage="primary",
        grade="2",
        class_name="1班",
        members=40,
        absences=absent,
        half_day=(),
        cleared=(),
        school_day=True,
        reported_by="teacher",
    )

"""`rollcall bench registry_search`: students found beside a million others, as viewers under row-level security.

Students go into the search view through its own fold and writer; then each kind of query is asked as a clerk of the
whole division, of one county in it, and as one school. The peer in the same run is what one would write first: a plain
table without row-level security, LIKE on trigram indexes (pg_trgm), everybody's rows.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

import psutil
import psycopg

from bench.report import MEBIBYTE, BenchResult, Measure, result, timed
from bench.stage import Stage, stage
from services.registry.events import StudentPersonal
from services.registry.search.search_box import recognise
from services.registry.search.search_view import SEARCH, found_by
from services.registry.search.searching import Hit, search
from services.registry.tables import FOUND_STUDENTS, SCHOOLS
from shared.database.database import driver
from shared.database.scopes import Scope
from shared.eventsourcing.periods import PeriodTable
from shared.eventsourcing.projection import Assertion
from shared.messaging.applying import write_table
from shared.messaging.builds import prepare
from shared.messaging.writing import PeriodWriter
from shared.standards.identity_number import check_digit
from shared.standards.pinyin import spellings
from shared.web.pages import PageTurn
from simulation.names import given_name, minority_father, minority_name, surname

DIVISION = "4690"
COUNTIES, SCHOOLS_PER_COUNTY = 20, 40
TERM, TODAY = date(2026, 9, 1), date(2026, 10, 1)
CHUNK = 5_000
TARGET_P95_MS = 50.0
_ROWS = 50


@dataclass(frozen=True)
class Pupil:
    """What queries are made from."""

    student_id: UUID
    name: str
    number: str
    school: int


def run(events: int = 1_000_000, queries: int = 200) -> BenchResult:
    """``events`` students; ``queries`` of each kind."""
    with stage() as parts:
        prepare(parts.database, [SEARCH])
        rng = random.Random(20261127)
        began = time.perf_counter()
        sample = _fill(parts, rng, events)
        measures = [Measure("students into the view, by its own fold and writer", events, time.perf_counter() - began)]
        sizes = _sizes(parts)
        measures += _asked(parts, rng, sample, queries)
        sizes["postgres_memory_mib"] = _server_memory(parts)
        _fill_peer(parts)
        measures += _asked_peer(parts, rng, sample, queries)
        sizes["peer_mib"] = _mebibytes(parts, "SELECT pg_total_relation_size('public.plain_students')")
    return result("registry_search", measures, students=events, **sizes)


def _pupils(rng: random.Random, count: int) -> Iterator[tuple[Pupil, dict[str, Any]]]:
    for place in range(count):
        sex = rng.choice(("male", "female"))
        minority = rng.random() < 0.1
        name = minority_name(rng, sex, minority_father(rng)) if minority else surname(rng) + given_name(rng, sex)
        school = rng.randrange(COUNTIES * SCHOOLS_PER_COUNTY)
        born = date.fromordinal(date(2008, 1, 1).toordinal() + rng.randrange(365 * 12))
        first = f"{_county(rng.randrange(COUNTIES))}{born:%Y%m%d}{place % 1000:03d}"
        number = first + check_digit(first)
        pupil = Pupil(UUID(int=rng.getrandbits(128)), name, number, school)
        personal = StudentPersonal(person_id=pupil.student_id, name=name, id_number=number, student_number=f"G{number}")
        values = found_by(personal) | {
            "state": "enrolled",
            "division_code": _county(school // SCHOOLS_PER_COUNTY),
            "school_code": _school(school),
            "stage": "primary",
            "grade": f"{'一二三四五六'[place % 6]}年级",
            "class_name": f"{place % 7 + 1}班",
        }
        yield pupil, values


def _county(number: int) -> str:
    return f"{DIVISION}{number + 1:02d}"


def _school(number: int) -> str:
    return f"3146{number:06d}"


def _fill(parts: Stage, rng: random.Random, count: int) -> list[Pupil]:
    """Schools and students; a sample of the students."""
    schools = [
        (UUID(int=number + 1), {"code": _school(number), "name": f"第{number}小学", "division": _county(number // 40)})
        for number in range(COUNTIES * SCHOOLS_PER_COUNTY)
    ]
    _write(parts, SCHOOLS, schools)
    sample: list[Pupil] = []
    rows: list[tuple[UUID, dict[str, Any]]] = []
    for place, (pupil, values) in enumerate(_pupils(rng, count)):
        if place % max(1, count // 5_000) == 0:
            sample.append(pupil)
        rows.append((pupil.student_id, values))
        if len(rows) == CHUNK:
            _write(parts, FOUND_STUDENTS, rows)
            rows = []
    _write(parts, FOUND_STUDENTS, rows)
    with psycopg.connect(parts.database.owner_conninfo, autocommit=True) as connection:
        connection.execute("VACUUM ANALYZE")  # as autovacuum does once a county has been imported
    return sample


def _write(parts: Stage, table: PeriodTable, rows: Sequence[tuple[UUID, dict[str, Any]]]) -> None:
    writer = PeriodWriter(table)
    with parts.database.working() as connection:
        raw = driver(connection)
        raw.execute("SELECT set_config('search_path', 'search_b1, public', true)")
        write_table(
            raw, writer, [(number, Assertion(table, *row[:1], TERM, row[1])) for number, row in enumerate(rows, 1)]
        )


def _kinds() -> dict[str, Callable[[random.Random, Pupil], str]]:
    """How people ask, by kind."""

    def said(pupil: Pupil) -> tuple[str, str]:
        return spellings(pupil.name)[0]

    return {
        "whole name": lambda rng, pupil: pupil.name,
        "surname": lambda rng, pupil: pupil.name[0],
        "pinyin": lambda rng, pupil: said(pupil)[0],
        "beginning of pinyin": lambda rng, pupil: said(pupil)[0][: rng.randint(1, 5)],
        "initials": lambda rng, pupil: said(pupil)[1],
        "whole number": lambda rng, pupil: pupil.number,
        "beginning of a number": lambda rng, pupil: pupil.number[: rng.randint(6, 14)],
        "last four": lambda rng, pupil: pupil.number[-4:],
        "masked number": lambda rng, pupil: f"{pupil.number[:4]}**********{pupil.number[-4:]}",
        "student number": lambda rng, pupil: f"G{pupil.number}",
        "school and surname": lambda rng, pupil: f"第{pupil.school}小学 {pupil.name[0]}",
        "class of a school": lambda rng, pupil: f"第{pupil.school}小学 三年级{rng.randint(1, 7)}班",
    }


def _asked(parts: Stage, rng: random.Random, sample: Sequence[Pupil], queries: int) -> list[Measure]:
    """Each kind as the whole division; all kinds as one county and as one school; following pages."""
    wide = Scope(division=DIVISION)
    measures = []
    for name, typed in _kinds().items():
        asked = [(typed(rng, pupil), wide) for pupil in rng.choices(sample, k=queries)]
        measures.append(_timed(parts, name, asked))
    kinds = list(_kinds().values())
    mixed = [(rng.choice(kinds)(rng, pupil), pupil) for pupil in rng.choices(sample, k=queries)]
    county = [(typed, Scope(division=_county(pupil.school // SCHOOLS_PER_COUNTY))) for typed, pupil in mixed]
    measures.append(_timed(parts, "all kinds, as one county of twenty", county))
    school = [(typed, Scope(school=_school(pupil.school))) for typed, pupil in mixed]
    measures.append(_timed(parts, "all kinds, as one school of 800", school))
    other = [(typed, Scope(school=_school(799 - pupil.school))) for typed, pupil in mixed]
    measures.append(_timed(parts, "all kinds, as a school without her", other))
    measures.append(_timed(parts, "second page of a surname", [(pupil.name[0], wide) for pupil in sample[:queries]], 1))
    return measures


def _timed(parts: Stage, label: str, asked: Sequence[tuple[str, Scope]], skip: int = 0) -> Measure:
    latencies = []
    began = time.perf_counter()
    for typed, scope in asked:
        turn = PageTurn(None, _ROWS)
        hits: list[Hit] = []
        for page in range(skip + 1):
            if page and len(hits) > _ROWS:
                turn = PageTurn((hits[_ROWS - 1].rank, hits[_ROWS - 1].student.student_id), _ROWS)
            start = time.perf_counter()
            with parts.database.reading(scope, SEARCH.name) as connection:
                hits = search(connection, recognise(typed), TODAY, turn, scope, DIVISION)
        latencies.append(time.perf_counter() - start)
    return timed(label, time.perf_counter() - began, latencies, target_p95_ms=TARGET_P95_MS)


def _fill_peer(parts: Stage) -> None:
    """The same students in a plain table with trigram indexes, from the keys of the view."""
    with psycopg.connect(parts.database.owner_conninfo, autocommit=True) as connection:
        connection.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm")
        connection.execute(
            "CREATE TABLE public.plain_students AS SELECT entity, division_code, school_code, class_name,"
            " (SELECT substr(k, 2) FROM unnest(search_keys) k WHERE k ^@ 'n' LIMIT 1) AS name,"
            " (SELECT string_agg(substr(k, 2), ' ') FROM unnest(search_keys) k WHERE k ^@ 'p') AS pinyin,"
            " (SELECT substr(k, 2) FROM unnest(search_keys) k WHERE k ^@ 'd' LIMIT 1) AS id_number"
            " FROM search_b1.found_students"
        )
        for column in ("name", "pinyin", "id_number"):
            connection.execute(f"CREATE INDEX ON public.plain_students USING gin ({column} gin_trgm_ops)".encode())
        connection.execute("VACUUM ANALYZE public.plain_students")


def _asked_peer(parts: Stage, rng: random.Random, sample: Sequence[Pupil], queries: int) -> list[Measure]:
    asked: dict[str, tuple[str, Callable[[Pupil], str]]] = {
        "peer: whole name LIKE 'x%'": ("name", lambda pupil: pupil.name.replace("·", "") + "%"),
        "peer: surname LIKE 'x%'": ("name", lambda pupil: pupil.name[0] + "%"),
        "peer: pinyin LIKE '%x%'": ("pinyin", lambda pupil: f"%{spellings(pupil.name)[0][0]}%"),
        "peer: beginning of pinyin LIKE 'x%'": ("pinyin", lambda pupil: f"{spellings(pupil.name)[0][0][:3]}%"),
        "peer: last four LIKE '%x'": ("id_number", lambda pupil: f"%{pupil.number[-4:]}"),
    }
    measures = []
    with psycopg.connect(parts.database.owner_conninfo) as connection:
        for label, (column, pattern) in asked.items():
            statement = f"SELECT * FROM public.plain_students WHERE {column} LIKE %s ORDER BY {column}, entity LIMIT 51"
            latencies = []
            began = time.perf_counter()
            for pupil in rng.choices(sample, k=max(1, queries // 4)):
                start = time.perf_counter()
                connection.execute(statement.encode(), (pattern(pupil),)).fetchall()
                latencies.append(time.perf_counter() - start)
            measures.append(timed(label, time.perf_counter() - began, latencies))
    return measures


def _sizes(parts: Stage) -> dict[str, int]:
    asked = {
        "rows_of_keys": "SELECT count(*) FROM search_b1.found_students_keys",
        "students_mib": "SELECT pg_total_relation_size('search_b1.found_students')",
        "keys_mib": "SELECT pg_table_size('search_b1.found_students_keys')",
        "keys_by_key_mib": "SELECT pg_relation_size('search_b1.found_students_keys_by_key')",
        "keys_by_school_mib": "SELECT pg_relation_size('search_b1.found_students_keys_by_school')",
    }
    return {name: _mebibytes(parts, query) if "mib" in name else _number(parts, query) for name, query in asked.items()}


def _mebibytes(parts: Stage, query: str) -> int:
    return _number(parts, query) // MEBIBYTE


def _number(parts: Stage, query: str) -> int:
    with psycopg.connect(parts.database.owner_conninfo) as connection:
        row = connection.execute(query.encode()).fetchone()
    assert row is not None
    return int(row[0])


def _server_memory(parts: Stage) -> int:
    """MiB of all the server's processes, what they share counted once."""
    with psycopg.connect(parts.database.owner_conninfo) as connection:
        server = psutil.Process(connection.info.backend_pid).parent()
        assert server is not None
        everyone = [server, *server.children(recursive=True)]
        return int(sum(each.memory_full_info().pss for each in everyone)) // MEBIBYTE

"""One event at a time in the live matching service: what it costs beside a register of a million students.

An event costs reading it off the wire, its fold into the roster's tables with the note of work, and the decision of
every list row it touches, appended. *Excluding I/O* is the processor time of the thread that does it without what the
database driver takes (driver_time.py); the processor time with it, and the wall time with every wait for PostgreSQL,
stand beside it. The service keeps no index in memory: students, list rows and their
block keys are tables, so memory per million students is their size with their indexes, and the process's own.

`python -m bench.matching_incremental [--students N] [--singles N] [--profile FILE]` also profiles the processor's part.
"""

from __future__ import annotations

import argparse
import cProfile
import gc
import multiprocessing
import shutil
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager, nullcontext
from datetime import timedelta
from pathlib import Path
from typing import NamedTuple
from uuid import UUID

from psycopg import sql
from rich.console import Console

from bench.driver_time import DriverTime, driver_time
from bench.matching_changes import ENROLLED, SHARES_PERCENT, Change, Changes, Judged, Known, People, adults, judge
from bench.matching_parts import Matching, matching_parts
from bench.matching_register import (
    LIST_FILES,
    TABLES,
    County,
    LoadedRows,
    LoadedStudents,
    listed_students,
    load_rows,
    load_students,
    without_indexes,
)
from bench.report import MEBIBYTE, BenchResult, Measure, result, timed
from bench.stage import processor_seconds
from shared.database.arrays import UuidArray
from shared.database.database import driver
from shared.hosting.collecting import calm_collector
from simulation.county import DEFAULT_AS_OF, Settings, simulate

P50_TARGET_MS, P99_TARGET_MS = 1.0, 5.0
MILLION = 1_000_000
LISTED = 0.30  # three list rows for ten students, adults and certificate holders included
SEED = 77
WARM_SHARE = 20  # one event in so many comes before any is measured: connections, plans, caches
STUDENT_PARTS = 2
SPARE = 5  # times as many people are kept for events as there are events: not everyone fits every kind
ONE_DAY = timedelta(days=1)
TODAY = DEFAULT_AS_OF + ONE_DAY


class Cost(NamedTuple):
    """Seconds of one event: of the thread's processor while it folds and while it decides, what of both the database
    driver took, by the clock for both, and of the processor for folding the decisions that follow from it."""

    fold: float
    decide: float
    driver: float
    wall: float
    own: float

    @property
    def processor(self) -> float:
        return self.fold + self.decide

    @property
    def computed(self) -> float:
        return self.processor - self.driver


def run(events: int = MILLION, singles: int = 2_000, profiler: cProfile.Profile | None = None) -> BenchResult:
    """``events``: students of the register; ``singles``: events measured one by one beside it, after a few unmeasured.
    Raises RuntimeError when a list row does not end as it must."""
    home = Path(tempfile.mkdtemp(prefix="rollcall-bench-"))
    try:
        with matching_parts(home) as matching:
            matching.open_day(TODAY)
            county, students, rows = _load(home, matching, events, singles)
            # What has stood on a list for a day is decided: an event finds it so, and changes nothing that stays right.
            matching.open_day(TODAY + ONE_DAY)
            matching.fold_decisions()
            warm, measured = _changes(matching, county, students, rows, singles)
            with _calm(), driver_time() as driving:
                _handle(matching, warm, driving)
                servers = _server_seconds(matching)
                costs = _handle(matching, measured, driving, profiler)
                servers = _server_seconds(matching) - servers
            states = judge([*warm, *measured], _judged(matching, [*warm, *measured]))
            count = sum(each.loaded for each in students)
            return result(
                "matching_incremental",
                _measures(measured, costs),
                students=count,
                list_rows=sum(each.loaded for each in rows),
                **{f"rows_{state}": found for state, found in sorted(states.items())},
                postgres_processor_ms_per_event=round(1_000 * servers / len(measured), 2),
                **_mib_per_million(matching, count),
            )
    finally:
        shutil.rmtree(home, ignore_errors=True)


def _load(
    home: Path, matching: Matching, count: int, singles: int
) -> tuple[County, list[LoadedStudents], list[LoadedRows]]:
    """Simulate a county of ``count`` students and put it into the roster, by processes whose memory is not ours."""
    folder = home / "county"
    plan = Settings(count, SEED, None, DEFAULT_AS_OF, "csv", 0, "moderate", LISTED)
    with ProcessPoolExecutor(STUDENT_PARTS, multiprocessing.get_context("spawn")) as pool:
        pool.submit(simulate, plan, folder).result()
        county = County(
            folder,
            matching.own.settings,
            matching.registry.settings,
            matching.schema,
            withheld=listed_students(folder, SPARE * max(1, singles * SHARES_PERCENT[ENROLLED] // 100)),
            every=max(1, count // (SPARE * singles)),
        )
        with without_indexes(matching.own.database, matching.schema):
            students = [pool.submit(load_students, county, part, STUDENT_PARTS) for part in range(STUDENT_PARTS)]
            rows = [pool.submit(load_rows, county, name) for name in LIST_FILES]
            loaded = [each.result() for each in students], [each.result() for each in rows]
    return county, *loaded


def _changes(
    matching: Matching, county: County, students: Sequence[LoadedStudents], rows: Sequence[LoadedRows], singles: int
) -> tuple[list[Change], list[Change]]:
    """Events to warm up with and events to measure."""
    people = People(
        students=[each for loaded in students for each in loaded.sample],
        withheld=[each for loaded in students for each in loaded.withheld],
        rows=[each for loaded in rows for each in loaded.sample],
        adults=adults(singles),
    )
    with matching.own.database.working() as connection:
        raw = driver(connection)
        raw.execute(sql.SQL("SET LOCAL search_path = {}").format(sql.Identifier(matching.schema)))
        changes = Changes(county, Known.of(raw, people.numbers), people)
    return changes.mixed(max(1, singles // WARM_SHARE)), changes.mixed(singles)


def _handle(
    matching: Matching, changes: Sequence[Change], driving: DriverTime, profiler: cProfile.Profile | None = None
) -> list[Cost]:
    """Append the events to the registry's log, then take them in one after the other."""
    for change in changes:
        matching.registry.append(change.stream_id, change.fact, TODAY)
    costs = []
    for partition, record in list(matching.registry.published()):
        with profiler or nullcontext():
            clock, begun, driven = time.perf_counter(), time.thread_time(), driving.seconds
            matching.fold(matching.registry, partition, record)
            folded = time.thread_time()
            matching.decide()
            decided, wall = time.thread_time(), time.perf_counter() - clock
            driven = driving.seconds - driven
        decisions = list(matching.own.published())
        own = time.thread_time()
        for place, decision in decisions:
            matching.fold(matching.own, place, decision)
        costs.append(Cost(folded - begun, decided - folded, driven, wall, time.thread_time() - own))
    return costs


@contextmanager
def _calm() -> Iterator[None]:
    """Python's cycle collector as a service sets it, and as it was again."""
    before = gc.get_threshold()
    calm_collector()
    try:
        yield
    finally:
        gc.unfreeze()
        gc.set_threshold(*before)


def _measures(changes: Sequence[Change], costs: Sequence[Cost]) -> list[Measure]:
    """The processor's part of all events against the target, its parts, the clock's time, and both by kind."""
    kinds: dict[str, list[Cost]] = defaultdict(list)
    for change, cost in zip(changes, costs, strict=True):
        kinds[change.kind].append(cost)
    measures = [
        _line("every event, excluding I/O", [cost.computed for cost in costs], target=True),
        _line("every event, processor", [cost.processor for cost in costs]),
        _line("… of it: read and folded", [cost.fold for cost in costs]),
        _line("… of it: decided and appended", [cost.decide for cost in costs]),
        _line("every event, wall with PostgreSQL", [cost.wall for cost in costs]),
        _line("beside it: its decisions folded, processor", [cost.own for cost in costs]),
    ]
    for kind, found in sorted(kinds.items(), key=lambda each: -len(each[1])):
        share = f"{kind} ({100 * len(found) / len(costs):.0f} %)"
        measures.append(_line(f"{share}, excluding I/O", [cost.computed for cost in found]))
        measures.append(_line(f"{share}, wall", [cost.wall for cost in found]))
    return measures


def _line(label: str, seconds: Sequence[float], *, target: bool = False) -> Measure:
    targets = {"target_p50_ms": P50_TARGET_MS, "target_p99_ms": P99_TARGET_MS} if target else {}
    return timed(label, sum(seconds), seconds, **targets)


def _judged(matching: Matching, changes: Sequence[Change]) -> dict[UUID, Judged]:
    """What the roster says of the rows of these changes."""
    with matching.own.database.working() as connection:
        found = driver(connection).execute(
            sql.SQL(
                "SELECT entity, state, student_id, candidates FROM {} WHERE valid_to = 'infinity' AND entity = ANY(%s)"
            ).format(sql.Identifier(matching.schema, "decisions")),
            (UuidArray(change.entry_id for change in changes),),
        )
        return {row[0]: Judged(*row[1:]) for row in found}


def _mib_per_million(matching: Matching, students: int) -> dict[str, int]:
    """What the tables of students and of list rows, and all their indexes, would take for a million students."""
    sizes = {}
    with matching.own.database.owner() as connection:
        for table in TABLES:
            row = (
                driver(connection)
                .execute(
                    "SELECT pg_table_size(name), pg_indexes_size(name) FROM to_regclass(%s) AS name",
                    (f"{matching.schema}.{table.name}",),
                )
                .fetchone()
            )
            assert row is not None
            for part, size in zip(("rows", "indexes"), row, strict=True):
                sizes[f"{table.name}_{part}_mib_per_million"] = round(size / students * MILLION / MEBIBYTE)
    return sizes


def _server_seconds(matching: Matching) -> float:
    identity = matching.server.identity
    return processor_seconds(identity.pid if identity else None)


def main() -> None:
    """Run and print; no exit code depends on the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--students", type=int, default=MILLION, help="of the register")
    parser.add_argument("--singles", type=int, default=2_000, help="events measured one by one")
    parser.add_argument("--profile", type=Path, help="write a profile of the measured events there (slows them)")
    chosen = parser.parse_args()
    profiler = cProfile.Profile(time.thread_time) if chosen.profile else None  # without the waits
    run(chosen.students, chosen.singles, profiler).show(Console())
    if profiler is not None:
        profiler.dump_stats(chosen.profile)


if __name__ == "__main__":
    main()

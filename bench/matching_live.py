"""The live matching service alone: a county's events from their topic to decisions in the roster, on one worker.

The registry takes a whole county in while matching is down; then matching is started and everything it has to do is
timed: fold, index, decide, append, sequence, publish and fold its own decisions.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from pathlib import Path

import psutil

from bench.live import free_ports
from bench.report import MEBIBYTE, BenchResult, Measure, result
from bench.stage import processor_seconds
from cli.demo import FILES, send_files
from cli.session import Session
from deploy import local
from deploy.spec import Installation
from deploy.status import gather
from simulation.county import Settings, simulate

TARGET_RATE = 2_000.0
PROCESSES = "bench.matching_processes"
LIMIT_SECONDS = 1_800.0
POLL_SECONDS = 0.25  # each look at the figures takes the service some milliseconds
QUIET_POLLS = 5
CHOSEN = "ROLLCALL_BENCH_PROCESSES"


def run(events: int = 20_000) -> BenchResult:
    """``events``: students of the county; about eight list rows come for ten of them."""
    home = Path(tempfile.mkdtemp(prefix="rollcall-bench-"))
    os.environ |= {"ROLLCALL_HOME": str(home), "ROLLCALL_PORT": str(free_ports()), "ROLLCALL_PROCESSES": PROCESSES}
    os.environ["ROLLCALL_RATES"] = "off"  # what it can do is measured, not what it allows one person
    installation = Installation.from_environment()
    try:
        rows = _fill(installation, home, events)
        local.bring_down(installation)
        os.environ[CHOSEN] = "matching,portal"
        local.ensure_running(installation, lambda line: None)
        seconds, total, decided = _until_level(installation, rows)
        service = psutil.Process(next(part.pid for part in gather(installation).parts if part.name == "matching"))
        processor = sum(service.cpu_times()[:2])
        servers = sum(processor_seconds(part.pid) for part in gather(installation).parts if part.name == "postgres")
        memory_mib = service.memory_info().rss / MEBIBYTE
        measures = [
            Measure("events of the registry, folded and decided", total, seconds, target_rate=TARGET_RATE),
            Measure("list rows decided", decided, seconds),
        ]
        return result(
            "matching_live",
            measures,
            students=events,
            rows=rows,
            matching_processor_seconds=round(processor, 1),
            postgres_processor_seconds=round(servers, 1),
            matching_mib=round(memory_mib),
        )
    finally:
        local.bring_down(installation)
        shutil.rmtree(home, ignore_errors=True)


def _fill(installation: Installation, home: Path, students: int) -> int:
    """Let the registry alone take the county in and publish it; the number of its list rows."""
    os.environ[CHOSEN] = "registry,portal"
    local.ensure_running(installation, lambda line: None)
    county = home / "county"
    county.mkdir()
    told = simulate(Settings(students=students, weeks=0), county)
    with Session(installation, "aid_clerk") as session:
        rows = send_files(session, county, str(told["as_of"]), FILES)
    while any(figure.value for figure in gather(installation).figures if "backlog" in figure.name):
        time.sleep(POLL_SECONDS)
    return rows


def _until_level(installation: Installation, rows: int) -> tuple[float, int, int]:
    """Seconds from the first event applied until nothing waits, the registry's events, and the rows decided."""
    began, total, quiet = None, 0, 0
    deadline = time.monotonic() + LIMIT_SECONDS
    with Session(installation, "aid_clerk") as session:
        while time.monotonic() < deadline:
            figures = gather(installation).figures
            lag = sum(int(each.value) for each in figures if each.name.startswith("lag") and "registry" in each.name)
            waiting = sum(each.value for each in figures if "lag" in each.name or "backlog" in each.name)
            if began is None:
                total = max(total, lag)
                if lag < total:
                    began = time.perf_counter()
            if began is not None and not waiting:
                quiet += 1
                if quiet == 1:
                    level = time.perf_counter()
                if quiet == QUIET_POLLS:
                    states = session.get("matching", "/v1/roster/summary")["states"]
                    decided = sum(states.values())
                    if decided != rows:
                        raise RuntimeError(f"{decided} of {rows} rows were decided, and nothing waits")
                    return level - began, total, decided
            else:
                quiet = 0
            time.sleep(POLL_SECONDS)
    raise RuntimeError("matching was not level in time")

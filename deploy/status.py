"""What `./rollcall status` shows: the supervisor's view of each process, and the figures the services report.

Figures are the Prometheus gauges a process exposes at /metrics under the names in FIGURES; whoever monitors a real
deployment reads the same ones.
"""

from __future__ import annotations

import http.client
import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

import psutil

from deploy import ports
from deploy.spec import Installation
from deploy.state import PartState, State

METRICS_TIMEOUT_SECONDS = 3.0
SERVERS = ("postgres", "kafka")  # their ports speak other protocols
METRICS_LIMIT_BYTES = 4 * 1024 * 1024
# name of the gauge (labels follow in braces) → what the table calls it
FIGURES = {
    "rollcall_projection_lag_events": "lag, events",
    "rollcall_relay_backlog_events": "relay backlog, events",
    "rollcall_sequencer_backlog_events": "sequencer backlog, events",
    "rollcall_matching_backlog_changes": "matching backlog, changes",
    "rollcall_unsigned_events": "not signed yet, events",
    "rollcall_uncosigned_events": "not cosigned yet, events",
    "rollcall_alarms": "alarms about a log",
    "rollcall_dead_letters": "dead letters",
    "rollcall_parked_streams": "parked streams",
    "rollcall_agency_freshness_seconds": "since the agency's last list, seconds",
    "rollcall_agency_silent_days": "silent agency, days since its list was due",
}
_SAMPLE = re.compile(r"^(?P<name>[a-z_]+)(?:\{(?P<labels>[^}]*)\})? (?P<value>[^ ]+)")


@dataclass(frozen=True)
class PartReport:
    """One process."""

    name: str
    state: str
    pid: int | None
    port: int | None
    restarts: int
    memory_bytes: int | None


@dataclass(frozen=True)
class Figure:
    """One figure reported by a process."""

    part: str
    name: str
    value: float


@dataclass(frozen=True)
class Report:
    """One installation."""

    phase: str
    message: str
    page: str | None
    parts: tuple[PartReport, ...]
    figures: tuple[Figure, ...]

    @property
    def ready(self) -> bool:
        """Whether everything runs and answers."""
        return self.phase == "running" and all(part.state == "ready" for part in self.parts)

    def as_fields(self) -> dict[str, Any]:
        """For JSON."""
        return {**asdict(self), "ready": self.ready}


def gather(installation: Installation) -> Report:
    """Ask the state file, the operating system and every process that serves metrics."""
    state = State.load(installation.home)
    if state is None or (not state.alive() and state.phase != "failed"):
        message = "./rollcall up starts it" if state is None else "its supervisor was killed; ./rollcall up recovers it"
        return Report("not running", message, None, (), ())
    if not state.alive():
        return Report("failed", state.message, None, (), ())
    parts = tuple(_part_report(part) for part in state.parts)
    figures = tuple(
        figure
        for part in state.parts
        if part.state == "ready" and part.port and part.name not in SERVERS
        for figure in _figures(part.name, part.port)
    )
    return Report(state.phase, state.message, state.page, parts, figures)


def _part_report(part: PartState) -> PartReport:
    memory_bytes = None
    if part.pid is not None:
        try:
            process = psutil.Process(part.pid)
            family = [process, *process.children(recursive=True)]
            memory_bytes = sum(_own_memory_bytes(each) for each in family)
        except psutil.NoSuchProcess:
            pass
    return PartReport(part.name, part.state, part.pid, part.port, part.restarts, memory_bytes)


def _own_memory_bytes(process: psutil.Process) -> int:
    """Proportional set size: PostgreSQL's backends share their buffers, and each page must count once."""
    try:
        full = process.memory_full_info()
        return int(getattr(full, "pss", full.uss))
    except psutil.AccessDenied:
        return int(process.memory_info().rss)
    except psutil.NoSuchProcess:
        return 0


def _figures(part: str, port: int) -> Iterator[Figure]:
    for line in _metrics(port).splitlines():
        sample = _SAMPLE.match(line)
        if sample is None or sample["name"] not in FIGURES:
            continue
        labels = re.sub(r'"', "", sample["labels"] or "")
        name = FIGURES[sample["name"]] + (f" ({labels})" if labels else "")
        yield Figure(part, name, float(sample["value"]))


def _metrics(port: int) -> str:
    connection = http.client.HTTPConnection(ports.LOOPBACK, port, timeout=METRICS_TIMEOUT_SECONDS)
    try:
        connection.request("GET", "/metrics")
        response = connection.getresponse()
        return response.read(METRICS_LIMIT_BYTES).decode("utf-8", "replace") if response.status == 200 else ""
    except (OSError, http.client.HTTPException):
        return ""  # a process that just went away has no figures; its state says the rest
    finally:
        connection.close()

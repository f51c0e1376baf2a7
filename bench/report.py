"""What a benchmark says: rates and percentiles beside their targets, memory, and the machine they were measured on."""

from __future__ import annotations

import math
import os
import platform
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import psutil
from rich.console import Console
from rich.table import Table

MEBIBYTE = 1_048_576


@dataclass(frozen=True)
class Measure:
    """One line: ``count`` things in ``seconds``, with latencies in milliseconds where single ones were timed.

    ``target_rate`` is the least rate wanted per second, ``target_p50_ms``, ``target_p95_ms`` and ``target_p99_ms`` the
    longest p50, p95 and p99.
    """

    label: str
    count: int
    seconds: float
    target_rate: float | None = None
    p50_ms: float | None = None
    p95_ms: float | None = None
    p99_ms: float | None = None
    target_p99_ms: float | None = None
    target_p50_ms: float | None = None
    target_p95_ms: float | None = None

    @property
    def rate(self) -> float:
        """Per second."""
        return self.count / self.seconds if self.seconds else math.inf

    @property
    def reached(self) -> bool | None:
        """Whether every target was met; None without one."""
        verdicts = []
        if self.target_rate is not None:
            verdicts.append(self.rate >= self.target_rate)
        for measured, longest in (
            (self.p50_ms, self.target_p50_ms),
            (self.p95_ms, self.target_p95_ms),
            (self.p99_ms, self.target_p99_ms),
        ):
            if measured is not None and longest is not None:
                verdicts.append(measured <= longest)
        return all(verdicts) if verdicts else None


@dataclass(frozen=True)
class BenchResult:
    """One run of one benchmark."""

    name: str
    measures: tuple[Measure, ...]
    memory_mib: float
    machine: str
    parameters: dict[str, Any] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """For machines: every measure with its rate and verdict."""
        measures = [{**asdict(each), "rate": each.rate, "reached": each.reached} for each in self.measures]
        return {**asdict(self), "measures": measures}

    def show(self, console: Console) -> None:
        """For people."""
        table = Table(title=f"{self.name}  {self._parameters()}", caption=self._footer(), title_justify="left")
        table.add_column("measure")
        for column in ("per second", "target", "p50 ms", "target", "p95 ms", "target", "p99 ms", "target"):
            table.add_column(column, justify="right")
        for each in self.measures:
            table.add_row(
                each.label,
                f"{each.rate:,.0f}",
                _number(each.target_rate, 0),
                *map(_latency, (each.p50_ms, each.target_p50_ms, each.p95_ms, each.target_p95_ms)),
                *map(_latency, (each.p99_ms, each.target_p99_ms)),
                style={True: "green", False: "red", None: ""}[each.reached],
            )
        console.print(table)

    def _parameters(self) -> str:
        return ", ".join(f"{name} {value:,}" for name, value in self.parameters.items())

    def _footer(self) -> str:
        return f"{self.memory_mib:,.0f} MiB in this process · {self.machine}"


def result(name: str, measures: Sequence[Measure], **parameters: Any) -> BenchResult:
    """Put the measures together with this process's memory and machine."""
    memory = psutil.Process().memory_info().rss / MEBIBYTE
    return BenchResult(name, tuple(measures), memory, machine_line(), parameters)


def timed(label: str, seconds: float, latencies_seconds: Sequence[float], **targets: float) -> Measure:
    """A measure from single latencies; ``seconds`` is the wall time of all of them together."""
    p50, p95, p99 = (1_000 * percentile(latencies_seconds, share) for share in (0.5, 0.95, 0.99))
    return Measure(label, len(latencies_seconds), seconds, p50_ms=p50, p95_ms=p95, p99_ms=p99, **targets)


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least ``share`` of all values do not exceed. Raises ValueError without values."""
    if not values:
        raise ValueError("no values were measured")
    return sorted(values)[max(0, math.ceil(share * len(values)) - 1)]


def machine_line() -> str:
    """Processor, cores, memory, load and Python: without it no figure means anything."""
    memory = psutil.virtual_memory().total / 1024**3
    load = os.getloadavg()[0]
    return (
        f"{_processor()}, {psutil.cpu_count()} cores (load {load:.1f}), {memory:.0f} GiB, "
        f"Python {platform.python_version()}, {platform.system()}"
    )


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def _number(value: float | None, digits: int) -> str:
    return "" if value is None else f"{value:,.{digits}f}"


def _latency(milliseconds: float | None) -> str:
    return _number(milliseconds, 2 if milliseconds is not None and milliseconds < 10 else 1)

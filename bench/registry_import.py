"""Students from a file to durable events, each file through a fresh registry process."""

from __future__ import annotations

from typing import Literal

from bench.registry_stage import registry_stage
from bench.report import BenchResult, Measure, result
from simulation.county import Settings, simulate

TARGETS: dict[Literal["xlsx", "csv"], float] = {"xlsx": 12_000.0, "csv": 20_000.0}
MEBIBYTES_TARGET = 500


def run(events: int = 100_000) -> BenchResult:
    """``events`` students, once as xlsx and once as csv, each into an empty registry."""
    measures, peak = [], 0.0
    for form, target in TARGETS.items():
        with registry_stage() as ready:
            folder = ready.home / "county"
            simulate(Settings(events, 1, file_format=form, weeks=0), folder, lambda step, done: None)
            ready.take("schools", folder / f"schools.{form}")
            taken = ready.take("students", folder / f"students.{form}")
        label = f"students from {form}, {taken.peak_mib:.0f} MiB"
        measures.append(Measure(label, taken.rows, taken.seconds, target_rate=target))
        peak = max(peak, taken.peak_mib)
    return result("registry_import", measures, peak_mib=round(peak), peak_mib_target=MEBIBYTES_TARGET)

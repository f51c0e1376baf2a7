"""The check of a workbook before its import: every error of 10,000 rows beside its row, and what that takes."""

from __future__ import annotations

from bench.registry_stage import Taken, registry_stage
from bench.report import BenchResult, Measure, result
from simulation.county import Settings, simulate

WORKBOOK_ROWS = 10_000
SECONDS_TARGET = 5.0
MEBIBYTES_TARGET = 300


def run(events: int = WORKBOOK_ROWS) -> BenchResult:
    """``events`` rows of the register, beside a register of as many students on record."""
    with registry_stage() as ready:
        folder = ready.home / "county"
        simulate(Settings(events, 1, weeks=0), folder, lambda step, done: None)
        ready.take("schools", folder / "schools.xlsx")
        checked = ready.home / "checked.xlsx"
        first = ready.take("students", folder / "students.xlsx", "--annotated", str(checked))
        ready.take("students", folder / "students.xlsx")
        second = ready.take("students", folder / "students.xlsx", "--annotated", str(checked))
    measures = [_measure("nothing on record", first), _measure("all on record", second)]
    peak = max(first.peak_mib, second.peak_mib)
    return result("registry_dry_run", measures, peak_mib=round(peak), peak_mib_target=MEBIBYTES_TARGET)


def _measure(label: str, taken: Taken) -> Measure:
    target = taken.rows / SECONDS_TARGET
    return Measure(f"dry run, {label}, {taken.peak_mib:.0f} MiB", taken.rows, taken.seconds, target_rate=target)

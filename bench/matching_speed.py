"""How fast `rollcall match` is, from files to files: 1,000,000 students × 300,000 rows as csv, 20,000 × 6,000 as xlsx.

`python -m bench.matching_speed [--students N] [--keep FOLDER] [--profile]`. Each run is a process of its own, whose
memory is sampled together with that of its children. With ROLLCALL_BENCH_LINKAGE_PYTHON Splink gets the same csv.
"""

from __future__ import annotations

import argparse
import cProfile
import os
import pstats
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

from bench.matching_judging import KEEPERS
from bench.matching_speed_peer import f1_line, splink_line
from bench.report import MEBIBYTE, machine_line
from simulation.county import DEFAULT_AS_OF, FileFormat, Settings, simulate

STUDENTS = 1_000_000
OFFICE_STUDENTS = 20_000
# The share of listed families that gives three list rows for ten students, adults and certificate holders included.
LISTED = 0.30
SEED = 77
SAMPLE_SECONDS = 0.25
TIME_LIMIT_SECONDS = 1_800.0
LARGE_SECONDS, LARGE_MIB = 60.0, 4_096.0
OFFICE_SECONDS = 5.0
PROFILE_LINES = 40


@dataclass(frozen=True, slots=True)
class Run:
    """One run of the command: wall and processor seconds, and the greatest memory of all its processes together."""

    seconds: float
    processor_seconds: float
    peak_mib: float


def main() -> None:
    """Run and print; no exit code depends on the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--students", "--events", type=int, default=STUDENTS, help="of the county in csv")
    parser.add_argument("--keep", type=Path, help="folder for the counties; what is there already is used again")
    parser.add_argument("--profile", action="store_true", help="also profile a run in this process")
    parser.add_argument("--only", choices=("csv", "xlsx"), help="one of the two")
    chosen = parser.parse_args()
    print(machine_line(), flush=True)
    with _home(chosen.keep) as home:
        sizes: tuple[tuple[FileFormat, int, float, float | None], ...] = (
            ("csv", chosen.students, LARGE_SECONDS, LARGE_MIB),
            ("xlsx", OFFICE_STUDENTS, OFFICE_SECONDS, None),
        )
        for file_format, students, seconds, mib in sizes:
            if chosen.only in (None, file_format):
                for line in _measure(home, file_format, students, seconds, mib, chosen.profile):
                    print(line, flush=True)


@contextmanager
def _home(keep: Path | None) -> Iterator[Path]:
    if keep is not None:
        keep.mkdir(parents=True, exist_ok=True)
        yield keep
        return
    with tempfile.TemporaryDirectory(prefix="rollcall-speed-") as name:
        yield Path(name)


def _measure(
    home: Path, file_format: FileFormat, students: int, seconds: float, mib: float | None, profiled: bool
) -> Iterator[str]:
    folder = home / f"{file_format}-{students}"
    if not (folder / "truth.csv").exists():
        began = time.perf_counter()
        simulate(Settings(students, SEED, None, DEFAULT_AS_OF, file_format, 0, "moderate", LISTED), folder)
        yield f"simulated {students:,} students in {time.perf_counter() - began:.0f} s"
    rows = sum(1 for _ in (folder / "truth.csv").open(encoding="utf-8")) - 1
    out = folder / "out"
    found = run_match(folder, file_format, out)
    line = f"match {file_format}: {students:,} students × {rows:,} rows: {found.seconds:.1f} s (≤ {seconds:g}), "
    line += f"processor {found.processor_seconds:.1f} s, {found.peak_mib:,.0f} MiB"
    yield line + (f" (≤ {mib:,.0f})" if mib else "")
    yield f"  {f1_line(folder, out)}"
    if file_format == "csv" and (interpreter := os.environ.get("ROLLCALL_BENCH_LINKAGE_PYTHON")):
        yield splink_line(interpreter, folder, found.seconds)
    if profiled:
        _profile(folder, file_format, out)


def command(folder: Path, file_format: str, out: Path) -> list[str]:
    """The arguments of `rollcall match` for the county in the folder."""
    given = ["--students", str(folder / f"students.{file_format}")]
    for name, parts in KEEPERS.items():
        for part in parts:
            given += [f"--{name}", str(folder / f"{part}.{file_format}")]
    return [*given, "--as-of", DEFAULT_AS_OF.isoformat(), "--out", str(out)]


def run_match(folder: Path, file_format: str, out: Path) -> Run:
    """Run the command once and watch it. Raises RuntimeError when it fails or takes too long."""
    began = time.perf_counter()
    program = [sys.executable, "-m", "cli.match", *command(folder, file_format, out)]
    process = subprocess.Popen(program, stdout=subprocess.DEVNULL)
    watched, peak, used = psutil.Process(process.pid), 0, 0.0
    while process.poll() is None:
        if time.perf_counter() - began > TIME_LIMIT_SECONDS:
            process.kill()
            raise RuntimeError(f"match took longer than {TIME_LIMIT_SECONDS:g} s")
        memory, seconds = _sample(watched)
        peak, used = max(peak, memory), max(used, seconds)
        time.sleep(SAMPLE_SECONDS)
    if process.returncode:
        raise RuntimeError(f"match ended with {process.returncode}")
    return Run(time.perf_counter() - began, used, peak / MEBIBYTE)


def _sample(watched: psutil.Process) -> tuple[int, float]:
    """(bytes of the process and its children, processor seconds of those that live and those that ended).

    Pages that a forked child shares with its parent count once (PSS) where the platform tells.
    """
    memory, seconds = 0, 0.0
    try:
        times = watched.cpu_times()
        seconds = times.user + times.system + times.children_user + times.children_system
        for each in (watched, *watched.children(recursive=True)):
            memory += _bytes_of(each)
            if each is not watched:
                seconds += sum(each.cpu_times()[:2])
    except psutil.NoSuchProcess:
        pass  # ended between two samples
    return memory, seconds


def _bytes_of(process: psutil.Process) -> int:
    try:
        return int(process.memory_full_info().pss)
    except (AttributeError, psutil.AccessDenied):
        return int(process.memory_info().rss)


def _profile(folder: Path, file_format: str, out: Path) -> None:
    from cli.match import match_files

    paths = {name: [folder / f"{part}.{file_format}" for part in parts] for name, parts in KEEPERS.items()}
    profiler = cProfile.Profile()
    profiler.enable()
    match_files([folder / f"students.{file_format}"], paths, out, DEFAULT_AS_OF, lambda _: None)
    profiler.disable()
    pstats.Stats(profiler).sort_stats("tottime").print_stats(PROFILE_LINES)


if __name__ == "__main__":
    main()

"""How good the matching is: simulated counties at three levels of error, judged row by row against their truth.

`python -m bench.matching_quality [--events LINKS]`: LINKS automatic links per level at least (30,000 unless given; the
full run has 300,000). Beside it the macro that is replaced, and Splink set up by hand where
ROLLCALL_BENCH_LINKAGE_PYTHON names a Python that has it.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Iterator

from bench.matching_counties import county, judge_county, traps
from bench.matching_judging import FINAL, Tally, rate_at_most, wilson, worst
from bench.matching_peer import compare
from bench.report import machine_line
from simulation.clerks import LEVELS, Level
from simulation.trap_kinds import KINDS

DEFAULT_LINKS = 30_000
STUDENTS = 40_000  # per county: students of one seed fit in memory together with their lists
COUNTIES_MOST = 60
TRAPS = 10_000
FIRST_SEED = 101
WORST_SHOWN = 12
SORTS = (
    *("false link", "student missed", "no candidate", "review of a student"),
    "review of somebody not in the register",
)
# (measure, level) → what is wanted (issue "Matching"); False: at most, True: at least.
TARGETS: dict[tuple[str, str], tuple[float, bool]] = {
    ("automatic recall", "moderate"): (0.985, True),
    ("automatic + review recall", "moderate"): (0.9995, True),
    **{("candidate recall", level): (0.9998, True) for level in LEVELS},
    ("review share of rows", "moderate"): (0.015, False),
    ("review share of rows", "heavy"): (0.05, False),
    **{("false among automatic links", level): (0.0, False) for level in LEVELS},
}


def main() -> None:
    """Run and print; no exit code depends on the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=DEFAULT_LINKS, help="automatic links wanted per level")
    parser.add_argument("--level", choices=LEVELS, action="append", help="only these levels")
    parser.add_argument("--students", type=int, default=STUDENTS, help="students per county")
    parser.add_argument("--seed", type=int, default=FIRST_SEED, help="of the first county")
    parser.add_argument("--traps", type=int, default=TRAPS, help="rows that are traps")
    parser.add_argument("--worst", type=int, default=WORST_SHOWN, help="kinds of error shown")
    chosen = parser.parse_args()
    print(machine_line(), flush=True)
    for level in chosen.level or LEVELS:
        for line in _level(level, chosen):
            print(line, flush=True)
    for line in _traps(chosen):
        print(line, flush=True)


def _level(level: Level, chosen: argparse.Namespace) -> Iterator[str]:
    engine, macro, peer = Tally(), Tally(), None
    began, seeds = time.perf_counter(), 0
    while engine.links < chosen.events and seeds < COUNTIES_MOST:
        with county(chosen.students, chosen.seed + seeds, level) as folder:
            judged = judge_county(folder)
        engine.add(judged.engine)
        macro.add(judged.macro)
        if seeds == 0 and (interpreter := os.environ.get("ROLLCALL_BENCH_LINKAGE_PYTHON")):
            peer = compare(interpreter, judged)
        seeds += 1
    yield ""
    yield f"{level}: {seeds} counties of {chosen.students:,} students in {time.perf_counter() - began:.0f} s"
    yield from table(engine, macro, level)
    if peer is not None:
        yield peer
    yield from balance(engine)
    for sort in SORTS:
        yield from worst(engine, sort, chosen.worst)


def _traps(chosen: argparse.Namespace) -> Iterator[str]:
    with traps(chosen.traps, chosen.seed) as folder:
        judged = judge_county(folder)
    engine = judged.engine
    upper = rate_at_most(engine.false_links, engine.rows)
    yield ""
    yield f"traps: {engine.rows:,} rows of {len(KINDS)} kinds; fallen into: {engine.false_links:,} (old macro "
    yield f"       {judged.macro.false_links:,}); rate at most {upper:.5f}"
    yield from balance(engine)
    for sort in SORTS[:2]:
        yield from worst(engine, sort, chosen.worst)


def table(engine: Tally, macro: Tally, level: str) -> Iterator[str]:
    """Each measure of the engine with its 95 % interval, its target, and the old macro's figure."""
    yield f"{engine.rows:,} rows, {engine.student_rows:,} about students, {engine.links:,} automatic links"
    yield f"{'measure':36}{'engine':>10}  {'95 % interval':21}{'target':>10}{'':8}{'old macro':>10}"
    for name, (events, trials) in _measures(engine).items():
        value = events / trials if trials else 0.0
        low, high = wilson(events, trials)
        if name.startswith("false"):
            high = rate_at_most(events, trials)
        target = TARGETS.get((name, level))
        verdict = ""
        if target is not None:
            verdict = "reached" if (value >= target[0] if target[1] else value <= target[0]) else "MISSED"
        wanted = "" if target is None else f"{'≥' if target[1] else '≤'} {target[0]:g}"
        other_events, other_trials = _measures(macro)[name]
        old = "" if name == "candidate recall" or not other_trials else f"{other_events / other_trials:10.6f}"
        yield f"{name:36}{value:10.6f}  {low:9.6f} – {high:9.6f}{wanted:>10} {verdict:7}{old}"
    yield f"{'false links':36}{engine.false_links:10,}{'':41}{macro.false_links:17,}"


def _measures(tally: Tally) -> dict[str, tuple[int, int]]:
    return {
        "false among automatic links": (tally.false_links, tally.links),
        "automatic recall": (tally.found, tally.student_rows),
        "automatic + review recall": (tally.found_or_review, tally.student_rows),
        "candidate recall": (tally.candidates, tally.student_rows),
        "review share of rows": (tally.states["review"], tally.rows),
    }


def balance(tally: Tally) -> Iterator[str]:
    """The six states beside those of a perfect person."""
    yield "state: " + ", ".join(f"{state} {tally.states[state]:,} ({tally.perfect[state]:,})" for state in FINAL)
    assert tally.states.total() == tally.rows == tally.perfect.total(), "every row is in exactly one state"
    if tally.disallowed:
        yield "states that are mistakes: " + ", ".join(f"{k} {n:,}" for k, n in tally.disallowed.most_common(8))


if __name__ == "__main__":
    main()

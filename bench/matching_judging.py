"""Judges what a program decided about a county's lists against the truth the simulation kept, and counts by kind."""

from __future__ import annotations

import csv
import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

NORMAL_95 = 1.959964  # two-sided quantile of the normal distribution
EXAMPLES_KEPT = 3
WAYS_OF_WRITING = frozenset(("ditto", "month_only", "grade_of_last_year", "blank_in_name"))  # would split the kinds
KEEPERS = {"poverty": ("poverty",), "civil": ("civil", "hardship"), "disability": ("disability",)}
FINAL = ("linked", "review", "not_in_register", "registered_elsewhere", "out_of_age", "rejected")


@dataclass(frozen=True, slots=True)
class TruthRow:
    """`student_row` is None when the row is about nobody in the register; `state` is what a perfect person decides."""

    student_row: int | None
    standing: str
    slips: str
    state: str
    states: frozenset[str]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a program said of one row: its state, the student it linked, and those it offered for review."""

    state: str
    student_row: int | None = None
    offered: frozenset[int] = frozenset()
    why: str = ""


@dataclass(slots=True)
class Tally:
    """Counts over any number of rows; tallies of several counties add up."""

    rows: int = 0
    student_rows: int = 0
    links: int = 0
    false_links: int = 0
    found: int = 0
    found_or_review: int = 0
    candidates: int = 0
    states: Counter[str] = field(default_factory=Counter)
    perfect: Counter[str] = field(default_factory=Counter)
    disallowed: Counter[str] = field(default_factory=Counter)
    errors: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    examples: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))

    def judge(self, truth: TruthRow, verdict: Verdict, candidate: bool | None = None, example: str = "") -> None:
        """Count one row. `candidate`: whether the true student was looked at, where the program can tell."""
        self.rows += 1
        self.states[verdict.state] += 1
        self.perfect[truth.state] += 1
        linked = verdict.state == "linked"
        right = linked and verdict.student_row == truth.student_row and truth.student_row is not None
        self.links += linked
        if linked and not right:
            self.false_links += 1
            self._note("false link", truth, verdict, example)
        if verdict.state not in truth.states and not linked and truth.student_row is None:
            self.disallowed[f"{truth.state} → {verdict.state}"] += 1
        if truth.student_row is None or truth.state != "linked":
            if verdict.state == "review":
                self._note("review of somebody not in the register", truth, verdict, example)
            return
        self.student_rows += 1
        self.found += right
        reviewed = verdict.state == "review" and truth.student_row in verdict.offered
        self.found_or_review += right or reviewed
        self.candidates += bool(candidate)
        if candidate is False:
            self._note("no candidate", truth, verdict, example)
        if reviewed:
            self._note("review of a student", truth, verdict, example)
        elif not linked:
            self._note("student missed", truth, verdict, example)

    def _note(self, sort: str, truth: TruthRow, verdict: Verdict, example: str) -> None:
        slips = "|".join(slip for slip in truth.slips.split("|") if slip not in WAYS_OF_WRITING)
        kind = f"{truth.standing} [{slips or 'no slip'}] → {verdict.state} {verdict.why}"
        self.errors[sort][kind] += 1
        kept = self.examples[f"{sort}/{kind}"]
        if example and len(kept) < EXAMPLES_KEPT:
            kept.append(example)

    def add(self, other: Tally) -> None:
        """Include the counts of another county."""
        for name in ("rows", "student_rows", "links", "false_links", "found", "found_or_review", "candidates"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.states += other.states
        self.perfect += other.perfect
        self.disallowed += other.disallowed
        for sort, kinds in other.errors.items():
            self.errors[sort] += kinds
        for kind, examples in other.examples.items():
            self.examples[kind] = (self.examples[kind] + examples)[:EXAMPLES_KEPT]


def truth_rows(folder: Path) -> dict[str, list[TruthRow]]:
    """truth.csv of a county with levels of error, by the list that `match` knows: hardship comes after civil."""
    by_list: dict[str, list[TruthRow]] = defaultdict(list)
    with (folder / "truth.csv").open(encoding="utf-8", newline="") as file:
        for line in csv.DictReader(file):
            student = int(line["student_row"]) if line["student_row"] else None
            states = frozenset(line["states"].split("|"))
            row = TruthRow(student, line["standing"], line["corruption"], line["state"], states)
            by_list[line["list"]].append(row)
    return {name: [row for part in parts for row in by_list[part]] for name, parts in KEEPERS.items()}


def wilson(successes: int, trials: int) -> tuple[float, float]:
    """The 95 % interval of a share (E. B. Wilson 1927). Without trials (0, 1)."""
    if not trials:
        return 0.0, 1.0
    share, z2 = successes / trials, NORMAL_95**2
    centre = (share + z2 / (2 * trials)) / (1 + z2 / trials)
    half = NORMAL_95 * math.sqrt(share * (1 - share) / trials + z2 / (4 * trials**2)) / (1 + z2 / trials)
    return max(0.0, centre - half), min(1.0, centre + half)


def rate_at_most(events: int, trials: int) -> float:
    """The upper 95 % bound of a rate: 3 / trials when nothing was seen (rule of three), else Wilson's."""
    if not trials:
        return 1.0
    return min(1.0, 3 / trials) if events == 0 else wilson(events, trials)[1]


def worst(tally: Tally, sort: str, most: int) -> Iterator[str]:
    """Lines on the commonest kinds of one sort of error, each with its examples."""
    kinds = tally.errors.get(sort, Counter())
    yield f"{sort}: {kinds.total():,}"
    for kind, count in kinds.most_common(most):
        yield f"  {count:6,} {kind}"
        yield from (f"           {example}" for example in tally.examples[f"{sort}/{kind}"])


def old_macro(truth: Iterable[TruthRow], numbers: Iterable[str], register: dict[str, int]) -> Tally:
    """The macro that is replaced: a look-up of the number as it stands in the cell, blanks around it and case apart."""
    tally = Tally()
    for row, number in zip(truth, numbers, strict=True):
        found = register.get(number.strip().upper())
        verdict = Verdict("not_in_register") if found is None else Verdict("linked", found)
        tally.judge(row, verdict)
    return tally

"""From weighed pairs to links, and how right these are: transitive clusters or mutual best pairs, F1 with intervals."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

WeighedPair = tuple[float, int, int]  # weight, one row, the other
Z_95 = 1.959964


@dataclass(frozen=True, slots=True)
class Judged:
    """Linked pairs against the truth; `wanted` pairs are true in all."""

    right: int
    wrong: int
    wanted: int

    @property
    def precision(self) -> float:
        return self.right / (self.right + self.wrong) if self.right + self.wrong else 1.0

    @property
    def recall(self) -> float:
        return self.right / self.wanted

    @property
    def f1(self) -> float:
        return 2 * self.right / (self.right + self.wrong + self.wanted)

    @property
    def f1_interval(self) -> tuple[float, float]:
        """95 %: Wilson's for right / (linked or wanted), of which F1 is a rising function."""
        low, high = wilson(self.right, self.wanted + self.wrong)
        return 2 * low / (1 + low), 2 * high / (1 + high)


def wilson(successes: int, trials: int) -> tuple[float, float]:
    """Wilson's 95 % interval of a share."""
    if not trials:
        return 0.0, 1.0
    share, z2 = successes / trials, Z_95**2
    centre = share + z2 / (2 * trials)
    spread = Z_95 * math.sqrt(share * (1 - share) / trials + z2 / (4 * trials**2))
    return max(0.0, (centre - spread) / (1 + z2 / trials)), min(1.0, (centre + spread) / (1 + z2 / trials))


def mutual_best(pairs: Sequence[WeighedPair]) -> list[WeighedPair]:
    """The pairs of which each side is the other's best; a tie for the best is nobody's."""
    best: dict[int, tuple[float, int]] = {}
    for weight, one, other in pairs:
        for row, partner in ((one, other), (other, one)):
            held = best.get(row)
            if held is None or weight > held[0]:
                best[row] = weight, partner
            elif weight == held[0]:
                best[row] = weight, 0  # rows are numbered from 1
    return [pair for pair in pairs if best[pair[1]][1] == pair[2] and best[pair[2]][1] == pair[1]]


def sweep(pairs: Sequence[WeighedPair], person: Mapping[int, str]) -> Iterator[tuple[float, Judged]]:
    """For every threshold, falling, what linking all pairs of at least that weight gives, links being transitive."""
    wanted = sum(count * (count - 1) // 2 for count in Counter(person.values()).values())
    cluster = {row: row for row in person}
    rows: defaultdict[int, list[int]] = defaultdict(list, {row: [row] for row in person})
    right = wrong = 0
    for weight, equal in groupby(sorted(pairs, reverse=True), key=lambda pair: pair[0]):
        for _, one, other in equal:
            a, b = cluster[one], cluster[other]
            if a == b:
                continue
            if len(rows[a]) < len(rows[b]):
                a, b = b, a
            ours, theirs = Counter(person[row] for row in rows[a]), Counter(person[row] for row in rows[b])
            true = sum(ours[each] * theirs[each] for each in theirs)
            right, wrong = right + true, wrong + len(rows[a]) * len(rows[b]) - true
            for row in rows[b]:
                cluster[row] = a
            rows[a] += rows.pop(b)
        yield weight, Judged(right, wrong, wanted)


@dataclass(frozen=True, slots=True)
class Curve:
    """All thresholds of one run."""

    points: tuple[tuple[float, Judged], ...]

    def at(self, weight: float) -> Judged:
        """Links of at least this weight."""
        above = [judged for threshold, judged in self.points if threshold >= weight]
        return above[-1] if above else Judged(0, 0, self.points[0][1].wanted)

    @property
    def best(self) -> tuple[float, Judged]:
        """(weight, result) with the greatest F1."""
        return max(self.points, key=lambda point: point[1].f1)

    @property
    def recall_before_first_wrong(self) -> float:
        return max((judged.recall for _, judged in self.points if not judged.wrong), default=0.0)

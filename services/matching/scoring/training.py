"""Where the figures of a model come from: u from random pairs, m from pairs nearly sure to match, adjusted by EM.

EM (Dempster, Laird and Rubin 1977; for record linkage Winkler 1988) looks at candidate pairs of which nobody says
whether they match, and finds the shares of levels among matches that explain them best.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from services.matching.scoring.frequencies import FrequencyTable
from services.matching.scoring.model import Comparison, Level, Model, Settings, Thresholds
from services.matching.scoring.weighing import MISSING, Comparator, ComparatorFactory, comparator, probability, rarest

Pattern = tuple[int, ...]
Pair = tuple[Any, Any]

# Material never holds every kind of error there is: this share of each m stays what was expected beforehand, so that
# no single disagreement outweighs everything else.
DOUBT = 0.05
BELIEF_PAIRS = 10.0  # how many observed pairs the expected shares of a level are worth
CHANCE_BELIEF_PAIRS = 1.0
ROUNDS_MOST = 100
SETTLED = 1e-6  # EM ends when a round changes the number of matches by a smaller share
SHARE_DIGITS = 9


@dataclass(frozen=True, slots=True)
class Question:
    """A comparison not trained yet. `asked_of_gold` is False when the near-gold pairs were chosen by its answer."""

    name: str
    comparator: str
    settings: Settings = field(default_factory=dict)
    frequency_table: str = ""
    frequency_levels: tuple[str, ...] = ()
    asked_of_gold: bool = True


@dataclass(slots=True)
class Material:
    """What a model is trained from, as counts of patterns, one level index (or MISSING) a question.

    `random`: any two records. `gold`: near-gold pairs. `candidates`: pairs that share a block key, matches or not.
    `pairs`: number of all pairs there are, of which the candidates hold nearly all matches. `rarity`: of random pairs,
    per question and level with frequencies, the sum of 1 / share of the rarer value.
    """

    random: Counter[Pattern] = field(default_factory=Counter)
    gold: Counter[Pattern] = field(default_factory=Counter)
    candidates: Counter[Pattern] = field(default_factory=Counter)
    rarity: defaultdict[tuple[int, int], float] = field(default_factory=lambda: defaultdict(float))
    pairs: int = 0


class Observer:
    """Turns pairs into patterns by the comparators that the questions name. Raises ModelRefused."""

    def __init__(
        self,
        questions: Sequence[Question],
        factories: Mapping[str, ComparatorFactory],
        frequencies: Mapping[str, FrequencyTable],
    ) -> None:
        self.questions = tuple(questions)
        self.frequencies = frequencies
        self.comparators: tuple[Comparator, ...] = tuple(
            comparator(each.comparator, each.settings, factories) for each in questions
        )

    def pattern(self, one: Any, other: Any) -> Pattern:
        return tuple([each.compare(one, other) for each in self.comparators])

    def patterns(self, pairs: Iterable[Pair]) -> Counter[Pattern]:
        return Counter(self.pattern(one, other) for one, other in pairs)

    def note_random(self, pairs: Iterable[Pair], material: Material) -> None:
        """Adds random pairs to `material`, with the rarity of what they agree on by chance."""
        refined = [
            (at, each.terms, self.frequencies[question.frequency_table], self._levels(at))
            for at, (question, each) in enumerate(zip(self.questions, self.comparators, strict=True))
            if question.frequency_table and each.terms is not None
        ]
        for one, other in pairs:
            pattern = self.pattern(one, other)
            material.random[pattern] += 1
            for at, terms, table, levels in refined:
                if pattern[at] in levels:
                    material.rarity[at, pattern[at]] += 1.0 / rarest(table, terms(one, other))

    def _levels(self, at: int) -> frozenset[int]:
        return frozenset(self.comparators[at].levels.index(name) for name in self.questions[at].frequency_levels)


Shares = list[list[float]]  # per question, per level


def train(
    observer: Observer,
    material: Material,
    *,
    name: str,
    version: str,
    thresholds: Thresholds,
    prior: float | None = None,
    trained: Mapping[str, Any] | None = None,
) -> Model:
    """A model of these questions. `prior` replaces the share of matches found. Raises ModelRefused."""
    expected_m, expected_u = expected_shares(observer.comparators)
    u = _shares(material.random, expected_u, CHANCE_BELIEF_PAIRS)
    asked = [each.asked_of_gold for each in observer.questions]
    gold = [
        counts if is_asked else [0.0] * len(counts)
        for counts, is_asked in zip(_level_counts(material.gold, expected_m), asked, strict=True)
    ]
    belief = [
        [found + BELIEF_PAIRS * share for found, share in zip(counts, shares, strict=True)]
        for counts, shares in zip(gold, expected_m, strict=True)
    ]
    start = [_normal(counts) for counts in belief]
    found, m = expectation_maximisation(material.candidates, start, u, belief, max(material.pairs, 1))
    m = [
        [(1.0 - DOUBT) * learnt + DOUBT * share for learnt, share in zip(shares, expected, strict=True)]
        for shares, expected in zip(m, expected_m, strict=True)
    ]
    m = [
        _no_stronger_than_seen(shares, of_u, seen)
        for shares, of_u, seen in zip(m, u, _seen(material, expected_m), strict=True)
    ]
    if prior is None:
        prior = min(max(found / max(material.pairs, 1), 1e-12), 0.5)
    comparisons = tuple(
        _comparison(question, each, m[index], u[index], _typical(index, observer, material, u[index]))
        for index, (question, each) in enumerate(zip(observer.questions, observer.comparators, strict=True))
    )
    return Model(name, version, prior, thresholds, comparisons, dict(observer.frequencies), dict(trained or {}))


def expected_shares(comparators: Sequence[Comparator]) -> tuple[Shares, Shares]:
    """m and u before anything was observed: matches mostly agree at the best levels, random pairs mostly disagree."""
    m, u = [], []
    for each in comparators:
        count = len(each.levels)
        falling = [0.5**index for index in range(each.agreeing)]
        against = [0.5**index for index in range(count - each.agreeing)]
        m.append([0.9 * share / sum(falling) for share in falling] + [0.1 * share / sum(against) for share in against])
        u.append(
            [0.1 * share / sum(falling) for share in reversed(falling)]
            + [0.9 * share / sum(against) for share in reversed(against)]
        )
    return m, u


def expectation_maximisation(
    candidates: Counter[Pattern], m: Shares, u: Shares, belief: Shares, pairs: int
) -> tuple[float, Shares]:
    """(matches found among the candidates, m). `belief` are the pseudo-counts that m starts from and never forgets.

    u stays that of random pairs and the odds are those among all `pairs`: how likely a pattern is a match does not
    depend on which pairs were picked as candidates, as long as these hold nearly all matches.
    """
    if not candidates:
        return 0.0, m
    patterns = list(candidates.items())
    found = min(candidates.total(), pairs) / 2
    for _ in range(ROUNDS_MOST):
        odds = _log_odds(m, u)
        prior = math.log2(found / pairs / (1.0 - found / pairs))
        counts = [list(each) for each in belief]
        expected = 0.0
        for pattern, count in patterns:
            weight = prior + sum([odds[at][level] for at, level in enumerate(pattern)])
            believed = probability(weight) * count
            expected += believed
            for at, level in enumerate(pattern):
                if level != MISSING:
                    counts[at][level] += believed
        m = [_normal(each) for each in counts]
        before, found = found, max(expected, 0.5)
        if abs(found - before) < SETTLED * before:
            break
    return found, m


def in_order(m: Sequence[float], u: Sequence[float]) -> list[float]:
    """m with weights that never rise: neighbours out of order share one weight (pool adjacent violators)."""
    blocks: list[tuple[list[int], float, float]] = []
    for index, (of_m, of_u) in enumerate(zip(m, u, strict=True)):
        blocks.append(([index], of_m, of_u))
        while len(blocks) > 1 and blocks[-2][1] * blocks[-1][2] < blocks[-1][1] * blocks[-2][2]:
            indexes, m_block, u_block = blocks.pop()
            left, m_left, u_left = blocks[-1]
            blocks[-1] = left + indexes, m_left + m_block, u_left + u_block
    pooled = [0.0] * len(m)
    for indexes, m_block, u_block in blocks:
        for index in indexes:
            pooled[index] = m_block * u[index] / u_block
    return pooled


def _seen(material: Material, like: Shares) -> Shares:
    """How often each level was observed anywhere."""
    counted = (_level_counts(patterns, like) for patterns in (material.random, material.gold, material.candidates))
    return [[sum(levels) for levels in zip(*each, strict=True)] for each in zip(*counted, strict=True)]


def _no_stronger_than_seen(m: Sequence[float], u: Sequence[float], seen: Sequence[float]) -> list[float]:
    """A level that no pair ever showed weighs what the next level below weighs: rarity in theory is no evidence."""
    kept = list(m)
    if any(seen):
        for index in range(len(kept) - 2, -1, -1):
            if not seen[index]:
                kept[index] = min(kept[index], kept[index + 1] * u[index] / u[index + 1])
    return _normal(kept)


def _typical(at: int, observer: Observer, material: Material, u: Sequence[float]) -> dict[str, float]:
    """Harmonic means of the rarer value's share among random pairs at a level; of the first level exactly its u."""
    typical: dict[str, float] = {}
    for name in observer.questions[at].frequency_levels:
        level = observer.comparators[at].levels.index(name)
        pairs = sum(count for pattern, count in material.random.items() if pattern[at] == level)
        first = next(iter(typical.values()), u[level])
        share = (pairs + CHANCE_BELIEF_PAIRS) / (material.rarity[at, level] + CHANCE_BELIEF_PAIRS / first)
        typical[name] = _rounded(share if typical else first)
    return typical


def _comparison(
    question: Question, found: Comparator, m: Sequence[float], u: Sequence[float], typical: Mapping[str, float]
) -> Comparison:
    shares = zip(found.levels, map(_rounded, in_order(m, u)), map(_rounded, u), strict=True)
    levels = tuple(Level(name, of_m, of_u, of_m > of_u) for name, of_m, of_u in shares)
    return Comparison(
        question.name,
        question.comparator,
        levels,
        question.settings,
        question.frequency_table,
        typical,
    )


def _rounded(share: float) -> float:
    """Nine significant digits: the same model on every machine, and a file that people can read."""
    return float(f"{share:.{SHARE_DIGITS}g}")


def _log_odds(m: Shares, u: Shares) -> Shares:
    """Per question and level log2(m / u), then 0 for MISSING, which is index -1."""
    return [
        [math.log2(a / b) for a, b in zip(of_m, of_u, strict=True)] + [0.0] for of_m, of_u in zip(m, u, strict=True)
    ]


def _level_counts(patterns: Counter[Pattern], like: Shares) -> Shares:
    counts = [[0.0] * len(shares) for shares in like]
    for pattern, count in patterns.items():
        for at, level in enumerate(pattern):
            if level != MISSING:
                counts[at][level] += count
    return counts


def _shares(patterns: Counter[Pattern], expected: Shares, belief_pairs: float) -> Shares:
    observed = _level_counts(patterns, expected)
    return [
        _normal([found + belief_pairs * share for found, share in zip(counts, shares, strict=True)])
        for counts, shares in zip(observed, expected, strict=True)
    ]


def _normal(counts: Sequence[float]) -> list[float]:
    total = sum(counts)
    return [count / total for count in counts]

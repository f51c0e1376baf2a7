"""Where the figures of a model come from: u from random pairs, m from pairs nearly sure to match, adjusted by EM.

EM (Dempster, Laird and Rubin 1977; for record linkage Winkler 1988) looks at candidate pairs of which nobody says
whether they match, and finds the two populations that explain them best. The non-matches among candidates are no random
pairs (they share a block key), so their own distribution is estimated beside and thrown away.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from services.matching.scoring.frequencies import FrequencyTable
from services.matching.scoring.model import Comparison, Level, Model, Settings, Thresholds
from services.matching.scoring.weighing import MISSING, Comparator, ComparatorFactory, comparator, probability

Pattern = tuple[int, ...]
Pair = tuple[Any, Any]

BELIEF_PAIRS = 10.0  # how many observed pairs the expected shares of a level are worth
CHANCE_BELIEF_PAIRS = 1.0
ROUNDS_MOST = 100
SETTLED = 1e-7  # largest change of the share of matches in a round that still counts as a change
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


@dataclass(frozen=True, slots=True)
class Material:
    """What a model is trained from, as counts of patterns, one level index (or MISSING) a question.

    `random`: any two records. `gold`: near-gold pairs. `candidates`: pairs that share a block key, matches or not.
    `pairs`: number of all pairs there are, of which the candidates hold nearly all matches.
    """

    random: Counter[Pattern]
    gold: Counter[Pattern]
    candidates: Counter[Pattern]
    pairs: int


class Observer:
    """Turns pairs into patterns by the comparators that the questions name. Raises ModelRefused."""

    def __init__(self, questions: Sequence[Question], factories: Mapping[str, ComparatorFactory]) -> None:
        self.questions = tuple(questions)
        self.comparators: tuple[Comparator, ...] = tuple(
            comparator(each.comparator, each.settings, factories) for each in questions
        )

    def pattern(self, one: Any, other: Any) -> Pattern:
        return tuple([each.compare(one, other) for each in self.comparators])

    def patterns(self, pairs: Iterable[Pair]) -> Counter[Pattern]:
        return Counter(self.pattern(one, other) for one, other in pairs)


Shares = list[list[float]]  # per question, per level


def train(
    observer: Observer,
    material: Material,
    *,
    name: str,
    version: str,
    thresholds: Thresholds,
    frequencies: Mapping[str, FrequencyTable] | None = None,
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
    if prior is None:
        prior = min(max(found / material.pairs, 1e-12), 0.5)
    comparisons = tuple(
        _comparison(question, each, m[index], u[index])
        for index, (question, each) in enumerate(zip(observer.questions, observer.comparators, strict=True))
    )
    return Model(name, version, prior, thresholds, comparisons, dict(frequencies or {}), dict(trained or {}))


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

    The first round tells matches by m and u of random pairs, all later ones by the candidates themselves.
    """
    total = candidates.total()
    if not total:
        return 0.0, m
    patterns = list(candidates.items())
    matches, others = m, u
    share = min(0.5, max(1.0 / total, total / pairs))
    for _ in range(ROUNDS_MOST):
        odds = _log_odds(matches, others)
        prior = math.log2(share / (1.0 - share))
        in_matches = [list(counts) for counts in belief]
        in_others = [[0.5] * len(counts) for counts in belief]
        expected = 0.0
        for pattern, count in patterns:
            weight = prior + sum([odds[at][level] for at, level in enumerate(pattern)])
            believed = probability(weight) * count
            expected += believed
            for at, level in enumerate(pattern):
                if level != MISSING:
                    in_matches[at][level] += believed
                    in_others[at][level] += count - believed
        matches, others = [_normal(each) for each in in_matches], [_normal(each) for each in in_others]
        before, share = share, min(max(expected / total, 1.0 / (total + 1)), 1.0 - 1.0 / (total + 1))
        if abs(share - before) < SETTLED:
            break
    return share * total, matches


def in_order(m: Sequence[float], u: Sequence[float], agreeing: int) -> tuple[list[float], list[float]]:
    """m and u with weights that never rise: neighbours out of order share one weight (pool adjacent violators).

    Agreement levels that random pairs show as often as matches are pooled with the better level beside them, as are
    disagreements with the worse one. Totals of m and of u stay as they are.
    """
    blocks = [([index], m[index], u[index]) for index in range(len(m))]
    while True:
        at = _violation(blocks, agreeing)
        if at is None:
            break
        (left, m_left, u_left), (right, m_right, u_right) = blocks[at], blocks[at + 1]
        blocks[at : at + 2] = [(left + right, m_left + m_right, u_left + u_right)]
    pooled = [0.0] * len(m)
    for indexes, m_block, u_block in blocks:
        for index in indexes:
            pooled[index] = m_block * u[index] / u_block
    return pooled, list(u)


def _violation(blocks: list[tuple[list[int], float, float]], agreeing: int) -> int | None:
    """The left one of two blocks that must be pooled."""
    for at in range(len(blocks) - 1):
        (left, m_left, u_left), (right, m_right, u_right) = blocks[at], blocks[at + 1]
        same_side = (left[-1] < agreeing) == (right[0] < agreeing)
        if not same_side:
            continue
        if m_left * u_right < m_right * u_left:
            return at
        if right[0] < agreeing and m_right <= u_right:
            return at
        if left[-1] >= agreeing and m_left >= u_left:
            return at
    return None


def _comparison(question: Question, found: Comparator, m: Sequence[float], u: Sequence[float]) -> Comparison:
    m, u = in_order(m, u, found.agreeing)
    levels = tuple(Level(name, m[index], u[index], index < found.agreeing) for index, name in enumerate(found.levels))
    rounded = tuple(replace(each, m=_rounded(each.m), u=_rounded(each.u)) for each in levels)
    return Comparison(
        question.name,
        question.comparator,
        rounded,
        question.settings,
        question.frequency_table,
        question.frequency_levels,
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

"""The score of a pair: the weights of its levels added up, each part by name, so that people can read the waterfall."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from services.matching.scoring.frequencies import FrequencyTable
from services.matching.scoring.model import Comparison, Model, ModelRefused, Settings

MISSING = -1  # the level of a comparison in which either side says nothing
PRIOR, MISSING_NAME, FREQUENCY_NAME = "prior", "missing", "frequency"
FREQUENCIES_REMEMBERED_MOST = 200_000
_WEIGHT_FURTHEST = 1_000.0  # beyond it a probability is 0 or 1 in floating point


@dataclass(frozen=True, slots=True)
class Comparator:
    """Finds the level of a pair: `compare` returns an index into `levels` or MISSING.

    The first `agreeing` levels are expected to speak for a match, the others against one. `terms` gives the values of
    which the rarer one's frequency matters when both sides agree: a name that nobody else bears, one letter from a
    common one, is a slip, while two common names one letter apart are two names.
    """

    levels: tuple[str, ...]
    agreeing: int
    compare: Callable[[Any, Any], int]
    terms: Callable[[Any, Any], tuple[str, ...]] | None = None


ComparatorFactory = Callable[[Settings], Comparator]


@dataclass(frozen=True, slots=True)
class Part:
    """One step of the waterfall; `weight` in log2 units."""

    comparison: str
    level: str
    weight: float


@dataclass(frozen=True, slots=True)
class Scored:
    """`weight` is the sum of the parts, prior included, in log2 of the odds; `probability` the same as a share."""

    weight: float
    probability: float
    parts: tuple[Part, ...]


@dataclass(slots=True)
class _Weighed:
    """A comparison made ready: the part of each level, and the last part for MISSING, so that index -1 finds it."""

    compare: Callable[[Any, Any], int]
    parts: tuple[Part, ...]
    typical: Mapping[int, float]
    table: FrequencyTable | None
    terms: Callable[[Any, Any], tuple[str, ...]] | None
    name: str
    remembered: dict[tuple[int, tuple[str, ...]], Part]

    def frequency_part(self, level: int, one: Any, other: Any) -> Part:
        assert self.terms is not None
        assert self.table is not None
        key = level, self.terms(one, other)
        known = self.remembered.get(key)
        if known is None:
            if len(self.remembered) >= FREQUENCIES_REMEMBERED_MOST:
                self.remembered.clear()
            share = rarest(self.table, key[1])
            known = Part(self.name, FREQUENCY_NAME, math.log2(self.typical[level] / share))
            self.remembered[key] = known
        return known


class Scorer:
    """A model joined to the comparators it names. Raises ModelRefused when one is unknown or has other levels."""

    def __init__(self, model: Model, factories: Mapping[str, ComparatorFactory]) -> None:
        self.model = model
        self._prior = Part(PRIOR, PRIOR, model.prior_weight)
        self._weighed = tuple(_weighed(each, model, factories) for each in model.comparisons)

    def score(self, one: Any, other: Any) -> Scored:
        """The pair's weight with its parts."""
        parts = [self._prior]
        weight = self._prior.weight
        for each in self._weighed:
            level = each.compare(one, other)
            part = each.parts[level]
            parts.append(part)
            weight += part.weight
            if level in each.typical:
                part = each.frequency_part(level, one, other)
                parts.append(part)
                weight += part.weight
        return Scored(weight, probability(weight), tuple(parts))

    def weight(self, one: Any, other: Any) -> float:
        """The same weight without its parts, for bulk."""
        weight = self._prior.weight
        for each in self._weighed:
            level = each.compare(one, other)
            weight += each.parts[level].weight
            if level in each.typical:
                weight += each.frequency_part(level, one, other).weight
        return weight


def probability(weight: float) -> float:
    """The share of pairs of this weight (log2 of the odds) that are matches."""
    bounded = max(-_WEIGHT_FURTHEST, min(_WEIGHT_FURTHEST, weight))
    if bounded >= 0:
        return 1.0 / (1.0 + math.exp2(-bounded))
    odds = math.exp2(bounded)
    return odds / (1.0 + odds)


def rarest(table: FrequencyTable, values: tuple[str, ...]) -> float:
    """The smallest share of the values."""
    return min(table.share(value) for value in values)


def comparator(
    name: str, settings: Settings, factories: Mapping[str, ComparatorFactory], comparison: str = ""
) -> Comparator:
    """The comparator of that name, configured, for the comparison. Raises ModelRefused when there is none or the
    settings do not fit."""
    factory = factories.get(name)
    if factory is None:
        raise ModelRefused("comparator", f"there is no comparator {name}", comparison)
    try:
        return factory(settings)
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise ModelRefused("settings", f"settings {dict(settings)} do not fit {name}: {error}", comparison) from error


def _weighed(comparison: Comparison, model: Model, factories: Mapping[str, ComparatorFactory]) -> _Weighed:
    found = comparator(comparison.comparator, comparison.settings, factories, comparison.name)
    names = tuple(level.name for level in comparison.levels)
    if names != found.levels:
        said = f"its levels {names} are not those of {comparison.comparator}"
        raise ModelRefused("comparator_levels", said, comparison.name)
    if comparison.frequency_table and found.terms is None:
        said = f"{comparison.comparator} names no value whose frequency matters"
        raise ModelRefused("frequencies", said, comparison.name)
    parts = [Part(comparison.name, level.name, level.weight) for level in comparison.levels]
    return _Weighed(
        found.compare,
        (*parts, Part(comparison.name, MISSING_NAME, 0.0)),
        {names.index(name): share for name, share in comparison.typical_shares.items()},
        model.frequencies.get(comparison.frequency_table),
        found.terms,
        comparison.name,
        {},
    )

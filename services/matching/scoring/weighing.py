"""The score of a pair: the weights of its levels added up, each part by name, so that people can read the waterfall."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
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

    The first `agreeing` levels speak for a match, the others against one. `term` gives the value whose frequency
    matters when both sides agree on it.
    """

    levels: tuple[str, ...]
    agreeing: int
    compare: Callable[[Any, Any], int]
    term: Callable[[Any, Any], str] | None = None


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
    refined: frozenset[int]
    chance: float
    table: FrequencyTable | None
    term: Callable[[Any, Any], str] | None
    name: str
    remembered: dict[str, Part]

    def frequency_part(self, one: Any, other: Any) -> Part:
        assert self.term is not None
        assert self.table is not None
        value = self.term(one, other)
        known = self.remembered.get(value)
        if known is None:
            if len(self.remembered) >= FREQUENCIES_REMEMBERED_MOST:
                self.remembered.clear()
            known = Part(self.name, FREQUENCY_NAME, math.log2(self.chance / self.table.share(value)))
            self.remembered[value] = known
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
            if level in each.refined:
                part = each.frequency_part(one, other)
                parts.append(part)
                weight += part.weight
        return Scored(weight, probability(weight), tuple(parts))

    def weight(self, one: Any, other: Any) -> float:
        """The same weight without its parts, for bulk."""
        weight = self._prior.weight
        for each in self._weighed:
            level = each.compare(one, other)
            weight += each.parts[level].weight
            if level in each.refined:
                weight += each.frequency_part(one, other).weight
        return weight


def probability(weight: float) -> float:
    """The share of pairs of this weight (log2 of the odds) that are matches."""
    bounded = max(-_WEIGHT_FURTHEST, min(_WEIGHT_FURTHEST, weight))
    if bounded >= 0:
        return 1.0 / (1.0 + math.exp2(-bounded))
    odds = math.exp2(bounded)
    return odds / (1.0 + odds)


def comparator(name: str, settings: Settings, factories: Mapping[str, ComparatorFactory]) -> Comparator:
    """The comparator of that name, configured. Raises ModelRefused when there is none or the settings do not fit."""
    factory = factories.get(name)
    if factory is None:
        raise ModelRefused(f"there is no comparator {name}")
    try:
        return factory(settings)
    except (KeyError, TypeError, ValueError) as error:
        raise ModelRefused(f"{name}: settings {dict(settings)} do not fit: {error}") from error


def _weighed(comparison: Comparison, model: Model, factories: Mapping[str, ComparatorFactory]) -> _Weighed:
    found = comparator(comparison.comparator, comparison.settings, factories)
    names = tuple(level.name for level in comparison.levels)
    if names != found.levels:
        raise ModelRefused(f"{comparison.name}: its levels {names} are not those of {comparison.comparator}")
    if tuple(level.agrees for level in comparison.levels) != _agrees(found):
        raise ModelRefused(f"{comparison.name}: its first {found.agreeing} levels agree, no others")
    if comparison.frequency_table and found.term is None:
        raise ModelRefused(f"{comparison.name}: {comparison.comparator} names no value whose frequency matters")
    parts = [Part(comparison.name, level.name, level.weight) for level in comparison.levels]
    return _Weighed(
        found.compare,
        (*parts, Part(comparison.name, MISSING_NAME, 0.0)),
        frozenset(names.index(name) for name in comparison.frequency_levels),
        comparison.agreement_by_chance,
        model.frequencies.get(comparison.frequency_table),
        found.term,
        comparison.name,
        {},
    )


def _agrees(found: Comparator) -> Iterable[bool]:
    return tuple(index < found.agreeing for index in range(len(found.levels)))

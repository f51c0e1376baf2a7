"""The model of the score: for every level of every comparison, how often matches and random pairs show it.

A model is immutable JSON with a hash that every decision names. Levels are ordered, the strongest evidence first; a
model whose weights are not in that order, or in which an agreement is as frequent among random pairs as among matches,
is refused: it would count evidence backwards.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from services.matching.scoring.frequencies import FrequenciesRefused, FrequencyTable, frequency_table

FORMAT = 1
SHARES_TOLERANCE = 1e-6  # how far the shares of a comparison's levels may be from 1 in all
MODEL_BYTES_MOST = 16_000_000
COMPARISONS_MOST, LEVELS_MOST = 64, 64

Settings = Mapping[str, Any]


class ModelRefused(ValueError):
    """A model that must not decide about anybody. The message names the comparison and level at fault."""


@dataclass(frozen=True, slots=True)
class Level:
    """`m`: share of matches at this level, `u`: share of random pairs; both among pairs where nothing is missing.

    `agrees`: the level speaks for a match (m > u); otherwise it speaks against one (m < u).
    """

    name: str
    m: float
    u: float
    agrees: bool = True

    @property
    def weight(self) -> float:
        """log2(m / u)."""
        return math.log2(self.m / self.u)


@dataclass(frozen=True, slots=True)
class Comparison:
    """One question asked of a pair. `levels` are ordered, strongest first; a missing value weighs nothing.

    `comparator` names the function that finds the level and `settings` configure it. With `frequency_table`, at the
    levels in `frequency_levels` the value's own frequency takes the place of the average one.
    """

    name: str
    comparator: str
    levels: tuple[Level, ...]
    settings: Settings = field(default_factory=dict)
    frequency_table: str = ""
    frequency_levels: tuple[str, ...] = ()

    @property
    def agreement_by_chance(self) -> float:
        """Share of random pairs that agree on the value whose frequency matters: the first refined level's u."""
        return next((level.u for level in self.levels if level.name in self.frequency_levels), 1.0)


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Log2 units of the whole weight, prior included; from `review` up a person looks, from `automatic` up nobody."""

    automatic: float
    review: float


@dataclass(frozen=True, slots=True, eq=False)
class Model:
    """Everything a score depends on besides the pair. `prior`: share of matches among all pairs.

    `trained` says where the figures come from. Two models are equal when their hashes are. Raises ModelRefused.
    """

    name: str
    version: str
    prior: float
    thresholds: Thresholds
    comparisons: tuple[Comparison, ...]
    frequencies: Mapping[str, FrequencyTable] = field(default_factory=dict)
    trained: Mapping[str, Any] = field(default_factory=dict)
    hash: str = field(init=False)

    def __post_init__(self) -> None:
        check(self)
        object.__setattr__(self, "hash", hashlib.sha256(self.content).hexdigest())

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Model) and other.hash == self.hash

    def __hash__(self) -> int:
        return hash(self.hash)

    @property
    def prior_weight(self) -> float:
        """log2 of the odds that any pair is a match."""
        return math.log2(self.prior / (1.0 - self.prior))

    @property
    def content(self) -> bytes:
        """The canonical JSON: sorted keys, no blanks, UTF-8. Its SHA-256 is the hash."""
        text = json.dumps(self.as_json(), ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False)
        return text.encode()

    def as_json(self) -> dict[str, Any]:
        """The content as plain JSON values."""
        return {
            "format": FORMAT,
            "name": self.name,
            "version": self.version,
            "prior": self.prior,
            "thresholds": {"automatic": self.thresholds.automatic, "review": self.thresholds.review},
            "comparisons": [_comparison_json(each) for each in self.comparisons],
            "frequencies": {name: table.as_json() for name, table in self.frequencies.items()},
            "trained": dict(self.trained),
        }

    @classmethod
    def parse(cls, content: bytes) -> Model:
        """The model in a JSON text, however it is laid out. Raises ModelRefused."""
        if len(content) > MODEL_BYTES_MOST:
            raise ModelRefused(f"a model has at most {MODEL_BYTES_MOST:,} bytes")
        try:
            raw = json.loads(content)
            if raw["format"] != FORMAT:
                raise ModelRefused(f"format {raw['format']} is not {FORMAT}")
            return cls(
                str(raw["name"]),
                str(raw["version"]),
                float(raw["prior"]),
                Thresholds(float(raw["thresholds"]["automatic"]), float(raw["thresholds"]["review"])),
                tuple(_comparison(each) for each in raw["comparisons"]),
                {str(name): frequency_table(table) for name, table in raw["frequencies"].items()},
                dict(raw["trained"]),
            )
        except FrequenciesRefused as refused:
            raise ModelRefused(str(refused)) from refused
        except (KeyError, TypeError, AttributeError, UnicodeDecodeError, RecursionError) as error:
            raise ModelRefused(f"not a model: {type(error).__name__} {error}") from error
        except ValueError as error:
            if isinstance(error, ModelRefused):
                raise
            raise ModelRefused(f"not a model: {error}") from error


def check(model: Model) -> None:
    """Raises ModelRefused with the first thing that is wrong."""
    if not 0.0 < model.prior < 1.0:
        raise ModelRefused(f"the prior {model.prior} is not between 0 and 1")
    limits = model.thresholds
    if not (math.isfinite(limits.automatic) and math.isfinite(limits.review) and limits.automatic > limits.review):
        raise ModelRefused("the automatic threshold must lie above the review threshold")
    if not 0 < len(model.comparisons) <= COMPARISONS_MOST:
        raise ModelRefused(f"a model has 1 to {COMPARISONS_MOST} comparisons")
    names = [each.name for each in model.comparisons]
    if len(set(names)) != len(names):
        raise ModelRefused("two comparisons have one name")
    for comparison in model.comparisons:
        _check_comparison(comparison)
        if comparison.frequency_table and comparison.frequency_table not in model.frequencies:
            raise ModelRefused(f"{comparison.name}: there is no frequency table {comparison.frequency_table}")


def _check_comparison(comparison: Comparison) -> None:
    levels = comparison.levels
    names = {level.name for level in levels}
    if not 2 <= len(levels) <= LEVELS_MOST or len(names) != len(levels):
        raise ModelRefused(f"{comparison.name}: 2 to {LEVELS_MOST} levels, each with a name of its own")
    if not set(comparison.frequency_levels) <= names or bool(comparison.frequency_levels) != bool(
        comparison.frequency_table
    ):
        raise ModelRefused(f"{comparison.name}: a frequency table and the levels it refines go together")
    for level in levels:
        place = f"{comparison.name}.{level.name}"
        if not (0.0 < level.m < 1.0 and 0.0 < level.u < 1.0):
            raise ModelRefused(f"{place}: m and u must be between 0 and 1")
        if level.agrees and level.u >= level.m:
            raise ModelRefused(f"{place}: random pairs agree as often as matches (u {level.u} >= m {level.m})")
        if not level.agrees and level.u <= level.m:
            raise ModelRefused(f"{place}: matches disagree as often as random pairs (m {level.m} >= u {level.u})")
    for share, total in (("m", sum(level.m for level in levels)), ("u", sum(level.u for level in levels))):
        if abs(total - 1.0) > SHARES_TOLERANCE:
            raise ModelRefused(f"{comparison.name}: the {share} of its levels sum to {total}, not 1")
    for better, worse in pairwise(levels):
        if worse.weight > better.weight + SHARES_TOLERANCE:
            raise ModelRefused(f"{comparison.name}: {worse.name} weighs more than the better level {better.name}")


def _comparison(raw: Mapping[str, Any]) -> Comparison:
    levels = tuple(
        Level(str(level["name"]), float(level["m"]), float(level["u"]), level["agrees"] is True)
        for level in raw["levels"]
    )
    frequency = raw["frequency"]
    table = "" if frequency is None else str(frequency["table"])
    refined = () if frequency is None else tuple(str(name) for name in frequency["levels"])
    return Comparison(str(raw["name"]), str(raw["comparator"]), levels, dict(raw["settings"]), table, refined)


def _comparison_json(comparison: Comparison) -> dict[str, Any]:
    refined = {"table": comparison.frequency_table, "levels": list(comparison.frequency_levels)}
    return {
        "name": comparison.name,
        "comparator": comparison.comparator,
        "settings": dict(comparison.settings),
        "frequency": refined if comparison.frequency_table else None,
        "levels": [
            {"name": level.name, "m": level.m, "u": level.u, "agrees": level.agrees} for level in comparison.levels
        ],
    }

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

from services.matching.scoring.frequencies import SHARE_LEAST, FrequenciesRefused, FrequencyTable, frequency_table

FORMAT = 1
SHARES_TOLERANCE = 1e-6  # how far the shares of a comparison's levels may be from 1 in all
MODEL_BYTES_MOST = 16_000_000
COMPARISONS_MOST, LEVELS_MOST = 64, 64
NAME_CHARACTERS_MOST = 64

Settings = Mapping[str, Any]


class ModelRefused(ValueError):
    """A model that must not decide about anybody. ``problem`` is a stable code; the message says it in English and
    names the ``comparison`` and ``level`` at fault, which are empty where the model as a whole is."""

    def __init__(self, problem: str, message: str, comparison: str = "", level: str = "") -> None:
        super().__init__(f"{'.'.join(filter(None, (comparison, level)))}: {message}" if comparison else message)
        self.problem, self.comparison, self.level = problem, comparison, level


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
    levels in `typical_shares` the rarer value's own share takes the place of the typical one: the weight rises by
    log2(typical share / share). Typical is the harmonic mean among random pairs at the level; when both sides are
    equal that is the level's u.
    """

    name: str
    comparator: str
    levels: tuple[Level, ...]
    settings: Settings = field(default_factory=dict)
    frequency_table: str = ""
    typical_shares: Mapping[str, float] = field(default_factory=dict)


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
            raise ModelRefused("too_large", f"a model has at most {MODEL_BYTES_MOST:,} bytes")
        try:
            raw = json.loads(content)
            if raw["format"] != FORMAT:
                raise ModelRefused("format", f"the format is not {FORMAT}")
            return cls(
                str(raw["name"]),
                str(raw["version"]),
                float(raw["prior"]),
                Thresholds(float(raw["thresholds"]["automatic"]), float(raw["thresholds"]["review"])),
                tuple(_comparison(each) for each in raw["comparisons"]),
                {str(name): frequency_table(table) for name, table in raw["frequencies"].items()},
                dict(raw["trained"]),
            )
        except ModelRefused:
            raise
        except FrequenciesRefused as refused:
            raise ModelRefused("frequencies", str(refused)) from refused
        except _NO_MODEL as error:
            raise ModelRefused("not_a_model", f"not a model: {type(error).__name__} {error}") from error


# Everything that reading JSON of another shape, or figures no number can hold, may raise.
_NO_MODEL = (KeyError, TypeError, AttributeError, ValueError, OverflowError, RecursionError)


def check(model: Model) -> None:
    """Raises ModelRefused with the first thing that is wrong."""
    if not all(0 < len(text) <= NAME_CHARACTERS_MOST and text.isprintable() for text in (model.name, model.version)):
        raise ModelRefused("name", f"name and version have 1 to {NAME_CHARACTERS_MOST} printable characters")
    if not SHARE_LEAST <= model.prior < 1.0:
        raise ModelRefused("prior", f"the prior {model.prior} is not between {SHARE_LEAST} and 1")
    limits = model.thresholds
    if not (math.isfinite(limits.automatic) and math.isfinite(limits.review) and limits.automatic > limits.review):
        raise ModelRefused("thresholds", "the automatic threshold must lie above the review threshold")
    if not 0 < len(model.comparisons) <= COMPARISONS_MOST:
        raise ModelRefused("comparisons", f"a model has 1 to {COMPARISONS_MOST} comparisons")
    names = [each.name for each in model.comparisons]
    for comparison in model.comparisons:
        if names.count(comparison.name) > 1:
            raise ModelRefused("comparison_twice", "two comparisons have one name", comparison.name)
        _check_frequencies(comparison, model.frequencies)
        _check_levels(comparison)


def _check_frequencies(comparison: Comparison, tables: Mapping[str, FrequencyTable]) -> None:
    name, typical = comparison.name, comparison.typical_shares
    if comparison.frequency_table and comparison.frequency_table not in tables:
        raise ModelRefused("frequencies", f"there is no frequency table {comparison.frequency_table}", name)
    known = {level.name for level in comparison.levels}
    if not set(typical) <= known or bool(typical) != bool(comparison.frequency_table):
        raise ModelRefused("frequencies", "a frequency table and the levels it refines go together", name)
    for level, share in typical.items():
        if not SHARE_LEAST <= share <= 1.0:
            raise ModelRefused("frequencies", f"a typical share is from {SHARE_LEAST} to 1", name, level)


def _check_levels(comparison: Comparison) -> None:
    levels, name = comparison.levels, comparison.name
    if not 2 <= len(levels) <= LEVELS_MOST or len({level.name for level in levels}) != len(levels):
        raise ModelRefused("levels", f"2 to {LEVELS_MOST} levels, each with a name of its own", name)
    if not levels[0].agrees:
        raise ModelRefused("best_level", "the best level must speak for a match", name, levels[0].name)
    if levels[-1].agrees:
        raise ModelRefused("last_level", "the last level must speak against a match", name, levels[-1].name)
    for level in levels:
        _check_shares(name, level)
    for share, total in (("m", sum(level.m for level in levels)), ("u", sum(level.u for level in levels))):
        if abs(total - 1.0) > SHARES_TOLERANCE:
            raise ModelRefused("shares_sum", f"the {share} of its levels sum to {total}, not 1", name)
    for better, worse in pairwise(levels):
        if worse.weight > better.weight + SHARES_TOLERANCE:
            raise ModelRefused("not_monotone", f"it weighs more than the better level {better.name}", name, worse.name)


def _check_shares(comparison: str, level: Level) -> None:
    if not (SHARE_LEAST <= level.m < 1.0 and SHARE_LEAST <= level.u < 1.0):
        raise ModelRefused("share", f"m and u must be between {SHARE_LEAST} and 1", comparison, level.name)
    if level.agrees and level.u >= level.m:
        said = f"random pairs agree as often as matches (u {level.u} >= m {level.m})"
        raise ModelRefused("agreement_says_nothing", said, comparison, level.name)
    if not level.agrees and level.u <= level.m:
        said = f"matches disagree as often as random pairs (m {level.m} >= u {level.u})"
        raise ModelRefused("disagreement_says_nothing", said, comparison, level.name)


def _comparison(raw: Mapping[str, Any]) -> Comparison:
    levels = tuple(
        Level(str(level["name"]), float(level["m"]), float(level["u"]), level["agrees"] is True)
        for level in raw["levels"]
    )
    frequency = raw["frequency"]
    table = "" if frequency is None else str(frequency["table"])
    refined = {} if frequency is None else {str(name): float(x) for name, x in frequency["typical_shares"].items()}
    return Comparison(str(raw["name"]), str(raw["comparator"]), levels, dict(raw["settings"]), table, refined)


def _comparison_json(comparison: Comparison) -> dict[str, Any]:
    refined = {"table": comparison.frequency_table, "typical_shares": dict(comparison.typical_shares)}
    return {
        "name": comparison.name,
        "comparator": comparison.comparator,
        "settings": dict(comparison.settings),
        "frequency": refined if comparison.frequency_table else None,
        "levels": [
            {"name": level.name, "m": level.m, "u": level.u, "agrees": level.agrees} for level in comparison.levels
        ],
    }

"""What another model would decide differently: the report that is read before a new model is activated."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from services.matching.scoring.model import Model
from services.matching.scoring.weighing import ComparatorFactory, Part, Scored, Scorer

EXAMPLES_MOST = 20  # of each kind of change


class Verdict(StrEnum):
    """What a weight means under a model's thresholds, guards apart."""

    AUTOMATIC = "automatic"
    REVIEW = "review"
    BELOW = "below"


@dataclass(frozen=True, slots=True)
class Moved:
    """A pair that ends elsewhere. `pair` is its place among the pairs given, from 0: the report names nobody."""

    pair: int
    before: Verdict
    after: Verdict
    old: Scored
    new: Scored


@dataclass(frozen=True, slots=True)
class Report:
    """`verdicts`: how many pairs have which verdict (before, after). `moved`: the pairs whose weight changed most, at
    most EXAMPLES_MOST of each kind. `levels`: (comparison, level) → weight (before, after) where these differ, None
    where a model does not have it.
    """

    old_hash: str
    new_hash: str
    pairs: int
    verdicts: Mapping[tuple[Verdict, Verdict], int]
    moved: tuple[Moved, ...]
    levels: Mapping[tuple[str, str], tuple[float | None, float | None]]
    largest_change: float

    @property
    def moved_count(self) -> int:
        return sum(count for (before, after), count in self.verdicts.items() if before is not after)

    def as_json(self) -> dict[str, Any]:
        """Plain JSON values for a page or an event."""
        return {
            "old": self.old_hash,
            "new": self.new_hash,
            "pairs": self.pairs,
            "moved": self.moved_count,
            "largest_change": round(self.largest_change, 6),
            "verdicts": [
                {"before": before.value, "after": after.value, "pairs": count}
                for (before, after), count in sorted(self.verdicts.items())
            ],
            "levels": [
                {"comparison": comparison, "level": level, "before": before, "after": after}
                for (comparison, level), (before, after) in self.levels.items()
            ],
            "examples": [_example(each) for each in self.moved],
        }


def diff(
    old: Model, new: Model, pairs: Iterable[tuple[Any, Any]], factories: Mapping[str, ComparatorFactory]
) -> Report:
    """Both models on the same pairs. Raises ModelRefused when either cannot score."""
    before, after = Scorer(old, factories), Scorer(new, factories)
    verdicts: Counter[tuple[Verdict, Verdict]] = Counter()
    kinds: dict[tuple[Verdict, Verdict], list[tuple[float, int, Any, Any]]] = {}
    largest, count = 0.0, 0
    for count, (one, other) in enumerate(pairs, start=1):
        weights = before.weight(one, other), after.weight(one, other)
        kind = verdict(old, weights[0]), verdict(new, weights[1])
        change = abs(weights[1] - weights[0])
        largest = max(largest, change)
        verdicts[kind] += 1
        if kind[0] is not kind[1]:
            held = kinds.setdefault(kind, [])
            held.append((change, count - 1, one, other))
            if len(held) > 2 * EXAMPLES_MOST:
                held.sort(key=lambda each: (-each[0], each[1]))
                del held[EXAMPLES_MOST:]
    moved = tuple(
        Moved(place, *kind, before.score(one, other), after.score(one, other))
        for kind, held in sorted(kinds.items())
        for _, place, one, other in sorted(held, key=lambda each: (-each[0], each[1]))[:EXAMPLES_MOST]
    )
    return Report(old.hash, new.hash, count, dict(verdicts), moved, _levels(old, new), largest)


def verdict(model: Model, weight: float) -> Verdict:
    """What the weight means under the model's thresholds."""
    if weight >= model.thresholds.automatic:
        return Verdict.AUTOMATIC
    return Verdict.REVIEW if weight >= model.thresholds.review else Verdict.BELOW


def _levels(old: Model, new: Model) -> dict[tuple[str, str], tuple[float | None, float | None]]:
    ours, theirs = _weights(old), _weights(new)
    pairs = {place: (ours.get(place), theirs.get(place)) for place in [*ours, *(p for p in theirs if p not in ours)]}
    return {place: weights for place, weights in pairs.items() if weights[0] != weights[1]}


def _weights(model: Model) -> dict[tuple[str, str], float]:
    found = {("prior", "prior"): model.prior_weight}
    found |= {(each.name, level.name): level.weight for each in model.comparisons for level in each.levels}
    return found


def _example(moved: Moved) -> dict[str, Any]:
    return {
        "pair": moved.pair,
        "before": {"verdict": moved.before.value, "weight": moved.old.weight, "parts": _parts(moved.old.parts)},
        "after": {"verdict": moved.after.value, "weight": moved.new.weight, "parts": _parts(moved.new.parts)},
    }


def _parts(parts: Iterable[Part]) -> list[dict[str, Any]]:
    return [{"comparison": part.comparison, "level": part.level, "weight": part.weight} for part in parts]

"""In which weights another model differs: read beside the report of the rows it would decide otherwise."""

from __future__ import annotations

from typing import NamedTuple

from services.matching.scoring.model import Model
from services.matching.scoring.weighing import PRIOR


class ChangedWeight(NamedTuple):
    """The weight of a level in log2 units under two models; None where a model does not have the level."""

    comparison: str
    level: str
    before: float | None
    after: float | None


def changed_weights(old: Model, new: Model) -> tuple[ChangedWeight, ...]:
    """The levels that weigh differently, in the order of the old model, then those only the new one has."""
    ours, theirs = _weights(old), _weights(new)
    places = [*ours, *(place for place in theirs if place not in ours)]
    found = (ChangedWeight(*place, ours.get(place), theirs.get(place)) for place in places)
    return tuple(each for each in found if each.before != each.after)


def _weights(model: Model) -> dict[tuple[str, str], float]:
    found = {(PRIOR, PRIOR): model.prior_weight}
    return found | {(each.name, level.name): level.weight for each in model.comparisons for level in each.levels}

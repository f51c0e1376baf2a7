"""Fellegi–Sunter scores: what speaks for two records being one person, in log2 units that add up (issue 4, R6).

`scorer` makes a model ready to weigh list rows against students; `Scorer` does the same for rows of any kind, since the
comparisons are configuration of the model. `training` makes a model from pairs, `changes` tells in which weights two
models differ.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from services.matching.records import EntryRecord, StudentRecord
from services.matching.scoring.changes import ChangedWeight, changed_weights
from services.matching.scoring.comparators import ROW_COMPARATORS
from services.matching.scoring.county import COUNTY_COMPARATORS, county_model
from services.matching.scoring.model import Comparison, Level, Model, ModelRefused, Thresholds
from services.matching.scoring.weighing import ComparatorFactory, Part, Scored, Scorer

MODELS_READY_MOST = 8
COMPARATORS: Mapping[str, ComparatorFactory] = {**ROW_COMPARATORS, **COUNTY_COMPARATORS}


@lru_cache(maxsize=MODELS_READY_MOST)
def scorer(model: Model) -> Scorer:
    """The model made ready to weigh list rows against students. Raises ModelRefused when it names comparators or levels
    that these do not have."""
    return Scorer(model, COUNTY_COMPARATORS)


def score(model: Model, entry: EntryRecord, student: StudentRecord) -> Scored:
    """The weight of the pair with its parts; the parts, prior included, sum to it. Raises ModelRefused."""
    return scorer(model).score(entry, student)


__all__ = [
    "COMPARATORS",
    "ChangedWeight",
    "Comparison",
    "Level",
    "Model",
    "ModelRefused",
    "Part",
    "Scored",
    "Scorer",
    "Thresholds",
    "changed_weights",
    "county_model",
    "score",
    "scorer",
]

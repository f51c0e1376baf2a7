"""A score from a few fixed weights; stands in until the trained model does."""

from __future__ import annotations

from typing import NamedTuple

from services.matching.evidence import same_guardian, student_sex
from services.matching.name_relation import RANK, NameRelation, relation
from services.matching.records import EntryRecord, StudentRecord


class PlainScored(NamedTuple):
    """Weight in log2 of the odds."""

    weight: float
    probability: float


class PlainThresholds(NamedTuple):
    """In log2 units."""

    automatic: float = 8.0
    review: float = -4.5


class PlainModel(NamedTuple):
    """What a decision names."""

    thresholds: PlainThresholds = PlainThresholds()
    hash: str = "plain"


class PlainScorer:
    """Adds what agrees and takes off what does not."""

    model = PlainModel()

    def score(self, entry: EntryRecord, student: StudentRecord) -> PlainScored:
        name = relation(entry, student)
        weight = -17.0 + (-10 if name is NameRelation.INCOMPATIBLE else 12 - RANK[name])
        born = entry.birth_date or entry.suggested_birth_date
        if born and student.birth_date:
            weight += 9 if born == student.birth_date else -7
        sex = student_sex(student)
        if entry.sex and sex:
            weight += 1 if sex == entry.sex else -6
        if entry.school_key and student.school_key:
            weight += 6 if entry.school_key == student.school_key else -2
        if same_guardian(entry, student):
            weight += 10
        return PlainScored(weight, 1 / (1 + 2**-weight))

"""Trains the county model from a register and the rows of its lists, without being told who is who.

Rows whose number and name are exactly a student's (R1) are near gold for what surrounds a child: guardian, school,
grade, division. How names and readable parts of numbers go wrong is learnt by EM from the rows that have no valid
number, the only ones the score will decide.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

from services.matching.block_keys import entry_keys, student_keys
from services.matching.records import EntryRecord, StudentRecord
from services.matching.scoring.county import COUNTY_COMPARATORS
from services.matching.scoring.frequencies import ChineseNames
from services.matching.scoring.model import Model, Thresholds
from services.matching.scoring.training import Material, Observer, Question, train

QUESTIONS = (
    Question("name", "county_name", {}, "names", ("equal", "variant", "middle_dot"), asked_of_gold=False),
    Question("identity", "county_identity", asked_of_gold=False),
    Question("guardian", "county_guardian", {}, "guardians", ("name", "head")),
    Question("school", "county_school"),
    Question("grade", "county_grade"),
    Question("division", "county_division"),
)
RANDOM_PAIRS = 150_000
GOLD_PAIRS_MOST = 20_000
# The odds of any row and any student are those of a register of a million; in a smaller one the score is too careful.
PRIOR = 1e-6
NAME_FREQUENCIES, GUARDIAN_FREQUENCIES = "names", "guardians"


@dataclass(frozen=True, slots=True)
class County:
    """One county's records; `entries` are the rows of all its lists."""

    students: Sequence[StudentRecord]
    entries: Sequence[EntryRecord]


def train_county(counties: Iterable[County], version: str, thresholds: Thresholds, seed: int) -> Model:
    """A model from the counties, deterministic for a seed. Raises ModelRefused when they teach too little."""
    known = list(counties)
    observer = Observer(QUESTIONS, COUNTY_COMPARATORS, _frequencies(known))
    chance = Random(seed)  # noqa: S311 - a sample, not a secret # nosec B311
    material = Material()
    rows = 0
    for county in known:
        open_rows = [entry for entry in county.entries if _open(entry)]
        observer.note_random(_random_pairs(county, open_rows, chance), material)
        material.gold.update(observer.patterns(_gold_pairs(county)))
        material.candidates.update(observer.patterns(_candidate_pairs(county.students, open_rows)))
        material.pairs += len(open_rows) * len(county.students)
        rows += len(open_rows)
    return train(
        observer,
        material,
        name="county",
        version=version,
        thresholds=thresholds,
        prior=PRIOR,
        trained={
            "students": sum(len(county.students) for county in known),
            "rows_without_number": rows,
            "random_pairs": material.random.total(),
            "gold_pairs": material.gold.total(),
            "candidate_pairs": material.candidates.total(),
            "seed": seed,
        },
    )


def _frequencies(counties: Iterable[County]) -> Mapping[str, ChineseNames]:
    students = [student for county in counties for student in county.students]
    return {
        NAME_FREQUENCIES: ChineseNames.of(student.name for student in students),
        GUARDIAN_FREQUENCIES: ChineseNames.of(student.guardian_name for student in students),
    }


def _open(entry: EntryRecord) -> bool:
    """The score may be asked about the row."""
    return entry.id_number is None and bool(entry.name)


def _random_pairs(county: County, rows: Sequence[EntryRecord], chance: Random) -> Iterator[tuple[Any, Any]]:
    if rows and county.students:
        for _ in range(RANDOM_PAIRS):
            yield chance.choice(rows), chance.choice(county.students)


def _gold_pairs(county: County) -> Iterator[tuple[Any, Any]]:
    """Rows whose number only one student has, under the same name."""
    by_number: defaultdict[str, list[StudentRecord]] = defaultdict(list)
    for student in county.students:
        if student.id_number is not None:
            by_number[student.id_number].append(student)
    found = 0
    for entry in county.entries:
        same = by_number.get(entry.id_number or "", ())
        if len(same) == 1 and same[0].name == entry.name:
            yield entry, same[0]
            found += 1
            if found >= GOLD_PAIRS_MOST:
                return


def _candidate_pairs(students: Sequence[StudentRecord], rows: Sequence[EntryRecord]) -> Iterator[tuple[Any, Any]]:
    wanted: defaultdict[str, list[int]] = defaultdict(list)
    for index, entry in enumerate(rows):
        for key in entry_keys(entry):
            wanted[key].append(index)
    for student in students:
        found = {index for key in student_keys(student) for index in wanted.get(key, ())}
        for index in sorted(found):
            yield rows[index], student

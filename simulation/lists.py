"""What the four offices write about each family, before anything goes wrong: one ListRow per line of a list."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date
from random import Random

from shared.standards.age import of_aid_age
from shared.standards.disability import GRADES_ZH, KINDS_ZH
from simulation.families import grade_zh
from simulation.households import Household, Person

LISTS = ("poverty", "civil", "hardship", "disability")
OTHER_CERTIFICATE_HOLDERS_SHARE = 0.9  # the federation lists nearly every holder
_SCHOOLING_ZH = {"elsewhere": "外地就读", "preschool": "学前", "left_school": "非在校生"}
SEX_ZH = {"male": "男", "female": "女"}

# What a row must end as, by who it is about. Several states where an honest program may choose.
STATES_BY_STANDING = {
    "student": ("linked",),
    "elsewhere": ("registered_elsewhere", "not_in_register"),
    "enrolled_nowhere": ("not_in_register",),
    "preschool": ("not_in_register",),
    "left_school": ("not_in_register",),
    "infant": ("out_of_age",),
    "adult": ("out_of_age",),
    "adult_fifteen_digit": ("out_of_age", "rejected"),
    "student_without_number": ("linked", "review", "not_in_register"),
}


@dataclass(frozen=True, slots=True)
class ListRow:
    """One line of a list. `id_cell` is what stands in the number column: text, or a float once a spreadsheet ate it.

    `states` are the endings allowed; `corruption` is empty for a clean row; `proves` says whether the row, ending in
    its only state, is enough for a program to give the category.
    """

    list_name: str
    household: Household
    person: Person
    name: str
    id_cell: str | float
    standing: str
    states: tuple[str, ...]
    corruption: str = ""

    @property
    def proves(self) -> bool:
        return self.states == ("linked",)

    @property
    def student_row(self) -> int | None:
        """The register row of the person really meant, whatever the cells say."""
        return self.person.student.row if self.person.student else None


def rows_for(rng: Random, list_name: str, households: list[Household], as_of: date) -> Iterator[ListRow]:
    """Clean rows of one list, household by household."""
    for household in households:
        if household.guest_division:
            continue
        for person in _listed(rng, list_name, household):
            yield _row(list_name, household, person, as_of)


def _listed(rng: Random, list_name: str, household: Household) -> list[Person]:
    members = household.members
    if list_name == "poverty":
        return members if household.poverty else []
    if list_name == "civil":
        allowance = household.subsistence
        if allowance is None:
            return []
        return [household.head] if allowance.head_only else [members[i] for i in allowance.covered]
    if list_name == "hardship":
        return [members[i] for i in household.hardship.covered] if household.hardship else []
    return [m for m in members if m.disability and (m.student or rng.random() < OTHER_CERTIFICATE_HOLDERS_SHARE)]


def _row(list_name: str, household: Household, person: Person, as_of: date) -> ListRow:
    standing = person.standing
    if person.student is not None and not person.student.id_kept:
        standing = "student_without_number"
    elif standing == "adult" and len(person.number) == 15:
        standing = "adult_fifteen_digit"
    states = STATES_BY_STANDING[standing]
    if standing == "adult" and of_aid_age(person.birth, as_of):
        states = ("not_in_register",)
    id_cell = person.number
    if list_name == "disability" and person.disability is not None:
        mark = person.disability
        id_cell = f"{person.number}{mark.kind}{mark.grade}{mark.suffix}"
    return ListRow(list_name, household, person, person.name, id_cell, standing, states)


def with_corruption(row: ListRow, kind: str, states: tuple[str, ...], **changes: str | float) -> ListRow:
    """The row after something went wrong, with the endings that are then allowed."""
    return replace(row, corruption=kind, states=states, **changes)  # type: ignore[arg-type]


def school_of(row: ListRow) -> str:
    """School as the office knows it: the school's name, a school elsewhere, or nothing."""
    person = row.person
    return person.student.school.name if person.student else person.elsewhere


def schooling_state(person: Person) -> str:
    """在校生状况, as village cadres fill it in; empty for adults."""
    if person.student is not None:
        return grade_zh(person.student.stage, person.student.grade)
    return _SCHOOLING_ZH.get(person.standing, "")


def disability_words(person: Person) -> tuple[str, str]:
    """(kind, grade) in words, e.g. 肢体残疾, 二级; empty without a certificate."""
    if person.disability is None:
        return "", ""
    return KINDS_ZH[person.disability.kind] + "残疾", GRADES_ZH[person.disability.grade]

"""Traps: list rows that invite a program to link the wrong child, each with somebody very like her in the register.

Each kind is a small story of two people; a county of traps holds every kind equally often, written as the same files as
any county, with the kind in the truth's column `corruption`. A program that links a trap's row to anybody but the
student it is about has fallen into it.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from random import Random

from simulation import confusions, layouts, names, support
from simulation.county import DEFAULT_AS_OF
from simulation.families import sort_into_classes
from simulation.households import Household, NumberOffice, Person, Student
from simulation.lists import ListRow
from simulation.office_sheets import WIDE_LAYOUTS, WideRow, wide_row
from simulation.schools import DIVISION, District, School, plan_districts
from simulation.sheets import open_table
from simulation.truth import WIDE_ROW_HEADER

SCHOOLS = 60
YOUNGEST_DAYS, OLDEST_DAYS = 8 * 365, 14 * 365

Alter = Callable[[WideRow], None]


@dataclass(slots=True)
class TrapRow:
    """A row to come: whom it is about, and what its cells say instead. `state` is what a perfect person decides."""

    kind: str
    household: Household
    person: Person
    alter: Alter
    state: str
    others: tuple[str, ...] = ("review",)


@dataclass(slots=True)
class TrapMaker:
    """Makes the people of the traps; the same random stream gives the same traps."""

    rng: Random
    district: District
    as_of: date
    offices: NumberOffice = field(default_factory=NumberOffice)
    households: int = 0
    students: list[Student] = field(default_factory=list)

    def birth(self) -> date:
        return self.as_of - timedelta(days=self.rng.randint(YOUNGEST_DAYS, OLDEST_DAYS))

    def household(self, guardian: Person | None = None, surname: str = "") -> Household:
        """A registered poor household of one adult, who signs for the children to come."""
        rng = self.rng
        self.households += 1
        township = rng.choice(self.district.townships)
        surname = surname or names.surname(rng)
        adult = guardian or self.adult(surname)
        return Household(
            number=self.households,
            township=township,
            village=rng.choice(township.villages),
            urban=False,
            guest_division="",
            door=rng.randint(1, 280),
            phone=f"12{rng.randrange(10**9):09}",
            left_behind="非留守儿童",
            members=[adult],
            guardian=adult,
            poverty=support.poverty_registration(rng, 50_000_000 + self.households, self.as_of),
        )

    def adult(self, surname: str, name: str = "") -> Person:
        birth = self.as_of - timedelta(days=self.rng.randint(32 * 365, 48 * 365))
        number = self.offices.issue(self.rng, DIVISION, birth, "male")
        return Person(name or surname + names.given_name(self.rng, "male"), "male", birth, number, "户主", "adult")

    def child(
        self,
        household: Household,
        name: str,
        sex: str,
        birth: date,
        near: str = "",
        school: School | None = None,
        enrolled: bool = True,
    ) -> Person:
        """A child with a number beside `near`'s, registered in `school` (any unless given) or in no school here."""
        sequence = int(near[14:17]) if near else None
        number = self.offices.issue(self.rng, near[:6] if near else DIVISION, birth, sex, sequence)
        person = Person(name, sex, birth, number, "之子" if sex == "male" else "之女", "enrolled_nowhere")
        household.members.append(person)
        if enrolled:
            self.enrol(household, person, school)
        return person

    def enrol(self, household: Household, person: Person, school: School | None = None, former: str = "") -> Student:
        chosen = school or self.rng.choice(self.district.schools_for(household.township, "小学"))
        grade = min(6, max(1, (self.as_of - person.birth).days // 365 - 6))
        person.standing = "student"
        person.student = Student(
            *(person, household, chosen, "小学", grade, "G" + person.number, True, False, "普通"), former_name=former
        )
        self.students.append(person.student)
        return person.student

    def given(self, sex: str) -> str:
        """A given name of two characters."""
        while len(name := names.given_name(self.rng, sex)) != 2:
            pass
        return name

    def sounding_alike(self, sex: str) -> tuple[str, str]:
        """Two given names that sound the same: 佳怡, 嘉怡."""
        while True:
            name = self.given(sex)
            places = [i for i in range(2) if confusions.SAME_SOUND.get(name[i])]
            if places:
                at = self.rng.choice(places)
                other = name[:at] + self.rng.choice(confusions.SAME_SOUND[name[at]]) + name[at + 1 :]
                return name, other

    def sex(self) -> str:
        return self.rng.choice(("male", "female"))


def number_of(person: Person) -> Alter:
    """The row carries that person's number."""
    return lambda row: row.write_number(person.number)


def no_number(row: WideRow) -> None:
    row.write_number("")


def bare(row: WideRow) -> None:
    """Name and sex alone."""
    row.write_number("")
    for field_name in ("birth_date", "school", "grade", "class"):
        row.cells[field_name] = ""


def as_is(_: WideRow) -> None:
    """The row is right."""


def hidden_sequence(row: WideRow) -> None:
    """Division and birth date can be read, the rest is stars."""
    row.write_number(row.number[:14] + "****")
    row.cells["birth_date"] = ""


def towards(other: str) -> Alter:
    """One digit of the number mistyped so that it comes as near to the other's as it can."""

    def alter(row: WideRow) -> None:
        text = row.number
        places = [i for i in range(17) if text[i] != other[i]]
        at = places[-1] if places else 16
        row.write_number(text[:at] + other[at] + text[at + 1 :])
        if row.number == other:  # both slips at once would be the other's number itself
            row.write_number(text[:17] + other[17])

    return alter


def write_traps(count: int, seed: int, out: Path) -> int:
    """Write students.csv, poverty.csv and truth.csv into the folder; returns the rows, `count` or a few more."""
    from simulation.trap_kinds import KINDS

    rng = Random(f"traps/{seed}")  # from a seed, no secret # nosec B311
    district = plan_districts(rng, count, SCHOOLS)[0]
    maker = TrapMaker(rng, district, DEFAULT_AS_OF)
    planned: list[TrapRow] = []
    while len(planned) < count:
        for name, kind in KINDS.items():
            planned += (TrapRow(name, *each) for each in kind(maker))
    sort_into_classes(rng, maker.students, 1)
    register = open_table(out, layouts.STUDENTS, "csv")
    for student in maker.students:
        register.write(layouts.student_cells(student))
    register.close()
    table = open_table(out, WIDE_LAYOUTS["poverty"], "csv")
    with (out / "truth.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(WIDE_ROW_HEADER)
        for number, (row, story) in enumerate(_written(rng, planned), 1):
            table.write(row.listed())
            meant = row.row.student_row
            states = "|".join(row.states)
            writer.writerow(("poverty", number, meant or "", row.row.standing, story, states, row.state))
    table.close()
    return len(planned)


def _written(rng: Random, planned: list[TrapRow]) -> Iterator[tuple[WideRow, str]]:
    for trap in planned:
        person = trap.person
        row = wide_row(
            rng, ListRow("poverty", trap.household, person, person.name, person.number, person.standing, (trap.state,))
        )
        row.states = (trap.state, *trap.others)
        row.state = trap.state
        trap.alter(row)
        yield row, trap.kind

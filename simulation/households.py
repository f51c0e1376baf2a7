"""Families of one district: who lives together, who goes to which school, who is listed by which office."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from random import Random

from shared.standards.identity_number import check_digit
from simulation.schools import DIVISION, School, Township
from simulation.support import Disability, ExtremeHardship, PovertyRegistration, Subsistence


@dataclass(slots=True)
class Person:
    """One member of a household. `number` has 18 characters, or 15 for some of the oldest.

    `standing`: student, elsewhere, enrolled_nowhere, preschool, infant, left_school or adult.
    """

    name: str
    sex: str
    birth: date
    number: str
    relation: str
    standing: str
    elsewhere: str = ""
    disability: Disability | None = None
    student: Student | None = None


@dataclass(slots=True)
class Household:
    """`members` begins with the head; `guardian` signs for the children."""

    number: int
    township: Township
    village: tuple[str, str]
    urban: bool
    guest_division: str
    door: int
    phone: str
    left_behind: str
    members: list[Person]
    guardian: Person
    poverty: PovertyRegistration | None = None
    subsistence: Subsistence | None = None
    hardship: ExtremeHardship | None = None

    @property
    def head(self) -> Person:
        return self.members[0]

    @property
    def children(self) -> list[Person]:
        return [member for member in self.members if member.standing != "adult"]

    @property
    def address(self) -> str:
        if self.guest_division:
            return f"外县临江镇{self.door}号"
        return f"{self.township.name}{self.village[1]}{self.door}号"

    @property
    def division_code(self) -> str:
        return f"{self.guest_division}100201" if self.guest_division else self.village[0]


@dataclass(slots=True)
class Student:
    """A line of the school register. `row` counts from 1 in file order, 0 until the register is sorted."""

    person: Person
    household: Household
    school: School
    stage: str
    grade: int
    student_number: str
    id_kept: bool
    boarder: bool
    placement: str
    former_name: str
    class_number: int = 0
    row: int = 0


class NumberOffice:
    """Issues identity numbers, each once. Memory: one bit per number, by division and birth date."""

    def __init__(self) -> None:
        self._issued: dict[str, int] = {}
        self._temporary = 0

    def issue(self, rng: Random, division: str, birth: date, sex: str, near: int | None = None) -> str:
        """A new 18-character number; `near` is a twin's sequence, from which it differs by 1 or 2 while one is free."""
        place = division + birth.isoformat().replace("-", "")
        first17 = f"{place}{self._sequence(rng, place, sex, near):03}"
        return first17 + check_digit(first17)

    def issue_fifteen(self, rng: Random, birth: date, sex: str) -> str:
        """An old 15-digit number, as some grandparents still have."""
        day = birth.isoformat().replace("-", "")
        return f"{DIVISION}{day[2:]}{self._sequence(rng, DIVISION + day, sex, None):03}"

    def temporary(self) -> str:
        """An L student number: synthetic digits, no identity number inside."""
        self._temporary += 1
        return f"L{DIVISION}{self._temporary:012}"

    def _sequence(self, rng: Random, place: str, sex: str, near: int | None) -> int:
        issued = self._issued.get(place, 0)
        odd = int(sex == "male")
        if near is None:
            sequence = rng.randrange(1, 499) * 2 + odd
        else:
            sequence = near + (2 if near % 2 == odd else 1)
        for _ in range(500):
            if sequence > 999:
                sequence = 2 + odd
            if not issued >> sequence & 1:
                self._issued[place] = issued | 1 << sequence
                return sequence
            sequence += 2
        raise ValueError("no identity number is left for one birth date: ask for fewer students")

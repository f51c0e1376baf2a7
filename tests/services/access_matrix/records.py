"""The planted children and list rows as the oracle knows them: plain values, nothing of it read from the services."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

SCHOOLS = {"S1": "469001100", "S2": "469001200", "S3": "469002100", "S4": "460200100"}
NAMES = {"S1": "东山小学", "S2": "南湖学校", "S3": "西岭学校", "S4": "北滩学校"}
CLASSES = (
    ("primary", "五年级", "1班"),
    ("primary", "五年级", "2班"),
    ("primary", "六年级", "1班"),
    ("junior", "七年级", "1班"),
)
AGENCIES = {
    "poverty_office": "poverty",
    "civil_affairs": "civil",
    "disability_federation": "disability",
}
GIVEN = ("甲乙丙丁戊己庚辛", "山川湖海")  # nobody has another's name


@dataclass(frozen=True)
class Child:
    """One student and every id under which a record about her is known. ``agency`` listed her."""

    student: UUID
    school: str
    division: str
    classroom: tuple[str, str, str]
    agency: str
    entry: UUID
    entitlement: UUID
    visit: UUID
    alert: UUID
    document: UUID

    @property
    def name(self) -> str:
        """In the register, in full."""
        number = (self.student.int & 0xFFFF) - 1
        return f"张{GIVEN[0][number // 4]}{GIVEN[1][number % 4]}"

    @property
    def number(self) -> str:
        """The identity number in the register: made up, but a valid one."""
        return identity_number(f"46900120140301{self.student.int & 0xFFFF:03}")


@dataclass(frozen=True)
class Loose:
    """A list row about nobody in the register: its agency's, and whose division answers for it."""

    entry: UUID
    agency: str
    division: str


def _id(kind: int, number: int) -> UUID:
    return UUID(int=(0xACCE55 << 96) | (kind << 64) | number, version=4)


def children(per_class: int = 2) -> list[Child]:
    """``per_class`` in each of the four classes of each school; two agencies take turns in listing them."""
    found: list[Child] = []
    for school, division in SCHOOLS.items():
        for classroom in CLASSES:
            for _ in range(per_class):
                number = len(found) + 1
                ids = (_id(kind, number) for kind in range(1, 7))
                student, entry, entitlement, visit, alert, document = ids
                agency = ("poverty_office", "disability_federation")[number // 2 % 2]
                found.append(
                    Child(student, school, division, classroom, agency, entry, entitlement, visit, alert, document)
                )
    return found


def loose() -> list[Loose]:
    """One of each agency in each division."""
    pairs = [(agency, division) for agency in AGENCIES for division in SCHOOLS.values()]
    return [Loose(_id(9, number), agency, division) for number, (agency, division) in enumerate(pairs, 1)]


def linked() -> list[Child]:
    """Whom a list row is linked to: one of each class."""
    return children()[::2]


def identity_number(first_17: str) -> str:
    """With its last character (GB 11643-1999)."""
    weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
    total = sum(weight * int(digit) for weight, digit in zip(weights, first_17, strict=True))
    return first_17 + "10X98765432"[total % 11]

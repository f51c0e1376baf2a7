"""Who may do what and see whom, written by hand from domain.md: the product's own tables are not read here."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.services.access_matrix.records import AGENCIES, CLASSES, SCHOOLS, Child, Loose, linked
from tests.support.post_letters import kinds_of

DIVISION_KINDS = ("aid_clerk", "reviewer", "cashier", "approver", "auditor", "service")
SCHOOL_KINDS, CLASS_KINDS = ("registrar", "principal"), ("class_teacher", "helper_teacher")
DIVISIONS = ("46", "4690", "469000", "469001", "469002", "4601", "460200")
TOWNSHIPS = ("469001100", "469001200", "469002100", "469009100")


def who_may() -> dict[tuple[str, str, str], frozenset[str]]:
    """(service, method, path below /v1) → kinds of post."""
    found = {}
    for line in (Path(__file__).parent / "who_may.txt").read_text(encoding="utf-8").splitlines():
        if line:
            service, method, path, letters = line.split()
            found[service, method, path] = kinds_of(letters)
    return found


@dataclass(frozen=True)
class Person:
    """Somebody in a post: what the token says."""

    kind: str
    division: str | None = None
    school: str | None = None
    classroom: tuple[str, str, str] | None = None
    agency: str | None = None

    @property
    def claims(self) -> dict[str, Any]:
        place = {"division": self.division, "school": self.school, "agency": self.agency}
        told = {"kind": self.kind, "sub": f"{self.kind}:{self}", **place}
        return told | ({"class": "/".join(self.classroom)} if self.classroom else {})

    @property
    def area(self) -> str | None:
        """What the codes of the person's division begin with: 469000 is a city, and 469001 one of its counties."""
        code = self.division
        return code[:4] if code is not None and len(code) == 6 and code.endswith("00") else code

    @property
    def whole(self) -> bool:
        """Whether the person answers for all of the installation (469000). Its logs cannot be cut, their leaves would
        prove nothing any more, and what concerns all of it (replays of all, erasure, keys) goes by them: of audit, and
        of audit only, such a person may be told whatever the installation's logs hold, also of a child whose school
        has another division's code (S4). Registry takes no such school in; a log that has one is not lost for that."""
        return self.area is not None and "469000".startswith(self.area)

    def sees(self, child: Child) -> bool:
        """Whether a record about this child is in the person's scope."""
        if self.area is not None:
            return child.division.startswith(self.area)
        if self.kind in CLASS_KINDS:
            return (child.school, child.classroom) == (self.school, self.classroom)
        return self.school is not None and child.school == self.school

    def sees_row(self, row: Child | Loose) -> bool:
        """Whether a row of an agency's list is: its division's and its agency's, no school's."""
        if self.area is not None:
            return row.division.startswith(self.area)
        return self.agency is not None and row.agency == self.agency


def people() -> Iterator[Person]:
    """Every kind of post in every place it can be held in, and in some where nothing is."""
    for kind in DIVISION_KINDS:
        yield from (Person(kind, division=division) for division in DIVISIONS)
        yield Person(kind)
    for kind in SCHOOL_KINDS:
        yield from (Person(kind, school=school) for school in (*SCHOOLS, "S9", None))
    for kind in CLASS_KINDS:
        yield from (
            Person(kind, school=school, classroom=each)
            for school in SCHOOLS
            for each in (*CLASSES, ("primary", "五年级", "9班"), ("junior", "五年级", "1班"))
        )
        yield Person(kind, school="S1")
    yield from (Person("township_cadre", division=division) for division in TOWNSHIPS)
    yield from (Person("city_officer", division=division) for division in ("46", "4690", "4602"))
    yield from (Person("agency_publisher", agency=agency) for agency in (*AGENCIES, "education", None))
    yield from (Person("account_administrator", division=division) for division in DIVISIONS)
    yield Person("account_administrator", school="S1")


def one_of_each() -> list[Person]:
    """A person of each kind, somewhere in the middle of things."""
    return [
        *(Person(kind, division="469001") for kind in (*DIVISION_KINDS, "account_administrator")),
        *(Person(kind, school="S1") for kind in SCHOOL_KINDS),
        *(Person(kind, school="S1", classroom=CLASSES[0]) for kind in CLASS_KINDS),
        Person("township_cadre", division="469001100"),
        Person("city_officer", division="4690"),
        Person("agency_publisher", agency="civil_affairs"),
    ]


LINKED = frozenset(child.student for child in linked())

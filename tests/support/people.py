"""Invented children and the rows that agencies write about them, each kind with the one ending it must have.

Numbers and check digits are computed here by the standard's formula (GB 11643), not by the code under test. Names are
never given twice, except where two people of one name are meant.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import Any, Literal

Kind = Literal[
    "exact", "other_name", "slip", "lost_digits", "stranger", "toddler", "adult", "elsewhere", "guardian", "nobody"
]
ABOUT_A_CHILD: tuple[Kind, ...] = ("exact", "other_name", "slip", "lost_digits", "guardian")
ListName = Literal["poverty", "civil", "disability"]
AGENCIES: dict[ListName, str] = {
    "poverty": "poverty_office",
    "civil": "civil_affairs",
    "disability": "disability_federation",
}
_SURNAMES = "赵钱孙李周吴郑王冯陈蒋沈韩杨朱秦许何吕张孔曹严华金魏陶姜谢邹喻柏窦章云苏潘葛范彭"
_GIVEN = "明华芳强丽伟静敏磊洋艳勇杰娟涛霞平刚桂英玉兰建国志远思雨浩然子涵梓萱宇轩佳怡俊熙诗琪博文欣妍天佑雅婷家豪"
_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)


def identity_number(division: str, born: date, sequence: int) -> str:
    """18 characters with their check digit."""
    body = f"{division}{born:%Y%m%d}{sequence:03d}"
    total = sum(int(digit) * weight for digit, weight in zip(body, _WEIGHTS, strict=True))
    return body + "10X98765432"[total % 11]


@dataclass(frozen=True)
class School:
    """A school of the division."""

    code: str
    name: str
    stage: Literal["primary", "junior"]
    division: str


@dataclass(frozen=True)
class Child:
    """A child; ``school`` None = registered nowhere here."""

    name: str
    number: str
    born: date
    sex: Literal["male", "female"]
    school: School | None
    grade: str
    boarder: bool
    guardian_name: str
    guardian_number: str

    def record(self) -> dict[str, Any]:
        """The body that registers this child."""
        assert self.school is not None
        return {
            "name": self.name,
            "id_number": self.number,
            "student_number": f"G{self.number}",
            "sex": "男" if self.sex == "male" else "女",
            "school_code": self.school.code,
            "stage": "小学" if self.school.stage == "primary" else "初中",
            "grade": self.grade,
            "class_name": "1",
            "boarder": "住校" if self.boarder else "走读",
            "guardian_name": self.guardian_name,
            "guardian_id": self.guardian_number,
        }


@dataclass(frozen=True)
class Row:
    """One row of an agency's list, as written. ``about`` is whom it means, whatever it says; None = nobody known."""

    list: ListName
    kind: Kind
    name: str
    number: str
    about: Child | None = None
    facts: dict[str, str] = field(default_factory=dict, hash=False)

    @property
    def key(self) -> tuple[str, str, str]:
        """What the same row has in the system: its list, name and number."""
        return (self.list, self.name, self.number)

    def cells(self) -> dict[str, str]:
        """Field → cell, as an agency's interface sends it."""
        return {"name": self.name, "id_number": self.number, **self.facts}


class People:
    """Makes children and rows; the same seed makes the same ones."""

    def __init__(self, seed: int, schools: list[School], today: date) -> None:
        self.random = random.Random(seed)
        self.schools, self.today = schools, today
        self._names: Iterator[str] = self._every_name()
        self._sequences: dict[date, int] = {}
        self._rows = 0

    def child(self, *, registered: bool = True, age: int | None = None) -> Child:
        """A child of an age that fits the school (primary 7–11, junior 12–14)."""
        school = self.random.choice(self.schools)
        years = age if age is not None else self.random.randint(*((7, 11) if school.stage == "primary" else (12, 14)))
        born = self.today - timedelta(days=years * 365 + years // 4 + self.random.randint(40, 300))
        number, sex = self._number(born)
        guardian_born = self.today - timedelta(days=self.random.randint(30, 50) * 365)
        guardian_number, _ = self._number(guardian_born)
        return Child(
            name=next(self._names),
            number=number,
            born=born,
            sex=sex,
            school=school if registered else None,
            grade=str(self.random.randint(1, 3)),
            boarder=self.random.random() < 0.4,
            guardian_name=next(self._names),
            guardian_number=guardian_number,
        )

    def children(self, count: int) -> list[Child]:
        """Registered children."""
        return [self.child() for _ in range(count)]

    def row(self, name: ListName, kind: Kind, child: Child | None = None) -> Row:
        """A row of this kind; about ``child`` where the kind needs one."""
        self._rows += 1
        facts = self._facts(name)
        if kind in ABOUT_A_CHILD:
            assert child is not None, f"a row of kind {kind} is about a child of the register"
        match kind:
            case "exact":
                assert child is not None
                return Row(name, kind, child.name, child.number, child, facts)
            case "other_name":
                assert child is not None
                return Row(name, kind, self._unlike(child.name), child.number, child, facts)
            case "slip":
                assert child is not None
                return Row(name, kind, child.name, _slip(child.number), child, facts)
            case "lost_digits":
                assert child is not None
                return Row(name, kind, child.name, f"{float(child.number[:17]) * 10:.5E}", child, facts)
            case "guardian":
                assert child is not None
                return Row(name, kind, child.name, child.guardian_number, child, facts)
            case "nobody":
                return Row(name, kind, next(self._names), "", None, facts)
        stranger = self.child(registered=False, age={"stranger": 10, "toddler": 4, "adult": 45}.get(kind, 12))
        if kind == "elsewhere":
            facts |= {"school": f"远方市外国语实验学校{self._rows}"}
        return Row(name, kind, stranger.name, stranger.number, stranger, facts)

    def rows(self, children: list[Child], count: int) -> list[Row]:
        """Rows of every list and kind, most of them about these children; each child at most once on a list."""
        alone: tuple[Kind, ...] = ("stranger", "stranger", "toddler", "adult", "elsewhere", "nobody")
        kinds: tuple[Kind, ...] = (*("exact",) * 12, *ABOUT_A_CHILD[1:], *alone)
        free = {name: self.random.sample(children, len(children)) for name in AGENCIES}
        found: list[Row] = []
        for _ in range(count):
            name, kind = self.random.choice(list(AGENCIES)), self.random.choice(kinds)
            found.append(self.row(name, kind, free[name].pop() if kind in ABOUT_A_CHILD else None))
        return found

    def corrected(self, row: Row) -> Row:
        """The same record with other facts about the support, as an agency corrects it. Allowance and extreme hardship
        are lists of their own: who changes between them leaves one and joins the other, which is no correction."""
        if row.list == "civil":
            area = "农村" if row.facts["area_type"] == "城市" else "城市"
            return replace(row, facts=row.facts | {"area_type": area})
        return replace(row, facts=row.facts | self._facts(row.list, other_than=row.facts))

    def _facts(self, name: ListName, other_than: dict[str, str] | None = None) -> dict[str, str]:
        choices: dict[ListName, list[dict[str, str]]] = {
            "poverty": [{"household_type": word} for word in ("脱贫户", "脱贫不稳定户", "边缘易致贫户")],
            "civil": [
                {"support_type": "低保", "area_type": "农村"},
                {"support_type": "特困", "area_type": "农村"},
                {"support_type": "低保", "area_type": "城市"},
            ],
            "disability": [
                {"disability_kind": "肢体", "disability_grade": "二级"},
                {"disability_kind": "智力", "disability_grade": "三级"},
            ],
        }
        shared = {"valid_from": "2025-03-01"}
        if name == "poverty" and other_than is None:
            shared["person_number"] = f"R{self._rows:08d}"
        options = [facts for facts in choices[name] if other_than is None or not facts.items() <= other_than.items()]
        return self.random.choice(options) | shared

    def _number(self, born: date) -> tuple[str, Literal["male", "female"]]:
        sequence = self._sequences[born] = self._sequences.get(born, 0) + 1
        return identity_number("460106", born, sequence), "male" if sequence % 2 else "female"

    def _unlike(self, name: str) -> str:
        """A name without a character of ``name``: two of three in common may well be the same child's."""
        return next(other for other in self._names if not set(other) & set(name))

    def _every_name(self) -> Iterator[str]:
        names = [a + b + c for a in _SURNAMES for b in _GIVEN for c in _GIVEN if b != c]
        self.random.shuffle(names)
        return iter(dict.fromkeys(names))


def _slip(number: str) -> str:
    """One wrong digit in the sequence, which always breaks the check digit."""
    digit = (int(number[15]) + 1) % 10
    return number[:15] + str(digit) + number[16:]

"""A county whose people are hard to tell apart: few names, brothers and sisters of one guardian, numbers written into
other people's rows, heads who stand for households. Every row has neighbours that decide it with its student.

Numbers are made by the standard's formula (GB 11643) in :mod:`tests.support.people`, not by the code under test.
"""

from __future__ import annotations

import random
from datetime import date, timedelta

from tests.support.people import School, identity_number

SURNAMES, GIVEN = "王李张刘陈", "明芳伟娜静"
SECOND = ("", "小", "晓", "文")
FIRST_BIRTHDAY, BIRTHDAYS = date(2014, 3, 1), 40
GUARDIANS_PER_CHILD = 0.4
CIVIL_HEADERS = {
    "name": "姓名",
    "id_number": "身份证号",
    "household_number": "户编号",
    "head_name": "户主姓名",
    "head_id": "户主身份证号",
    "relation": "与户主关系",
    "coverage": "保障方式",
    "support_type": "救助类型",
    "area_type": "城乡类别",
}
POVERTY_HEADERS = {"person_number": "人编号", "name": "成员姓名", "id_number": "证件号码", "household_type": "户类型"}
Cells = dict[str, str]


class Alike:
    """The same seed makes the same people and rows. ``students`` are bodies for the register, in order.

    To be used from one thread: make everything before it is sent.
    """

    def __init__(self, seed: int, schools: list[School], students: int) -> None:
        self.random = random.Random(f"alike {seed}")
        self._schools, self._count = schools, 0
        adults = [self._adult() for _ in range(round(students * GUARDIANS_PER_CHILD))]
        self.students = [self._student(self.random.choice(adults)) for _ in range(students)]

    def number(self, born: date | None = None) -> str:
        """A valid number that nobody had before."""
        self._count += 1
        days = timedelta(days=self._count % BIRTHDAYS)
        division = f"4690{30 + self._count // (BIRTHDAYS * 900):02d}"
        return identity_number(division, born or FIRST_BIRTHDAY + days, self._count // BIRTHDAYS % 1_000)

    def name(self) -> str:
        """One of a hundred."""
        return self.random.choice(SURNAMES) + self.random.choice(SECOND) + self.random.choice(GIVEN)

    def poverty_row(self, person_number: str) -> Cells:
        """A row with a key of its own, about a student, about two of them at once, or about nobody here."""
        student, other = self.random.sample(self.students, 2)
        kinds: tuple[Cells, ...] = (
            *({"name": student["name"], "id_number": student["id_number"]},) * 4,
            {"name": self._other_writing(student["name"]), "id_number": student["id_number"]},
            {"name": other["name"], "id_number": student["id_number"]},
            {"name": student["name"], "id_number": student["guardian_id"]},
            {"name": self.name(), "id_number": self.number()},
        )
        return {"person_number": person_number, "household_type": "脱贫户", **self.random.choice(kinds)}

    def civil_rows(self, household: int) -> list[Cells]:
        """A household: its head alone, who stands for all, or the head and a child of his or of somebody else."""
        child = self.random.choice(self.students)
        head = {"head_name": child["guardian_name"], "head_id": child["guardian_id"]}
        shared = {"household_number": f"H{household:05d}", "support_type": "低保", "area_type": "农村", **head}
        rows = [shared | {"coverage": "整户保", "relation": "户主"} | self._as_member(head)]
        if self.random.random() < 0.5:
            slip = self.random.random() < 0.3
            member = {
                "name": child["name"],
                "id_number": self._slip(child["id_number"]) if slip else child["id_number"],
            }
            rows.append(shared | {"coverage": "整户保", "relation": "子女"} | member)
        return rows

    def corrected(self) -> Cells:
        """What the register corrects about a student: her name, or her guardian becomes somebody else's."""
        if self.random.random() < 0.5:
            return {"name": self.name()}
        other = self.random.choice(self.students)
        return {"guardian_name": other["guardian_name"], "guardian_id": other["guardian_id"]}

    def _student(self, guardian: tuple[str, str]) -> Cells:
        number, school = self.number(), self.random.choice(self._schools)
        shared = {"name": self.name(), "id_number": number, "student_number": f"G{number}"}
        shared |= {"school_code": school.code, "grade": str(self.random.randint(1, 6)), "class_name": "1"}
        shared |= {"stage": "小学" if school.stage == "primary" else "初中"}
        return shared | {"guardian_name": guardian[0], "guardian_id": guardian[1]}

    def _adult(self) -> tuple[str, str]:
        return self.name(), self.number(date(1980, 1, 1) + timedelta(days=self.random.randrange(4_000)))

    def _other_writing(self, name: str) -> str:
        """The name with another last character that sounds alike, or looks like nothing."""
        return name[:-1] + {"明": "铭", "芳": "方", "伟": "玮", "娜": "那", "静": "靜"}[name[-1]]

    def _slip(self, number: str) -> str:
        place = self.random.randrange(6, 17)
        return number[:place] + str((int(number[place]) + 1) % 10) + number[place + 1 :]

    @staticmethod
    def _as_member(head: Cells) -> Cells:
        return {"name": head["head_name"], "id_number": head["head_id"]}

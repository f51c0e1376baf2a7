"""The two sides of a match: a student of the register, and a row of an agency's list; plain frozen data.

Names are `names.comparable`. Empty text and None mean that the file does not say.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Literal
from uuid import UUID

from services.matching.names import adult_name, comparable
from services.matching.outcome import StudentId
from services.matching.written_numbers import adult_number, written_number
from shared.standards import student_number as student_numbers
from shared.standards.cell_text import number_text
from shared.standards.student_number import StudentNumberError

Sex = Literal["male", "female"]
HouseholdKey = UUID | str


@dataclass(frozen=True, slots=True)
class StudentRecord:
    """A student of the register. `id_number` is valid or None; then `id_text` is what was typed instead.

    `student_number` has 19 characters: G + identity number is a second copy of the number, J and L never are.
    """

    student_id: StudentId
    name: str
    id_number: str | None
    birth_date: date | None = None
    school_key: str = ""
    guardian_name: str = ""
    guardian_id: str = ""
    former_name: str = ""
    id_text: str = ""
    sex: str | None = None
    grade: str = ""
    class_name: str = ""
    division_code: str = ""
    student_number: str = ""

    @property
    def other_number(self) -> str | None:
        """The identity number that the student number carries, when it is valid and another than `id_number`."""
        text, own = self.student_number, self.id_number
        if own is None or not text or text[1:] == own:
            return None  # nearly always
        try:
            copy = student_numbers.parse(text).identity_number
        except StudentNumberError:
            return None
        return None if copy is None or copy.text == own else copy.text


@dataclass(frozen=True, slots=True)
class EntryRecord:
    """A list row. `id_number` is valid or None, then `number_problem` is a code of identity_number or None (empty).

    `suggested_birth_date` stems from an unusable number. `stands_for_household`: the row names only the head and the
    whole household is covered; `covers_one`: an allowance for this one member. `school_elsewhere`: it names a school
    that is none of the division's. `household_key` is equal for rows of one household on one list. `division_code` is
    where the person is registered as resident. `birth_date` is the number's when that is valid;
    `birth_date_contradicted`: the row states another one.
    """

    name: str
    id_number: str | None = None
    number_problem: str | None = None
    number_contradicted: bool = False
    id_text: str = ""
    birth_date: date | None = None
    suggested_birth_date: date | None = None
    school_key: str = ""
    school_elsewhere: bool = False
    guardian_name: str = ""
    stands_for_household: bool = False
    sex: str | None = None
    grade: str = ""
    class_name: str = ""
    guardian_id: str = ""
    head_name: str = ""
    division_code: str = ""
    household_key: HouseholdKey | None = None
    former_name: str = ""
    list_name: str = ""
    birth_date_contradicted: bool = False
    covers_one: bool = False


def student_record(
    student_id: StudentId,
    *,
    name: str,
    id_number: str | None,
    birth_date: date | None,
    school_key: str = "",
    guardian_name: str = "",
    guardian_id: str = "",
    former_name: str = "",
    id_text: str = "",
    sex: str | None = None,
    grade: str = "",
    class_name: str = "",
    division_code: str = "",
    student_number: str = "",
) -> StudentRecord:
    """A StudentRecord from names and numbers as written."""
    return StudentRecord(
        student_id,
        comparable(name),
        id_number,
        birth_date,
        school_key,
        adult_name(guardian_name),
        adult_number(guardian_id),
        comparable(former_name),
        written_number(number_text(id_text)),
        sex,
        grade,
        class_name,
        division_code,
        number_text(student_number),
    )

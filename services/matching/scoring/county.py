"""The comparisons of a list row with a student of the register, where no number decides (rung R6).

Records are those of records.py. Identity number, birth date and sex are one comparison, because the number contains the
others: counting them apart would count one fact three times.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from functools import cache
from pathlib import Path

from services.matching.name_relation import NameRelation, name_relation, relation
from services.matching.records import EntryRecord, StudentRecord
from services.matching.scoring import numbers
from services.matching.scoring.comparators import day_level
from services.matching.scoring.grades import class_number, grade_number
from services.matching.scoring.model import Model, Settings
from services.matching.scoring.weighing import MISSING, Comparator, ComparatorFactory

MODEL_PATH = Path(__file__).with_name("county.json")
LUNAR_DAYS_FEWEST, LUNAR_DAYS_MOST = 17, 53  # how far the lunar date of a birth, read as solar, lies before it

IDENTITY_LEVELS = (
    *("number", "number_slip", "mask_many", "number_two_slips", "mask_some", "birth_and_sex", "birth_slip"),
    *("birth_other_sex", "birth_near", "sex", "other_sex", "number_differs", "differs"),
)
_IDENTITY = {name: index for index, name in enumerate(IDENTITY_LEVELS)}
_SEX, _OTHER_SEX = _IDENTITY["sex"], _IDENTITY["other_sex"]
_BY_NUMBER = {
    numbers.EQUAL: _IDENTITY["number"],
    numbers.SLIP: _IDENTITY["number_slip"],
    numbers.MASK_MANY: _IDENTITY["mask_many"],
    numbers.TWO_SLIPS: _IDENTITY["number_two_slips"],
    numbers.MASK_SOME: _IDENTITY["mask_some"],
}
NAME_LEVELS = tuple(each.value for each in NameRelation if each is not NameRelation.MISSING)
_NAME = {each: index for index, each in enumerate(NameRelation)} | {NameRelation.MISSING: MISSING}
GUARDIAN_LEVELS = ("number", "name", "head", "name_variant", "head_differs", "differs")
SCHOOL_LEVELS = ("same", "other")
GRADE_LEVELS = ("class", "grade", "next_grade", "other")
DIVISION_LEVELS = ("village", "township", "county", "other")


def name(entry: EntryRecord, student: StudentRecord) -> int:
    """Index into NAME_LEVELS."""
    return _NAME[relation(entry, student)]


def identity(entry: EntryRecord, student: StudentRecord) -> int:
    """Index into IDENTITY_LEVELS: the strongest that the readable parts of number, birth date and sex show."""
    differs = False
    if entry.id_number is not None and student.id_number is not None:
        return 0 if entry.id_number == student.id_number else _IDENTITY["differs"]
    typed, whole = entry.id_text, student.id_number
    if entry.id_number is not None:
        typed, whole = student.id_text, entry.id_number
    if typed and whole is not None:
        found = numbers.number_level(typed, whole)
        level = _BY_NUMBER.get(found)
        if level is not None:
            return level
        differs = found == numbers.DIFFERENT
    same_sex = entry.sex is None or student.sex is None or entry.sex == student.sex
    born, registered = entry.birth_date or entry.suggested_birth_date, student.birth_date
    if born is None or registered is None:
        if differs:
            return _IDENTITY["number_differs"]
        if entry.sex is None or student.sex is None:
            return MISSING
        return _SEX if same_sex else _OTHER_SEX
    return _birth(born, registered, same_sex, differs)


def _birth(born: date, registered: date, same_sex: bool, differs: bool) -> int:
    if born == registered:
        return _IDENTITY["birth_and_sex" if same_sex and not differs else "birth_other_sex"]
    if differs:
        return _IDENTITY["number_differs"]
    level = day_level(_digits(born), _digits(registered))
    if level == 1 and same_sex:
        return _IDENTITY["birth_slip"]
    if level == 2 or LUNAR_DAYS_FEWEST <= (registered - born).days <= LUNAR_DAYS_MOST:
        return _IDENTITY["birth_near"]
    return _IDENTITY["differs"]


def _digits(day: date) -> str:
    return f"{day.year:04}{day.month:02}{day.day:02}"


def guardian(entry: EntryRecord, student: StudentRecord) -> int:
    """Index into GUARDIAN_LEVELS. The head of the household is often the guardian, but need not be."""
    registered = student.guardian_name
    if entry.guardian_id and student.guardian_id and entry.guardian_id == student.guardian_id:
        return 0
    if not registered:
        return MISSING
    if entry.guardian_name:
        if _one_name(entry.guardian_name, registered):
            return 1
        if _one_name(entry.head_name, registered):
            return 2
        return 3 if _related(entry.guardian_name, registered) else 5
    if not entry.head_name:
        return MISSING
    if _one_name(entry.head_name, registered):
        return 2
    return 3 if _related(entry.head_name, registered) else 4


def _one_name(a: str, b: str) -> bool:
    return a == b and name_relation(a, b) is NameRelation.EQUAL  # not where both hide a character


def _related(a: str, b: str) -> bool:
    return name_relation(a, b) not in (NameRelation.INCOMPATIBLE, NameRelation.MISSING)


def school(entry: EntryRecord, student: StudentRecord) -> int:
    """Index into SCHOOL_LEVELS."""
    if entry.school_elsewhere and not entry.school_key:
        return 1
    if not entry.school_key or not student.school_key:
        return MISSING
    return 0 if entry.school_key == student.school_key else 1


def grade(entry: EntryRecord, student: StudentRecord) -> int:
    """Index into GRADE_LEVELS. A list of last year names the grade below."""
    written, registered = grade_number(entry.grade), grade_number(student.grade)
    if written is None or registered is None:
        return MISSING
    if written == registered:
        number = class_number(entry.class_name)
        same_school = not entry.school_key or entry.school_key == student.school_key
        return 0 if same_school and number is not None and number == class_number(student.class_name) else 1
    return 2 if registered - written == 1 else 3


def division(entry: EntryRecord, student: StudentRecord) -> int:
    """Index into DIVISION_LEVELS: how much of the division code both sides share."""
    a, b = entry.division_code, student.division_code
    if len(a) < 6 or len(b) < 6:
        return MISSING
    if a[:6] != b[:6]:
        return 3
    if len(a) < 9 or len(b) < 9:
        return 2
    if a[:9] != b[:9]:
        return 2
    return 0 if len(a) >= 12 and a[:12] == b[:12] else 1


def _plain(comparator: Comparator) -> ComparatorFactory:
    def factory(settings: Settings) -> Comparator:
        if settings:
            raise ValueError("this comparator has no settings")
        return comparator

    return factory


def _student_name(_: EntryRecord, student: StudentRecord) -> tuple[str, ...]:
    return (student.name,)


def _guardian_name(_: EntryRecord, student: StudentRecord) -> tuple[str, ...]:
    return (student.guardian_name,)


COUNTY_COMPARATORS: Mapping[str, ComparatorFactory] = {
    "county_name": _plain(Comparator(NAME_LEVELS, len(NAME_LEVELS) - 1, name, _student_name)),
    "county_identity": _plain(Comparator(IDENTITY_LEVELS, _OTHER_SEX, identity)),
    "county_guardian": _plain(Comparator(GUARDIAN_LEVELS, 4, guardian, _guardian_name)),
    "county_school": _plain(Comparator(SCHOOL_LEVELS, 1, school)),
    "county_grade": _plain(Comparator(GRADE_LEVELS, 3, grade)),
    "county_division": _plain(Comparator(DIVISION_LEVELS, 3, division)),
}


@cache
def county_model() -> Model:
    """The model shipped with the program. Raises ModelRefused when the file was altered into nonsense."""
    return Model.parse(MODEL_PATH.read_bytes())

"""R5: list and register give two valid numbers that differ. Never linked; a person looks where all else agrees."""

from __future__ import annotations

from tests.services.matching.cases.form import (
    Case,
    civil,
    elsewhere,
    not_in_register,
    out_of_age,
    poverty,
    pupil,
    review,
)
from tests.services.matching.cases.people import ELDER, FATHER, HONG, MING, MOTHER, TWIN, TWIN_SISTER, UNKNOWN

at_school = pupil("王小明", MING, 学校名称="望潮一小", 监护人姓名="王大", 监护人身份证号=FATHER)
DIFFER = review("R5", "numbers_differ")

TWO_PEOPLE = (
    Case("A namesake with a number of his own", [pupil("王小明", MING)], poverty("王小明", UNKNOWN), not_in_register()),
    Case(
        "One name and one birth date, but two numbers: twins differ by one or two in the sequence",
        [pupil("王小明", MING)],
        poverty("王小明", TWIN),
        not_in_register(),
    ),
    Case(
        "The twin who is in no school: same surname, birth date, guardian and school, another name and number",
        [at_school],
        poverty("王小丽", TWIN_SISTER, 就读学校="望潮一小", 监护人姓名="王大"),
        not_in_register(),
    ),
    Case(
        "The twin who is in no school and sounds alike",
        [at_school],
        poverty("王晓明", TWIN, 就读学校="望潮一小", 监护人姓名="王大"),
        not_in_register(),
    ),
    Case("A brother who is in no school", [at_school], poverty("王小刚", ELDER, 监护人姓名="王大"), not_in_register()),
    Case(
        "A namesake whose guardian is another",
        [at_school],
        poverty("王小明", UNKNOWN, 监护人姓名="王强"),
        not_in_register(),
    ),
    Case(
        "A namesake who goes to a school outside the county",
        [at_school],
        poverty("王小明", UNKNOWN, 就读学校="远方市外国语实验学校"),
        elsewhere(),
    ),
    Case(
        "A head's own row names himself as head, which says nothing about a pupil whose father has his name",
        [pupil("王大", MING, 监护人姓名="王大")],
        civil("王大", FATHER, 户主姓名="王大"),
        out_of_age(),
    ),
    Case(
        "A head who is himself in another spelling, too",
        [pupil("依布拉音·艾力", MING, 监护人姓名="依布拉音·艾力")],
        civil("依布拉音-艾力", FATHER, 户主姓名="依布拉音·艾力"),
        out_of_age(),
    ),
)

ONE_NUMBER_IS_WRONG = (
    Case(
        "Name and school agree: one of the numbers is wrong, or two children have one name",
        [at_school],
        poverty("王小明", UNKNOWN, 就读学校="望潮一小"),
        DIFFER,
    ),
    Case("Name and guardian agree", [at_school], poverty("王小明", TWIN, 监护人姓名="王大"), DIFFER),
    Case("Name and the guardian's number agree", [at_school], poverty("王小明", TWIN, 监护人身份证号=FATHER), DIFFER),
    Case("Name and the head of the household agree", [at_school], civil("王小明", TWIN, 户主姓名="王大"), DIFFER),
    Case(
        "All else agrees and the number has an age beyond aid: perhaps another's number on the child's row",
        [at_school],
        poverty("王小明", MOTHER, 就读学校="望潮一小"),
        DIFFER,
    ),
    Case(
        "Two students of the name in that school, and neither has the number",
        [at_school, pupil("王小明", HONG, 学校名称="望潮一小")],
        poverty("王小明", UNKNOWN, 就读学校="望潮一小"),
        review("R5", "numbers_differ", 1, 2),
    ),
    Case(
        "The number was corrected in the register, the student number still carries the one on the list",
        [pupil("王小明", MING, 学籍号="G" + TWIN)],
        poverty("王小明", TWIN),
        review("R5", "number_in_student_number"),
    ),
    Case(
        "The student number carries the number on the list, the register another number and another name",
        [pupil("王子涵", MING, 学籍号="G" + TWIN)],
        poverty("王小亮", TWIN),
        review("R5", "number_in_student_number"),
    ),
)

CASES = (*TWO_PEOPLE, *ONE_NUMBER_IS_WRONG)

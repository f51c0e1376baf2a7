"""Student numbers: G and the identity number is a second copy of it; the digits behind J and L never are one."""

from __future__ import annotations

from tests.services.matching.cases.form import Case, linked, not_in_register, poverty, pupil, rejected, review
from tests.services.matching.cases.people import HONG, MING, TWIN

R1 = linked("R1", "number_and_name_agree")

COPIES = (
    Case(
        "The register has the number in the student number alone",
        [pupil("王小明", "", 学籍号="G" + MING)],
        poverty("王小明", MING),
        R1,
    ),
    Case(
        "The register's own number has a slip, the student number is whole",
        [pupil("王小明", "469080201503040117", 学籍号="G" + MING)],
        poverty("王小明", MING),
        R1,
    ),
    Case(
        "The register's own number lost its digits in a numeric cell, the student number is whole",
        [pupil("王小明", 469080201503040116, 学籍号="G" + MING)],
        poverty("王小明", MING),
        R1,
    ),
    Case(
        "The register's own number is in scientific notation, the student number is whole",
        [pupil("王小明", "4.6908E+17", 学籍号="G" + MING)],
        poverty("王小明", MING),
        R1,
    ),
    Case(
        "The register masks the identity number and not the student number",
        [pupil("王小明", "4690**********0116", 学籍号="G" + MING)],
        poverty("王小明", MING),
        R1,
    ),
    Case(
        "A small g and a small x",
        [pupil("周小雨", "", 学籍号="g46908020150304001x")],
        poverty("周小雨", "46908020150304001X"),
        R1,
    ),
    Case(
        "The header of the country's register system",
        [{"姓名": "王小明", "全国学籍号": "G" + MING}],
        poverty("王小明", MING),
        R1,
    ),
    Case(
        "The copy is found by a slip on the list like the number itself",
        [pupil("王小明", "", 学籍号="G" + MING)],
        poverty("王小明", "469080201503040117"),
        linked("R4", "number_one_slip"),
    ),
    Case(
        "The copy and a name that sounds alike",
        [pupil("王晓明", "", 学籍号="G" + MING)],
        poverty("王小明", MING),
        linked("R2", "name_homophone"),
    ),
    Case(
        "The list gives the number in a student number alone",
        [pupil("王小明", MING)],
        poverty("王小明", "", 学籍号="G" + MING),
        R1,
    ),
    Case(
        "The list's number lost its digits, its student number is whole",
        [pupil("王小明", MING)],
        poverty("王小明", 469080201503040116, 学籍号="G" + MING),
        R1,
    ),
    Case(
        "A student number typed into the list's id column is one letter away from the number",
        [pupil("王小明", MING)],
        poverty("王小明", "G" + MING),
        linked("R4", "number_one_slip"),
    ),
    Case(
        "The number was corrected in the register, and the list follows the correction",
        [pupil("王小明", MING, 学籍号="G" + TWIN)],
        poverty("王小明", MING),
        R1,
    ),
)

NEVER = (
    Case(
        "The digits behind J look like a number, and are none",
        [pupil("王小明", "", 学籍号="J" + MING)],
        poverty("王小明", MING),
        not_in_register(),
    ),
    Case(
        "The digits behind L look like a number, and are none",
        [pupil("王小明", "", 学籍号="L" + MING)],
        poverty("王小明", MING),
        not_in_register(),
    ),
    Case(
        "A child with a J number is weighed by everything else",
        [pupil("王小明", "", 学籍号="J" + HONG, 出生日期="2015-03-04")],
        poverty("王小明", MING),
        review("R6", "register_has_no_number"),
    ),
    Case(
        "The digits behind the list's J never name another student",
        [pupil("王小明", MING)],
        poverty("王小明", "", 学籍号="J" + MING, 户类型="脱贫户"),
        rejected("nothing_to_match"),
    ),
    Case(
        "The digits behind the list's L contradict nothing",
        [pupil("王小明", MING)],
        poverty("王小明", MING, 学籍号="L" + HONG),
        R1,
    ),
    Case(
        "A J number typed into the list's id column is not one letter away from anybody's number",
        [pupil("王小明", MING)],
        poverty("王小明", "J" + MING),
        rejected("number_length"),
    ),
    Case(
        "An L number typed into the list's id column is not one letter away from anybody's number",
        [pupil("王小明", MING)],
        poverty("王小明", "l" + MING),
        rejected("number_length"),
    ),
    Case(
        "A J number in the register's id column is no number of hers",
        [pupil("王小明", "J" + MING)],
        poverty("王小明", MING),
        not_in_register(),
    ),
    Case(
        "The local auxiliary number is never read",
        [pupil("王小明", "", 学籍辅号="G" + MING)],
        poverty("王小明", MING),
        not_in_register(),
    ),
)

CASES = (*COPIES, *NEVER)

"""What happens to a number in a cell: everything that hides it is taken off, nothing that is lost is guessed."""

from __future__ import annotations

from datetime import date

from tests.services.matching.cases.form import (
    Case,
    civil,
    linked,
    not_in_register,
    out_of_age,
    poverty,
    pupil,
    rejected,
)
from tests.services.matching.cases.people import ENDS_IN_X, MING

ming = pupil("王小明", MING, 学校名称="望潮一小")
zhou = pupil("周小雨", ENDS_IN_X)
R1 = linked("R1", "number_and_name_agree")

DRESSED = (
    Case("Full-width digits", [ming], poverty("王小明", "４６９０８０２０１５０３０４０１１６"), R1),
    Case("A small x", [zhou], poverty("周小雨", "46908020150304001x"), R1),
    Case("A full-width small x", [zhou], poverty("周小雨", "46908020150304001ｘ"), R1),
    Case("An apostrophe before the number", [ming], poverty("王小明", "'" + MING), R1),
    Case("A full-width apostrophe before the number", [ming], poverty("王小明", "＇" + MING), R1),
    Case("A curly apostrophe before the number", [ming], poverty("王小明", "‘" + MING), R1),
    Case("Blanks between the groups", [ming], poverty("王小明", "469080 20150304 0116"), R1),
    Case("A blank behind the number", [ming], poverty("王小明", MING + " "), R1),
    Case("A blank that does not break, from a web page", [ming], poverty("王小明", "469080\u00a0201503040116"), R1),
    Case("An invisible mark from a chat tool", [ming], poverty("王小明", "\u200e469080201503040116\ufeff"), R1),
    Case("A tab before the number, so that it stays text", [ming], poverty("王小明", "\t" + MING), R1),
    Case("The number as a formula that gives text", [ming], poverty("王小明", f'="{MING}"'), R1),
    Case(
        "Full-width digits in the register",
        [pupil("王小明", "４６９０８０２０１５０３０４０１１６")],
        poverty("王小明", MING),
        R1,
    ),
    Case("A small x in the register", [pupil("周小雨", "46908020150304001x")], poverty("周小雨", ENDS_IN_X), R1),
    Case(
        "A passport column filled with an identity number is read as the number it is",
        [ming],
        poverty("王小明", MING, 证件类型="其他"),
        R1,
    ),
)

LOST = (
    Case("A numeric cell", [ming], poverty("王小明", 469080201503040116), rejected("number_numeric_cell")),
    Case(
        "A numeric cell as a program hands it over",
        [ming],
        poverty("王小明", 4.6908020150304e17),
        rejected("number_numeric_cell"),
    ),
    Case(
        "Zeros where a numeric cell lost the tail",
        [ming],
        poverty("王小明", "469080201503040000"),
        rejected("number_numeric_cell"),
    ),
    Case(
        "The text of a number with its .0",
        [ming],
        poverty("王小明", "469080201503040116.0"),
        rejected("number_numeric_cell"),
    ),
    Case("Scientific notation", [ming], poverty("王小明", "4.6908E+17"), rejected("number_scientific_notation")),
    Case(
        "Scientific notation with many digits",
        [ming],
        poverty("王小明", "4.69080201503040E+17"),
        rejected("number_scientific_notation"),
    ),
    Case(
        "Scientific notation with a small e and no plus",
        [ming],
        poverty("王小明", "4.69e17"),
        rejected("number_scientific_notation"),
    ),
    Case(
        "A lost tail is not guessed, though everything else agrees",
        [ming],
        poverty("王小明", "469080201503040000", 出生日期="2015-03-04", 性别="男", 就读学校="望潮一小"),
        rejected("number_numeric_cell"),
    ),
    Case(
        "A number in the register that lost its tail never names the child",
        [pupil("王小明", "469080201503040000")],
        poverty("王小明", MING),
        not_in_register(),
    ),
)

BROKEN = (
    Case("Five digits", [ming], poverty("王小明", "12345"), rejected("number_length")),
    Case("Words in the id column", [ming], poverty("王小明", "待补"), rejected("number_characters")),
    Case("A telephone number in the id column", [ming], poverty("王小明", "13900000000"), rejected("number_length")),
    Case("Letters among the digits", [ming], poverty("赵强", "46908020150304AB16"), rejected("number_characters")),
    Case(
        "A check digit that disagrees, and nobody near",
        [ming],
        poverty("赵强", "469080201203040111"),
        rejected("number_check_digit"),
    ),
    Case(
        "Two slips, and the name of nobody",
        [ming],
        poverty("赵强", "469080201512040117"),
        rejected("number_check_digit"),
    ),
    Case("A birth date that never was", [ming], poverty("赵强", "469080201502300115"), rejected("number_birth_date")),
    Case(
        "A slip in the number of a student of another name",
        [ming],
        poverty("赵强", "469080201503040117"),
        rejected("number_check_digit"),
    ),
    Case(
        "A passport, and nothing else but a name",
        [ming],
        poverty("赵强", "E12345678", 证件类型="护照"),
        rejected("number_other_document"),
    ),
    Case(
        "Neither name nor number",
        [ming],
        poverty("", "", 户类型="脱贫户", 家庭住址="望潮村", 户编号="h1"),
        rejected("row_empty"),
    ),
    Case(
        "A blank number and no name",
        [ming],
        poverty(" ", " ", 户类型="脱贫户", 家庭住址="望潮村", 户编号="h1"),
        rejected("row_empty"),
    ),
    Case(
        "A birth date and no name",
        [ming],
        poverty("", "", 出生日期="2015-03-04", 户类型="脱贫户", 户编号="h1"),
        rejected("row_empty"),
    ),
    Case("A broken number and no name", [ming], poverty("", "469080201503040117"), rejected("number_check_digit")),
)

FIFTEEN_DIGITS = (
    Case("The old number of a grandmother", [ming], civil("赵秀英", "469080500607028"), out_of_age()),
    Case(
        "The old number of somebody who was of age for aid in its days",
        [ming],
        civil("赵强", "469080900607028"),
        rejected("number_fifteen_digit"),
        as_of=date(2010, 9, 1),
    ),
    Case("Fifteen digits that hold no date", [ming], civil("赵强", "469080991332028"), rejected("number_length")),
)

CASES = (*DRESSED, *LOST, *BROKEN, *FIFTEEN_DIGITS)

"""Disability certificates: the first eighteen characters are the identity number, whichever column they stand in."""

from __future__ import annotations

from tests.services.matching.cases.form import Case, disability, linked, not_in_register, poverty, pupil, rejected
from tests.services.matching.cases.people import MING, UNKNOWN

ming = pupil("王小明", MING)
R1 = linked("R1", "number_and_name_agree")

IN_THE_ID_COLUMN = (
    Case("A certificate typed into the id column", [ming], disability("王小明", MING + "42"), R1),
    Case("A certificate of a re-issue typed into the id column", [ming], disability("王小明", MING + "42B1"), R1),
    Case("A certificate with a suffix of one character", [ming], disability("王小明", MING + "421"), R1),
    Case("A certificate with blanks as on the paper", [ming], disability("王小明", "469080 20150304 0116 42"), R1),
    Case("A certificate in the id column of the poverty office", [ming], poverty("王小明", MING + "42"), R1),
    Case(
        "A certificate of a child in no register",
        [ming],
        disability("赵强", UNKNOWN + "13"),
        not_in_register(),
    ),
    Case(
        "Twenty characters that are no number and two digits",
        [ming],
        disability("王小明", "残疾人证丢失正在补办请与村委会联系办理"),
        rejected("number_characters"),
    ),
)

IN_THEIR_OWN_COLUMN = (
    Case(
        "A sheet without an id column",
        [ming],
        disability("王小明", "", 残疾人证号=MING + "42"),
        R1,
    ),
    Case(
        "A bare identity number in the certificate column",
        [ming],
        disability("王小明", "", 残疾证号=MING),
        R1,
    ),
    Case(
        "The id column lost its digits, the certificate is whole",
        [ming],
        disability("王小明", 469080201503040116, 残疾人证号=MING + "42"),
        R1,
    ),
    Case(
        "The id column lost its digits, the certificate column holds the bare number",
        [ming],
        disability("王小明", 469080201503040116, 残疾人证号=MING),
        R1,
    ),
    Case(
        "The id column has a slip, the certificate is whole",
        [ming],
        disability("王小明", "469080201503040117", 残疾人证号=MING + "42"),
        R1,
    ),
    Case(
        "Card and certificate agree",
        [ming],
        disability("王小明", MING, 残疾人证号=MING + "42B1"),
        R1,
    ),
    Case(
        "The card is right, the certificate has a slip: a slip contradicts nobody",
        [ming],
        disability("王小明", MING, 残疾人证号="46908020150304011742"),
        R1,
    ),
    Case(
        "The certificate alone, with one slip",
        [ming],
        disability("王小明", "", 残疾人证号="46908020150304011742"),
        linked("R4", "number_one_slip"),
    ),
    Case(
        "The certificate lost its digits in a numeric cell",
        [ming],
        disability("王小明", "", 残疾人证号=46908020150304011642.0),
        rejected("number_numeric_cell"),
    ),
)

CASES = (*IN_THE_ID_COLUMN, *IN_THEIR_OWN_COLUMN)

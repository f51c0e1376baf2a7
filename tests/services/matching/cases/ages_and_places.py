"""Rows that link to nobody: who is too young or too old, who learns elsewhere, who is in no school we know."""

from __future__ import annotations

from datetime import date

from tests.services.matching.cases.form import (
    Case,
    civil,
    disability,
    elsewhere,
    linked,
    not_in_register,
    out_of_age,
    poverty,
    pupil,
    rejected,
    review,
)
from tests.services.matching.cases.people import FATHER, GRANDMOTHER, GROWN, MING, TODDLER, UNKNOWN

ming = pupil("王小明", MING, 学校名称="望潮一小")
FAR = "远方市外国语实验学校"

AGES = (
    Case("A grown man", [ming], poverty("赵强", FATHER), out_of_age()),
    Case("A grandmother on the federation's list", [ming], disability("赵秀英", GRANDMOTHER), out_of_age()),
    Case("A child of two", [ming], poverty("王宝宝", TODDLER), out_of_age()),
    Case(
        "The day before the third birthday", [ming], poverty("王宝宝", TODDLER), out_of_age(), as_of=date(2027, 1, 31)
    ),
    Case("The third birthday", [ming], poverty("王宝宝", TODDLER), not_in_register(), as_of=date(2027, 2, 1)),
    Case(
        "The day before the twenty-fifth birthday",
        [ming],
        poverty("王大宝", GROWN),
        not_in_register(),
        as_of=date(2029, 8, 8),
    ),
    Case("The twenty-fifth birthday", [ming], poverty("王大宝", GROWN), out_of_age(), as_of=date(2029, 8, 9)),
    Case("An adult without a number, by the birth date", [ming], civil("赵强", 出生日期="1980-01-01"), out_of_age()),
    Case(
        "An adult without a number, by a birth date of the month alone",
        [ming],
        civil("赵强", 出生日期="1980.1"),
        rejected("nothing_to_match"),
    ),
    Case("An adult of a school outside is still an adult", [ming], poverty("赵强", FATHER, 就读学校=FAR), out_of_age()),
    Case("An adult who has the name of a pupil", [ming], poverty("王小明", GRANDMOTHER), out_of_age()),
    Case(
        "The birth date beside a valid number counts for nothing: the number says how old he is",
        [ming],
        poverty("赵强", FATHER, 出生日期="2015-03-04"),
        out_of_age(),
    ),
    Case("A child born in a year to come", [ming], poverty("王宝宝", TODDLER), out_of_age(), as_of=date(2020, 9, 1)),
)

PLACES = (
    Case(
        "A school of ours as it is called is none outside the county",
        [pupil("王小明", MING, 学校名称="望潮县上桥镇初级中学")],
        poverty("赵强", UNKNOWN, 就读学校="上桥镇初中"),
        not_in_register(),
    ),
    Case(
        "A school's name without a place may be any county's",
        [ming],
        poverty("赵强", UNKNOWN, 就读学校="中心小学"),
        not_in_register(),
    ),
    Case("A child of a school outside the county", [ming], poverty("赵强", UNKNOWN, 就读学校=FAR), elsewhere()),
    Case(
        "A child without a number, of a school outside the county",
        [ming],
        poverty("赵强", 出生日期="2016-01-02", 就读学校=FAR),
        elsewhere(),
    ),
    Case(
        "A child of one of our schools who is not in the register",
        [ming],
        poverty("赵强", UNKNOWN, 就读学校="望潮一小"),
        not_in_register(),
    ),
    Case(
        "A school of ours with a slip in its name",
        [ming],
        poverty("赵强", UNKNOWN, 就读学校="望潮一小学"),
        not_in_register(),
    ),
    Case("No school", [ming], poverty("赵强", UNKNOWN, 就读学校="无"), not_in_register()),
    Case("A word for being in no school", [ming], poverty("赵强", UNKNOWN, 就读学校="未上学"), not_in_register()),
    Case(
        "A kindergarten nobody registered says nothing of the place",
        [ming],
        poverty("王宝宝", UNKNOWN, 就读学校="小太阳幼儿园"),
        not_in_register(),
    ),
    Case(
        "A row with a broken number and a school outside the county",
        [ming],
        poverty("赵强", "12345", 就读学校=FAR),
        rejected("number_length"),
    ),
    Case(
        "A namesake of that birthday at a school outside the county is shown to a person",
        [ming],
        poverty("王小明", 出生日期="2015-03-04", 就读学校=FAR),
        review("R6", "name_and_birth_date_agree"),
    ),
    Case("A child in no register, on the poverty list", [ming], poverty("赵强", UNKNOWN), not_in_register()),
    Case("A child in no register, on the federation's list", [ming], disability("赵强", UNKNOWN), not_in_register()),
    Case(
        "A child in no register, without a number",
        [ming],
        poverty("赵强", 出生日期="2016-01-02"),
        not_in_register("not_found_without_number"),
    ),
    Case(
        "A passport, with name and birth date of nobody here",
        [ming],
        poverty("赵强", "E12345678", 证件类型="护照", 出生日期="2016-01-02"),
        not_in_register("not_found_without_number"),
    ),
)

SHEETS = (
    Case(
        "The school is the one of the row above",
        [ming],
        poverty("赵强", UNKNOWN, 就读学校="同上"),
        elsewhere(),
        above=[poverty("钱多", MING, 就读学校=FAR)],
    ),
    Case(
        "A name is never the one of the row above",
        [ming],
        poverty("同上", MING),
        review("R3", "name_differs"),
        above=[poverty("王小明", MING)],
    ),
    Case("A birth date as the day of a spreadsheet", [ming], civil("赵强", 出生日期=29221), out_of_age()),
    Case("A birth date in Chinese numerals", [ming], civil("赵强", 出生日期="一九八〇年一月一日"), out_of_age()),
    Case("A birth date in eight digits", [ming], civil("赵强", 出生日期="19800101"), out_of_age()),
    Case("A birth date that cannot be read", [ming], civil("赵强", 出生日期="不详"), rejected("nothing_to_match")),
    Case(
        "The sex as the number 2",
        [pupil("王晓明", MING)],
        poverty("王小明", MING, 性别=2),
        review("R2", "row_contradicts_number"),
    ),
    Case(
        "The sex as a word with its ending",
        [pupil("王晓明", MING)],
        poverty("王小明", MING, 性别="男性"),
        linked("R2", "name_homophone"),
    ),
)

CASES = (*AGES, *PLACES, *SHEETS)

"""R4: the number is no valid one, but one slip or a mask away from one registered number; then all else must agree.

王小明 has 469080201503040116. Each row shows what became of it.
"""

from __future__ import annotations

from tests.services.matching.cases.form import Case, civil, linked, poverty, pupil, review
from tests.services.matching.cases.people import ELDER, ENDS_IN_X, FATHER, HONG, MING, TWIN_SISTER

ming = pupil("王小明", MING)
zhou = pupil("周小雨", ENDS_IN_X)
SLIP = linked("R4", "number_one_slip")
OTHERWISE = review("R4", "slip_and_birth_or_sex_differ")
NAME_TOO = review("R4", "slip_and_name_differ")

ONE_SLIP = (
    Case("A wrong digit in the division", [ming], poverty("王小明", "469180201503040116"), SLIP),
    Case("A wrong digit in the year of birth", [ming], poverty("王小明", "469080201603040116"), SLIP),
    Case("A wrong digit in the month", [ming], poverty("王小明", "469080201502040116"), SLIP),
    Case("A wrong digit in the day", [ming], poverty("王小明", "469080201503140116"), SLIP),
    Case("A month that does not exist", [ming], poverty("王小明", "469080201513040116"), SLIP),
    Case("A wrong digit in the sequence", [ming], poverty("王小明", "469080201503040216"), SLIP),
    Case("A wrong digit where the sex is", [ming], poverty("王小明", "469080201503040126"), SLIP),
    Case("A wrong check digit", [ming], poverty("王小明", "469080201503040117"), SLIP),
    Case("Two neighbours swapped in the month", [ming], poverty("王小明", "469080201530040116"), SLIP),
    Case("Two neighbours swapped at the end", [ming], poverty("王小明", "469080201503040161"), SLIP),
    Case("A digit is missing", [ming], poverty("王小明", "46908020150304016"), SLIP),
    Case("A digit of the day is missing", [ming], poverty("王小明", "46908020150340116"), SLIP),
    Case("A digit too many", [ming], poverty("王小明", "4690802015030401116"), SLIP),
    Case("The letter O for a zero", [ming], poverty("王小明", "4690802O1503040116"), SLIP),
    Case("The letter l for a one", [ming], poverty("王小明", "46908020l503040116"), SLIP),
    Case("A Cyrillic letter for the check digit X", [zhou], poverty("周小雨", "46908020150304001Х"), SLIP),
    Case("A multiplication sign for the check digit X", [zhou], poverty("周小雨", "46908020150304001×"), SLIP),
    Case("The check digit X left out", [zhou], poverty("周小雨", "46908020150304001"), SLIP),
    Case("The check digit could not be read", [ming], civil("王小明", "46908020150304011?"), SLIP),
    Case(
        "A slip where birth date and sex stand beside it, both the student's",
        [ming],
        poverty("王小明", "469080201603040116", 出生日期="2015-03-04", 性别="男"),
        SLIP,
    ),
    Case(
        "A slip, and the name in traditional characters",
        [pupil("张伟", MING)],
        poverty("張偉", "469080201503040117"),
        SLIP,
    ),
    Case(
        "A slip, and the middle dot of the name is lost",
        [pupil("买买提·艾力", MING)],
        poverty("买买提艾力", "469080201503040117"),
        SLIP,
    ),
    Case(
        "A slip in a certificate number typed into the id column",
        [ming],
        poverty("王小明", "46908020150304011742"),
        SLIP,
    ),
    Case(
        "A slip, while somebody else of the name is registered under a number far away",
        [pupil("王小明", HONG), ming],
        poverty("王小明", "469080201503040117"),
        linked("R4", "number_one_slip", 2),
    ),
)

SLIP_AND_MORE = (
    Case(
        "A slip, and the row states another birth date",
        [ming],
        poverty("王小明", "469080201503040117", 出生日期="2014-03-04"),
        OTHERWISE,
    ),
    Case(
        "A slip, and the row states another sex", [ming], poverty("王小明", "469080201503040117", 性别="女"), OTHERWISE
    ),
    Case(
        "A slip, and the name sounds alike", [pupil("王晓明", MING)], poverty("王小明", "469080201503040117"), NAME_TOO
    ),
    Case("A slip, and the name looks alike", [pupil("王未", MING)], poverty("王末", "469080201503040117"), NAME_TOO),
    Case("A slip, and a character of the name is hidden", [ming], poverty("王*明", "469080201503040117"), NAME_TOO),
    Case(
        "A slip, and another spelling of a Uygur name: that is linked with an equal number only",
        [pupil("买买提·艾力", MING)],
        poverty("麦麦提·艾力", "469080201503040117"),
        NAME_TOO,
    ),
    Case(
        "A slip, and a former name: that is linked with an equal number only",
        [pupil("王子涵", MING, 曾用名="王铁柱")],
        poverty("王铁柱", "469080201503040117"),
        NAME_TOO,
    ),
    Case(
        "A slip, and a name cut off: that is linked with an equal number only",
        [pupil("阿不都热依木·买买提", MING)],
        poverty("阿不都热依木", "469080201503040117"),
        NAME_TOO,
    ),
    Case(
        "A slip, and a single Tibetan name: that is linked with an equal number only",
        [pupil("扎西", MING)],
        poverty("扎西", "469080201503040117"),
        review("R4", "single_name"),
    ),
    Case(
        "A slip, and a single Tibetan name with the mark of the smaller of two",
        [pupil("小次仁", MING)],
        poverty("小次仁", "469080201503040117"),
        review("R4", "single_name"),
    ),
    Case(
        "A slip, and a Tibetan name of two words tells people apart",
        [pupil("扎西顿珠", MING)],
        poverty("扎西顿珠", "469080201503040117"),
        SLIP,
    ),
)

FITS_SEVERAL = (
    Case(
        "The mistyped number lies between twins of one surname, and name and birth date alone are too little",
        [ming, pupil("王小丽", TWIN_SISTER)],
        poverty("王小明", "469080201503040126"),
        review("R6", "name_and_birth_date_agree", 1),
    ),
    Case(
        "The mistyped number lies between two students who share nothing but the birthday",
        [ming, pupil("赵丽", TWIN_SISTER)],
        poverty("王小明", "469080201503040126"),
        review("R6", "name_and_birth_date_agree", 1),
    ),
    Case(
        "It lies between two students of one name",
        [ming, pupil("王小明", TWIN_SISTER)],
        poverty("王小明", "469080201503040126"),
        review("R4", "number_fits_several", 1, 2),
    ),
    Case(
        "It lies between two students, and the guardian speaks for the one of the row's name",
        [pupil("王小明", MING, 监护人姓名="王大"), pupil("赵丽", TWIN_SISTER, 监护人姓名="赵大")],
        poverty("王小明", "469080201503040126", 监护人姓名="王大"),
        linked("R6", "score_agrees"),
    ),
    Case(
        "A masked number fits two students of one name",
        [ming, pupil("王小明", "469000201503040114")],
        poverty("王小明", "4690**20150304011*"),
        review("R4", "number_fits_several", 1, 2),
    ),
)

MASKED = linked("R4", "number_masked")
MASKS = (
    Case(
        "The middle hidden as on a disclosure list, with birth date and sex beside it",
        [ming],
        civil("王小明", "4690**********0116", 出生日期="2015-03-04", 性别="男"),
        MASKED,
    ),
    Case(
        "The middle hidden, with the birth date alone: the sex can be read from the number",
        [ming],
        civil("王小明", "4690**********0116", 出生日期="2015年3月4日"),
        MASKED,
    ),
    Case("Four hidden digits of the division", [ming], civil("王小明", "46****201503040116"), MASKED),
    Case("Hidden by full-width stars", [ming], civil("王小明", "46＊＊＊＊201503040116"), MASKED),
    Case("Hidden by the letter x", [ming], civil("王小明", "46xxxx201503040116"), MASKED),
    Case("Hidden by multiplication signs", [ming], civil("王小明", "46××××201503040116"), MASKED),
    Case("Hidden by boxes", [ming], civil("王小明", "46□□□□201503040116"), MASKED),
    Case("Hidden by black squares", [ming], civil("王小明", "46■■■■201503040116"), MASKED),
    Case("Hidden by circles", [ming], civil("王小明", "46○○○○201503040116"), MASKED),
    Case("Hidden by bullets", [ming], civil("王小明", "46●●●●201503040116"), MASKED),
    Case("Hidden by question marks", [ming], civil("王小明", "46????201503040116"), MASKED),
    Case("Hidden by number signs", [ming], civil("王小明", "46####201503040116"), MASKED),
    Case("Hidden by low lines", [ming], civil("王小明", "46____201503040116"), MASKED),
    Case("Masked, and the number ends in X", [zhou], civil("周小雨", "46****20150304001X"), MASKED),
    Case(
        "Masked, and the row states another birth date",
        [ming],
        civil("王小明", "46****201503040116", 出生日期="2014-03-04"),
        OTHERWISE,
    ),
    Case("Masked, and the row states another sex", [ming], civil("王小明", "46****201503040116", 性别="女"), OTHERWISE),
    Case("Masked, and the name sounds alike", [pupil("王晓明", MING)], civil("王小明", "46****201503040116"), NAME_TOO),
    Case(
        "Masked, and a single Tibetan name",
        [pupil("卓玛", MING)],
        civil("卓玛", "46****201503040116"),
        review("R4", "single_name"),
    ),
    Case(
        "The birth date hidden and none beside it: the number is weighed with everything else",
        [ming],
        civil("王小明", "4690**********0116"),
        review("R6", "score_review"),
    ),
    Case(
        "A digit of the year hidden, and no birth date beside it: it cannot be confirmed",
        [ming],
        civil("王小明", "469080*01503040116"),
        review("R6", "score_review"),
    ),
    Case(
        "The sequence hidden: the number is weighed with the guardian's name",
        [pupil("王小明", MING, 监护人姓名="王大")],
        civil("王小明", "46908020150304****", 监护人姓名="王大"),
        linked("R6", "score_agrees"),
    ),
    Case(
        "The sequence hidden, and a twin of another given name whose number fits as well",
        [pupil("王小明", MING, 监护人姓名="王大"), pupil("王小丽", TWIN_SISTER, 监护人姓名="王大")],
        civil("王小明", "46908020150304****", 监护人姓名="王大"),
        linked("R6", "score_agrees"),
    ),
    Case(
        "The sequence hidden, a twin whose number fits as well, and a given name that is only half to be read",
        [pupil("王小明", MING, 监护人姓名="王大"), pupil("王小丽", TWIN_SISTER, 监护人姓名="王大")],
        civil("王小*", "46908020150304****", 监护人姓名="王大"),
        review("R4", "number_fits_several", 1, 2),
    ),
)

NEAR_SOMEBODY_ELSE = (
    Case(
        "A slip in the brother's number on the row of the child: the number points to one, the name to the other",
        [pupil("王小明", MING, 监护人姓名="王大"), pupil("王小刚", ELDER, 监护人姓名="王大")],
        poverty("王小明", "469080201209010152", 监护人姓名="王大"),
        review("R6", "several_candidates", 1, 2),
    ),
    Case(
        "A slip in the father's number on the row of the child",
        [pupil("王小明", MING, 监护人姓名="王大", 监护人身份证号=FATHER)],
        poverty("王小明", "469080198001010191", 监护人姓名="王大"),
        review("R6", "name_and_school_agree"),
    ),
)

CASES = (*ONE_SLIP, *SLIP_AND_MORE, *FITS_SEVERAL, *MASKS, *NEAR_SOMEBODY_ELSE)

"""R6: no usable number on one side. Name, birth date, sex, school, grade, guardian and place are weighed together.

A row is linked when everything agrees and nobody else comes near, and never on another form of the name.
"""

from __future__ import annotations

from tests.services.matching.cases.form import Case, civil, linked, not_in_register, poverty, pupil, rejected, review
from tests.services.matching.cases.people import FATHER, HONG, MING, TWIN, TWIN_SISTER

at_school = pupil(
    *("王小明", MING), 性别="男", 学校名称="望潮一小", 年级="三年级", 监护人姓名="王大", 监护人身份证号=FATHER
)
BIRTH = "2015-03-04"
AGREES = linked("R6", "score_agrees")

EVERYTHING_AGREES = (
    Case(
        "Name, birth date, sex and guardian agree",
        [at_school],
        poverty("王小明", 出生日期=BIRTH, 性别="男", 监护人姓名="王大"),
        AGREES,
    ),
    Case(
        "Name, birth date, school and grade agree",
        [at_school],
        poverty("王小明", 出生日期=BIRTH, 就读学校="望潮一小", 年级="三年级"),
        AGREES,
    ),
    Case(
        "Name and birth date agree, and the head of the household is the guardian",
        [at_school],
        civil("王小明", 出生日期=BIRTH, 户主姓名="王大"),
        AGREES,
    ),
    Case(
        "Name and birth date agree, and the guardian's number",
        [at_school],
        civil("王小明", 出生日期=BIRTH, 监护人身份证号=FATHER),
        AGREES,
    ),
    Case(
        "The name in traditional characters is the name",
        [pupil("张伟", MING, 监护人姓名="张强", 学校名称="望潮一小")],
        poverty("張偉", 出生日期=BIRTH, 监护人姓名="张强", 就读学校="望潮一小"),
        AGREES,
    ),
    Case(
        "A Uygur name written alike on both sides",
        [pupil("买买提·艾力", MING, 监护人姓名="艾力·吐尔逊", 学校名称="望潮一小")],
        poverty("买买提·艾力", 出生日期=BIRTH, 监护人姓名="艾力·吐尔逊", 就读学校="望潮一小"),
        AGREES,
    ),
    Case(
        "The number has two slips, and everything else agrees",
        [at_school],
        poverty("王小明", "469080201503041117", 出生日期=BIRTH, 监护人姓名="王大"),
        AGREES,
    ),
    Case(
        "A passport is no identity card, and everything else agrees",
        [at_school],
        poverty("王小明", "E12345678", 证件类型="护照", 出生日期=BIRTH, 监护人姓名="王大"),
        AGREES,
    ),
    Case(
        "A twin stands in the register, and the exact given name and the guardian tell whose row it is",
        [at_school, pupil("王美丽", TWIN_SISTER, 性别="女", 监护人姓名="王大", 监护人身份证号=FATHER)],
        poverty("王小明", 出生日期=BIRTH, 性别="男", 监护人姓名="王大"),
        AGREES,
    ),
    Case(
        "The register has no number for the child, and everything else agrees",
        [pupil("王小明", "", 出生日期=BIRTH, 学校名称="望潮一小", 监护人姓名="王大")],
        poverty("王小明", MING, 就读学校="望潮一小", 监护人姓名="王大"),
        AGREES,
    ),
)

ENOUGH_TO_ASK = (
    Case(
        "Name and birth date alone: others are born on that day",
        [at_school],
        poverty("王小明", 出生日期=BIRTH),
        review("R6", "name_and_birth_date_agree"),
    ),
    Case(
        "Name and birth date, the latter read from a number that is too broken to link",
        [at_school],
        poverty("王小明", "469080201503042227"),
        review("R6", "name_and_birth_date_agree"),
    ),
    Case(
        "Name and birth date in a sheet's own serial number of the day",
        [at_school],
        poverty("王小明", 出生日期=42067),
        review("R6", "name_and_birth_date_agree"),
    ),
    Case(
        "Name and guardian, and nothing of the birth",
        [at_school],
        civil("王小明", 监护人姓名="王大"),
        review("R6", "name_and_school_agree"),
    ),
    Case(
        "Name and school, and nothing of the birth",
        [at_school],
        poverty("王小明", 就读学校="望潮一小", 性别="男"),
        review("R6", "name_and_school_agree"),
    ),
    Case(
        "Only this student has the name, and the sex is hers",
        [at_school],
        poverty("王小明", 性别="男"),
        review("R6", "only_name_agrees"),
    ),
    Case(
        "The register has no number for the child of that name and birth date",
        [pupil("王小明", "", 出生日期=BIRTH)],
        poverty("王小明", MING),
        review("R6", "register_has_no_number"),
    ),
    Case(
        "The register has a number with lost digits for the child of that name and birth date",
        [pupil("王小明", 469080201503040116, 出生日期=BIRTH)],
        poverty("王小明", MING),
        review("R6", "register_has_no_number"),
    ),
    Case(
        "Guardian, school and birth date agree, and the name is quite another: a person asks",
        [at_school],
        poverty("王铁蛋", 出生日期=BIRTH, 性别="男", 就读学校="望潮一小", 年级="三年级", 监护人姓名="王大"),
        review("R6", "score_review"),
    ),
)

NEVER_ON_ANOTHER_NAME = (
    Case(
        "Everything agrees, and the name sounds alike",
        [at_school],
        poverty("王晓明", 出生日期=BIRTH, 性别="男", 就读学校="望潮一小", 监护人姓名="王大"),
        review("R6", "score_name_differs"),
    ),
    Case(
        "Everything agrees, and a character is hidden",
        [at_school],
        poverty("王*明", 出生日期=BIRTH, 性别="男", 就读学校="望潮一小", 监护人姓名="王大"),
        review("R6", "score_name_differs"),
    ),
    Case(
        "Everything agrees, and the name is another spelling",
        [pupil("买买提·艾力", MING, 学校名称="望潮一小", 监护人姓名="艾力·吐尔逊")],
        poverty("麦麦提·艾力", 出生日期=BIRTH, 就读学校="望潮一小", 监护人姓名="艾力·吐尔逊"),
        review("R6", "score_name_differs"),
    ),
    Case(
        "Everything agrees, and the name is the former one",
        [pupil("王子涵", MING, 曾用名="王铁柱", 学校名称="望潮一小", 监护人姓名="王大")],
        poverty("王铁柱", 出生日期=BIRTH, 就读学校="望潮一小", 监护人姓名="王大"),
        review("R6", "score_name_differs"),
    ),
    Case(
        "Everything agrees, and the name is cut off",
        [pupil("阿不都热依木·买买提", MING, 学校名称="望潮一小", 监护人姓名="买买提·玉素甫", 监护人身份证号=FATHER)],
        poverty("阿不都热依木", 出生日期=BIRTH, 就读学校="望潮一小", 监护人身份证号=FATHER),
        review("R6", "score_name_differs"),
    ),
    Case(
        "Everything agrees, and the name is a single Tibetan one, which half a class may bear",
        [pupil("扎西", MING, 学校名称="望潮一小", 年级="三年级", 监护人姓名="次仁顿珠")],
        poverty("扎西", 出生日期=BIRTH, 就读学校="望潮一小", 年级="三年级", 监护人姓名="次仁顿珠"),
        review("R6", "single_name"),
    ),
    Case(
        "Everything agrees, and the register has no number for a single Tibetan name",
        [pupil("达瓦", "", 出生日期=BIRTH, 学校名称="望潮一小", 监护人姓名="次仁顿珠")],
        poverty("达瓦", MING, 就读学校="望潮一小", 监护人姓名="次仁顿珠"),
        review("R6", "single_name"),
    ),
    Case(
        "Everything agrees with a Tibetan name of two words",
        [pupil("扎西顿珠", MING, 学校名称="望潮一小", 监护人姓名="次仁")],
        poverty("扎西顿珠", 出生日期=BIRTH, 就读学校="望潮一小", 监护人姓名="次仁"),
        AGREES,
    ),
)

WHO_SAYS_NOTHING = (
    Case(
        "The same hidden character on both sides may hide two children",
        [pupil("王*明", MING, 性别="男", 学校名称="望潮一小", 监护人姓名="王大")],
        poverty("王*明", 出生日期=BIRTH, 性别="男", 就读学校="望潮一小", 监护人姓名="王大"),
        review("R6", "score_name_differs"),
    ),
    Case(
        "The same character of private use on both sides may stand for two",
        [pupil("王小\ue5e5", MING, 性别="男", 学校名称="望潮一小", 监护人姓名="王大")],
        poverty("王小\ue5e5", 出生日期=BIRTH, 性别="男", 就读学校="望潮一小", 监护人姓名="王大"),
        review("R6", "score_name_differs"),
    ),
    Case(
        "Two guardians' numbers that a spreadsheet rounded agree on nothing",
        [pupil("王小明", MING, 监护人身份证号="4.6908E+17")],
        poverty("王小明", 出生日期=BIRTH, 监护人身份证号="4.6908E+17"),
        review("R6", "name_and_birth_date_agree"),
    ),
    Case(
        "Two guardians' numbers in numeric cells agree on nothing",
        [pupil("王小明", MING, 监护人身份证号=4.6908019800101e17)],
        poverty("王小明", 出生日期=BIRTH, 监护人身份证号=4.6908019800101e17),
        review("R6", "name_and_birth_date_agree"),
    ),
    Case(
        "Two masked guardians' numbers agree on little",
        [pupil("王小明", MING, 监护人身份证号="4690**********0190")],
        poverty("王小明", 出生日期=BIRTH, 监护人身份证号="4690**********0190"),
        review("R6", "name_and_birth_date_agree"),
    ),
    Case(
        "A word for having no guardian is nobody's name",
        [pupil("王小明", MING, 监护人姓名="无")],
        poverty("王小明", 出生日期=BIRTH, 监护人姓名="无"),
        review("R6", "name_and_birth_date_agree"),
    ),
    Case(
        "A guardian whose given name is hidden on both sides is not known",
        [pupil("王小明", MING, 监护人姓名="王*")],
        poverty("王小明", 出生日期=BIRTH, 监护人姓名="王*"),
        review("R6", "name_and_birth_date_agree"),
    ),
)

SOMEBODY_ELSE_NEAR = (
    Case(
        "Two namesakes of one birthday, and only the school speaks for one",
        [at_school, pupil("王小明", TWIN, 性别="男", 学校名称="南山小学", 监护人姓名="王强")],
        poverty("王小明", 出生日期=BIRTH, 性别="男"),
        review("R6", "several_candidates", 1, 2),
    ),
    Case(
        "Two namesakes of one birthday in one school: the runner-up is too close",
        [
            pupil("王小明", MING, 性别="男", 学校名称="望潮一小", 年级="三年级"),
            pupil("王小明", TWIN, 性别="男", 学校名称="望潮一小", 年级="三年级"),
        ],
        poverty("王小明", 出生日期=BIRTH, 性别="男", 就读学校="望潮一小", 年级="三年级"),
        review("R6", "score_runner_up", 1, 2),
    ),
    Case(
        "The name sounds like that of one twin, and the other twin stands beside her",
        [
            pupil("王小明", MING, 性别="男", 学校名称="望潮一小", 监护人姓名="王大"),
            pupil("王志强", TWIN, 性别="男", 学校名称="望潮一小", 监护人姓名="王大"),
        ],
        poverty("王晓明", 出生日期=BIRTH, 性别="男", 就读学校="望潮一小", 监护人姓名="王大"),
        review("R6", "score_twin", 1, 2),
    ),
    Case(
        "The character in which twins differ cannot be read",
        [
            pupil("王小明", MING, 性别="男", 监护人姓名="王大"),
            pupil("王小亮", TWIN, 性别="男", 监护人姓名="王大"),
        ],
        poverty("王小*", 出生日期=BIRTH, 性别="男", 监护人姓名="王大"),
        review("R6", "score_runner_up", 1, 2),
    ),
)

AGAINST_IT = (
    Case(
        "All agrees but the birth date has a slip",
        [at_school],
        poverty("王小明", 出生日期="2015-03-14", 性别="男", 就读学校="望潮一小", 年级="三年级", 监护人姓名="王大"),
        review("R6", "score_birth_or_sex_differ"),
    ),
    Case(
        "All agrees but the sex",
        [at_school],
        poverty("王小明", 出生日期=BIRTH, 性别="女", 就读学校="望潮一小", 年级="三年级", 监护人姓名="王大"),
        review("R6", "score_birth_or_sex_differ"),
    ),
    Case(
        "A namesake born in another year",
        [at_school],
        poverty("王小明", 出生日期="2010-11-21"),
        not_in_register("not_found_without_number"),
    ),
    Case(
        "A namesake of that birthday in another family and another school is shown to a person",
        [at_school],
        poverty("王小明", 出生日期=BIRTH, 监护人姓名="赵强"),
        review("R6", "name_and_birth_date_agree"),
    ),
    Case(
        "The name alone, and two students have it",
        [at_school, pupil("王小明", HONG)],
        poverty("王小明", 户类型="脱贫户"),
        rejected("nothing_to_match"),
    ),
    Case("The name alone", [at_school], poverty("王小明", 户类型="脱贫户"), rejected("nothing_to_match")),
    Case(
        "The only student of the name is of the other sex",
        [at_school],
        poverty("王小明", 性别="女"),
        rejected("nothing_to_match"),
    ),
)

CASES = (
    *(*EVERYTHING_AGREES, *ENOUGH_TO_ASK, *NEVER_ON_ANOTHER_NAME, *WHO_SAYS_NOTHING, *SOMEBODY_ELSE_NEAR),
    *AGAINST_IT,
)

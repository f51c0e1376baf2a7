"""R3: the valid number is a student's and the name is not hers. One of the two is wrong; a person must say which."""

from __future__ import annotations

from tests.services.matching.cases.form import Case, Expected, civil, disability, out_of_age, poverty, pupil, review
from tests.services.matching.cases.people import ELDER, FATHER, GRANDMOTHER, HONG, MING, MOTHER, TWIN

ming = pupil("王小明", MING)
ming_of_wang_da = pupil("王小明", MING, 监护人姓名="王大", 监护人身份证号=FATHER)
DIFFERS: Expected = review("R3", "name_differs")
GUARDIAN: Expected = review("R3", "guardian_number")

DIFFERENT = (
    Case("Quite another name", [ming], poverty("赵强", MING), DIFFERS),
    Case("Another given name", [ming], poverty("王志强", MING), DIFFERS),
    Case("Another surname: the child follows the mother now", [ming], civil("李小明", MING), DIFFERS),
    Case("A child renamed of whom no former name is recorded", [ming], poverty("王子涵", MING), DIFFERS),
    Case(
        "A former name that is another than the one recorded",
        [pupil("王子涵", MING, 曾用名="王铁柱")],
        poverty("王狗剩", MING),
        DIFFERS,
    ),
    Case(
        "A former name with a slip in it is not the former name",
        [pupil("王子涵", MING, 曾用名="王晓明")],
        poverty("王小明", MING),
        DIFFERS,
    ),
    Case("Two characters sound alike: one slip is believed, two are not", [ming], poverty("王晓铭", MING), DIFFERS),
    Case("One character sounds alike, another looks alike", [pupil("王晓晴", MING)], poverty("王小睛", MING), DIFFERS),
    Case("The characters are turned around", [pupil("王明小", MING)], poverty("王小明", MING), DIFFERS),
    Case(
        "One star for a given name of two characters: how many are hidden is not known",
        [ming],
        poverty("王*", MING),
        DIFFERS,
    ),
    Case("Only the surname", [ming], poverty("王", MING), DIFFERS),
    Case("The nickname of the village", [ming], poverty("大宝", MING), DIFFERS),
    Case(
        "Another Uygur name of as many characters",
        [pupil("买买提·艾力", MING)],
        poverty("吐尔逊·玉素甫", MING),
        DIFFERS,
    ),
    Case("The father's part is another", [pupil("买买提·艾力", MING)], poverty("买买提·吐尔逊", MING), DIFFERS),
    Case("Another single Tibetan name", [pupil("扎西", MING)], poverty("达瓦", MING), DIFFERS),
    Case("The mother's name on a row with the child's number", [ming], disability("李梅", MING), DIFFERS),
    Case(
        "The row's birth date is the number's, the name is another",
        [ming],
        poverty("赵强", MING, 出生日期="20150304"),
        DIFFERS,
    ),
)

SAYS_NOTHING = (
    Case("The row has a number and no name", [ming], poverty("", MING, 户类型="脱贫户"), review("R3", "name_missing")),
    Case(
        "Nothing but blanks where the name should be",
        [ming],
        poverty("  ", MING, 户类型="脱贫户"),
        review("R3", "name_missing"),
    ),
    Case("Every character of the name is hidden", [ming], poverty("***", MING), review("R3", "name_missing")),
)

GUARDIANS_NUMBER = (
    Case("The father's number on the child's row", [ming_of_wang_da], poverty("王小明", FATHER), GUARDIAN),
    Case("The father's number, and a slip in the child's name", [ming_of_wang_da], poverty("王晓明", FATHER), GUARDIAN),
    Case(
        "The grandmother's number on the child's row",
        [pupil("王小明", MING, 监护人姓名="赵秀英", 监护人身份证号=GRANDMOTHER)],
        civil("王小明", GRANDMOTHER),
        GUARDIAN,
    ),
    Case(
        "The guardian's number in the register typed with full-width digits and a small x",
        [pupil("王小明", MING, 监护人姓名="王大", 监护人身份证号="４６９０８０１９８００１０１０１９０")],
        poverty("王小明", FATHER),
        GUARDIAN,
    ),
    Case(
        "The mother's number on the rows of two children: each row is about its own",
        [
            pupil("王小明", MING, 监护人姓名="李梅", 监护人身份证号=MOTHER),
            pupil("王小刚", ELDER, 监护人姓名="李梅", 监护人身份证号=MOTHER),
        ],
        poverty("王小刚", MOTHER),
        review("R3", "guardian_number", 2),
        above=[poverty("王小明", MOTHER)],
    ),
    Case(
        "The father is listed himself under his number: no child's row",
        [ming_of_wang_da],
        poverty("王大", FATHER),
        out_of_age(),
    ),
    Case(
        "Father and son have one name, and the father is listed under his number",
        [pupil("王小明", MING, 监护人姓名="王小明", 监护人身份证号=FATHER)],
        poverty("王小明", FATHER),
        out_of_age(),
    ),
)

BROTHERS_AND_SISTERS = (
    Case(
        "The brother's number, and the name of his sister at school",
        [pupil("王小明", MING, 监护人姓名="王大"), pupil("王美丽", HONG, 监护人姓名="王大")],
        poverty("王美丽", MING),
        review("R3", "number_of_another", 1, 2),
    ),
    Case(
        "The twin's number, and the name of the other twin",
        [pupil("王小明", MING), pupil("王志强", TWIN)],
        poverty("王志强", MING),
        review("R3", "number_of_another", 1, 2),
    ),
    Case(
        "A classmate's number: name and school are another student's",
        [pupil("王小明", MING, 学校名称="望潮一小"), pupil("赵强", HONG, 学校名称="南山小学")],
        poverty("赵强", MING, 就读学校="南山小学"),
        review("R3", "number_of_another", 1, 2),
    ),
    Case(
        "A namesake far away is not brought into it",
        [pupil("王小明", MING, 学校名称="望潮一小"), pupil("赵强", HONG, 学校名称="南山小学")],
        poverty("赵强", MING),
        DIFFERS,
    ),
)

CASES = (*DIFFERENT, *SAYS_NOTHING, *GUARDIANS_NUMBER, *BROTHERS_AND_SISTERS)

"""R1: a valid identity number and the name are equal. That is the child, whatever else the row says of her."""

from __future__ import annotations

from datetime import date

from tests.services.matching.cases.form import Case, Expected, civil, disability, linked, poverty, pupil
from tests.services.matching.cases.people import ELDER, GROWN, HONG, MING, TWIN, TWIN_SISTER

AGREE = "number_and_name_agree"
ming = pupil("王小明", MING)
LINKED: Expected = linked("R1", AGREE)

ON_EVERY_LIST = (
    Case("The poverty office lists a child with number and name", [ming], poverty("王小明", MING), LINKED),
    Case("Civil affairs lists a child with number and name", [ming], civil("王小明", MING), LINKED),
    Case("The federation lists a child with number and name", [ming], disability("王小明", MING), LINKED),
    Case(
        "A child on two lists is linked on each",
        [ming],
        poverty("王小明", MING),
        LINKED,
        above=[civil("王小明", MING), disability("王小明", MING)],
    ),
    Case(
        "A child who is listed twice by one office is linked twice",
        [ming],
        poverty("王小明", MING),
        LINKED,
        above=[poverty("王小明", MING)],
    ),
    Case(
        "Of many students it is the one with the number",
        [pupil("李小红", HONG), pupil("王小刚", ELDER), ming],
        poverty("王小明", MING),
        linked("R1", AGREE, 3),
    ),
    Case(
        "Of two students of one name it is the one with the number",
        [pupil("王小明", ELDER), ming],
        poverty("王小明", MING),
        linked("R1", AGREE, 2),
    ),
    Case(
        "A twin is linked to herself and not to her brother",
        [ming, pupil("王小丽", TWIN_SISTER)],
        poverty("王小丽", TWIN_SISTER),
        linked("R1", AGREE, 2),
    ),
    Case(
        "A twin brother one sequence further is linked to himself",
        [ming, pupil("王小亮", TWIN)],
        poverty("王小亮", TWIN),
        linked("R1", AGREE, 2),
    ),
)

WHATEVER_ELSE = (
    Case(
        "A wrong birth date beside an equal number and name changes nothing: the number contains the date",
        [ming],
        poverty("王小明", MING, 出生日期="2015-04-03"),
        LINKED,
    ),
    Case(
        "A wrong sex beside an equal number and name changes nothing: the number contains the sex",
        [ming],
        poverty("王小明", MING, 性别="女"),
        LINKED,
    ),
    Case(
        "The school of last year changes nothing",
        [pupil("王小明", MING, 学校名称="望潮一小")],
        poverty("王小明", MING, 就读学校="望潮镇第二小学"),
        LINKED,
    ),
    Case(
        "A student of ours is linked even where the list names a school outside the county",
        [pupil("王小明", MING, 学校名称="望潮一小")],
        poverty("王小明", MING, 就读学校="远方市外国语实验学校"),
        LINKED,
    ),
    Case(
        "Another guardian changes nothing",
        [pupil("王小明", MING, 监护人姓名="王大")],
        poverty("王小明", MING, 监护人姓名="李梅"),
        LINKED,
    ),
    Case(
        "A student is linked at an age at which nobody is aided any more",
        [pupil("王大宝", GROWN)],
        poverty("王大宝", GROWN),
        LINKED,
        as_of=date(2034, 9, 1),
    ),
    Case(
        "An entry that ran out is linked; whether it is in force is a question of the category",
        [ming],
        disability("王小明", MING, 有效期至="2020-01-01"),
        LINKED,
    ),
    Case(
        "An office that gives the child's number to another name does not take the child from the row that is right",
        [ming],
        poverty("王小明", MING),
        LINKED,
        above=[civil("赵强", MING)],
    ),
)

WRITTEN_ALIKE = (
    Case("A blank inside the name is no part of it", [ming], poverty("王 小明", MING), LINKED),
    Case("Full-width blanks that stretch a name are no part of it", [ming], poverty("王　小　明", MING), LINKED),
    Case(
        "An invisible mark from a chat tool is no part of the name", [ming], poverty("王小\u200b明\ufeff", MING), LINKED
    ),
    Case("A line break in the cell is no part of the name", [ming], poverty("王小明\n", MING), LINKED),
    Case("A blank in the register's name is none either", [pupil("王  小明", MING)], poverty("王小明", MING), LINKED),
    Case("Full-width Latin letters are letters", [pupil("ANNA", HONG)], poverty("Ａｎｎａ", HONG), LINKED),
    Case("Small and capital letters are one", [pupil("Anna", HONG)], poverty("anna", HONG), LINKED),
    Case(
        "A character of the compatibility block is the common one",
        [pupil("林小红", HONG)],
        poverty("\uf9f4小红", HONG),
        LINKED,
    ),
)

DOTS = "·•‧∙⋅・･．.｡。●․﹒˙᛫⸱⸳ㆍ⦁◦ꞏᐧ"
EVERY_DOT = tuple(
    Case(
        f"The middle dot U+{ord(dot):04X} is the register's middle dot",
        [pupil("买买提·艾力", MING)],
        poverty(f"买买提{dot}艾力", MING),
        LINKED,
    )
    for dot in DOTS
)

CASES = (*ON_EVERY_LIST, *WHATEVER_ELSE, *WRITTEN_ALIKE, *EVERY_DOT)

"""What turns a link into a review though the number is equal: traces of a number written into another's row."""

from __future__ import annotations

from services.matching.outcome import State
from tests.services.matching.cases.form import Case, Expected, civil, disability, linked, poverty, pupil, review
from tests.services.matching.cases.people import ELDER, FATHER, GIRL, HONG, MING, TWIN, UNKNOWN

wang_xiaoming = pupil("王晓明", MING)

TWO_STUDENTS = (
    Case(
        "Two students claim the number, and one of them has the name",
        [pupil("王小明", MING), pupil("李小红", MING)],
        poverty("王小明", MING),
        review("R1", "number_shared", 1, 2),
    ),
    Case(
        "Two students claim the number, and neither has the name",
        [pupil("王小明", MING), pupil("李小红", MING)],
        poverty("赵强", MING),
        review("R1", "number_shared", 1, 2),
    ),
    Case(
        "One child entered in two schools claims the number twice",
        [pupil("王小明", MING, 学校名称="望潮一小"), pupil("王小明", MING, 学校名称="南山小学")],
        poverty("王小明", MING, 就读学校="南山小学"),
        review("R1", "number_shared", 1, 2),
    ),
    Case(
        "Three students claim the number",
        [pupil("王小明", MING), pupil("李小红", MING), pupil("赵强", MING)],
        civil("赵强", MING),
        review("R1", "number_shared", 1, 2, 3),
    ),
    Case(
        "One student has the number, the other has it in her student number",
        [pupil("王小明", MING), pupil("李小红", "", 学籍号="G" + MING)],
        poverty("王小明", MING),
        review("R1", "number_shared", 1, 2),
    ),
    Case(
        "Who has left does not claim the number beside who is here",
        [pupil("王小明", MING), pupil("王小明", MING)],
        poverty("王小明", MING),
        linked("R1", "number_and_name_agree", 2),
        gone=[1],
    ),
    Case(
        "When all who had the number have left, they still are two",
        [pupil("王小明", MING), pupil("李小红", MING)],
        poverty("王小明", MING),
        review("R1", "number_shared", 1, 2),
        gone=[1, 2],
    ),
    Case(
        "A student who has left is found when nobody else has the number",
        [pupil("王小明", MING), pupil("李小红", HONG)],
        poverty("王小明", MING),
        linked("R1", "number_and_name_agree"),
        gone=[1],
    ),
)

SEVERAL_NAMES = (
    Case(
        "One office lists the number under two names, and neither is the register's",
        [wang_xiaoming],
        poverty("王小明", MING),
        review("R2", "number_several_names"),
        above=[poverty("王肖明", MING)],
    ),
    Case(
        "One office lists the number under the right name and under one that sounds alike: perhaps a twin",
        [wang_xiaoming],
        poverty("王小明", MING),
        review("R2", "number_several_names"),
        above=[poverty("王晓明", MING)],
    ),
    Case(
        "Another office gives the number to somebody else",
        [wang_xiaoming],
        poverty("王小明", MING),
        review("R2", "number_several_names"),
        above=[civil("赵强", MING)],
    ),
    Case(
        "A third office gives the number to somebody else",
        [wang_xiaoming],
        poverty("王小明", MING),
        review("R2", "number_several_names"),
        above=[civil("王晓明", MING), disability("赵强", MING)],
    ),
    Case(
        "The same name twice is one name",
        [wang_xiaoming],
        poverty("王小明", MING),
        linked("R2", "name_homophone"),
        above=[poverty("王小明", MING)],
    ),
    Case(
        "One name in traditional and in simplified characters is one name",
        [pupil("张伟", MING)],
        poverty("張偉", MING),
        linked("R2", "name_variant"),
        above=[poverty("张伟", MING)],
    ),
    Case(
        "One name with and without its middle dot is one name",
        [pupil("买买提·艾力", MING)],
        poverty("买买提艾力", MING),
        linked("R2", "name_middle_dot"),
        above=[poverty("买买提·艾力", MING)],
    ),
    Case(
        "A row without a name names nobody",
        [wang_xiaoming],
        poverty("王小明", MING),
        linked("R2", "name_homophone"),
        above=[civil("", MING, 城乡类别="农村")],
    ),
)

FITS_ANOTHER = (
    Case(
        "The name is the other twin's, who sounds alike",
        [wang_xiaoming, pupil("王小明", TWIN)],
        poverty("王小明", MING),
        review("R2", "name_fits_another", 1, 2),
    ),
    Case(
        "The name is the elder brother's, who looks alike on paper",
        [pupil("王未", MING, 监护人姓名="王大"), pupil("王末", ELDER, 监护人姓名="王大")],
        poverty("王末", MING),
        review("R2", "name_fits_another", 1, 2),
    ),
    Case(
        "The hidden character leaves two brothers, and the number may have been copied from the other's row",
        [pupil("王小明", MING, 监护人姓名="王大"), pupil("王小刚", ELDER, 监护人姓名="王大")],
        poverty("王小*", MING, 监护人姓名="王大"),
        review("R2", "name_fits_another", 1, 2),
    ),
    Case(
        "The hidden character leaves two twins",
        [pupil("王小明", MING), pupil("王小亮", TWIN)],
        poverty("王小*", MING),
        review("R2", "name_fits_another", 1, 2),
    ),
    Case(
        "The hidden character leaves a brother whose name it cannot be",
        [pupil("王小明", MING, 监护人姓名="王大"), pupil("王大刚", ELDER, 监护人姓名="王大")],
        poverty("王小*", MING),
        linked("R2", "name_wildcard"),
    ),
    Case(
        "Name and school are another student's, the number belongs to one who sounds alike elsewhere",
        [pupil("王晓明", MING, 学校名称="望潮一小"), pupil("王小明", GIRL, 学校名称="南山小学")],
        poverty("王小明", MING, 就读学校="南山小学"),
        review("R2", "name_fits_another", 1, 2),
    ),
)

AGAINST_ITSELF = (
    Case(
        "The name differs a little and the row states another birth date than its number",
        [wang_xiaoming],
        poverty("王小明", MING, 出生日期="2013-07-08"),
        review("R2", "row_contradicts_number"),
    ),
    Case(
        "The name differs a little and the row states another sex than its number",
        [wang_xiaoming],
        poverty("王小明", MING, 性别="女"),
        review("R2", "row_contradicts_number"),
    ),
    Case(
        "A former name, and the row states another sex than its number",
        [pupil("王子涵", MING, 曾用名="王铁柱")],
        poverty("王铁柱", MING, 性别="女"),
        review("R2", "row_contradicts_number"),
    ),
    Case(
        "The certificate on the row is another person's",
        [pupil("王小明", MING)],
        disability("王小明", MING, 残疾人证号=HONG + "42"),
        review("R3", "number_contradicted"),
    ),
    Case(
        "A certificate column that holds another person's bare number",
        [pupil("王小明", MING)],
        disability("王小明", MING, 残疾人证号=HONG),
        review("R3", "number_contradicted"),
    ),
    Case(
        "The student number on the row is another person's",
        [pupil("王小明", MING)],
        poverty("王小明", MING, 学籍号="G" + HONG),
        review("R3", "number_contradicted"),
    ),
    Case(
        "The number is nobody's here, the certificate another's, and a student has the name",
        [pupil("王小明", MING)],
        disability("王小明", UNKNOWN, 残疾人证号=MING + "42"),
        review("R3", "number_contradicted"),
    ),
    Case(
        "Card and certificate name two people, and neither is a student: who is meant is not known",
        [pupil("王小明", MING)],
        disability("赵国强", FATHER, 残疾人证号="46908019791111101742"),
        Expected(State.REVIEW, "R3", "number_contradicted"),
    ),
)

CASES = (*TWO_STUDENTS, *SEVERAL_NAMES, *FITS_ANOTHER, *AGAINST_ITSELF)

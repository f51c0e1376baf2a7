"""R7: civil affairs lists a head who stands for his household (整户保). The row is about him; its students are named,
once the register proves the household: their own records name the head as guardian, by number and by name."""

from __future__ import annotations

from services.matching.outcome import State
from tests.services.matching.cases.form import (
    Case,
    Expected,
    civil,
    disability,
    head,
    household,
    linked,
    not_in_register,
    out_of_age,
    poverty,
    pupil,
    rejected,
    review,
)
from tests.services.matching.cases.people import ELDER, FATHER, GRANDMOTHER, GROWN, HONG, MING, MOTHER

ming = pupil("王小明", MING, 监护人姓名="王大", 监护人身份证号=FATHER)
hong = pupil("李小红", HONG, 监护人姓名="李梅", 监护人身份证号=MOTHER)
AGE: Expected = out_of_age()

PROVEN = (
    Case(
        "The head alone is listed, for the whole household",
        [ming],
        head("王大", FATHER, 施保方式="整户保"),
        household(1),
    ),
    Case(
        "The head in the columns of the person who is covered",
        [ming],
        civil("王大", FATHER, 与户主关系="户主", 施保方式="整户保"),
        household(1),
    ),
    Case(
        "The head listed as himself",
        [ming],
        civil("王大", FATHER, 户主姓名="王大", 户主身份证号=FATHER, 施保方式="整户保"),
        household(1),
    ),
    Case(
        "The head is known by his number beside the household's",
        [ming],
        civil("王大", FATHER, 户主身份证号=FATHER, 施保方式="整户保"),
        household(1),
    ),
    Case("A sheet that does not say who is covered covers the household", [ming], head("王大", FATHER), household(1)),
    Case(
        "A household of extreme hardship",
        [ming],
        head("王大", FATHER, 救助类型="特困", 施保方式="整户保"),
        household(1),
    ),
    Case(
        "All children of the guardian are named, and no other's",
        [ming, hong, pupil("王小刚", ELDER, 监护人姓名="王大", 监护人身份证号=FATHER)],
        head("王大", FATHER, 施保方式="整户保"),
        household(1, 3),
    ),
    Case(
        "The grandmother who brings up the child is the head",
        [pupil("王小明", MING, 监护人姓名="赵秀英", 监护人身份证号=GRANDMOTHER)],
        head("赵秀英", GRANDMOTHER, 施保方式="整户保"),
        household(1),
    ),
    Case(
        "The guardian's number with a small x and an apostrophe is the head's number",
        [pupil("李小红", HONG, 监护人姓名="王大宝", 监护人身份证号="'46908020040809017x")],
        head("王大宝", GROWN, 施保方式="整户保"),
        Expected(State.NOT_IN_REGISTER, "R7", "household_link_proven", (1,)),
    ),
    Case(
        "The head's name in traditional characters is his name",
        [pupil("张小明", MING, 监护人姓名="张伟", 监护人身份证号=FATHER)],
        head("張偉", FATHER, 施保方式="整户保"),
        household(1),
    ),
    Case(
        "The register hides a character of the guardian's name",
        [pupil("王小明", MING, 监护人姓名="王*", 监护人身份证号=FATHER)],
        head("王大", FATHER, 施保方式="整户保"),
        household(1),
    ),
    Case(
        "A brother of twenty-two who studies far away is of age for aid himself",
        [pupil("王小明", MING, 学校名称="望潮一小", 监护人姓名="王大宝", 监护人身份证号=GROWN)],
        civil("王大宝", GROWN, 与户主关系="户主", 施保方式="整户保", 就读学校="远方大学"),
        Expected(State.REGISTERED_ELSEWHERE, "R7", "household_link_proven", (1,)),
    ),
    Case(
        "A brother of twenty-two who brings up the younger ones is of age for aid himself, but in no school here",
        [pupil("王小明", MING, 监护人姓名="王大宝", 监护人身份证号=GROWN)],
        head("王大宝", GROWN, 施保方式="整户保"),
        Expected(State.NOT_IN_REGISTER, "R7", "household_link_proven", (1,)),
    ),
)

NOT_PROVEN = (
    Case(
        "The guardian of that number has another name in the register",
        [pupil("王小明", MING, 监护人姓名="赵强", 监护人身份证号=FATHER)],
        head("王大", FATHER, 施保方式="整户保"),
        review("R7", "household_link_unproven", 1),
    ),
    Case(
        "The register has the guardian's number without a name",
        [pupil("王小明", MING, 监护人姓名="", 监护人身份证号=FATHER)],
        head("王大", FATHER, 施保方式="整户保"),
        review("R7", "household_link_unproven", 1),
    ),
    Case(
        "One child proves the household, the other names the guardian otherwise: a person looks at both",
        [ming, pupil("李小红", HONG, 监护人姓名="赵强", 监护人身份证号=FATHER)],
        head("王大", FATHER, 施保方式="整户保"),
        review("R7", "household_link_unproven", 1, 2),
    ),
    Case(
        "The guardian has the head's name and no number: nothing is proven, and the row is about an adult",
        [pupil("王小明", MING, 监护人姓名="王大")],
        head("王大", FATHER, 施保方式="整户保"),
        AGE,
    ),
    Case(
        "The guardian has the head's name and another number",
        [pupil("王小明", MING, 监护人姓名="王大", 监护人身份证号=GRANDMOTHER)],
        head("王大", FATHER, 施保方式="整户保"),
        AGE,
    ),
    Case(
        "The guardian's number in the register has a slip",
        [pupil("王小明", MING, 监护人姓名="王大", 监护人身份证号="469080198001010191")],
        head("王大", FATHER, 施保方式="整户保"),
        AGE,
    ),
)

STANDS_FOR_NOBODY_ELSE = (
    Case("The head is covered alone", [ming], head("王大", FATHER, 施保方式="单人保"), AGE),
    Case("A member who is no head", [ming], civil("王大", FATHER, 与户主关系="配偶", 施保方式="整户保"), AGE),
    Case("A guardian on the federation's list", [ming], disability("王大", FATHER), AGE),
    Case("A guardian on the poverty list", [ming], poverty("王大", FATHER, 与户主关系="户主"), AGE),
    Case("A head whose children are in no school here", [hong], head("王大", FATHER, 施保方式="整户保"), AGE),
    Case(
        "A head whose household's members are listed one by one",
        [ming],
        civil("王大", FATHER, 低保证号="d1", 与户主关系="户主", 施保方式="整户保"),
        AGE,
        above=[civil("王小明", MING, 低保证号="d1", 与户主关系="之子", 施保方式="整户保")],
    ),
    Case(
        "The household of another number is another household",
        [ming],
        civil("王大", FATHER, 低保证号="d1", 与户主关系="户主", 施保方式="整户保"),
        household(1),
        above=[civil("李小红", HONG, 低保证号="d2", 与户主关系="之女", 施保方式="整户保")],
    ),
    Case(
        "A number of the poverty office's households is none of the civil affairs' households",
        [ming],
        civil("王大", FATHER, 低保证号="d1", 与户主关系="户主", 施保方式="整户保"),
        household(1),
        above=[poverty("王小明", MING, 户编号="d1")],
    ),
)

MEMBERS = (
    Case(
        "A member who is listed goes through the ladder himself",
        [ming],
        civil(
            "王小明", MING, 低保证号="d1", 户主姓名="王大", 户主身份证号=FATHER, 与户主关系="之子", 施保方式="整户保"
        ),
        linked("R1", "number_and_name_agree"),
        above=[civil("王大", FATHER, 低保证号="d1", 与户主关系="户主", 施保方式="整户保")],
    ),
    Case(
        "A member with a slip in the number",
        [ming],
        civil("王小明", "469080201503040117", 低保证号="d1", 户主姓名="王大", 与户主关系="之子"),
        linked("R4", "number_one_slip"),
    ),
    Case(
        "A member without a number, proven by the head's number",
        [ming],
        civil("王小明", "", 出生日期="2015-03-04", 户主姓名="王大", 户主身份证号=FATHER, 与户主关系="之子"),
        linked("R6", "score_agrees"),
    ),
    Case(
        "A member under the head's number: the guardian's number on the child's row",
        [ming],
        civil("王小明", FATHER, 户主姓名="王大", 户主身份证号=FATHER, 与户主关系="之子", 施保方式="整户保"),
        review("R3", "guardian_number"),
    ),
    Case(
        "A pupil who is head of a household is linked himself",
        [ming],
        civil("王小明", MING, 与户主关系="户主", 施保方式="整户保"),
        linked("R1", "number_and_name_agree"),
    ),
)

UNUSABLE = (
    Case(
        "A head with neither number nor birth date",
        [ming],
        head("王大", "", 施保方式="整户保"),
        rejected("nothing_to_match"),
    ),
    Case(
        "A head whose number lost its digits",
        [ming],
        head("王大", 469080198001010190, 施保方式="整户保"),
        rejected("number_scientific_notation"),
    ),
    Case(
        "A head with a slip in his number",
        [ming],
        head("王大", "469080198001010191", 施保方式="整户保"),
        rejected("number_check_digit"),
    ),
    Case(
        "A head who is a brother of twenty-two, whose wards have no guardian's number",
        [pupil("王小明", MING, 监护人姓名="王大宝")],
        head("王大宝", GROWN, 施保方式="整户保"),
        not_in_register(),
    ),
)

stranger = pupil("王小明", MING)  # her own record names no guardian
REGISTERED = (
    Case(
        "A head and a pupil of one registered household",
        [stranger],
        head("王大", FATHER, 施保方式="整户保"),
        household(1),
        household=[("王大", 1)],
    ),
    Case(
        "The registered household knows the head by another name",
        [stranger],
        head("王大", FATHER, 施保方式="整户保"),
        review("R7", "household_link_unproven", 1),
        household=[("赵四海", 1)],
    ),
    Case(
        "An allowance for one adult of the pupil's household alone",
        [stranger],
        civil("王大", FATHER, 与户主关系="户主", 施保方式="单人保"),
        review("R7", "household_single_cover", 1),
        household=[("王大", 1)],
    ),
    Case(
        "An allowance for one adult whose household has no pupil",
        [stranger],
        civil("王大", FATHER, 与户主关系="户主", 施保方式="单人保"),
        out_of_age(),
    ),
)

CASES = (*REGISTERED, *PROVEN, *NOT_PROVEN, *STANDS_FOR_NOBODY_ELSE, *MEMBERS, *UNUSABLE)

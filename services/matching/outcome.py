"""What was decided about a list row, and the sentence that explains it (design.md §3, invariant 15)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from uuid import UUID

from shared.standards import identity_number

StudentId = int | UUID  # a row of a file, or a stream of the registry

CANDIDATES_HIGHEST = 10


class State(StrEnum):
    """The six states; every list row is in exactly one."""

    LINKED = "linked"
    REVIEW = "review"
    NOT_IN_REGISTER = "not_in_register"
    REGISTERED_ELSEWHERE = "registered_elsewhere"
    OUT_OF_AGE = "out_of_age"
    REJECTED = "rejected"


STATES_ZH: Mapping[State, str] = {
    State.LINKED: "已匹配",
    State.REVIEW: "待人工核对",
    State.NOT_IN_REGISTER: "学籍中未找到",
    State.REGISTERED_ELSEWHERE: "学籍在外地",
    State.OUT_OF_AGE: "不在资助年龄",
    State.REJECTED: "数据有误",
}

REASONS: dict[str, tuple[str, str]] = {
    "number_and_name_agree": ("身份证号和姓名一致", "Identity number and name agree."),
    "name_differs": (
        "身份证号一致但姓名不同,请核对",
        "The identity number agrees, the name does not.",
    ),
    "name_missing": ("身份证号一致但名单上没有姓名", "The identity number agrees, the row has no name."),
    "name_variant": (
        "身份证号一致,姓名只差繁简或异体字",
        "The identity number agrees; the name differs only by traditional or variant characters.",
    ),
    "name_middle_dot": (
        "身份证号一致,姓名只差间隔号",
        "The identity number agrees; the name differs only by its middle dot.",
    ),
    "name_wildcard": (
        "身份证号一致,姓名中有未打出的字,其余相同",
        "The identity number agrees; the name has a character that could not be typed, the rest agrees.",
    ),
    "name_homophone": (
        "身份证号一致,姓名有一个字同音",
        "The identity number agrees; one character of the name is another of the same sound.",
    ),
    "name_shape": (
        "身份证号一致,姓名有一个字形近",
        "The identity number agrees; one character of the name is another of similar shape.",
    ),
    "name_transliteration": (
        "身份证号一致,姓名是同一民族姓名的另一种译写",
        "The identity number agrees; the name is another spelling of the same minority name.",
    ),
    "name_truncated": (
        "身份证号一致,姓名只写了前一部分",
        "The identity number agrees; only the beginning of the name is written.",
    ),
    "name_former": ("身份证号一致,姓名是曾用名", "The identity number agrees; the name is a former name."),
    "row_contradicts_number": (
        "身份证号一致,但姓名有出入,且本行的性别或出生日期与该号不符,请核对是否填了他人的号码",
        "The number agrees, but the name differs and the row states another sex or birth date than its number:"
        " is it another person's number?",
    ),
    "number_several_names": (
        "名单上有多个姓名使用同一身份证号,请核对各是谁",
        "Several names on the lists carry this identity number: please tell who is who.",
    ),
    "name_fits_another": (
        "身份证号一致,但姓名更像另一名学生(可能是兄弟姐妹),请核对",
        "The number agrees, but the name fits another student better, perhaps a brother or sister.",
    ),
    "number_of_another": (
        "身份证号是一名学生的,姓名是另一名学生的(可能是兄弟姐妹),请核对",
        "The number is one student's and the name another's, perhaps a brother's or sister's.",
    ),
    "number_shared": (
        "学籍中有{count}名学生使用同一身份证号",
        "{count} students of the register claim this identity number.",
    ),
    "number_contradicted": (
        "本行的身份证号与残疾人证号或学籍号不是同一人",
        "The row's identity number contradicts its certificate or student number.",
    ),
    "guardian_number": (
        "填写的身份证号是该生监护人的",
        "The identity number given is that of the student's guardian.",
    ),
    "register_has_no_number": (
        "姓名和出生日期一致,学籍中该生没有有效身份证号",
        "Name and birth date agree; the register has no valid number for this student.",
    ),
    "number_one_slip": (
        "身份证号录错一处,与同名学生的号码只差这一处,其余一致",
        "The number has one slip; it is that of a student of the same name, and all else agrees.",
    ),
    "number_masked": (
        "身份证号有遮盖,只有一名同名学生的号码与之相符,其余一致",
        "The number is masked; it fits one student of the same name, and all else agrees.",
    ),
    "number_fits_several": (
        "身份证号无效,与{count}名学生的号码都接近,请核对",
        "The number is not valid and close to those of {count} students.",
    ),
    "slip_and_name_differ": (
        "身份证号录错一处或有遮盖,姓名也有出入,请核对",
        "The number has a slip or a mask, and the name differs too.",
    ),
    "slip_and_birth_or_sex_differ": (
        "身份证号录错一处或有遮盖,出生日期或性别不一致或无法确认,请核对",
        "The number has a slip or a mask; birth date or sex differ or cannot be confirmed.",
    ),
    "single_name": (
        "没有一致的有效身份证号,姓名是藏族单名,同名者多,请核对",
        "No equal valid number, and the name is a single Tibetan one, which many bear: is it this student?",
    ),
    "number_in_student_number": (
        "名单的身份证号与该生学籍号中的一致,但学籍登记的身份证号不同,请核对哪个号码有误",
        "The number is the one in the student number, but the register gives another valid number: which one is wrong?",
    ),
    "numbers_differ": (
        "姓名和学校或监护人一致,但名单与学籍的身份证号不同,请核对哪个号码有误",
        "Name and school or guardian agree, but list and register give different valid numbers: which one is wrong?",
    ),
    "score_agrees": (
        "没有可用的身份证号,姓名等各项信息综合相符,且没有其他相近的学生",
        "No usable number; name and all else taken together agree, and no other student comes near.",
    ),
    "score_name_differs": (
        "没有可用的身份证号,其余相符但姓名写法不同,请核对",
        "No usable number; all else agrees but the name is written otherwise.",
    ),
    "score_runner_up": (
        "没有可用的身份证号,有{count}名学生相近,请选定",
        "No usable number; {count} students come near: please choose.",
    ),
    "score_twin": (
        "没有可用的身份证号,姓名有出入,且有同日出生的同姓学生(可能是双胞胎),请核对",
        "No usable number, the name differs, and another student of the surname was born that day, perhaps a twin.",
    ),
    "score_birth_or_sex_differ": (
        "没有可用的身份证号,其余相符但出生日期或性别不同,请核对",
        "No usable number; all else agrees but birth date or sex differ.",
    ),
    "only_name_agrees": (
        "没有可用的身份证号,学籍中只有这一名学生同名,其余信息不足以确认,请核对",
        "No usable number; only this student has the name, and too little else is given to be sure.",
    ),
    "score_review": (
        "没有可用的身份证号,姓名、出生日期、学校或监护人大体相符,请核对",
        "No usable number; name, birth date, school or guardian agree for the most part.",
    ),
    "name_and_birth_date_agree": (
        "没有可用的身份证号,姓名和出生日期一致",
        "No usable number; name and birth date agree.",
    ),
    "name_and_school_agree": (
        "没有可用的身份证号,姓名和学校或监护人一致",
        "No usable number; name and school or guardian agree.",
    ),
    "several_candidates": (
        "没有可用的身份证号,有{count}名学生相符",
        "No usable number; {count} students agree.",
    ),
    "household_link_proven": (
        "名单只列户主(整户保);{count}名学生与户主登记为同一户,或学籍中监护人姓名和身份证号与户主一致,按户覆盖",
        "Only the head is listed for the whole household, which covers {count} students: of one registered household"
        " with the head, or with the head as guardian by name and number.",
    ),
    "household_link_unproven": (
        "名单只列户主(整户保);有{count}名学生的同户人员或监护人身份证号与户主一致但姓名不同,户关系待证实",
        "Only the head is listed for the whole household; {count} students are tied to this number under another name:"
        " the household link is not proven.",
    ),
    "household_single_cover": (
        "名单是同户其他成员的单人保;同户有{count}名学生未列入,请核对是否享受",
        "The row covers one other member of the household alone; {count} students of the household are not listed:"
        " please tell whether they are covered.",
    ),
    "age": ("不在资助年龄({lowest}至{highest}周岁)", "Not of aid age ({lowest} to {highest} years)."),
    "school_elsewhere": (
        "学籍中未找到,名单所填学校不在本地",
        "Not in the register; the row names a school outside the division.",
    ),
    "not_found": ("学籍中没有这个身份证号", "The register does not hold this identity number."),
    "not_found_without_number": (
        "没有可用的身份证号,按姓名和出生日期在学籍中未找到",
        "No usable number; name and birth date are not in the register.",
    ),
    "nothing_to_match": (
        "没有身份证号,其余信息不足以核对(需要姓名和出生日期)",
        "No identity number and too little else: name and birth date are needed.",
    ),
    "ruled_same": ("经办人确认是同一人", "A clerk ruled that they are the same person."),
    "ruled_different": (
        "经办人确认不是所列学生,学籍中未找到其他相符的学生",
        "A clerk ruled out the students shown, and nobody else of the register agrees.",
    ),
    "ruled_nobody": (
        "经办人核对后确认学籍中没有此人",
        "A clerk ruled that the row is about nobody of the register.",
    ),
    "ruling_outdated": (
        "人工核对所依据的信息已有变动,请重新核对",
        "What a clerk's ruling was based on has changed: please look again.",
    ),
    "row_empty": ("姓名和身份证号都没有", "Neither a name nor an identity number."),
    "number_other_document": (
        "证件不是居民身份证,其余信息不足以核对",
        "The document is not an identity card, and too little else is given.",
    ),
    **{f"number_{code}": texts for code, texts in identity_number.MESSAGES.items() if code != "empty"},
}


@dataclass(frozen=True, slots=True)
class Outcome:
    """`student` is the one linked or the single candidate; `candidates` are best first, at most ten.

    `rule` names the rung (R1 … R7, or empty where no rung applies), `score` is its weight in 0–1.
    """

    state: State
    rule: str
    score: float
    reason: str
    student: StudentId | None = None
    candidates: tuple[StudentId, ...] = ()
    facts: Mapping[str, object] = field(default_factory=dict)

    @property
    def covers(self) -> bool:
        """Whether the row, a head's, covers the students it names: they are proven to be of his household (R7)."""
        return self.reason == "household_link_proven"

    @property
    def zh(self) -> str:
        return REASONS[self.reason][0].format(**self.facts)

    @property
    def en(self) -> str:
        return REASONS[self.reason][1].format(**self.facts)

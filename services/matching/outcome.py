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
        "身份证号无效,与同名学生的身份证号只差一处",
        "The number is invalid and one slip away from that of a student of the same name.",
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
    "household_link_unproven": (
        "名单只列户主,其户内有在校学生,户关系待证实",
        "Only the head is listed; a student of this guardian exists, the household link is not proven.",
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
    def zh(self) -> str:
        return REASONS[self.reason][0].format(**self.facts)

    @property
    def en(self) -> str:
        return REASONS[self.reason][1].format(**self.facts)

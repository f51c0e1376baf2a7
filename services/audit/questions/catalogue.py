"""The catalogue: which questions there are, what they mean, and what their columns are called."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from importlib import resources
from typing import Literal

from services.audit.questions import parameters as told
from services.audit.questions.parameters import Parameters

Kind = Literal["text", "number", "fen", "day", "name", "identity", "list", "flag"]
EVIDENCE = "evidence"  # the last column of every question: "<service>#<log index>" of the events a row rests on


@dataclass(frozen=True)
class Column:
    """A column of the answer. ``name`` and ``identity`` are masked after the query; ``fen`` is shown in yuan.
    ``words``: what the question's own codes mean, on paper."""

    key: str
    zh: str
    en: str
    kind: Kind = "text"
    words: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class AuditQuestion:
    """A named question. ``projections``: whose tables its SQL reads, as ``<projection>_<table>``."""

    name: str
    zh: str
    en: str
    meaning_zh: str
    projections: tuple[str, ...]
    parameters: type[Parameters]
    columns: tuple[Column, ...]

    @cached_property
    def sql(self) -> str:
        """The query's text, as it is run and as it is printed; ``:name`` stands for a parameter."""
        return resources.files(__package__).joinpath("sql", f"{self.name}.sql").read_text("utf-8")


STUDENT = Column("student_id", "学生标识", "student")
NAME = Column("name", "姓名", "name")  # masked by the projection already
SCHOOL = Column("school_code", "学校代码", "school")
SCHOOLS = Column("schools", "学校代码", "schools", "list")
PROGRAMME = Column("programme", "项目", "programme")
TERM = Column("term", "学期", "term")
AMOUNT = Column("amount_fen", "金额(元)", "amount (yuan)", "fen")
PAID_ON = Column("paid_on", "发放日", "paid on", "day")
PAY_BY = Column("pay_by", "应发期限", "pay by", "day")
TIMES = Column("times", "次数", "times", "number")
FINDING = Column(
    "finding",
    "情形",
    "finding",
    words={
        "not_granted": "未认定资格",
        "not_paid_in_time": "逾期未发放",
        "granted_not_paid": "有资格未发放",
        "withdrawn": "资格已撤销",
    },
)
HOLDERS = {"own": "本人", "guardian": "监护人", "classmate": "同学", "staff": "教职工", "unproven": "待核"}
_MONEY = ("payments",)

_ALL = (
    AuditQuestion(
        "paid_many_times",
        "同一人多次领取",
        "one person paid many times",
        "按身份证号合并同一人的多条学籍,列出在所选范围内领取次数达到所填次数的人。",
        ("payments", "roster"),
        told.PaidManyTimes,
        (
            *(STUDENT, NAME, Column("span", "范围", "within"), TIMES, AMOUNT),
            Column("registrations", "学籍条数", "registrations", "number"),
            *(SCHOOLS, Column("programmes", "项目", "programmes", "list")),
            Column("first_paid_on", "首次发放", "first paid", "day"),
            Column("last_paid_on", "末次发放", "last paid", "day"),
        ),
    ),
    AuditQuestion(
        "not_in_that_school",
        "发给不在该校的学生",
        "paid at a school the student was not in",
        "自资格生效至发放之日,学籍中没有一天在发放学校的发放。",
        ("payments", "roster"),
        told.Parameters,
        (STUDENT, NAME, SCHOOL, TERM, PROGRAMME, AMOUNT, PAID_ON, Column("was_in", "当时所在学校", "was in", "list")),
    ),
    AuditQuestion(
        "anothers_card",
        "发到他人卡上、一卡多人",
        "paid to another's card",
        "以银行回单逐笔核对:本人卡与已登记监护人的卡为正常;同学的卡、教职工的卡为违规;其余待核。",
        ("payments", "roster"),
        told.AnothersCard,
        (
            *(STUDENT, NAME, SCHOOL, Column("holder", "持卡人", "holder", words=HOLDERS)),
            Column("holder_name", "户名", "holder's name", "name"),
            Column("card", "卡号", "card"),
            Column("pupils_on_card", "同卡学生数", "pupils on the card", "number"),
            *(TERM, AMOUNT, PAID_ON, Column("reference", "流水号", "reference")),
        ),
    ),
    AuditQuestion(
        "unaided",
        "应助未助",
        "eligible and not aided",
        "该日在籍、在名单内且符合项目范围,而该学期没有资格,或有资格但逾期未发放。",
        ("entitling", "payments"),
        told.OfTerm,
        (
            *(STUDENT, NAME, SCHOOL, Column("stage", "学段", "stage"), Column("category", "类别", "category")),
            *(PROGRAMME, FINDING, AMOUNT, PAY_BY),
        ),
    ),
    AuditQuestion(
        "interrupted",
        "资助中断",
        "aid interrupted",
        "前后学期都有发放或资格,而中间学期没有发放。",
        _MONEY,
        told.Parameters,
        (STUDENT, NAME, SCHOOL, PROGRAMME, TERM, FINDING, Column("reason", "撤销原因", "reason")),
    ),
    AuditQuestion(
        "late",
        "发放滞后",
        "paid late",
        "晚于应发期限发放,或已过期限仍未发放。",
        _MONEY,
        told.Late,
        (
            *(STUDENT, NAME, SCHOOL, PROGRAMME, TERM, AMOUNT, PAY_BY, PAID_ON),
            Column("days_late", "逾期天数", "days late", "number"),
        ),
    ),
    AuditQuestion(
        "two_kinds_of_years",
        "自然年与学年两套账",
        "calendar-year books beside school-year books",
        "每校每学期的发放分别归入发放日所在自然年与学期所属学年,两者不一致的行标明。",
        _MONEY,
        told.Parameters,
        (
            *(SCHOOL, TERM, Column("school_year", "学年", "school year")),
            Column("calendar_year", "自然年", "calendar year", "number"),
            Column("apart", "不一致", "apart", "flag"),
            *(TIMES, AMOUNT),
        ),
    ),
    AuditQuestion(
        "membership",
        "当时在册",
        "on a list at the time",
        "该日各部门名单上的每一行,以及当时认定的是哪名学生。",
        ("roster",),
        told.Membership,
        (
            *(
                Column("list", "名单", "list"),
                Column("agency", "部门", "agency"),
                Column("row", "行号", "row", "number"),
            ),
            Column("name", "姓名", "name", "name"),
            Column("id_number", "身份证号", "identity number", "identity"),
            *(Column("state", "状态", "state"), STUDENT, Column("rule", "规则", "rule")),
            Column("reason", "原因", "reason"),
            Column("starts_on", "起", "from", "day"),
            Column("ends_on", "止(不含)", "until", "day"),
        ),
    ),
    AuditQuestion(
        "sample",
        "抽样",
        "a sample by seed",
        "以记录在案的种子排序抽取;同一种子在任何机器上抽到同样的样本。",
        _MONEY,
        told.Sample,
        (
            Column("place", "序号", "place", "number"),
            Column("out_of", "总体", "out of", "number"),
            *(Column("id", "资格标识", "entitlement"), STUDENT, NAME, SCHOOL, PROGRAMME, TERM, AMOUNT),
        ),
    ),
    AuditQuestion(
        "first_digits",
        "首位数字筛查(本福特)",
        "Benford's first digits",
        "每校每月发放合计的首位数字与理论分布之差;只作线索,不作结论。",
        _MONEY,
        told.Parameters,
        (
            Column("digit", "首位", "digit", "number"),
            Column("found", "实有", "found", "number"),
            Column("expected", "应有", "expected", "number"),
            Column("chi_square", "卡方", "chi-square", "number"),
            Column("sums", "合计数", "sums", "number"),
        ),
    ),
    AuditQuestion(
        "split_amounts",
        "化整为零",
        "split amounts",
        "同一人在若干天内多笔发放,每笔不超过限额而合计超过限额。",
        ("payments", "roster"),
        told.SplitAmounts,
        (
            STUDENT,
            NAME,
            SCHOOLS,
            TIMES,
            AMOUNT,
            Column("since", "自", "from", "day"),
            Column("until", "至", "to", "day"),
        ),
    ),
)

QUESTIONS: Mapping[str, AuditQuestion] = {question.name: question for question in _ALL}

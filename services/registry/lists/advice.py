"""What a clerk reads beside a row: which column is wrong, what is wrong with it, and what to do about it.

Every reason code has its advice here; a code that is not an error to mend but a hint says so.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from services.registry.lists.receipts import HARMLESS
from services.registry.sheets.lists import RowProblem

FIELDS_ZH = {
    "name": "姓名",
    "id_number": "身份证号",
    "birth_date": "出生日期",
    "student_number": "学籍号",
    "certificate_number": "残疾人证号",
    "household_number": "户编号",
    "household_type": "户类型",
    "support_type": "救助类型",
    "valid_from": "起始日期",
    "valid_to": "终止日期",
    "exited_on": "退出时间",
    "lifted_on": "脱贫时间",
    "school": "学校",
    "school_code": "学校标识码",
    "division_code": "行政区划代码",
    "row": "整行",
}


class Advice(NamedTuple):
    """What to do, in both languages."""

    zh: str
    en: str


_AS_TEXT = Advice(
    "先把该列设为“文本”格式,再对照证件重新录入", "Set the column to text, then type the number again from the document."
)
_FROM_CARD = Advice("对照身份证或户口簿改正", "Correct it from the identity card or household book.")
_FROM_CERTIFICATE = Advice("对照残疾人证改正", "Correct it from the certificate.")
_FROM_REGISTER = Advice("到学籍系统核对后改正", "Look it up in the school register and correct it.")

# By code; where one code means different work in different columns, by (column, code).
ADVICE: dict[str | tuple[str, str], Advice] = {
    "name_missing": Advice("补填姓名", "Fill in the name."),
    "empty": Advice("有号码的请补填;确无号码的可不填", "Fill it in where there is one; else leave it empty."),
    ("school_code", "empty"): Advice("补填学校标识码", "Fill in the school code."),
    ("name", "empty"): Advice("补填学校名称", "Fill in the school's name."),
    ("division_code", "empty"): Advice("补填行政区划代码", "Fill in the division code."),
    "scientific_notation": _AS_TEXT,
    "numeric_cell": _AS_TEXT,
    "length": _FROM_CARD,
    ("student_number", "length"): _FROM_REGISTER,
    ("certificate_number", "length"): _FROM_CERTIFICATE,
    "characters": _FROM_CARD,
    ("student_number", "characters"): _FROM_REGISTER,
    "check_digit": _FROM_CARD,
    "birth_date": _FROM_CARD,
    "fifteen_digit": Advice("老人确无新号的可不改", "It may stay where an old person has no other."),
    "other_document": Advice("有居民身份证的请改填身份证号", "Give the identity card's number where there is one."),
    "contradicted": Advice("核对本行各号码,改正写错的一个", "Compare the row's numbers and correct the wrong one."),
    "kind": _FROM_CERTIFICATE,
    ("student_number", "kind"): _FROM_REGISTER,
    "grade": _FROM_CERTIFICATE,
    "suffix": _FROM_CERTIFICATE,
    "identity_number": _FROM_CERTIFICATE,
    ("student_number", "identity_number"): _FROM_REGISTER,
    "birth_date_differs": Advice("以身份证为准,改正出生日期或身份证号", "Correct the one that differs from the card."),
    "unreadable": Advice("改写成 2026-09-01 这样的日期", "Write it like 2026-09-01."),
    "impossible": Advice("核对年月日后改正", "Check year, month and day."),
    "ambiguous_month": Advice("改写成 2026-10 这样的文本", "Write it as text, like 2026-10."),
    "ends_before_begin": Advice("两个日期可能填反,请核对", "The two dates may be exchanged: check them."),
    "in_future": Advice("核对年份,例如 2062 是否应为 2026", "Check the year: 2062 may mean 2026."),
    ("household_type", "unknown"): Advice(
        "填脱贫户、脱贫不稳定户、边缘易致贫户、突发严重困难户等之一", "Give one of the kinds of household."
    ),
    ("support_type", "unknown"): Advice("填“低保”或“特困”", "Give 低保 or 特困."),
    "school_unknown": Advice("改成学校名录中的名称,外地学校可不改", "Use a name of the directory; others may stay."),
    "school_closed": Advice("改成并入的学校,没有的请核实去向", "Use the school it merged into, or ask where she went."),
    "division_code": Advice("填6位行政区划代码", "Give the six-digit code."),
    "provisional_ambiguous": Advice(
        "先在学生页面更正该生的身份证号,再上传本行",
        "Correct the number on the child's page first, then send the row again.",
    ),
    "duplicate": Advice("删去重复的一行", "Take the repeated row away."),
    "listed_twice": Advice("确属同一人的请删去一行", "Take one of the rows away if it is the same person."),
    "two_households": Advice("核对此人属于哪一户,改正另一行的户编号", "Find out which it is and correct the other."),
    "no_head": Advice("在本户一行的“与户主关系”填“户主”,或填户主姓名", "Name the head in one row of the household."),
}


# A row of the register with any of its problems is not recorded, so there what is a hint on a list must be mended.
REGISTER_ADVICE: dict[str, Advice] = {
    "school_unknown": Advice(
        "改成学校名录中的名称;新学校请先登记", "Use a name of the directory, or register the school."
    ),
    "fifteen_digit": Advice("改填18位身份证号", "Give the 18-digit number."),
}


def advice(problem: RowProblem, *, register: bool = False) -> Advice:
    """What to do about a problem. Raises KeyError for a code without advice, which the tests do not let happen."""
    if register and problem.code in REGISTER_ADVICE:
        return REGISTER_ADVICE[problem.code]
    return ADVICE.get((problem.field, problem.code)) or ADVICE[problem.code]


def note(problems: Sequence[RowProblem], *, register: bool = False) -> str:
    """The text of the sheet's last column; empty for a row without a problem."""
    return "\n".join(
        f"{'请修改' if register or each.code not in HARMLESS else '提示'}"
        f"【{FIELDS_ZH[each.field]}】{each.zh}。{advice(each, register=register).zh}。"
        for each in problems
    )

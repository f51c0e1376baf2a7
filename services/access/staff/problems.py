"""What can be wrong with a row: the column, and what a clerk does about it. No text repeats a name or a login name."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from services.access.staff.columns import COLUMNS

# Told, and no reason to refuse the row.
HINTS = frozenset(("another_holder",))


class RowProblem(NamedTuple):
    """``field``: a column of columns.COLUMNS, or ``row`` for the whole of it."""

    field: str
    code: str
    zh: str
    en: str

    @property
    def column(self) -> str:
        """The label of its column."""
        return COLUMNS[self.field][0] if self.field in COLUMNS else "整行"


def note(problems: Sequence[RowProblem]) -> str:
    """The text of the sheet's last column; empty for a row without a problem."""
    return "\n".join(f"{'提示' if each.code in HINTS else '请修改'}【{each.column}】{each.zh}。" for each in problems)


def missing(field: str, what: str) -> RowProblem:
    """A column that must be filled is empty. ``what``: the post that asks for it, or nothing."""
    title = COLUMNS[field][0]
    return RowProblem(field, "missing", f"{what}要填写{title}", f"{title} is missing")


def surplus(field: str, what: str) -> RowProblem:
    """A column is filled that the post does not take."""
    title = COLUMNS[field][0]
    return RowProblem(field, "surplus", f"{what}不填{title},请清空", f"A post of this kind takes no {title}; empty it")


def unknown_kind(offered: str) -> RowProblem:
    """No post is called so. ``offered``: what may be written."""
    return RowProblem("kind", "unknown_kind", f"没有这个岗位,请填:{offered}", f"No such post; give one of {offered}")


UNKNOWN_SCHOOL = RowProblem(
    "school",
    "unknown_school",
    "学校目录中没有这所学校,请填学校标识码或目录中的校名",
    "The directory knows no such school; give its code or its name there",
)
SCHOOL_TWICE = RowProblem(
    "school", "two_schools", "有几所学校叫这个名称,请改填学校标识码", "Several schools have this name; give the code"
)
UNKNOWN_STAGE = RowProblem(
    "stage", "unknown_stage", "学段应为小学、初中、高中、幼儿园、中职、特教之一", "No such stage"
)
UNKNOWN_AGENCY = RowProblem(
    "agency", "unknown_agency", "部门应为乡村振兴局、民政局、残联、教育局之一", "No such agency"
)
BAD_CLASS = RowProblem(
    "class",
    "bad_class",
    "年级和班级各不超过40字,不得含空格或斜线",
    "Grade and class have 40 characters at most, no blank and no slash",
)
WRONG_ORDER = RowProblem(
    "until", "wrong_order", "结束日期早于开始日期,两个日期可能填反", "The end lies before the beginning"
)
OVER = RowProblem(
    "until",
    "over",
    "结束日期已过;要免去现任人员,请在“岗位”页办理",
    "The end has passed; to vacate a post use the page of posts",
)
BEYOND = RowProblem(
    "row",
    "beyond",
    "超出您的管理范围:县级管理本县各单位,学校只管理本校的班主任和帮扶教师",
    "Beyond what you administer: a county its places, a school its own teachers only",
)
ONESELF = RowProblem(
    "login", "oneself", "不能为自己授予岗位,请由他人办理", "Nobody gives himself a post; ask somebody else"
)
FOREIGN_LOGIN = RowProblem(
    "login",
    "foreign_login",
    "这个登录名是其他单位的账号,请换一个登录名;确是同一人的,请上级管理员办理",
    "The login name belongs to an account elsewhere; choose another, or ask the level above",
)
CLOSED = RowProblem(
    "login", "closed", "这个登录名的账号已停用,请换一个登录名", "The account is closed; choose another login name"
)
OTHER_NAME = RowProblem(
    "name",
    "other_name",
    "与这个登录名的账号姓名不一致:不是同一人请换登录名,是同一人请改成一致",
    "The account of this login name has another name: choose another login, or write the same name",
)
ANOTHER_HOLDER = RowProblem(
    "kind",
    "another_holder",
    "这里的同类岗位已有人任职,本行将另设一个岗位;是接任的请先在“岗位”页免去原任",
    "Somebody holds such a post here; the row makes another one. For a successor, vacate it first",
)


def name_differs(row: int) -> RowProblem:
    """Two rows give one login name to two names."""
    zh = f"同一登录名在第{row}个数据行是另一个姓名:不是同一人请换登录名"
    return RowProblem("name", "name_differs", zh, f"Data row {row} gives the login name to another name")


def repeated(row: int) -> RowProblem:
    """The same person and post stands further up."""
    zh = f"与第{row}个数据行是同一人的同一岗位,请删去一行"
    return RowProblem("row", "repeated", zh, f"The same person and post as in data row {row}; take one away")


def digits(what: str, shortest: int, longest: int) -> RowProblem:
    """A division code of a length that the post does not take."""
    lengths = [each for each in (2, 4, 6, 9, 12) if shortest <= each <= longest]
    zh = f"{what}的行政区划代码应为{'、'.join(map(str, lengths))}位数字"
    return RowProblem("division", "bad_division", zh, f"The code has {', '.join(map(str, lengths))} digits")

"""The wide sheets of offices that state more than they must: one cell per field, so that every field can go wrong."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random

from simulation import dates
from simulation.families import grade_zh
from simulation.lists import SEX_ZH, ListRow, disability_words, school_of, schooling_state
from simulation.schools import COUNTY_NAME
from simulation.sheets import Cell, Column, Layout


def _fields(text: str) -> dict[str, str]:
    """Field → header, from words in pairs."""
    words = text.split()
    return dict(zip(words[::2], words[1::2], strict=True))


WIDE_FIELDS = {
    "poverty": _fields(
        """
        household_number 户编号 head_name 户主姓名 relation 与户主关系 name 成员姓名 id_number 成员身份证号 sex 性别
        birth_date 出生日期 household_type 户类型 valid_from 识别时间
        lifted_on 脱贫时间 exited_on 退出时间 cause 致贫原因
        schooling_state 在校生状况 school 就读学校 grade 年级 class 班级 address 家庭住址
        """
    ),
    "civil": _fields(
        """
        allowance_number 低保证号 head_name 户主 head_id 户主证件号码
        name 姓名 id_number 公民身份号码 relation 与户主关系
        sex 性别 birth_date 出生日期 area_type 城乡类别
        support_type 保障类别 coverage 整户保/单人保 valid_from 享受开始日期
        valid_to 终止日期 school 就读学校 address 户籍地址
        """
    ),
    "hardship": _fields(
        """
        name 姓名 sex 性别 id_number 身份证号码 birth_date 出生日期 guardian_name 监护人姓名 phone 联系电话
        support_type 救助类型 area_type 城乡类别 valid_from 起始日期 valid_to 终止日期 orphan 是否孤儿 school 就读学校
        address 住址
        """
    ),
    "disability": _fields(
        """
        name 持证人姓名 certificate_number 残疾人证号 sex 性别 birth_date 出生日期 disability_kind 残疾类别
        disability_grade 残疾等级 valid_from 发证日期 valid_to 有效期至 guardian_name 监护人姓名 phone 手机号
        address 家庭住址
        """
    ),
}
_TITLES = {"poverty": "建档立卡户家庭成员花名册", "civil": "最低生活保障对象名单", "hardship": "特困人员救助供养名册"}
WIDE_LAYOUTS = {
    name: Layout(
        name,
        COUNTY_NAME + _TITLES.get(name, "持证残疾人名单"),
        tuple(Column(header) for header in fields.values()),
        footer="制表人：陈某某",
    )
    for name, fields in WIDE_FIELDS.items()
}


@dataclass(slots=True)
class WideRow:
    """A list row on its way into the sheet. `cells` are by field; `slips` names what went wrong, in order.

    `state` is what a perfect person would decide, `states` all endings that are no mistake.
    """

    row: ListRow
    cells: dict[str, Cell]
    state: str
    states: tuple[str, ...]
    slips: list[str] = field(default_factory=list)

    @property
    def number_field(self) -> str:
        return "certificate_number" if self.row.list_name == "disability" else "id_number"

    @property
    def number(self) -> str:
        """The number as it stands now; of a certificate the first 18 characters."""
        text = str(self.cells[self.number_field])
        return text[:18] if self.row.list_name == "disability" else text

    def write_number(self, text: str) -> None:
        """Put another number in its place; kind and grade of a certificate stay behind it."""
        suffix = str(self.row.id_cell)[18:] if self.row.list_name == "disability" and text else ""
        self.cells[self.number_field] = text + suffix

    def listed(self) -> Sequence[Cell]:
        """The cells in the order of the sheet."""
        return [self.cells.get(name, "") for name in WIDE_FIELDS[self.row.list_name]]


def wide_row(rng: Random, row: ListRow) -> WideRow:
    """The row with every cell right."""
    cells = {**_person(row), **_WRITERS[row.list_name](rng, row)}
    state = row.states[0]
    if row.standing == "elsewhere" and "school" not in WIDE_FIELDS[row.list_name]:
        state = "not_in_register"
    if row.standing == "student_without_number":
        state = "linked"
    return WideRow(row, cells, state, (state, *(other for other in row.states if other != state)))


def _person(row: ListRow) -> dict[str, Cell]:
    person, household = row.person, row.household
    student = person.student
    return {
        "name": row.name,
        "id_number": row.id_cell,
        "certificate_number": row.id_cell,
        "sex": SEX_ZH[person.sex],
        "birth_date": f"{person.birth:%Y-%m-%d}",
        "school": school_of(row),
        "grade": grade_zh(student.stage, student.grade) if student else "",
        "class": f"{student.class_number}班" if student else "",
        "head_name": household.head.name,
        "head_id": household.head.number,
        "guardian_name": household.guardian.name if person.standing != "adult" else "",
        "relation": person.relation,
        "phone": household.phone,
        "address": household.address,
        "schooling_state": schooling_state(person),
    }


def _poverty(rng: Random, row: ListRow) -> dict[str, Cell]:
    poverty = row.household.poverty
    assert poverty is not None
    return {
        "household_number": poverty.household_number,
        "household_type": poverty.kind,
        "cause": poverty.cause,
        "valid_from": dates.month_cell(rng, poverty.valid_from),
        "lifted_on": dates.month_cell(rng, poverty.lifted_on),
        "exited_on": dates.month_cell(rng, poverty.valid_to),
    }


def _civil(rng: Random, row: ListRow) -> dict[str, Cell]:
    allowance = row.household.subsistence
    assert allowance is not None
    return {
        "allowance_number": allowance.household_number,
        "area_type": "城市" if allowance.urban else "农村",
        "support_type": "低保",
        "coverage": "整户保" if allowance.whole_household else "单人保",
        "valid_from": dates.month_cell(rng, allowance.valid_from),
        "valid_to": dates.month_cell(rng, allowance.valid_to),
    }


def _hardship(rng: Random, row: ListRow) -> dict[str, Cell]:
    hardship = row.household.hardship
    assert hardship is not None
    return {
        "support_type": "特困",
        "area_type": "城市" if hardship.urban else "农村",
        "orphan": "是" if hardship.orphan else "否",
        "valid_from": dates.month_cell(rng, hardship.valid_from),
        "valid_to": dates.month_cell(rng, hardship.valid_to),
    }


def _disability(rng: Random, row: ListRow) -> dict[str, Cell]:
    mark = row.person.disability
    assert mark is not None
    kind, grade = disability_words(row.person)
    return {
        "disability_kind": kind,
        "disability_grade": grade,
        "valid_from": dates.day_cell(rng, mark.issued_on),
        "valid_to": dates.day_cell(rng, mark.expires_on),
    }


_WRITERS = {"poverty": _poverty, "civil": _civil, "hardship": _hardship, "disability": _disability}

"""The columns of every file, under the different headers that each office uses, and the cells of one row."""

from __future__ import annotations

from random import Random

from simulation import dates
from simulation.families import grade_zh
from simulation.households import Student
from simulation.lists import SEX_ZH, ListRow, disability_words, school_of, schooling_state
from simulation.schools import COUNTY_NAME, School
from simulation.sheets import Cell, Column, Layout

SAME_AS_ABOVE = "同上"
_FOOTER = "填表人：林某某    审核人：王某某    （盖章）"


def _columns(*headers: str) -> tuple[Column, ...]:
    return tuple(Column(header) for header in headers)


STUDENTS = Layout(
    "students",
    "",
    _columns(
        *("全国学籍号", "学籍辅号", "姓名", "曾用名", "性别", "出生日期", "证件类型", "身份证号"),
        *("学校标识码", "学校名称", "学段", "年级", "班级", "监护人姓名", "监护人身份证号", "联系电话"),
        *("户籍地代码", "家庭住址", "是否寄宿", "是否留守儿童", "就读形式"),
    ),
)
SCHOOLS = Layout("schools", "", _columns("学校标识码", "学校名称", "曾用名", "乡镇", "行政区划代码", "学段"))
DIVISIONS = Layout("divisions", "", _columns("代码", "名称", "变更日期", "变更类型", "撤并后代码", "依据"))
POVERTY = Layout(
    "poverty",
    f"{COUNTY_NAME}建档立卡户家庭成员花名册",
    (
        Column("序号"),
        Column("户编号", "家庭编号", joined=True),
        Column("户主姓名", "户主", joined=True),
        Column("与户主关系"),
        Column("成员姓名", "家庭成员姓名"),
        Column("成员身份证号", "证件号码"),
        Column("性别"),
        Column("户类型", "贫困户属性", joined=True),
        Column("识别时间"),
        Column("脱贫时间", "风险消除时间"),
        Column("退出时间"),
        Column("致贫原因"),
        Column("在校生状况"),
        Column("就读学校"),
        Column("家庭住址", "住址"),
    ),
    footer=_FOOTER,
)
CIVIL = Layout(
    "civil",
    f"{COUNTY_NAME}最低生活保障对象名单",
    _columns(
        *("低保证号", "户主", "户主证件号码", "姓名", "公民身份号码", "与户主关系", "城乡类别", "保障类别"),
        *("整户保/单人保", "享受开始日期", "终止日期", "户籍地址"),
    ),
    footer="制表单位：县民政局社会救助股    制表人：陈某某",
)
HARDSHIP = Layout(
    "hardship",
    f"{COUNTY_NAME}特困人员救助供养名册",
    (
        Column("序号"),
        Column("姓名", group="人员基本情况"),
        Column("性别", group="人员基本情况"),
        Column("身份证号码", group="人员基本情况"),
        Column("姓名", group="监护人"),
        Column("联系电话", group="监护人"),
        Column("救助类型", group="救助情况"),
        Column("城乡类别", group="救助情况"),
        Column("起始日期", group="救助情况"),
        Column("终止日期", group="救助情况"),
        Column("是否孤儿"),
        Column("住址"),
    ),
    two_rows=True,
    footer=_FOOTER,
)
DISABILITY = Layout(
    "disability",
    f"{COUNTY_NAME}持证残疾人名单",
    _columns(
        *("序号", "持证人姓名", "残疾人证号", "残疾类别", "残疾等级"),
        *("发证日期", "有效期至", "监护人", "手机号", "家庭住址"),
    ),
    footer="注：以上数据由县残疾人联合会提供",
)
LIST_LAYOUTS = {layout.stem: layout for layout in (POVERTY, CIVIL, HARDSHIP, DISABILITY)}


def student_cells(student: Student) -> list[Cell]:
    """A line of the register, in the order of STUDENTS."""
    person, household, school = student.person, student.household, student.school
    return [
        student.student_number,
        f"{school.code[-4:]}{student.row:07}",  # a local number that must never be matched on
        person.name,
        person.name[0] + student.former_name if student.former_name else "",
        SEX_ZH[person.sex],
        person.birth.isoformat().replace("-", ""),
        "居民身份证" if student.id_kept else "无",
        person.number if student.id_kept else "",
        school.code,
        school.name,
        student.stage,
        grade_zh(student.stage, student.grade),
        f"{student.class_number}班",
        household.guardian.name,
        household.guardian.number,
        household.phone,
        household.division_code,
        household.address,
        "是" if student.boarder else "否",
        household.left_behind,
        student.placement,
    ]


def school_cells(school: School) -> list[Cell]:
    """A line of the list of schools, in the order of SCHOOLS."""
    stages = "、".join(school.stages)
    return [school.code, school.name, school.former_name, school.township.name, school.township.code + "000", stages]


def list_cells(rng: Random, row: ListRow, number: int, joins_previous: bool) -> list[Cell]:
    """A line of an agency list; `joins_previous` when the row above is of the same household."""
    if row.list_name == "poverty":
        return _poverty_cells(rng, row, number)
    if row.list_name == "civil":
        return _civil_cells(rng, row, joins_previous)
    if row.list_name == "hardship":
        return _hardship_cells(rng, row, number)
    return _disability_cells(rng, row, number)


def _poverty_cells(rng: Random, row: ListRow, number: int) -> list[Cell]:
    household, person, poverty = row.household, row.person, row.household.poverty
    assert poverty is not None
    return [
        number,
        poverty.household_number,
        household.head.name,
        person.relation,
        row.name,
        row.id_cell,
        SEX_ZH[person.sex],
        poverty.kind,
        dates.month_cell(rng, poverty.valid_from),
        dates.month_cell(rng, poverty.lifted_on),
        dates.month_cell(rng, poverty.valid_to),
        poverty.cause,
        schooling_state(person),
        school_of(row),
        household.address,
    ]


def _civil_cells(rng: Random, row: ListRow, joins_previous: bool) -> list[Cell]:
    household, allowance = row.household, row.household.subsistence
    assert allowance is not None
    same = joins_previous and rng.random() < 0.7
    return [
        allowance.household_number,
        SAME_AS_ABOVE if same else household.head.name,
        SAME_AS_ABOVE if same else household.head.number,
        row.name,
        row.id_cell,
        row.person.relation,
        "城市" if allowance.urban else "农村",
        "低保",
        "整户保" if allowance.whole_household else "单人保",
        dates.month_cell(rng, allowance.valid_from),
        dates.month_cell(rng, allowance.valid_to),
        SAME_AS_ABOVE if same else household.address,
    ]


def _hardship_cells(rng: Random, row: ListRow, number: int) -> list[Cell]:
    household, hardship = row.household, row.household.hardship
    assert hardship is not None
    return [
        number,
        row.name,
        SEX_ZH[row.person.sex],
        row.id_cell,
        household.guardian.name,
        household.phone,
        "特困",
        "城市" if hardship.urban else "农村",
        dates.month_cell(rng, hardship.valid_from),
        dates.month_cell(rng, hardship.valid_to),
        "是" if hardship.orphan else "否",
        household.address,
    ]


def _disability_cells(rng: Random, row: ListRow, number: int) -> list[Cell]:
    mark, household = row.person.disability, row.household
    assert mark is not None
    kind, grade = disability_words(row.person)
    child = row.standing != "adult"
    return [
        number,
        row.name,
        row.id_cell,
        kind,
        grade,
        dates.day_cell(rng, mark.issued_on),
        dates.day_cell(rng, mark.expires_on),
        household.guardian.name if child else "",
        household.phone,
        household.address,
    ]

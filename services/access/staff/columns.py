"""The sheet of people and posts: its columns, the words in its cells, and the template that explains both."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from shared.standards.posts import KINDS, POSTS, Kind, Shape
from shared.tabular.header import AliasTable
from shared.tabular.writing import WorkbookWriter

# Field → the label of its column, in the template's order, and what is written there.
COLUMNS: Mapping[str, tuple[str, str]] = {
    "name": ("姓名", "必填。已有账号的人,姓名须与账号一致"),
    "login": ("登录名", "必填。3至64位小写字母、数字或 . _ @ -,不得使用身份证号;同一人的各行填同一登录名"),
    "kind": ("岗位", "必填。见“岗位”工作表;一人有几个岗位就填几行"),
    "school": ("学校标识码", "学校岗位必填。也可填学校目录中的校名"),
    "stage": ("学段", "班主任、帮扶教师可填:小学、初中、高中、幼儿园、中职、特教;不填表示不分学段"),
    "grade": ("年级", "班主任、帮扶教师必填,写法与学籍一致,如 五年级"),
    "class": ("班级", "班主任、帮扶教师必填,写法与学籍一致,如 1班"),
    "division": ("行政区划代码", "县市、乡镇岗位必填,只填数字"),
    "agency": ("部门", "部门报送员必填:乡村振兴局、民政局、残联、教育局"),
    "begins_on": ("开始日期", "可不填。写成 2026-09-01;不填表示即日起"),
    "until": ("结束日期", "可不填。任职的最后一天;不填表示长期"),
}
ALIASES = AliasTable.of(
    {
        "name": ("姓名", "教师姓名", "人员姓名"),
        "login": ("登录名", "账号", "账号名", "用户名", "登录账号"),
        "kind": ("岗位", "岗位类别", "岗位名称"),
        "school": ("学校标识码", "学校代码", "学校", "学校名称"),
        "stage": ("学段",),
        "grade": ("年级",),
        "class": ("班级", "班"),
        "division": ("行政区划代码", "区划代码", "行政区划", "乡镇代码"),
        "agency": ("部门", "部门名称", "单位部门"),
        "begins_on": ("开始日期", "任职开始日期", "起始日期"),
        "until": ("结束日期", "任职结束日期", "截止日期"),
    },
    key_fields=("login", "name", "kind"),  # a row with any of them is somebody's, and is never passed over
)
STAGES: Mapping[str, str] = {
    **dict.fromkeys(("学前", "学前教育", "幼儿园", "preschool"), "preschool"),
    **dict.fromkeys(("小学", "primary"), "primary"),
    **dict.fromkeys(("初中", "初级中学", "junior"), "junior"),
    **dict.fromkeys(("高中", "普高", "普通高中", "senior"), "senior"),
    **dict.fromkeys(("中职", "职高", "中等职业", "中等职业教育", "vocational"), "vocational"),
    **dict.fromkeys(("特教", "特殊教育", "special"), "special"),
}
AGENCIES: Mapping[str, str] = {
    **dict.fromkeys(("乡村振兴局", "poverty_office"), "poverty_office"),
    **dict.fromkeys(("民政局", "civil_affairs"), "civil_affairs"),
    **dict.fromkeys(("残联", "残疾人联合会", "disability_federation"), "disability_federation"),
    **dict.fromkeys(("教育局", "education"), "education"),
}
KIND_WORDS: Mapping[str, Kind] = {
    **{POSTS[kind].zh: kind for kind in KINDS},
    **{kind.value: kind for kind in KINDS},
    "学籍管理员": Kind.REGISTRAR,
    "经办": Kind.AID_CLERK,
    "审批人": Kind.APPROVER,
    "核对员": Kind.REVIEWER,
    "出纳": Kind.CASHIER,
}
# Which columns a post of a shape takes; all of them must be filled but ``stage``.
PLACE_FIELDS = ("school", "stage", "grade", "class", "division", "agency")
SHAPE_FIELDS: Mapping[Shape, tuple[str, ...]] = {
    Shape.DIVISION: ("division",),
    Shape.SCHOOL: ("school",),
    Shape.CLASS: ("school", "stage", "grade", "class"),
    Shape.AGENCY: ("agency",),
}
_EXPLAINED = {
    Shape.DIVISION: "行政区划代码",
    Shape.SCHOOL: "学校标识码",
    Shape.CLASS: "学校标识码、年级、班级",
    Shape.AGENCY: "部门",
    Shape.DIVISION_OR_SCHOOL: "行政区划代码,或学校标识码",
}


def write_template(path: Path, kinds: tuple[Kind, ...]) -> None:
    """The empty sheet, with the posts whoever asks may give and what each column means."""
    with WorkbookWriter(path) as book:
        people = book.sheet("人员", widths=[14.0] * len(COLUMNS))
        people.header([title for title, _ in COLUMNS.values()])
        posts = book.sheet("岗位", widths=[20.0, 40.0])
        posts.header(["岗位的写法", "要填的列"])
        for kind in kinds:
            posts.row([POSTS[kind].zh, _EXPLAINED[POSTS[kind].shape]])
        words = book.sheet("填写说明", widths=[16.0, 90.0])
        words.header(["列名", "怎样填"])
        for title, meaning in COLUMNS.values():
            words.row([title, meaning])
        words.row(["注意", "名单里没有写的人和岗位不会被免去或停用,请在“岗位”页办理"])

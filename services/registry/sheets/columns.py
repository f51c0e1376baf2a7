"""The fields of lists and registers and the headers offices give them (domain.md §3)."""

from __future__ import annotations

from shared.tabular.header import AliasTable

_PERSON = {
    "name": ("姓名", "学生姓名", "成员姓名", "家庭成员姓名", "持证人姓名", "残疾人姓名", "保障对象姓名", "姓 名"),
    "id_number": (
        *("身份证号", "身份证号码", "证件号码", "身份证件号", "公民身份号码", "成员身份证号", "学生身份证号"),
        *("身份证件号码", "居民身份证号", "居民身份证号码", "成员身份证号码", "学生身份证号码", "家庭成员身份证号"),
        *(
            "家庭成员身份证号码",
            "成员证件号码",
            "家庭成员证件号码",
            "学生证件号码",
            "持证人身份证号",
            "身份证",
            "证件号",
        ),
    ),
    "sex": ("性别",),
    "birth_date": ("出生日期", "出生年月", "出生年月日"),
    "former_name": ("曾用名",),
    "id_kind": ("证件类型", "身份证件类型"),
    "person_number": ("人编号", "人员编号"),
    "school": ("学校", "学校名称", "就读学校", "所在学校", "就读学校名称"),
    "school_code": ("学校标识码", "学校代码", "学校编码"),
    "stage": ("学段",),
    "grade": ("年级", "就读年级"),
    "class": ("班级", "班", "班级名称"),
    "guardian_name": ("监护人", "监护人姓名", "家长姓名"),
    "guardian_id": ("监护人身份证号", "监护人身份证号码", "监护人证件号码", "家长身份证号"),
    "phone": ("联系电话", "手机号", "手机号码", "监护人电话", "监护人联系电话"),
    "division_code": ("行政区划代码", "户籍地代码", "户籍地行政区划代码"),
    "address": ("家庭住址", "住址", "户籍地址", "家庭地址", "现住址"),
    "boarder": ("是否寄宿", "住宿生", "就读方式", "是否住宿"),
    "left_behind": ("是否留守儿童", "留守儿童"),
    "placement": ("安置方式", "就读形式", "随班就读", "残疾学生就读方式"),
}

_REGISTER_ONLY = {
    "student_number": ("学籍号", "全国学籍号", "全国学籍号码"),
    "auxiliary_number": ("学籍辅号",),  # a local number: kept apart, never matched on
    "household_number": ("户编号", "家庭编号"),
    "enrolled_on": ("入学日期", "入学年月"),
}

_LIST_ONLY = {
    "student_number": ("学籍号", "全国学籍号"),
    "household_number": ("户编号", "家庭编号"),
    "allowance_number": ("低保证号", "低保证编号"),  # a name space of its own, beside 户编号
    "head_name": ("户主", "户主姓名", "申请人姓名"),
    "head_id": ("户主身份证号", "户主证件号码", "户主身份证号码", "户主证件号", "申请人身份证号"),
    "relation": ("与户主关系", "与户主的关系", "家庭关系"),
    "household_type": ("户类型", "贫困户属性", "脱贫户类型", "户属性", "监测对象类别"),
    "support_type": ("救助类型", "保障类别", "救助类别", "保障类型"),
    "area_type": ("城乡类别", "城乡属性", "城乡"),
    "certificate_number": ("残疾人证号", "残疾证号", "残疾人证号码", "残疾证号码"),
    "disability_kind": ("残疾类别", "残疾类型"),
    "disability_grade": ("残疾等级", "残疾级别"),
    "valid_from": ("识别时间", "享受开始日期", "起始日期", "发证日期", "识别日期", "开始享受日期"),
    "valid_to": ("终止日期", "有效期至", "享受终止日期"),  # the last day on paper, inclusive
    "exited_on": ("退出时间", "退出日期"),  # the first day without
    "lifted_on": ("脱贫时间", "风险消除时间", "脱贫年度", "风险消除日期"),
    "coverage": ("整户保", "单人保", "整户保/单人保", "单人保/整户保", "保障方式", "施保方式"),
    "cause": ("致贫原因", "主要致贫原因", "致贫返贫风险", "返贫致贫风险"),
    "orphan": ("是否孤儿",),
    "schooling_state": ("在校生状况", "失学辍学原因"),
}

# Under these group names 姓名 and 身份证号 belong to somebody else than the person of the row.
_OTHER_PEOPLE = ("户主", "监护人", "家长", "父亲", "母亲", "申请人", "帮扶人", "帮扶责任人", "联系人", "代理人")

REGISTER_COLUMNS = AliasTable.of(
    {**_PERSON, **_REGISTER_ONLY},
    key_fields=("name", "id_number", "student_number"),
    foreign_groups=_OTHER_PEOPLE,
)
LIST_COLUMNS = AliasTable.of(
    {**_PERSON, **_LIST_ONLY},
    key_fields=("name", "id_number", "head_name", "head_id", "certificate_number"),
    foreign_groups=_OTHER_PEOPLE,
)

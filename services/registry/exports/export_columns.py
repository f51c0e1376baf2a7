"""What an export shows of a row: by field, masked or in full, in the words offices use."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Literal

from shared.eventsourcing.periods import FOREVER
from shared.kernel.masking import mask_address, mask_name, mask_number, mask_phone
from shared.standards.disability import GRADES_ZH, KINDS_ZH
from shared.tabular.sheets import Cell

ExportKind = Literal["students", "entries", "submissions"]
_ONE_DAY = timedelta(days=1)

STAGE_WORDS = {
    "preschool": "学前",
    "primary": "小学",
    "junior": "初中",
    "senior": "高中",
    "vocational": "中职",
    "special": "特殊教育",
}
_SEX = {"male": "男", "female": "女"}
_YES = {True: "是", False: "否"}
_STATES = {
    "enrolled": "在校",
    "transferred_out": "已转出",
    "accepted_elsewhere": "外地已接收",
    "graduated": "毕业",
    "dropped_out": "辍学",
    "abroad": "出国(境)",
    "died": "死亡",
    "suspended": "休学",
    "entered_in_error": "误录",
}
_LISTS = {"poverty": "扶贫", "civil": "民政", "disability": "残联", "students": "学籍", "schools": "学校"}
_SUPPORT = {"subsistence_allowance": "低保", "extreme_hardship": "特困"}
_AREA = {"rural": "农村", "urban": "城市"}


@dataclass(frozen=True, slots=True)
class ExportColumn:
    """``field`` is the canonical one of domain.md §3 where there is one, so that an office's header finds it; ``key``
    the row's column. ``mask`` is there for what identifies a person."""

    field: str
    title: str
    key: str
    words: Mapping[Any, str] | None = None
    mask: Callable[[str | None], str] | None = None

    def cell(self, row: Mapping[str, Any], full: bool) -> Cell:
        """The cell of a row."""
        value = row[self.key]
        if value is None or value == FOREVER:
            return ""
        if self.mask is not None and not full:
            return self.mask(str(value))
        if self.words is not None:
            return self.words.get(value, str(value))
        if isinstance(value, list):
            return "; ".join(map(str, value))
        if self.key == "ends_on":
            return value - _ONE_DAY  # type: ignore[no-any-return]  # a paper's last day counts
        return value if isinstance(value, int | date) else str(value)


def _year_only(day: str | None) -> str:
    return f"{day[:4]}-**-**" if day else ""


COLUMNS: dict[ExportKind, tuple[ExportColumn, ...]] = {
    "students": (
        ExportColumn("name", "姓名", "name", mask=mask_name),
        ExportColumn("former_name", "曾用名", "former_name", mask=mask_name),
        ExportColumn("id_number", "身份证号", "id_number", mask=mask_number),
        ExportColumn("student_number", "学籍号", "student_number", mask=mask_number),
        ExportColumn("sex", "性别", "sex", _SEX),
        ExportColumn("birth_date", "出生日期", "birth_date", mask=_year_only),
        ExportColumn("school", "学校名称", "school_name"),
        ExportColumn("school_code", "学校标识码", "school_code"),
        ExportColumn("stage", "学段", "stage", STAGE_WORDS),
        ExportColumn("grade", "年级", "grade"),
        ExportColumn("class", "班级", "class_name"),
        ExportColumn("guardian_name", "监护人姓名", "guardian_name", mask=mask_name),
        ExportColumn("guardian_id", "监护人身份证号", "guardian_id", mask=mask_number),
        ExportColumn("phone", "联系电话", "phone", mask=mask_phone),
        ExportColumn("address", "家庭住址", "address", mask=mask_address),
        ExportColumn("boarder", "是否寄宿", "boarder", _YES),
        ExportColumn("left_behind", "是否留守儿童", "left_behind", _YES),
        ExportColumn("placement", "就读形式", "placement"),
        ExportColumn("state", "学籍状态", "state", _STATES),
    ),
    "entries": (
        ExportColumn("list", "名单", "list", _LISTS),
        ExportColumn("agency", "报送部门", "agency"),
        ExportColumn("name", "姓名", "name", mask=mask_name),
        ExportColumn("id_number", "身份证号", "id_number", mask=mask_number),
        ExportColumn("division_code", "行政区划代码", "division_code"),
        ExportColumn("household_type", "户类型", "household_type"),
        ExportColumn("support_type", "救助类型", "support_type", _SUPPORT),
        ExportColumn("area_type", "城乡类别", "area_type", _AREA),
        ExportColumn("coverage", "保障方式", "coverage"),
        ExportColumn("disability_kind", "残疾类别", "disability_kind", KINDS_ZH),
        ExportColumn("disability_grade", "残疾等级", "disability_grade", GRADES_ZH),
        ExportColumn("valid_from", "起始日期", "starts_on"),
        ExportColumn("valid_to", "有效期至", "ends_on"),
        ExportColumn("row", "行号", "row"),
        ExportColumn("problems", "问题", "problems"),
    ),
    "submissions": (
        ExportColumn("received_at", "报送时间", "received_at"),
        ExportColumn("list", "名单", "list", _LISTS),
        ExportColumn("agency", "报送部门", "agency"),
        ExportColumn("mode", "方式", "mode", {"snapshot": "全量名单", "increment": "增量名单"}),
        ExportColumn("effective_on", "生效日期", "valid_from"),
        ExportColumn("rows", "总行数", "rows"),
        ExportColumn("added", "新增", "added"),
        ExportColumn("corrected", "更正", "corrected"),
        ExportColumn("unchanged", "未变", "unchanged"),
        ExportColumn("removed", "退出", "removed"),
        ExportColumn("rejected", "退回", "rejected"),
        ExportColumn("state", "状态", "state", {"received": "已入库", "held": "待确认退出", "confirmed": "已确认退出"}),
    ),
}


def personal_fields_of(kind: ExportKind) -> tuple[str, ...]:
    """The fields of an export that are masked unless a purpose is given."""
    return tuple(column.field for column in COLUMNS[kind] if column.mask is not None)

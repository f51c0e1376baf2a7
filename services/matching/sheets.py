"""The roster as a workbook for people: one row per student, names masked as on the page."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from services.matching.categories import CATEGORIES_ZH
from services.matching.list_dates import ListDate
from services.matching.roster import EvidenceRow, RosterRow
from shared.kernel.clock import SHANGHAI
from shared.tabular.writing import WorkbookWriter

LISTS_ZH = {"poverty": "建档立卡名单", "civil": "民政名单", "disability": "残联名单"}
INPUTS_ZH = {**LISTS_ZH, "students": "学籍名册", "schools": "学校名录"}
HEADER = ("学校标识码", "学校", "年级", "班级", "姓名", "困难类别", "类型", "起始日期", "依据")
_WIDTHS = (14, 28, 10, 10, 12, 20, 18, 12, 50)


def _said(each: EvidenceRow) -> str:
    said = f"{LISTS_ZH.get(each.list, each.list)} {each.kind}".strip()
    return f"{said}(名单截至 {each.list_dated.isoformat()},认定时 {each.list_age_days} 天)"


def write_roster(path: Path, title: str, rows: Iterable[RosterRow], inputs: Iterable[ListDate] = ()) -> int:
    """Write the rows in their order under a header, and on a sheet of its own how old each input was; how many rows."""
    with WorkbookWriter(path) as book:
        sheet = book.sheet(title, widths=_WIDTHS)
        sheet.header(HEADER)
        for row in rows:
            evidence = ";".join(_said(each) for each in row.evidence)
            place = (row.school_code or "", row.school_name or "", row.grade or "", row.class_name or "")
            category = CATEGORIES_ZH.get(row.category, row.category)
            sheet.row((*place, row.name, category, row.kind, row.since or "", evidence))
        about = book.sheet("数据截至", widths=(20, 24, 14, 20))
        about.header(("名单", "部门", "数据截至", "收到时间"))
        for each in inputs:
            received = each.received_at.astimezone(SHANGHAI).strftime("%Y-%m-%d %H:%M")
            about.row((INPUTS_ZH.get(each.list, each.list), each.agency, each.dated, received))
        return sheet.row_count - 1

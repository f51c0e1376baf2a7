"""The roster as a workbook for people: one row per student, names masked as on the page."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from services.matching.categories import CATEGORIES_ZH
from services.matching.roster import RosterRow
from shared.tabular.writing import WorkbookWriter

LISTS_ZH = {"poverty": "建档立卡名单", "civil": "民政名单", "disability": "残联名单"}
HEADER = ("学校标识码", "学校", "年级", "班级", "姓名", "困难类别", "类型", "起始日期", "依据")
_WIDTHS = (14, 28, 10, 10, 12, 20, 18, 12, 50)


def write_roster(path: Path, title: str, rows: Iterable[RosterRow]) -> int:
    """Write the rows in their order under a header; how many there were."""
    with WorkbookWriter(path) as book:
        sheet = book.sheet(title, widths=_WIDTHS)
        sheet.header(HEADER)
        for row in rows:
            evidence = ";".join(f"{LISTS_ZH.get(each.list, each.list)} {each.kind}".strip() for each in row.evidence)
            place = (row.school_code or "", row.school_name or "", row.grade or "", row.class_name or "")
            category = CATEGORIES_ZH.get(row.category, row.category)
            sheet.row((*place, row.name, category, row.kind, row.since or "", evidence))
        return sheet.row_count - 1

"""What a guardian gets who asks who saw the child: the reads of her alone, without anything of anybody else."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from services.audit.reads.read_queries import ReadRow
from shared.kernel.clock import SHANGHAI
from shared.tabular.writing import WorkbookWriter

_HEADER = ("时间 Time", "查阅人 Reader", "范围 Scope", "查阅内容 What", "字段 Fields", "事由 Purpose")
_WIDTHS = (20, 24, 18, 20, 40, 40)
KINDS = {
    "student": "学生信息",
    "file": "完整档案",
    "list_row": "名单比对",
    "case": "控辍保学个案",
    "letter": "外地公函",
    "paper": "纸质材料",
    "returned_rows": "退回名单",
    "download": "导出文件",
}
WHOLE_LIST = "整份导出(可能包含该生)"


def write_sheet(path: Path, rows: Sequence[ReadRow]) -> None:
    """An xlsx of these reads, latest first; ready to print."""
    with WorkbookWriter(path) as book:
        sheet = book.sheet("查阅记录", widths=_WIDTHS)
        sheet.header(_HEADER)
        for row in rows:
            sheet.row(
                (
                    row.read_at.astimezone(SHANGHAI).strftime("%Y-%m-%d %H:%M"),
                    row.viewer,
                    row.school_code or row.agency or row.division_code or "",
                    kind_shown(row.kind),
                    "、".join(row.fields),
                    row.purpose or "",
                )
            )


def kind_shown(kind: str) -> str:
    """What was opened, in words."""
    return WHOLE_LIST if kind.startswith("export:") else KINDS.get(kind, kind)

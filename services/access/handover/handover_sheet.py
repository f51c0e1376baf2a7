"""The list to sign (交接清单) as a workbook laid out for paper: the head, the items, lines for the signatures."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

from services.access.handover.handover_queries import HandoverRow, ItemRow
from shared.kernel.clock import SHANGHAI
from shared.standards.open_work import OPEN_WORK, Kind
from shared.standards.posts import POSTS
from shared.tabular.writing import WorkbookWriter

CHANGES = {"listed": "清单", "added": "之后新增", "gone": "之后办结"}
_HEADS = ("序号", "类别", "事项", "件数", "起始", "期限", "归属", "情况")


def write(path: Path, handover: HandoverRow, items: Iterable[ItemRow]) -> None:
    """Write it."""
    with WorkbookWriter(path) as book:
        sheet = book.sheet("交接清单", widths=[8, 18, 44, 8, 12, 12, 12, 12], frozen_rows=0, printed=True)
        for name, value in head(handover):
            sheet.row([name, "", value])
        sheet.row([])
        sheet.header(list(_HEADS))
        for number, item in enumerate(items, 1):
            own = "本人" if item.mine else "岗位"
            sheet.row(
                [
                    number,
                    kind_name(item.kind),
                    item.about,
                    item.count,
                    item.since or "",
                    item.due or "",
                    own,
                    CHANGES[item.change],
                ]
            )
        sheet.row([])
        for name, signed in signatures(handover):
            sheet.row([name, "", signed or "签字:                    日期:"])


def head(handover: HandoverRow) -> list[tuple[str, str]]:
    """What stands above the list."""
    place = handover.agency or handover.school_name or handover.school_code or handover.division_code
    post = POSTS[handover.kind].zh
    where = f"{place} {handover.school_class}" if handover.school_class else place
    return [
        ("岗位", f"{post} · {where}"),
        ("移交人", handover.predecessor_name or ""),
        ("接收人", handover.successor_name or ""),
        ("事由", handover.reason),
        ("清单时间", _moment(handover.listed_at)),
        ("事项合计", "无待办事项" if handover.total == 0 else f"{handover.total} 项"),
        ("清单校验码", handover.items_hash or ""),
    ]


def signatures(handover: HandoverRow) -> list[tuple[str, str]]:
    """Who signed when; empty: to be signed on paper."""
    absent = f"(缺席,管理员代签:{handover.absent_reason})" if handover.absent_reason else ""
    lines = [
        ("移交人", _signed(handover.predecessor_signed_at) + absent),
        ("接收人", _signed(handover.successor_signed_at)),
    ]
    if handover.by_holder or handover.administrator_signed_at:
        lines.append(("监交人", _signed(handover.administrator_signed_at)))
    return lines


def kind_name(kind: str) -> str:
    """What a kind is called on paper."""
    return OPEN_WORK[Kind(kind)].zh


def _signed(moment: datetime | None) -> str:
    return f"已在系统签字 {_moment(moment)}" if moment else ""


def _moment(moment: datetime | None) -> str:
    return moment.astimezone(SHANGHAI).strftime("%Y-%m-%d %H:%M") if moment else ""

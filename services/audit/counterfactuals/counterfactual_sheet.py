"""An answer as a workbook made for paper: a cover with what was otherwise, the totals and lines to sign; then school by
school, agency by agency, child by child, and the events behind each difference. The same answer gives the same bytes,
but for how long it took."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from services.audit.counterfactuals.answer import CounterfactualAnswer, Total
from shared.kernel.clock import SHANGHAI
from shared.tabular.sheets import Cell
from shared.tabular.writing import XLSX, WorkbookWriter

FEN_IN_YUAN = 100
ANSWERS: Mapping[int | str, dict[str, Any]] = {
    200: {"description": "the workbook", "content": {XLSX: {"schema": {"type": "string", "format": "binary"}}}}
}
REASONS = {
    "list_moved": "名单按另一日期送达",
    "list_redated": "名单以另一日期为准",
    "list_left_out": "该名单未曾报送",
    "list_replaced": "名单换成更正后的内容",
    "list_brought": "补报的名单",
    "other_rules": "执行另一版本的资助标准",
    "another_row": "因其他记录变化而不同",
}
CHANGES = {
    "move": "提前或推迟送达 move",
    "redate": "改变名单日期 redate",
    "leave_out": "未曾报送 leave out",
    "replace": "换成更正名单 replace",
    "bring": "补报名单 bring",
    "rules": "另一版本的标准 rules",
}
_SIGNERS = ("提问人 asked by", "复核人 reviewed by", "被审计单位 audited office", "日期 date")
_LINE = "_" * 30
_TOTALS = ["人数 children", "实际应发(元) real", "假设应发(元) would be", "应补(元) more", "应减(元) less"]


def write(answer: CounterfactualAnswer, path: Path) -> None:
    """The workbook. Raises OSError."""
    with WorkbookWriter(path) as book:
        cover = book.sheet("推演 counterfactual", widths=[26, 90], frozen_rows=0, printed=True)
        cover.header(["如果当时……", "What would have been paid"])
        for row in _cover(answer):
            cover.row(row)
        _totals(book, "按学校 schools", "学校标识码 school", answer.schools)
        _totals(book, "按单位 agencies", "报送单位 agencies", answer.agencies)
        rows = book.sheet("按学生 children", widths=[6, 38, 18, 14, 16, 14, 24, 12, 12, 12, 12, 30], printed=True)
        rows.header(
            [
                *(
                    "序号",
                    "学生 student",
                    "项目 programme",
                    "学期 term",
                    "学校 school",
                    "区划 division",
                    "报送单位 agencies",
                ),
                *("实际应发(元)", "假设应发(元)", "差额(元)", "已发(元)", "原因 reason"),
            ]
        )
        for number, child in enumerate(answer.children, 1):
            place = [child.school_code, child.division_code, "、".join(child.agencies)]
            fen = (child.real_fen, child.would_fen, child.would_fen - child.real_fen, child.paid_fen)
            why = "、".join(dict.fromkeys(REASONS[each.code] for each in child.reasons))
            note = f"{why}(复算存疑)" if child.unsure else why
            money = [each / FEN_IN_YUAN for each in fen]
            rows.row([number, str(child.student_id), child.programme, child.term, *place, *money, note])
        evidence = book.sheet("依据 evidence", widths=[8, 8, 38, 16, 12, 38, 34], printed=True)
        evidence.header(
            ["序号", "改动 change", "名单行 row", "服务 service", "记录序号 index", "事件 event", "类型 type"]
        )
        for number, child in enumerate(answer.children, 1):
            for reason in child.reasons:
                about: list[Cell] = [reason.change or "", str(reason.entry_id or "")]
                for event in reason.events:
                    evidence.row([number, *about, event.service, event.log_index, str(event.event_id), event.type])


def _totals(book: WorkbookWriter, title: str, name: str, totals: Sequence[Total]) -> None:
    sheet = book.sheet(title, widths=[6, 30, 12, 16, 16, 14, 14], printed=True)
    sheet.header(["序号", name, *_TOTALS])
    for number, each in enumerate(totals, 1):
        fen = (each.real_fen, each.would_fen, each.more_fen, each.less_fen)
        sheet.row([number, each.name, each.children, *(value / FEN_IN_YUAN for value in fen)])


def _cover(answer: CounterfactualAnswer) -> Iterator[list[Cell]]:
    yield ["说明", "按存档重新运行匹配与资助认定,只改变下列各项;真实记录不受任何影响。"]
    yield ["截至此刻已掌握 known at", answer.known_at.astimezone(SHANGHAI).isoformat()]
    for service, index in sorted(answer.log_index.items()):
        yield [f"记录至 log of {service}", index]
    for number, change in enumerate(answer.changes, 1):
        told = {name: value for name, value in change.items() if name != "what" and value is not None}
        title = CHANGES.get(str(change.get("what")), str(change.get("what")))
        yield [f"改动 change {number}", f"{title} {json.dumps(told, ensure_ascii=False, sort_keys=True)}"]
    yield ["复算核对 control", _control(answer)]
    for each in answer.deviations:
        yield ["复算不一致 deviation", f"{each.student_id} {each.programme} {each.term}: {each.real} ≠ {each.rerun}"]
    for note in answer.notes:
        yield ["前提 assumed", note]
    yield ["有差别的资格 rows", len(answer.children)]
    yield ["结果 SHA-256", answer.hash]
    yield ["", ""]
    for signer in _SIGNERS:
        yield [signer, _LINE]


def _control(answer: CounterfactualAnswer) -> str:
    if answer.clean:
        return f"不作任何改动时,{answer.entitlements} 项资格与真实结果完全一致 clean"
    return "不作任何改动时,复算与真实结果不完全一致,比较须谨慎 not clean"

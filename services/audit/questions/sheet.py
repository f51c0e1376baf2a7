"""An answer as a workbook made for paper: a cover with the question, its query and lines to sign, the rows, the events
they rest on; every page numbered by its sheet's footer. The same answer gives the same bytes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from services.audit.questions.asking import Finding
from services.audit.questions.catalogue import EVIDENCE, Column
from shared.kernel.clock import SHANGHAI
from shared.tabular.sheets import Cell
from shared.tabular.writing import WorkbookWriter

FEN_IN_YUAN = 100
_SIGNERS = ("提问人 asked by", "复核人 reviewed by", "被审计单位 audited office", "日期 date")
_LINE = "_" * 30
_WIDE = {"text": 20.0, "name": 10.0, "identity": 20.0, "list": 24.0, "day": 12.0, "fen": 12.0}


def write(finding: Finding, path: Path) -> None:
    """The workbook. Raises OSError."""
    question = finding.question
    with WorkbookWriter(path) as book:
        cover = book.sheet("问题 question", widths=[26, 90], frozen_rows=0, printed=True)
        cover.header([question.zh, question.en])
        for row in _cover(finding):
            cover.row(row)
        columns = question.columns
        sheet = book.sheet(question.zh, widths=[6, *(_WIDE.get(each.kind, 10.0) for each in columns)], printed=True)
        sheet.header(["序号", *(each.zh for each in columns)])
        for number, found in enumerate(finding.rows, 1):
            sheet.row([number, *(cell(each, found[each.key]) for each in columns)])
        evidence = book.sheet("依据 evidence", widths=[8, 16, 12, 38, 34], printed=True)
        evidence.header(["序号", "服务 service", "记录序号 index", "事件 event", "类型 type"])
        for number, found in enumerate(finding.rows, 1):
            for event in found[EVIDENCE]:
                evidence.row([number, event["service"], event["log_index"], event["event_id"], event["type"]])


def _cover(finding: Finding) -> Iterator[list[Cell]]:
    question = finding.question
    yield ["说明", question.meaning_zh]
    yield ["截至此刻已掌握 known at", finding.known_at.astimezone(SHANGHAI).isoformat()]
    yield ["以此日为准 true on", finding.true_on.isoformat()]
    for name, value in sorted(finding.parameters.items()):
        yield [f"参数 {name}", "" if value is None else str(value)]
    for service, index in sorted(finding.log_index.items()):
        yield [f"记录至 log of {service}", index]
    yield ["行数 rows", len(finding.rows)]
    if finding.more:
        yield ["未尽 more", "结果超过一次回答的上限,请按学校或区划分别提问 more rows than one answer holds"]
    if finding.left_out:
        yield ["未计入的记录 left out", ", ".join(f"{service} #{index}" for service, index in finding.left_out)]
    yield ["结果 SHA-256", finding.hash]
    yield ["查询 query", ""]
    for line in question.sql.rstrip().splitlines():
        yield ["", line]
    yield ["", ""]
    for signer in _SIGNERS:
        yield [signer, _LINE]


def cell(column: Column, value: Any) -> Cell:
    """A value as the sheet shows it: money in yuan, lists in one cell."""
    if value is None:
        return ""
    if column.kind == "fen":
        return int(value) / FEN_IN_YUAN
    if column.kind == "flag":
        return "是" if value else ""
    if isinstance(value, list):
        return "、".join(map(str, value))
    return value if isinstance(value, int | float) else column.words.get(str(value), str(value))

"""A school year as an office keeps it: one line for each term, holiday, made-up day and weekly rest, as xlsx or csv.

类型 (学期, 节假日, 补课日, 每周休息日) · 名称 · 开始日期 · 结束日期 (empty: one day). Of a weekly rest the name says
which weekdays: 周六、周日
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from pathlib import Path

from services.registry.errors import InvalidBatch
from services.registry.sheets import cells
from shared.standards.school_calendar import NAME_CHARACTERS, SPANS_MOST, CalendarYear, Span
from shared.tabular import dates
from shared.tabular.book import open_book
from shared.tabular.errors import HeaderMissing
from shared.tabular.header import AliasTable
from shared.tabular.rows import find_table
from shared.tabular.sheets import Cell

CALENDAR_COLUMNS = AliasTable.of(
    {
        "kind": ("类型", "类别", "项目"),
        "name": ("名称", "说明", "备注"),
        "first": ("开始日期", "起始日期", "日期", "开始"),
        "last": ("结束日期", "截止日期", "结束"),
    },
    key_fields=("kind", "first"),
)
PROBLEMS_TOLD = 100
_KINDS = {
    **dict.fromkeys(("学期", "term"), "term"),
    **dict.fromkeys(("节假日", "假日", "放假", "holiday"), "holiday"),
    **dict.fromkeys(("补课日", "补课", "调休", "上课", "made-up"), "made_up"),
    **dict.fromkeys(("每周休息日", "每周休息", "休息日", "rest"), "rest"),
}
_WEEKDAYS = {sign: number for number, sign in enumerate("一二三四五六日", 1)} | {"天": 7}
_BLANKS = re.compile(r"[\s、,,;;]|星期|周|礼拜")
_ONE_DAY = timedelta(days=1)


class _Line(ValueError):
    """A line that cannot be: (code, zh, en)."""

    def __init__(self, code: str, zh: str, en: str) -> None:
        super().__init__(en)
        self.told = code, zh, en


def calendar_year(path: Path) -> CalendarYear:
    """The school year in every sheet with a header; weekly rest is Saturday and Sunday unless it is told. Raises a
    TabularError, InvalidBatch naming the lines that cannot be; whether the days fit together is not looked at."""
    terms: list[Span] = []
    holidays: list[Span] = []
    made_up: list[date] = []
    rest: set[int] = set()
    wrong: list[tuple[int, str, str, str]] = []
    for number, told in enumerate(_rows(path), 1):
        try:
            kind = _KINDS.get(cells.text(told["kind"]))
            match kind:
                case "term":
                    terms.append(_span(told))
                case "holiday":
                    holidays.append(_span(told))
                case "made_up":
                    made_up += _days(_span(told))
                case "rest":
                    rest |= _weekdays(cells.text(told["name"]))
                case _:
                    raise _Line("kind", "类型应为学期、节假日、补课日或每周休息日", "The kind is unknown.")
        except dates.DateError as error:
            wrong.append((number, "date", *dates.MESSAGES[error.code]))
        except _Line as line:
            wrong.append((number, *line.told))
    if wrong:
        raise InvalidBatch(wrong[:PROBLEMS_TOLD], len(wrong))
    return CalendarYear(tuple(terms), tuple(sorted(rest)) or (6, 7), tuple(holidays), tuple(made_up))


def _span(told: dict[str, Cell]) -> Span:
    first = _day(told["first"])
    last = _day(told["last"]) if cells.text(told["last"]) else first
    name = cells.text(told["name"]) or cells.text(told["kind"])
    if not first <= last <= first + timedelta(days=SPANS_MOST):
        raise _Line(
            "days", "结束日期早于开始日期,或相隔过久", "The last day lies before the first, or too far from it."
        )
    if len(name) > NAME_CHARACTERS:
        raise _Line("name", f"名称最多{NAME_CHARACTERS}个字", f"A name has at most {NAME_CHARACTERS} characters.")
    return Span(first, last, name)


def _day(cell: Cell) -> date:
    found = dates.parse(cell)
    if found is None or not found.is_day:
        raise dates.DateError("unreadable")
    return found.first


def _days(span: Span) -> list[date]:
    return [span.first + _ONE_DAY * number for number in range((span.last - span.first).days + 1)]


def _weekdays(text: str) -> set[int]:
    signs = _BLANKS.sub("", text)
    found = {_WEEKDAYS.get(sign) or (int(sign) if sign in "1234567" else 0) for sign in signs}
    if not found or 0 in found:
        raise _Line("weekday", "每周休息日应写作“周六、周日”", "The weekdays cannot be read.")
    return found


def _rows(path: Path) -> Iterator[dict[str, Cell]]:
    book = open_book(path)
    tables = [table for table in (find_table(sheet, CALENDAR_COLUMNS) for sheet in book.sheets) if table is not None]
    if not tables:
        raise HeaderMissing(
            "没有找到校历表的表头(至少要有类型和开始日期)",
            "The calendar has no header row: a column of kinds and one of first days are needed.",
            file=path.name,
        )
    for table in tables:
        columns = table.header.columns
        for _, row in table.data_rows():
            yield {field: _cell(row, columns.get(field)) for field in ("kind", "name", "first", "last")}


def _cell(row: Sequence[Cell], place: int | None) -> Cell:
    return row[place] if place is not None and place < len(row) else ""

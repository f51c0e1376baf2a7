"""A letter as a paper to sign, seal and post: docx, A4, with its number, addressee, children, signature and the slip
回执 that comes back. The template is made here in code, so nothing in it is of unknown origin; docxtpl fills it in.

Children are masked as everywhere: the place of registration finds them by school, grade and what the masks leave.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from datetime import date
from functools import cache
from typing import Any, NamedTuple

from docx import Document
from docx.document import Document as Paper
from docx.enum.text import WD_ALIGN_PARAGRAPH
from docx.oxml.ns import qn
from docx.shared import Mm, Pt
from docx.text.paragraph import Paragraph
from docxtpl import DocxTemplate

DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
FONT = "FangSong"
_FONT_EAST = "仿宋"
_TITLE_POINTS, _BODY_POINTS, _TABLE_POINTS = 22, 16, 11
_MARGINS_MM = (37, 28, 35, 26)  # top, left, bottom, right, as GB/T 9704 sets official papers
_ASKED = (
    ("序号", "no"),
    ("姓名", "name"),
    ("证件号码", "number_masked"),
    ("就读学校", "school"),
    ("年级", "grade"),
    ("困难类别", "category"),
)
_SLIP = (
    ("序号", "no"),
    ("姓名", "name"),
    ("核实情况", "blank"),
    ("资助项目", "blank"),
    ("金额(元)", "blank"),
    ("学期", "blank"),
)
_CHOICES = "核实情况请填:已资助、部分资助、无学籍、已离校、不符合当地条件。"
_CATEGORIES = {
    "registered_poor": "建档立卡",
    "disabled": "残疾学生",
    "subsistence_rural": "农村低保",
    "extreme_hardship": "特困救助供养",
}
_SEASONS = {"spring": "春季", "autumn": "秋季"}


class PaperChild(NamedTuple):
    """One line of the letter's table, masked."""

    name: str
    number_masked: str
    school: str
    grade: str
    category: str


class PaperLetter(NamedTuple):
    """What a letter says. ``number`` empty: a blank to write it in; ``dated`` None: the same for the day."""

    sender: str
    recipient: str
    term: str
    number: str
    dated: date | None
    reply_by: date | None
    children: Sequence[PaperChild]


def written(letter: PaperLetter) -> bytes:
    """The letter as a docx file."""
    paper = DocxTemplate(io.BytesIO(template()))
    paper.render(_context(letter), autoescape=True)
    content = io.BytesIO()
    paper.save(content)
    return content.getvalue()


def term_name(term: str) -> str:
    """2026-autumn → 2026年秋季学期."""
    year, _, season = term.partition("-")
    return f"{year}年{_SEASONS.get(season, season)}学期"


def _context(letter: PaperLetter) -> Mapping[str, Any]:
    lines = [
        child._asdict() | {"no": number, "blank": "", "category": _CATEGORIES.get(child.category, child.category)}
        for number, child in enumerate(letter.children, 1)
    ]
    return {
        "sender": letter.sender,
        "recipient": letter.recipient,
        "term": term_name(letter.term),
        "number": letter.number or "(文号:            )",
        "dated": _day(letter.dated) or "    年  月  日",
        "reply_by": _day(letter.reply_by) or "收函后三十日内",
        "count": len(lines),
        "children": lines,
    }


def _day(day: date | None) -> str:
    return "" if day is None else f"{day.year}年{day.month}月{day.day}日"


@cache
def template() -> bytes:
    """The template's bytes, made once."""
    paper = Document()
    _page(paper)
    _line(paper, "{{ number }}", align=WD_ALIGN_PARAGRAPH.RIGHT)
    _line(
        paper,
        "关于商请核实{{ term }}学生资助情况的函",
        points=_TITLE_POINTS,
        bold=True,
        align=WD_ALIGN_PARAGRAPH.CENTER,
    )
    _line(paper, "{{ recipient }}:")
    _line(
        paper,
        "    我地下列{{ count }}名家庭经济困难学生的学籍在贵地。按照资助随学籍的原则,"
        "请协助核实其{{ term }}是否已在贵地享受学生资助,并于{{ reply_by }}前将回执寄回。"
        "未在贵地享受资助的,我地将按规定予以资助,避免遗漏和重复。",
    )
    _table(paper, _ASKED)
    _line(paper, "    此函。")
    _line(paper, "{{ sender }}(盖章)", align=WD_ALIGN_PARAGRAPH.RIGHT)
    _line(paper, "{{ dated }}", align=WD_ALIGN_PARAGRAPH.RIGHT)
    slip = _line(paper, "回  执", points=_TITLE_POINTS, bold=True, align=WD_ALIGN_PARAGRAPH.CENTER)
    slip.paragraph_format.page_break_before = True
    _line(paper, "{{ sender }}:")
    _line(paper, "    来函({{ number }})收悉,{{ term }}核实情况如下:")
    _table(paper, _SLIP)
    _line(paper, _CHOICES, points=_TABLE_POINTS)
    _line(paper, "经办人:            联系电话:            ")
    _line(paper, "{{ recipient }}(盖章)        年  月  日", align=WD_ALIGN_PARAGRAPH.RIGHT)
    content = io.BytesIO()
    paper.save(content)
    return content.getvalue()


def _page(paper: Paper) -> None:
    section = paper.sections[0]
    section.page_width, section.page_height = Mm(210), Mm(297)
    top, left, bottom, right = (Mm(each) for each in _MARGINS_MM)
    section.top_margin, section.left_margin, section.bottom_margin, section.right_margin = top, left, bottom, right
    paper.core_properties.author = ""
    paper.core_properties.comments = ""


def _line(
    paper: Paper,
    text: str,
    *,
    points: int = _BODY_POINTS,
    bold: bool = False,
    align: WD_ALIGN_PARAGRAPH = WD_ALIGN_PARAGRAPH.LEFT,
) -> Paragraph:
    paragraph = paper.add_paragraph()
    paragraph.alignment = align
    _write(paragraph, text, points, bold=bold)
    return paragraph


def _write(paragraph: Paragraph, text: str, points: int, *, bold: bool = False) -> None:
    run = paragraph.add_run(text)
    run.bold = bold
    run.font.size = Pt(points)
    run.font.name = FONT
    run._element.get_or_add_rPr().get_or_add_rFonts().set(qn("w:eastAsia"), _FONT_EAST)


def _table(paper: Paper, columns: Sequence[tuple[str, str]]) -> None:
    """A head, and between the rows that docxtpl takes away one that it repeats for each child."""
    table = paper.add_table(rows=4, cols=len(columns))
    table.style = "Table Grid"
    head, begin, each, end = table.rows
    for cell, (title, _) in zip(head.cells, columns, strict=True):
        _write(cell.paragraphs[0], title, _TABLE_POINTS, bold=True)
    _write(begin.cells[0].paragraphs[0], "{%tr for child in children %}", _TABLE_POINTS)
    for cell, (_, field) in zip(each.cells, columns, strict=True):
        _write(cell.paragraphs[0], f"{{{{ child.{field} }}}}", _TABLE_POINTS)
    _write(end.cells[0].paragraphs[0], "{%tr endfor %}", _TABLE_POINTS)

"""A letter as a paper to sign, seal and post: docx, A4, with its number, addressee, children, signature and the slip
回执 that comes back. The template is made here in code, so nothing in it is of unknown origin; docxtpl fills it in.

Children are masked as everywhere, or in full where who posts the letter asked for that with a purpose (paper_api.py):
by a mask nobody is found at the place of registration.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from datetime import date
from functools import cache
from typing import Any, NamedTuple

from docx.document import Document as Paper
from docxtpl import DocxTemplate

from services.disbursement.letters.paper_layout import (
    CENTRE,
    RIGHT,
    TABLE_POINTS,
    TITLE_POINTS,
    WIDTH_MM,
    Column,
    blank_page,
    blanks,
    line,
    table,
)

DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
ERASED = "（信息已删除）"
_ASKED_ROW_MM, _SLIP_ROW_MM = 7, 9  # the slip is filled in by hand
_ASKED = (
    Column("序号", "no", 10),
    Column("姓名", "name", 20),
    Column("证件号码", "id_number", 47),  # 18 digits in one line, whatever type stands in for the letter's own
    Column("就读学校", "school", 47, centred=False),
    Column("年级", "grade", 14),
    Column("困难类别", "category", 18),
)
_SLIP = (
    Column("序号", "no", 10),
    Column("姓名", "name", 26),
    Column("核实情况", "blank", 34),
    Column("资助项目", "blank", 34),
    Column("金额（元）", "blank", 24),
    Column("学期", "blank", 28),
)
_CHOICES = "核实情况请填：已资助、部分资助、无学籍、已离校、不符合当地条件。"
_CARE = "本函含学生个人信息，仅供核实学生资助情况使用，请妥善保管。"
_CATEGORIES = {
    "registered_poor": "建档立卡",
    "disabled": "残疾学生",
    "subsistence_rural": "农村低保",
    "extreme_hardship": "特困救助供养",
}
_SEASONS = {"spring": "春季", "autumn": "秋季"}
_BLANK_DAY = "    年  月  日"


class PaperChild(NamedTuple):
    """One line of the letter's table; no ``name`` means that it was erased."""

    name: str
    id_number: str
    school: str
    grade: str
    category: str


class PaperLetter(NamedTuple):
    """What a letter says. ``number`` empty: a blank to write it in; ``dated`` None: the same for the day. ``in_full``:
    the children are not masked, which the paper then says."""

    sender: str
    recipient: str
    term: str
    number: str
    dated: date | None
    reply_by: date | None
    children: Sequence[PaperChild]
    in_full: bool = False


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
        child._asdict()
        | {
            "no": number,
            "name": child.name or ERASED,
            "blank": "",
            "category": _CATEGORIES.get(child.category, child.category),
        }
        for number, child in enumerate(letter.children, 1)
    ]
    return {
        "sender": letter.sender,
        "recipient": letter.recipient,
        "term": term_name(letter.term),
        "number": letter.number or "文号：            ",
        "dated": _day(letter.dated) or _BLANK_DAY,
        "reply_by": f"{_day(letter.reply_by)}前" if letter.reply_by else "收函后三十日内",
        "count": len(lines),
        "children": lines,
        "in_full": letter.in_full,
    }


def _day(day: date | None) -> str:
    return "" if day is None else f"{day.year}年{day.month}月{day.day}日"


@cache
def template() -> bytes:
    """The template's bytes, made once."""
    paper = blank_page()
    _letter(paper)
    _slip(paper)
    content = io.BytesIO()
    paper.save(content)
    return content.getvalue()


def _letter(paper: Paper) -> None:
    line(paper, "{{ number }}", align=RIGHT)
    title = "关于商请核实{{ term }}\n学生资助情况的函"
    line(paper, title, points=TITLE_POINTS, bold=True, align=CENTRE, before=14)
    line(paper, "{{ recipient }}：", before=14)
    line(
        paper,
        "我地下列{{ count }}名家庭经济困难学生的学籍在贵地。按照资助随学籍的原则，"
        "请协助核实其{{ term }}是否已在贵地享受学生资助，并于{{ reply_by }}将回执寄回。"
        "未在贵地享受资助的，我地将按规定予以资助，避免遗漏和重复。",
        indented=True,
        after=8,
    )
    table(paper, _ASKED, _ASKED_ROW_MM)
    line(paper, "{%p if in_full %}")
    line(paper, _CARE, points=TABLE_POINTS, before=4)
    line(paper, "{%p endif %}")
    line(paper, "此函。", indented=True, before=8, with_next=True)
    line(paper, "{{ sender }}（盖章）", align=RIGHT, before=28, with_next=True)
    line(paper, "{{ dated }}", align=RIGHT)


def _slip(paper: Paper) -> None:
    head = line(paper, "回  执", points=TITLE_POINTS, bold=True, align=CENTRE)
    head.paragraph_format.page_break_before = True
    line(paper, "{{ sender }}：", before=14)
    line(paper, "来函（{{ number }}）收悉，{{ term }}核实情况如下：", indented=True, after=8)
    table(paper, _SLIP, _SLIP_ROW_MM)
    line(paper, _CHOICES, points=TABLE_POINTS, before=4, with_next=True)
    told = line(paper, "经办人：\t  联系电话：\t", before=14, with_next=True)
    blanks(told, WIDTH_MM * 9 // 20, WIDTH_MM)
    line(paper, "{{ recipient }}（盖章）", align=RIGHT, before=28, with_next=True)
    line(paper, _BLANK_DAY, align=RIGHT)

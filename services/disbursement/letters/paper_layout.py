"""The parts official papers are made of: a page as GB/T 9704 sets it, lines, and tables that a row per child fills.

What docxtpl fills in later stands in the text as its marks, so that a template is made here and nowhere else.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from docx import Document
from docx.document import Document as Paper
from docx.enum.table import WD_CELL_VERTICAL_ALIGNMENT, WD_ROW_HEIGHT_RULE, WD_TABLE_ALIGNMENT
from docx.enum.text import WD_ALIGN_PARAGRAPH, WD_LINE_SPACING, WD_TAB_ALIGNMENT, WD_TAB_LEADER
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.shared import Mm, Pt
from docx.table import _Cell, _Row
from docx.text.paragraph import Paragraph

FONT, _FONT_EAST = "Times New Roman", "仿宋"
TITLE_POINTS, BODY_POINTS, TABLE_POINTS, _FOOTER_POINTS = 22, 16, 11, 14
_LINE_POINTS = 28  # 22 lines a page
_MARGINS_MM = (37, 28, 35, 26)  # top, left, bottom, right
WIDTH_MM = 210 - 28 - 26
_CELL_MM = {"top": 0.8, "left": 1, "bottom": 0.8, "right": 1}  # between a cell's text and its edges
_FOOTER_MM = 24  # its foot from the edge of the page: the number stands 7 mm below the text
LEFT, CENTRE, RIGHT = WD_ALIGN_PARAGRAPH.LEFT, WD_ALIGN_PARAGRAPH.CENTER, WD_ALIGN_PARAGRAPH.RIGHT


class Column(NamedTuple):
    """A column of a table: its title, the field of a child that stands in it, its width; ``centred`` or to the left."""

    title: str
    field: str
    width_mm: int
    centred: bool = True


def blank_page() -> Paper:
    """A4 with the margins of official papers and the page's number below."""
    paper = Document()
    section = paper.sections[0]
    section.page_width, section.page_height = Mm(210), Mm(297)
    top, left, bottom, right = (Mm(each) for each in _MARGINS_MM)
    section.top_margin, section.left_margin, section.bottom_margin, section.right_margin = top, left, bottom, right
    section.footer_distance = Mm(_FOOTER_MM)
    paper.core_properties.author = ""
    paper.core_properties.comments = ""
    number = section.footer.paragraphs[0]
    number.alignment = CENTRE
    write(number, "— ", _FOOTER_POINTS)
    number._p.append(_field("PAGE"))
    write(number, " —", _FOOTER_POINTS)
    return paper


def line(
    paper: Paper,
    text: str,
    *,
    points: int = BODY_POINTS,
    bold: bool = False,
    align: WD_ALIGN_PARAGRAPH = LEFT,
    indented: bool = False,
    before: int = 0,
    after: int = 0,
    with_next: bool = False,
) -> Paragraph:
    """A paragraph. ``indented``: its first line by two characters; ``before`` and ``after``: points of space above and
    below it; ``with_next``: on the same page as what follows."""
    paragraph = paper.add_paragraph()
    paragraph.alignment = align
    spaced = paragraph.paragraph_format
    spaced.space_before, spaced.space_after = Pt(before), Pt(after)
    spaced.line_spacing_rule, spaced.line_spacing = WD_LINE_SPACING.AT_LEAST, Pt(_LINE_POINTS)
    spaced.keep_with_next = with_next
    if indented:
        spaced.first_line_indent = Pt(2 * points)
    write(paragraph, text, points, bold=bold)
    return paragraph


def blanks(paragraph: Paragraph, *ends_mm: int) -> None:
    """Each tab of the paragraph is a line to write on, up to its end."""
    for end in ends_mm:
        paragraph.paragraph_format.tab_stops.add_tab_stop(Mm(end), WD_TAB_ALIGNMENT.LEFT, WD_TAB_LEADER.LINES)


def write(paragraph: Paragraph, text: str, points: int, *, bold: bool = False) -> None:
    """More text in the paragraph, in the letter's type."""
    run = paragraph.add_run(text)
    run.bold = bold
    run.font.size = Pt(points)
    run.font.name = FONT
    run._element.get_or_add_rPr().get_or_add_rFonts().set(qn("w:eastAsia"), _FONT_EAST)


def table(paper: Paper, columns: Sequence[Column], row_mm: int) -> None:
    """A head, repeated on every page, and between two rows that docxtpl takes away one that it repeats for each child:
    at least ``row_mm`` high and never broken over two pages. Raises ValueError for columns wider than the page."""
    if sum(column.width_mm for column in columns) > WIDTH_MM:
        raise ValueError(f"these columns are wider than {WIDTH_MM} mm")
    made = paper.add_table(rows=4, cols=len(columns))
    made.style, made.alignment, made.autofit = "Table Grid", WD_TABLE_ALIGNMENT.CENTER, False
    made._tbl.tblPr.find(qn("w:tblLook")).addprevious(_margins())  # Word insists on this order
    for place, column in enumerate(columns):
        made.columns[place].width = Mm(column.width_mm)
        for row in made.rows:
            row.cells[place].width = Mm(column.width_mm)
    head, begin, each, end = made.rows
    for row in (head, each):
        row.height_rule, row.height = WD_ROW_HEIGHT_RULE.AT_LEAST, Mm(row_mm)
        _mark(row, "w:cantSplit")
    _mark(head, "w:tblHeader")
    for cell, column in zip(head.cells, columns, strict=True):
        _fill(cell, column.title, CENTRE, bold=True)
    _fill(begin.cells[0], "{%tr for child in children %}", LEFT)
    for cell, column in zip(each.cells, columns, strict=True):
        _fill(cell, f"{{{{ child.{column.field} }}}}", CENTRE if column.centred else LEFT)
    _fill(end.cells[0], "{%tr endfor %}", LEFT)


def _fill(cell: _Cell, text: str, align: WD_ALIGN_PARAGRAPH, *, bold: bool = False) -> None:
    cell.vertical_alignment = WD_CELL_VERTICAL_ALIGNMENT.CENTER
    paragraph = cell.paragraphs[0]
    paragraph.alignment = align
    paragraph.paragraph_format.space_before = paragraph.paragraph_format.space_after = Pt(0)
    write(paragraph, text, TABLE_POINTS, bold=bold)


def _margins() -> Any:
    margins = OxmlElement("w:tblCellMar")
    for edge, millimetres in _CELL_MM.items():
        wide = OxmlElement(f"w:{edge}")
        wide.set(qn("w:w"), str(Mm(millimetres).twips))
        wide.set(qn("w:type"), "dxa")
        margins.append(wide)
    return margins


def _mark(row: _Row, name: str) -> None:
    row._tr.get_or_add_trPr().append(OxmlElement(name))


def _field(code: str) -> Any:
    """What the reader's program fills in, like the number of the page."""
    field, run, text = OxmlElement("w:fldSimple"), OxmlElement("w:r"), OxmlElement("w:t")
    field.set(qn("w:instr"), code)
    text.text = "1"
    run.append(text)
    field.append(run)
    return field

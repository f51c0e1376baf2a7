"""The parts of a workbook file (ECMA-376) that a plain table needs, as text."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import islice, product
from xml.sax.saxutils import quoteattr  # it writes, nothing is parsed # nosec B406

PLAIN, BOLD, DAY, MOMENT = 0, 1, 2, 3  # places in cellXfs below
LONGEST_SHEET_NAME = 31

_DECLARATION = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml"

_FORBIDDEN_IN_NAMES = re.compile(r"[\[\]:*?/\\'\x00-\x1f]")
# Characters XML cannot hold are written as _xHHHH_, so a text that looks like that is escaped too.
_LOOKS_ESCAPED = re.compile(r"_(?=x[0-9A-Fa-f]{4}_)")
_UNWRITABLE = re.compile("[\x00-\x08\x0b-\x0d\x0e-\x1f\ud800-\udfff\ufffe\uffff]")

_TAIL = "</sheetData>", "</worksheet>"
# A4 across, as wide as the page and as long as it takes; each page tells its number and of how many.
_FIT = '<sheetPr><pageSetUpPr fitToPage="1"/></sheetPr>'
_PRINTED = (
    '<pageMargins left="0.5" right="0.5" top="0.6" bottom="0.7" header="0.3" footer="0.3"/>'
    '<pageSetup paperSize="9" orientation="landscape" fitToWidth="1" fitToHeight="0"/>'
    "<headerFooter><oddHeader>&amp;L&amp;A</oddHeader>"
    "<oddFooter>&amp;C第 &amp;P 页 共 &amp;N 页</oddFooter></headerFooter>"
)
_STYLES = (
    f'{_DECLARATION}<styleSheet xmlns="{_MAIN}">'
    '<numFmts count="2"><numFmt numFmtId="164" formatCode="yyyy\\-mm\\-dd"/>'
    '<numFmt numFmtId="165" formatCode="yyyy\\-mm\\-dd\\ hh:mm:ss"/></numFmts>'
    '<fonts count="2"><font><sz val="11"/><name val="Calibri"/></font>'
    '<font><b/><sz val="11"/><name val="Calibri"/></font></fonts>'
    '<fills count="2"><fill><patternFill patternType="none"/></fill>'
    '<fill><patternFill patternType="gray125"/></fill></fills>'
    '<borders count="1"><border><left/><right/><top/><bottom/><diagonal/></border></borders>'
    '<cellStyleXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0"/></cellStyleXfs>'
    '<cellXfs count="4"><xf numFmtId="0" fontId="0" fillId="0" borderId="0" xfId="0"/>'
    '<xf numFmtId="0" fontId="1" fillId="0" borderId="0" xfId="0" applyFont="1"/>'
    '<xf numFmtId="164" fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1"/>'
    '<xf numFmtId="165" fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1"/></cellXfs>'
    '<cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles></styleSheet>'
)


_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
HIGHEST_COLUMNS = 16_384  # the format's last column is XFD
COLUMN_LETTERS = tuple(
    islice(("".join(letters) for length in (1, 2, 3) for letters in product(_ALPHABET, repeat=length)), HIGHEST_COLUMNS)
)


def escaped(text: str) -> str:
    """The text inside an element; what XML cannot hold becomes _xHHHH_, as the format prescribes."""
    if "_" in text:
        text = _LOOKS_ESCAPED.sub("_x005F_", text)
    text = _UNWRITABLE.sub(lambda found: f"_x{ord(found[0]):04X}_", text)
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def free_sheet_name(name: str, taken: Sequence[str]) -> str:
    """The name as the format allows it, and different from those taken."""
    base = _FORBIDDEN_IN_NAMES.sub("_", name).strip()[:LONGEST_SHEET_NAME] or "Sheet"
    lower = {known.lower() for known in taken}
    free, count = base, 1
    while free.lower() in lower:
        count += 1
        tail = f"_{count}"
        free = base[: LONGEST_SHEET_NAME - len(tail)] + tail
    return free


def sheet_head(widths: Sequence[float], frozen_rows: int, printed: bool = False) -> str:
    """A sheet's text up to its first row."""
    pane = ""
    if frozen_rows:
        place = f'ySplit="{frozen_rows}" topLeftCell="A{frozen_rows + 1}" activePane="bottomLeft" state="frozen"'
        pane = f'<pane {place}/><selection pane="bottomLeft"/>'
    columns = "".join(
        f'<col min="{number}" max="{number}" width="{width}" customWidth="1"/>'
        for number, width in enumerate(widths, 1)
    )
    cols = f"<cols>{columns}</cols>" if columns else ""
    view = f'<sheetViews><sheetView workbookViewId="0">{pane}</sheetView></sheetViews>'
    fit = _FIT if printed else ""
    start = f'{_DECLARATION}<worksheet xmlns="{_MAIN}">{fit}{view}'
    return f'{start}<sheetFormatPr defaultRowHeight="15"/>{cols}<sheetData>\n'


def sheet_tail(printed: bool) -> str:
    """A sheet's text after its last row; ``printed``: laid out for paper."""
    rows, end = _TAIL
    return f"{rows}{_PRINTED if printed else ''}{end}"


def parts(sheet_names: Sequence[str]) -> Iterator[tuple[str, str]]:
    """(name, text) of every part except the sheets themselves."""
    numbers = range(1, len(sheet_names) + 1)
    overrides = "".join(
        f'<Override PartName="/xl/worksheets/sheet{n}.xml" ContentType="{_TYPE}.worksheet+xml"/>' for n in numbers
    )
    yield (
        "[Content_Types].xml",
        f'{_DECLARATION}<Types xmlns="{_PACKAGE}/content-types">'
        f'<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        f'<Default Extension="xml" ContentType="application/xml"/>'
        f'<Override PartName="/xl/workbook.xml" ContentType="{_TYPE}.sheet.main+xml"/>'
        f'<Override PartName="/xl/styles.xml" ContentType="{_TYPE}.styles+xml"/>{overrides}</Types>',
    )
    root = f'<Relationship Id="rId1" Type="{_OFFICE}/officeDocument" Target="xl/workbook.xml"/>'
    yield "_rels/.rels", f'{_DECLARATION}<Relationships xmlns="{_PACKAGE}/relationships">{root}</Relationships>'
    sheets = "".join(
        f'<sheet name={quoteattr(name)} sheetId="{n}" r:id="rId{n}"/>'
        for n, name in zip(numbers, sheet_names, strict=True)
    )
    yield (
        "xl/workbook.xml",
        f'{_DECLARATION}<workbook xmlns="{_MAIN}" xmlns:r="{_OFFICE}"><bookViews><workbookView/></bookViews>'
        f"<sheets>{sheets}</sheets></workbook>",
    )
    targets = "".join(
        f'<Relationship Id="rId{n}" Type="{_OFFICE}/worksheet" Target="worksheets/sheet{n}.xml"/>' for n in numbers
    )
    styles = f'<Relationship Id="rId{len(sheet_names) + 1}" Type="{_OFFICE}/styles" Target="styles.xml"/>'
    yield (
        "xl/_rels/workbook.xml.rels",
        f'{_DECLARATION}<Relationships xmlns="{_PACKAGE}/relationships">{targets}{styles}</Relationships>',
    )
    yield "xl/styles.xml", _STYLES

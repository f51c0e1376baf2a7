"""Plain rows of the register give the same records at once as they give cell by cell."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from services.registry.commands import StudentRecord
from services.registry.lists.known_schools import ClosedSchool, Schools
from services.registry.sheets.columns import REGISTER_COLUMNS
from services.registry.sheets.register_rows import PlainRows, read_students, row_read
from services.registry.sheets.schools import SchoolDirectory
from services.registry.sheets.sheet_files import REGISTER, InputFile, InputSheet, read_register
from shared.standards.identity_number import IdentityNumberError, check_digit, parse, plain_birth_date
from shared.tabular.book import Book
from shared.tabular.rows import find_table
from shared.tabular.sheets import Cell
from tests.shared.tabular.workbooks import RowsSheet

HEADER: list[Cell] = [
    *("序号", "全国学籍号", "姓名", "曾用名", "性别", "出生日期", "证件类型", "身份证号", "学校标识码", "学校名称"),
    *("学段", "年级", "班级", "监护人姓名", "监护人身份证号", "联系电话", "家庭住址", "是否寄宿", "是否留守儿童"),
    "就读形式",
]
CODES = {"3146900101": "望潮县第一小学", "3146900201": "白沙镇中心学校"}
TERM = date(2026, 9, 1)
CLOSED = "3146900301"
SCHOOLS = Schools(
    SchoolDirectory.of([*CODES.items(), (CLOSED, "上桥镇小学")]),
    {"3146900101": "469001", "3146900201": "469002", CLOSED: "469003"},
    {**CODES, CLOSED: "上桥镇小学"},
    {CLOSED: ClosedSchool(TERM, "3146900101")},
)
PLACE = {str(label): column for column, label in enumerate(HEADER)}


def number(sequence: int) -> str:
    first = f"469001201{sequence % 6}0{1 + sequence % 9}{10 + sequence % 18}{sequence:03d}"
    return first + check_digit(first)


def pupil(sequence: int) -> list[Cell]:
    own, (code, school) = number(sequence), [*CODES.items(), (CLOSED, "上桥镇小学")][sequence % 3]
    return [
        *(str(sequence), f"G{own}", "张三", "", "男", own[6:14], "居民身份证", own, code, school),
        *("小学", "三年级", "1班", "张大", "469001198001010019", "13900000000", "白沙镇1号", "是", "非留守儿童", ""),
    ]


Spoil = Callable[[list[Cell]], list[Cell]]


def putting(label: str, *cells: Cell) -> st.SearchStrategy[Spoil]:
    """Something else in one column."""

    def put(cell: Cell) -> Spoil:
        return lambda row: [cell if place == PLACE[label] else each for place, each in enumerate(row)]

    return st.sampled_from(cells).map(put)


def wrapping(before: str, after: str) -> st.SearchStrategy[Spoil]:
    """One cell with something around it."""

    def wrap(place: int) -> Spoil:
        return lambda row: [f"{before}{each}{after}" if at == place else each for at, each in enumerate(row)]

    return st.integers(0, len(HEADER) - 1).map(wrap)


def replacing(cell: Cell) -> st.SearchStrategy[Spoil]:
    return st.integers(0, len(HEADER) - 1).map(
        lambda place: lambda row: [cell if at == place else each for at, each in enumerate(row)]
    )


SPOILED: st.SearchStrategy[Spoil] = st.one_of(
    *(replacing(cell) for cell in ("", " ", "同上", "〃", "无", 0.0, 1.0, True, 3.0e17, date(2011, 3, 4))),
    *(wrapping(*around) for around in ((" ", ""), ("", "\u3000"), ('="', '"'), ("'", ""), ("\ufeff", ""), ("", "\n"))),
    putting("姓名", "阿依古丽·买买提", "Li Ming", "李 明", "同上", "合计", "审核人:张三", 12.0),
    putting(
        "身份证号", "34052419800101001X", "34052419800101001x", "340524198001010011", "4.69E+17", "130503670401001"
    ),
    putting(
        "身份证号", "469001185001010017", "46900120110230001X", "４６９００１２０１１０１０１００１１", "护照E12345"
    ),
    putting("全国学籍号", "", "L469001201101010012", "J46900120110101001X", "G34052419800101001X", "G1", "X"),
    putting("证件类型", "", "身份证", "护照", "其他", "1", 1.0),
    putting("性别", "", "女", "1", "女性", "不详", "Male"),
    putting("出生日期", "", "2011.3", "20110230", "2011-03-05", "1850-01-01", "长期", 40000.0, date(2011, 3, 4)),
    putting("学校标识码", "", "9999999999", CLOSED, 3146900101.0),
    putting("学校名称", "", "望潮县第九小学", "第一小学", "白沙镇 中心学校"),
    putting("班级", "同上", "〃", " 同上"),
    putting("联系电话", "同上", '"'),
    putting("学段", "", "初中", "大学", "小学 "),
    putting("是否寄宿", "", "住校", "走读", "1", "×", 1.0, False),
    putting("是否留守儿童", "", "双亲", "2", "否", "√", 2.0),
    putting("监护人身份证号", "", "4.69080E+17", "469001790101001", 469001198001010019.0),
    st.integers(1, len(HEADER)).map(lambda width: lambda row: row[:width]),
    st.just(lambda row: [*row, "多"]),
    st.just(lambda _: list(HEADER)),
    st.just(lambda row: ["合计", *[""] * (len(row) - 2), "3"]),
    st.just(lambda row: [""] * len(row)),
)
ROWS = st.lists(
    st.tuples(st.integers(1, 40), st.lists(SPOILED, max_size=2)).map(lambda made: _all(made[1], pupil(made[0]))),
    max_size=12,
)


def _all(spoiled: list[Spoil], row: list[Cell]) -> list[Cell]:
    for spoil in spoiled:
        row = spoil(row)
    return row


def files(rows: list[list[Cell]], header: list[Cell] = HEADER) -> list[InputFile]:
    """The rows on two sheets of one book."""
    half = len(rows) // 2
    sources = [RowsSheet(name, [header, *some]) for name, some in (("一", rows[:half]), ("二", rows[half:]))]
    sheets = [InputSheet(source, find_table(source, REGISTER_COLUMNS)) for source in sources]
    return [InputFile(REGISTER, Book(Path("register.xlsx"), sources), sheets)]


@settings(max_examples=200)
@given(ROWS, st.sampled_from((TERM, TERM - timedelta(days=1))))
def test_rows_read_at_once_are_those_read_cell_by_cell(rows: list[list[Cell]], on: date) -> None:
    at_once = files(rows)
    cell_by_cell = files(rows)
    each_alone = [row_read(row, SCHOOLS, on) for row in read_register(cell_by_cell)]
    assert list(read_students(at_once, SCHOOLS, on)) == each_alone
    indexes = [[sheet.data_indexes for sheet in each[0].sheets] for each in (at_once, cell_by_cell)]
    assert indexes[0] == indexes[1]


@given(ROWS, st.sets(st.integers(0, len(HEADER) - 1)))
def test_columns_that_a_sheet_lacks_are_empty_either_way(rows: list[list[Cell]], left_out: set[int]) -> None:
    kept = [place for place in range(len(HEADER)) if place not in left_out or HEADER[place] in ("姓名", "身份证号")]
    fewer = [[row[place] for place in kept if place < len(row)] for row in rows]
    header = [HEADER[place] for place in kept]
    at_once = list(read_students(files(fewer, header), SCHOOLS, TERM))
    assert at_once == [row_read(row, SCHOOLS, TERM) for row in read_register(files(fewer, header))]


def test_an_ordinary_row_is_plain_and_one_to_look_at_is_not() -> None:
    plain = PlainRows(REGISTER_HEADER_COLUMNS, SCHOOLS, TERM)
    record = plain.record(pupil(7))
    assert isinstance(record, StudentRecord) and record.birth_date == date(2011, 8, 17) and record.boarder is True
    for label, cell in (
        ("身份证号", " " + number(7)),
        ("学校标识码", "9"),
        ("学校标识码", CLOSED),
        ("联系电话", 139.0),
        ("班级", "同上"),
    ):
        row = pupil(7)
        row[PLACE[label]] = cell
        if cell == "9":
            row[PLACE["学校名称"]] = "望潮县第九小学"
        assert plain.record(row) is None, label


@given(st.one_of(st.text(max_size=20), st.from_regex(r"[0-9]{17}[0-9Xx]", fullmatch=True), st.just(number(3))))
def test_a_plain_number_is_one_that_stands_as_it_is(text: str) -> None:
    try:
        parsed = parse(text)
        expected = parsed.birth_date if parsed.text == text else None
    except IdentityNumberError:
        expected = None
    assert plain_birth_date(text) == expected


def _columns() -> dict[str, int]:
    table = find_table(RowsSheet("一", [HEADER]), REGISTER_COLUMNS)
    assert table is not None
    return dict(table.header.columns)


REGISTER_HEADER_COLUMNS = _columns()

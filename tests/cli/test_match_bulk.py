from __future__ import annotations

import os
import zipfile
from datetime import date
from pathlib import Path

import pytest

from cli import match_annotated, match_columns, match_engine, match_forks, match_list_columns, match_sheets
from cli.match import match_files
from cli.match_columns import RegisterColumns, read_columns
from cli.match_engine import student_of
from cli.match_forks import Child
from services.matching.records import StudentRecord
from services.registry.sheets.schools import SchoolDirectory
from services.registry.sheets.sheet_files import REGISTER, InputFile, open_inputs, read_register
from simulation.county import DEFAULT_AS_OF, Settings, simulate

LISTS = {"poverty": ["poverty"], "civil": ["civil", "hardship"], "disability": ["disability"]}
HEADER = "全国学籍号,姓名,身份证号,性别,出生日期,学校标识码,学校名称,年级,班级,监护人姓名,监护人身份证号"
PLAIN = (
    "G11010519491231002X,王小明,11010519491231002X,男,19491231,3100000001,石湖小学,三年级,2班,王建国,440524188001010014"
)


@pytest.fixture(scope="module")
def county(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("county")
    simulate(Settings(1500, 9, 8, DEFAULT_AS_OF, "csv", 0, "heavy", 3.0), folder)
    return folder


def run(folder: Path, out: Path) -> dict[str, object]:
    lists = {name: [folder / f"{part}.csv" for part in parts] for name, parts in LISTS.items()}
    match_files([folder / "students.csv"], lists, out, DEFAULT_AS_OF, lambda _: None)
    return {str(path.relative_to(out)): content(path) for path in sorted(out.rglob("*")) if path.is_file()}


def content(path: Path) -> object:
    if path.suffix != ".xlsx":
        return path.read_bytes()
    with zipfile.ZipFile(path) as book:
        return {name: book.read(name) for name in book.namelist()}


def test_in_columns_and_on_every_core_every_file_is_the_same_as_row_by_row(
    county: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(match_sheets, "LARGEST_XLSX_ROWS", 1000)  # the register comes back as csv
    row_by_row = run(county, tmp_path / "rows")
    monkeypatch.setattr(match_columns, "ROWS_LEAST", 1)
    monkeypatch.setattr(match_list_columns, "ROWS_LEAST", 1)
    monkeypatch.setattr(match_annotated, "ROWS_LEAST", 1)
    read: list[object] = []

    def noting(*given: object) -> object:
        read.append(read_columns(*given))  # type: ignore[arg-type]
        return read[-1]

    monkeypatch.setattr(match_engine, "read_columns", noting)
    in_bulk = run(county, tmp_path / "bulk")
    assert isinstance(read[0], RegisterColumns)
    assert "annotated/students.csv" in in_bulk
    assert in_bulk == row_by_row


def both(path: Path, *lines: str) -> tuple[list[StudentRecord], RegisterColumns | None]:
    path.write_text("\n".join([HEADER, *lines]) + "\n", encoding="utf-8")
    by_rows = SchoolDirectory()
    slow = [student_of(row, by_rows) for row in read_register(opened(path))]
    in_columns = SchoolDirectory()
    return slow, read_columns(opened(path), in_columns, lambda row: student_of(row, in_columns), rows_least=1)


def _cells(student: StudentRecord) -> tuple[str | None, ...]:
    """In the order of RegisterColumns.plain."""
    return (
        *(student.name, student.former_name, student.guardian_id, student.id_number),
        *(student.guardian_name, student.school_key),
    )


def opened(path: Path) -> list[InputFile]:
    return open_inputs({REGISTER: [path]})[REGISTER]


@pytest.mark.parametrize(
    "line",
    [
        PLAIN,
        PLAIN.replace("王小明", " 王小明"),
        PLAIN.replace("王小明", "古丽•买买提"),
        PLAIN.replace("王小明", "Ａnna"),
        PLAIN.replace("11010519491231002X", "11010519491231002x"),
        PLAIN.replace(",11010519491231002X", ",110105194912310021"),
        PLAIN.replace(",11010519491231002X", ",110105194902310029"),
        PLAIN.replace("G11010519491231002X", "G440524188001010014"),
        PLAIN.replace("G11010519491231002X", "L469080000000000001").replace(",11010519491231002X", ","),
        PLAIN.replace("男", "女性"),
        PLAIN.replace("男", "1"),
        PLAIN.replace("三年级", " 三年级 "),
        PLAIN.replace("三年级", "=3"),
        PLAIN.replace("石湖小学", "石湖 小学"),
        PLAIN.replace("3100000001", "").replace("石湖小学", ""),
        PLAIN.replace("440524188001010014", "'440524188001010014"),
        PLAIN.replace("王建国", "王 建国"),
        PLAIN.replace("王建国", "无"),
        PLAIN.replace("440524188001010014", "440524188001010000"),
        PLAIN.replace("440524188001010014", "4.40524E+17"),
        PLAIN.replace("440524188001010014", "4405**********0014"),
        PLAIN.replace(",11010519491231002X", ",J11010519491231002X"),
    ],
)
def test_a_row_read_in_columns_is_the_record_of_the_row_read_cell_by_cell(tmp_path: Path, line: str) -> None:
    slow, fast = both(tmp_path / "students.csv", PLAIN, line, PLAIN)
    assert fast is not None
    assert list(fast) == slow == [fast[0], fast[1], fast[-1]] == fast[:]
    assert list(fast.records([3, 2])) == [slow[2], slow[1]]
    plain = {who: tuple(cells) for who, *cells in fast.plain().rows()}
    assert plain.keys() | fast.odd.keys() == {1, 2, 3}
    assert all(cells == _cells(slow[who - 1]) for who, cells in plain.items())
    assert sorted(fast.numbers().rows()) == [(s.student_id, s.id_number or "", s.guardian_id) for s in slow]


@pytest.mark.parametrize(
    "line",
    [
        PLAIN.replace("石湖小学", "同上"),
        PLAIN.replace("石湖小学", '"石湖,小学"'),
        PLAIN + "\n",
        PLAIN + "\r",
        "合计,1,,,,,,,,,",
        ",,,,,,,,,,",
        HEADER,
        "张三",
        PLAIN + ",more,cells",
    ],
)
def test_a_file_that_leaves_doubt_is_read_row_by_row(tmp_path: Path, line: str) -> None:
    _, fast = both(tmp_path / "students.csv", PLAIN, line, PLAIN)
    assert fast is None


def test_a_short_file_is_read_row_by_row(tmp_path: Path) -> None:
    path = tmp_path / "students.csv"
    path.write_text(f"{HEADER}\n{PLAIN}\n", encoding="utf-8")
    schools = SchoolDirectory()
    assert read_columns(opened(path), schools, lambda row: student_of(row, schools)) is None


def test_a_child_sends_what_it_made(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(match_forks, "cores", lambda: 2)
    parent = os.getpid()
    child = Child(lambda: f"{os.getpid() != parent} ".encode() * 100_000)
    assert child.result() == b"True " * 100_000


def test_a_child_that_fails_or_cannot_be_started_sends_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(match_forks, "cores", lambda: 2)
    assert Child(lambda: str(date(2026, 13, 1)).encode()).result() is None
    monkeypatch.setattr(match_forks, "cores", lambda: 1)
    assert Child(lambda: b"never").result() is None

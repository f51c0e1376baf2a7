"""`rollcall match`: files in, files out; judged by the simulated county's own truth."""

from __future__ import annotations

import csv
import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import typer
import xlsxwriter
from typer.testing import CliRunner, Result

from cli import match
from shared.standards.identity_number import check_digit
from shared.tabular.sheets import read_workbook
from simulation.county import Settings, simulate

MACHINE_FILES = {"links.csv", "categories.csv", "summary.json"}
PEOPLE_FILES = {"roster.xlsx", "review.xlsx", "unenrolled.xlsx", "rejects.xlsx", "annotated"}


def number(first17: str) -> str:
    return first17 + check_digit(first17)


MING, HONG, NOBODY = (number(first17) for first17 in ("46908020150304012", "46908020140506002", "46908020160102003"))
STUDENTS = [
    ["学校名称", "年级", "姓名", "身份证号", "监护人姓名"],
    ["望潮一小", "三年级", "王小明", MING, "王大"],
    ["望潮一小", "四年级", "买买提·艾力", HONG, "=cmd()"],
]


def sheet(path: Path, rows: list[list[Any]]) -> Path:
    book = xlsxwriter.Workbook(str(path), {"strings_to_formulas": False})
    page = book.add_worksheet()
    for row, cells in enumerate(rows):
        for column, cell in enumerate(cells):
            page.write(row, column, cell)
    book.close()
    return path


def run(*arguments: object) -> Result:
    app = typer.Typer()
    match.register(app)
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def lines(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture
def students(tmp_path: Path) -> Path:
    return sheet(tmp_path / "students.xlsx", STUDENTS)


def test_a_whole_county_is_matched_as_its_truth_says(tmp_path: Path) -> None:
    county, out = tmp_path / "county", tmp_path / "out"
    simulate(Settings(students=3_000, seed=11, as_of=date(2026, 11, 16), weeks=0), county)
    paths = {name: county / f"{name}.xlsx" for name in ("students", "poverty", "civil", "hardship", "disability")}
    result = run(
        *("--students", paths["students"], "--poverty", paths["poverty"], "--civil", paths["civil"]),
        *("--civil", paths["hardship"], "--disability", paths["disability"], "--as-of", "2026-11-16", "--out", out),
    )
    assert result.exit_code == 0, result.stderr
    assert {path.name for path in out.iterdir()} == MACHINE_FILES | PEOPLE_FILES

    links = {(line["list"], int(line["row"])): line for line in lines(out / "links.csv")}
    with (county / "truth.csv").open(encoding="utf-8-sig", newline="") as file:
        truth = list(csv.DictReader(file))
    civil_rows = sum(line["list"] == "civil" for line in truth)
    for line in truth:
        hardship = line["list"] == "hardship"
        place = ("civil", int(line["row"]) + civil_rows) if hardship else (line["list"], int(line["row"]))
        found = links.pop(place)
        assert found["state"] in line["states"].split("|"), (line, found)
        if found["state"] == "linked":
            assert found["student_row"] == line["student_row"], (line, found)
    assert not links, "one line per list row, no more"

    categories = {line["student_row"]: line["category"] for line in lines(out / "categories.csv")}
    with (county / "truth_students.csv").open(encoding="utf-8-sig", newline="") as file:
        students = {line["student_row"]: line for line in csv.DictReader(file)}
    assert categories.keys() == students.keys()
    for row, category in categories.items():
        # The rows without a slip prove a part of what is true; a slip that fits one student alone proves more of it.
        assert category in (students[row]["category_by_rows"], students[row]["category"]), students[row]

    summary = json.loads((out / "summary.json").read_text(encoding="utf-8"))
    assert sum(summary["states"].values()) == summary["list_rows"] == len(truth)
    _check_annotated(paths, out)


def _check_annotated(paths: dict[str, Path], out: Path) -> None:
    """Every sheet is there in its own order, each original cell in its place."""
    for path in paths.values():
        originals, annotated = read_workbook(path), read_workbook(out / "annotated" / path.name)
        assert [sheet.name for sheet in originals] == [sheet.name for sheet in annotated]
        for original, noted in zip(originals, annotated, strict=True):
            noted_rows = iter(noted.rows)
            for cells in original.rows:
                assert next(noted_rows, [""] * len(cells))[: len(cells)] == cells


def test_the_states_categories_and_evidence_of_a_small_case(tmp_path: Path, students: Path) -> None:
    poverty = sheet(
        tmp_path / "poverty.xlsx",
        [
            ["某县建档立卡名单"],
            ["户编号", "成员姓名", "证件号码", "户类型"],
            ["h1", "王小明", MING, "脱贫户"],
            ["h2", "买买提.艾力", HONG, "边缘易致贫户"],
            ["h2", "艾小", HONG, "边缘易致贫户"],
            ["h3", "李无名", NOBODY, "脱贫户"],
            ["h3", "李数值", 469080201601020000, "脱贫户"],
            ["填表人：某某", "", "", ""],
        ],
    )
    out = tmp_path / "out"
    result = run("--students", students, "--poverty", poverty, "--as-of", "2026-09-01", "--out", out, "--json")
    assert result.exit_code == 0, result.stderr
    assert [tuple(line.values()) for line in lines(out / "links.csv")] == [
        ("poverty", "1", "1", "linked", "R1", "1.00", "number_and_name_agree"),
        ("poverty", "2", "2", "linked", "R1", "1.00", "number_and_name_agree"),
        ("poverty", "3", "2", "review", "R3", "0.30", "name_differs"),
        ("poverty", "4", "", "not_in_register", "", "0.00", "not_found"),
        ("poverty", "5", "", "rejected", "", "0.00", "number_numeric_cell"),
    ]
    assert [tuple(line.values()) for line in lines(out / "categories.csv")] == [
        ("1", "registered_poor", "脱贫户", "poverty:1"),
        ("2", "registered_poor", "边缘易致贫户", "poverty:2"),
    ]
    summary = json.loads(result.stdout)
    assert summary["states"] == {
        "linked": 2,
        "review": 1,
        "not_in_register": 1,
        "registered_elsewhere": 0,
        "out_of_age": 0,
        "rejected": 1,
    }
    assert summary["school_age_not_in_register"] == 1
    (rejected,) = read_workbook(out / "rejects.xlsx")
    assert rejected.rows[0] == ["户编号", "成员姓名", "证件号码", "户类型", "原因"]
    assert rejected.rows[1][:4] == ["h3", "李数值", float(469080201601020000), "脱贫户"]
    assert "数值格式" in str(rejected.rows[1][4])
    review = read_workbook(out / "review.xlsx")[0]
    assert review.rows[1][1] == "艾小"
    assert str(HONG) in review.rows[1]
    roster = read_workbook(out / "roster.xlsx")
    assert [row[5] for row in roster[0].rows[1:]] == ["王小明", "买买提·艾力"]
    assert roster[1].rows[1] == ["望潮一小", 2.0, 0.0, 0.0, 0.0, 2.0]


def test_formulas_in_cells_stay_text_in_every_export(tmp_path: Path, students: Path) -> None:
    poverty = sheet(tmp_path / "poverty.xlsx", [["姓名", "身份证号", "住址"], ["=1+1", MING, '=HYPERLINK("http://x")']])
    out = tmp_path / "out"
    assert run("--students", students, "--poverty", poverty, "--out", out).exit_code == 0
    assert read_workbook(out / "review.xlsx")[0].rows[1][2] == '=HYPERLINK("http://x")'
    assert read_workbook(out / "annotated" / "students.xlsx")[0].rows[2][4] == "=cmd()"


def test_a_gb18030_csv_is_a_list_like_any_other(tmp_path: Path, students: Path) -> None:
    civil = tmp_path / "civil.csv"
    civil.write_bytes(f"姓名,身份证号,城乡类别,救助类型\n王小明,{MING},农村,低保\n".encode("gb18030"))
    out = tmp_path / "out"
    assert run("--students", students, "--civil", civil, "--out", out).exit_code == 0
    assert lines(out / "categories.csv")[0]["category"] == "subsistence_rural"
    assert read_workbook(out / "annotated" / "civil.xlsx")[0].rows[1][4] == "已匹配"


def test_files_and_sheets_of_one_list_are_numbered_through(tmp_path: Path, students: Path) -> None:
    first = sheet(tmp_path / "a.xlsx", [["姓名", "身份证号"], ["甲", NOBODY], ["王小明", MING]])
    second = sheet(tmp_path / "b.xlsx", [["姓名", "公民身份号码"], ["买买提·艾力", HONG]])
    out = tmp_path / "out"
    assert run("--students", students, "--civil", second, "--civil", first, "--out", out).exit_code == 0
    found = [(line["row"], line["student_row"]) for line in lines(out / "links.csv")]
    assert found == [("1", "2"), ("2", ""), ("3", "1")]


def test_a_csv_too_large_for_a_workbook_comes_back_as_csv(
    tmp_path: Path, students: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cli.match_sheets.LARGEST_XLSX_ROWS", 1)
    poverty = tmp_path / "p.csv"
    poverty.write_text(f"姓名,身份证号,住址\n王小明,{MING},=1+1\n乙,{NOBODY},某村\n", encoding="utf-8")
    out = tmp_path / "out"
    assert run("--students", students, "--poverty", poverty, "--out", out).exit_code == 0
    noted = (out / "annotated" / "p.csv").read_text(encoding="utf-8-sig").splitlines()
    assert noted[0].startswith("姓名,身份证号,住址,匹配结果,state")
    assert noted[1].startswith(f"王小明,{MING},'=1+1,已匹配,linked,R1")
    assert len(noted) == 3


def test_a_listed_head_covers_the_students_who_name_him_as_guardian(tmp_path: Path) -> None:
    head = number("46908019800101001")
    rows = [["姓名", "身份证号", "监护人姓名", "监护人身份证号"], ["王小明", MING, "王大", head]]
    civil = [["低保证号", "户主姓名", "户主身份证号", "救助类型", "城乡类别", "施保方式"]]
    civil.append(["c1", "王大", head, "低保", "农村", "整户保"])
    civil.append(["c2", "王大", head, "低保", "农村", "单人保"])
    files = sheet(tmp_path / "s.xlsx", rows), sheet(tmp_path / "c.xlsx", civil)
    out = tmp_path / "out"
    assert run("--students", files[0], "--civil", files[1], "--as-of", "2026-09-01", "--out", out).exit_code == 0
    found = [(line["state"], line["rule"], line["student_row"]) for line in lines(out / "links.csv")]
    assert found == [("out_of_age", "R7", ""), ("out_of_age", "", "")]
    covered = lines(out / "categories.csv")[0]
    assert (covered["category"], covered["evidence"]) == ("subsistence_rural", "civil:1")
    (review,) = read_workbook(out / "review.xlsx")
    assert "按户覆盖" in review.name
    assert MING in review.rows[1]
    assert len(review.rows) == 2


def test_a_head_of_aid_age_is_shown_as_unenrolled_and_with_the_students_he_brings_up(tmp_path: Path) -> None:
    brother = number("46908020040809017")
    rows = [["姓名", "身份证号", "监护人姓名", "监护人身份证号"], ["王小明", MING, "王大宝", brother]]
    civil = [["户主姓名", "户主身份证号", "施保方式"], ["王大宝", brother, "整户保"]]
    files = sheet(tmp_path / "s.xlsx", rows), sheet(tmp_path / "c.xlsx", civil)
    out = tmp_path / "out"
    assert run("--students", files[0], "--civil", files[1], "--as-of", "2026-09-01", "--out", out).exit_code == 0
    assert [(line["state"], line["rule"]) for line in lines(out / "links.csv")] == [("not_in_register", "R7")]
    (review,) = read_workbook(out / "review.xlsx")
    assert "按户覆盖" in review.name
    assert MING in review.rows[1]
    assert read_workbook(out / "unenrolled.xlsx")[0].rows[1][0] == "王大宝"


def test_the_reference_date_decides_which_entries_are_in_force(tmp_path: Path, students: Path) -> None:
    disability = sheet(
        tmp_path / "d.xlsx",
        [["持证人姓名", "残疾人证号", "发证日期", "有效期至"], ["王小明", MING + "42", "2020-05-01", "2026-08-31"]],
    )
    for day, category in (
        ("2020-04-30", ""),
        ("2020-05-01", "disabled"),
        ("2026-08-31", "disabled"),
        ("2026-09-01", ""),
    ):
        out = tmp_path / day
        assert run("--students", students, "--disability", disability, "--as-of", day, "--out", out).exit_code == 0
        assert lines(out / "categories.csv")[0]["category"] == category
        assert lines(out / "links.csv")[0]["state"] == "linked"


@pytest.mark.parametrize("content", [b"PK\x03\x04 forged", b"", b"\xff\xfe\x00\x01"])
def test_a_refusal_says_why_and_leaves_nothing_behind(tmp_path: Path, students: Path, content: bytes) -> None:
    bad = tmp_path / "poverty.xlsx"
    bad.write_bytes(content)
    before = sorted(tmp_path.rglob("*"))
    result = run("--students", students, "--poverty", bad, "--out", tmp_path / "new" / "out")
    assert result.exit_code == 1
    assert "poverty.xlsx" in result.stderr
    assert "未生成任何结果" in result.stderr
    assert sorted(tmp_path.rglob("*")) == before


def test_a_file_without_a_header_is_refused(tmp_path: Path, students: Path) -> None:
    result = run(
        "--students", students, "--poverty", sheet(tmp_path / "p.xlsx", [["随便"], ["写写"]]), "--out", tmp_path / "o"
    )
    assert result.exit_code == 1
    assert "表头" in result.stderr


def test_a_csv_that_breaks_in_the_middle_leaves_nothing_behind(tmp_path: Path, students: Path) -> None:
    broken = tmp_path / "p.csv"
    broken.write_text(f'姓名,身份证号\n王小明,{MING}\n甲,"' + "x" * 200_000, encoding="utf-8")
    result = run("--students", students, "--poverty", broken, "--out", tmp_path / "o")
    assert result.exit_code == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["p.csv", "students.xlsx"]


@pytest.mark.parametrize(
    "arguments",
    [
        ["--out", "o"],
        ["--students", "s.xlsx", "--out", "o"],
        ["--students", "s", "--poverty", "p", "--out", "o", "--as-of", "gestern"],
    ],
)
def test_wrong_usage_is_status_two(arguments: list[str]) -> None:
    assert run(*arguments).exit_code == 2


def test_a_second_run_replaces_the_results_and_keeps_other_files(tmp_path: Path, students: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "mine.txt").write_text("keep", encoding="utf-8")
    poverty = sheet(tmp_path / "p.xlsx", [["姓名", "身份证号"], ["王小明", MING]])
    for _ in range(2):
        assert run("--students", students, "--poverty", poverty, "--out", out).exit_code == 0
    assert {path.name for path in out.iterdir()} == MACHINE_FILES | PEOPLE_FILES | {"mine.txt"}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out", "p.xlsx", "students.xlsx"]


def test_the_same_input_gives_the_same_machine_files(tmp_path: Path, students: Path) -> None:
    poverty = sheet(tmp_path / "p.xlsx", [["姓名", "身份证号"], ["王小明", MING], ["乙", NOBODY]])
    for name in ("a", "b"):
        run("--students", students, "--poverty", poverty, "--as-of", "2026-09-01", "--out", tmp_path / name)
    for name in MACHINE_FILES:
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()

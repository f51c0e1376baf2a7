"""A list read in columns gives the rows that reading it cell by cell gives, or is not read in columns at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from cli.match_list_columns import read_list_columns
from services.registry.sheets.lists import ListName, ListRow
from services.registry.sheets.schools import SchoolDirectory
from services.registry.sheets.sheet_files import InputSheet, open_inputs, read_list_sheet

POVERTY = (
    "户编号,户主姓名,与户主关系,姓名,身份证号,学籍号,性别,出生日期,户类型,"
    "识别时间,退出时间,是否孤儿,就读学校,年级,家庭住址"
)
PLAIN = (
    "30000423,王建国,之子,王小明,11010519491231002X,,男,1949-12-31,脱贫户,2022.11,,否,石湖小学,三年级,清溪镇青坑村16号"
)
CIVIL = "低保证号,姓名,身份证号,城乡类别,保障类别,整户保/单人保,享受开始日期,终止日期"
ALLOWED = "30002952,邓立佳,11010519491231002X,农村,低保,整户保,201806,2018-12-31"
DISABILITY = "持证人姓名,残疾人证号,性别,出生日期,残疾类别,残疾等级,有效期至"
CERTIFIED = "周怡,11010519491231002X74,女,1949-12-31,多重残疾,四级,2032-09-05"


def both(path: Path, kind: ListName, *lines: str) -> tuple[list[ListRow], list[ListRow] | None]:
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    schools = SchoolDirectory.of([("1", "石湖小学"), ("2", "清溪镇中心小学")])
    slow, fast = sheet_of(path, kind), sheet_of(path, kind)
    rows = list(read_list_sheet(kind, slow, 7, schools))
    found = read_list_columns(kind, fast, 7, schools, rows_least=1)
    if found is not None:
        assert (fast.first_row, fast.data_indexes) == (slow.first_row, slow.data_indexes)
    return rows, found


def sheet_of(path: Path, kind: ListName) -> InputSheet:
    return open_inputs({kind: [path]})[kind][0].sheets[0]


@pytest.mark.parametrize(
    "line",
    [
        PLAIN,
        PLAIN.replace("王小明", " 王 小明 "),
        PLAIN.replace("王小明", ""),
        PLAIN.replace("王小明", "古丽•买买提"),
        PLAIN.replace("11010519491231002X", "11010519491231002x"),
        PLAIN.replace("11010519491231002X", "110105194912310021"),
        PLAIN.replace("11010519491231002X", "110105491231002"),
        PLAIN.replace("11010519491231002X", "1.1010519E+17"),
        PLAIN.replace("11010519491231002X", ""),
        PLAIN.replace(",,男", ",G11010519491231002X,男"),
        PLAIN.replace(",,男", ",G440524188001010014,男"),
        PLAIN.replace(",,男", ",L469080000000000001,男"),
        PLAIN.replace("男", "同上"),
        PLAIN.replace("男", "?"),
        PLAIN.replace("1949-12-31", "19491230"),
        PLAIN.replace("1949-12-31", "1949.12"),
        PLAIN.replace("1949-12-31", "不详"),
        PLAIN.replace("1949-12-31", ""),
        PLAIN.replace("脱贫户", "边缘户"),
        PLAIN.replace("脱贫户", "无此类"),
        PLAIN.replace("脱贫户", " 同上 "),
        PLAIN.replace("2022.11", "二〇二二年十一月"),
        PLAIN.replace("2022.11", "44896").replace(",,否", ",2019,是"),
        PLAIN.replace("2022.11", "去年"),
        PLAIN.replace("石湖小学", "石湖 小学"),
        PLAIN.replace("石湖小学", "外省务工地学校"),
        PLAIN.replace("石湖小学", "无"),
        PLAIN.replace("石湖小学", "某某幼儿园"),
        PLAIN.replace("清溪镇青坑村16号", " 清溪镇 青坑村16号　"),
        PLAIN.replace("清溪镇青坑村16号", "同上"),
        PLAIN.replace("30000423,王建国", "同上,同上"),
    ],
)
def test_a_row_read_in_columns_is_the_row_read_cell_by_cell(tmp_path: Path, line: str) -> None:
    slow, fast = both(tmp_path / "poverty.csv", "poverty", POVERTY, PLAIN, line, line, PLAIN)
    assert fast == slow
    assert [row.row for row in slow] == [7, 8, 9, 10]


def test_what_is_said_in_the_first_row_already_as_above_says_nothing(tmp_path: Path) -> None:
    slow, fast = both(tmp_path / "poverty.csv", "poverty", POVERTY, PLAIN.replace("脱贫户", "同上"), PLAIN)
    assert fast == slow
    assert slow[0].household_type is None


@pytest.mark.parametrize(
    "line",
    [
        ALLOWED,
        ALLOWED.replace("低保,", "城市低保,").replace("农村", ""),
        ALLOWED.replace("低保,", "特困,"),
        ALLOWED.replace("低保,", "救助,"),
        ALLOWED.replace("整户保", "单人保"),
        ALLOWED.replace("201806", "2019-06"),
        ALLOWED.replace("2018-12-31", "长期"),
    ],
)
def test_an_allowance_is_read_alike(tmp_path: Path, line: str) -> None:
    slow, fast = both(tmp_path / "civil.csv", "civil", CIVIL, ALLOWED, line)
    assert fast == slow


@pytest.mark.parametrize(
    "line",
    [
        CERTIFIED,
        CERTIFIED.replace("X74", "X74B1"),
        CERTIFIED.replace("X74", "X74b1"),
        CERTIFIED.replace("X74", "X84"),
        CERTIFIED.replace("X74", "X"),
        CERTIFIED.replace("2X74", "1X74"),
        CERTIFIED.replace("11010519491231002X74", ""),
        CERTIFIED.replace("多重残疾,四级", ",").replace("X74", "X31"),
        CERTIFIED.replace("多重残疾,四级", "听力,壹级"),
    ],
)
def test_a_certificate_is_read_alike(tmp_path: Path, line: str) -> None:
    slow, fast = both(tmp_path / "disability.csv", "disability", DISABILITY, CERTIFIED, line)
    assert fast == slow


@pytest.mark.parametrize(
    "line",
    ["合计,1,,,,,,,,,,,,,", "注:无,,,,,,,,,,,,,,", ",,,,,,,,,,,,,,", POVERTY, "张三", '"30","a,b"', PLAIN + ",more"],
)
def test_a_sheet_that_leaves_doubt_is_read_row_by_row(tmp_path: Path, line: str) -> None:
    _, fast = both(tmp_path / "poverty.csv", "poverty", POVERTY, PLAIN, line, PLAIN)
    assert fast is None


@pytest.mark.parametrize("header", ["姓名,户主姓名", "户主姓名,身份证号"])
def test_a_sheet_without_names_or_numbers_is_read_row_by_row(tmp_path: Path, header: str) -> None:
    _, fast = both(tmp_path / "civil.csv", "civil", header, "王明,王建国")
    assert fast is None

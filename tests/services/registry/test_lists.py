"""Rows of lists and registers, read with all their problems at once."""

from __future__ import annotations

from datetime import date

import pytest

from services.registry.sheets.columns import LIST_COLUMNS, REGISTER_COLUMNS
from services.registry.sheets.lists import Ditto, ListContext, list_row, register_row
from services.registry.sheets.schools import SchoolDirectory
from shared.tabular.header import find_header
from shared.tabular.sheets import Cell

VALID = "34052419800101001X"
OTHER = "11010519491231002X"
SCHOOLS = SchoolDirectory.of(
    [("3100000001", "望潮县第一小学"), ("3100000002", "望潮县第二小学"), ("", "白沙镇中心学校"), ("", "白沙初级中学")]
)


def codes(row: object) -> set[str]:
    return {f"{problem.field}.{problem.code}" for problem in row.problems}  # type: ignore[attr-defined]


def test_a_clean_row_has_no_problem() -> None:
    row = list_row(
        "poverty", 1, {"name": "张三", "id_number": VALID, "household_type": "脱贫不稳定户", "valid_from": "2014.3"}
    )
    assert row.problems == ()
    assert (row.id_number, row.birth_date, row.household_type) == (VALID, date(1980, 1, 1), "脱贫不稳定户")
    assert row.valid_from == date(2014, 3, 1)


def test_a_number_in_a_numeric_cell_is_never_repaired() -> None:
    row = list_row("poverty", 1, {"name": "张三", "id_number": 340524198001010e3})
    assert row.id_number is None
    assert row.number_problem == "numeric_cell"


@pytest.mark.parametrize("cell", ["3.40524E+17", "340524198001010000"])
def test_a_number_that_a_spreadsheet_has_rounded_is_never_repaired(cell: str) -> None:
    row = list_row("poverty", 1, {"name": "张三", "id_number": cell})
    assert row.id_number is None
    assert row.number_problem in ("scientific_notation", "numeric_cell")


@pytest.mark.parametrize(
    "cell",
    [
        "'" + VALID,
        VALID.lower(),
        " 340524 19800101 001X ",
        "３４０５２４１９８００１０１００１Ｘ",
        f'="{VALID}"',
        VALID + "43",
        VALID + "43B1",
    ],
)
def test_harmless_forms_of_a_number_are_read(cell: str) -> None:
    assert (
        list_row("civil", 1, {"name": "张三", "id_number": cell.removeprefix('="').removesuffix('"')}).id_number
        == VALID
    )


def test_all_problems_of_a_row_are_told_at_once() -> None:
    row = list_row(
        "poverty",
        1,
        {"id_number": "123", "household_type": "富裕户", "valid_from": "某日", "school": "望潮县第三小学"},
        schools=SCHOOLS,
    )
    assert codes(row) == {
        "name.name_missing",
        "id_number.length",
        "household_type.unknown",
        "valid_from.unreadable",
        "school.school_unknown",
    }
    assert all(problem.zh and problem.en for problem in row.problems)


def test_no_problem_text_repeats_the_number() -> None:
    row = list_row("poverty", 1, {"name": "张三", "id_number": "340524198001010011"})
    assert row.problems
    assert not any("3405" in problem.zh + problem.en for problem in row.problems)


def test_a_certificate_stands_for_a_missing_number_and_tells_kind_and_grade() -> None:
    row = list_row("disability", 1, {"name": "张三", "certificate_number": VALID + "42"})
    assert (row.id_number, row.disability_kind, row.disability_grade) == (VALID, 4, 2)
    assert row.problems == ()


def test_a_certificate_of_another_person_contradicts_the_number() -> None:
    row = list_row("disability", 1, {"name": "张三", "id_number": OTHER, "certificate_number": VALID + "42"})
    assert row.number_contradicted
    assert "id_number.contradicted" in codes(row)


def test_a_numeric_certificate_is_a_lost_number() -> None:
    row = list_row("disability", 1, {"name": "张三", "certificate_number": 3.4e19})
    assert row.number_problem == "numeric_cell"


def test_a_slip_in_a_certificate_is_a_slip_in_its_number() -> None:
    row = list_row("disability", 1, {"name": "张三", "certificate_number": "340524198001010021" + "42"})
    assert row.number_problem == "check_digit"
    assert row.id_text == "340524198001010021"
    assert row.suggested_birth_date == date(1980, 1, 1)


def test_an_old_number_tells_only_when_its_holder_was_born() -> None:
    row = list_row("poverty", 1, {"name": "张三", "id_number": "340524480101001"})
    assert (row.number_problem, row.birth_date, row.suggested_birth_date) == ("fifteen_digit", None, date(1948, 1, 1))


def test_the_last_day_of_a_paper_still_counts_and_an_exit_day_does_not() -> None:
    assert list_row("disability", 1, {"name": "a", "valid_to": "2025-06-30"}).valid_to == date(2025, 7, 1)
    assert list_row("poverty", 1, {"name": "a", "exited_on": "2025-06-30"}).valid_to == date(2025, 6, 30)
    assert list_row("disability", 1, {"name": "a", "valid_to": "长期"}).valid_to is None


def test_being_lifted_does_not_end_validity() -> None:
    row = list_row("poverty", 1, {"name": "a", "valid_from": "2014", "lifted_on": "2019.12"})
    assert (row.lifted_on, row.valid_to) == (date(2019, 12, 1), None)


def test_what_only_the_title_says_holds_for_every_row() -> None:
    row = list_row("civil", 1, {"name": "a"}, ListContext.of_title("某县农村低保对象花名册"))
    assert (row.support_type, row.area_type) == ("subsistence_allowance", "rural")
    assert ListContext.of_title("城市低保和农村低保对象、特困人员名单") == ListContext()
    assert ListContext.of_title("某县乡村振兴局") == ListContext()


def test_the_row_is_believed_before_the_title() -> None:
    fields: dict[str, Cell] = {"name": "a", "area_type": "城市", "support_type": "特困人员", "coverage": "单人保"}
    row = list_row("civil", 1, fields, ListContext("subsistence_allowance", "rural"))
    assert (row.support_type, row.area_type, row.coverage) == ("extreme_hardship", "urban", "single")


def test_same_as_above_takes_the_row_above_but_never_a_name_or_number() -> None:
    ditto = Ditto()
    ditto.resolve({"head_name": "李四", "address": "甲村", "name": "张三", "id_number": VALID})
    below = ditto.resolve({"head_name": "同上", "address": "〃", "name": "同上", "id_number": "同上"})
    assert below == {"head_name": "李四", "address": "甲村", "name": "同上", "id_number": "同上"}
    assert ditto.resolve({"head_name": " 同上 "})["head_name"] == "李四"


def test_an_unknown_school_is_answered_with_the_three_nearest() -> None:
    found = SCHOOLS.find("望潮县第三小学")
    assert found is not None
    assert len(found.nearest) == 3
    assert set(found.nearest[:2]) == {"望潮县第一小学", "望潮县第二小学"}
    assert not found.elsewhere, "one character off: rather one of ours than a school elsewhere"


def test_a_school_like_none_of_ours_is_elsewhere() -> None:
    row = list_row("poverty", 1, {"name": "a", "school": "临江市实验中学"}, schools=SCHOOLS)
    assert row.school_elsewhere
    assert row.school_key is None


@pytest.mark.parametrize("text", ["", "无", "未上学", "—", "临江市中心幼儿园"])
def test_no_school_is_not_a_school_elsewhere(text: str) -> None:
    assert not list_row("poverty", 1, {"name": "a", "school": text}, schools=SCHOOLS).school_elsewhere


def test_a_school_is_found_by_code_or_by_name_in_any_width() -> None:
    by_code, by_name = SCHOOLS.find("", "3100000001"), SCHOOLS.find("望潮县 第一小学")
    assert by_code is not None
    assert by_name is not None
    assert by_code.key == by_name.key == "3100000001"


def test_a_student_number_completes_a_missing_number_but_j_and_l_never_do() -> None:
    assert register_row(1, {"name": "a", "student_number": "G" + VALID}).id_number == VALID
    assert register_row(1, {"name": "a", "student_number": "L" + VALID}).id_number is None
    assert register_row(1, {"name": "a", "id_number": OTHER, "student_number": "G" + VALID}).number_contradicted


def test_a_head_only_row_is_not_blamed_for_its_missing_name() -> None:
    row = list_row("civil", 1, {"head_name": "李四", "head_id": VALID, "support_type": "低保"})
    assert row.head_only
    assert row.problems == ()


def test_a_member_row_without_a_member_is_not_about_the_head() -> None:
    row = list_row("poverty", 1, {"head_name": "李四", "head_id": VALID, "name": "", "id_number": ""})
    assert not row.head_only
    assert "name.name_missing" in codes(row)
    assert list_row("poverty", 1, {"head_name": "李四", "head_id": VALID}).head_only


def test_the_local_student_number_is_kept_apart() -> None:
    found = find_header([["姓名", "学籍辅号", "身份证件号"]], (), REGISTER_COLUMNS)
    assert found is not None
    assert "student_number" not in found.columns


@pytest.mark.parametrize(
    ("headers", "fields"),
    [
        (
            ["家庭编号", "家庭成员姓名", "证件号码", "贫困户属性"],
            {"household_number", "name", "id_number", "household_type"},
        ),
        (
            ["低保证号", "户主", "户主证件号码", "姓名", "公民身份号码"],
            {"allowance_number", "head_name", "head_id", "name", "id_number"},
        ),
        (
            ["持证人姓名", "残疾证号", "残疾类别", "有效期至"],
            {"name", "certificate_number", "disability_kind", "valid_to"},
        ),
    ],
)
def test_aliases_of_real_sheets_are_known(headers: list[Cell], fields: set[str]) -> None:
    found = find_header([headers], (), LIST_COLUMNS)
    assert found is not None
    assert set(found.columns) == fields

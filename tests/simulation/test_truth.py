"""The truth is decided from the families; here it is decided again from the files alone."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pytest

from simulation.corruption import SHARES
from tests.simulation.conftest import SETTINGS
from tests.simulation.county_files import (
    ListLine,
    csv_lines,
    iso_valid,
    list_lines,
    plain_name,
    plain_number,
    read_date,
    register_lines,
)

ID_COLUMN = {"poverty": "成员身份证号", "civil": "公民身份号码", "hardship": "身份证号码", "disability": "残疾人证号"}
NAME_COLUMN = {"poverty": "成员姓名", "civil": "姓名", "hardship": "姓名", "disability": "持证人姓名"}
INVALID_KINDS = {"typing_slip", "swapped_digits", "numeric_cell", "missing_number"}
NAME_KINDS = {"homophone", "transliteration"}
OTHERS_NUMBER = {"guardian_number", "sibling_number"}
ORDER = ("registered_poor", "disabled", "subsistence_rural", "extreme_hardship")


@pytest.fixture(scope="session")
def judged(county: Path) -> list[tuple[str, ListLine, dict[str, str]]]:
    """(list, line as read from the sheet, its line of the truth)."""
    truth = {(line["list"], int(line["row"])): line for line in csv_lines(county / "truth.csv")}
    return [(name, line, truth[name, line.number]) for name in ID_COLUMN for line in list_lines(county, name)]


def number_in(name: str, line: ListLine) -> str:
    text = plain_number(line.cells[ID_COLUMN[name]])
    return text[:18] if len(text) >= 20 and iso_valid(text[:18]) else text


def in_force(first: date | None, last: date | None) -> bool:
    return first is not None and first <= SETTINGS.as_of and (last is None or SETTINGS.as_of < last)


def test_every_number_is_valid_unless_a_corruption_is_declared(
    judged: list[tuple[str, ListLine, dict[str, str]]],
) -> None:
    for name, line, truth in judged:
        number = number_in(name, line)
        old = truth["standing"] == "adult_fifteen_digit"
        assert iso_valid(number) == (truth["corruption"] not in INVALID_KINDS and not old)
        assert isinstance(line.cells[ID_COLUMN[name]], float) == (truth["corruption"] == "numeric_cell")


def test_a_row_that_must_link_agrees_with_the_register_in_number_and_name(
    county: Path, judged: list[tuple[str, ListLine, dict[str, str]]]
) -> None:
    register = register_lines(county)
    linked = 0
    for name, line, truth in judged:
        if truth["states"] != "linked":
            continue
        student = register[int(truth["student_row"]) - 1]
        assert number_in(name, line) == student["身份证号"]
        assert plain_name(line.cells[NAME_COLUMN[name]]) == student["姓名"]
        linked += 1
    assert linked > 500


def test_a_row_that_may_not_simply_link_disagrees_with_the_register(
    county: Path, judged: list[tuple[str, ListLine, dict[str, str]]]
) -> None:
    register = register_lines(county)
    by_number = {line["身份证号"]: line for line in register if line["身份证号"]}
    for name, line, truth in judged:
        if truth["states"] == "linked":
            continue
        found = by_number.get(number_in(name, line))
        agrees = found is not None and plain_name(line.cells[NAME_COLUMN[name]]) == found["姓名"]
        assert not agrees, truth
        assert (found is not None) == (truth["corruption"] in NAME_KINDS | {"sibling_number"}), truth


def test_out_of_age_rows_are_older_or_younger_than_aid_age(
    judged: list[tuple[str, ListLine, dict[str, str]]],
) -> None:
    as_of = SETTINGS.as_of
    for name, line, truth in judged:
        number = number_in(name, line)
        if not iso_valid(number) or truth["corruption"] in OTHERS_NUMBER:
            continue
        born = date(int(number[6:10]), int(number[10:12]), int(number[12:14]))
        age = as_of.year - born.year - ((as_of.month, as_of.day) < (born.month, born.day))
        assert (truth["states"] == "out_of_age") == (not 3 <= age <= 24), truth


def test_every_kind_of_corruption_occurs_and_stays_a_small_share(county: Path) -> None:
    truth = json.loads((county / "truth.json").read_text(encoding="utf-8"))
    kinds = {key.split(".")[1] for key in truth["corruptions"]}
    assert set(SHARES) <= kinds
    assert {"middle_dot", "certificate_in_id_column"} <= kinds
    dirty = sum(truth["corruptions"].values())
    assert dirty < 0.1 * sum(truth["counts"]["list_rows"].values())


def test_listed_children_enrolled_nowhere_are_in_no_register(
    county: Path, judged: list[tuple[str, ListLine, dict[str, str]]]
) -> None:
    known = {line["身份证号"] for line in register_lines(county)}
    nowhere = {number_in(name, line) for name, line, truth in judged if truth["standing"] == "enrolled_nowhere"}
    expected = json.loads((county / "truth.json").read_text(encoding="utf-8"))["listed_children_enrolled_nowhere"]
    assert not nowhere & known
    assert len(nowhere) == expected > 0


def test_categories_follow_from_the_sheets_alone(
    county: Path, judged: list[tuple[str, ListLine, dict[str, str]]]
) -> None:
    found: dict[int, set[str]] = {}
    for name, line, truth in judged:
        if truth["states"] != "linked":
            continue
        cells = line.cells
        if name == "poverty" and in_force(read_date(cells["识别时间"]), read_date(cells["退出时间"])):
            category = "registered_poor"
        elif name == "civil" and in_force(read_date(cells["享受开始日期"]), read_date(cells["终止日期"])):
            category = "subsistence_rural" if cells["城乡类别"] == "农村" else ""
        elif name == "hardship" and in_force(read_date(cells["起始日期"]), read_date(cells["终止日期"])):
            category = "extreme_hardship" if cells["城乡类别"] == "农村" else ""
        elif name == "disability":
            expires = read_date(cells["有效期至"])
            assert expires is not None
            category = "disabled" if SETTINGS.as_of <= expires else ""
        else:
            category = ""
        if category:
            found.setdefault(int(truth["student_row"]), set()).add(category)
    for student in csv_lines(county / "truth_students.csv"):
        mine = next((c for c in ORDER if c in found.get(int(student["student_row"]), set())), "")
        assert mine == student["category_by_rows"], student


def test_most_true_categories_can_be_proved_and_none_is_proved_wrongly(county: Path) -> None:
    rank = {name: place for place, name in enumerate((*ORDER, ""))}
    true, proved = 0, 0
    for line in csv_lines(county / "truth_students.csv"):
        chain = [rank[line[key]] for key in ("category", "category_by_household", "category_by_rows")]
        assert chain == sorted(chain)
        true += bool(line["category"])
        proved += bool(line["category"]) and line["category"] == line["category_by_household"]
    assert true > SETTINGS.students * 0.1
    assert true * 0.9 < proved < true

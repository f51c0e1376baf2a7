"""Whose list is it? By name, else by title, else by columns; never by a guess."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from cli.match_kinds import ListUnknown, kind_of
from services.registry.sheets.sheet_files import open_inputs
from tests.support.check_files import MING, sheet

PERSON = ["姓名", "身份证号"]


def kind(path: Path, rows: list[list[Any]]) -> str:
    (file,) = open_inputs({"list": [sheet(path, rows)]})["list"]
    return kind_of(file)


def rows(*columns: str, title: str = "") -> list[list[Any]]:
    above = [[title]] if title else []
    return [*above, [*PERSON, *columns], ["王小明", MING, *("" for _ in columns)]]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("2026年建档立卡人口.xlsx", "poverty"),
        ("防返贫监测对象.xlsx", "poverty"),
        ("农村低保花名册.xlsx", "civil"),
        ("特困供养.xlsx", "civil"),
        ("县残联持证人员.xlsx", "disability"),
        ("Disability.xlsx", "disability"),
    ],
)
def test_the_name_a_person_gave_tells(tmp_path: Path, name: str, expected: str) -> None:
    assert kind(tmp_path / name, rows()) == expected


def test_a_title_tells_where_the_name_does_not(tmp_path: Path) -> None:
    assert kind(tmp_path / "1.xlsx", rows(title="望潮县最低生活保障对象名册")) == "civil"


def test_columns_tell_where_nobody_wrote_it(tmp_path: Path) -> None:
    assert kind(tmp_path / "1.xlsx", rows("户类型")) == "poverty"
    assert kind(tmp_path / "2.xlsx", rows("低保证号", "城乡类别")) == "civil"
    assert kind(tmp_path / "3.xlsx", rows("残疾人证号", "残疾等级")) == "disability"


def test_what_a_person_wrote_weighs_more_than_columns_copied_from_another_agency(tmp_path: Path) -> None:
    assert kind(tmp_path / "建档立卡.xlsx", rows("残疾类别", "残疾等级")) == "poverty"
    assert kind(tmp_path / "脱贫户中的残疾人.xlsx", rows("户类型", "致贫原因", "残疾等级")) == "poverty"


@pytest.mark.parametrize("columns", [(), ("户类型", "残疾等级")])
def test_a_list_that_says_nothing_or_two_things_is_refused(tmp_path: Path, columns: tuple[str, ...]) -> None:
    with pytest.raises(ListUnknown) as refused:
        kind(tmp_path / "名单.xlsx", rows(*columns))
    assert "名单.xlsx" in refused.value.zh and "文件名" in refused.value.zh

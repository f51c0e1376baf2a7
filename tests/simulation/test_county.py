from __future__ import annotations

import hashlib
import json
from collections import Counter
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from simulation import county as county_module
from simulation.county import Settings, SimulationRefused, simulate
from tests.simulation.conftest import SETTINGS
from tests.simulation.county_files import csv_lines, iso_valid, list_lines, register_lines

SMALL = Settings(students=300, seed=3, schools=6, weeks=1)
LISTS = ("poverty", "civil", "hardship", "disability")


def digests(folder: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.iterdir())}


def test_the_same_seed_gives_the_same_bytes(tmp_path: Path) -> None:
    simulate(SMALL, tmp_path / "one")
    simulate(SMALL, tmp_path / "two")
    assert digests(tmp_path / "one") == digests(tmp_path / "two")


def test_another_seed_gives_another_county(tmp_path: Path) -> None:
    simulate(SMALL, tmp_path / "one")
    simulate(replace(SMALL, seed=4), tmp_path / "two")
    one, two = digests(tmp_path / "one"), digests(tmp_path / "two")
    assert [name for name in one if one[name] == two[name]] == []


def test_the_format_changes_neither_people_nor_truth(tmp_path: Path) -> None:
    simulate(SMALL, tmp_path / "xlsx")
    simulate(replace(SMALL, file_format="csv"), tmp_path / "csv")
    for name in ("truth.csv", "truth_students.csv", "attendance.csv"):
        assert (tmp_path / "xlsx" / name).read_bytes() == (tmp_path / "csv" / name).read_bytes()
    text = (tmp_path / "csv" / "students.csv").read_text(encoding="utf-8-sig")
    assert text.count("\n") == 1 + SMALL.students


def test_counts_balance_to_the_rows_of_the_files(county: Path) -> None:
    summary = json.loads((county / "county.json").read_text(encoding="utf-8"))
    truth = json.loads((county / "truth.json").read_text(encoding="utf-8"))
    rows = Counter(line["list"] for line in csv_lines(county / "truth.csv"))
    assert len(register_lines(county)) == SETTINGS.students == summary["counts"]["students"]
    assert sum(school["students"] for school in summary["schools"]) == SETTINGS.students
    assert {name: sum(1 for _ in list_lines(county, name)) for name in LISTS} == dict(rows)
    assert truth["counts"]["list_rows"] == dict(rows)
    assert sum(truth["categories"].values()) == SETTINGS.students
    assert sum(truth["row_standings"].values()) == rows.total()
    assert len(csv_lines(county / "truth_students.csv")) == SETTINGS.students


def test_every_number_of_the_register_is_valid_and_given_once(county: Path) -> None:
    numbers = [str(line["身份证号"]) for line in register_lines(county)]
    given = [number for number in numbers if number]
    assert all(map(iso_valid, given))
    assert len(given) == len(set(given))
    assert 0 < numbers.count("") < len(numbers) * 0.02


def test_student_numbers_follow_from_identity_numbers_or_are_temporary(county: Path) -> None:
    lines = register_lines(county)
    assert all(
        line["全国学籍号"] == f"G{line['身份证号']}" if line["身份证号"] else str(line["全国学籍号"]).startswith("L")
        for line in lines
    )
    assert len({line["全国学籍号"] for line in lines}) == len(lines)


def test_birth_date_and_sex_agree_with_the_number(county: Path) -> None:
    for line in register_lines(county):
        number = str(line["身份证号"])
        if number:
            assert number[6:14] == line["出生日期"]
            assert ("男" if int(number[16]) % 2 else "女") == line["性别"]


def test_twins_differ_by_one_or_two_in_the_sequence(county: Path) -> None:
    families: dict[tuple[object, ...], list[str]] = {}
    for line in register_lines(county):
        number = str(line["身份证号"])
        if number:
            key = (line["监护人身份证号"], line["家庭住址"], line["出生日期"])
            families.setdefault(key, []).append(number)
    twins = [numbers for numbers in families.values() if len(numbers) > 1]
    assert len(twins) >= 5
    gaps = [abs(int(one[14:17]) - int(other[14:17])) for one, other in twins]
    assert sum(gap <= 2 for gap in gaps) >= len(gaps) * 0.9


def test_hard_names_and_old_numbers_occur(county: Path) -> None:
    lines = register_lines(county)
    assert any("·" in str(line["姓名"]) for line in lines)
    assert any(len(str(line["监护人身份证号"])) == 15 for line in lines)
    same = Counter((line["姓名"], line["年级"]) for line in lines)
    assert any(count > 1 for count in same.values())


def test_no_class_is_larger_than_a_room_and_school_codes_are_known(county: Path) -> None:
    lines = register_lines(county)
    sizes = Counter((line["学校标识码"], line["年级"], line["班级"]) for line in lines)
    assert max(sizes.values()) <= 45
    summary = json.loads((county / "county.json").read_text(encoding="utf-8"))
    schools = {school["code"]: school["name"] for school in summary["schools"]}
    assert len(schools) == len(set(schools.values())) == SETTINGS.schools
    assert all(schools[str(line["学校标识码"])] == line["学校名称"] for line in lines)


def test_attendance_names_pupils_of_the_class_on_weekdays(county: Path) -> None:
    classes: dict[tuple[object, object, object], set[object]] = {}
    for line in register_lines(county):
        classes.setdefault((line["学校标识码"], line["年级"], line["班级"]), set()).add(line["全国学籍号"])
    away: dict[str, list[str]] = {}
    for day in csv_lines(county / "attendance.csv"):
        absent = day["absent_student_numbers"].split("|") if day["absent_student_numbers"] else []
        pupils = classes[(day["school_code"], day["grade"], day["class"])]
        assert set(absent) <= pupils
        assert len(pupils) == int(day["class_size"])
        assert len(absent) == len(set(absent)) == int(day["absent_count"])
        assert date.fromisoformat(day["day"]).weekday() < 5
        for number in absent:
            away.setdefault(number, []).append(day["day"])
    numbers = [line["全国学籍号"] for line in register_lines(county)]
    stopped = [line for line in csv_lines(county / "truth_students.csv") if line["absent_since"]]
    reported = [away.get(str(numbers[int(line["student_row"]) - 1]), []) for line in stopped]
    assert len(stopped) > 5
    assert sum(bool(days) for days in reported) >= len(stopped) * 0.8  # a silent class reports nothing
    assert all(min(days) == line["absent_since"] for line, days in zip(stopped, reported, strict=True) if days)


@pytest.mark.parametrize(
    "settings",
    [
        Settings(students=0),
        Settings(students=3_000_000),
        Settings(schools=2),
        Settings(students=400_000),
        Settings(weeks=-1),
        Settings(as_of=date(1999, 1, 1)),
    ],
)
def test_settings_that_cannot_work_are_refused_and_leave_nothing(settings: Settings, tmp_path: Path) -> None:
    with pytest.raises(SimulationRefused):
        simulate(settings, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_an_interrupted_run_leaves_nothing_behind(tmp_path: Path) -> None:
    def stop(step: str, _: int) -> None:
        if step == "lists":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        simulate(SMALL, tmp_path, stop)
    assert list(tmp_path.iterdir()) == []


def test_a_county_of_several_districts_numbers_its_rows_through(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("simulation.schools.STUDENTS_PER_DISTRICT", 400)
    simulate(Settings(students=1200, seed=5, schools=12, weeks=1), tmp_path)
    lines = csv_lines(tmp_path / "truth_students.csv")
    assert [int(line["student_row"]) for line in lines] == list(range(1, 1201))
    for name in LISTS:
        rows = [int(line["row"]) for line in csv_lines(tmp_path / "truth.csv") if line["list"] == name]
        assert rows == list(range(1, len(rows) + 1)) == [line.number for line in list_lines(tmp_path, name)]
    register = register_lines(tmp_path)
    assert len({line["身份证号"] for line in register if line["身份证号"]}) > 1150
    assert json.loads((tmp_path / "county.json").read_text())["generator_version"] == county_module.GENERATOR_VERSION

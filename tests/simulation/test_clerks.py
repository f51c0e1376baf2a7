from __future__ import annotations

import ast
import re
from collections import Counter
from dataclasses import replace
from datetime import date
from pathlib import Path
from random import Random

import pytest

import simulation
from simulation import clerks, slips
from simulation.clerks import LEVELS, Level
from simulation.county import Settings, SimulationRefused, simulate
from simulation.households import Household, Person
from simulation.lists import ListRow
from simulation.office_sheets import wide_row
from simulation.schools import Township
from simulation.slips import Desk
from simulation.support import PovertyRegistration
from tests.simulation.conftest import SETTINGS
from tests.simulation.county_files import csv_lines, iso_valid

WIDE = Settings(students=3000, seed=5, schools=12, weeks=0, file_format="csv", errors="moderate", listed=4.0)
NUMBER = {"poverty": "成员身份证号", "civil": "公民身份号码", "hardship": "身份证号码", "disability": "残疾人证号"}
NAME = {"poverty": "成员姓名", "civil": "姓名", "hardship": "姓名", "disability": "持证人姓名"}


def lines(path: Path) -> list[dict[str, str]]:
    found = csv_lines(path)
    return [{key.lstrip("\ufeff"): value for key, value in line.items()} for line in found]


@pytest.fixture(scope="module")
def counties(tmp_path_factory: pytest.TempPathFactory) -> dict[Level, Path]:
    made: dict[Level, Path] = {}
    for level in LEVELS:
        made[level] = tmp_path_factory.mktemp(level)
        simulate(replace(WIDE, errors=level), made[level])
    return made


def numbered_rows(folder: Path) -> list[tuple[dict[str, str], str, str, str]]:
    """(truth, name and number in the sheet, number in the register) of rows about students who have a number there."""
    register = [line["身份证号"] for line in lines(folder / "students.csv")]
    sheets = {name: lines(folder / f"{name}.csv") for name in NUMBER}
    found = []
    for truth in lines(folder / "truth.csv"):
        if truth["student_row"] and register[int(truth["student_row"]) - 1]:
            line = sheets[truth["list"]][int(truth["row"]) - 1]
            number = line[NUMBER[truth["list"]]]
            number = number[:18] if truth["list"] == "disability" else number
            found.append((truth, line[NAME[truth["list"]]], number, register[int(truth["student_row"]) - 1]))
    return found


def test_a_clean_county_says_of_every_student_what_the_register_says(counties: dict[Level, Path]) -> None:
    names = [line["姓名"] for line in lines(counties["clean"] / "students.csv")]
    rows = numbered_rows(counties["clean"])
    assert len(rows) > 1000
    for truth, name, number, registered in rows:
        assert (name, number) == (names[int(truth["student_row"]) - 1], registered)
        assert truth["corruption"] == "" and truth["state"] == "linked"


def test_all_levels_list_the_same_people(counties: dict[Level, Path]) -> None:
    people = {
        level: [(line["list"], line["student_row"], line["standing"]) for line in lines(folder / "truth.csv")]
        for level, folder in counties.items()
    }
    assert people["clean"] == people["moderate"] == people["heavy"]


def test_the_same_seed_gives_the_same_errors(tmp_path: Path, counties: dict[Level, Path]) -> None:
    simulate(WIDE, tmp_path)
    for name in (*NUMBER, "truth"):
        assert (tmp_path / f"{name}.csv").read_bytes() == (counties["moderate"] / f"{name}.csv").read_bytes()


def exact_number_recall(folder: Path) -> float:
    rows = numbered_rows(folder)
    return sum(number.strip().upper() == registered for _, _, number, registered in rows) / len(rows)


def test_equal_numbers_find_nine_in_ten_of_a_moderate_list_and_far_fewer_of_a_heavy_one(
    counties: dict[Level, Path],
) -> None:
    assert 0.89 < exact_number_recall(counties["moderate"]) < 0.96
    assert 0.65 < exact_number_recall(counties["heavy"]) < 0.85


def test_errors_come_in_clusters(counties: dict[Level, Path]) -> None:
    """The spread between villages is far beyond that of equally careless clerks, who would give a binomial one."""
    rows, wrong = Counter[str](), Counter[str]()
    sheet = lines(counties["heavy"] / "poverty.csv")
    for truth, _, number, registered in numbered_rows(counties["heavy"]):
        if truth["list"] == "poverty":
            address = sheet[int(truth["row"]) - 1]["家庭住址"]
            village = re.sub(r"\d+号$", "", address)
            rows[village] += 1
            wrong[village] += number != registered
    del rows["同上"], wrong["同上"]
    share = wrong.total() / rows.total()
    spread = sum((wrong[village] - rows[village] * share) ** 2 for village in rows)
    binomial = sum(rows[village] * share * (1 - share) for village in rows)
    assert len(rows) > 10
    assert spread > 3 * binomial


def test_every_slip_that_is_not_rare_happens_in_a_heavy_county(counties: dict[Level, Path]) -> None:
    seen = {slip for line in lines(counties["heavy"] / "truth.csv") for slip in line["corruption"].split("|")}
    habits = (*clerks.NUMBER_HABITS, *clerks.NAME_HABITS, *clerks.OTHER_HABITS)
    for_few = ("former_name", "truncated")  # need a child who was renamed, or a name in two parts
    common = {habit.slip.__name__ for habit in habits if habit.share >= 0.1} - {*for_few}
    assert common <= seen
    assert seen <= {habit.slip.__name__ for habit in habits} | {""}


def test_a_perfect_person_links_a_student_unless_a_spreadsheet_ate_the_number(counties: dict[Level, Path]) -> None:
    for line in lines(counties["heavy"] / "truth.csv"):
        assert line["state"] in line["states"].split("|")
        if line["student_row"]:
            assert line["state"] == ("rejected" if "numeric_cell" in line["corruption"] else "linked")
        else:
            assert line["state"] not in ("linked", "review")


def test_a_level_of_listed_families_out_of_reach_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SimulationRefused, match="listed"):
        simulate(replace(WIDE, listed=0.0), tmp_path)


def desk(number: str = "11010519491231002X", name: str = "王小明", birth: str = "1949-12-31") -> Desk:
    born = date.fromisoformat(birth)
    person = Person(name, "male", born, number, "之子", "student")
    guardian = Person("王建国", "male", date(1925, 1, 1), "440524188001010014", "户主", "adult")
    town = Township("469080100", "木桥镇", False, (("469080100200", "石湖村"),))
    poverty = PovertyRegistration("1", "脱贫户", "因病", born, None, None)
    home = Household(1, town, town.villages[0], False, "", 1, "12", "", [guardian, person], guardian, poverty)
    return Desk(wide_row(Random(1), ListRow("poverty", home, person, name, number, "student", ("linked",))), None)


@pytest.mark.parametrize("slip", [slips.one_digit, slips.swapped, slips.lost_digit, slips.dropped_x, slips.masked])
@pytest.mark.parametrize("seed", range(20))
def test_a_slip_in_the_number_leaves_no_valid_number(slip: slips.Slip, seed: int) -> None:
    on = desk()
    if slip(Random(seed), on):
        assert not iso_valid(on.row.number)
    else:
        assert on.row.number == "11010519491231002X"


def test_a_masked_number_still_agrees_where_it_can_be_read() -> None:
    on = desk()
    assert slips.masked(Random(3), on)
    pairs = list(zip(on.row.number, "11010519491231002X", strict=True))
    assert all(a == b or not a.isdigit() for a, b in pairs) and any(a != b for a, b in pairs)


def test_the_guardians_number_is_that_of_the_guardian() -> None:
    on = desk()
    assert slips.guardian_number(Random(1), on)
    assert on.row.number == "440524188001010014"


def test_a_lunar_birth_date_is_weeks_before_the_real_one() -> None:
    on = desk(birth="2012-06-15")
    assert slips.lunar_birth_date(Random(1), on)
    assert on.row.cells["birth_date"] == "2012-05-26"  # by the almanac the 26th day of the fourth month for the second time


def test_the_simulation_imports_nothing_of_what_it_measures() -> None:
    folder = Path(str(simulation.__file__)).parent
    for path in folder.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            module = getattr(node, "module", None) or ""
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else [module]
            assert not any(name.split(".")[0] in ("services", "cli", "bench") for name in names), path


def test_the_sample_county_has_no_clerks() -> None:
    assert SETTINGS.errors is None and Settings().errors is None and Settings().listed == 1.0

from __future__ import annotations

from collections import Counter, defaultdict
from pathlib import Path

import pytest

from simulation.trap_kinds import KINDS
from simulation.traps import write_traps
from tests.simulation.county_files import iso_valid
from tests.simulation.test_clerks import lines

ROWS = 1000


@pytest.fixture(scope="module")
def traps(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("traps")
    assert write_traps(ROWS, 4, folder) >= ROWS
    return folder


def told(folder: Path, kind: str) -> list[tuple[dict[str, str], dict[str, str]]]:
    sheet = lines(folder / "poverty.csv")
    truth = lines(folder / "truth.csv")
    return [(line, sheet[number]) for number, line in enumerate(truth) if line["corruption"] == kind]


def test_every_kind_occurs_about_equally_often(traps: Path) -> None:
    truth = lines(traps / "truth.csv")
    counts = Counter(line["corruption"] for line in truth)
    assert set(counts) == set(KINDS) and len(truth) >= ROWS
    assert max(counts.values()) <= 3 * min(counts.values())


def test_the_same_seed_sets_the_same_traps(traps: Path, tmp_path: Path) -> None:
    write_traps(ROWS, 4, tmp_path)
    for name in ("students.csv", "poverty.csv", "truth.csv"):
        assert (tmp_path / name).read_bytes() == (traps / name).read_bytes()


def test_numbers_of_the_register_are_valid_and_shared_only_where_that_is_the_trap(traps: Path) -> None:
    numbers = Counter(line["身份证号"] for line in lines(traps / "students.csv"))
    assert all(map(iso_valid, numbers))
    shared = [number for number, count in numbers.items() if count > 1]
    assert len(shared) == len(told(traps, "two_students_on_one_number")) // 2


def test_a_twin_elsewhere_has_the_next_number_the_same_birth_date_and_is_not_registered(traps: Path) -> None:
    register: defaultdict[str, list[int]] = defaultdict(list)
    for line in lines(traps / "students.csv"):
        register[line["身份证号"][:14]].append(int(line["身份证号"][14:17]))
    rows = told(traps, "twin_elsewhere")
    for truth, row in rows:
        number = row["成员身份证号"]
        assert iso_valid(number) and truth["student_row"] == ""
        near = [abs(int(number[14:17]) - other) for other in register[number[:14]]]
        assert min(near) in (1, 2)


def test_a_slip_of_an_absent_twin_gives_an_invalid_number_one_edit_from_the_registered_one(traps: Path) -> None:
    register = [line["身份证号"] for line in lines(traps / "students.csv")]
    close = 0
    rows = told(traps, "twin_elsewhere_slip")
    for _, row in rows:
        number = row["成员身份证号"]
        apart = min(sum(a != b for a, b in zip(number, other, strict=True)) for other in register)
        assert not iso_valid(number) or apart > 0
        close += apart == 1 and not iso_valid(number)
    assert close > len(rows) / 2


def test_the_others_number_belongs_to_a_registered_child_of_the_same_guardian(traps: Path) -> None:
    register = lines(traps / "students.csv")
    by_number = {line["身份证号"]: line for line in register}
    for truth, row in told(traps, "twin_with_the_others_number"):
        meant, other = register[int(truth["student_row"]) - 1], by_number[row["成员身份证号"]]
        assert meant["姓名"] == row["成员姓名"] != other["姓名"]
        assert meant["监护人身份证号"] == other["监护人身份证号"] and meant["出生日期"] == other["出生日期"]


def test_a_namesake_elsewhere_has_a_student_of_the_same_name_in_the_register(traps: Path) -> None:
    names = Counter(line["姓名"] for line in lines(traps / "students.csv"))
    for kind in KINDS:
        if kind.startswith("namesake_elsewhere"):
            assert all(names[row["成员姓名"]] and not truth["student_row"] for truth, row in told(traps, kind))

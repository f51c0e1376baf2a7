from __future__ import annotations

import json
from pathlib import Path

import typer
from typer.testing import CliRunner

from cli.simulate import register


def app() -> typer.Typer:
    application = typer.Typer()
    application.callback()(lambda: None)
    register(application)
    return application


def test_simulate_writes_the_county_and_says_so_for_machines(tmp_path: Path) -> None:
    options = ["--students", "120", "--schools", "4", "--seed", "2", "--as-of", "2025-03-03", "--weeks", "1", "--json"]
    result = CliRunner().invoke(app(), ["simulate", *options, "--out", str(tmp_path)])
    assert result.exit_code == 0, result.output
    answer = json.loads(result.stdout)
    assert (answer["counts"]["students"], answer["as_of"], answer["seed"]) == (120, "2025-03-03", 2)
    assert {path.name for path in tmp_path.iterdir()} == {
        *("students.xlsx", "schools.xlsx", "poverty.xlsx", "civil.xlsx", "hardship.xlsx", "disability.xlsx"),
        *("divisions.xlsx", "attendance.csv", "truth.csv", "truth_students.csv", "truth.json", "county.json"),
    }


def test_simulate_refuses_what_it_cannot_make_with_one_line(tmp_path: Path) -> None:
    result = CliRunner().invoke(app(), ["simulate", "--students", "900000", "--out", str(tmp_path / "x")])
    assert result.exit_code == 1
    assert "--format csv" in result.stderr
    assert not (tmp_path / "x").exists()
    assert CliRunner().invoke(app(), ["simulate"]).exit_code == 2


def test_simulate_makes_a_level_of_errors_with_more_listed_families(tmp_path: Path) -> None:
    options = ["--students", "300", "--schools", "4", "--format", "csv", "--weeks", "0", "--json"]
    usual = CliRunner().invoke(app(), ["simulate", *options, "--errors", "clean", "--out", str(tmp_path / "usual")])
    more = [*options, "--errors", "heavy", "--listed", "4", "--out", str(tmp_path / "more")]
    result = CliRunner().invoke(app(), ["simulate", *more])
    assert usual.exit_code == result.exit_code == 0, result.output
    rows = [json.loads(each.stdout)["counts"]["list_rows"]["poverty"] for each in (usual, result)]
    assert rows[1] > 2 * rows[0]
    truth = (tmp_path / "more" / "truth.csv").read_text(encoding="utf-8").splitlines()
    assert truth[0] == "list,row,student_row,standing,corruption,states,state"

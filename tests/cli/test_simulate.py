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
        *("attendance.csv", "truth.csv", "truth_students.csv", "truth.json", "county.json"),
    }


def test_simulate_refuses_what_it_cannot_make_with_one_line(tmp_path: Path) -> None:
    result = CliRunner().invoke(app(), ["simulate", "--students", "900000", "--out", str(tmp_path / "x")])
    assert result.exit_code == 1
    assert "--format csv" in result.stderr
    assert not (tmp_path / "x").exists()
    assert CliRunner().invoke(app(), ["simulate"]).exit_code == 2

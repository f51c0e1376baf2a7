"""`./rollcall counterfactual` against a served audit, by a real command line."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cli.main import build_app
from deploy.errors import StartRefused
from tests.cli.test_replay import answering
from tests.deploy.counterfactual.town import BOARDER, NEXT_AUTUMN, Town

runner = CliRunner()


@pytest.fixture
def served(town: Town) -> Iterator[Town]:
    with answering(town.installation, town.audit):
        yield town


def refused(*arguments: str) -> str:
    with pytest.raises(StartRefused) as told:
        runner.invoke(build_app(), ["counterfactual", *arguments], catch_exceptions=False)
    return str(told.value)


def test_changes_in_a_file_are_asked_with_the_list_beside_it_and_taken_home(served: Town, tmp_path: Path) -> None:
    served.file([served.row(1)]).rename(tmp_path / "corrected.xlsx")
    changes, out = tmp_path / "changes.toml", tmp_path / "answer.xlsx"
    changes.write_text(
        f"""
[[change]]
what = "replace"
submission = "{served.sent[2]}"
file = "corrected.xlsx"

[[change]]
what = "redate"
submission = "{served.sent[3]}"
dated = 2026-09-01
""",
        "utf-8",
    )
    arguments = ["counterfactual", "--changes", str(changes), "--out", str(out)]
    result = runner.invoke(build_app(), arguments, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    assert "1 differ of 17 · control clean" in result.stdout
    row = next(line for line in result.stdout.splitlines() if line.startswith(str(served.students[5])))
    assert row.split("\t")[1:] == [NEXT_AUTUMN, row.split("\t")[2], f"{BOARDER / 100:.2f}", "0.00", "list_replaced"]
    assert out.read_bytes()[:2] == b"PK"


def test_what_cannot_be_asked_is_told_in_words(served: Town, tmp_path: Path) -> None:
    assert "there is no file" in refused("--rules", f"living_subsidy={tmp_path / 'lost.json'}")
    rules = tmp_path / "rules.json"
    rules.write_text(json.dumps({"programme": "living_subsidy"}))
    told = refused("--rules", f"living_subsidy={rules}@2025-09-01", "--move", f"{served.sent[0]}=2020-01-01")
    assert "bad programme" in told and "before the first day" in told
    assert "no list submission" in refused("--leave-out", str(served.students[1]))
    assert runner.invoke(build_app(), ["counterfactual"]).exit_code == 2
    assert runner.invoke(build_app(), ["counterfactual", "--move", "nothing"]).exit_code == 2

"""What the trainer writes is a model that an installation can be asked to take."""

from __future__ import annotations

import json
from pathlib import Path

import typer
from typer.testing import CliRunner

from cli.train_model import main
from services.matching.model_change import usable

COMMAND = typer.Typer()
COMMAND.command()(main)


def test_a_trained_file_can_be_proposed_as_it_is(tmp_path: Path) -> None:
    out = tmp_path / "model.json"
    asked = ["--out", str(out), "--version", "county-7", "--students", "300", "--seed", "7", "--automatic", "16"]
    done = CliRunner().invoke(COMMAND, asked)
    assert done.exit_code == 0, done.output
    model = usable(out.read_bytes())
    assert done.output.split() == [str(out), model.hash]
    assert (model.version, model.thresholds.automatic, model.thresholds.review) == ("county-7", 16.0, 0.0)
    assert json.loads(out.read_bytes())["trained"]["gold_pairs"] > 0


def test_figures_that_make_no_model_are_refused_and_nothing_is_written(tmp_path: Path) -> None:
    out = tmp_path / "model.json"
    asked = ["--out", str(out), "--version", "county-7", "--students", "50", "--seed", "7", "--automatic", "-1"]
    done = CliRunner().invoke(COMMAND, asked)
    assert done.exit_code == 1 and "automatic" in done.output and not out.exists()

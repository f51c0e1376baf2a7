"""Every branch of the permission core is run by the tests that stand beside it in permission_core.toml."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

PROJECT = Path(__file__).resolve().parent.parent
TOLD = tomllib.loads((PROJECT / "tests" / "permission_core.toml").read_text(encoding="utf-8"))
CORE: dict[str, list[str]] = TOLD["core"]


def test_the_core_and_its_tests_are_there() -> None:
    for path, tests in CORE.items():
        assert (PROJECT / path).is_file() and tests and all((PROJECT / test).is_file() for test in tests), path


def test_each_mutant_that_is_let_pass_says_why() -> None:
    for each in TOLD["equivalent"]:
        assert each["file"] in CORE and " ⇒ " in each["change"] and len(each["why"]) > 10, each


@pytest.mark.long
def test_every_branch_of_the_core_is_run_by_its_own_tests(tmp_path: Path) -> None:
    told = covered(tmp_path)
    assert set(told) == set(CORE)
    missing = {
        path: (found["missing_lines"], found["missing_branches"])
        for path, found in told.items()
        if found["missing_lines"] or found["missing_branches"]
    }
    assert missing == {}


def covered(folder: Path) -> dict[str, dict[str, Any]]:
    """What coverage.py says of each file of the core after its tests, in a process that has loaded nothing before."""
    settings = folder / "coveragerc"
    settings.write_text(f"[run]\nbranch = true\ndata_file = {folder / 'data'}\n", encoding="utf-8")
    files = ",".join(str(PROJECT / path) for path in CORE)
    tests = list(dict.fromkeys(test for tests in CORE.values() for test in tests))
    coverage = [sys.executable, "-m", "coverage"]
    options = [f"--rcfile={settings}", f"--include={files}"]
    environment = {**os.environ, "PYTHONPATH": str(PROJECT)}
    ran = subprocess.run(
        [*coverage, "run", *options, "-m", "pytest", "-q", "-p", "no:cacheprovider", *tests],
        cwd=PROJECT,
        env=environment,
        capture_output=True,
        text=True,
    )
    assert ran.returncode == 0, ran.stdout[-4_000:] + ran.stderr[-2_000:]
    report = folder / "report.json"
    subprocess.run(
        [*coverage, "json", f"--rcfile={settings}", "-q", "-o", str(report)], cwd=PROJECT, env=environment, check=True
    )
    found: dict[str, dict[str, Any]] = json.loads(report.read_text(encoding="utf-8"))["files"]
    return found

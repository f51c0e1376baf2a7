"""`rollcall match --model`: a county's own model decides in place of the shipped one, or is refused."""

from __future__ import annotations

import json
from pathlib import Path

from services.matching.scoring import county_model
from tests.cli.test_match import lines, run, sheet

HEAD = ["学校名称", "年级", "姓名", "身份证号", "性别", "出生日期", "监护人姓名"]
CHILD = ["望潮一小", "三年级", "欧阳子墨", "", "男", "2015-03-04", "欧阳建国"]


def outcome(tmp_path: Path, *more: object) -> tuple[str, str]:
    """State of the one row, and the rules that the summary names."""
    students = sheet(tmp_path / "students.xlsx", [HEAD, CHILD])
    listed = sheet(tmp_path / "poverty.xlsx", [[*HEAD, "户类型"], [*CHILD, "脱贫户"]])
    out = tmp_path / "out"
    done = run("--students", students, "--poverty", listed, "--as-of", "2026-11-16", "--out", out, *more)
    assert done.exit_code == 0, done.stderr
    (line,) = lines(out / "links.csv")
    return line["state"], json.loads((out / "summary.json").read_text(encoding="utf-8"))["rules"]["ladder"]


def test_a_model_of_ones_own_decides_and_is_named(tmp_path: Path) -> None:
    shipped = county_model()
    assert outcome(tmp_path) == ("linked", f"ladder-3+{shipped.hash[:16]}")
    raw = shipped.as_json() | {"version": "own", "thresholds": {"automatic": 200.0, "review": 0.0}}
    own = tmp_path / "own.json"
    own.write_text(json.dumps(raw, ensure_ascii=False), encoding="utf-8")
    state, named = outcome(tmp_path, "--model", own)
    assert state == "review" and named != f"ladder-3+{shipped.hash[:16]}"


def test_a_model_that_is_none_is_refused_and_leaves_nothing_behind(tmp_path: Path) -> None:
    students = sheet(tmp_path / "students.xlsx", [HEAD, CHILD])
    broken, out = tmp_path / "broken.json", tmp_path / "out"
    broken.write_text("{}", encoding="utf-8")
    done = run("--students", students, "--poverty", students, "--model", broken, "--out", out)
    assert done.exit_code == 1 and "文件不是模型" in done.stderr and not out.exists()

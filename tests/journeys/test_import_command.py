"""Story: the clerk sends a list from the command line, mends what came back beside the file, and sends it again."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from shared.tabular.book import open_book
from tests.support import sheets
from tests.support.district import District
from tests.support.people import Row

RUN_SECONDS = 120


def command(district: District, *arguments: str) -> subprocess.CompletedProcess[str]:
    """`./rollcall import …` against the running system."""
    line = [sys.executable, "-m", "cli.main", "import", *arguments]
    variables = district.system.variables()
    return subprocess.run(line, env=variables, capture_output=True, text=True, timeout=RUN_SECONDS, check=False)


def receipt(district: District, *arguments: str) -> dict[str, Any]:
    done = command(district, *arguments, "--json")
    assert done.returncode == 0, done.stderr
    told: dict[str, Any] = json.loads(done.stdout)
    return told


def written(folder: Path, rows: list[Row]) -> Path:
    path = folder / "脱贫户.xlsx"
    path.write_bytes(sheets.xlsx(sheets.table(rows)))
    return path


def test_a_list_is_sent_mended_and_sent_again(district: District, tmp_path: Path) -> None:
    people = district.people
    rows = [people.row("poverty", "exact", district.newcomer()), people.row("poverty", "slip", district.newcomer())]
    path = written(tmp_path, rows)
    more = ("poverty", str(path), "--mode", "increment", "--dated", district.today.isoformat())

    foretold = receipt(district, *more, "--dry-run")
    assert (foretold["rows"], foretold["added"], foretold["rejected"], foretold["dry_run"]) == (2, 2, 1, True)
    assert not list(tmp_path.glob("*rejects*"))
    checked = tmp_path / "checked.xlsx"
    receipt(district, *more, "--dry-run", "--out", str(checked))
    head, good, wrong = (list(row) for row in open_book(checked).sheets[0].iter_rows())
    assert str(head[-1]).startswith("校验结果") and good[-1] == "" and "请修改【身份证号】" in str(wrong[-1])
    assert command(district, *more, "--out", str(checked)).returncode == 2, "--out goes with --dry-run"

    done = receipt(district, *more)
    assert (done["rows"], done["added"], done["rejected"], done["dry_run"]) == (2, 2, 1, False)
    (rejects,) = tmp_path.glob("*rejects*.xlsx")
    head, line = (list(row) for row in open_book(rejects).sheets[0].iter_rows())
    back = dict(zip(map(str, head), line, strict=False))
    assert (back["行号"], back["成员姓名"], back["证件号码"]) == (2, rows[1].name, rows[1].number)
    assert back["退回原因"]

    again = receipt(district, *more)
    assert (again["added"], again["corrected"], again["removed"], again["unchanged"]) == (0, 0, 0, 2)
    for row in rows:
        district.oracle.listed(row)
    district.system.settle()
    district.compare()


def test_what_cannot_be_sent_ends_with_its_reason_and_exit_code(district: District, tmp_path: Path) -> None:
    missing = command(district, "poverty", str(tmp_path / "没有.xlsx"))
    assert missing.returncode == 1 and "没有这个文件" in missing.stderr
    forged = tmp_path / "forged.xlsx"
    forged.write_bytes(b"MZ" + bytes(range(256)))
    refused = command(district, "poverty", str(forged))
    assert refused.returncode == 1 and "Traceback" not in refused.stderr and refused.stdout == ""
    assert any("\u4e00" <= character <= "\u9fff" for character in refused.stderr)
    assert command(district, "nonsense", str(forged)).returncode == 2

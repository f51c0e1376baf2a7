"""Story: an auditor proves, on another machine and with public keys alone, that an event is in the log it came from."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from cli.main import build_app
from deploy.spec import SERVICES
from tests.support.district import District

COSIGNED_SECONDS = 30.0


def cosigned(district: District) -> dict[str, int]:
    """How much of each log the witness has cosigned, once it has seen something of every one."""
    auditor = district.system.callers.auditor()
    deadline = time.monotonic() + COSIGNED_SECONDS
    while True:
        sizes = {row["service"]: row["size"] for row in auditor.read("audit", "/witness")["items"]}
        if all(sizes[each] for each in SERVICES):
            return sizes
        assert time.monotonic() < deadline, sizes
        time.sleep(0.2)


def index_of(district: District, student: str) -> int:
    """The cosigned event that speaks of this student first from the end."""
    known, deadline = 0, time.monotonic() + COSIGNED_SECONDS
    while True:
        size = cosigned(district)["registry"]
        for index in range(size, known, -1):
            if event(district, index)["subject"] == student:
                return index
        assert time.monotonic() < deadline, "her enrolment is not cosigned"
        known = size
        time.sleep(0.2)


def verify(*arguments: str) -> str:
    result = CliRunner().invoke(build_app(), ["verify", *arguments], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


@pytest.fixture
def as_auditor(district: District, monkeypatch: pytest.MonkeyPatch) -> None:
    """The command line talks to this district as its auditor."""
    callers = district.system.callers
    for name, value in {
        "ROLLCALL_HOME": str(district.system.home),
        "ROLLCALL_PORT": str(district.system.port),
        "ROLLCALL_DIVISION": district.system.division,
        "ROLLCALL_ENV": "test",
        "ROLLCALL_TOKEN": callers.token("auditor", "test:auditor", division=district.system.division),
    }.items():
        monkeypatch.setenv(name, value)


@pytest.mark.usefixtures("as_auditor")
def test_a_childs_enrolment_is_proved_offline_and_seen_by_two_witnesses(district: District, tmp_path: Path) -> None:
    child = district.newcomer()
    district.system.settle()
    student = district.office.student_id(child)
    index = index_of(district, student)
    keys, note, proof, line = (str(tmp_path / name) for name in ("keys", "note", "proof", "event"))
    verify("keys", "--out", keys)
    verify("checkpoint", "--from-running", "registry", "--keys", keys, "--out", note)
    Path(line).write_text(json.dumps(event(district, index)), "utf-8")
    verify("inclusion", "--from-running", "registry", "--index", str(index), "--keys", keys, "--out", proof)
    for name in [each for each in os.environ if each.startswith("ROLLCALL_")]:
        del os.environ[name]  # on another machine there is nothing but the files; monkeypatch puts them back
    told = json.loads(verify("inclusion", proof, "--event", line, "--keys", keys, "--json"))
    assert (told["log_index"], told["event_checked"]) == (index, True)
    seen = json.loads(verify("checkpoint", note, "--cosigned", "--keys", keys, "--json"))
    assert seen["witnesses"][0]["name"] == f"rollcall/{district.system.division}/witness"


@pytest.mark.usefixtures("as_auditor")
def test_another_agency_follows_all_logs_with_a_key_of_its_own(district: District, tmp_path: Path) -> None:
    keys = str(tmp_path / "keys")
    verify("keys", "--out", keys)
    own = ("witness", "--keys", keys, "--folder", str(tmp_path / "own"), "--name", "audit.example.gov/w1", "--once")
    cosigned(district)
    assert verify(*own).count("cosigned") == len(SERVICES)
    district.newcomer()
    district.system.settle()
    cosigned(district)
    assert "registry" in verify(*own)
    assert not list((tmp_path / "own").glob("*.disputed.note"))


def event(district: District, index: int) -> dict[str, Any]:
    told: dict[str, Any] = district.system.callers.auditor().read("registry", f"/log/events/{index}")
    return told

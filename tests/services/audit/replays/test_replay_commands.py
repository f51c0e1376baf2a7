"""`replay diff`, `person`, `why`, `why-not` and bundles against a served audit, by a real command line."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars
import pytest
from typer.testing import CliRunner

from cli.main import build_app
from deploy.errors import StartRefused
from services.audit.replays.bundling import Bundles
from tests.cli.test_replay import answering
from tests.services.audit.replays.conftest import KEYS
from tests.services.audit.replays.county import County

runner = CliRunner()


@pytest.fixture(scope="module")
def served(county: County, bundles: Bundles) -> Iterator[County]:
    with answering(county.installation, county.audit):
        yield county


def run(*arguments: str) -> dict[str, Any]:
    """A command that must succeed; what it printed with --json."""
    result = runner.invoke(build_app(), [*arguments, "--json"], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return dict(json.loads(result.stdout.splitlines()[-1]))


def said(*arguments: str) -> str:
    """What a command says to a person."""
    result = runner.invoke(build_app(), list(arguments), catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


def refused(*arguments: str) -> str:
    with pytest.raises(StartRefused) as told:
        runner.invoke(build_app(), list(arguments), catch_exceptions=False)
    assert "\n" not in str(told.value)
    return str(told.value)


def test_what_changed_is_told_and_written_with_its_events(served: County, tmp_path: Path) -> None:
    before, after = served.moments[1], served.moments[2]
    out = tmp_path / "changes.csv"
    asked = ("replay", "diff", "payments", "--from-known-at", before.at.isoformat(), "--to-known-at")
    told = run(*asked, after.at.isoformat(), "--out", str(out))
    assert told["count"] == len(after.paid) - len(before.paid) == len(told["items"])
    with out.open(encoding="utf-8-sig", newline="") as rows:
        found = list(csv.DictReader(rows))
    assert {row["entitlement_id"] for row in found} == {item["key"]["entitlement_id"] for item in told["items"]}
    assert all("AidDisbursed" in row["causes"] for row in found)
    assert "added entitlement_id=" in said(*asked, after.at.isoformat())


def test_a_persons_file_why_and_why_not(served: County, tmp_path: Path) -> None:
    at = ("--known-at", served.end.at.isoformat())
    out = tmp_path / "person.json"
    file = run("replay", "person", "--student", str(served.paid), *at, "--out", str(out))
    assert json.loads(out.read_text("utf-8")) == file
    assert {"students", "payments"} <= file["views"].keys() and "张小明" not in out.read_text("utf-8")
    assert "AidDisbursed" in said("replay", "person", "--student", str(served.paid), *at)
    found = run("replay", "why", "--student", str(served.paid), *at)["items"]
    assert [each["decision"]["event_id"] for each in found] == file["decisions"]
    payment = str(served.event("disbursement.AidDisbursed.v1", served.paid))
    behind = said("replay", "why", "--event", payment, *at)
    assert "rules: " in behind and "ProgrammeActivated" in behind and "people: clerk" in behind
    assert run("replay", "why-not", "--student", str(served.unaided), *at)["missing"] == "listed"
    assert "missing: registered" in said("replay", "why-not", "--student", str(served.dropped_out), *at)
    assert "没有这名学生" in refused("replay", "person", "--student", "00000000-0000-0000-0000-000000000009", *at)


def test_a_bundle_is_written_and_verified_without_the_system(
    served: County, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys, out = tmp_path / "public-keys.txt", tmp_path / "payments.bundle.zip"
    keys.write_text("".join(f"{key.vkey()}\n" for key in KEYS), "utf-8")
    at = ("--known-at", served.moments[3].at.isoformat())
    told = run("replay", "payments", *at, "--out", str(out), "--with-log")
    plain = run("replay", "payments", *at, "--out", str(tmp_path / "payments.parquet"))
    assert plain["hash"] == told["hash"]
    assert polars.read_parquet(tmp_path / "payments.parquet").height == told["count"] == len(served.moments[3].paid)
    hers = tmp_path / "person.bundle.zip"
    file = run("replay", "person", "--student", str(served.paid), *at, "--out", str(hers))
    monkeypatch.delenv("ROLLCALL_TOKEN")
    monkeypatch.setenv("ROLLCALL_PORT", "1")
    verify = ("verify", "bundle", str(out), "--keys", str(keys))
    assert run(*verify)["hash"] == told["hash"]
    assert run("verify", "bundle", str(hers), "--keys", str(keys))["rows"] == file["count"]
    assert "verified" in said(*verify)
    known = keys.read_text("utf-8")
    keys.write_text("", "utf-8")
    assert "no signature of a known key" in refused(*verify)
    keys.write_text("nonsense", "utf-8")
    assert "public-keys.txt: " in refused(*verify)
    keys.write_text(known, "utf-8")
    content = bytearray(out.read_bytes())
    content[content.index(b"B-0-")] ^= 1
    out.write_bytes(content)
    assert "payments.bundle.zip does not hold together: result.json: its bytes were changed" in refused(*verify)


@pytest.mark.parametrize(
    "arguments",
    [
        ["diff", "roster"],
        ["diff", "roster", "--from-known-at", "2026-01-01", "--out", "x.docx"],
        ["diff", "roster", "--from-known-at", "yesterday"],
        ["person"],
        ["person", "--student", "00000000-0000-0000-0000-000000000009", "--out", "x.json", "--with-log"],
        ["why"],
        ["why-not", "--student", "00000000-0000-0000-0000-000000000009", "--of", "luck"],
        ["roster", "--out", "x.json", "--with-log"],
    ],
)
def test_a_wrong_usage_is_told_with_exit_code_2(arguments: list[str]) -> None:
    assert runner.invoke(build_app(), ["replay", *arguments]).exit_code == 2

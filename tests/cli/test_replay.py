"""`replay` and `verify leaves` against a served audit, by a real command line."""

from __future__ import annotations

import csv
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from python_calamine import CalamineWorkbook
from typer.testing import CliRunner

from cli.main import build_app
from cli.session import Refused
from deploy.errors import StartRefused
from deploy.ports import free_port
from deploy.views import VIEWS
from services.audit import app
from services.audit.snapshots.shelf import Shelf
from services.audit.snapshots.snapshotter import Snapshotter
from shared.hosting.ports import PORT_OFFSETS
from shared.hosting.service import Service
from shared.web.application import create_app
from shared.web.authentication import Authenticator
from tests.services.audit.replays.test_replaying import SERVICES, Moment, a_history, archive
from tests.services.happenings import enrolled, someone
from tests.services.installation import DIVISION, Installation
from tests.support.callers import Callers
from tests.support.serving import serving

runner = CliRunner()
SEED = bytes(range(32))


class Served:
    """An audit that answers, with a history behind it."""

    def __init__(self, moments: list[Moment], folder: Path, audit: Service, callers: Callers) -> None:
        self.moments, self.folder, self.audit, self.callers = moments, folder, audit, callers

    def run(self, *arguments: str) -> dict[str, Any]:
        """A command that must succeed; what it printed with --json."""
        result = runner.invoke(build_app(), [*arguments, "--json"], catch_exceptions=False)
        assert result.exit_code == 0, result.output
        return dict(json.loads(result.stdout.splitlines()[-1]))  # the server in this process logs its requests too


@contextmanager
def answering(installation: Installation, audit: Service) -> Iterator[Callers]:
    """Audit served over HTTP, and an environment in which the command line finds it as an auditor."""
    port = free_port()
    first = port - PORT_OFFSETS["audit"]
    callers = Callers(DIVISION[:4], first, SEED)
    authenticator = Authenticator(
        issuer=f"http://127.0.0.1:{first}/demo-issuer",
        audience="rollcall",
        jwks={"keys": [callers._key.as_dict(private=False)]},
    )
    with (
        pytest.MonkeyPatch.context() as patch,
        serving(create_app("audit", audit.routers, authenticator=authenticator), port),
    ):
        patch.setenv("ROLLCALL_PORT", str(first))
        patch.setenv("ROLLCALL_DIVISION", DIVISION)
        patch.setenv("ROLLCALL_TOKEN", callers.auditor().token or "")
        yield callers


@pytest.fixture(scope="module")
def served(postgres: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("replay")
    installation = Installation(postgres, folder)
    audit = installation.start(app.build(installation.settings("audit"), VIEWS))
    moments = a_history(installation)
    archive(installation, audit)
    with answering(installation, audit) as callers:
        yield Served(moments, folder, audit, callers)
    installation.close()


def refused(*arguments: str) -> str:
    """The one line a command is refused with."""
    with pytest.raises(StartRefused) as told:
        runner.invoke(build_app(), list(arguments), catch_exceptions=False)
    assert "\n" not in str(told.value)
    return str(told.value)


def test_a_view_is_written_as_it_was_known(served: Served) -> None:
    moment = served.moments[2]
    for suffix in ("json", "csv", "xlsx"):
        out = served.folder / f"payments.{suffix}"
        asked = ("replay", "payments", "--known-at", moment.at.isoformat(), "--true-on", "2026-11-24")
        told = served.run(*asked, "--out", str(out))
        assert told["count"] == len(moment.paid)
        if suffix == "json":
            found = [item["reference"] for item in json.loads(out.read_text("utf-8"))["items"]]
        elif suffix == "csv":
            with out.open(encoding="utf-8-sig", newline="") as rows:
                found = [row["reference"] for row in csv.DictReader(rows)]
        else:
            head, *rows_ = CalamineWorkbook.from_path(str(out)).get_sheet_by_name("payments").to_python()
            found = [row[head.index("reference")] for row in rows_]
        assert sorted(str(each) for each in found) == sorted(moment.paid.values())


def test_a_question_is_asked_by_its_name(served: Served) -> None:
    moment = served.moments[2]
    asked = ("--known-at", moment.at.isoformat(), "--out")
    sample = served.folder / "sample.json"
    told = served.run("ask", "sample", "-w", "seed=audit 7", "-w", "size=100", *asked, str(sample))
    found = json.loads(sample.read_text("utf-8"))
    assert told["count"] == len(moment.paid) and told["hash"] == found["hash"]
    assert {item["student_id"] for item in found["items"]} == {str(student) for student in moment.paid}
    statement, cards = served.folder / "bank.csv", served.folder / "cards.xlsx"
    reference = next(iter(moment.paid.values()))
    statement.write_text(f"流水号,卡号,证件号,户名\n{reference},6217000012345678,469001198001010019,王老师\n", "utf-8")
    served.run("ask", "anothers_card", "--bank", str(statement), *asked, str(cards))
    _, row = CalamineWorkbook.from_path(str(cards)).get_sheet_by_name("发到他人卡上、一卡多人").to_python()
    assert row[4:7] == ["待核", "王*师", "****5678"]
    assert "late" in runner.invoke(build_app(), ["ask"], catch_exceptions=False).stdout
    assert "there is no question salaries" in refused("ask", "salaries", "--out", str(cards))
    assert "days" in refused("ask", "late", "-w", "days=0", "--out", str(cards))


def test_the_same_question_has_the_same_digest(served: Served) -> None:
    asked = ("replay", "alerts", "--known-at", served.moments[1].at.isoformat(), "--out")
    digests = {served.run(*asked, str(served.folder / f"{n}.json"))["hash"] for n in range(2)}
    assert len(digests) == 1


def test_a_replay_begins_at_a_snapshot_unless_everything_is_to_be_read_and_writes_the_same_file(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    database, projection = served.audit.database, VIEWS["payments"].projection
    written = Snapshotter(Shelf(database, served.audit.keyring), {}).write(projection, served.moments[1].at)
    assert written is not None
    quick, whole = served.folder / "quick.xlsx", served.folder / "whole.xlsx"
    asked = ("replay", "payments", "--known-at", served.moments[2].at.isoformat(), "--out")
    began = [
        served.run(*asked, str(quick))["began"]["snapshot"],
        served.run(*asked, str(whole), "--from-first")["began"]["snapshot"],
    ]
    assert began == [str(written.id), None]
    assert rows_of(quick) == rows_of(whole)

    def told(*arguments: str) -> str:
        return runner.invoke(build_app(), list(arguments), catch_exceptions=False).stdout

    assert f"从快照开始 began at snapshot {written.id}" in told(*asked, str(quick))
    assert f"payments: 1, up to {written.known_at.date()}" in told("snapshots")
    with pytest.raises(Refused):
        told("snapshots", "drop")
    monkeypatch.setenv("ROLLCALL_TOKEN", served.callers.of("approver").token or "")
    assert "1 snapshots dropped" in told("snapshots", "drop")
    assert "0 MiB; 0 to be dropped; one every 250,000 events" in told("snapshots")


def rows_of(file: Path) -> list[list[list[Any]]]:
    book = CalamineWorkbook.from_path(str(file))
    return [book.get_sheet_by_name(name).to_python() for name in book.sheet_names]


def test_what_cannot_be_answered_is_refused_in_one_line_and_leaves_no_file(served: Served) -> None:
    out = ("--out", str(served.folder / "none.json"))
    assert "该时刻之前没有任何记录" in refused("replay", "payments", "--known-at", "2020-01-01T00:00", *out)
    told = refused("replay", "payments", "--known-at", "2999-01-01T00:00", *out)
    assert "尚未收齐" in told and "complete_until: 20" in told
    assert ", categories, category_rules, " in refused("replay", "salaries", *out)
    assert "services: access, registry" in refused(
        "replay", "log.salaries", "--out", str(served.folder / "none.ndjson")
    )
    assert "没有这个记录序号" in refused("replay", "payments", "--index", "99999", *out)
    assert not [*served.folder.glob("none.*"), *served.folder.glob(".none.*")]


def test_asked_for_now_it_waits_for_an_archive_that_is_a_moment_behind(postgres: Any, tmp_path: Path) -> None:
    installation = Installation(postgres, tmp_path)
    audit = installation.start(app.build(installation.settings("audit"), VIEWS))
    for name in SERVICES:
        installation.bare(name)
    student = someone()
    installation.append("registry", student, enrolled(student), date(2021, 9, 1))
    installation.sequence()
    out = str(tmp_path / "now.json")
    later = threading.Timer(1.0, archive, (installation, audit))
    with answering(installation, audit):
        later.start()
        result = runner.invoke(build_app(), ["replay", "payments", "--out", out], catch_exceptions=False)
    later.join()
    installation.close()
    assert result.exit_code == 0
    assert "0 行 rows" in result.stdout and "registry 1" in result.stdout


@pytest.mark.parametrize(
    "arguments",
    [
        ["payments", "--out", "x.docx"],
        ["payments", "--out", "x.json", "--known-at", "yesterday"],
        ["payments", "--out", "x.json", "--true-on", "2026-13-01"],
        ["payments", "--out", "x.json", "--known-at", "2026-01-01", "--index", "3"],
        ["payments", "--out", "no/such/folder/x.json"],
        ["log.registry", "--out", "x.json"],
        ["payments"],
    ],
)
def test_a_wrong_usage_is_told_with_exit_code_2(arguments: list[str]) -> None:
    assert runner.invoke(build_app(), ["replay", *arguments]).exit_code == 2


def test_a_log_is_exported_and_verified_offline(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    out = served.folder / "registry.ndjson"
    told = served.run("replay", "log.registry", "--out", str(out))
    live = served.run("verify", "leaves", "--from-running", "registry")
    assert "there are: access, registry, matching" in refused("verify", "leaves", "--from-running", "salaries")
    monkeypatch.delenv("ROLLCALL_TOKEN")
    verified = served.run("verify", "leaves", str(out))
    assert verified["events"] == told["events"] == 16  # twelve enrolments, four who dropped out
    assert live["root"] == verified["root"]
    assert served.run("verify", "leaves", str(out), "--root", verified["root"])["root"] == verified["root"]
    lines = out.read_bytes().splitlines(keepends=True)
    out.write_bytes(b"".join([*lines[:4], lines[4].replace(b'"test"', b'"else"', 1), *lines[5:]]))
    for arguments in ([str(out)], [str(out), "--root", "00"]):
        with pytest.raises(StartRefused, match="registry #5: wrong_leaf"):
            runner.invoke(build_app(), ["verify", "leaves", *arguments], catch_exceptions=False)
    out.write_bytes(b"not a log\n")
    with pytest.raises(StartRefused, match="line 1"):
        runner.invoke(build_app(), ["verify", "leaves", str(out)], catch_exceptions=False)

"""`replay` and `verify leaves` against a served audit, by a real command line."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from python_calamine import CalamineWorkbook
from typer.testing import CliRunner

from cli.main import build_app
from deploy.errors import StartRefused
from deploy.views import VIEWS
from services.audit import app
from shared.web.application import create_app
from shared.web.authentication import Authenticator
from tests.services.audit.test_replaying import Moment, a_history, archive
from tests.services.installation import DIVISION, Installation
from tests.support.callers import OFFSETS, Callers
from tests.support.serving import free_port, serving

runner = CliRunner()
SEED = bytes(range(32))


class Served:
    """An audit that answers, with a history behind it."""

    def __init__(self, moments: list[Moment], folder: Path) -> None:
        self.moments, self.folder = moments, folder

    def run(self, *arguments: str) -> dict[str, Any]:
        """A command that must succeed; what it printed with --json."""
        result = runner.invoke(build_app(), [*arguments, "--json"], catch_exceptions=False)
        assert result.exit_code == 0, result.output
        return dict(json.loads(result.stdout.splitlines()[-1]))  # the server in this process logs its requests too


@pytest.fixture(scope="module")
def served(postgres: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("replay")
    installation = Installation(postgres, folder)
    audit = installation.start(app.build(installation.settings("audit"), VIEWS))
    moments = a_history(installation)
    archive(installation, audit)
    port = free_port()
    first = port - OFFSETS["audit"]
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
        yield Served(moments, folder)
    installation.close()


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


def test_the_same_question_has_the_same_digest(served: Served) -> None:
    asked = ("replay", "alerts", "--known-at", served.moments[1].at.isoformat(), "--out")
    digests = {served.run(*asked, str(served.folder / f"{n}.json"))["hash"] for n in range(2)}
    assert len(digests) == 1


def test_a_moment_before_the_first_event_is_refused_and_leaves_no_file(served: Served) -> None:
    out = served.folder / "early.json"
    with pytest.raises(StartRefused, match="该时刻之前没有任何记录"):
        runner.invoke(
            build_app(),
            ["replay", "payments", "--known-at", "2020-01-01T00:00", "--out", str(out)],
            catch_exceptions=False,
        )
    assert not out.exists()


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
    monkeypatch.delenv("ROLLCALL_TOKEN")
    verified = served.run("verify", "leaves", str(out))
    assert verified["events"] == told["events"] == 16  # twelve enrolments, four who dropped out
    assert served.run("verify", "leaves", str(out), "--root", verified["root"])["root"] == verified["root"]
    lines = out.read_bytes().splitlines(keepends=True)
    out.write_bytes(b"".join([*lines[:4], lines[4].replace(b'"test"', b'"else"', 1), *lines[5:]]))
    for arguments in ([str(out)], [str(out), "--root", "00"]):
        with pytest.raises(StartRefused, match="registry #5: wrong_leaf"):
            runner.invoke(build_app(), ["verify", "leaves", *arguments], catch_exceptions=False)
    out.write_bytes(b"not a log\n")
    with pytest.raises(StartRefused, match="line 1"):
        runner.invoke(build_app(), ["verify", "leaves", str(out)], catch_exceptions=False)

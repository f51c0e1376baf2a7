"""Sheets of people and lists of them over HTTP: sent, handed out once, found again by name, school, kind and state."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from typer.testing import CliRunner

from cli.main import build_app
from shared.standards.posts import Kind
from shared.tabular.sheets import read_workbook
from shared.web.application import create_app
from shared.web.authentication import Authenticator
from shared.web.live import SseHub
from tests.services.access.conftest import Office
from tests.services.access.staff_sheets import FIRST, SECOND, line, register_schools, sheet, teacher
from tests.services.installation import DIVISION
from tests.shared.web import tokens
from tests.support.serving import serving

SIGNER = tokens.Ed25519Signer("staff")


class Desk:
    """Access over HTTP, asked by whoever administers a place."""

    def __init__(self, client: TestClient, office: Office) -> None:
        self._client, self._office = client, office

    def ask(self, method: str, path: str, *, kind: Kind = Kind.ACCOUNT_ADMINISTRATOR, **how: Any) -> Any:
        place = how.pop("place", {"division": DIVISION})
        claims = tokens.claims(sub=how.pop("by", "county"), kind=kind.value, **({"division": None} | place))
        headers = {"authorization": f"Bearer {tokens.token(SIGNER, claims)}", "idempotency-key": str(uuid.uuid4())}
        return self._client.request(method, f"/v1{path}", headers=headers | how.pop("headers", {}), **how)

    def send(self, path: Path, address: str = "/staff/submissions", **how: Any) -> Any:
        with path.open("rb") as file:
            return self.ask("POST", address, files={"file": (path.name, file)}, **how)

    def listed(self, address: str, **how: Any) -> list[dict[str, Any]]:
        self._office.installation.pump()
        answer = self.ask("GET", address, **how)
        assert answer.status_code == 200, answer.text
        items: list[dict[str, Any]] = answer.json()["items"]
        return items


@pytest.fixture(scope="module")
def app(office: Office) -> FastAPI:
    register_schools(office)
    service = office.service
    return create_app(
        "access",
        service.routers,
        authenticator=Authenticator(issuer=tokens.ISSUER, audience=tokens.AUDIENCE, jwks={"keys": [SIGNER.jwk]}),
        database=service.database,
        state={"hub": SseHub(service.database.app_conninfo)},
    )


@pytest.fixture(scope="module")
def desk(office: Office, app: FastAPI) -> Iterator[Desk]:
    with TestClient(app) as client:
        yield Desk(client, office)


def test_a_sheet_is_checked_taken_in_and_its_passwords_handed_out_once(desk: Desk, tmp_path: Path) -> None:
    path = sheet(tmp_path, teacher("高一", "gao1"), teacher("高二", "gao2", "2班"), line("高三", "gao3", "校长"))
    assert desk.send(path, params={"dry_run": True}).json()["added"] == 2
    checked = desk.send(path, "/staff/dry-run.xlsx")
    assert checked.headers["cache-control"] == "no-store"
    (tmp_path / "checked.xlsx").write_bytes(checked.content)
    (page,) = read_workbook(tmp_path / "checked.xlsx")
    assert "校长要填写学校标识码" in str(list(page.iter_rows())[3][-1])
    receipt = desk.send(path).json()
    assert (receipt["added"], receipt["rejected"], receipt["opened"]) == (2, 1, 2)
    address = f"/staff/imports/{receipt['import_id']}/start-passwords.xlsx"
    key = {"idempotency-key": str(uuid.uuid4())}
    handed = desk.ask("POST", address, headers=key)
    (tmp_path / "handed.xlsx").write_bytes(handed.content)
    (printed,) = read_workbook(tmp_path / "handed.xlsx")
    assert [row[1] for row in printed.iter_rows()][1:] == ["gao1", "gao2"]
    assert desk.ask("POST", address, headers=key).status_code == 409
    assert desk.ask("POST", address, by="another").status_code == 404
    (mine,) = [each for each in desk.ask("GET", "/staff/imports").json()["items"] if each["receipt"]["added"] == 2]
    assert mine["waiting"] == 2


def test_who_administers_nobody_sends_no_sheet(desk: Desk, tmp_path: Path) -> None:
    path = sheet(tmp_path, teacher("高四", "gao4"))
    for kind, place in ((Kind.AID_CLERK, {"division": DIVISION}), (Kind.AUDITOR, {"division": DIVISION})):
        assert desk.send(path, kind=kind, place=place).status_code == 403
    template = desk.ask("GET", "/staff/template.xlsx", place={"school": FIRST})
    (tmp_path / "template.xlsx").write_bytes(template.content)
    _, posts, _ = read_workbook(tmp_path / "template.xlsx")
    assert [row[0] for row in posts.iter_rows()][1:] == ["班主任", "帮扶教师"]


def test_people_are_found_by_name_login_school_kind_and_state_beyond_the_first_page(
    desk: Desk, office: Office, tmp_path: Path
) -> None:
    rows = [teacher(f"罗{number}", f"luo{number:03d}", f"l{number}班") for number in range(210)]
    rows += [line("罗校长", "luoxz", "校长", school=SECOND)]
    assert desk.send(sheet(tmp_path, *rows)).json()["added"] == 211
    first = desk.ask("GET", "/accounts", params={"begins": "罗", "limit": 200}).json()["items"]
    office.installation.pump()
    page = desk.ask("GET", "/accounts", params={"begins": "罗", "limit": 200}).json()
    rest = desk.ask("GET", "/accounts", params={"begins": "罗", "limit": 200, "after": page["next"]}).json()
    assert first == [] and len(page["items"]) == 200
    assert len({each["login"] for each in (*page["items"], *rest["items"])}) == 211
    assert [each["name"] for each in desk.listed("/accounts?begins=LUO209")] == ["罗209"]
    assert [each["login"] for each in desk.listed("/accounts?login=luo20&begins=")] == []
    assert [each["login"] for each in desk.listed("/accounts?login=luo209")] == ["luo209"]
    assert [each["login"] for each in desk.listed(f"/accounts?school={SECOND}")] == ["luoxz"]
    assert [each["login"] for each in desk.listed("/accounts?kind=principal&begins=luo")] == ["luoxz"]
    assert desk.listed("/accounts?state=closed&begins=luo") == []
    (post,) = desk.listed("/posts?begins=luoxz")
    assert (post["holder_name"], post["holder_login"], post["school_name"]) == ("罗校长", "luoxz", "南湖学校")
    assert desk.listed("/posts?begins=luo&kind=principal&state=held") == [post]
    assert desk.listed("/posts?begins=luo&kind=principal&state=vacant") == []
    desk.ask("POST", f"/posts/{post['post_id']}/vacate", json={"reason": "调离"})
    assert [each["post_id"] for each in desk.listed(f"/posts?school={SECOND}&state=vacant")] == [post["post_id"]]
    assert desk.ask("GET", "/posts?kind=nonsense").status_code == 422


def test_a_school_sees_its_own_people_only(desk: Desk, tmp_path: Path) -> None:
    desk.send(sheet(tmp_path, teacher("宋一", "song1", "s1班"), teacher("宋二", "song2", "s1班", school=SECOND)))
    here = {"place": {"school": SECOND}}
    assert [each["login"] for each in desk.listed("/accounts?begins=song", **here)] == ["song2"]
    assert [each["holder_login"] for each in desk.listed("/posts?begins=song", **here)] == ["song2"]
    assert desk.listed(f"/posts?school={FIRST}", **here) == []


def test_the_command_imports_a_sheet_and_keeps_its_passwords_to_oneself(
    app: FastAPI, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = sheet(tmp_path, teacher("傅一", "fu1"), teacher("傅二", ""))
    claims = tokens.claims(sub="county", kind=Kind.ACCOUNT_ADMINISTRATOR.value, division=DIVISION)
    monkeypatch.setenv("ROLLCALL_TOKEN", tokens.token(SIGNER, claims))
    with serving(app) as served:
        monkeypatch.setenv("ROLLCALL_ACCESS_URL", served.url)
        tried = CliRunner().invoke(build_app(), ["accounts", "import", str(path), "--dry-run"])
        done = CliRunner().invoke(build_app(), ["accounts", "import", str(path), "--json"])
    assert tried.exit_code == 0 and "登录名:要填写登录名" in tried.output, tried.output
    assert done.exit_code == 0 and json.loads(done.stdout.splitlines()[-1])["opened"] == 1, done.output
    passwords = path.with_name(f"{path.stem}.passwords.xlsx")
    (printed,) = read_workbook(passwords)
    assert [row[1] for row in printed.iter_rows()][1:] == ["fu1"] and passwords.stat().st_mode & 0o077 == 0
    (checked,) = read_workbook(path.with_name(f"{path.stem}.checked.xlsx"))
    assert "要填写登录名" in str(list(checked.iter_rows())[2][-1])

"""The check tool over HTTP, with the real matching command in a real child process."""

from __future__ import annotations

import asyncio
import hashlib
import io
import json
import os
import time
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

import httpx
import psutil
import pytest
from fastapi import FastAPI

from deploy import checker as composition
from services.matching.model_change import usable
from services.matching.scoring import county_model
from services.portal.checking.check_jobs import KEPT_MOST, CheckJobs
from shared.tabular.sheets import read_workbook
from tests.support import check_files
from tests.support.portal import Portal, form_token, running_portal

WAIT_SECONDS = 100


@pytest.fixture
def fresh() -> Iterator[Portal]:
    """A portal of one test, whose jobs are its own."""
    with running_portal() as running:
        yield running


def drop(client: httpx.Client, register: Sequence[Path], lists: Sequence[Path], **fields: str) -> httpx.Response:
    token = form_token(client.get("/check"))
    with ExitStack() as opened:
        named = [("register", path) for path in register] + [("lists", path) for path in lists]
        files = [(name, (path.name, opened.enter_context(path.open("rb")))) for name, path in named]
        return client.post("/check/uploads", data={"form_token": token, "as_of": "2026-09-01"} | fields, files=files)


def finished(client: httpx.Client, address: str) -> httpx.Response:
    end = time.monotonic() + WAIT_SECONDS
    while "data-working" in (page := client.get(address, params={"part": "state"})).text:
        assert time.monotonic() < end, page.text
        time.sleep(0.1)
    return page


def result(client: httpx.Client, address: str) -> httpx.Response:
    return client.post(f"{address}/result", data={"form_token": form_token(client.get(address))})


def kept(portal: Portal) -> list[Path]:
    found = os.walk(portal.home / "check")  # passes over what is removed while it looks
    return [Path(where) / name for where, folders, files in found for name in (*folders, *files)]


def gone(portal: Portal) -> None:
    end = time.monotonic() + 20
    while kept(portal):
        assert time.monotonic() < end, kept(portal)
        time.sleep(0.05)


def test_every_sheet_comes_back_annotated_and_nothing_remains(fresh: Portal, tmp_path: Path) -> None:
    lists = [check_files.civil_gb18030(tmp_path), check_files.poverty_two_row_header(tmp_path)]
    commands = len(fresh.county.commands)
    with fresh.as_("aid_clerk") as client:
        sent = drop(client, [check_files.register(tmp_path)], lists)
        assert sent.status_code == 303, sent.text
        address = sent.headers["location"]
        page = finished(client, address)
        assert 'data-balance="yes"' in page.text, page.text
        assert [path.name for path in kept(fresh) if path.is_file()] == ["result.zip"], "what was dropped is gone"
        answer = result(client, address)
        gone(fresh)
        assert client.get(address).status_code == 404
    assert answer.headers["content-disposition"].endswith('.zip"')
    zipfile.ZipFile(io.BytesIO(answer.content)).extractall(tmp_path / "back")
    noted = tmp_path / "back" / "annotated"
    (register,) = read_workbook(noted / "学籍名册.xlsx")
    assert register.rows[0][0] == "2026年秋季学籍名册"
    assert [row[5:9] for row in register.rows[2:]] == [
        ["已匹配", "linked", "农村低保家庭学生", "subsistence_rural"],
        ["已匹配", "linked", "建档立卡", "registered_poor"],
    ]
    (civil,) = read_workbook(noted / "低保.xlsx")
    assert civil.rows[1][:2] == ["王小明", check_files.MING] and civil.rows[1][4:7] == ["已匹配", "linked", "R1"]
    (poverty,) = read_workbook(noted / "汇总表(一).xlsx")
    assert [row[2] for row in poverty.rows[2:]] == ["李红", "无名"] and poverty.rows[3][0] == "同上"
    assert [row[7] for row in poverty.rows[2:]] == ["linked", "not_in_register"]
    told = fresh.county.commands[commands:]
    assert [command[0] for command in told] == ["/access/v1/files-taken"], "that it was taken, and nothing of it"
    assert told[0][3]["asked"] == {} and told[0][3]["sha256"] == hashlib.sha256(answer.content).hexdigest()


def test_the_model_in_force_decides_and_not_the_shipped_one(fresh: Portal, tmp_path: Path) -> None:
    child = ["三年级", "欧阳子墨", "", "男", "2015-03-04", "欧阳建国"]
    head = ["学校名称", "年级", "姓名", "身份证号", "性别", "出生日期", "监护人姓名"]
    register = check_files.sheet(tmp_path / "学籍.xlsx", [head, ["望潮一小", *child]])
    poverty = check_files.sheet(tmp_path / "脱贫户.xlsx", [[*head, "户类型"], ["望潮一小", *child, "脱贫户"]])

    def state(client: httpx.Client) -> str:
        sent = drop(client, [register], [poverty])
        finished(client, sent.headers["location"])
        with zipfile.ZipFile(io.BytesIO(result(client, sent.headers["location"]).content)) as packed:
            (noted,) = read_workbook(Path(packed.extract("annotated/脱贫户.xlsx", tmp_path / "back")))
        return str(noted.rows[1][len(head) + 2])

    with fresh.as_("aid_clerk") as client:
        assert state(client) == "linked"
    strict = county_model().as_json() | {"version": "strict", "thresholds": {"automatic": 200.0, "review": 0.0}}
    fresh.county.models.put(usable(json.dumps(strict).encode()), "test:second", "test:first", "0" * 64)
    with fresh.as_("agency_publisher", agency="civil_affairs") as client:
        assert state(client) == "review"


def test_the_page_tells_what_each_list_was_taken_for(fresh: Portal, tmp_path: Path) -> None:
    lists = [check_files.civil_gb18030(tmp_path), check_files.poverty_two_row_header(tmp_path)]
    with fresh.as_("agency_publisher", agency="civil_affairs") as client:
        page = finished(client, drop(client, [check_files.register(tmp_path)], lists).headers["location"])
    assert "<td>低保与特困(民政局)</td>" in page.text and "<td>建档立卡(乡村振兴局)</td>" in page.text
    assert 'data-category="registered_poor"><th scope="row">建档立卡</th><td class="number">1</td>' in page.text


@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_refused_file_is_told_in_the_clerks_words(fresh: Portal, tmp_path: Path, language: str) -> None:
    forged, plain = tmp_path / "民政.xls", tmp_path / "某表.csv"
    forged.write_bytes(b"PK\x03\x04 forged")
    plain.write_text(f"姓名,身份证号\n王小明,{check_files.MING}\n", encoding="utf-8")
    expected = {
        check_files.encrypted(tmp_path): ("残疾人名单.xlsx: 文件设有打开密码", "protected by a password"),
        forged: ("民政.xls: 不是有效的 Excel 工作簿", "not a valid workbook"),
        plain: ("某表.csv: 看不出是哪个部门的名单", "does not say whose list it is"),
    }
    with fresh.as_("aid_clerk") as client:
        client.get("/check", params={"lang": language})
        for path, (zh, en) in expected.items():
            page = finished(client, drop(client, [check_files.register(tmp_path)], [path]).headers["location"])
            assert (en if language == "en" else zh) in page.text
            assert "Traceback" not in page.text
    assert [path for path in kept(fresh) if path.is_file()] == []


def test_nobody_else_sees_a_check_and_roles_without_lists_have_none(fresh: Portal, tmp_path: Path) -> None:
    with fresh.as_("aid_clerk") as client, fresh.as_("agency_publisher", agency="civil_affairs") as other:
        sent = drop(client, [check_files.register(tmp_path)], [check_files.civil_gb18030(tmp_path)])
        address = sent.headers["location"]
        finished(client, address)
        token = form_token(other.get("/check"))
        assert other.get(address).status_code == 404
        assert other.post(f"{address}/result", data={"form_token": token}).status_code == 404
        assert other.post(f"{address}/forget", data={"form_token": token}).status_code == 404
        assert client.post(f"{address}/result", data={"form_token": token}).status_code == 403
        assert client.post(f"{address}/forget", data={"form_token": form_token(client.get(address))}).status_code == 303
        gone(fresh)
    for role, place in (("registrar", {"school": "3146000001"}), ("auditor", {})):
        with fresh.as_(role, **place) as client:
            assert client.get("/check").status_code == 403
            assert client.post("/check/uploads", data={"form_token": "x"}).status_code == 403


def test_a_form_without_its_guard_or_its_files_keeps_nothing(fresh: Portal, tmp_path: Path) -> None:
    register = check_files.register(tmp_path)
    with fresh.as_("aid_clerk") as client:
        assert drop(client, [register], [register], form_token="").status_code == 403
        assert drop(client, [register], []).status_code == 422
        assert drop(client, [register], [register], as_of="gestern").status_code == 422
    assert kept(fresh) == []


def test_a_name_made_to_hurt_is_only_a_name(fresh: Portal, tmp_path: Path) -> None:
    register = check_files.register(tmp_path)
    with fresh.as_("aid_clerk") as client:
        token = form_token(client.get("/check"))
        bad = "../../--out=低保 <b>.csv"
        content = check_files.civil_gb18030(tmp_path).read_bytes()
        files = [("register", (register.name, register.read_bytes())), ("lists", (bad, content))]
        sent = client.post("/check/uploads", data={"form_token": token}, files=files)
        page = finished(client, sent.headers["location"])
        assert 'data-balance="yes"' in page.text and "<b>" not in page.text
        names = zipfile.ZipFile(io.BytesIO(result(client, sent.headers["location"]).content)).namelist()
    assert all(not name.startswith(("/", ".")) and ".." not in name.split("/") for name in names)


def test_no_more_than_the_machine_bears_and_what_is_stopped_leaves_nothing(fresh: Portal, tmp_path: Path) -> None:
    register, civil = check_files.register(tmp_path), check_files.civil_gb18030(tmp_path)
    with fresh.as_("aid_clerk") as client:
        answers = [drop(client, [register], [civil]) for _ in range(3)]
        assert [answer.status_code for answer in answers] == [303, 303, 503]
        assert "正在核对的名单已满" in answers[2].text
        for answer in answers[:2]:
            token = form_token(client.get("/check"))
            stopped = client.post(f"{answer.headers['location']}/forget", data={"form_token": token})
            assert stopped.headers["location"] == "/check?done=forgotten"
        gone(fresh)
        assert not children_of_ours()
        for _ in range(KEPT_MOST):
            finished(client, drop(client, [register], [check_files.encrypted(tmp_path)]).headers["location"])
        assert drop(client, [register], [civil]).status_code == 503


def test_a_check_that_takes_too_long_or_is_not_fetched_is_removed(tmp_path: Path) -> None:
    register, civil = check_files.register(tmp_path), check_files.civil_gb18030(tmp_path)
    with running_portal(job_seconds=0.001, kept_seconds=1.0) as portal, portal.as_("aid_clerk") as client:
        address = drop(client, [register], [civil]).headers["location"]
        assert "核对用时超过限度" in finished(client, address).text
        assert not children_of_ours()
        gone(portal)
        time.sleep(1.2)
        assert client.get(address).status_code == 404


def test_files_that_need_more_memory_than_allowed_end_the_check_alone(
    fresh: Portal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(composition, "MEMORY_BYTES", 96 << 20)
    with fresh.as_("aid_clerk") as client:
        sent = drop(client, [check_files.register(tmp_path)], [check_files.civil_gb18030(tmp_path)])
        assert "没有核对成功" in finished(client, sent.headers["location"]).text
        assert client.get("/check").status_code == 200


def test_what_a_killed_portal_left_is_gone_when_the_next_one_starts(tmp_path: Path) -> None:
    left = composition.checker(tmp_path).folder / "0123" / "register" / "1" / "学籍.xlsx"
    left.parent.mkdir(parents=True)
    left.write_bytes(b"PK")

    async def start() -> bool:
        async with CheckJobs(composition.checker(tmp_path)).part(FastAPI()):
            return left.exists()

    assert asyncio.run(start()) is False


def test_a_portal_that_stops_in_the_middle_of_a_check_ends_it(tmp_path: Path) -> None:
    # That the folder is empty then is looked at by running_portal itself.
    register, civil = check_files.register(tmp_path), check_files.civil_gb18030(tmp_path)
    with running_portal() as portal, portal.as_("aid_clerk") as client:
        drop(client, [register], [civil])
        assert kept(portal)
    assert not children_of_ours()


def children_of_ours() -> list[psutil.Process]:
    """Checks still under way below this process."""
    found = []
    for child in psutil.Process().children(recursive=True):
        try:
            if "cli.match" in child.cmdline() and child.status() != psutil.STATUS_ZOMBIE:
                found.append(child)
        except psutil.NoSuchProcess:
            continue
    return found

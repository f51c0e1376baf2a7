"""The page on which places of registration are told: by school with a suggestion, kept as typed when one is refused."""

from __future__ import annotations

import re
from html import unescape
from uuid import uuid4

import httpx
import pytest

from tests.support.county_letters import CHILDREN, NO_PLACE, PLACES
from tests.support.portal import Portal, form_token

LIST = "/letters?term=2024-autumn&place=unknown"
NEAR, SAME, FAR = (f"school.{CHILDREN[number]['school_id']}" for number in (1, 2, 3))
CHILD = f"place.{CHILDREN[1]['child_id']}"


def fields(page: httpx.Response) -> dict[str, str]:
    """Field → what stands in it."""
    found = re.findall(r'<input name="((?:school|place)\.[^"]+)"[^>]* value="([^"]*)"', page.text)
    return {name: unescape(value) for name, value in found}


def told_to(client: httpx.Client, typed: dict[str, str]) -> httpx.Response:
    page = client.get(LIST)
    action = re.search(r'action="(/letters/places[^"]*)"', page.text)
    assert action is not None
    guard = {"form_token": form_token(page), "command_id": str(uuid4()), "term": "2024-autumn"}
    return client.post(unescape(action[1]), data=guard | typed)


def test_a_school_has_one_field_with_the_place_its_name_begins_with(portal: Portal) -> None:
    with portal.as_("aid_clerk") as client:
        page = client.get(LIST)
        blank = {f"place.{child['child_id']}": "" for child in CHILDREN}
        assert fields(page) == blank | {NEAR: "海南省临江市", SAME: "", FAR: ""}
        said = page.text
        assert "建议(校名以此开头):临江市 469083(海南省)" in said
        assert "同名,请填代码:东岸区 430980(湖南省)、东岸区 460080(海南省)" in said
        answer = told_to(client, fields(page) | {CHILD: " 南屏县 ", SAME: "460080"})
    assert answer.status_code == 303 and answer.headers["location"] == f"{LIST}&done=letter_places"
    _, _, _, body = portal.county.commands[-1]
    assert body == {
        "term": "2024-autumn",
        "place": "unknown",
        "children": [{"id": CHILDREN[1]["child_id"], "place": "南屏县"}],
        "schools": [
            {"id": NEAR.removeprefix("school."), "place": "海南省临江市"},
            {"id": SAME.removeprefix("school."), "place": "460080"},
        ],
    }


def test_a_refused_place_keeps_the_list_with_all_that_was_typed(portal: Portal) -> None:
    with portal.as_("aid_clerk") as client:
        said = portal.county.commands[:]
        typed = fields(client.get(LIST)) | {NEAR: "", SAME: "东岸区", FAR: "外省", CHILD: "不明"}
        answer = told_to(client, typed)
        assert answer.status_code == 422 and portal.county.commands == said
        assert fields(answer) == typed, "a suggestion that was cleared stays cleared"
        assert "2 处属地有误,全部未保存" in answer.text
        for wrong in (FAR, CHILD):
            assert f'id="{wrong}-wrong">{NO_PLACE["zh"]}<' in answer.text
        assert answer.text.count("aria-invalid") == 2
        reload = client.get(str(answer.url).replace(portal.url, ""))
        assert (reload.status_code, reload.headers["location"]) == (303, LIST)


def test_without_divisions_the_page_says_where_they_go_to_whoever_may(
    portal: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(PLACES, "divisions_known", False)
    with portal.as_("aid_clerk") as client:
        page = client.get(LIST)
        assert "行政区划表里还没有外地区划" in page.text and 'href="/reference/divisions">请先到' in page.text
    with portal.as_("approver") as client:
        page = client.get(LIST)
        assert "请资助中心经办在" in page.text and not fields(page)


def test_nothing_typed_tells_nothing_and_who_only_reads_may_not(portal: Portal) -> None:
    said = portal.county.commands[:]
    with portal.as_("aid_clerk") as client:
        answer = told_to(client, {NEAR: " "})
        assert (answer.status_code, answer.headers["location"]) == (303, LIST)
    with portal.as_("approver") as client:
        guard = {"form_token": form_token(client.get(LIST)), "command_id": str(uuid4())}
        assert client.post("/letters/places?place=unknown", data=guard | {NEAR: "临江市"}).status_code == 403
    assert portal.county.commands == said

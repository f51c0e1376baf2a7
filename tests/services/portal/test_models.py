"""The pages of the matching model over HTTP: what they show, what their forms send, and how a refusal comes back."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import httpx
import pytest

from services.matching.scoring import county_model
from tests.support.models import ENDINGS, LOOKS, ROWS, Models
from tests.support.portal import Portal, field, form_token

COUNTY = county_model()


@pytest.fixture
def models(portal: Portal) -> Iterator[Models]:
    portal.county.models.clear()
    yield portal.county.models
    portal.county.models.clear()


def other(version: str = "county-2", **changes: Any) -> bytes:
    """Another model than the shipped one, laid out for people."""
    raw = COUNTY.as_json() | {"version": version, "thresholds": {"automatic": 20.0, "review": 1.0}} | changes
    return json.dumps(raw, ensure_ascii=False, indent=1).encode()


def send(client: httpx.Client, content: bytes, page: httpx.Response | None = None) -> httpx.Response:
    page = page or client.get("/models")
    form = {"form_token": form_token(page), "command_id": field(page, "command_id")}
    return client.post("/models/proposals", data=form, files={"file": ("model.json", content, "application/json")})


def reported(client: httpx.Client, content: bytes | None = None) -> httpx.Response:
    """The page of a proposal whose report is complete."""
    answer = send(client, content or other())
    assert answer.status_code == 303, answer.text
    address = answer.headers["location"]
    for _ in range(LOOKS):
        assert "data-working" in client.get(f"{address}?part=state").text
    return client.get(address)


@pytest.mark.parametrize(("language", "word"), [("zh", "正在使用"), ("en", "In force")])
@pytest.mark.parametrize("role", ["aid_clerk", "auditor"])
def test_the_model_in_force_is_shown_with_its_hash_and_since_when(
    portal: Portal, models: Models, role: str, language: str, word: str
) -> None:
    with portal.as_(role) as client:
        page = client.get("/models", params={"lang": language})
        assert page.status_code == 200 and word in page.text and COUNTY.hash in page.text
        assert ('type="file"' in page.text) is (role == "aid_clerk")
        assert "2026-09-01" in page.text
        served = client.get(f"/api/matching/v1/models/{COUNTY.hash}")
        assert served.content == COUNTY.content


def test_a_file_is_sent_as_it_is_once_and_leads_to_its_report(portal: Portal, models: Models) -> None:
    with portal.as_("aid_clerk") as client:
        page = client.get("/models")
        first = send(client, other(), page)
        assert first.status_code == 303
        _, _, key, sent = portal.county.commands[-1]
        assert sent == other()
        send(client, other(), page)
        assert portal.county.commands[-1][2] == key, "the same file of the same form is the same command"
        send(client, other("county-3"), page)
        assert portal.county.commands[-1][2] != key
        working = client.get(first.headers["location"])
        assert "正在逐行比较" in working.text and f"/ {ROWS} 行" in working.text
        assert 'http-equiv="refresh"' in working.text, "also without the script"


def test_the_report_counts_every_row_and_its_numbers_lead_to_rows(portal: Portal, models: Models) -> None:
    changed = sum(count for _, _, count in ENDINGS)
    with portal.as_("aid_clerk") as client:
        page = reported(client)
        assert f"共比较 {ROWS} 行,其中 {changed} 行的结果会改变" in page.text
        cells = re.findall(r'<td class="number" data-after="\w+">(?:<a [^>]*>)?([\d,]+)', page.text)
        assert sum(map(int, cells)) == ROWS
        links = re.findall(r'href="([^"]*\?(?:kind|before_state)=[^"]*)"', page.text)
        assert len(links) == 5 + len(ENDINGS)
        for kind, count in (("links_lost", 60), ("newly_linked", 7), ("reviews_closed", 9), ("links_moved", 0)):
            shown = client.get(f"{page.url.path}?kind={kind}")
            assert shown.text.count('href="/reviews/') == min(count, 50), kind
        lost = client.get(f"{page.url.path}?kind=links_lost")
        following = re.search(r'rel="next" href="([^"]+)"', lost.text)
        assert following is not None
        rest = client.get(following[1].replace("&amp;", "&"))
        assert rest.text.count('href="/reviews/') == 10
        assert "阈值" in page.text and "20.00" in page.text


def test_the_proposer_may_not_approve_and_a_second_clerk_may(portal: Portal, models: Models) -> None:
    with portal.as_("aid_clerk") as first:
        page = reported(first)
        assert "须由另一人阅后启用" in page.text and "report_hash" not in page.text
        address = page.url.path
    with portal.as_("auditor") as auditor:
        assert "/activation" not in auditor.get(address).text
    with portal.as_("approver") as second:
        page = second.get(address)
        form = {name: field(page, name) for name in ("form_token", "command_id", "report_hash")}
        done = second.post(f"{address}/activation", data=form)
        assert (done.status_code, done.headers["location"]) == (303, "/models?done=activated")
        assert portal.county.commands[-1][3] == {"report_hash": form["report_hash"]}
        told = second.get("/models?done=activated")
        assert "模型已启用" in told.text and "county-2" in told.text and "正在按新模型" in told.text
        assert models.in_force.version == "county-2" and COUNTY.hash[:16] in told.text
        assert "这个模型已经启用" in second.get(address).text


def test_a_refused_model_says_on_the_page_which_level_is_wrong(portal: Portal, models: Models) -> None:
    raw = COUNTY.as_json()
    levels = raw["comparisons"][3]["levels"]
    levels[0]["u"], levels[1]["u"] = levels[0]["m"], 1 - levels[0]["m"]
    with portal.as_("aid_clerk") as client:
        refused = send(client, json.dumps(raw).encode())
        assert refused.status_code == 422
        assert re.search(r'role="alert">school\.same:一致等级的 u 不小于 m', refused.text)
        assert 'type="file"' in refused.text, "another file can be chosen at once"
        same = send(client, COUNTY.content)
        assert same.status_code == 409 and "这个模型正在使用" in same.text
        assert client.get("/models/proposals").headers["location"] == "/models"


def test_a_refused_approval_shows_the_report_again_with_the_reason(portal: Portal, models: Models) -> None:
    with portal.as_("aid_clerk") as first:
        address = reported(first).url.path
        later = reported(first, other("county-3")).url.path
    with portal.as_("approver") as second:
        stale = second.get(address)
        page = second.get(later)
        form = {name: field(page, name) for name in ("form_token", "command_id", "report_hash")}
        assert second.post(f"{later}/activation", data=form).status_code == 303
        form = {name: field(stale, name) for name in ("form_token", "command_id", "report_hash")}
        refused = second.post(f"{address}/activation", data=form)
        assert refused.status_code == 409 and "变动报告是与另一个模型比较的" in refused.text
        assert "这份报告不再有效" in refused.text and "启用这个模型" not in refused.text
        assert second.get(f"{address}/activation").headers["location"] == address


def test_who_answers_for_no_division_has_no_such_page(portal: Portal, models: Models) -> None:
    for role, place in (("registrar", {"school": "3146000001"}), ("agency_publisher", {"agency": "civil_affairs"})):
        with portal.as_(role, **place) as client:
            assert client.get("/models").status_code == 403
            assert client.get(f"/models/proposals/{uuid4()}").status_code == 403
    with portal.as_("auditor") as client:
        form = {"form_token": form_token(client.get("/models")), "command_id": str(uuid4())}
        file = {"file": ("model.json", other(), "application/json")}
        assert client.post("/models/proposals", data=form, files=file).status_code == 403
        assert client.get(f"/models/proposals/{uuid4()}").status_code == 404
    with portal.as_("aid_clerk") as client:
        file = {"file": ("model.json", other(), "application/json")}
        assert client.post("/models/proposals", data={"command_id": str(uuid4())}, files=file).status_code == 403


def test_a_case_names_the_model_that_weighed_it(portal: Portal, models: Models) -> None:
    first, second, _ = portal.county.reviews.rows
    with portal.as_("aid_clerk") as client:
        assert "按模型 county-1(c4c4c4c4c4c4c4c4)计算" in client.get(f"/reviews/{first}").text
        assert "按当时的模型 county-1(c4c4c4c4c4c4c4c4)计算" in client.get(f"/reviews/{second}").text

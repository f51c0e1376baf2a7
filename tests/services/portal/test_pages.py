"""The page over HTTP: who may see what, what forms send, what failures look like."""

from __future__ import annotations

import hashlib
import io
import re
from html import unescape
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from python_calamine import CalamineWorkbook

from services.portal import rendering
from services.portal.tables.menu import NAVIGATION
from shared.standards.posts import KINDS, Kind
from shared.standards.rights import RIGHTS
from tests.support.county_rows import name_id
from tests.support.portal import Portal, field, form_token

SCHOOL = {"school": "3146000001"}
OWN_CLASS = SCHOOL | {"class": "primary/五年级/1班"}
PLACES: dict[Kind, dict[str, str]] = {
    **{kind: {} for kind in KINDS},
    **dict.fromkeys((Kind.REGISTRAR, Kind.PRINCIPAL), SCHOOL),
    **dict.fromkeys((Kind.CLASS_TEACHER, Kind.HELPER_TEACHER), OWN_CLASS),
    Kind.AGENCY_PUBLISHER: {"agency": "civil_affairs"},
    Kind.TOWNSHIP_CADRE: {"township": "460100100"},
}


def test_without_a_session_every_page_leads_to_the_sign_in(portal: Portal) -> None:
    with portal.visitor() as nobody:
        for _, address, _ in NAVIGATION:
            answer = nobody.get(address)
            assert answer.status_code == 303 and answer.headers["location"].startswith("/sign-in?next=")
        assert nobody.get("/api/matching/v1/roster").status_code == 401
        assert nobody.get("/roster?part=rows").status_code == 401


@pytest.mark.parametrize("kind", list(PLACES))
def test_each_post_opens_its_pages_and_no_other(portal: Portal, kind: Kind) -> None:
    with portal.as_(kind, **PLACES[kind]) as client:
        for name, address, rights in NAVIGATION:
            permitted = not RIGHTS[kind].isdisjoint(rights)
            page = client.get(address, params={"lang": "en"})  # in Chinese: test_doors.py
            assert page.status_code == (200 if permitted else 403), (name, page.text[:300])
            assert 'lang="en"' in page.text
            if permitted:
                assert 'aria-current="page"' in page.text


def test_a_school_sees_its_own_rows_and_not_a_number_more(portal: Portal) -> None:
    with portal.as_("registrar", **SCHOOL) as client:
        roster, home = client.get("/roster"), client.get("/")
        assert "海口市第一小学" in roster.text and "琼山中学" not in roster.text
        assert ">60<" in home.text and ">120<" not in home.text
        assert "本校困难学生名册" in roster.text
        other = next(row for row in portal.county.students.values() if row["school_code"] != SCHOOL["school"])
        assert client.get(f"/students/{other['student_id']}").status_code == 404


def test_aid_is_shown_with_what_it_was_decided_on_and_how_old_the_list_was(portal: Portal) -> None:
    said = "脱贫户 2016-01-01 起(名单截至 2024-08-20,认定时 12 天)"
    with portal.as_("registrar", **SCHOOL) as client:
        page = client.get("/entitlements").text
        sheet = client.get("/entitlements.xlsx").content
    assert said in page and "低保" not in page.partition("<tbody")[2].partition("</tbody>")[0]
    rows = CalamineWorkbook.from_filelike(io.BytesIO(sheet)).get_sheet_by_index(0).to_python()
    assert any(said in str(cell) for row in rows for cell in row)


def test_pages_turn_and_keep_their_conditions(portal: Portal) -> None:
    with portal.as_("aid_clerk") as client:
        seen: list[str] = []
        address: str | None = "/roster?school=3146000001"
        while address:
            page = client.get(address)
            seen += [part.split('"')[0] for part in page.text.split('<tr data-id="')[1:]]
            after = page.text.split('rel="next" href="')
            address = after[1].split('"')[0].replace("&amp;", "&") if len(after) > 1 else None
            assert address is None or "school=3146000001" in address
        mine = [str(k) for k, row in portal.county.roster.items() if row["school_code"] == "3146000001"]
        assert seen == sorted(mine) and len(seen) == 60


def test_a_sheet_holds_every_row_and_turns_no_text_into_a_formula(portal: Portal, tmp_path: Path) -> None:
    victim = next(iter(portal.county.roster.values()))
    before, victim["class_name"] = victim["class_name"], '=HYPERLINK("http://x","y")'
    try:
        with portal.as_("aid_clerk") as client:
            answer = client.get("/roster.xlsx")
        assert answer.status_code == 200 and answer.content[:2] == b"PK"
        book = CalamineWorkbook.from_filelike(io.BytesIO(answer.content))
        rows = book.get_sheet_by_index(0).to_python()
        assert book.get_sheet_by_name("数据截至").to_python()[1][1] == "2024-09-01"
        assert rows[0][:2] == ["姓名", "学校"] and len(rows) == 1 + len(portal.county.roster)
        assert [row[3] for row in rows if str(row[3]).startswith("=")] == ['=HYPERLINK("http://x","y")']
    finally:
        victim["class_name"] = before


def test_printing_shows_all_rows_on_one_page(portal: Portal) -> None:
    with portal.as_("aid_clerk") as client:
        assert client.get("/roster?print=1").text.count("<tr data-id=") == len(portal.county.roster)


def test_what_the_page_puts_together_leaves_after_access_has_recorded_it(portal: Portal) -> None:
    with portal.as_("aid_clerk") as client:
        sheet = client.get("/roster.xlsx?school=3146000001")
        path, _, _, body = portal.county.commands[-1]
        assert path == "/access/v1/files-taken"
        assert (body["page"], body["asked"], body["rows"]) == ("/roster.xlsx", {"school": "3146000001"}, 60)
        assert body["sha256"] == hashlib.sha256(sheet.content).hexdigest() and body["size"] == len(sheet.content)
        printed = client.get("/roster?print=1")
        assert printed.text.count("<tr data-id=") == portal.county.commands[-1][3]["rows"] > 60
        portal.county.away = {"access"}
        try:
            for address in ("/roster.xlsx", "/roster?print=1"):
                refused = client.get(address)
                assert (
                    refused.status_code == 502 and refused.content[:2] != b"PK" and "<tr data-id=" not in refused.text
                )
            assert client.get("/roster").status_code == 200
        finally:
            portal.county.away = set()


def test_an_alert_is_closed_once_with_the_forms_own_command(portal: Portal) -> None:
    alert = name_id("alert 1")
    with portal.as_("aid_clerk") as client:
        page = client.get("/alerts")
        sent = {"form_token": form_token(page), "command_id": str(uuid4()), "reason": "attending_again"}
        sent |= {"evidence": "考勤表 2024-09-20", "back": "/alerts?state=open"}
        answer = client.post(f"/alerts/{alert}/close", data=sent)
        assert answer.status_code == 303 and answer.headers["location"] == "/alerts?state=open&done=close"
        assert "已销号" in client.get(answer.headers["location"]).text
        path, principal, command_id, body = portal.county.commands[-1]
        assert path.endswith(f"/alerts/{alert}/close") and principal == "demo:aid_clerk"
        assert command_id == UUID(sent["command_id"])
        assert body == {"reason": "attending_again", "evidence": "考勤表 2024-09-20"}
        refused = client.post(f"/alerts/{alert}/close", data=sent)
        assert refused.status_code == 409 and "该预警已销号" in refused.text


def test_an_auditor_changes_nothing(portal: Portal) -> None:
    alert = name_id("alert 2")
    with portal.as_("auditor") as client:
        page = client.get("/alerts")
        assert f"/alerts/{alert}/seen" not in page.text
        sent = {"form_token": form_token(page), "command_id": str(uuid4())}
        assert client.post(f"/alerts/{alert}/seen", data=sent).status_code == 403


@pytest.mark.parametrize("spoiled", ["none", "other browser", "cut", "other site"])
def test_a_form_from_elsewhere_is_refused(portal: Portal, spoiled: str) -> None:
    with portal.as_("aid_clerk") as client, portal.as_("aid_clerk") as other:
        good = form_token(client.get("/alerts"))
        token = {"none": "", "other browser": form_token(other.get("/alerts")), "cut": good[:-8]}.get(spoiled, good)
        headers = {"origin": "http://evil.test"} if spoiled == "other site" else {}
        sent = {"form_token": token, "command_id": str(uuid4())}
        before = len(portal.county.commands)
        assert client.post(f"/alerts/{name_id('alert 3')}/seen", data=sent, headers=headers).status_code == 403
        assert len(portal.county.commands) == before


def test_a_way_back_never_leaves_the_site(portal: Portal) -> None:
    with portal.as_("aid_clerk") as client:
        for back in ("//evil.test/", "http://evil.test/", "/\\evil.test", "javascript:alert(1)", "/a\r\nx: y"):
            sent = {"form_token": form_token(client.get("/alerts")), "command_id": str(uuid4()), "back": back}
            answer = client.post(f"/alerts/{name_id('alert 3')}/seen", data=sent)
            assert answer.headers["location"] == "/alerts?done=seen"
        assert client.get("/sign-in?next=//evil.test").headers["location"] == "/demo-issuer/?next=%2F"


def test_full_particulars_need_a_purpose_and_are_shown_once(portal: Portal) -> None:
    student = next(iter(portal.county.students))
    with portal.as_("aid_clerk") as client:
        page = client.get(f"/students/{student}")
        assert "4601**********0015" in page.text and "460106201203040015" not in page.text
        sent = {"form_token": form_token(page), "command_id": field(page, "command_id"), "fields": ["id_number"]}
        refused = client.post(f"/students/{student}/reveal", data={**sent, "purpose": "x"})
        assert refused.status_code == 422 and "请填写事由" in refused.text and 'value="x"' in refused.text
        shown = client.post(f"/students/{student}/reveal", data={**sent, "purpose": "核对银行卡开户"})
        assert "460106201203040015" in shown.text and shown.headers["cache-control"] == "no-store"
        assert portal.county.commands[-1][3] == {"purpose": "核对银行卡开户", "fields": ["id_number"]}
        assert "460106201203040015" not in client.get(f"/students/{student}").text


def test_a_students_page_tells_her_categories_span_by_span_and_as_known_at_a_moment(portal: Portal) -> None:
    student = next(iter(portal.county.students))
    with portal.as_("auditor") as client:
        page = client.get(f"/students/{student}").text
        section = page.split('id="s-category-history"')[1].split("</section>")[0]
        assert section.index("农村低保家庭学生") < section.index("建档立卡"), "the newest first"
        assert "2025-06-30" in section and section.count("当前") == 1
        then = client.get(f"/students/{student}", params={"known_at": "2024-09-01T08:00:00"}).text
        section = then.split('id="s-category-history"')[1].split("</section>")[0]
        assert "截至 2024-09-01 08:00:00 已掌握的情况" in section and "农村低保" not in section
        asked = portal.county.replays[-1]
        assert (asked["view"], asked["student_id"]) == ("categories", str(student))
        assert asked["known_at"] == "2024-09-01T08:00:00+08:00"
        wrong = client.get(f"/students/{student}", params={"known_at": "昨天"})
        assert wrong.status_code == 200 and "时间格式不正确" in wrong.text
    with portal.as_("registrar", **SCHOOL) as client:
        before = len(portal.county.replays)
        page = client.get(f"/students/{student}", params={"known_at": "2024-09-01T08:00:00"}).text
        assert "困难类别经历" in page and 'name="known_at"' not in page
        assert len(portal.county.replays) == before, "a school replays nothing"


def test_a_visit_is_logged_from_the_students_page(portal: Portal) -> None:
    student = next(iter(portal.county.students))
    with portal.as_("registrar", **SCHOOL) as client:
        sent = {"form_token": form_token(client.get(f"/students/{student}")), "command_id": str(uuid4())}
        sent |= {"visited_on": "2024-09-02", "outcome": "nobody_home", "notes": "父母外出", "back": ""}
        answer = client.post(f"/students/{student}/visits", data=sent)
        assert answer.headers["location"] == f"/students/{student}?done=visit"
        told = portal.county.commands[-1][3]
        assert told["student_id"] == str(student) and told["outcome"] == "nobody_home" and told["notes"] == "父母外出"
        assert told["campaign"] is None and told["repeat_on"] is None


def test_a_refused_note_about_a_student_is_said_beside_the_form_with_what_was_typed(portal: Portal) -> None:
    student = next(iter(portal.county.students))
    with portal.as_("registrar", **SCHOOL) as client:
        guard = {"form_token": form_token(client.get(f"/students/{student}")), "command_id": str(uuid4())}
        notes = "父母外出,奶奶说九月下旬回来;邻居电话已记"
        sent = guard | {"visited_on": "2024-09-02", "outcome": "nobody_home", "notes": notes, "campaign": "秋季大走访"}
        for wrong, said in (({"visited_on": "昨天"}, "请填写日期"), ({"outcome": ""}, "请选择走访结果")):
            answer = client.post(f"/students/{student}/visits", data=sent | wrong)
            assert answer.status_code == 422 and f'role="alert">{said}' in answer.text
            assert f">{notes}</textarea>" in answer.text and 'value="秋季大走访"' in answer.text
        assert '<option value="nobody_home" selected>' not in answer.text, "the outcome was left open"
        carer = guard | {"on": "2024-09-02", "carer_name": "欧阳守望", "parents_whereabouts": "both_away"}
        answer = client.post(f"/students/{student}/guardianship", data=carer)
        assert answer.status_code == 404, "this county keeps no care records"
        assert 'class="trouble" role="alert">' in answer.text and 'value="欧阳守望"' in answer.text
        assert client.get(f"/students/{student}/guardianship").headers["location"] == f"/students/{student}"
        english = client.post(f"/students/{student}/visits?lang=en", data=sent | {"outcome": ""}).text
        assert "Say how the visit went" in english and "请选择走访结果" not in english


def test_a_service_that_is_away_leaves_the_rest_of_the_page(portal: Portal) -> None:
    with portal.as_("aid_clerk") as client:
        portal.county.away = {"notifications"}
        try:
            home, alerts = client.get("/"), client.get("/alerts")
            student = client.get(f"/students/{next(iter(portal.county.students))}")
        finally:
            portal.county.away = set()
        assert home.status_code == 200 and "这一部分暂时读不到" in home.text and ">120<" in home.text
        assert alerts.status_code == 502 and "后台服务没有应答" in alerts.text
        assert student.status_code == 200 and "这一部分暂时读不到" in student.text


def test_a_wrong_address_and_a_wrong_id_are_pages_not_codes(portal: Portal) -> None:
    with portal.as_("aid_clerk") as client:
        for address in ("/nowhere", "/students/not-an-id", f"/students/{uuid4()}"):
            page = client.get(address)
            assert page.status_code == 404 and "回到首页" in page.text
            assert "<nav" in page.text or address == "/nowhere"


def test_the_services_answer_scripts_behind_the_pages_address(portal: Portal) -> None:
    bearer = {"authorization": f"Bearer {portal.token('registrar', **SCHOOL)}"}
    with portal.visitor() as script:
        answer = script.get("/api/matching/v1/roster?limit=200", headers=bearer)
        assert {row["school_code"] for row in answer.json()["items"]} == {SCHOOL["school"]}
        for path in (
            "/api/unknown/v1/x",
            "/api/matching/metrics",
            "/api/matching/v1/%2e%2e/x",
        ):
            assert script.get(path, headers=bearer).status_code == 404, path
        alert = f"/api/notifications/v1/alerts/{name_id('alert 0')}/seen"
        missing = script.post(alert, headers=bearer, json={})
        assert missing.status_code == 422 and missing.headers["content-type"] == "application/problem+json"


def test_a_session_alone_writes_nothing_from_another_site(portal: Portal) -> None:
    address = f"/api/notifications/v1/alerts/{name_id('alert 0')}/seen"
    with portal.as_("aid_clerk") as client:
        headers = {"idempotency-key": str(uuid4())}
        assert client.post(address, json={}, headers=headers).status_code == 403
        assert client.post(address, json={}, headers={**headers, "origin": "http://evil.test"}).status_code == 403
        foreign = {**headers, "sec-fetch-site": "same-site", "origin": portal.url}
        assert client.post(address, json={}, headers=foreign).status_code == 403
        assert client.post(address, json={}, headers={**headers, "origin": portal.url}).status_code == 200


def test_a_replay_is_asked_in_shanghai_time_and_shows_its_digest(portal: Portal) -> None:
    with portal.as_("auditor") as client:
        address = "/audit?view=roster&known_at=2024-09-10T08:00:00&true_on=2024-09-01"
        page = client.get(address)
        assert portal.county.replays[-1] == {
            "view": "roster",
            "known_at": "2024-09-10T08:00:00+08:00",
            "true_on": "2024-09-01",
        }
        assert "ab" * 32 in page.text and "学籍与名单 42" in page.text
        assert client.get("/audit?view=roster&known_at=yesterday").status_code == 422
        assert client.get("/audit?view=secrets").status_code == 422


def test_pages_carry_a_strict_policy_and_cookies_are_guarded(portal: Portal) -> None:
    with portal.visitor() as nobody:
        page = nobody.get("/demo-issuer/")
        policy = page.headers["content-security-policy"]
        assert "default-src 'none'" in policy and "unsafe" not in policy and "frame-ancestors 'none'" in policy
        assert "HttpOnly" in page.headers["set-cookie"] and "SameSite=strict" in page.headers["set-cookie"]
        data = {"kind": "aid_clerk", "form_token": form_token(page)}
        session = nobody.post("/demo-issuer/sign-in", data=data).headers["set-cookie"]
        assert "HttpOnly" in session and "SameSite=lax" in session
        assert " style=" not in page.text and "onclick" not in page.text and "<script>" not in page.text


def test_the_demonstration_is_signed_out_of_as_a_real_issuer_is(portal: Portal) -> None:
    with portal.as_("aid_clerk") as client:
        leaving = client.post("/sign-out", data={"form_token": form_token(client.get("/"))})
        assert leaving.status_code == 200 and "form-action 'self'" in leaving.headers["content-security-policy"]
        assert "rollcall_session" not in client.cookies and client.get("/").status_code == 303
        address = unescape(leaving.text.partition('content="0; url=')[2].partition('"')[0])
        for bent in ("client_id=another", "post_logout_redirect_uri=https://evil.test/", "client_id="):
            name = bent.partition("=")[0]
            refused = client.get(re.sub(rf"{name}=[^&]*", bent, address))
            assert refused.status_code == 422 and "location" not in refused.headers
        back = client.get(address).headers["location"]
        assert client.get(back).headers["location"] == "/signed-out"
        assert "演示登录服务 告知也已退出" in client.get("/signed-out").text
    with portal.visitor() as nobody:
        assert "不能确认" in nobody.get(back).text


def test_no_template_holds_what_the_policy_forbids() -> None:
    """No script, handler or style of its own in a page: everything executable is a file of ours."""
    forbidden = re.compile(r"<style|\sstyle\s*=|<script(?![^>]*\ssrc=)|\son[a-z]+\s*=|javascript:", re.IGNORECASE)
    folder = Path(rendering.__file__).parent
    for path in (*folder.glob("templates/**/*.html"), *folder.glob("static/*.svg")):
        assert not forbidden.search(re.sub(r"\{%.*?%\}|\{\{.*?\}\}", "", path.read_text(), flags=re.DOTALL)), path.name
    for path in folder.glob("static/*.js"):
        assert not re.search(r"\beval\(|new Function|\.style\b|document\.write", path.read_text()), path.name


def test_statics_cache_for_ever_under_their_digest_and_hold_no_foreign_address(portal: Portal) -> None:
    with portal.visitor() as nobody:
        page = nobody.get("/demo-issuer/").text
        address = page.split('rel="stylesheet" href="')[1].split('"')[0]
        answer = nobody.get(address)
        assert "immutable" in answer.headers["cache-control"]
        script = nobody.get(address.replace("portal.css", "portal.js")).text
        for text in (answer.text, script, page):
            assert "https://" not in text and "//cdn" not in text
        assert nobody.get("/static/x/../app.py").status_code in (303, 404)
        assert nobody.get("/static/abc/nothing.js").status_code == 404

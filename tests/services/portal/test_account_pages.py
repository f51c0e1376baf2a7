"""The pages of one's own account, before a real access: what they show, do, and say beforehand."""

from __future__ import annotations

import base64
import re
import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest

from services.access.keys import agency_keys
from services.access.second_factors.second_factor import STEP_SECONDS, code_of
from services.disbursement.letter_events import LetterPaperRead
from services.portal.people.sign_ins import agent_words
from shared.kernel.clock import today, utc_now
from tests.services.access.conftest import PASSWORD, Office
from tests.services.installation import DIVISION, Installation
from tests.support.access_portal import access_portal, signed_in


@pytest.fixture(scope="module")
def office(postgres: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    installation = Installation(postgres, tmp_path_factory.mktemp("access"))
    made = Office(installation)
    made.now = utc_now()
    yield made
    installation.close()


@pytest.fixture(scope="module")
def address(office: Office, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with access_portal(office, tmp_path_factory.mktemp("portal")) as url:
        yield url


def code_now(page: str, steps: int = 0) -> str:
    """What an authenticator with the key of this page shows."""
    groups = re.search(r'<p class="seed"[^>]*>(.*?)</p>', page, re.DOTALL)
    assert groups is not None, page
    key = "".join(re.findall(r"<code>(\w+)</code>", groups[1]))
    seed = base64.b32decode(key + "=" * (-len(key) % 8))
    return code_of(seed, int(time.time()) // STEP_SECONDS + steps)


def test_a_second_factor_is_set_up_used_and_given_up(office: Office, address: str) -> None:
    at = "/account/second-factor"
    _, login = office.someone()
    with signed_in(office, address, login) as person:
        assert "未开启" in person.see("/account") and "请上一级账号管理员重置密码" in person.see(at)
        begun = person.send(at, {}, at=at)
        assert begun.headers["cache-control"] == "no-store" and 'href="otpauth://totp/Rollcall' in begun.text
        told = re.search(r'name="address" value="([^"]+)"', begun.text)
        assert told is not None
        seed = told[1].replace("&amp;", "&")
        wrong = person.send(f"{at}/confirm", {"address": seed, "code": "000000"}, at=at)
        assert (
            wrong.status_code == 422 and "验证码不正确" in wrong.text and code_now(wrong.text) == code_now(begun.text)
        )
        elsewhere = person.send(f"{at}/confirm", {"address": "https://evil.test/", "code": "000000"}, at=at)
        assert elsewhere.status_code == 422 and "evil.test" not in elsewhere.text
        done = person.send(f"{at}/confirm", {"address": seed, "code": code_now(begun.text, -1)}, at=at)
        recovery = re.findall(r"<li><code>(\w+) (\w+)</code></li>", done.text)
        assert len(recovery) == 10 and done.headers["cache-control"] == "no-store" and "只显示这一次" in done.text
        assert recovery[0][0] not in person.see(at) and "二次验证已开启" in person.see(at)
        assert person.client.get(f"{at}/confirm").headers["location"] == at
        again = person.send(at, {}, at="/account")
        assert again.status_code == 409 and "请先停用" in again.text
    with signed_in(office, address, login) as without:
        assert without.entered.status_code == 401 and "请输入动态验证码" in without.entered.text
    with signed_in(office, address, login, code=" ".join(recovery[0]).upper()) as person:
        assert person.entered.status_code == 303
        refused = person.send(f"{at}/remove", {"password": "not the password"}, at=at)
        assert refused.status_code == 422 and "密码不正确" in refused.text
        assert person.send(f"{at}/remove", {"password": PASSWORD}, at=at).headers["location"].endswith("removed")
        assert "未开启" in person.see("/account")


def test_emergency_access_is_taken_shown_on_every_page_and_given_back(office: Office, address: str) -> None:
    person, login = office.someone()
    office.post("aid_clerk", holder=person)
    approver, approvers_login = office.someone()
    office.post("approver", holder=approver)
    office.installation.pump()
    with signed_in(office, address, login) as clerk, signed_in(office, address, approvers_login) as reviewer:
        asked = clerk.see("/emergency")
        assert "本人不能复核" in asked and "审批人</option>" not in asked and "班主任</option>" in asked
        form = {"kind": "reviewer", "division": "469000", "hours": "2", "reason": "核对员住院,今天须办结"}
        numbered = clerk.send("/emergency", form | {"reason": "460106201203040015 须补"}, at="/emergency")
        assert (
            numbered.status_code == 422
            and "请不要写号码" in numbered.text
            and "460106201203040015 须补" in numbered.text
        )
        beyond = clerk.send("/emergency", form | {"division": "460200"}, at="/emergency")
        assert (
            beyond.status_code == 403
            and "超出您的管理范围" in beyond.text
            and 'value="reviewer" selected' in beyond.text
        )
        assert clerk.send("/emergency", form, at="/emergency").headers["location"] == "/"
        page = clerk.see("/account")
        assert "您正在代行“资助中心核对员”" in page and re.search(r"还剩 1(19|20) 分钟", page)
        assert "正在使用应急访问" in clerk.see("/emergency")
        office.installation.pump()
        waiting = reviewer.see("/emergencies")
        assert "使用中" in waiting and "核对员住院" in waiting
        one = re.search(r'href="(/emergencies/[0-9a-f-]{36})"', waiting)
        assert one is not None
        assert "结束后再复核" in reviewer.see(one[1]) and "审计服务尚未收到" in reviewer.see(one[1])
        assert clerk.client.get(one[1]).status_code == 403
        ended = clerk.send("/emergency/end", {}, at="/account")
        assert ended.headers["location"] == "/?done=emergency_ended"
        assert "您正在代行" not in clerk.see("/account")
        office.installation.pump()
        sent = {"command_id": str(uuid4()), "justified": "yes", "note": "属实,只看了待核对的行"}
        bad = reviewer.send(f"{one[1]}/review", sent | {"note": "见 460106201203040015"}, at=one[1])
        assert bad.status_code == 422 and "请不要写号码" in bad.text and 'value="yes" required checked' in bad.text
        assert reviewer.send(f"{one[1]}/review", sent, at=one[1]).status_code == 303
        office.installation.pump()
        assert "属实,处置得当 · 属实,只看了待核对的行" in reviewer.see(one[1])


def test_who_used_it_is_told_beforehand_that_another_person_reviews_it(office: Office, address: str) -> None:
    person, login = office.someone()
    office.post("aid_clerk", holder=person)
    office.post("approver", holder=person)
    with signed_in(office, address, login) as both:
        posts = re.findall(r'name="post" value="([0-9a-f-]+)">\s*<h2>(.*?)</h2>', both.see("/account/posts"))
        post_of = {name: post for post, name in posts}
        both.send("/account/post", {"post": post_of["资助中心经办"], "next": "/"}, at="/account/posts")
        form = {"kind": "reviewer", "division": "469000", "hours": "1", "reason": "核对员住院,今天须办结"}
        both.send("/emergency", form, at="/emergency")
        both.send("/emergency/end", {}, at="/account")
        both.send("/account/post", {"post": post_of["资助中心审批人"], "next": "/"}, at="/account/posts")
        office.installation.pump()
        own = re.search(r"本人的应急访问须由他人事后复核", both.see("/emergencies"))
        assert own is not None


def test_a_key_is_shown_once_rotated_by_its_agency_and_revoked(office: Office, address: str) -> None:
    at = "/agency-keys"
    keeper, login = office.someone()
    office.post("account_administrator", holder=keeper)
    publisher, publishers_login = office.someone()
    office.post("agency_publisher", holder=publisher, agency="civil_affairs")
    with signed_in(office, address, login) as administrator, signed_in(office, address, publishers_login) as own:
        until = (today() + timedelta(days=90)).isoformat()
        form = {"agency": "civil_affairs", "label": "民政前置机", "until": until, "command_id": str(uuid4())}
        late = administrator.send(at, form | {"until": "2040-01-01"}, at=at)
        assert late.status_code == 422 and 'value="民政前置机"' in late.text and "不超过一年" in late.text
        made = administrator.send(at, form, at=at)
        key = re.search(r"<code>([0-9a-f]{32}\.[\w-]{43})</code>", made.text)
        assert key is not None and made.headers["cache-control"] == "no-store"
        page = administrator.see(at)
        assert key[1] not in page and "王小明" in page and "尚未使用" in page
        again = administrator.send(at, form, at=at)
        assert "密钥不再显示" in again.text
        administrator.send(at, form | {"agency": "poverty_office", "command_id": str(uuid4())}, at=at)
        mine = own.see(at)
        assert "民政" in mine and "乡村振兴" not in mine and "第一个密钥由县级账号管理员发放" in mine
        assert own.send(at, form, at=at).status_code == 403
        action = re.search(r'action="(/agency-keys/[0-9a-f-]{36})/rotate"', mine)
        assert action is not None
        sent = {"keep": "week", "until": until, "command_id": str(uuid4())}
        until_when = sent | {"keep": "ever", "until": (today() + timedelta(days=30)).isoformat()}
        unsaid = own.send(f"{action[1]}/rotate", until_when, at=at)
        assert unsaid.status_code == 422 and "请选择旧密钥再用多久" in unsaid.text
        assert f'value="{until_when["until"]}"' in unsaid.text and '<details class="close" open>' in unsaid.text
        late = own.send(f"{action[1]}/rotate", sent | {"keep": "day", "until": "2040-01-01"}, at=at)
        assert late.status_code == 422 and "不超过一年" in late.text and 'value="2040-01-01"' in late.text
        assert '<option value="day" selected>' in late.text and '<details class="close" open>' in late.text
        incomplete = own.send(f"{action[1]}/revoke", {"command_id": "none"}, at=at)
        assert incomplete.status_code == 422 and "表单不完整" in incomplete.text and action[1] in incomplete.text
        assert own.client.get(f"{action[1]}/revoke").headers["location"] == at
        rotated = own.send(f"{action[1]}/rotate", sent, at=at)
        assert len(re.findall(r"<code>[0-9a-f]{32}\.", rotated.text)) == 1 and "更换中" in rotated.text
        gone = own.send(f"{action[1]}/revoke", {"command_id": str(uuid4())}, at=at)
        assert gone.headers["location"] == f"{at}?done=key_revoked" and "已停用" in own.see(at)
        machine = agency_keys.exchanged(office.desk, key_of(rotated.text), office.now).token
        bearer = {"authorization": f"Bearer {machine}"}
        refused = httpx.get(f"{address}/api/access/v1/agency-keys", headers=bearer, trust_env=False)
        assert refused.status_code == 403 and refused.json()["code"] == "machines_own"


def key_of(page: str) -> str:
    found = re.search(r"<code>([0-9a-f]{32}\.[\w-]{43})</code>", page)
    assert found is not None
    return found[1]


def test_ones_own_sign_ins_say_where_with_what_and_how_and_the_unusual_ones_are_the_administrators(
    office: Office, address: str
) -> None:
    _, login = office.someone()
    keeper, keepers_login = office.someone()
    office.post("account_administrator", holder=keeper)
    browser = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/120.0.0.0 Safari/537.36"
    with signed_in(office, address, login, agent=browser) as person:
        person.client.get("/sign-out")
        office.installation.pump()
        page = person.see("/account/sign-ins")
        assert "Chrome · Windows" in page and "127.0.0.1" in page and "新浏览器" in page and ">密码<" in page
        assert person.see("/account").count("<tr>") >= 3
        assert person.client.get("/people/unusual").status_code == 403
    with signed_in(office, address, keepers_login) as administrator:
        page = administrator.see("/people/unusual")
        assert "Chrome · Windows" in page and "没有大量查阅" in page and "不拦截" in page
        clerk, _ = office.someone()
        named = tuple(uuid4() for _ in range(66))
        paper = LetterPaperRead(
            viewer=str(clerk),
            letter_id=uuid4(),
            children=named,
            purpose="寄送",
            fields=("name",),
            division_code=DIVISION,
        )
        office.installation.append("disbursement", uuid4(), paper, today())
        office.installation.pump()
        rows = administrator.see("/people/unusual").split('id="reads"')[1].split("<tbody>")[1]
        (row,) = rows.split("</table>")[0].split("<tr>")[1:]
        assert "王小明" in row and "一次涉及人数多" in row and row.count(">66<") == 2 and row.count(">1<") == 1


def test_where_the_issuer_cannot_be_asked_to_end_its_session_the_page_says_that_it_is_open(
    office: Office, address: str
) -> None:
    _, login = office.someone()
    with signed_in(office, address, login) as person:
        with office.desk.database.writing() as connection:  # as if it had begun at an issuer no longer in the settings
            connection.exec_driver_sql("UPDATE access_sessions SET means = '{oidc}' WHERE NOT ended")
        left = person.send("/sign-out", {}, at="/account")
        assert left.status_code == 303 and left.headers["location"] == "/signed-out"
        assert person.client.get("/account").status_code == 303
        for _ in range(2):  # also when it is loaded again
            assert "您在 统一身份登录服务 的账号仍处于登录状态" in person.see("/signed-out")
        assert "不能确认" in person.see("/signed-out?state=open")  # what is kept is no state
        assert "is still open" in person.see("/signed-out?lang=en")
        at = "/sign-in/account"
        person.send(at, {"login": login, "password": PASSWORD}, at=at)
        assert person.send("/sign-out", {}, at="/account").headers["location"] == "/sign-in"
        assert person.client.get("/signed-out").headers["location"] == "/sign-in"  # nothing is left of it


@pytest.mark.parametrize(
    ("told", "words"),
    [
        ("Mozilla/5.0 (Linux; Android 13) Chrome/116.0 Mobile MicroMessenger/8.0.42", "微信 · Android"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) Version/17.0 Safari/604.1", "Safari · iPhone"),
        ("Mozilla/5.0 (Windows NT 10.0) Chrome/120.0 Safari/537.36 Edg/120.0", "Edge · Windows"),
        ("curl/8.5.0", "curl"),
        (None, ""),
    ],
)
def test_a_browser_in_two_words(told: str | None, words: str) -> None:
    assert agent_words(told) == words


def test_a_post_that_asks_for_a_second_factor_says_so_before_anything_else(
    postgres: Any, tmp_path_factory: pytest.TempPathFactory
) -> None:
    installation = Installation(postgres, tmp_path_factory.mktemp("strict"))
    strict = Office(installation, second_factor=frozenset({"approver"}))
    strict.now = utc_now()
    try:
        person, login = strict.someone()
        strict.post("approver", holder=person)
        with access_portal(strict, tmp_path_factory.mktemp("portal")) as url, signed_in(strict, url, login) as hasty:
            assert hasty.entered.headers["location"] == "/account/second-factor"
            page = hasty.see("/account/second-factor")
            assert "资助中心审批人: 这一岗位要求二次验证" in page and "开启二次验证" in page
            assert "须二次验证" in hasty.see("/account/posts")
            assert hasty.client.get("/emergencies").status_code == 403
    finally:
        installation.close()

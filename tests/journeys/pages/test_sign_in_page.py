"""People come in with a name and a password, as in production, where no demonstration signs anybody in: an
administrator lets a clerk in, and the clerk is out the moment the post is taken away."""

from __future__ import annotations

from base64 import b32decode
from collections.abc import Iterator
from contextlib import contextmanager
from html import unescape
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import httpx
import pytest
from playwright.sync_api import Browser

from deploy.ports import free_port
from services.access.app import built
from services.access.oidc import linking
from services.access.oidc.configuration import CALLBACK, Configuration
from services.access.oidc.linking import Told
from services.access.oidc.office import Office as OidcOffice
from services.access.oidc.party import RelyingParty
from services.access.second_factors import second_factor_desk
from services.access.second_factors.second_factor import STEP_SECONDS, code_of
from tests.services.access.conftest import COUNTY, Office
from tests.services.installation import DIVISION, Installation
from tests.support.access_portal import access_portal
from tests.support.access_sign_in import choose_password, sign_in
from tests.support.issuer import CLIENT_ID, CLIENT_SECRET, Issuer, running_issuer
from tests.support.portal import field, form_token

PASSWORD, CLERKS_PASSWORD = "山那边的云慢慢飘过了水库", "河边的芦苇在风里低下了头去"


@pytest.fixture(scope="module")
def office(postgres: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    installation = Installation(postgres, tmp_path_factory.mktemp("access"))
    yield Office(installation)
    installation.close()


@pytest.fixture(scope="module")
def issuer() -> Iterator[Issuer]:
    with running_issuer(f"http://127.0.0.1:{free_port()}{CALLBACK}") as running:
        yield running


@pytest.fixture(scope="module")
def page_address(office: Office, issuer: Issuer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """With an issuer people may also come through."""
    told = Configuration(issuer.url, CLIENT_ID, CLIENT_SECRET, issuer.redirect_uri)
    access = built(office.installation.settings("access"), told)
    home, port = tmp_path_factory.mktemp("portal"), urlsplit(issuer.redirect_uri).port
    label = ("县教育统一身份", "County identity")
    with access_portal(office, home, access=access, port=port or 0, oidc_label=label) as address:
        yield address


@pytest.fixture
def administrator(office: Office) -> tuple[str, str]:
    """The login name and one-time password the operator was shown."""
    from services.access.accounts.account_desk import reset_password
    from shared.kernel.clock import utc_now

    office.now = utc_now()  # the page's clock is the machine's
    person, login = office.someone(password=None)
    office.post("account_administrator", holder=person)
    handed = reset_password(office.desk, COUNTY, person, office.command(), office.now)
    assert handed.password is not None
    return login, handed.password


@contextmanager
def visitor(address: str) -> Iterator[httpx.Client]:
    """A browser without a window."""
    with httpx.Client(base_url=address, timeout=20, trust_env=False) as client:

        def as_browsers_do(request: httpx.Request) -> None:
            """Secure cookies go to this machine also without TLS."""
            request.headers["cookie"] = "; ".join(f"{each.name}={each.value}" for each in client.cookies.jar)

        client.event_hooks = {"request": [as_browsers_do]}
        yield client


def test_an_administrator_lets_a_clerk_in_and_out(
    office: Office, page_address: str, administrator: tuple[str, str], browser: Browser
) -> None:
    login, once = administrator
    theirs, hers = (browser.new_context(locale="zh-CN") for _ in range(2))
    page = theirs.new_page()
    sign_in(page, page_address, login, "not the password")
    assert "登录名或密码不正确" in page.inner_text("main") and page.input_value("input[name=login]") == login
    sign_in(page, page_address, login, once)
    page.wait_for_url("**/account/password")
    choose_password(page, once, PASSWORD)
    office.installation.pump()
    page.goto(f"{page_address}/people")
    page.fill("form[action='/people'][method=post] input[name=name]", "经办乙")
    page.fill("form[action='/people'][method=post] input[name=login]", "jingban.yi")
    page.click("form[action='/people'][method=post] button.primary")
    clerks_once = page.inner_text("p.notice code")
    page.goto(f"{page_address}/posts")
    page.select_option("form[action='/posts'] select[name=kind]", "aid_clerk")
    page.fill("form[action='/posts'] input[name=division]", DIVISION)
    page.click("form[action='/posts'] button.primary")
    page.wait_for_url("**/posts?done=people")
    office.installation.pump()
    page.reload()
    row = page.locator("#posts tbody tr", has_text="空缺")
    row.locator("input[name=person]").fill("jingban.yi")
    row.get_by_role("button", name="任命").click()
    page.wait_for_url("**/posts?done=people")

    clerk = hers.new_page()
    sign_in(clerk, page_address, "jingban.yi", clerks_once)
    clerk.wait_for_url("**/account/password")
    choose_password(clerk, clerks_once, CLERKS_PASSWORD)
    assert "资助中心经办" in clerk.inner_text("header")
    cookies = {each["name"]: each for each in hers.cookies()}
    held = cookies["__Host-rollcall"]
    assert held["httpOnly"] and held["secure"] and held["sameSite"] == "Lax" and "." not in held["value"]
    assert "rollcall_session" not in cookies

    office.installation.pump()
    page.reload()
    row = page.locator("#posts tbody tr", has_text="资助中心经办")
    row.locator("form[action$='/vacate'] input[name=reason]").fill("调离")
    row.get_by_role("button", name="免去").click()
    page.wait_for_url("**/posts?done=people")
    clerk.goto(f"{page_address}/account")
    clerk.wait_for_url("**/sign-in/account?**")
    for context in (theirs, hers):
        context.close()


def test_neither_a_form_nor_a_cookie_of_an_earlier_sign_in_is_worth_anything(office: Office, page_address: str) -> None:
    from shared.kernel.clock import utc_now

    office.now = utc_now()
    _, login = office.someone(password=PASSWORD)
    with visitor(page_address) as client:

        def enter() -> httpx.Response:
            sent = {"form_token": form_token(client.get("/sign-in/account")), "login": login, "password": PASSWORD}
            return client.post("/sign-in/account", data=sent)

        assert enter().status_code == 303
        token = form_token(client.get("/account"))
        (planted,) = [each for each in client.cookies.jar if each.name == "__Host-rollcall"]
        assert client.post("/sign-out", data={"form_token": token}).headers["location"] == "/sign-in"
        client.cookies.jar.set_cookie(planted)  # as whoever knows this secret would have her sign in under it
        assert enter().status_code == 303
        (own,) = [each for each in client.cookies.jar if each.name == "__Host-rollcall"]
        shown = {"cookie": f"{planted.name}={planted.value}"}
        assert own.value != planted.value
        assert httpx.get(f"{page_address}/account", headers=shown, trust_env=False).status_code == 303
        assert client.post("/account/sign-out-everywhere", data={"form_token": token}).status_code == 403
        fresh = form_token(client.get("/account"))
        crossed = {"origin": "https://elsewhere.test", "sec-fetch-site": "cross-site"}
        answer = client.post("/account/sign-out-everywhere", data={"form_token": fresh}, headers=crossed)
        assert answer.status_code == 403 and client.get("/account").status_code == 200


def test_somebody_links_an_identity_comes_in_by_it_and_unlinks_it(
    office: Office, page_address: str, issuer: Issuer, browser: Browser
) -> None:
    from shared.kernel.clock import utc_now

    office.now = utc_now()
    person, login = office.someone(password=PASSWORD)
    office.post(holder=person)
    context = browser.new_context(locale="zh-CN")
    page, button = context.new_page(), "form[action='/sign-in/oidc'] button"
    page.goto(f"{page_address}/sign-in?next=/account/posts")
    assert page.inner_text(button) == "用 县教育统一身份 登录"
    page.click(button)
    page.wait_for_url("**/sign-in/oidc/callback?**")
    refused = page.inner_text("main .trouble")
    assert "还没有关联本系统的账号" in refused and "u-1" in refused
    sign_in(page, page_address, login, PASSWORD)
    page.goto(f"{page_address}/account")
    page.fill("form[action='/account/identities'] input[name=password]", PASSWORD)
    page.click("form[action='/account/identities'] button")
    page.wait_for_url("**/account")
    assert issuer.url in page.inner_text("section[aria-labelledby=identities]")
    page.click("form[action='/sign-out'] button")
    page.wait_for_url("**/sign-in/account**")
    page.goto(f"{page_address}/sign-in?next=/account/posts")
    page.click(button)
    page.wait_for_url("**/account/posts")
    assert "王小明" in page.inner_text("header")
    held = {each["name"]: each for each in context.cookies() if each["domain"] == "127.0.0.1"}
    assert held["__Host-rollcall"]["httpOnly"] and "__Host-rollcall-oidc" not in held
    page.click("form[action='/sign-out'] button")
    page.wait_for_url("**/signed-out")
    assert "县教育统一身份 告知也已退出" in page.inner_text("main") and not issuer.session
    assert "__Host-rollcall" not in {each["name"] for each in context.cookies()}
    page.goto(f"{page_address}/sign-in?next=/account/posts")
    page.click(button)
    page.wait_for_url(f"{issuer.url}/authorize?**")
    assert page.inner_text("body") == "Who are you?"  # no longer in again by one click
    issuer.session = True
    page.goto(f"{page_address}/sign-in?next=/account/posts")
    page.click(button)
    page.wait_for_url("**/account/posts")
    page.goto(f"{page_address}/account")
    page.click("section[aria-labelledby=identities] table button")
    page.wait_for_url("**/sign-in/account**")  # the session began there, so it is over
    context.close()


def away(client: httpx.Client, wanted: str = "/account") -> dict[str, str]:
    """Press the button; the parameters the issuer is asked with, and where (``address``)."""
    token = form_token(client.get("/sign-in/account"))
    return led_away(client.post("/sign-in/oidc", data={"form_token": token, "next": wanted}))


def led_away(page: httpx.Response) -> dict[str, str]:
    """Where a page of ours leads on to."""
    assert page.status_code == 200, page.text
    address = unescape(page.text.partition('content="0; url=')[2].partition('"')[0])
    return {"address": address} | {name: each[0] for name, each in parse_qs(urlsplit(address).query).items()}


def came_back(client: httpx.Client, told: dict[str, str]) -> httpx.Response:
    return client.get("/sign-in/oidc/callback", params=told)


def test_the_way_through_the_issuer_as_requests_and_what_is_tried_on_it(
    office: Office, page_address: str, issuer: Issuer
) -> None:
    from shared.kernel.clock import utc_now

    office.now, issuer.person = utc_now(), {"sub": f"told {uuid4()}"}
    administrator, login = office.someone(password=PASSWORD)
    office.post("account_administrator", holder=administrator)
    person, _ = office.someone(password=None)
    office.post(holder=person)
    office.installation.pump()
    with visitor(page_address) as keeper:  # an administrator tells who will come
        token = form_token(keeper.get("/sign-in/account"))
        sent = {"form_token": token, "login": login, "password": PASSWORD, "next": "//evil.test"}
        assert keeper.post("/sign-in/account", data=sent).headers["location"] == "/"
        page = keeper.get("/people")
        sent = {"form_token": form_token(page), "command_id": field(page, "command_id"), "claim": "sub"}
        told = keeper.post(f"/people/{person}/identity", data={**sent, "value": issuer.person["sub"]})
        assert told.headers["location"] == "/people?done=people"
        office.installation.pump()
        assert "等待首次统一登录" in keeper.get("/people").text
    with visitor(page_address) as hers, visitor(page_address) as elsewhere:
        assert hers.post("/sign-in/oidc", data={"next": "/"}).status_code == 403  # no form of ours
        asked = away(hers, "//evil.test/steal")
        assert asked["response_type"] == "code" and asked["code_challenge_method"] == "S256"
        assert asked["redirect_uri"] == issuer.redirect_uri and "client_secret" not in asked["address"]
        cookie = next(each for each in hers.cookies.jar if each.name == "__Host-rollcall-oidc")
        assert (
            cookie.secure
            and cookie.has_nonstandard_attr("HttpOnly")
            and cookie.get_nonstandard_attr("SameSite") == "lax"
        )
        back = issuer.visit(asked["address"])
        assert came_back(elsewhere, back).status_code == 401  # a browser that never left
        away(elsewhere)
        assert "重新开始" in came_back(elsewhere, back).text  # and one that left for itself
        answer = came_back(hers, back)
        assert answer.status_code == 303 and answer.headers["location"] == "/"
        assert came_back(hers, back).status_code == 401  # once
        assert "王小明" in hers.get("/account").text
        fixed = hers.cookies["__Host-rollcall"]
        assert came_back(hers, issuer.visit(away(hers)["address"])).headers["location"] == "/account"
        assert hers.cookies["__Host-rollcall"] != fixed
        away(hers)
        refused = came_back(hers, {"error": "access_denied", "state": "x", "iss": issuer.url})
        assert refused.status_code == 401 and "evil" not in refused.text
        away(hers)
        injected = came_back(hers, {"state": "<script>", "code": "x" * 5_000, "iss": "<b>"})
        assert injected.status_code in (401, 422) and "<script>" not in injected.text and "没有成功" in injected.text


def test_the_way_out_through_the_issuer_as_requests_and_what_is_tried_on_it(
    office: Office, page_address: str, issuer: Issuer
) -> None:
    from shared.kernel.clock import utc_now

    office.now, issuer.person = utc_now(), {"sub": f"told {uuid4()}"}
    person, login = office.someone(password=PASSWORD)
    office.post(holder=person)
    told = Configuration(issuer.url, CLIENT_ID, CLIENT_SECRET, issuer.redirect_uri)
    counter, announced = OidcOffice(office.desk, RelyingParty(told)), Told("sub", str(issuer.person["sub"]))
    linking.announce(counter, COUNTY, person, announced, office.command(), office.now)
    with visitor(page_address) as hers, visitor(page_address) as elsewhere:

        def leave(path: str) -> dict[str, str]:
            issuer.session = True
            assert came_back(hers, issuer.visit(away(hers)["address"])).status_code == 303
            token = form_token(hers.get("/account"))
            led = hers.get("/signed-out?state=x")
            assert led.headers["location"] == "/"  # she is signed in, and no address says otherwise
            return led_away(hers.post(path, data={"form_token": token, "next": "//evil.test"}))

        asked = leave("/sign-out")
        assert asked["post_logout_redirect_uri"] == issuer.signed_out_uri and "id_token_hint" not in asked
        assert "__Host-rollcall" not in hers.cookies and hers.get("/account").status_code == 303
        cookie = next(each for each in hers.cookies.jar if each.name == "__Host-rollcall-leaving")
        assert cookie.secure and cookie.has_nonstandard_attr("HttpOnly")
        assert "不能确认" in hers.get("/signed-out").text  # whoever does not come by the issuer
        for state in ("", "x", "<script>", "中", "A" * 43, "closed", asked["state"][:-1]):
            forged = hers.get("/signed-out", params={"state": state})
            assert forged.status_code == 200 and "不能确认" in forged.text and "<script>" not in forged.text
        for state in (asked["state"], ""):  # a browser that was told nothing
            assert "不能确认" in elsewhere.get("/signed-out", params={"state": state}).text
        back = issuer.browser.get(asked["address"]).headers["location"]
        assert hers.get(back).headers["location"] == "/signed-out"  # and the forged ones used nothing up
        assert "告知也已退出" in hers.get("/signed-out").text
        assert "不能确认" in hers.get(back).text  # once

        again = leave("/account/sign-out-everywhere")
        assert again["state"] != asked["state"]
        assert hers.get("/account").status_code == 303 and "不能确认" in hers.get(back).text

        with visitor(page_address) as typed:  # nobody was at the issuer, and nothing of it is said
            form = {"form_token": form_token(typed.get("/sign-in/account")), "login": login, "password": PASSWORD}
            typed.post("/sign-in/account", data=form)
            token, kept = form_token(typed.get("/account")), list(typed.cookies.jar)
            assert typed.post("/sign-out", data={"form_token": token}).headers["location"] == "/sign-in"
            for each in kept:  # a page that stood open
                typed.cookies.jar.set_cookie(each)
            assert typed.post("/sign-out", data={"form_token": token}).headers["location"] == "/sign-in"


def test_a_page_asks_for_the_code_of_an_authenticator(office: Office, page_address: str, issuer: Issuer) -> None:
    from shared.kernel.clock import utc_now

    office.now, issuer.person = utc_now(), {"sub": f"told {uuid4()}"}
    person, login = office.someone(password=PASSWORD)
    told = Configuration(issuer.url, CLIENT_ID, CLIENT_SECRET, issuer.redirect_uri)
    counter, announced = OidcOffice(office.desk, RelyingParty(told)), Told("sub", str(issuer.person["sub"]))
    linking.announce(counter, COUNTY, person, announced, office.command(), office.now)
    secret = office.enter(login, PASSWORD).secret
    address = second_factor_desk.begin(office.desk, secret, office.now).address
    seed = b32decode(parse_qs(urlsplit(address).query)["secret"][0])
    step = int(office.now.timestamp()) // STEP_SECONDS
    second_factor_desk.confirm(office.desk, secret, code_of(seed, step), office.now)
    with visitor(page_address) as client:
        page = came_back(client, issuer.visit(away(client)["address"]))
        assert page.status_code == 200 and 'action="/sign-in/oidc/code"' in page.text
        wrong = client.post("/sign-in/oidc/code", data={"form_token": form_token(page), "code": "000000"})
        assert wrong.status_code == 422 and "验证码不正确" in wrong.text
        sent = {"form_token": form_token(wrong), "code": code_of(seed, step + 1)}  # each is good once
        entered = client.post("/sign-in/oidc/code", data=sent)
        assert entered.status_code == 303 and "王小明" in client.get("/account").text
        assert client.post("/sign-in/oidc/code", data=sent).status_code == 403  # the form went with the sign-in

"""People come in with a name and a password, as in production, where no demonstration signs anybody in: an
administrator lets a clerk in, and the clerk is out the moment the post is taken away."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser

from tests.services.access.conftest import COUNTY, Office
from tests.services.installation import DIVISION, Installation
from tests.support.access_portal import access_portal
from tests.support.access_sign_in import choose_password, sign_in
from tests.support.portal import form_token

PASSWORD, CLERKS_PASSWORD = "山那边的云慢慢飘过了水库", "河边的芦苇在风里低下了头去"


@pytest.fixture(scope="module")
def office(postgres: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    installation = Installation(postgres, tmp_path_factory.mktemp("access"))
    yield Office(installation)
    installation.close()


@pytest.fixture(scope="module")
def page_address(office: Office, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with access_portal(office, tmp_path_factory.mktemp("portal")) as address:
        yield address


@pytest.fixture
def administrator(office: Office) -> tuple[str, str]:
    """The login name and one-time password the operator was shown."""
    from services.access.account_desk import reset_password
    from shared.kernel.clock import utc_now

    office.now = utc_now()  # the page's clock is the machine's
    person, login = office.someone(password=None)
    office.post("account_administrator", holder=person)
    handed = reset_password(office.desk, COUNTY, person, office.command(), office.now)
    assert handed.password is not None
    return login, handed.password


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
    row.locator("input[name=reason]").fill("调离")
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
    with httpx.Client(base_url=page_address, timeout=20, trust_env=False) as client:

        def as_browsers_do(request: httpx.Request) -> None:
            """Secure cookies go to this machine also without TLS."""
            request.headers["cookie"] = "; ".join(f"{each.name}={each.value}" for each in client.cookies.jar)

        client.event_hooks = {"request": [as_browsers_do]}

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

"""The pages of one's own account, before a real access: what they show, what their forms do, what they say beforehand."""

from __future__ import annotations

import base64
import re
import time
from collections.abc import Iterator
from typing import Any

import pytest

from services.access.second_factor import STEP_SECONDS, code_of
from shared.kernel.clock import utc_now
from tests.services.access.conftest import PASSWORD, Office
from tests.services.installation import Installation
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
    with signed_in(office, address, login, code="".join(recovery[0])) as person:
        assert person.entered.status_code == 303
        refused = person.send(f"{at}/remove", {"password": "not the password"}, at=at)
        assert refused.status_code == 422 and "密码不正确" in refused.text
        assert person.send(f"{at}/remove", {"password": PASSWORD}, at=at).headers["location"].endswith("removed")
        assert "未开启" in person.see("/account")

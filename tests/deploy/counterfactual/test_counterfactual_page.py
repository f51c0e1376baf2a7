"""An auditor asks by the page, waits for it, and reads who would have been due what. The real portal and audit."""

from __future__ import annotations

import time
from collections.abc import Iterator

import httpx
import pytest

from deploy.checker import checker
from deploy.ports import free_port
from services.portal.app import application
from services.portal.people.demo_issuer import DemoIssuer
from services.portal.settings import SERVICES, PortalSettings
from shared.web.application import create_app
from shared.web.authentication import Authenticator
from tests.deploy.counterfactual.town import Town
from tests.services.installation import DIVISION
from tests.support.portal import SEED, form_token
from tests.support.serving import serving

PAGE = "/audit/counterfactuals"
WAIT_SECONDS = 60.0


@pytest.fixture
def auditor(town: Town) -> Iterator[httpx.Client]:
    """Signed in at a portal whose audit is the town's; the other services are away."""
    port = free_port()
    issuer = f"http://127.0.0.1:{port}/demo-issuer"
    demo = DemoIssuer(SEED, issuer=issuer, audience="rollcall", environment="test")
    known = Authenticator(issuer=issuer, audience="rollcall", jwks=demo.jwks())
    with serving(create_app("audit", town.audit.routers, authenticator=known, database=town.audit.database)) as behind:
        settings = PortalSettings(
            division=DIVISION[:4],
            environment="test",
            issuer=issuer,
            audience="rollcall",
            services={name: behind.url if name == "audit" else "http://127.0.0.1:1" for name in SERVICES},
            demo_seed=SEED,
        )
        home = town.installation.settings("portal").home
        with (
            serving(application(settings, checker(home)), port) as portal,
            httpx.Client(base_url=portal.url, timeout=20, trust_env=False) as client,
        ):
            sent = {"kind": "auditor", "form_token": form_token(client.get("/demo-issuer/"))}
            assert client.post("/demo-issuer/sign-in", data=sent).status_code == 303
            yield client


def test_a_change_is_asked_waited_for_and_read(town: Town, auditor: httpx.Client) -> None:
    page = auditor.get(PAGE)
    command = page.text.split('name="command_id" value="')[1].partition('"')[0]
    form = {"form_token": form_token(page), "command_id": command, "what": "move", "day": "2025-09-05"}
    wrong = auditor.post(PAGE, data=form | {"submission": "nothing"}, files={"file": ("", b"")})
    assert wrong.status_code == 422 and "nothing" in wrong.text
    asked = auditor.post(PAGE, data=form | {"submission": str(town.sent[2])}, files={"file": ("", b"")})
    assert asked.status_code == 303, asked.text
    deadline = time.monotonic() + WAIT_SECONDS
    while 'http-equiv="refresh"' in (answer := auditor.get(asked.headers["location"])).text:
        assert time.monotonic() < deadline, answer.text
        time.sleep(0.2)
    assert "17 项资格与真实结果完全一致" in answer.text
    assert answer.text.count(f'href="/students/{town.students[5]}"') == 3
    assert "名单送达日期不同" in answer.text and "625.00" in answer.text
    sheet = auditor.get(f"/api/audit/v1/counterfactuals/{asked.headers['location'].rpartition('/')[2]}/sheet")
    assert sheet.status_code == 200 and sheet.content[:2] == b"PK"
    assert "名单在另一天送达" in auditor.get(PAGE, params={"lang": "zh"}).text

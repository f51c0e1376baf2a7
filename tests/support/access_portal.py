"""A portal as in production, with nothing but access behind it, and people who sign in at it with a browser."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Page

from deploy.checker import checker
from services.portal.app import application
from services.portal.settings import SERVICES, PortalSettings
from shared.web.application import create_app
from shared.web.authentication import Authenticator
from shared.web.live import SseHub
from tests.services.access.conftest import Office
from tests.services.installation import DIVISION
from tests.support.serving import serving


@contextmanager
def access_portal(office: Office, home: Path) -> Iterator[str]:
    """The address of a portal without a demonstration before access, nothing else beside them."""
    service, issuer = office.service, f"urn:rollcall:{DIVISION}:access"
    hub = SseHub(service.database.app_conninfo)
    authenticator = Authenticator(issuer=issuer, audience="rollcall", jwks=office.desk.signer.jwks())
    state = {"hub": hub}
    access = create_app(
        "access", service.routers, authenticator=authenticator, database=service.database, parts=[hub.part], state=state
    )
    with serving(access) as behind:
        settings = PortalSettings(
            division=DIVISION,
            environment="production",
            issuer="",
            audience="rollcall",
            services=dict.fromkeys(SERVICES, behind.url),  # of which only access answers
            access_issuer=issuer,
            portal_key=bytes([6]) * 32,
            secure_cookies=True,
        )
        with serving(application(settings, checker(home))) as portal:
            yield portal.url


def sign_in(page: Page, address: str, login: str, password: str) -> None:
    page.goto(f"{address}/sign-in")
    page.fill("input[name=login]", login)
    page.fill("input[name=password]", password)
    page.click("main button.primary")


def choose_password(page: Page, former: str, password: str) -> None:
    for name, value in (("former", former), ("password", password), ("again", password)):
        page.fill(f"input[name={name}]", value)
    page.click("main button.primary")
    page.wait_for_url("**/account")

"""A portal without a demonstration before a real access, as in production; other services beside them on demand."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx

from deploy.checker import checker
from services.portal.app import application
from services.portal.settings import SERVICES, PortalSettings
from shared.hosting.service import Service
from shared.web.application import create_app
from shared.web.authentication import Authenticator
from shared.web.live import SseHub
from tests.services.access.conftest import PASSWORD, Office
from tests.services.installation import DIVISION
from tests.support.portal import form_token
from tests.support.serving import serving


@contextmanager
def access_portal(
    office: Office,
    home: Path,
    *,
    beside: Sequence[Service] = (),
    access: Service | None = None,
    port: int = 0,
    oidc_label: tuple[str, str] | None = None,
) -> Iterator[str]:
    """The portal's address. ``beside``: started services that answer as well; the others are away, and pages say so.
    ``access``: the office's own built otherwise; ``port``: the portal's, any unless told."""
    issuer = f"urn:rollcall:{DIVISION}:access"
    authenticator = Authenticator(issuer=issuer, audience="rollcall", jwks=office.desk.signer.jwks())
    addresses = dict.fromkeys(SERVICES, "http://127.0.0.1:1")
    with ExitStack() as stack:
        for service in (access or office.service, *beside):
            hub = SseHub(service.database.app_conninfo)
            made = create_app(
                service.name, service.routers, authenticator=authenticator, database=service.database,
                parts=[hub.part], state={"hub": hub},
            )  # fmt: skip
            addresses[service.name] = stack.enter_context(serving(made)).url
        settings = PortalSettings(
            division=DIVISION,
            environment="production",
            issuer="",
            audience="rollcall",
            services=addresses,
            oidc_label=oidc_label,
            access_issuer=issuer,
            portal_key=bytes([6]) * 32,
            secure_cookies=True,
        )
        yield stack.enter_context(serving(application(settings, checker(home)), port)).url


class Person:
    """Somebody at a browser without a window, signed in with name and password (``code``: of an authenticator)."""

    def __init__(self, address: str, login: str, *, code: str = "", agent: str = "") -> None:
        self.client = httpx.Client(base_url=address, timeout=20, trust_env=False, headers={"user-agent": agent or "t"})
        self.client.event_hooks = {"request": [self._as_browsers_do]}
        form = {"login": login, "password": PASSWORD, "code": code}
        self.entered = self.send("/sign-in/account", form, at="/sign-in/account")

    def _as_browsers_do(self, request: httpx.Request) -> None:
        """Secure cookies go to this machine also without TLS."""
        request.headers["cookie"] = "; ".join(f"{each.name}={each.value}" for each in self.client.cookies.jar)

    def see(self, path: str) -> str:
        """A page that opens."""
        answer = self.client.get(path)
        assert answer.status_code == 200, (answer.status_code, answer.text[:500])
        return answer.text

    def send(self, path: str, form: dict[str, str], *, at: str) -> httpx.Response:
        """A form as the page ``at`` has it."""
        return self.client.post(path, data={"form_token": form_token(self.client.get(at)), **form})

    def close(self) -> None:
        self.client.close()


@contextmanager
def signed_in(office: Office, address: str, login: str, **how: str) -> Iterator[Person]:
    """A person at the portal, at the machine's own time: that is the page's clock."""
    office.now = office.now.fromtimestamp(time.time(), office.now.tzinfo)
    person = Person(address, login, **how)
    try:
        yield person
    finally:
        person.close()

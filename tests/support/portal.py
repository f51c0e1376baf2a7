"""The real portal in front of the invented county, and people who look at it."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from deploy.checker import checker
from deploy.ports import free_port
from services.portal.app import application
from services.portal.auditing.standing import Standings
from services.portal.checking.check_jobs import JOB_SECONDS, KEPT_SECONDS, CheckJobs
from services.portal.doors import Doors
from services.portal.people.demo_issuer import DemoIssuer
from services.portal.settings import SERVICES, PortalSettings
from shared.web import Authenticator
from tests.support.county import County
from tests.support.serving import serving

SEED = b"demo issuer seed of the tests...."[:32]
DIVISION = "460100"


class Portal:
    """A running portal. ``visitor`` opens it as nobody, ``as_`` as a persona of the demonstration.
    ``forget_standing``: alarms are asked about anew; ``doors``: what each of its routes asks for."""

    def __init__(self, url: str, county: County, home: Path, standings: Standings, doors: Doors) -> None:
        self.url, self.county, self.home, self.doors = url, county, home, doors
        self.forget_standing = standings.forget

    def visitor(self) -> httpx.Client:
        return httpx.Client(base_url=self.url, timeout=20, trust_env=False)

    @contextmanager
    def as_(self, kind: str, **place: str) -> Iterator[httpx.Client]:
        with self.visitor() as client:
            sent = {"kind": kind, "form_token": form_token(client.get("/demo-issuer/")), **place}
            answer = client.post("/demo-issuer/sign-in", data=sent)
            assert answer.status_code == 303, answer.text
            yield client

    def token(self, kind: str, **place: str) -> str:
        with self.visitor() as client:
            answer: dict[str, Any] = client.post("/demo-issuer/token", data={"kind": kind, **place}).json()
        return str(answer["access_token"])


def form_token(page: httpx.Response) -> str:
    """The guard of a page's forms."""
    found = re.search(r'name="form_token" value="([^"]+)"', page.text)
    assert found is not None, page.text[:500]
    return found[1]


def field(page: httpx.Response, name: str) -> str:
    """The value of the first field of that name."""
    found = re.search(rf'name="{name}" value="([^"]+)"', page.text)
    assert found is not None, name
    return found[1]


@contextmanager
def running_portal(*, kept_seconds: float = KEPT_SECONDS, job_seconds: float = JOB_SECONDS) -> Iterator[Portal]:
    """Services and portal on free ports, ended on exit; then nothing may be left of the check tool's work."""
    port = free_port()
    issuer = f"http://127.0.0.1:{port}/demo-issuer"
    demo = DemoIssuer(SEED, issuer=issuer, audience="rollcall", environment="test")
    county = County()
    services = county.app(Authenticator(issuer=issuer, audience="rollcall", jwks=demo.jwks()))
    with tempfile.TemporaryDirectory(prefix="portal-") as folder, serving(services) as behind:
        home = Path(folder)
        jobs = CheckJobs(checker(home), kept_seconds=kept_seconds, job_seconds=job_seconds)
        settings = PortalSettings(
            division=DIVISION,
            environment="test",
            issuer=issuer,
            audience="rollcall",
            services={name: f"{behind.url}/{name}" for name in SERVICES},
            demo_seed=SEED,
        )
        made = application(settings, jobs)
        with serving(made, port):
            yield Portal(f"http://127.0.0.1:{port}", county, home, made.state.standings, made.state.doors)
            county.close()
        assert list(home.rglob("*")) == []

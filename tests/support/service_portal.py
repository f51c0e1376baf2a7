"""The real portal in front of one real service on PostgreSQL; the other services are away."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from deploy.checker import checker
from deploy.ports import free_port
from services.access.taken_api import taken_routes
from services.portal.app import application
from services.portal.people.demo_issuer import DemoIssuer
from services.portal.settings import SERVICES, PortalSettings
from shared.hosting.service import Service
from shared.hosting.settings import Settings
from shared.web import Authenticator
from shared.web.application import create_app
from shared.web.live import SseHub
from tests.services.installation import DIVISION, Installation
from tests.support.portal import SEED
from tests.support.serving import serving

_AWAY = "http://127.0.0.1:1"


class ServicePortal(NamedTuple):
    """The page's address, and the service behind it."""

    url: str
    installation: Installation
    service: Service


@contextmanager
def service_portal(
    postgres: Any, name: str, build: Callable[[Settings], Service], *, beside: tuple[str, ...] = ()
) -> Iterator[ServicePortal]:
    """Both on free ports, ended on exit with their databases. ``beside``: services of which only the log is there;
    access then records what is taken away."""
    port = free_port()
    issuer = f"http://127.0.0.1:{port}/demo-issuer"
    demo = DemoIssuer(SEED, issuer=issuer, audience="rollcall", environment="test")
    with tempfile.TemporaryDirectory(prefix=f"{name}-portal-") as folder:
        installation = Installation(postgres, Path(folder))
        try:
            service = installation.start(build(installation.settings(name)))
            for other in beside:
                installation.bare(other)
            records = "access" in beside
            hub = SseHub(service.database.app_conninfo)
            app = create_app(
                name,
                service.routers,
                authenticator=Authenticator(issuer=issuer, audience="rollcall", jwks=demo.jwks()),
                database=service.database,
                parts=[hub.part],
                state={"hub": hub},
            )
            routes = taken_routes(installation.stores["access"], installation.databases["access"]) if records else None
            recorder = create_app("access", [routes] if routes else [], authenticator=app.state.authenticator)
            with serving(app) as behind, serving(recorder) as recording:
                addresses = {name: behind.url} | ({"access": recording.url} if records else {})
                portal = PortalSettings(
                    division=DIVISION[:4],
                    environment="test",
                    issuer=issuer,
                    audience="rollcall",
                    services={each: addresses.get(each, _AWAY) for each in SERVICES},
                    demo_seed=SEED,
                )
                with serving(application(portal, checker(Path(folder))), port):
                    yield ServicePortal(f"http://127.0.0.1:{port}", installation, service)
        finally:
            installation.close()

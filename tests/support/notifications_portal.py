"""The real portal in front of real notifications on PostgreSQL; the other services are away."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple

import services.notifications.app as notifications_app
from deploy.checker import checker
from deploy.ports import free_port
from services.portal.app import application
from services.portal.demo_issuer import DemoIssuer
from services.portal.settings import SERVICES, PortalSettings
from shared.hosting.service import Service
from shared.web import Authenticator
from shared.web.application import create_app
from shared.web.live import SseHub
from tests.services.installation import DIVISION, Installation
from tests.support.portal import SEED
from tests.support.serving import serving

_AWAY = "http://127.0.0.1:1"


class NotificationsPortal(NamedTuple):
    """``pump()`` after commands brings the views up to date."""

    url: str
    installation: Installation
    service: Service

    def pump(self) -> None:
        self.installation.pump(batch=500)

    def open_day(self, day: date) -> None:
        self.installation.open_day(self.service, day)
        self.pump()


@contextmanager
def notifications_portal(postgres: Any) -> Iterator[NotificationsPortal]:
    """Both on free ports, ended on exit with their databases."""
    port = free_port()
    issuer = f"http://127.0.0.1:{port}/demo-issuer"
    demo = DemoIssuer(SEED, issuer=issuer, audience="rollcall", environment="test")
    with tempfile.TemporaryDirectory(prefix="notifications-portal-") as folder:
        installation = Installation(postgres, Path(folder))
        try:
            service = installation.start(notifications_app.build(installation.settings("notifications")))
            for name in ("registry", "matching"):
                installation.bare(name)
            hub = SseHub(service.database.app_conninfo)
            app = create_app(
                "notifications",
                service.routers,
                authenticator=Authenticator(issuer=issuer, audience="rollcall", jwks=demo.jwks()),
                database=service.database,
                parts=[hub.part],
                state={"hub": hub},
            )
            with serving(app) as behind:
                portal = PortalSettings(
                    division=DIVISION[:4],
                    environment="test",
                    issuer=issuer,
                    audience="rollcall",
                    services={name: behind.url if name == "notifications" else _AWAY for name in SERVICES},
                    demo_seed=SEED,
                )
                with serving(application(portal, checker(Path(folder))), port):
                    yield NotificationsPortal(f"http://127.0.0.1:{port}", installation, service)
        finally:
            installation.close()

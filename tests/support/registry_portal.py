"""The real portal in front of a real registry on PostgreSQL; the other services are away."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple
from uuid import uuid4

import services.registry.app as registry_app
from deploy.checker import checker
from deploy.ports import free_port
from services.portal.app import application
from services.portal.demo_issuer import DemoIssuer
from services.portal.settings import SERVICES, PortalSettings
from services.registry.handlers import Registry
from services.registry.keys import Keys
from shared.eventsourcing.store import Command
from shared.web import Authenticator
from shared.web.application import create_app
from shared.web.live import SseHub
from tests.services.installation import DIVISION, Installation
from tests.support.portal import SEED
from tests.support.serving import serving

_AWAY = "http://127.0.0.1:1"


class RegistryPortal(NamedTuple):
    """``pump()`` after commands brings the views up to date."""

    url: str
    installation: Installation
    registry: Registry

    def pump(self) -> None:
        self.installation.pump(batch=500)


def command() -> Command:
    """A command of nobody in particular, each a new one."""
    return Command("test", uuid4(), b"")


@contextmanager
def registry_portal(postgres: Any) -> Iterator[RegistryPortal]:
    """Both on free ports, ended on exit with their databases."""
    port = free_port()
    issuer = f"http://127.0.0.1:{port}/demo-issuer"
    demo = DemoIssuer(SEED, issuer=issuer, audience="rollcall", environment="test")
    with tempfile.TemporaryDirectory(prefix="registry-portal-") as folder:
        installation = Installation(postgres, Path(folder))
        try:
            settings = installation.settings("registry")
            service = installation.start(registry_app.build(settings))
            registry = Registry(
                service.database, service.store, installation.keyring, Keys(settings.hmac_key), settings.division
            )
            hub = SseHub(service.database.app_conninfo)
            app = create_app(
                "registry",
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
                    services={name: behind.url if name == "registry" else _AWAY for name in SERVICES},
                    demo_seed=SEED,
                )
                with serving(application(portal, checker(Path(folder))), port):
                    yield RegistryPortal(f"http://127.0.0.1:{port}", installation, registry)
        finally:
            installation.close()

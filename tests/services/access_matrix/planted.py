"""All services in process on a real PostgreSQL, with the planted records in them, archived as audit would have them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from fastapi.testclient import TestClient

from deploy.run import built
from services.audit.archive import note_head
from shared.database.database import driver
from shared.hosting.service import Service
from shared.messaging.builds import prepare
from shared.web.application import create_app
from shared.web.authentication import Authenticator
from shared.web.live import SseHub
from tests.services.access_matrix.planting import plant
from tests.services.archiving import archive, sign
from tests.services.installation import Installation
from tests.shared.web.tokens import AUDIENCE, ISSUER, Ed25519Signer

SERVICES = ("registry", "matching", "disbursement", "visits", "notifications", "access", "audit")
# What people see; the policies behind would only say more about the same children.
VIEWS: dict[str, tuple[str, ...]] = {
    "registry": ("register", "search"),
    "matching": ("roster",),
    "disbursement": ("payments",),
    "visits": ("visits",),
    "notifications": ("alerts",),
    "access": (),
    "audit": ("reads", "erasures"),
}
SIGNER = Ed25519Signer("matrix")


class Planted:
    """Services with the records in them. ``clients[service]`` asks in process."""

    def __init__(self, installation: Installation) -> None:
        self.installation = installation
        self.services: dict[str, Service] = {}
        self.clients: dict[str, TestClient] = {}

    def application(self, name: str) -> FastAPI:
        """A process of the service, not started."""
        service = self.services[name]
        hub = SseHub(service.database.app_conninfo)
        return create_app(
            name,
            service.routers,
            authenticator=Authenticator(issuer=ISSUER, audience=AUDIENCE, jwks={"keys": [SIGNER.jwk]}),
            database=service.database,
            parts=[hub.part],
            state={"hub": hub},
        )

    def events_of(self, name: str) -> int:
        """How many events the service has stored."""
        with self.services[name].database.working() as connection:
            row = driver(connection).execute("SELECT count(*) FROM events").fetchone()
        return int(row[0]) if row else 0


@contextmanager
def planted(postgres: Any, home: Path) -> Iterator[Planted]:
    """Everything planted and shown; ended with its databases on exit."""
    installation = Installation(postgres, home)
    made = Planted(installation)
    with ExitStack() as stack:
        stack.callback(installation.close)
        for name in SERVICES:
            service = built(name, installation.settings(name))
            shown = tuple(each for each in service.projections if each.name in VIEWS[name])
            assert len(shown) == len(VIEWS[name]), [each.name for each in service.projections]
            installation.start(replace(service, projections=shown))
            prepare(service.database, service.projections)  # empty: a route that asks for them answers, with nothing
            made.services[name] = service
            made.clients[name] = stack.enter_context(TestClient(made.application(name), raise_server_exceptions=False))
        plant(installation)
        _archive(made)
        yield made


def _archive(made: Planted) -> None:
    audit = made.services["audit"]
    archive(made.installation, audit, [name for name in SERVICES if name != "audit"])
    with audit.database.working() as connection:
        note_head(driver(connection), "audit", 0, datetime.now(UTC))
    logs = {name: made.installation.entries(name) for name in SERVICES if name != "audit"}
    seeds = {name: name.encode().ljust(32, b"-") for name in SERVICES}
    sign(audit.database, {name: [each.logged.leaf for each in found] for name, found in logs.items() if found}, seeds)

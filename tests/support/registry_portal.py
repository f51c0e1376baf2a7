"""The real portal in front of a real registry on PostgreSQL; the other services are away."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple
from uuid import uuid4

import services.registry.app as registry_app
from services.registry.handlers import Registry
from services.registry.keys import Keys
from shared.eventsourcing.store import Command
from tests.services.installation import Installation
from tests.support.service_portal import service_portal


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
    with service_portal(postgres, "registry", registry_app.build, beside=("access",)) as made:
        settings = made.installation.settings("registry")
        keys = Keys(settings.hmac_key)
        service = made.service
        registry = Registry(service.database, service.store, made.installation.keyring, keys, settings.division)
        yield RegistryPortal(made.url, made.installation, registry)

"""Wiring of audit. The views it can replay are given by whoever composes the installation (deploy/views.py)."""

from __future__ import annotations

import threading

from services.audit.api import router
from services.audit.processor import workers
from services.audit.proofs.api import witness_routes
from services.audit.proofs.figures import GAUGES
from services.audit.replays.bundling import Bundles
from services.audit.replays.replaying import REPLAYS_AT_ONCE, Replays
from services.audit.tables import STEPS
from shared.eventsourcing.store import EventStore
from shared.eventsourcing.view import Views
from shared.hosting.service import Service
from shared.hosting.settings import Settings

ARCHIVED_SERVICES = ("registry", "matching", "disbursement", "visits", "notifications")


def build(settings: Settings, views: Views) -> Service:
    """Everything audit consists of. It has no events of its own: no seeds, no clock, nothing to relay."""
    database, keyring = settings.database(), settings.keyring()
    replays = Replays(database, keyring, views, threading.BoundedSemaphore(REPLAYS_AT_ONCE))
    bundles = Bundles(replays, settings.division, settings.log_seeds)
    return Service(
        name=settings.service,
        database=database,
        store=EventStore(settings.service, keyring, settings.hmac_key),
        keyring=keyring,
        routers=(
            router(database, bundles, ARCHIVED_SERVICES),
            witness_routes(database, ARCHIVED_SERVICES),
        ),
        workers=workers(database, settings, ARCHIVED_SERVICES),
        steps=STEPS,
        gauges=GAUGES,
    )

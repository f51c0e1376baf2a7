"""Wiring of visits."""

from __future__ import annotations

from services.visits import open_work
from services.visits.api import router
from services.visits.events import AccessRefused, DataExported, DayOpened
from services.visits.processor import projections
from services.visits.streams import Streams
from shared.eventsourcing.store import EventStore
from shared.hosting.service import Service
from shared.hosting.settings import Settings
from shared.kernel.acts import ActFacts
from shared.web.open_items import open_item_routes


def build(settings: Settings) -> Service:
    """Everything visits consists of. Opens no connection."""
    database, keyring = settings.database(), settings.keyring()
    store = EventStore(settings.service, keyring, settings.hmac_key)
    streams = Streams(settings.hmac_key)
    return Service(
        name=settings.service,
        database=database,
        store=store,
        keyring=keyring,
        routers=(router(database, store, streams), open_item_routes("visits", open_work.sources(database))),
        projections=projections(store, streams, keyring),
        day_opened=lambda day: DayOpened(day=day),
        acts=ActFacts(AccessRefused, DataExported),
    )

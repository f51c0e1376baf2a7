"""Wiring of matching."""

from __future__ import annotations

from datetime import date

from services.matching import category_api, covering, review_api, ruled_rows, work
from services.matching.api import router
from services.matching.categories import CONTENT, DEFAULT_CATEGORY_RULES, canonical_json
from services.matching.deciding import Deciding
from services.matching.events import CategoryRulesActivated, DayOpened
from services.matching.handlers import Desk
from services.matching.ladder import DEFAULT_RULES
from services.matching.processor import projections, workers
from services.matching.streams import Streams
from shared.eventsourcing.store import EventStore
from shared.hosting.service import Seed, Service
from shared.hosting.settings import Settings

FIRST_RULES_FROM = date(2019, 9, 1)


def first_rules() -> CategoryRulesActivated:
    """The classes every installation starts with; a local variation is a later version of the event."""
    return CategoryRulesActivated(content=canonical_json(CONTENT), content_hash=DEFAULT_CATEGORY_RULES.content_hash)


def build(settings: Settings) -> Service:
    """Everything matching consists of. Opens no connection."""
    database, keyring = settings.database(), settings.keyring()
    store = EventStore(settings.service, keyring, settings.hmac_key)
    streams = Streams(settings.hmac_key)
    deciding = Deciding(database, store, streams, DEFAULT_RULES)
    return Service(
        name=settings.service,
        database=database,
        store=store,
        keyring=keyring,
        routers=(router(database), category_api.router(database), review_api.router(Desk(database, store, streams))),
        projections=projections(),
        workers=workers(deciding),
        seeds=(Seed("category-rules", "category-rules", first_rules(), FIRST_RULES_FROM),),
        steps=(*work.STEPS, *ruled_rows.STEPS, *covering.STEPS),
        day_opened=lambda day: DayOpened(day=day),
        gauges=work.GAUGES,
    )

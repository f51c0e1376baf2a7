"""Wiring of matching."""

from __future__ import annotations

from datetime import date

from services.matching import (
    category_api,
    covering,
    model_api,
    model_proposals,
    open_work,
    review_api,
    ruled_rows,
    work,
)
from services.matching.active_model import ActiveModel
from services.matching.api import router
from services.matching.categories import CONTENT, DEFAULT_CATEGORY_RULES, canonical_json
from services.matching.deciding import Deciding
from services.matching.events import (
    AccessRefused,
    CategoryRulesActivated,
    DataExported,
    DayOpened,
    MatchingModelActivated,
)
from services.matching.handlers import Desk
from services.matching.model_handlers import ModelDesk
from services.matching.model_reporting import Reporting
from services.matching.processor import projections, workers
from services.matching.scoring import county_model
from services.matching.streams import MODEL_STREAM, Streams
from shared.eventsourcing.store import EventStore
from shared.hosting.seeding import PRINCIPAL
from shared.hosting.service import Seed, Service
from shared.hosting.settings import Settings
from shared.kernel.acts import ActFacts
from shared.web.open_items import open_item_routes

FIRST_RULES_FROM = date(2019, 9, 1)


def first_rules() -> CategoryRulesActivated:
    """The classes every installation starts with; a local variation is a later version of the event."""
    return CategoryRulesActivated(content=canonical_json(CONTENT), content_hash=DEFAULT_CATEGORY_RULES.content_hash)


def first_model() -> MatchingModelActivated:
    """The model shipped with the program, which decides until two people activate another one."""
    model = county_model()
    return MatchingModelActivated(content=model.content.decode(), content_hash=model.hash, activated_by=PRINCIPAL)


def build(settings: Settings) -> Service:
    """Everything matching consists of. Opens no connection."""
    database, keyring = settings.database(), settings.keyring()
    store = EventStore(settings.service, keyring, settings.hmac_key)
    streams = Streams(settings.hmac_key)
    models = ActiveModel(store, streams)
    deciding = Deciding(database, store, streams, models)
    return Service(
        name=settings.service,
        database=database,
        store=store,
        keyring=keyring,
        routers=(
            router(database, settings.division),
            category_api.router(database),
            review_api.router(Desk(database, store, streams), models),
            model_api.router(ModelDesk(database, store, models), settings.division),
            open_item_routes("matching", open_work.sources(database, settings.division)),
        ),
        projections=projections(keyring),
        workers=workers(deciding, Reporting(database, deciding, models)),
        seeds=(
            Seed("category-rules", "category-rules", first_rules(), FIRST_RULES_FROM),
            Seed("matching-model", MODEL_STREAM, first_model(), FIRST_RULES_FROM, first_only=True),
        ),
        steps=(*work.STEPS, *ruled_rows.STEPS, *covering.STEPS, *model_proposals.STEPS),
        day_opened=lambda day: DayOpened(day=day),
        acts=ActFacts(AccessRefused, DataExported),
        gauges=work.GAUGES,
    )

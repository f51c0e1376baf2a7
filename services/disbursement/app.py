"""Wiring of disbursement."""

from __future__ import annotations

from services.disbursement import open_work
from services.disbursement.api import router
from services.disbursement.events import AccessRefused, DataExported, DayOpened
from services.disbursement.gap_fund import GAP_FUND
from services.disbursement.letters.incoming import IncomingDesk
from services.disbursement.letters.incoming_api import incoming_router
from services.disbursement.letters.letter_api import router as letter_router
from services.disbursement.letters.letter_desk import LetterDesk
from services.disbursement.letters.paper_api import paper_router
from services.disbursement.letters.place_api import place_router
from services.disbursement.living_subsidy import AUTUMN_2019, LIVING_SUBSIDY, activation
from services.disbursement.processor import projections
from services.disbursement.streams import Streams
from shared.eventsourcing.store import EventStore
from shared.hosting.service import Seed, Service
from shared.hosting.settings import Settings
from shared.kernel.acts import ActFacts
from shared.web.open_items import open_item_routes


def build(settings: Settings) -> Service:
    """Everything disbursement consists of. Opens no connection."""
    database, keyring = settings.database(), settings.keyring()
    store = EventStore(settings.service, keyring, settings.hmac_key)
    streams = Streams(settings.hmac_key)
    letters = LetterDesk(database, store, streams, settings.division)
    return Service(
        name=settings.service,
        database=database,
        store=store,
        keyring=keyring,
        routers=(
            router(database, store, streams),
            open_item_routes("disbursement", open_work.sources(database)),
            letter_router(letters),
            paper_router(letters),
            place_router(letters),
            incoming_router(IncomingDesk(database, store, streams, settings.division)),
        ),
        projections=projections(store, streams, settings.division, keyring),
        seeds=(
            Seed("living-subsidy", LIVING_SUBSIDY.programme, activation(), AUTUMN_2019),
            Seed("gap-fund", GAP_FUND.programme, activation(GAP_FUND), AUTUMN_2019),
        ),
        day_opened=lambda day: DayOpened(day=day),
        acts=ActFacts(AccessRefused, DataExported),
    )

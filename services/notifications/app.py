"""Wiring of notifications."""

from __future__ import annotations

from datetime import date

from services.notifications import open_work
from services.notifications.api import router
from services.notifications.care.care_api import router as care_router
from services.notifications.cases.case_acts import Cases
from services.notifications.cases.case_api import router as case_router
from services.notifications.cases.case_plan import FIRST_PLAN_FROM, CasePlan, activation
from services.notifications.cases.ledger_api import router as ledger_router
from services.notifications.delivery import parts as delivery_parts
from services.notifications.delivery.desk import Desk
from services.notifications.events import AccessRefused, AlertRulesActivated, DataExported, DayOpened
from services.notifications.processor import projections
from services.notifications.reports import report_api
from services.notifications.reports.report_desk import ReportDesk
from services.notifications.signals.rules import AlertRules, canonical, content_hash
from services.notifications.signals.signal_api import router as signal_router
from services.notifications.signals.signal_desk import SignalDesk
from services.notifications.streams import ALERT_RULES, CASE_PLAN, Streams
from services.notifications.whatif import whatif_api
from shared.eventsourcing.store import EventStore
from shared.hosting.service import Seed, Service
from shared.hosting.settings import Settings
from shared.kernel.acts import ActFacts
from shared.web.open_items import open_item_routes

FIRST_RULES_FROM = date(2019, 9, 1)


def first_rules() -> AlertRulesActivated:
    """The thresholds every installation starts with; a local variation is a later version of the event."""
    content = canonical(AlertRules())
    return AlertRulesActivated(content=content, content_hash=content_hash(content))


def build(settings: Settings) -> Service:
    """Everything notifications consists of. Opens no connection."""
    database, keyring = settings.database(), settings.keyring()
    store = EventStore(settings.service, keyring, settings.hmac_key)
    streams = Streams(settings.hmac_key)
    ways = delivery_parts.ways_from()
    desk = Desk(database, store, streams, settings.division)
    return Service(
        name=settings.service,
        database=database,
        store=store,
        keyring=keyring,
        routers=(
            router(database, store, streams, settings.division),
            case_router(Cases(database, store, streams)),
            ledger_router(database),
            care_router(database),
            signal_router(SignalDesk(database, store, streams)),
            whatif_api.router(database),
            report_api.router(ReportDesk(database, store, streams, settings.division)),
            *delivery_parts.routers(desk, ways),
            open_item_routes("notifications", open_work.sources(database, settings.division)),
        ),
        workers=delivery_parts.workers(desk, ways),
        steps=delivery_parts.STEPS,
        projections=projections(store, streams, settings.division, keyring),
        seeds=(
            Seed(ALERT_RULES, ALERT_RULES, first_rules(), FIRST_RULES_FROM),
            Seed(CASE_PLAN, CASE_PLAN, activation(CasePlan()), FIRST_PLAN_FROM, first_only=True),
        ),
        day_opened=lambda day: DayOpened(day=day),
        acts=ActFacts(AccessRefused, DataExported),
    )

"""Wiring of the registry."""

from __future__ import annotations

from services.registry import forgetting, open_work, request_tables
from services.registry.changes import change_api, change_jobs, class_seats_api
from services.registry.corrections import request_api
from services.registry.events import AccessRefused, DataExported, DayOpened
from services.registry.exports import export_api
from services.registry.handlers import Registry
from services.registry.households import (
    household_api,
    household_asking_api,
    household_preview_api,
    household_proposal_api,
    household_proposals,
)
from services.registry.keys import TERM_PLAN, Keys
from services.registry.lists import (
    freshness_api,
    list_api,
    reporting,
    row_api,
    standing,
    statements,
    stream_api,
    topic_intake,
    withdrawal_api,
)
from services.registry.lists.reporting import Reporting
from services.registry.papers import paper_api, paper_store
from services.registry.processor import projections, workers
from services.registry.promotion import promotion_api, promotion_jobs
from services.registry.reference import reference_api, register_place_api
from services.registry.search import search_api
from services.registry.students import (
    attendance_api,
    care_api,
    class_api,
    enrolment_api,
    provisional,
    student_api,
    suspension_api,
)
from services.registry.terms import term_api
from services.registry.terms.first_term_plan import FIRST_PLAN_FROM, activation
from shared.eventsourcing.store import EventStore
from shared.hosting.service import Seed, Service
from shared.hosting.settings import Settings
from shared.kernel.acts import ActFacts
from shared.web.open_items import open_item_routes

ROUTERS = (
    row_api,  # first: its rows come by the thousand, and routes are tried in turn
    enrolment_api,
    search_api,  # before single students, whose id its path is not
    student_api,
    list_api,
    stream_api,
    withdrawal_api,
    freshness_api,
    household_api,
    household_asking_api,
    household_preview_api,
    household_proposal_api,
    promotion_api,
    attendance_api,
    suspension_api,
    care_api,
    class_api,
    change_api,
    class_seats_api,
    request_api,
    paper_api,
    reference_api,
    term_api,
    register_place_api,
    export_api,
)
STEPS = (
    *standing.STEPS,
    *promotion_jobs.STEPS,
    *change_jobs.STEPS,
    *household_proposals.STEPS,
    *request_tables.STEPS,
    *provisional.STEPS,
    *paper_store.STEPS,
    *statements.STEPS,
    *reporting.STEPS,
    *topic_intake.STEPS,
    *forgetting.STEPS,
)


def build(settings: Settings) -> Service:
    """Everything the registry consists of. Opens no connection."""
    database, keyring = settings.database(), settings.keyring()
    store = EventStore(settings.service, keyring, settings.hmac_key)
    registry = Registry(database, store, keyring, Keys(settings.hmac_key), settings.division)
    return Service(
        name=settings.service,
        database=database,
        store=store,
        keyring=keyring,
        routers=(
            *(each.router(registry) for each in ROUTERS),
            open_item_routes("registry", open_work.sources(registry)),
        ),
        projections=projections(registry, Reporting(store, registry.keys, settings.division)),
        workers=workers(registry, settings),
        steps=STEPS,
        gauges=reporting.GAUGES,
        seeds=(Seed(TERM_PLAN, TERM_PLAN, activation(), FIRST_PLAN_FROM, first_only=True),),
        day_opened=lambda day: DayOpened(day=day),
        acts=ActFacts(AccessRefused, DataExported),
    )

"""Wiring of the registry."""

from __future__ import annotations

from services.registry import (
    attendance_api,
    care_api,
    change_api,
    change_jobs,
    class_api,
    enrolment_api,
    export_api,
    freshness_api,
    household_api,
    household_proposal_api,
    household_proposals,
    list_api,
    paper_api,
    paper_store,
    promotion_api,
    promotion_jobs,
    provisional,
    reference_api,
    register_place_api,
    reporting,
    request_api,
    request_tables,
    search_api,
    standing,
    statements,
    stream_api,
    student_api,
    suspension_api,
    term_api,
    topic_intake,
    withdrawal_api,
)
from services.registry.events import DayOpened
from services.registry.first_term_plan import FIRST_PLAN_FROM, activation
from services.registry.handlers import Registry
from services.registry.keys import TERM_PLAN, Keys
from services.registry.processor import projections, workers
from services.registry.reporting import Reporting
from shared.eventsourcing.store import EventStore
from shared.hosting.service import Seed, Service
from shared.hosting.settings import Settings

ROUTERS = (
    enrolment_api,
    search_api,  # before single students, whose id its path is not
    student_api,
    list_api,
    stream_api,
    withdrawal_api,
    freshness_api,
    household_api,
    household_proposal_api,
    promotion_api,
    attendance_api,
    suspension_api,
    care_api,
    class_api,
    change_api,
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
        routers=tuple(each.router(registry) for each in ROUTERS),
        projections=projections(Reporting(store, registry.keys, settings.division)),
        workers=workers(registry, settings),
        steps=STEPS,
        gauges=reporting.GAUGES,
        seeds=(Seed(TERM_PLAN, TERM_PLAN, activation(), FIRST_PLAN_FROM, first_only=True),),
        day_opened=lambda day: DayOpened(day=day),
    )

"""Wiring of audit. The views it can replay are given by whoever composes the installation (deploy/views.py)."""

from __future__ import annotations

import threading
from datetime import date

from fastapi import APIRouter

from services.audit import open_work
from services.audit.alarms.alarm_api import alarm_routes
from services.audit.api import router
from services.audit.counterfactuals.counterfactual_api import counterfactual_routes
from services.audit.counterfactuals.desk import Compute, Counterfactuals
from services.audit.erasure.desk import Desk
from services.audit.erasure.eraser import Eraser
from services.audit.erasure.erasure_api import erasure_routes
from services.audit.erasure.retention import FIRST_RULE, canonical, content_hash
from services.audit.erasure.rotating import Rotating
from services.audit.erasure.rule_api import rule_routes
from services.audit.events import AccessRefused, DataExported, DayOpened, RetentionRuleActivated
from services.audit.processor import projections, workers
from services.audit.proofs.api import witness_routes
from services.audit.proofs.figures import GAUGES
from services.audit.questions.asking import Asking
from services.audit.reads.emergency_acts import emergency_routes
from services.audit.reads.read_api import read_routes
from services.audit.replays.bundling import Bundles
from services.audit.replays.replaying import REPLAYS_AT_ONCE, Replays
from services.audit.snapshots.shelf import Shelf
from services.audit.snapshots.snapshot_api import snapshot_routes
from services.audit.snapshots.snapshotter import Snapshotter
from services.audit.streams import RETENTION, Streams
from services.audit.tables import STEPS
from shared.eventsourcing.store import EventStore
from shared.eventsourcing.view import Views
from shared.hosting.seeding import PRINCIPAL
from shared.hosting.service import Seed, Service, Worker
from shared.hosting.settings import Settings
from shared.kernel.acts import ActFacts
from shared.web.open_items import open_item_routes

ARCHIVED_SERVICES = ("access", "registry", "matching", "disbursement", "visits", "notifications", "audit")
FIRST_RULE_FROM = date(2019, 9, 1)


def first_rule() -> RetentionRuleActivated:
    """The rule every installation starts with, until people activate another."""
    content = canonical(FIRST_RULE)
    return RetentionRuleActivated(content=content, content_hash=content_hash(content), activated_by=PRINCIPAL)


def build(settings: Settings, views: Views, compute: Compute | None = None) -> Service:
    """Everything audit consists of. Its own log is archived, signed and watched as the others are. ``compute`` runs
    other services again for counterfactuals; without it none are answered."""
    database, keyring = settings.database(), settings.keyring()
    store = EventStore(settings.service, keyring, settings.hmac_key)
    desk = Desk(database, store, Streams(settings.hmac_key))
    rotating = Rotating(desk, keyring, settings.next_kek, settings.keys_owner)
    shelf = Shelf(database, keyring)
    replayed = {view.projection.name: view.projection for view in views.values()}
    snapshotter = Snapshotter(shelf, replayed, settings.snapshot_events, settings.snapshots_kept)
    replays = Replays(database, keyring, views, threading.BoundedSemaphore(REPLAYS_AT_ONCE), shelf)
    bundles = Bundles(replays, settings.division, settings.log_seeds)
    counterfactual: tuple[APIRouter, ...] = ()
    if compute is not None:
        asked = Counterfactuals(database, store, desk.streams, compute)
        counterfactual = (counterfactual_routes(asked, settings.division),)
    return Service(
        name=settings.service,
        database=database,
        store=store,
        keyring=keyring,
        routers=(
            router(database, bundles, Asking(replays, settings.hmac_key), ARCHIVED_SERVICES, desk),
            witness_routes(database, ARCHIVED_SERVICES),
            alarm_routes(desk),
            read_routes(database),
            emergency_routes(database),
            erasure_routes(desk, settings.division),
            rule_routes(desk, rotating, settings.division),
            *counterfactual,
            snapshot_routes(snapshotter, desk, settings.division),
            open_item_routes("audit", open_work.sources(desk, settings.division)),
        ),
        projections=projections(keyring),
        workers=(
            *workers(database, settings, ARCHIVED_SERVICES),
            Worker("eraser", Eraser(desk, database, keyring, ARCHIVED_SERVICES).run),
            Worker("key rotation", rotating.run),
            Worker("snapshotter", snapshotter.run),
        ),
        seeds=(Seed(RETENTION, RETENTION, first_rule(), FIRST_RULE_FROM, first_only=True),),
        steps=STEPS,
        day_opened=lambda day: DayOpened(day=day),
        acts=ActFacts(AccessRefused, DataExported),
        gauges=GAUGES,
    )

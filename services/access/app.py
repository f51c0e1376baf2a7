"""Wiring of access."""

from __future__ import annotations

import os

from services.access import forgetting, open_work
from services.access.accounts.account_api import account_routes, operator_routes
from services.access.accounts.passwords import Hashing
from services.access.acting import OPERATOR_SECRET
from services.access.desk import Desk
from services.access.emergencies.emergency_api import emergency_routes
from services.access.events import AccessRefused, DataExported, DayOpened
from services.access.handover.collecting import Collector
from services.access.handover.handover_api import handover_routes
from services.access.handover.handover_desk import HandoverDesk
from services.access.keys.agency_key_api import agency_key_routes
from services.access.oidc.api import entering_routes, keeper_routes, leaving_routes, own_routes
from services.access.oidc.configuration import CLIENT_SECRET, Configuration, from_environment
from services.access.oidc.office import Office
from services.access.oidc.party import RelyingParty
from services.access.own_tables import STEPS
from services.access.posts.post_api import post_routes
from services.access.processor import projections
from services.access.second_factors.second_factor_api import second_factor_routes
from services.access.sessions.session_api import key_routes, session_routes
from services.access.sessions.signing import TokenSigner
from services.access.sessions.unusual import WorkingHours
from services.access.staff.staff_api import staff_routes
from services.access.streams import Streams
from services.access.taken_api import taken_routes
from shared.eventsourcing.store import EventStore
from shared.hosting.service import Service
from shared.hosting.settings import Settings
from shared.kernel.acts import ActFacts
from shared.keys.keyring import KeyRing
from shared.web.client_address import SECRET as PORTAL_SECRET
from shared.web.open_items import open_item_routes


def desk_of(settings: Settings, keyring: KeyRing) -> Desk:
    """What access's handlers work with. Opens no connection."""
    streams = Streams(settings.hmac_key)
    return Desk(
        database=settings.database(),
        store=EventStore(settings.service, keyring, settings.hmac_key),
        streams=streams,
        hashing=Hashing(streams.pepper),
        signer=TokenSigner(settings.token_seeds, issuer=settings.access_issuer, audience=settings.audience),
        division=settings.division,
        hours=WorkingHours(*settings.working_hours),
        second_factor=settings.second_factor,
    )


def build(settings: Settings) -> Service:
    """Everything access consists of. Opens no connection. Raises SettingMissing."""
    return built(settings, from_environment(os.environ, lambda: settings.text_secret(CLIENT_SECRET)))


def built(settings: Settings, issuer: Configuration | None) -> Service:
    """The same, with the issuer people may sign in through."""
    keyring = settings.keyring()
    desk = desk_of(settings, keyring)
    office = Office(desk, None if issuer is None else RelyingParty(issuer))

    def portal_secret() -> bytes:
        return settings.secret(PORTAL_SECRET)

    return Service(
        name=settings.service,
        database=desk.database,
        store=desk.store,
        keyring=keyring,
        routers=(
            session_routes(desk, portal_secret),
            entering_routes(office, portal_secret),
            leaving_routes(office),
            own_routes(office, portal_secret),
            keeper_routes(office),
            second_factor_routes(desk),
            key_routes(desk),
            account_routes(desk),
            post_routes(desk),
            staff_routes(desk),
            agency_key_routes(desk),
            taken_routes(desk.store, desk.database),
            emergency_routes(desk),
            handover_routes(HandoverDesk(desk, Collector(settings.addresses, desk.signer))),
            open_item_routes("access", open_work.sources(desk.database)),
            operator_routes(desk, lambda: settings.secret(OPERATOR_SECRET)),
        ),
        projections=projections(desk, keyring),
        steps=(*STEPS, *forgetting.STEPS),
        day_opened=lambda day: DayOpened(day=day),
        acts=ActFacts(AccessRefused, DataExported),
    )

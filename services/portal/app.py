"""Wiring of the portal."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import httpx
from fastapi import APIRouter, FastAPI
from starlette.middleware.gzip import GZipMiddleware

from services.portal import failures, home, proxy, work
from services.portal.aid import entitlements, incoming_letters, letter_places, letters
from services.portal.auditing import alarms, audit, counterfactuals, erasures, person_file, proofs, questions
from services.portal.auditing.standing import Standings
from services.portal.backends import Backends
from services.portal.checking import checking
from services.portal.checking.check_jobs import Checker, CheckJobs
from services.portal.doors import Doors
from services.portal.dropout import (
    alert_rules,
    attendance,
    board,
    cases,
    chat,
    deliveries,
    documents,
    dropout_reports,
    messages,
)
from services.portal.matching import models, reviews
from services.portal.people import (
    account,
    agency_keys,
    emergency,
    entering,
    handovers,
    leaving,
    oidc,
    people,
    second_factor,
    sign_in,
    sign_ins,
    staff_import,
    staff_lists,
)
from services.portal.people.demo_issuer import DemoIssuer
from services.portal.people.exchange import Exchange, Tokens
from services.portal.registry import (
    agreements,
    changes,
    class_seats,
    exports,
    household_entry,
    households,
    imports,
    papers,
    promotions,
    reference,
    reference_forms,
    reporting,
    student_life,
    student_notes,
    students,
    submissions,
    term_plan,
    terms,
)
from services.portal.rendering import PAGE_CONTENT_POLICY, Rendering, Statics
from services.portal.settings import PortalSettings, oidc_label, service_addresses
from services.portal.tables import tables
from shared.hosting.live_lists import live_lists
from shared.web.application import create_app
from shared.web.authentication import Authenticator, Issuers
from shared.web.client_address import SECRET as PORTAL_SECRET
from shared.web.revocations import REVOCATIONS, Revocations

if TYPE_CHECKING:
    from shared.hosting.settings import Settings


@dataclass(frozen=True)
class Portal:
    """The portal as the runtime starts it: an application and nothing else (no database, no log, no processor)."""

    name: str
    app: FastAPI


def build(settings: Settings, checker: Checker) -> Portal:
    """The portal of an installation; ``checker`` does the check tool's work. The demonstration's issuer is part of it
    unless this is production or another issuer is named (ROLLCALL_ISSUER)."""
    own_issuer = urlsplit(settings.issuer).path == "/demo-issuer"
    demo = own_issuer and settings.environment != "production"
    return Portal(
        "portal",
        application(
            PortalSettings(
                division=settings.division,
                environment=settings.environment,
                issuer=settings.issuer,
                audience=settings.audience,
                services=service_addresses(settings.port),
                jwks_url=settings.jwks_url if not demo and settings.issuer in settings.issuers else None,
                sign_in_url=os.environ.get("ROLLCALL_SIGN_IN_URL"),
                demo_seed=settings.secret("jwt") if demo else None,
                oidc_label=oidc_label(os.environ),
                access_issuer=settings.access_issuer,
                portal_key=settings.secret(PORTAL_SECRET),
                form_key=settings.hmac_key,
                secure_cookies=settings.environment == "production",
                live_lists=live_lists(),
                rates=settings.rates,
            ),
            checker,
        ),
    )


def _routers(statics: Statics) -> list[APIRouter]:
    """Every page's routes, in the order in which an address is looked for."""
    return [
        sign_in.router,
        entering.router,
        leaving.router,
        oidc.router,
        account.router,
        second_factor.router,
        sign_ins.router,
        statics.router(),
        proxy.router,
        home.router,
        work.router,
        imports.router,
        checking.router,
        tables.router(),
        entitlements.router,
        submissions.router,
        documents.router,
        cases.router,  # after the tables, whose saved views have addresses below its own
        alert_rules.router,
        board.router,
        dropout_reports.router,
        students.router,
        student_life.router,
        student_notes.router,
        attendance.router,
        reporting.router,
        reviews.router,
        chat.router,
        messages.router,
        deliveries.router,
        models.router,
        exports.router,
        reference_forms.router,  # before single rows, whose name its paths are not
        reference.router,
        terms.router,
        term_plan.router,
        promotions.router,
        class_seats.router,  # before changes, whose ids its path is not
        changes.router,
        household_entry.router,
        households.router,  # before requests, whose ids its paths are not
        agreements.router,
        papers.router,
        incoming_letters.router,  # before letters, whose ids its paths are not
        letter_places.router,
        letters.router,
        questions.router,
        counterfactuals.router,
        audit.router,
        person_file.router,
        proofs.router,
        alarms.router,
        erasures.router,
        staff_lists.router,
        staff_import.router,
        people.router,
        handovers.router,
        agency_keys.router,
        emergency.router,
    ]


def application(
    settings: PortalSettings, checker: Checker | CheckJobs, transport: httpx.AsyncBaseTransport | None = None
) -> FastAPI:
    """The portal's application. ``transport`` stands in for the network. Raises DemoRefused."""
    backends = Backends(settings.services, transport, settings.live_lists)
    check_jobs = checker if isinstance(checker, CheckJobs) else CheckJobs(checker)
    statics = Statics()
    issuer = _demo_issuer(settings)
    tokens = Tokens(backends)
    revocations = Revocations(backends.url("access", REVOCATIONS), transport=transport)
    routers = _routers(statics)
    if issuer is not None:
        routers.append(sign_in.demo_routes(issuer, settings.division))
    app = create_app(
        "portal",
        routers,
        authenticator=_issuers(settings, issuer),
        parts=[backends.part, check_jobs.part, revocations.part],
        content_policy=PAGE_CONTENT_POLICY,
        described=False,
        rates=settings.rates,
        strict_transport=settings.environment == "production",
        state={
            "settings": settings,
            "issuer": issuer,
            "backends": backends,
            "tokens": tokens,
            "revocations": revocations,
            "check_jobs": check_jobs,
            "standings": Standings(),
            "rendering": Rendering(settings.form_key, statics, demo=issuer is not None),
        },
        inner=[
            (Exchange, {"tokens": tokens, "secure": settings.secure_cookies}),
            (GZipMiddleware, {"minimum_size": 1024, "compresslevel": 6}),
        ],
    )
    app.state.doors = Doors([route for router in routers for route in router.routes])
    failures.install(app)
    return app


def _issuers(settings: PortalSettings, demo: DemoIssuer | None) -> Issuers:
    """Access's tokens, and those of the demonstration or of another issuer that is named."""
    audience = settings.audience
    access = f"{settings.services['access']}/v1/jwks.json"
    trusted = {settings.access_issuer: Authenticator(issuer=settings.access_issuer, audience=audience, jwks_url=access)}
    if demo is not None:
        trusted[settings.issuer] = Authenticator(issuer=settings.issuer, audience=audience, jwks=demo.jwks())
    elif settings.jwks_url is not None:
        trusted[settings.issuer] = Authenticator(issuer=settings.issuer, audience=audience, jwks_url=settings.jwks_url)
    return Issuers(trusted)


def _demo_issuer(settings: PortalSettings) -> DemoIssuer | None:
    """The demonstration's own. Raises DemoRefused in production."""
    if settings.demo_seed is None:
        return None
    return DemoIssuer(
        settings.demo_seed, issuer=settings.issuer, audience=settings.audience, environment=settings.environment
    )

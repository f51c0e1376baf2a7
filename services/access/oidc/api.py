"""Signing in through the issuer, and identities of accounts, over HTTP."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from services.access.accounts.account_api import Done, Keeper
from services.access.acting import administrator
from services.access.oidc import entering, identities, leaving, linking
from services.access.oidc.leaving import IssuerSession
from services.access.oidc.linking import Claim, Told
from services.access.oidc.office import Begun, Callback, Office
from services.access.oidc.party import CODE_CHARACTERS
from services.access.sessions.session_api import Opened, Password, Secret, opened
from services.access.sessions.session_desk import standing
from services.access.sessions.sign_in import Origin
from shared.database.database import driver
from shared.kernel.clock import utc_now
from shared.web.client_address import address_of, agent_of
from shared.web.commands import command_from

BrowserSecret = Annotated[str, Field(min_length=43, max_length=43)]


class CallbackBody(BaseModel):
    """``flow``: the browser's secret; the rest as the issuer put it into the address."""

    model_config = ConfigDict(extra="forbid")

    flow: BrowserSecret
    state: str = Field(max_length=200)
    code: str | None = Field(None, max_length=CODE_CHARACTERS)
    error: str | None = Field(None, max_length=200)
    issuer: str | None = Field(None, max_length=2_000)

    @property
    def callback(self) -> Callback:
        return Callback(self.state, self.code, self.error, self.issuer)


class CodeBody(BaseModel):
    """A code of the authenticator, or one for recovery."""

    model_config = ConfigDict(extra="forbid")

    flow: BrowserSecret
    code: str = Field(min_length=1, max_length=16)


class LinkBody(BaseModel):
    model_config = ConfigDict(extra="forbid")

    password: Password


class AnnounceBody(BaseModel):
    """``value``: of the claim, as the issuer will send it."""

    model_config = ConfigDict(extra="forbid")

    claim: Claim
    value: str = Field(min_length=1, max_length=255)


class Away(BaseModel):
    """``address``: where the browser goes; ``flow``: what it alone keeps until it comes back."""

    address: str
    flow: str


class SignOutBody(BaseModel):
    """``everywhere``: all sessions of the person."""

    model_config = ConfigDict(extra="forbid")

    everywhere: bool = False


class SignedOut(BaseModel):
    """``issuer_session``: of the issuer's own session in this browser, none, open (it goes on) or to_end, at
    ``address`` and with ``state`` coming back."""

    issuer_session: IssuerSession
    address: str | None
    state: str | None


class IdentityRow(BaseModel):
    """One of one's own identities; ``linked_at`` None: an administrator told it, and nobody has come yet."""

    identity_id: UUID
    issuer: str
    linked_at: datetime | None


class Identities(BaseModel):
    items: list[IdentityRow]


class Unlinked(BaseModel):
    identities: list[UUID]


def entering_routes(office: Office, portal_secret: Callable[[], bytes]) -> APIRouter:
    """The routes under /v1/oidc: nobody is anybody yet."""
    routes = APIRouter(prefix="/v1/oidc")

    @routes.post("/begin")
    def begin(request: Request) -> Away:
        """Refused: 404 oidc_off, 503 issuer_unreachable, 503 busy."""
        return _away(entering.begin(office, origin_of(portal_secret(), request), utc_now()))

    @routes.post("/finish")
    def finish(body: CallbackBody, request: Request) -> Opened:
        """Refused: 401 flow_over, issuer_refused, identity_unlinked, code_needed; 409 account_is_closed; 429."""
        origin = origin_of(portal_secret(), request)
        return opened(office.desk, entering.finish(office, body.flow, body.callback, origin, utc_now()))

    @routes.post("/code")
    def code(body: CodeBody, request: Request) -> Opened:
        """The code that ``finish`` asked for. Refused: 401 flow_over, 422 wrong_code, 429."""
        origin = origin_of(portal_secret(), request)
        return opened(office.desk, entering.finish_with_code(office, body.flow, body.code, origin, utc_now()))

    return routes


def leaving_routes(office: Office) -> APIRouter:
    """The way out, with a session's secret, however it was opened."""
    routes = APIRouter(prefix="/v1")

    @routes.post("/sign-out")
    def leave(body: SignOutBody, secret: Secret) -> SignedOut:
        """End the session, and say what is left to do at the issuer it began at."""
        left = leaving.leave(office, secret, everywhere=body.everywhere, now=utc_now())
        return SignedOut(**left._asdict())

    return routes


def own_routes(office: Office, portal_secret: Callable[[], bytes]) -> APIRouter:
    """The routes under /v1/me/identities, with a session's secret."""
    routes, desk = APIRouter(prefix="/v1/me/identities"), office.desk

    @routes.get("")
    def mine(secret: Secret) -> Identities:
        now = utc_now()
        account_id = standing(desk, secret, now).session.account_id
        with desk.database.writing() as connection:
            rows = identities.of_account(driver(connection), account_id, now)
        return Identities(
            items=[
                IdentityRow(identity_id=each.identity_id, issuer=each.issuer, linked_at=each.linked_at) for each in rows
            ]
        )

    @routes.post("")
    def begin(body: LinkBody, request: Request, secret: Secret) -> Away:
        """Go to the issuer to link an identity, with the password typed now."""
        origin = origin_of(portal_secret(), request)
        return _away(linking.begin_link(office, secret, body.password, origin, utc_now()))

    @routes.post("/finish", status_code=204)
    def finish(body: CallbackBody, request: Request, secret: Secret) -> Response:
        origin = origin_of(portal_secret(), request)
        linking.finish_link(office, secret, body.flow, body.callback, origin, utc_now())
        return Response(status_code=204)

    @routes.post("/{identity_id}/unlink", status_code=204)
    def unlink(identity_id: UUID, secret: Secret) -> Response:
        """Sessions that began at the issuer end."""
        linking.unlink_own(desk, secret, identity_id, utc_now())
        return Response(status_code=204)

    return routes


def keeper_routes(office: Office) -> APIRouter:
    """The routes under /v1/accounts/…/identities, for who administers accounts."""
    routes = APIRouter(prefix="/v1/accounts/{account_id}/identities")

    @routes.post("")
    def announce(account_id: UUID, body: AnnounceBody, request: Request, viewer: Keeper) -> Done:
        """Tell which identity is the account's; it is linked when it comes, within thirty days."""
        command, told = command_from(request, viewer, body), Told(body.claim, body.value)
        result = linking.announce(office, administrator(viewer), account_id, told, command, utc_now())
        return Done(id=account_id, event_id=result.event_ids[0])

    @routes.post("/unlink")
    def unlink(account_id: UUID, request: Request, viewer: Keeper) -> Unlinked:
        """Take every identity of the account away; sessions that began at the issuer end."""
        by, command = administrator(viewer), command_from(request, viewer, None)
        return Unlinked(identities=linking.unlink_all(office.desk, by, account_id, command, utc_now()))

    return routes


def _away(begun: Begun) -> Away:
    return Away(address=begun.address, flow=begun.secret)


def origin_of(portal_secret: bytes, request: Request) -> Origin:
    """Where a request comes from, as the portal tells it."""
    return Origin(address_of(portal_secret, request), agent_of(request))

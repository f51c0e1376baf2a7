"""Sign-in, sessions and tokens over HTTP: what needs no token, because it is where tokens come from."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import date, datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from services.access import queries
from services.access.acting import session_secret
from services.access.desk import Desk
from services.access.queries import SignInRow
from services.access.second_factors import second_factor
from services.access.sessions import session_desk, sessions
from services.access.sessions.session_desk import Standing
from services.access.sessions.sessions import Holding, Session
from services.access.sessions.sign_in import Attempt, SignedInAs, sign_in
from shared.database.database import driver
from shared.kernel.clock import utc_now
from shared.standards.posts import Kind
from shared.web.client_address import address_of, agent_of
from shared.web.live import SseHub

LONGEST_WAIT_SECONDS = 25
Secret = Annotated[str, Depends(session_secret)]
Password = Annotated[str, Field(min_length=1, max_length=256)]


class SignInBody(BaseModel):
    model_config = ConfigDict(extra="forbid")

    login: str = Field(min_length=1, max_length=80)
    password: Password
    code: str | None = Field(None, max_length=16)


class ChooseBody(BaseModel):
    model_config = ConfigDict(extra="forbid")

    post_id: UUID


class PasswordBody(BaseModel):
    """The password used until now, and the one to be used."""

    model_config = ConfigDict(extra="forbid")

    former: Password
    password: Password


class PostRow(BaseModel):
    """A post to act in; ``until``: the day its delegation ends; ``lacks_code``: nobody acts in it without a second
    factor, and this session was opened without."""

    post_id: UUID
    kind: Kind
    division: str
    school: str | None
    school_class: str | None
    agency: str | None
    delegated: bool
    until: date | None
    lacks_code: bool


class Opened(BaseModel):
    """A session: ``secret`` is for the browser alone. ``post_id``: the post it acts in, None until one is chosen."""

    secret: str
    session_id: UUID
    ends_at: datetime
    post_id: UUID | None
    posts: list[PostRow]
    must_change: bool


class Given(BaseModel):
    access_token: str
    token_type: str = "Bearer"  # noqa: S105
    expires_in: int


class SessionRow(BaseModel):
    """One of one's own sessions; ``here``: this one."""

    session_id: UUID
    signed_in_at: datetime
    seen_at: datetime
    post_id: UUID | None
    here: bool


class Me(BaseModel):
    """Who has the session, in which posts they may act, and where else they are signed in."""

    account_id: UUID
    login: str
    name: str
    post_id: UUID | None
    posts: list[PostRow]
    must_change: bool
    second_factor: bool
    sessions: list[SessionRow]


class SignIns(BaseModel):
    items: list[SignInRow]


class Revoked(BaseModel):
    """Sessions whose tokens are refused; ask again ``after`` the last number."""

    sessions: list[UUID]
    last: int


def session_routes(desk: Desk, portal_secret: Callable[[], bytes]) -> APIRouter:
    """The routes under /v1 that take a password or a session's secret."""
    routes = APIRouter(prefix="/v1")

    @routes.post("/sign-in")
    def enter(body: SignInBody, request: Request) -> Opened:
        """Open a session. Refused: 401 sign_in_failed, 401 code_needed, 429 too_many_attempts, 503 busy."""
        address = address_of(portal_secret(), request)
        attempt = Attempt(body.login, body.password, address, body.code or "", agent_of(request))
        return opened(desk, sign_in(desk, attempt, utc_now()))

    @routes.post("/token")
    def token(secret: Secret) -> Given:
        """A token of at most five minutes for the post the session acts in."""
        made = session_desk.token(desk, secret, utc_now())
        return Given(access_token=made.token, expires_in=made.seconds)

    @routes.post("/session/post")
    def choose(body: ChooseBody, secret: Secret) -> Opened:
        """Act in another post, under another session."""
        return opened(desk, session_desk.choose_post(desk, secret, body.post_id, utc_now()))

    @routes.post("/me/password")
    def change(body: PasswordBody, secret: Secret) -> Opened:
        """Choose another password; every other session ends."""
        return opened(desk, session_desk.change_password(desk, secret, body.former, body.password, utc_now()))

    @routes.get("/me")
    def me(secret: Secret) -> Me:
        now = utc_now()
        found = session_desk.standing(desk, secret, now)
        with desk.database.writing() as connection:
            mine = sessions.of_account(driver(connection), found.session.account_id, now)
            second = second_factor.needed(driver(connection), found.session.account_id)
        return _me(desk, found, mine, second)

    @routes.get("/me/sign-ins")
    def my_sign_ins(secret: Secret) -> SignIns:
        """One's own sign-ins and refusals, the last one first."""
        found = session_desk.standing(desk, secret, utc_now())
        return SignIns(items=queries.own_sign_ins(desk.database, found.session.account_id))

    return routes


def key_routes(desk: Desk) -> APIRouter:
    """The keys of tokens, and the sessions whose tokens are refused: both open, and neither tells of anybody."""
    routes = APIRouter(prefix="/v1")

    @routes.get("/jwks.json")
    def jwks(response: Response) -> dict[str, Any]:
        response.headers["cache-control"] = "public, max-age=60"
        return dict(desk.signer.jwks())

    @routes.get("/revocations")
    async def revocations(
        request: Request,
        after: Annotated[int, Query(ge=0)] = 0,
        wait: Annotated[int, Query(ge=0, le=LONGEST_WAIT_SECONDS)] = 0,
    ) -> Revoked:
        """Random ids of sessions that ended in the last minutes, at once or, with ``wait`` seconds, when one ends."""

        def read() -> sessions.Revocations:
            with desk.database.writing() as connection:
                return sessions.revoked(driver(connection), after)

        hub: SseHub = request.app.state.hub
        subscription = hub.subscribe(["revocations"], None, 1)
        try:
            found = await asyncio.to_thread(read)
            if not found.sessions and wait:
                try:
                    await asyncio.wait_for(subscription.woken.wait(), wait)
                except TimeoutError:
                    return Revoked(sessions=[], last=found.last)
                found = await asyncio.to_thread(read)
        finally:
            hub.leave(subscription)
        return Revoked(sessions=found.sessions, last=found.last)

    return routes


def opened(desk: Desk, found: SignedInAs) -> Opened:
    """An open session as it is told to the browser's page."""
    return Opened(
        secret=found.secret,
        session_id=found.session.session_id,
        ends_at=found.session.ends_at,
        post_id=found.session.post_id,
        posts=[_post(desk, found.session, each) for each in found.posts],
        must_change=found.must_change,
    )


def _post(desk: Desk, session: Session, held: Holding) -> PostRow:
    return PostRow(
        post_id=held.post_id,
        kind=Kind(held.kind),
        division=held.division_code,
        school=held.school_code,
        school_class=held.school_class,
        agency=held.agency,
        delegated=held.delegation_id is not None,
        until=held.until,
        lacks_code=desk.lacks_code(session, held.kind),
    )


def _me(desk: Desk, found: Standing, mine: list[sessions.Session], second: bool) -> Me:
    rows = [
        SessionRow(
            session_id=each.session_id,
            signed_in_at=each.signed_in_at,
            seen_at=each.seen_at,
            post_id=each.post_id,
            here=each.session_id == found.session.session_id,
        )
        for each in mine
    ]
    return Me(
        account_id=found.session.account_id,
        login=found.login,
        name=found.name,
        post_id=None if found.post is None else found.post.post_id,
        posts=[_post(desk, found.session, each) for each in found.posts],
        must_change=found.must_change,
        second_factor=second,
        sessions=rows,
    )

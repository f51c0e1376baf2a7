"""Accounts and posts over HTTP, for who administers them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request
from pydantic import BaseModel, ConfigDict, Field

from services.access import queries, read_queries
from services.access.accounts import account_desk, people
from services.access.accounts.people import AccountFilter, AccountRow
from services.access.acting import OPERATOR, administrator, operator_only
from services.access.commands import CloseAccount, EstablishPost, FillPost, OpenAccount
from services.access.desk import Desk, day_of
from services.access.errors import BadPlace
from services.access.posts.places import school_place
from services.access.posts.post_desk import establish, fill
from services.access.projections import NAME
from services.access.queries import SignInRow
from services.access.read_projection import READS_VIEW
from services.access.read_queries import ReadsRow
from shared.eventsourcing.store import Command
from shared.kernel.clock import today, utc_now
from shared.standards.posts import Kind
from shared.standards.rights import Right
from shared.web.commands import command_from, command_id_of
from shared.web.pages import Page, PageTurn, page_of, page_turn
from shared.web.purposes import check_note
from shared.web.traces import traceparent_of
from shared.web.viewers import Viewer, require

Keeper = Annotated[Viewer, Depends(require(Right.ACCOUNTS_KEEP))]
Reader = Annotated[Viewer, Depends(require(Right.ACCOUNTS_READ, Right.ACCOUNTS_KEEP))]
Turn = Annotated[PageTurn, Depends(page_turn)]
UNUSUAL_SHOWN = 200


class AccountBody(BaseModel):
    """``school``: the code of the school that manages the account, else ``division`` does."""

    model_config = ConfigDict(extra="forbid")

    login: str = Field(min_length=1, max_length=80)
    name: str = Field(min_length=1, max_length=80)
    division: str | None = Field(None, pattern=r"^(\d{2}|\d{4}|\d{6}|\d{9}|\d{12})$")
    school: str | None = Field(None, min_length=1, max_length=64)


class ReasonBody(BaseModel):
    model_config = ConfigDict(extra="forbid")

    reason: str = Field(min_length=1, max_length=200)


class FirstBody(BaseModel):
    """The first account administrator of the whole installation."""

    model_config = ConfigDict(extra="forbid")

    login: str = Field(min_length=1, max_length=80)
    name: str = Field(min_length=1, max_length=80)


class HandedOut(BaseModel):
    """``password``: shown now and never again; None when the same command was done before."""

    account_id: UUID
    password: str | None


class Done(BaseModel):
    """The same answer however often the command is repeated."""

    id: UUID
    event_id: UUID


class SignIns(BaseModel):
    """``reads``: days with many looks at personal data in full."""

    items: list[SignInRow]
    reads: list[ReadsRow]


def account_routes(desk: Desk) -> APIRouter:
    """The routes under /v1/accounts and /v1/sign-ins."""
    routes = APIRouter(prefix="/v1")
    database = desk.database

    @routes.get("/accounts")
    def accounts(viewer: Reader, turn: Turn, wanted: Annotated[AccountFilter, Query()]) -> Page[AccountRow]:
        """Accounts within the viewer's rows, by id."""
        with database.reading(viewer.scope, NAME) as connection:
            rows = people.accounts(connection, today(), turn, wanted)
        return page_of(rows, turn, key=lambda row: (row.account_id,))

    @routes.get("/sign-ins")
    def unusual(viewer: Reader) -> SignIns:
        """What somebody should look at: sign-ins from a new address or browser, at night, after many refusals, from
        several addresses at once; and who saw much in full."""
        with database.reading(viewer.scope, READS_VIEW.name) as connection:
            reads = read_queries.many_reads(connection, today(), UNUSUAL_SHOWN)
        with database.reading(viewer.scope, NAME) as connection:
            items = queries.unusual_sign_ins(connection, today(), UNUSUAL_SHOWN)
            names = queries.names_of(connection, today(), (each.account for each in reads))
        named = [each.model_copy(update={"name": names.get(each.account)}) for each in reads]
        return SignIns(items=items, reads=named)

    @routes.post("/accounts")
    def open_account(body: AccountBody, request: Request, viewer: Keeper) -> HandedOut:
        """Open an account; the answer holds its one-time password."""
        by, command = administrator(viewer), command_from(request, viewer, body)
        place = _managed_at(desk, viewer, body)
        intent = OpenAccount(
            account_id=desk.streams.account(viewer.principal, command.command_id),
            login=body.login,
            name=body.name.strip(),
            division_code=place[0],
            school_code=place[1],
            by=viewer.principal,
        )
        return HandedOut(**account_desk.open_account(desk, by, intent, command, utc_now())._asdict())

    @routes.post("/accounts/{account_id}/reset")
    def reset(account_id: UUID, request: Request, viewer: Keeper) -> HandedOut:
        """Give a one-time password; every session of the account ends."""
        by, command = administrator(viewer), command_from(request, viewer, None)
        return HandedOut(**account_desk.reset_password(desk, by, account_id, command, utc_now())._asdict())

    @routes.post("/accounts/{account_id}/close")
    def close(account_id: UUID, body: ReasonBody, request: Request, viewer: Keeper) -> Done:
        check_note(body.reason)
        intent = CloseAccount(account_id, viewer.principal, body.reason)
        command = command_from(request, viewer, body)
        result = account_desk.close_account(desk, administrator(viewer), intent, command, utc_now())
        return Done(id=account_id, event_id=result.event_ids[0])

    return routes


def operator_routes(desk: Desk, secret: Callable[[], bytes]) -> APIRouter:
    """What the operator of the machine does before anybody can sign in."""
    routes = APIRouter(prefix="/v1")

    @routes.post("/administrators", dependencies=[Depends(operator_only(secret))])
    def first(body: FirstBody, request: Request) -> HandedOut:
        """An account administrator of the whole division, with a one-time password."""
        key = command_id_of(request)
        account_id, post_id = desk.streams.account(OPERATOR, key), desk.streams.post(OPERATOR, key)

        def command(step: str) -> Command:
            content = step.encode() + body.model_dump_json().encode()
            return Command(f"{OPERATOR}:{step}", key, content, traceparent=traceparent_of(request))

        now, division = utc_now(), desk.division
        opening = OpenAccount(account_id, body.login, body.name.strip(), division, None, OPERATOR)
        handed = account_desk.open_account(desk, None, opening, command("account"), now)
        post = EstablishPost(post_id, Kind.ACCOUNT_ADMINISTRATOR, division, None, None, None, OPERATOR)
        establish(desk, None, post, command("post"), now)
        fill(desk, None, FillPost(post_id, account_id, OPERATOR), command("fill"), now)
        return HandedOut(**handed._asdict())

    return routes


def _managed_at(desk: Desk, viewer: Viewer, body: AccountBody) -> tuple[str, str | None]:
    """Raises BadPlace."""
    if (body.school is None) == (body.division is None):
        raise BadPlace("请填写学校或行政区划之一", "Give either a school or a division")
    if body.division is not None:
        return body.division, None
    with desk.database.reading(viewer.scope, NAME) as connection:
        place = school_place(connection, body.school or "", day_of(utc_now()))
    return place.division_code, place.school_code

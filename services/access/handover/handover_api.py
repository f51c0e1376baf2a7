"""Hand-overs over HTTP: for who administers posts with a token, for the two parties with their session's secret.

A party signs with a session that began some minutes ago at most, or gives the password again: an unattended screen is
no signature.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated
from uuid import UUID

import structlog
from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Connection

from services.access.accounts.account_api import Done, Keeper, Reader, ReasonBody
from services.access.acting import administrator
from services.access.errors import ServiceAway, SignInAgain, UnknownAccount, UnknownHandover, UnknownPost
from services.access.handover import handover_queries, handover_sheet
from services.access.handover.handover_desk import Actor, HandoverDesk, Wanted
from services.access.handover.handover_queries import HandoverRow, ItemRow
from services.access.handover_events import Signer
from services.access.projections import NAME
from services.access.sessions import lockout
from services.access.sessions.session_api import Secret
from services.access.sessions.session_desk import Standing, check_former, standing
from shared.database.database import driver
from shared.eventsourcing.store import Command
from shared.kernel.clock import today, utc_now
from shared.kernel.identifiers import keyed_id
from shared.standards.division import scope as shortest
from shared.standards.rights import Right
from shared.tabular.writing import XLSX
from shared.web import disclosures
from shared.web.commands import command_id_of
from shared.web.descriptions import RECORDED_FIELD
from shared.web.pages import WHOLE_LIST, Page, PageTurn, page_of, page_turn
from shared.web.purposes import check_note
from shared.web.traces import traceparent_of
from shared.web.viewers import Viewer, require, session_viewer

log = structlog.get_logger("handover")
Taking = Annotated[Viewer, Depends(require(Right.ACCOUNTS_READ, Right.ACCOUNTS_KEEP, exports=True))]
Turn = Annotated[PageTurn, Depends(page_turn)]
Reason = Annotated[str, Field(min_length=2, max_length=200)]
Hash = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
RECENTLY = timedelta(minutes=15)


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class OpenBody(_Body):
    """``successor``: an account; ``at_once``: the predecessor is out from now on."""

    post_id: UUID
    successor: UUID
    reason: Reason
    at_once: bool = False


class OwnBody(_Body):
    """One's own post, by the successor's login name: who holds a post need not know accounts."""

    post_id: UUID
    successor_login: str = Field(min_length=1, max_length=80)
    reason: Reason
    at_once: bool = False


class ConfirmBody(_Body):
    """``items_hash``: of the list that was read."""

    items_hash: Hash


class AbsentBody(ConfirmBody):
    """Why the predecessor cannot sign."""

    reason: Reason


class SignBody(ConfirmBody):
    """``password``: asked for when the sign-in is a while ago."""

    password: str | None = Field(None, min_length=1, max_length=256)


class Changes(BaseModel):
    """Since the list was made: ``added`` waits and is not on it, ``gone`` is on it and waits no more. ``left_behind``:
    after the hand-over, what is bound to the predecessor still; empty once every service has heard of it."""

    added: list[ItemRow]
    gone: list[ItemRow]
    left_behind: list[ItemRow]


class OpenedHandover(Done):
    """``listed``: false when a service did not answer; the list is made by asking once more."""

    listed: bool


def handover_routes(handing: HandoverDesk) -> APIRouter:
    """The routes under /v1/handovers and /v1/me/handovers."""
    routes = APIRouter(prefix="/v1")
    _administered(routes, handing)
    _administering(routes, handing)
    _own(routes, handing)
    _signing(routes, handing)
    return routes


def _administered(routes: APIRouter, handing: HandoverDesk) -> None:
    database = handing.desk.database

    @routes.get("/handovers")
    def handovers(viewer: Reader, turn: Turn) -> Page[HandoverRow]:
        with database.reading(viewer.scope, NAME) as connection:
            rows = handover_queries.handovers(connection, today(), turn)
        return page_of(rows, turn, key=lambda row: (row.handover_id,))

    @routes.get("/handovers/{handover_id}")
    def one(handover_id: UUID, viewer: Reader) -> HandoverRow:
        with database.reading(viewer.scope, NAME) as connection:
            return _one(connection, handover_id)

    @routes.get("/handovers/{handover_id}/items")
    def items(handover_id: UUID, viewer: Reader, turn: Turn) -> Page[ItemRow]:
        with database.reading(viewer.scope, NAME) as connection:
            _one(connection, handover_id)
            return _items(connection, handover_id, turn)

    @routes.get("/handovers/{handover_id}/sheet.xlsx", response_class=Response)
    def sheet(handover_id: UUID, viewer: Taking) -> Response:
        """The list to sign, laid out for paper."""
        with database.reading(viewer.scope, NAME) as connection:
            return _sheet(connection, handover_id)

    @routes.get("/handovers/{handover_id}/differences")
    def differences(handover_id: UUID, viewer: Keeper) -> Changes:
        """Against what waits now. Refused: 409 not_listed_yet, 503 service_away."""
        return _changes(handing, _keeper(viewer), handover_id)


def _administering(routes: APIRouter, handing: HandoverDesk) -> None:
    @routes.post("/handovers")
    def open_one(body: OpenBody, request: Request, viewer: Keeper) -> OpenedHandover:
        """Open it and list what waits."""
        check_note(body.reason)
        actor, command = _keeper(viewer), _command(request, viewer.principal, body)
        handover_id = handing.desk.streams.handover(viewer.principal, command.command_id)
        wanted = Wanted(handover_id, body.post_id, body.successor, body.reason, body.at_once)
        return _open(handing, actor, wanted, command)

    @routes.post("/handovers/{handover_id}/list")
    def list_again(handover_id: UUID, request: Request, viewer: Keeper) -> Done:
        """Make the list, where a service did not answer before."""
        result = handing.make_list(_keeper(viewer), handover_id, _command(request, viewer.principal, None), utc_now())
        return Done(id=handover_id, event_id=result.event_ids[0])

    @routes.post("/handovers/{handover_id}/absent")
    def absent(handover_id: UUID, body: AbsentBody, request: Request, viewer: Keeper) -> Done:
        """Sign for a predecessor who cannot be reached; who is out by it."""
        check_note(body.reason)
        return _sign(handing, _keeper(viewer), handover_id, "predecessor", body, body.reason, request)

    @routes.post("/handovers/{handover_id}/confirm")
    def confirm(handover_id: UUID, body: ConfirmBody, request: Request, viewer: Keeper) -> Done:
        """The administrator's own signature, which a hand-over needs that its holder opened."""
        return _sign(handing, _keeper(viewer), handover_id, "administrator", body, "", request)

    @routes.post("/handovers/{handover_id}/lock-out", status_code=204)
    def lock_out(handover_id: UUID, request: Request, viewer: Keeper) -> Response:
        """The predecessor is out from now on, signed or not."""
        handing.put_out(_keeper(viewer), handover_id, _command(request, viewer.principal, None), utc_now())
        return Response(status_code=204)

    @routes.post("/handovers/{handover_id}/withdraw")
    def withdraw(handover_id: UUID, body: ReasonBody, request: Request, viewer: Keeper) -> Done:
        check_note(body.reason)
        command = _command(request, viewer.principal, body)
        result = handing.withdraw(_keeper(viewer), handover_id, body.reason, command, utc_now())
        return Done(id=handover_id, event_id=result.event_ids[0])


def _own(routes: APIRouter, handing: HandoverDesk) -> None:
    database = handing.desk.database

    def party(secret: str, handover_id: UUID) -> Actor:
        actor = Actor(str(standing(handing.desk, secret, utc_now()).session.account_id))
        handing.known(actor, handover_id)
        return actor

    @routes.get("/me/handovers")
    def mine(secret: Secret, turn: Turn) -> Page[HandoverRow]:
        """Those one hands over or takes over."""
        account = standing(handing.desk, secret, utc_now()).session.account_id
        with handover_queries.everything(database) as connection:
            rows = handover_queries.handovers(connection, today(), turn, account=account)
        return page_of(rows, turn, key=lambda row: (row.handover_id,))

    @routes.get("/me/handovers/{handover_id}")
    def one(handover_id: UUID, secret: Secret) -> HandoverRow:
        party(secret, handover_id)
        with handover_queries.everything(database) as connection:
            return _one(connection, handover_id)

    @routes.get("/me/handovers/{handover_id}/items")
    def items(handover_id: UUID, secret: Secret, turn: Turn) -> Page[ItemRow]:
        party(secret, handover_id)
        with handover_queries.everything(database) as connection:
            return _items(connection, handover_id, turn)

    @routes.get(
        "/me/handovers/{handover_id}/sheet.xlsx", response_class=Response, openapi_extra={RECORDED_FIELD: ["exports"]}
    )
    def sheet(handover_id: UUID, request: Request, secret: Secret) -> Response:
        actor = party(secret, handover_id)
        disclosures.begin(request, session_viewer(actor.account, handing.desk.division), exports=True, reveals=False)
        with handover_queries.everything(database) as connection:
            return _sheet(connection, handover_id)

    @routes.get("/me/handovers/{handover_id}/differences")
    def differences(handover_id: UUID, secret: Secret) -> Changes:
        return _changes(handing, party(secret, handover_id), handover_id)


def _signing(routes: APIRouter, handing: HandoverDesk) -> None:
    @routes.post("/me/handovers")
    def open_mine(body: OwnBody, request: Request, secret: Secret) -> OpenedHandover:
        """Hand one's own post over; who administers it signs, too."""
        check_note(body.reason)
        found = standing(handing.desk, secret, utc_now())
        actor = _recent(handing, found, None)
        command = _command(request, actor.account, body)
        successor = _found(handing, found, body.post_id, body.successor_login)
        handover_id = handing.desk.streams.handover(actor.account, command.command_id)
        return _open(handing, actor, Wanted(handover_id, body.post_id, successor, body.reason, body.at_once), command)

    @routes.post("/me/handovers/{handover_id}/sign")
    def sign(handover_id: UUID, body: SignBody, request: Request, secret: Secret) -> Done:
        """Sign as the predecessor or the successor. Refused: 409 sign_in_again, 409 list_outdated, 503 service_away."""
        found = standing(handing.desk, secret, utc_now())
        state = handing.known(Actor(str(found.session.account_id)), handover_id)
        actor = _recent(handing, found, body.password)
        assert state.opened is not None
        role: Signer = "predecessor" if state.opened.predecessor == found.session.account_id else "successor"
        return _sign(handing, actor, handover_id, role, ConfirmBody(items_hash=body.items_hash), "", request)

    @routes.post("/me/handovers/{handover_id}/withdraw")
    def withdraw(handover_id: UUID, body: ReasonBody, request: Request, secret: Secret) -> Done:
        """By the holder who opened it."""
        check_note(body.reason)
        actor = Actor(str(standing(handing.desk, secret, utc_now()).session.account_id))
        command = _command(request, actor.account, body)
        result = handing.withdraw(actor, handover_id, body.reason, command, utc_now())
        return Done(id=handover_id, event_id=result.event_ids[0])


def _open(handing: HandoverDesk, actor: Actor, wanted: Wanted, command: Command) -> OpenedHandover:
    """Two commands: whoever is to be out at once is out, also while a service does not tell what waits there."""
    result = handing.open(actor, wanted, command, utc_now())
    listing = Command(command.principal, keyed_id(b"list", str(command.command_id)), b"", None, command.traceparent)
    try:
        handing.make_list(actor, wanted.handover_id, listing, utc_now())
    except ServiceAway as away:
        log.warning("handover_not_listed", service=away.facts.get("service"))
        return OpenedHandover(id=wanted.handover_id, event_id=result.event_ids[0], listed=False)
    return OpenedHandover(id=wanted.handover_id, event_id=result.event_ids[0], listed=True)


def _sign(
    handing: HandoverDesk,
    actor: Actor,
    handover_id: UUID,
    role: Signer,
    body: ConfirmBody,
    reason: str,
    request: Request,
) -> Done:
    command = _command(request, actor.account, body)
    result = handing.sign(actor, handover_id, role, body.items_hash, reason, command, utc_now())
    return Done(id=handover_id, event_id=result.event_ids[0])


def _changes(handing: HandoverDesk, actor: Actor, handover_id: UUID) -> Changes:
    state, now = handing.known(actor, handover_id), utc_now()
    if state.outcome is not None:
        rows: Sequence[ItemRow] = ()
        with handover_queries.everything(handing.desk.database) as connection:
            rows = handover_queries.items(connection, handover_id, WHOLE_LIST)
        left = [handover_queries.told(item, "listed") for item in handing.left_behind(state, now)]
        added, gone = ([row for row in rows if row.change == change] for change in ("added", "gone"))
        return Changes(added=added, gone=gone, left_behind=left)
    found = handing.differences(state, now)
    return Changes(
        added=[handover_queries.told(item, "added") for item in found.added],
        gone=[handover_queries.told(item, "gone") for item in found.gone],
        left_behind=[],
    )


def _recent(handing: HandoverDesk, found: Standing, password: str | None) -> Actor:
    """Who has just signed in, or gives the password. Raises SignInAgain, SignInFailed, TooManyAttempts."""
    now: datetime = utc_now()
    if found.must_change:
        raise SignInAgain
    if password is not None:
        _, subjects = check_former(handing.desk, found, password, now)
        with handing.desk.database.writing() as connection:
            lockout.succeeded(driver(connection), subjects)
    elif now - found.session.signed_in_at > RECENTLY:
        raise SignInAgain
    return Actor(str(found.session.account_id))


def _found(handing: HandoverDesk, found: Standing, post_id: UUID, login: str) -> UUID:
    """An account of the post's place. Raises UnknownPost for a post one only acts in, UnknownAccount."""
    post = next((each for each in found.posts if each.post_id == post_id and each.delegation_id is None), None)
    if post is None:
        raise UnknownPost
    with handing.desk.database.writing() as connection:
        row = driver(connection).execute(
            """SELECT account_id FROM access_accounts WHERE login_digest = %s AND NOT closed
               AND (school_code = %s OR (%s::text IS NULL AND division_code ^@ %s))""",
            (handing.desk.streams.login(login), post.school_code, post.school_code, shortest(post.division_code)),
        ).fetchone()  # fmt: skip
    if row is None:
        raise UnknownAccount
    account: UUID = row[0]
    return account


def _one(connection: Connection, handover_id: UUID) -> HandoverRow:
    rows = handover_queries.handovers(connection, today(), WHOLE_LIST, one=handover_id)
    if not rows:
        raise UnknownHandover
    return rows[0]


def _items(connection: Connection, handover_id: UUID, turn: PageTurn) -> Page[ItemRow]:
    rows = handover_queries.items(connection, handover_id, turn)
    return page_of(rows, turn, key=lambda row: (row.kind, row.item_id))


def _sheet(connection: Connection, handover_id: UUID) -> Response:
    row, items = _one(connection, handover_id), handover_queries.items(connection, handover_id, WHOLE_LIST)
    with tempfile.TemporaryDirectory(prefix="rollcall-handover-") as folder:
        path = Path(folder) / "handover.xlsx"
        handover_sheet.write(path, row, items)
        content = path.read_bytes()
    disclosures.tell(rows=len(items))
    headers = {"content-disposition": f'attachment; filename="handover-{handover_id}.xlsx"'}
    return Response(content, media_type=XLSX, headers=headers)


def _keeper(viewer: Viewer) -> Actor:
    return Actor(viewer.principal, administrator(viewer))


def _command(request: Request, principal: str, body: BaseModel | None) -> Command:
    """As shared/web/commands.py makes one, for whoever has a session or a token; a password is no part of it."""
    target = f"{request.method} {request.url.path}\n".encode()
    content = b"" if body is None else body.model_dump_json(exclude={"password"}).encode()
    return Command(principal, command_id_of(request), target + content, None, traceparent_of(request))

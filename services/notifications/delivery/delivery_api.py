"""What could not be delivered, and receiving systems, over HTTP."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, get_args
from uuid import UUID

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Connection

from services.notifications.delivery import delivery_store, receivers, webhooks
from services.notifications.delivery.desk import VIEW, Desk
from services.notifications.delivery.message_api import place
from services.notifications.delivery_errors import DeliveryNotFailed, UnknownDelivery
from services.notifications.delivery_events import Decision, DeliveryDecided, Topic
from shared.database.database import driver
from shared.eventsourcing.store import Proposed, Stored
from shared.kernel.clock import today, utc_now
from shared.outgoing.addresses import Gate
from shared.standards.rights import Right
from shared.web.commands import command_from
from shared.web.viewers import Viewer, require

Clerk = Annotated[Viewer, Depends(require(Right.DELIVERIES_KEEP))]
SHOWN = 200
_SHOWN_AS = {"webhook": "host", "email": "email", "sms": "phone"}


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class NewWebhook(_Body):
    """``topics`` empty: all."""

    url: str = Field(min_length=1, max_length=2_000)
    topics: list[Topic] = Field(default=[], max_length=len(get_args(Topic)))


class Switch(_Body):
    active: bool


class Since(_Body):
    """From which moment on; with its offset."""

    since: datetime


class Decide(_Body):
    decision: Decision


class Secret(BaseModel):
    """``secret`` is shown this once; empty when the request is a repetition."""

    webhook_id: UUID
    secret: str


class WebhookRow(BaseModel):
    """``disabled``: why nothing is sent, empty while it is. ``failing_since``: nothing has arrived since."""

    webhook_id: UUID
    host: str
    topics: list[str]
    division_code: str
    school_code: str | None
    active: bool
    disabled: str
    failing_since: datetime | None


class FailedRow(BaseModel):
    """A delivery put aside after its last attempt, and why."""

    delivery_id: UUID
    channel: str
    receiver: str
    attempts: int
    tried_at: datetime | None
    problem: str


class Pinged(BaseModel):
    """``problem``: a code, empty when the test event was taken."""

    problem: str


class Count(BaseModel):
    count: int


def router(desk: Desk, gate: Gate) -> APIRouter:
    """The routes under /v1."""
    routes = APIRouter(prefix="/v1")
    _webhooks(routes, desk, gate)
    _failed(routes, desk)
    return routes


def _webhooks(routes: APIRouter, desk: Desk, gate: Gate) -> None:
    @routes.get("/webhooks")
    def every(viewer: Clerk) -> list[WebhookRow]:
        with desk.database.reading(viewer.scope, VIEW) as connection:
            found = receivers.of_kind(driver(connection), "webhook", SHOWN)
        return [
            WebhookRow(
                webhook_id=each.receiver_id,
                host=each.shown["host"],
                topics=each.topics,
                division_code=each.division_code,
                school_code=each.school_code,
                active=each.active,
                disabled=each.shown.get("disabled", ""),
                failing_since=each.failing_since,
            )
            for each in found
        ]

    @routes.post("/webhooks", status_code=201)
    def register(body: NewWebhook, request: Request, viewer: Clerk) -> Secret:
        """Tell a system the messages to the caller's own place."""
        command = command_from(request, viewer, body)
        where = place(desk, viewer)
        webhook_id, secret = webhooks.register(desk, gate, where, body.url, body.topics, command, utc_now())
        return Secret(webhook_id=webhook_id, secret=secret)

    @routes.post("/webhooks/{webhook_id}/rotate")
    def rotate(webhook_id: UUID, request: Request, viewer: Clerk) -> Secret:
        command = command_from(request, viewer, None)
        secret = webhooks.rotate(desk, viewer.scope, webhook_id, command, utc_now())
        return Secret(webhook_id=webhook_id, secret=secret)

    @routes.post("/webhooks/{webhook_id}/switch")
    def switch(webhook_id: UUID, body: Switch, request: Request, viewer: Clerk) -> Count:
        command = command_from(request, viewer, body)
        result = webhooks.switch(desk, viewer.scope, webhook_id, body.active, command, utc_now())
        return Count(count=len(result.event_ids))

    @routes.post("/webhooks/{webhook_id}/ping")
    async def ping(webhook_id: UUID, request: Request, viewer: Clerk) -> Pinged:
        """Send it a test event of the type ``ping`` now, and tell how that went."""
        command = command_from(request, viewer, None)
        return Pinged(problem=await webhooks.ping(desk, gate, viewer.scope, webhook_id, command, utc_now()))

    @routes.post("/webhooks/{webhook_id}/replay")
    def replay(webhook_id: UUID, body: Since, request: Request, viewer: Clerk) -> Count:
        """Send every message since then once more; receivers know each by its id."""
        command_from(request, viewer, body)
        return Count(count=webhooks.replay(desk, viewer.scope, webhook_id, body.since, utc_now()))


def _failed(routes: APIRouter, desk: Desk) -> None:
    @routes.get("/deliveries/failed")
    def failed(viewer: Clerk) -> list[FailedRow]:
        with desk.database.reading(viewer.scope, VIEW) as connection:
            raw = driver(connection)
            found = delivery_store.failed(raw, SHOWN)
            to = {each.receiver_id: receivers.one(raw, each.receiver_id) for each in found}
        rows = []
        for each in found:
            receiver = to[each.receiver_id]
            shown = {} if receiver is None else receiver.shown
            named = shown.get(_SHOWN_AS[each.channel], "")
            plain = {name: getattr(each, name) for name in FailedRow.model_fields if name != "receiver"}
            rows.append(FailedRow(**plain, receiver=named))
        return rows

    @routes.post("/deliveries/{delivery_id}/decide")
    def decide(delivery_id: UUID, body: Decide, request: Request, viewer: Clerk) -> Count:
        """Send it again from the first attempt on, or give it up. Raises UnknownDelivery, DeliveryNotFailed."""
        command = command_from(request, viewer, body)
        with desk.database.reading(viewer.scope, VIEW) as connection:
            known = delivery_store.one(driver(connection), delivery_id)
        if known is None:
            raise UnknownDelivery
        fact = DeliveryDecided(delivery_id=delivery_id, channel=known.channel, decision=body.decision)

        def decided(connection: Connection, stored: Sequence[Stored]) -> Sequence[Proposed]:
            now = delivery_store.one(driver(connection), delivery_id)
            if now is None or now.state != "failed":
                raise DeliveryNotFailed("" if now is None else now.state)
            return [Proposed(delivery_id, len(stored), fact, today())]

        def then(raw: delivery_store.Raw) -> None:
            if body.decision == "resend":
                delivery_store.again(raw, delivery_id, utc_now())
            else:
                delivery_store.give_up(raw, delivery_id)

        return Count(count=len(desk.settle(delivery_id, command, decided, then).event_ids))

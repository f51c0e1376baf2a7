"""Receiving systems: registered by a county clerk for their own place, with a secret that is shown once."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import msgspec
from sqlalchemy import Connection

from services.notifications.delivery import delivery_store, message_store, receivers
from services.notifications.delivery.desk import VIEW, Desk
from services.notifications.delivery.places import Place
from services.notifications.delivery.planning import delivery_id
from services.notifications.delivery.receivers import Receiver
from services.notifications.delivery_errors import AddressUnfit, UnknownWebhook, WebhookNotActive
from services.notifications.delivery_events import (
    Topic,
    WebhookDisabled,
    WebhookEnabled,
    WebhookPersonal,
    WebhookRegistered,
    WebhookSecretRotated,
)
from shared.database.database import driver
from shared.database.scopes import Scope
from shared.eventsourcing.store import Command, Proposed, Result, Stored
from shared.kernel.clock import SHANGHAI
from shared.kernel.facts import Fact
from shared.outgoing.addresses import AddressRefused, Gate
from shared.outgoing.exchange import post
from shared.outgoing.signatures import new_secret, signed

FORMER_SECRET = timedelta(days=1)
REPLAYED_MOST = 1_000


@dataclass(frozen=True)
class Endpoint:
    """Where to send and with which secrets to sign, the newest first."""

    url: str
    secrets: tuple[str, ...]


def register(
    desk: Desk, gate: Gate, place: Place, url: str, topics: Sequence[Topic], command: Command, now: datetime
) -> tuple[UUID, str]:
    """The webhook's id and its secret; empty when the command is a repetition: it was shown. Raises AddressUnfit."""
    try:
        host = gate.check(url).hostname or ""
    except AddressRefused as refused:
        zh = "该地址不能接收消息:须为 https 且在公网,不带账号"
        en = "The address must be public, https, without credentials"
        raise AddressUnfit("url", zh, en, why=refused.code) from None
    webhook_id, secret = desk.streams.webhook(command.principal, command.command_id), new_secret()
    fact = WebhookRegistered(
        division_code=place.division_code,
        school_code=place.school_code,
        host=host,
        topics=tuple(topics),
        personal=WebhookPersonal(person_id=webhook_id, url=url, secret=secret),
    )

    def then(raw: receivers.Raw) -> None:
        receivers.keep(
            raw, webhook_id, "webhook", place, command.principal, ["webhook"], set_at=now, topics=topics,
            shown={"host": host},
        )  # fmt: skip

    result = desk.settle(webhook_id, command, lambda _, stored: [_next(webhook_id, stored, fact, now)], then)
    return webhook_id, "" if result.replayed else secret


def rotate(desk: Desk, scope: Scope, webhook_id: UUID, command: Command, now: datetime) -> str:
    """A new secret; the one before stays valid for a day. Empty when the command is a repetition. Raises
    UnknownWebhook."""
    known(desk, scope, webhook_id)
    secret = new_secret()

    def decide(connection: Connection, stored: Sequence[Stored]) -> Sequence[Proposed]:
        url = endpoint(desk, connection, webhook_id, now).url
        block = WebhookPersonal(person_id=webhook_id, url=url, secret=secret)
        fact = WebhookSecretRotated(former_valid_until=now + FORMER_SECRET, personal=block)
        return [_next(webhook_id, stored, fact, now)]

    result = desk.settle(webhook_id, command, decide, lambda raw: None)
    return "" if result.replayed else secret


def switch(desk: Desk, scope: Scope, webhook_id: UUID, active: bool, command: Command, now: datetime) -> Result:
    """A person lets it receive again, or no longer. Raises UnknownWebhook."""
    known(desk, scope, webhook_id)
    fact: Fact = WebhookEnabled() if active else WebhookDisabled(reason="by_person")

    def then(raw: receivers.Raw) -> None:
        receivers.switch(raw, webhook_id, active=active, shown={"disabled": "" if active else "by_person"})

    return desk.settle(webhook_id, command, lambda _, stored: [_next(webhook_id, stored, fact, now)], then)


def replay(desk: Desk, scope: Scope, webhook_id: UUID, since: datetime, now: datetime) -> int:
    """Send every fixed message to its place since then once more, each under the id it had; how many. Raises
    UnknownWebhook, WebhookNotActive."""
    webhook = known(desk, scope, webhook_id)
    if not webhook.active:
        raise WebhookNotActive
    with desk.database.working() as connection:
        raw = driver(connection)
        messages = message_store.composed_since(raw, webhook.place, since, REPLAYED_MOST)
        wanted = [each for each in messages if not webhook.topics or each.topic in webhook.topics]
        for message in wanted:
            name = delivery_id(desk, "webhook", webhook_id, message.message_id)
            delivery_store.put(raw, name, "webhook", webhook, message.message_id, now)
            delivery_store.again(raw, name, now)
    return len(wanted)


async def ping(desk: Desk, gate: Gate, scope: Scope, webhook_id: UUID, command: Command, now: datetime) -> str:
    """Send a signed test event there at once, also to a system that is disabled; the problem as a code, empty when it
    was taken. Raises UnknownWebhook."""

    def opened() -> Endpoint:
        known(desk, scope, webhook_id)
        with desk.database.working() as connection:
            return endpoint(desk, connection, webhook_id, now)

    found = await asyncio.to_thread(opened)
    name = str(desk.streams.delivery("ping", str(webhook_id), str(command.command_id)))
    body = msgspec.json.encode({"type": "ping", "timestamp": now, "data": {}})
    headers = signed(found.secrets, name, int(now.timestamp()), body)
    return (await post(gate, found.url, body, {**headers, "content-type": "application/json"})).problem


def known(desk: Desk, scope: Scope, webhook_id: UUID) -> Receiver:
    """The webhook, if it is in the viewer's scope. Raises UnknownWebhook."""
    with desk.database.reading(scope, VIEW) as connection:
        found = receivers.one(driver(connection), webhook_id)
    if found is None or found.kind != "webhook":
        raise UnknownWebhook
    return found


def endpoint(desk: Desk, connection: Connection, webhook_id: UUID, now: datetime) -> Endpoint:
    """What its events say is valid now. Raises UnknownWebhook."""
    url, secrets = "", [""]
    for each in desk.store.load(connection, webhook_id, personal=True):
        fact = each.fact
        if isinstance(fact, WebhookRegistered | WebhookSecretRotated) and fact.personal is not None:
            kept = isinstance(fact, WebhookSecretRotated) and now < fact.former_valid_until
            secrets = [fact.personal.secret, *(secrets[:1] if kept else ())]
            url = fact.personal.url
    if not url:
        raise UnknownWebhook
    return Endpoint(url, tuple(secrets))


def _next(stream: UUID, stored: Sequence[Stored], fact: Fact, now: datetime) -> Proposed:
    return Proposed(stream, len(stored), fact, now.astimezone(SHANGHAI).date())

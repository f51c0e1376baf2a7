"""The loop that sends what is due, a bounded number at once and of each receiver fewer; may be killed at any moment."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

import msgspec
import psycopg
import sqlalchemy.exc
import structlog

from services.notifications.delivery import contacts, delivery_store, message_store, receivers, webhooks, wording
from services.notifications.delivery.delivery_store import Delivery
from services.notifications.delivery.desk import Desk
from services.notifications.delivery.message_store import Growth, Message
from services.notifications.delivery.places import Place
from services.notifications.delivery.planning import PRINCIPAL, plan
from services.notifications.delivery.receivers import Receiver
from services.notifications.delivery_errors import UnknownWebhook
from services.notifications.delivery_events import ContactPersonal, WebhookDisabled
from shared.database.database import driver
from shared.eventsourcing.store import Command, Proposed
from shared.kernel.clock import SHANGHAI, utc_now
from shared.kernel.failpoints import step
from shared.kernel.identifiers import keyed_id
from shared.outgoing.addresses import Gate
from shared.outgoing.exchange import post
from shared.outgoing.mail import MailServer
from shared.outgoing.signatures import signed
from shared.outgoing.sms import SmsGateway
from shared.outgoing.sms_parts import part_count

SENDING_AT_ONCE = 16
POLL_SECONDS = 1.0
DISABLE_AFTER = timedelta(days=5)  # a webhook nothing has reached for so long is switched off, and that is an alarm
SWITCHED_OFF = "switched_off"  # by the person it was for, while it waited
GONE = "status_410"  # Standard Webhooks: the receiver wants nothing more

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Ways:
    """How things leave. ``mail``, ``sms`` None: this installation sends none. ``page``: the page's address, for
    links."""

    gate: Gate
    mail: MailServer | None
    page: str
    sms: SmsGateway | None = None


class Sender:
    """Plans and sends. ``clock`` is asked for every moment, so that days can pass in a test."""

    def __init__(self, desk: Desk, ways: Ways, clock: Callable[[], datetime] = utc_now) -> None:
        self._desk, self._ways, self._clock = desk, ways, clock
        self._mailing = ThreadPoolExecutor(delivery_store.AT_ONCE["email"], thread_name_prefix="mail")

    def run(self, stop: threading.Event) -> None:
        """Send until ``stop``; outlives the database."""
        while not stop.is_set():
            try:
                asyncio.run(self._session(stop))
            except (psycopg.Error, sqlalchemy.exc.SQLAlchemyError, OSError) as lost:
                log.warning("sending starts over", error=type(lost).__name__)
                stop.wait(POLL_SECONDS)

    async def _session(self, stop: threading.Event) -> None:
        running: set[asyncio.Task[None]] = set()
        while not stop.is_set():
            await asyncio.to_thread(plan, self._desk, self._clock())
            taken = await asyncio.to_thread(self._take, SENDING_AT_ONCE - len(running))
            for delivery in taken:
                running.add(asyncio.create_task(self.deliver(delivery)))
            if not running:
                await asyncio.sleep(POLL_SECONDS)
                continue
            done, running = await asyncio.wait(running, timeout=0 if taken else POLL_SECONDS)
            for task in done:
                task.result()
        if running:
            await asyncio.wait(running, timeout=POLL_SECONDS)

    async def round(self) -> int:
        """Plan, send everything due now, and wait for it; how many were tried."""
        await asyncio.to_thread(plan, self._desk, self._clock())
        taken = await asyncio.to_thread(self._take, SENDING_AT_ONCE)
        await asyncio.gather(*(self.deliver(each) for each in taken))
        return len(taken)

    def _take(self, count: int) -> list[Delivery]:
        with self._desk.database.working() as connection:
            return delivery_store.take(driver(connection), self._clock(), count) if count > 0 else []

    async def deliver(self, delivery: Delivery) -> None:
        """One attempt, noted."""
        to, messages = await asyncio.to_thread(self._opened, delivery)
        if delivery.channel not in to.channels:
            problem = SWITCHED_OFF
        elif not to.active:
            problem = "disabled"
        elif delivery.channel == "webhook":
            problem = await self._post(delivery, messages)
        elif delivery.channel == "sms":
            problem = await self._text(delivery, to, messages)
        else:
            loop = asyncio.get_running_loop()
            problem = await loop.run_in_executor(self._mailing, self._mail, delivery, to, messages)
        step("delivery.sent")
        await asyncio.to_thread(self._note, delivery, to, messages, problem)

    def _opened(self, delivery: Delivery) -> tuple[Receiver, list[Message]]:
        with self._desk.database.working() as connection:
            raw = driver(connection)
            to = receivers.one(raw, delivery.receiver_id)
            assert to is not None, "a delivery names its receiver by a foreign key"
            return to, message_store.by_id(raw, delivery_store.messages_of(raw, delivery.delivery_id))

    async def _post(self, delivery: Delivery, messages: list[Message]) -> str:
        now = self._clock()
        try:
            found = await asyncio.to_thread(self._endpoint, delivery.receiver_id, now)
        except UnknownWebhook:
            return "erased"
        body = payload(messages[0])
        headers = signed(found.secrets, str(delivery.delivery_id), int(now.timestamp()), body)
        answer = await post(self._ways.gate, found.url, body, {**headers, "content-type": "application/json"})
        return answer.problem

    def _endpoint(self, webhook_id: UUID, now: datetime) -> webhooks.Endpoint:
        with self._desk.database.working() as connection:
            return webhooks.endpoint(self._desk, connection, webhook_id, now)

    async def _text(self, delivery: Delivery, to: Receiver, messages: list[Message]) -> str:
        gateway = self._ways.sms
        if gateway is None:
            return "no_sms_gateway"
        personal = await asyncio.to_thread(self._personal, delivery.receiver_id)
        if personal is None or not personal.phone:
            return "erased"
        most, told = gateway.template.parts_most, [each.composed() for each in messages]
        link, opening = f"{self._ways.page}/messages", gateway.template.signature
        text = wording.short(told, to.language, opening, link, lambda text: part_count(text) <= most)
        problem = await gateway.send(self._ways.gate, personal.phone, str(delivery.delivery_id), text)
        log.info("sms", parts=part_count(text), problem=problem)  # parts are what an operator pays for
        return problem

    def _personal(self, contact_id: UUID) -> ContactPersonal | None:
        with self._desk.database.working() as connection:
            fact, _ = contacts.contact_of(self._desk, connection, contact_id)
        return None if fact is None else fact.personal

    def _mail(self, delivery: Delivery, to: Receiver, messages: list[Message]) -> str:
        if self._ways.mail is None:
            return "no_mail_server"
        personal = self._personal(delivery.receiver_id)
        if personal is None or not personal.email:
            return "erased"
        told = [each.composed() for each in messages]
        lines = wording.together(told, to.language)
        subject = wording.digest(len(told), to.language)
        if len(told) == 1:
            subject = wording.worded(told[0], to.language).title
        return self._ways.mail.send(
            personal.email, str(delivery.delivery_id), subject, lines, f"{self._ways.page}/messages"
        )

    def _note(self, delivery: Delivery, to: Receiver, messages: list[Message], problem: str) -> None:
        now = self._clock()
        final: Literal["failed", "given_up"] | None = "failed" if problem in (GONE, "erased", "disabled") else None
        with self._desk.database.working() as connection:
            raw = driver(connection)
            if problem == SWITCHED_OFF:
                delivery_store.mark(raw, delivery, now, problem, final="given_up")
                return
            state = delivery_store.mark(raw, delivery, now, problem, final=final)
            if not problem:
                receivers.arrived(raw, to.receiver_id)
                return
            since = receivers.failed(raw, to.receiver_id, now)
            if to.kind == "webhook" and to.active and (problem == GONE or now - since >= DISABLE_AFTER):
                name = keyed_id(self._desk.streams.key, "disabling", str(to.receiver_id), since.isoformat())
                reason = "gone" if problem == GONE else "failing"
                fact = WebhookDisabled(reason=reason)  # type: ignore[arg-type]  # one of its two words
                version = len(self._desk.store.load(connection, to.receiver_id))
                proposed = [Proposed(to.receiver_id, version, fact, now.astimezone(SHANGHAI).date())]
                self._desk.store.execute(connection, Command(PRINCIPAL, name, b"disable"), lambda: proposed)
                receivers.switch(raw, to.receiver_id, active=False, shown={"disabled": reason})
                self._alarm(raw, to.receiver_id, "webhook_disabled", now)
            elif state == "failed" and not any(each.topic == "channel_failing" for each in messages):
                self._alarm(raw, delivery.delivery_id, "delivery_failed", now)

    def _alarm(self, raw: message_store.Raw, cause: UUID, kind: str, now: datetime) -> None:
        """Tell the county; never about an alarm, which would fail the same way for ever."""
        place = Place(self._desk.division, None)
        name = self._desk.streams.message("channel_failing", place.key, cause)
        growth = Growth("channel_failing", place, name, now, now, cause, cause)
        growth.counts[kind] += 1
        message_store.grow(raw, [growth])


def payload(message: Message) -> bytes:
    """What a receiving system gets: as Standard Webhooks lays it out, nothing personal."""
    told = message.composed()
    data = {"message_id": message.message_id, **msgspec.structs.asdict(told)}
    return msgspec.json.encode({"type": told.topic, "timestamp": told.grew_at, "data": data})

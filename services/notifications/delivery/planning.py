"""From messages to deliveries: who at the message's place is sent it, by which channel, when."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from services.notifications.delivery import delivery_store, message_store, receivers
from services.notifications.delivery.desk import Desk
from services.notifications.delivery.inbox import fixing
from services.notifications.delivery.message_store import Message
from services.notifications.delivery.receivers import Receiver
from services.notifications.delivery.timing import due_at, together
from services.notifications.delivery.wording import URGENT
from shared.database.database import driver
from shared.eventsourcing.store import Command
from shared.kernel.clock import SHANGHAI
from shared.kernel.identifiers import keyed_id

PRINCIPAL = "system:delivery"
GATHER = timedelta(seconds=30)  # a message gathers for so long before it is fixed to be sent: a storm is one e-mail
AT_ONCE = 100


def plan(desk: Desk, now: datetime) -> int:
    """Fix what has gathered and put its deliveries on the table, in one transaction; how many messages."""
    with desk.database.working() as connection:
        raw = driver(connection)
        messages = message_store.to_plan(raw, now - GATHER, AT_ONCE)
        if not messages:
            return 0
        by_place: dict[str, list[Receiver]] = {}
        for receiver in receivers.at_places(raw, sorted({each.place for each in messages})):
            by_place.setdefault(receiver.place, []).append(receiver)
        today = now.astimezone(SHANGHAI).date()
        fresh = [each for each in messages if each.state == "open"]
        if fresh:
            name = keyed_id(desk.streams.key, "fixing", *(str(each.message_id) for each in fresh))
            proposed = [event for each in fresh for event in fixing(each, 0, today)]
            desk.store.execute(connection, Command(PRINCIPAL, name, b"fix"), lambda: proposed)
        for message in messages:
            for receiver in by_place.get(message.place, ()):
                _put(desk, raw, message, receiver, now)
        message_store.plan(raw, [each.message_id for each in messages])
        message_store.tell(raw, [each.message_id for each in fresh])
        return len(messages)


def delivery_id(desk: Desk, channel: str, receiver_id: UUID, message_id: UUID) -> UUID:
    """The same for the same message, receiver and channel, for ever."""
    return desk.streams.delivery(channel, str(receiver_id), str(message_id))


def _put(desk: Desk, raw: message_store.Raw, message: Message, to: Receiver, now: datetime) -> None:
    if to.topics and message.topic not in to.topics:
        return
    urgent = message.topic in URGENT
    due = due_at(now, to.timing(), urgent=urgent)
    for channel in to.channels:
        name = delivery_id(desk, channel, to.receiver_id, message.message_id)
        if together(to.timing(), urgent=urgent):
            name = desk.streams.delivery("digest", channel, str(to.receiver_id), due.isoformat())
        delivery_store.put(raw, name, channel, to, message.message_id, due)  # type: ignore[arg-type]

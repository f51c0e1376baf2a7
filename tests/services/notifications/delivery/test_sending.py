"""What leaves: to real receivers with bad habits, over days of an injected clock, and through a killed process."""

from __future__ import annotations

import asyncio
import json
import os
import pickle
import signal
import subprocess
import sys
import time
from datetime import UTC, date, datetime, timedelta
from email import message_from_bytes
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from services.notifications import app
from services.notifications.delivery import contacts, delivery_store, receivers, sending, webhooks
from services.notifications.delivery.delivery_store import PAUSES
from services.notifications.delivery.desk import Desk
from services.notifications.delivery.places import Place
from services.notifications.delivery.sending import Sender, Ways
from services.notifications.delivery.timing import Habits, due_at
from services.notifications.delivery_errors import AddressUnfit, UnknownWebhook
from services.notifications.delivery_events import ContactPersonal, ContactSet
from services.notifications.streams import Streams
from shared.database.database import driver
from shared.database.scopes import Scope
from shared.eventsourcing.store import Command
from shared.kernel.clock import SHANGHAI
from shared.outgoing import exchange
from shared.outgoing.addresses import Gate
from shared.outgoing.mail import MailServer
from tests.services.installation import DIVISION, Installation
from tests.services.notifications.delivery.test_inbox import alert
from tests.support.receiver import MailBox, Receiver, mailbox, receiving

GATE, COUNTY = Gate(frozenset({"127.0.0.1"})), Place(DIVISION, None)
ALARMS = "SELECT counts FROM messages WHERE topic = 'channel_failing'"
SCOPE = Scope(division=DIVISION)


class Post:
    """A sender whose clock the test moves."""

    def __init__(self, desk: Desk, mail: MailBox | None = None) -> None:
        self.desk, self.now = desk, datetime.now(UTC) + timedelta(minutes=1)
        server = MailServer("127.0.0.1", mail.port, "rollcall@example.org", "none") if mail else None
        self.sender = Sender(desk, Ways(GATE, server, "https://page.example"), lambda: self.now)

    def round(self, after: timedelta = timedelta()) -> int:
        self.now += after
        return asyncio.run(self.sender.round())

    def states(self) -> list[str]:
        with self.desk.database.working() as connection:
            return [row[0] for row in driver(connection).execute("SELECT state FROM deliveries ORDER BY number")]


@pytest.fixture
def desk(installation: Installation) -> Desk:
    service = installation.start(app.build(installation.settings("notifications")))
    installation.bare("registry")
    installation.bare("matching")
    streams = Streams(installation.settings("notifications").hmac_key)
    return Desk(service.database, service.store, streams, DIVISION)


def hook(desk: Desk, receiver: Receiver) -> tuple[UUID, str]:
    return webhooks.register(desk, GATE, COUNTY, receiver.url, (), Command("clerk", uuid4(), b""), datetime.now(UTC))


def reached(desk: Desk, **habits: object) -> None:
    stream = desk.streams.contact("clerk")
    plain = {**vars(Habits()), **habits}
    fact = ContactSet(
        division_code=DIVISION,
        school_code=None,
        channels=("email",),
        language="zh",
        personal=ContactPersonal(person_id=stream, email="clerk@example.org"),
        **plain,
    )
    contacts.set_contact(desk, COUNTY, fact, Command("clerk", uuid4(), b""), None, date(2026, 11, 24))


def test_a_webhook_hears_counts_signed_with_both_secrets_while_they_are_valid(
    installation: Installation, desk: Desk
) -> None:
    receiver = Receiver()
    with receiving(receiver):
        webhook_id, first = hook(desk, receiver)
        post = Post(desk)
        second = webhooks.rotate(desk, SCOPE, webhook_id, Command("clerk", uuid4(), b""), post.now)
        alert(installation)
        installation.pump()
        assert post.round() == 1 and post.states() == ["sent"]
        headers, body = receiver.heard[0]
        told = json.loads(body)
        assert told["type"] == "alerts_raised" and told["data"]["counts"] == {"dropped_out": 1}
        for secret in (second, first):
            Webhook(secret).verify(body, headers)  # the receivers' own library, in its latest version
        with pytest.raises(WebhookVerificationError):
            Webhook(second).verify(body.replace(b"1", b"2"), headers)
        assert webhooks.replay(desk, SCOPE, webhook_id, post.now - timedelta(days=1), post.now) == 1
        post.round(timedelta(days=2))
        again, _ = receiver.heard[1]
        assert again["webhook-id"] == headers["webhook-id"], "a repetition can be told by its id"
        assert " " not in again["webhook-signature"], "the former secret is valid for a day"


def test_a_test_event_reaches_the_system_at_once_and_tells_what_went_wrong(desk: Desk) -> None:
    receiver = Receiver()
    with receiving(receiver):
        webhook_id, secret = hook(desk, receiver)
        command, now = Command("clerk", uuid4(), b""), datetime.now(UTC)
        assert asyncio.run(webhooks.ping(desk, GATE, SCOPE, webhook_id, command, now)) == ""
        headers, body = receiver.heard[0]
        Webhook(secret).verify(body, headers)
        assert json.loads(body)["type"] == "ping" and json.loads(body)["data"] == {}
        receiver.habit = "error"
        assert asyncio.run(webhooks.ping(desk, GATE, SCOPE, webhook_id, command, now)) == "status_500"
        assert receiver.heard[1][0]["webhook-id"] == headers["webhook-id"], "a repetition can be told by its id"
        assert asyncio.run(webhooks.ping(desk, Gate(), SCOPE, webhook_id, command, now)) == "address_not_https"
        with pytest.raises(UnknownWebhook):
            asyncio.run(webhooks.ping(desk, GATE, Scope(school="S1"), webhook_id, command, now))


def test_what_fails_is_tried_for_days_under_one_id_and_then_put_aside_with_an_alarm(
    installation: Installation, desk: Desk
) -> None:
    receiver = Receiver("error")
    with receiving(receiver):
        hook(desk, receiver)
        alert(installation)
        installation.pump()
        post = Post(desk)
        assert post.round() == 1 and post.round() == 0, "not before its time"
        for pause in PAUSES:
            assert post.round(pause) == 1
        assert post.states()[0] == "failed"
        assert len({headers["webhook-id"] for headers, _ in receiver.heard}) == 1
        assert len(receiver.heard) == len(PAUSES) + 1
        with desk.database.working() as connection:
            alarms = driver(connection).execute(ALARMS).fetchall()
        assert alarms == [({"delivery_failed": 1},)]


@pytest.mark.parametrize("habit", ["failing", "gone"])
def test_a_webhook_that_is_gone_or_fails_for_days_is_switched_off(
    installation: Installation, desk: Desk, habit: str
) -> None:
    receiver = Receiver("gone" if habit == "gone" else "error")
    with receiving(receiver):
        webhook_id, _ = hook(desk, receiver)
        alert(installation)
        installation.pump()
        post = Post(desk)
        post.round()
        post.round(sending.DISABLE_AFTER)
        with desk.database.working() as connection:
            found = receivers.one(driver(connection), webhook_id)
        assert found is not None and not found.active and found.shown["disabled"] == habit


def test_a_slow_dead_or_lying_receiver_holds_up_nobody(
    installation: Installation, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exchange, "DEADLINE_SECONDS", 1.0)
    monkeypatch.setattr(exchange.post, "__kwdefaults__", {"deadline_seconds": 1.0, "read_bytes": 0})
    bad = [Receiver("silent"), Receiver("drips"), Receiver("endless"), Receiver("redirect")]
    good = Receiver()
    with receiving(*bad, good):
        for each in (*bad, good):
            hook(desk, each)
        alert(installation)
        installation.pump()
        began = time.monotonic()
        assert Post(desk).round() == 5
        assert time.monotonic() - began < 4
        with desk.database.working() as connection:
            rows = driver(connection).execute("SELECT problem FROM deliveries ORDER BY problem").fetchall()
        assert [row[0] for row in rows] == ["", "", "redirect", "timeout", "timeout"]
        assert len(good.heard) == 1


def test_an_inner_address_is_no_webhook(desk: Desk) -> None:
    with pytest.raises(AddressUnfit):
        webhooks.register(
            desk, Gate(), COUNTY, "https://169.254.169.254/", (), Command("clerk", uuid4(), b""), datetime.now(UTC)
        )


def test_an_email_says_counts_and_a_link_and_waits_for_the_digest(installation: Installation, desk: Desk) -> None:
    with mailbox() as box:
        reached(desk, digest="daily", digest_hour=8)
        post = Post(desk, box)
        for _ in range(2):
            alert(installation)
            installation.pump()
            assert post.round(timedelta(seconds=5)) == 0
        assert post.states() == ["waiting"], "two messages go out in one digest"
        box.refusing = True
        assert post.round(timedelta(days=1)) == 1 and box.mails == []
        box.refusing = False
        assert post.round(PAUSES[0]) == 1
        ((to, content),) = box.mails
    mail = message_from_bytes(content.encode())
    text = mail.get_payload(0).get_payload(decode=True).decode()  # type: ignore[union-attr]
    assert to == "clerk@example.org" and mail["Message-ID"].endswith("@example.org>")
    assert text.count("新增预警 1 条(辍学:1)") == 2 and "https://page.example/messages" in text


@pytest.mark.parametrize(
    ("hour", "urgent", "due"),
    [(21, False, 21), (23, False, 7), (3, False, 7), (7, False, 7), (23, True, 23)],
)
def test_quiet_hours_are_waited_out_unless_it_is_urgent(hour: int, urgent: bool, due: int) -> None:
    now = datetime(2026, 11, 24, hour, 30, tzinfo=SHANGHAI)
    found = due_at(now, Habits(quiet_from=22, quiet_to=7), urgent=urgent).astimezone(SHANGHAI)
    assert found.hour == due and timedelta() <= found - now < timedelta(hours=12)


def test_a_weekly_digest_comes_on_its_day() -> None:
    now = datetime(2026, 11, 24, 9, tzinfo=SHANGHAI)  # a Tuesday
    found = due_at(now, Habits(digest="weekly", digest_hour=8, digest_weekday=1), urgent=False)
    assert found.astimezone(SHANGHAI) == datetime(2026, 12, 1, 8, tzinfo=SHANGHAI)


CHILD = """
import asyncio, pickle, sys
from services.notifications import app
from services.notifications.delivery.desk import Desk
from services.notifications.delivery.sending import Sender, Ways
from services.notifications.streams import Streams
from shared.outgoing.addresses import Gate
settings, now = pickle.loads(sys.stdin.buffer.read())
service = app.build(settings)
desk = Desk(service.database, service.store, Streams(settings.hmac_key), settings.division)
asyncio.run(Sender(desk, Ways(Gate(frozenset({"127.0.0.1"})), None, ""), lambda: now).round())
"""


def test_a_process_killed_between_sending_and_marking_leads_to_a_repetition_under_the_same_id(
    installation: Installation, desk: Desk
) -> None:
    receiver = Receiver()
    with receiving(receiver):
        hook(desk, receiver)
        alert(installation)
        installation.pump()
        post = Post(desk)
        given = pickle.dumps((installation.settings("notifications"), post.now))
        env = {**os.environ, "ROLLCALL_FAILPOINT": "delivery.sent", "PYTHONPATH": str(Path(__file__).parents[4])}
        child = subprocess.run([sys.executable, "-c", CHILD], input=given, env=env, timeout=60)
        assert child.returncode == -signal.SIGKILL and len(receiver.heard) == 1
        assert post.round() == 0, "still leased"
        assert post.round(delivery_store.LEASE + timedelta(seconds=1)) == 1
        first, second = (headers["webhook-id"] for headers, _ in receiver.heard)
        assert first == second and post.states() == ["sent"]

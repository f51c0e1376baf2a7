"""SMS: the gateway of the operator's manual as a real HTTP server, its answers, and what a text costs."""

from __future__ import annotations

import asyncio
import json
import re
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs
from uuid import uuid4

import pytest

from services.notifications.delivery import contacts
from services.notifications.delivery.delivery_store import PAUSES
from services.notifications.delivery.desk import Desk
from services.notifications.delivery.sending import Sender, Ways
from services.notifications.delivery.timing import Habits
from services.notifications.delivery.wording import short
from services.notifications.delivery_errors import AddressUnfit
from services.notifications.delivery_events import Channel, ContactPersonal, ContactSet, MessageComposed
from shared.database.database import driver
from shared.eventsourcing.store import Command
from shared.outgoing.addresses import Gate
from shared.outgoing.sms import SmsGateway
from shared.outgoing.sms_parts import part_count
from tests.services.installation import DIVISION, Installation
from tests.services.notifications.delivery.test_chat import NOW
from tests.services.notifications.delivery.test_inbox import alert
from tests.services.notifications.delivery.test_sending import ALARMS, COUNTY, GATE, Post, desk
from tests.support.receiver import Receiver, receiving

__all__ = ["desk"]  # a fixture
MANUAL = (Path(__file__).parents[4] / "docs/operate.md").read_text()


def block(kind: str) -> str:
    """The manual's example of the gateway."""
    found = re.search(rf"```{kind}\n(.*?)```", MANUAL[MANUAL.index("An SMS gateway is described") :], re.DOTALL)
    assert found is not None
    return found[1]


def manual(receiver: Receiver) -> SmsGateway:
    return SmsGateway.read(block("toml").replace("https://sms.example.org/v2/send", receiver.url))


def reached(desk: Desk, *channels: Channel, phone: str | None = "13800138000") -> None:
    stream = desk.streams.contact("clerk")
    personal = ContactPersonal(person_id=stream, email="clerk@example.org", phone=phone)
    fact = ContactSet(
        division_code=DIVISION, school_code=None, channels=channels, language="zh", personal=personal, **vars(Habits())
    )
    contacts.set_contact(desk, COUNTY, fact, Command("clerk", uuid4(), b""), None, date(2026, 11, 24))


class Texting(Post):
    """A sender with a gateway."""

    def __init__(self, desk: Desk, gateway: SmsGateway, gate: Gate = GATE) -> None:
        super().__init__(desk)
        self.sender = Sender(desk, Ways(gate, None, "https://page.example", gateway), lambda: self.now)

    def problems(self) -> list[str]:
        with self.desk.database.working() as connection:
            return [row[0] for row in driver(connection).execute("SELECT problem FROM deliveries ORDER BY number")]

    def alarms(self) -> int:
        with self.desk.database.working() as connection:
            return len(driver(connection).execute(ALARMS).fetchall())


def test_a_gateway_is_asked_and_understood_as_the_manual_records(installation: Installation, desk: Desk) -> None:
    receiver = Receiver()
    receiver.says = block("json").encode()
    with receiving(receiver):
        reached(desk, "sms")
        alert(installation)
        installation.pump()
        post = Texting(desk, manual(receiver))
        assert post.round() == 1 and post.states() == ["sent"]
    head, _, body = block("http").partition("\n\n")
    recorded, ((headers, sent),) = json.loads(body), receiver.heard
    told = json.loads(sent)
    assert set(told) == set(recorded)
    assert told | {"reference": ""} == recorded | {"reference": ""}
    assert f"authorization: {headers['authorization']}" in head and headers["content-type"] in head
    with desk.database.working() as connection:
        (shown,) = driver(connection).execute("SELECT shown::text FROM receivers").fetchone() or ("",)
    assert "138****8000" in shown and "13800138000" not in shown, "the number stands sealed in the event only"


def test_what_a_gateway_refuses_is_tried_again_under_the_same_reference(installation: Installation, desk: Desk) -> None:
    receiver = Receiver()
    with receiving(receiver):
        reached(desk, "sms")
        alert(installation)
        installation.pump()
        post = Texting(desk, manual(receiver))
        receiver.says = b'{"result": {"code": "no credit"}}'
        assert post.round() == 1 and post.problems() == ["gateway_refused"]
        receiver.says = b'{"result": {"code": 41}}'
        assert post.round(PAUSES[0]) == 1 and post.problems() == ["gateway_41"]
        receiver.says = b"<html>"
        assert post.round(PAUSES[1]) == 1 and post.problems() == ["gateway_unreadable"]
        receiver.says = b'{"result": {"code": "duplicate"}}'
        assert post.round(PAUSES[2]) == 1 and post.states() == ["sent"]
    assert len({json.loads(body)["reference"] for _, body in receiver.heard}) == 1


def test_a_gateway_inside_the_network_is_not_asked_unless_it_is_allowed(installation: Installation, desk: Desk) -> None:
    receiver = Receiver()
    with receiving(receiver):
        reached(desk, "sms")
        alert(installation)
        installation.pump()
        post = Texting(desk, manual(receiver), gate=Gate())
        post.round()
        assert post.problems() == ["address_not_https"] and receiver.heard == []


def test_what_a_person_switches_off_while_it_waits_is_given_up_without_an_alarm(
    installation: Installation, desk: Desk
) -> None:
    receiver = Receiver("error")
    with receiving(receiver):
        reached(desk, "email", "sms")
        alert(installation)
        installation.pump()
        post = Texting(desk, manual(receiver))
        assert post.round() == 2 and post.states() == ["waiting", "waiting"]
        reached(desk, "email")
        post.round(timedelta(days=1))
        assert sorted(post.problems()) == ["no_mail_server", "switched_off"]
        assert sorted(post.states()) == ["given_up", "waiting"]
        reached(desk)
        post.round(timedelta(days=1))
        assert post.problems() == ["switched_off"] * 2 and post.states() == ["given_up"] * 2
        assert len(receiver.heard) == 1 and post.alarms() == 0


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("", 1),
        ("a" * 160, 1),
        ("a" * 161, 2),
        ("a" * 306, 2),
        ("a" * 307, 3),
        ("€" * 80, 1),
        ("€" * 81, 2),
        ("a" * 152 + "€" * 77, 3),  # 306 places, but what takes two is not cut
        ("预" * 70, 1),
        ("预" * 71, 2),
        ("预" * 134, 2),
        ("预" * 135, 3),
        ("预" + "a" * 70, 2),
        ("😀" * 35, 1),
        ("😀" * 36, 2),
        ("😀" * 67, 3),  # 134 places, 33 whole ones in each part
    ],
    ids=lambda each: f"{len(each)}{each[-1:]}" if isinstance(each, str) else str(each),
)
def test_parts_are_counted_as_they_are_paid(text: str, parts: int) -> None:
    assert part_count(text) == parts


def test_a_text_too_long_says_how_many_there_are(desk: Desk) -> None:
    kinds = {f"kind_{number}": 1 for number in range(12)}
    message = MessageComposed(
        topic="alerts_raised",
        division_code=DIVISION,
        school_code=None,
        counts=kinds,
        total=12,
        opened_at=NOW,
        grew_at=NOW,
        first_cause=uuid4(),
        last_cause=uuid4(),
    )
    fits = [lambda text, most=most: part_count(text) <= most for most in (9, 1)]
    whole, cut = (short([message], "zh", "【点名册】", "https://page.example", each) for each in fits)
    assert "kind_7" in whole and cut == "【点名册】新增预警 12 条 https://page.example"
    assert short([message] * 40, "zh", "", "https://page.example", fits[1]) == "40 条通知 https://page.example"


def test_a_form_is_filled_in_one_pass_and_a_file_that_does_not_read_is_refused() -> None:
    receiver = Receiver()
    with receiving(receiver):
        content = f'url = "{receiver.url}"\nform = true\n[fields]\nto = "{{phone}}"\ntext = "{{text}}"\n'
        gateway = SmsGateway.read(content)
        assert asyncio.run(gateway.send(GATE, "+8613800138000", "1", "{phone}&a=b")) == ""
    assert parse_qs(receiver.heard[0][1].decode()) == {"to": ["+8613800138000"], "text": ["{phone}&a=b"]}
    for odd in ("url = 1", "[", 'url = "https://a.example"\n[fields]\nto = "{phone}"'):
        with pytest.raises(ValueError, match="gateway"):
            SmsGateway.read(odd)
    assert SmsGateway.from_environment({}) is None
    assert "2f0c" not in repr(SmsGateway.read(block("toml")))


@pytest.mark.parametrize("phone", ["", "12345", "12800138000", "13800138000 ", "+0", None])
def test_a_number_nothing_can_be_sent_to_is_refused(desk: Desk, phone: Any) -> None:
    with pytest.raises(AddressUnfit):
        reached(desk, "sms", phone=phone)

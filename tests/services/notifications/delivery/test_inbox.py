"""From alerts to messages in the inbox of whoever answers, on a real database, in any order."""

from __future__ import annotations

import random
from collections import Counter
from datetime import date
from uuid import UUID, uuid4

import httpx
import pytest

from services.notifications import app
from services.notifications.case_events import CaseEscalated
from services.notifications.delivery import inbox
from services.notifications.delivery.desk import VIEW, Desk
from services.notifications.delivery.inbox import MessageRow
from services.notifications.delivery.places import Place, place_of
from services.notifications.delivery_errors import UnknownMessage
from services.notifications.delivery_events import MessageComposed, MessageRead
from services.notifications.events import AlertRaised, AlertWithdrawn
from services.notifications.streams import Streams
from services.portal.people.demo_issuer import DemoIssuer, Persona
from shared.database.scopes import NO_SCOPE, Scope
from shared.eventsourcing.store import Command
from shared.hosting.service import Service
from shared.web.application import create_app
from shared.web.authentication import Authenticator
from shared.web.live import SseHub
from shared.web.pages import PageTurn
from tests.services.installation import DIVISION, Installation
from tests.support.serving import serving

TODAY = date(2026, 11, 24)
COUNTY, SCHOOL = Scope(division=DIVISION), Scope(school="S1")


@pytest.fixture
def notifications(installation: Installation) -> Service:
    service = installation.start(app.build(installation.settings("notifications")))
    installation.bare("registry")
    installation.bare("matching")
    return service


@pytest.fixture
def desk(installation: Installation, notifications: Service) -> Desk:
    streams = Streams(installation.settings("notifications").hmac_key)
    return Desk(notifications.database, notifications.store, streams, DIVISION)


def alert(installation: Installation, school: str | None = "S1", kind: str = "dropped_out") -> UUID:
    stream = uuid4()
    fact = AlertRaised(
        kind=kind,  # type: ignore[arg-type]
        student_id=uuid4(),
        entry_id=None,
        division_code="469001001",
        school_code=school,
        since=TODAY,
        evidence=(uuid4(),),
        rules_hash="0",
        explanation_code="dropped_out_of_compulsory_school",
        facts={"left_on": "2026-11-24"},
    )
    installation.append("notifications", stream, fact, TODAY)
    return stream


def messages(desk: Desk, scope: Scope, who: str = "anna") -> list[MessageRow]:
    place = place_of(scope, DIVISION)
    assert place is not None
    with desk.database.reading(scope, VIEW) as connection:
        return inbox.inbox(connection, inbox.Reader(place, who), PageTurn(None, 200), "zh")


def read(desk: Desk, scope: Scope, message_id: UUID, who: str = "anna", command_id: UUID | None = None) -> None:
    place = place_of(scope, DIVISION)
    assert place is not None
    inbox.read(desk, scope, inbox.Reader(place, who), message_id, Command(who, command_id or uuid4(), b"read"), TODAY)


def test_a_storm_of_alerts_is_one_message_at_each_place_that_answers(installation: Installation, desk: Desk) -> None:
    for school in ("S1", "S2", "S1", None, "S1"):
        alert(installation, school)
    alert(installation, "S1", "listed_but_unenrolled")
    installation.pump(random.Random(7))
    (at_school,), (at_county,) = messages(desk, SCHOOL), messages(desk, COUNTY)
    assert at_school.title == "新增预警 4 条" and at_school.parts == ["辍学:3", "在名单而无学籍:1"]
    assert at_county.total == 6 and at_county.growing
    (at_township,) = messages(desk, Scope(division="469001001"))
    assert at_township.total == 1, "a child without a school is its township's"


def test_what_was_read_no_longer_grows_and_the_next_alert_opens_another(installation: Installation, desk: Desk) -> None:
    alert(installation)
    installation.pump()
    (first,) = messages(desk, SCHOOL)
    command = uuid4()
    read(desk, SCHOOL, first.message_id, command_id=command)
    read(desk, SCHOOL, first.message_id, command_id=command)
    read(desk, SCHOOL, first.message_id)
    alert(installation)
    installation.pump()
    second, again = messages(desk, SCHOOL)
    assert (again.message_id, again.total, again.growing) == (first.message_id, 1, False)
    assert again.read_at is not None and second.read_at is None and second.total == 1
    assert all(row.read_at is None for row in messages(desk, SCHOOL, "bert")), "a receipt is one person's"
    read(desk, SCHOOL, first.message_id, "bert")
    facts = [each.fact for each in _stream(desk, first.message_id)]
    assert [type(fact) for fact in facts] == [MessageComposed, MessageRead, MessageRead]


@pytest.mark.parametrize("seed", range(3))
def test_every_alert_is_counted_exactly_once_however_reading_and_arriving_interleave(
    installation: Installation, desk: Desk, seed: int
) -> None:
    chance = random.Random(seed)
    raised: Counter[str | None] = Counter()
    for _ in range(4):
        for _ in range(chance.randrange(1, 12)):
            school = chance.choice(["S1", "S2", "S3"])
            raised[school] += 1
            alert(installation, school)
        installation.pump(chance)
        for row in messages(desk, SCHOOL):
            if chance.random() < 0.6:
                read(desk, SCHOOL, row.message_id)
    assert sum(row.total for row in messages(desk, SCHOOL)) == raised["S1"]
    assert sum(row.total for row in messages(desk, COUNTY)) == raised.total()
    for row in messages(desk, SCHOOL):
        told = [each.fact for each in _stream(desk, row.message_id) if isinstance(each.fact, MessageComposed)]
        assert row.growing == (not told) and all(fact.total == row.total for fact in told)


def test_an_end_is_told_where_the_alert_was_and_an_escalation_at_its_level(
    installation: Installation, desk: Desk
) -> None:
    stream = alert(installation)
    installation.append("notifications", stream, AlertWithdrawn(reason="enrolled_again", evidence=(uuid4(),)), TODAY)
    fact = CaseEscalated(
        level="township",
        reason="no_team",
        due_on=TODAY,
        plan_hash="0",
        kind="dropped_out",
        student_id=uuid4(),
        division_code="469001001",
        school_code="S1",
    )
    installation.append("notifications", alert(installation), fact, TODAY)
    installation.pump()
    assert sorted(row.title for row in messages(desk, SCHOOL)) == ["新增预警 2 条", "预警撤销或办结 1 条"]
    assert [row.title for row in messages(desk, Scope(division="469001001"))] == ["超期上报 1 件"]


def test_an_inbox_shows_its_own_place_only(installation: Installation, desk: Desk) -> None:
    alert(installation, "S2")
    installation.pump()
    assert messages(desk, SCHOOL) == []
    (other,) = messages(desk, Scope(school="S2"))
    with pytest.raises(UnknownMessage):
        read(desk, SCHOOL, other.message_id)
    with pytest.raises(UnknownMessage):
        read(desk, COUNTY, other.message_id)  # it may see the row, but it is not the one addressed
    with desk.database.reading(NO_SCOPE, VIEW) as connection:
        assert inbox.inbox(connection, inbox.Reader(Place(DIVISION, "S2"), "anna"), PageTurn(None, 200), "zh") == []
    with desk.database.reading(SCHOOL, VIEW) as connection:
        assert inbox.inbox(connection, inbox.Reader(Place(DIVISION, "S2"), "anna"), PageTurn(None, 200), "zh") == []


def test_one_sets_how_one_is_reached_in_the_version_one_has_read(installation: Installation, desk: Desk) -> None:
    issuer = DemoIssuer(b"i" * 32, issuer="https://issuer.test", audience="rollcall", environment="test")
    authenticator = Authenticator(issuer="https://issuer.test", audience="rollcall", jwks=issuer.jwks())
    service = app.build(installation.settings("notifications"))
    web = create_app("notifications", service.routers, authenticator=authenticator, state={"hub": SseHub("")})
    school = {"authorization": f"Bearer {issuer.token(Persona('registrar', DIVISION, 'S1'))}"}
    clerk = {"authorization": f"Bearer {issuer.token(Persona('aid_clerk', DIVISION))}"}
    with serving(web) as server, httpx.Client(base_url=server.url, trust_env=False) as client:
        before = client.get("/v1/contacts/me", headers=school)
        assert before.json()["channels"] == [] and before.headers["etag"] == '"0"'
        wanted = {"channels": ["email"], "email": "a.b@example.org", "digest": "daily", "quiet_from": 22, "quiet_to": 7}
        write = {**school, "if-match": '"0"', "idempotency-key": str(uuid4())}
        answer = client.put("/v1/contacts/me", json=wanted, headers=write)
        assert answer.status_code == 200 and answer.json()["email"] == "a.b@example.org", answer.text
        stale = client.put("/v1/contacts/me", json=wanted, headers={**write, "idempotency-key": str(uuid4())})
        assert stale.status_code == 412
        unfit = {**school, "idempotency-key": str(uuid4())}
        assert client.put("/v1/contacts/me", json={"channels": ["email"]}, headers=unfit).status_code == 422
        phoned = {"channels": ["sms"], "phone": "13800138000"}
        assert before.json()["offered"] == ["email"], "no gateway is configured"
        assert client.put("/v1/contacts/me", json=phoned, headers=unfit).status_code == 422
        (reached,) = client.get("/v1/contacts", headers=clerk).json()
        assert reached["email"] == "a***@example.org" and reached["school_code"] == "S1"
        assert client.get("/v1/contacts", headers=school).status_code == 403
        assert client.get("/v1/messages/unread", headers=school).json() == {"count": 0, "more": False}


def _stream(desk: Desk, stream: UUID) -> list:  # type: ignore[type-arg]
    with desk.database.writing() as connection:
        return desk.store.load(connection, stream)

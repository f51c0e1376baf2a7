"""The care record: told by who may, sealed, in no view, read for a purpose and recorded."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from services.registry.events import PersonalDataRead
from services.registry.life_events import CounsellingNoted, GuardianshipChanged
from shared.database.database import driver
from shared.kernel.clock import today
from shared.messaging.builds import live_build
from tests.services.registry.office import SCHOOLS, Office
from tests.services.registry.test_api import CLERK, Client, client, enrol, http, school

__all__ = ["client", "http"]  # fixtures
CARER, NOTE = "欧阳守望", "孩子最近常做噩梦"
OWN, OTHER = (school(each.school_code) | {"kind": "principal"} for each in SCHOOLS[:2])
PURPOSE = {"purpose": "春节前家访准备"}


def lately() -> str:
    """The day from which the child's carer cares."""
    return (today() - timedelta(days=3)).isoformat()


def guardianship() -> dict[str, Any]:
    return {
        "on": lately(),
        "carer_name": CARER,
        "carer_relation": "祖母",
        "carer_phone": "13912345678",
        "parents_whereabouts": "both_away",
        "last_contact_on": lately(),
    }


@pytest.fixture
def child(client: Client, office: Office) -> str:
    """A child with a carer and a counselling note on record."""
    student = enrol(client, office)
    client.act_as(OWN)
    assert client.post(f"/v1/students/{student}/guardianship", json=guardianship()).status_code == 200
    note = {"on": lately(), "note": NOTE}
    assert client.post(f"/v1/students/{student}/counselling", json=note).status_code == 200
    return student


def read(client: Client, child: str, purpose: dict[str, str] = PURPOSE) -> Any:
    return client.post(f"/v1/students/{child}/care/reveal", json=purpose)


def test_the_childs_own_school_reads_all_of_it_and_the_read_is_recorded(
    client: Client, office: Office, child: str
) -> None:
    later = guardianship() | {"on": today().isoformat(), "carer_name": "欧阳二叔", "parents_whereabouts": "father_away"}
    assert client.post(f"/v1/students/{child}/guardianship", json=later).status_code == 200
    answer = read(client, child)
    assert answer.status_code == 200, answer.text
    told = answer.json()
    assert [(row["carer_name"], row["since"]) for row in told["guardianships"]] == [
        ("欧阳二叔", today().isoformat()),
        (CARER, lately()),
    ]
    assert told["guardianships"][1] == {
        "since": lately(),
        **{name: value for name, value in guardianship().items() if name != "on"},
    }
    assert told["counselling"] == [{"on": lately(), "noted_by": OWN["sub"], "note": NOTE}]
    (noted,) = [each.fact for each in office.log() if isinstance(each.fact, PersonalDataRead)]
    assert noted.fields == ("care", "counselling_notes") and noted.student_id == UUID(child)
    assert noted.purpose == PURPOSE["purpose"] and noted.viewer == OWN["sub"]


def test_the_centre_reads_who_cares_and_no_counselling_note(client: Client, office: Office, child: str) -> None:
    client.act_as(CLERK)
    answer = read(client, child)
    assert answer.json()["guardianships"][0]["carer_name"] == CARER
    assert answer.json()["counselling"] is None and NOTE not in answer.text
    (noted,) = [each.fact for each in office.log() if isinstance(each.fact, PersonalDataRead)]
    assert noted.fields == ("care",)
    refused = client.post(f"/v1/students/{child}/counselling", json={"on": lately(), "note": "x"})
    assert refused.status_code == 403


@pytest.mark.parametrize(
    ("who", "status"),
    [(OTHER, 404), ({"sub": "auditor", "kind": "auditor", "division": "46"}, 403)],
)
def test_nobody_else_reads_or_writes_it(
    client: Client, office: Office, child: str, who: dict[str, Any], status: int
) -> None:
    client.act_as(who)
    assert read(client, child).status_code == status
    assert client.post(f"/v1/students/{child}/guardianship", json=guardianship()).status_code == status
    assert office.count(lambda each: isinstance(each.fact, PersonalDataRead)) == 0
    assert office.count(lambda each: isinstance(each.fact, GuardianshipChanged)) == 1


def test_it_is_not_read_without_a_purpose(client: Client, office: Office, child: str) -> None:
    assert read(client, child, {}).status_code == 422
    assert read(client, child, {"purpose": "13912345678 的孩子"}).status_code == 422
    assert office.count(lambda each: isinstance(each.fact, PersonalDataRead)) == 0


def test_nothing_of_it_stands_in_clear_in_an_event_or_in_any_view(client: Client, office: Office, child: str) -> None:
    office.pump()
    events = [each.logged.event.data.decode() for each in office.installation.entries("registry")]
    with office.registry.database.owner() as connection:
        build = live_build(driver(connection), "register")
        assert build is not None
        tables = connection.execute(
            text("SELECT table_name FROM information_schema.tables WHERE table_schema = :s"), {"s": build.schema}
        ).scalars()
        rows = [
            str(row)
            for table in list(tables)
            for row in connection.execute(text(f'SELECT t::text FROM "{build.schema}"."{table}" t')).scalars()
        ]
    assert len(rows) > 4
    shown = [client.get(path).text for path in ("/v1/students", f"/v1/students/{child}")]
    for secret in (CARER, NOTE, "13912345678", "both_away"):
        assert not any(secret in each for each in (*events, *rows, *shown)), secret
    history = client.get(f"/v1/students/{child}").json()["history"]
    assert [row["type"] for row in history] == ["StudentEnrolled"]  # not even that there was counselling


def test_an_erased_child_has_no_care_record_left(client: Client, office: Office, child: str) -> None:
    sealed = [each.fact for each in office.log() if isinstance(each.fact, GuardianshipChanged | CounsellingNoted)]
    people = {fact.personal.person_id for fact in sealed if fact.personal is not None}
    assert len(people) == 1
    office.running.service.keyring.erase(people.pop())
    told = read(client, child).json()
    assert told["guardianships"][0]["carer_name"] is None and told["counselling"][0]["note"] is None
    refused = client.post(f"/v1/students/{child}/guardianship", json=guardianship())
    assert (refused.status_code, refused.json()["code"]) == (409, "particulars_erased")


def test_what_is_still_to_come_is_refused(client: Client, child: str) -> None:
    tomorrow = (today() + timedelta(days=1)).isoformat()
    for changed in ({"on": tomorrow}, {"last_contact_on": tomorrow}):
        answer = client.post(f"/v1/students/{child}/guardianship", json=guardianship() | changed)
        assert (answer.status_code, answer.json()["code"]) == (422, "day_in_future")
    answer = client.post(f"/v1/students/{child}/counselling", json={"on": tomorrow, "note": NOTE})
    assert answer.json()["code"] == "day_in_future"

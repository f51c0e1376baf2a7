"""Keys of agencies' machines: two at a time, exchanged for minutes, out at once."""

from __future__ import annotations

import uuid
from datetime import timedelta
from uuid import UUID

import pytest

from services.access.administration import Administrator
from services.access.desk import day_of
from services.access.errors import BadUntil, NotYours, TooManyKeys, UnknownKey
from services.access.events import AgencyKeyIssued, AgencyKeyRevoked, AgencyKeyRotated
from services.access.keys import agency_keys
from services.access.keys.agency_keys import Issued, Keeper, Rotation
from services.access.sessions import sessions
from shared.database.database import driver
from shared.web.authentication import Authenticator, Unauthenticated
from tests.services.access.conftest import COUNTY, Office
from tests.services.installation import DIVISION

KEEPER = Keeper("test", COUNTY)


def issue(office: Office, agency: str, days: int = 90, who: Keeper = KEEPER) -> Issued:
    key_id = uuid.uuid4()
    told = AgencyKeyIssued(
        key_id=key_id,
        agency=agency,
        label="前置机",
        until=day_of(office.now) + timedelta(days=days),
        division_code=DIVISION,
        by="test",
    )
    return agency_keys.issue(office.desk, who, key_id, told, office.command(), office.now)


def revoke(office: Office, key_id: UUID) -> None:
    agency_keys.revoke(office.desk, KEEPER, key_id, office.command(), office.now)


def test_one_key_replaces_another_without_a_gap(office: Office) -> None:
    first, second = issue(office, "civil_affairs"), issue(office, "civil_affairs")
    with pytest.raises(TooManyKeys):
        issue(office, "civil_affairs")
    assert issue(office, "poverty_office").key and first.key and second.key
    for key in (first.key, second.key):
        assert agency_keys.exchanged(office.desk, key, office.now).seconds == 300
    revoke(office, first.key_id)
    with pytest.raises(Unauthenticated):
        agency_keys.exchanged(office.desk, first.key, office.now)
    with pytest.raises(UnknownKey):
        revoke(office, first.key_id)
    with office.desk.database.writing() as connection:
        assert first.key_id in sessions.revoked(driver(connection), 0).sessions
    assert agency_keys.exchanged(office.desk, second.key, office.now).token and issue(office, "civil_affairs").key
    assert [fact.key_id for fact in office.facts(AgencyKeyRevoked)] == [first.key_id]
    assert not any(first.key.partition(".")[2] in repr(fact) for fact in office.facts(AgencyKeyIssued))


def test_a_token_of_a_key_is_the_agencys_and_ends_with_the_key(office: Office) -> None:
    made = issue(office, "disability_federation", days=1)
    assert made.key is not None
    checker = Authenticator(
        issuer=f"urn:rollcall:{DIVISION}:access",
        audience="rollcall",
        jwks=office.desk.signer.jwks(),
        now=lambda: office.now.timestamp(),
    )
    told = checker.claims_now(agency_keys.exchanged(office.desk, made.key, office.now).token)
    assert (told["kind"], told["agency"], told["sid"]) == (
        "agency_publisher",
        "disability_federation",
        str(made.key_id),
    )
    assert "division" not in told and "school" not in told
    office.now = office.now.replace(hour=15, minute=59)  # a minute before midnight in Shanghai
    assert agency_keys.exchanged(office.desk, made.key, office.now).seconds == 60
    office.later(minutes=2)
    with pytest.raises(Unauthenticated):
        agency_keys.exchanged(office.desk, made.key, office.now)


def test_last_use_is_shown(office: Office) -> None:
    made = issue(office, "statistics")
    assert made.key is not None
    rows = {row.key_id: row for row in agency_keys.keys(office.desk, KEEPER)}
    assert rows[made.key_id].used_at is None
    agency_keys.exchanged(office.desk, made.key, office.now)
    rows = {row.key_id: row for row in agency_keys.keys(office.desk, KEEPER)}
    assert rows[made.key_id].used_at == office.now


def test_who_may_not_and_what_is_no_key(office: Office) -> None:
    strangers = (Administrator("principal", school="S1"), Administrator("neighbour", division="469001"))
    for who in (*(Keeper(each.by, each) for each in strangers), Keeper("publisher", agency="taxes")):
        with pytest.raises(NotYours):
            issue(office, "taxes", who=who)
    for days in (0, 400):
        with pytest.raises(BadUntil):
            issue(office, "taxes", days=days)
    made = issue(office, "taxes")
    assert made.key is not None
    for key in ("", "x.y", f"{made.key_id.hex}.", f"{uuid.uuid4().hex}.{made.key.partition('.')[2]}", made.key + "x"):
        with pytest.raises(Unauthenticated):
            agency_keys.exchanged(office.desk, key, office.now)


def test_the_former_key_is_good_until_the_told_moment_and_the_fresh_one_from_now_on(office: Office) -> None:
    office.now = office.now.replace(hour=4, minute=0)
    former = issue(office, "fiscal")
    assert former.key is not None
    own, other = Keeper("publisher", agency="fiscal"), Keeper("publisher", agency="taxes")
    until = day_of(office.now) + timedelta(days=90)

    def rotate(who: Keeper, key_id: UUID, **later: float) -> Issued:
        wanted = Rotation(key_id, uuid.uuid4(), until, office.now + timedelta(**later))
        return agency_keys.rotate(office.desk, who, wanted, office.command(), office.now)

    with pytest.raises(UnknownKey):
        rotate(other, former.key_id, days=1)
    for late in (-1, 31):
        with pytest.raises(BadUntil):
            rotate(own, former.key_id, days=late)
    fresh = rotate(own, former.key_id, hours=1)
    assert fresh.key is not None and fresh.key_id != former.key_id
    with pytest.raises(UnknownKey):
        rotate(own, former.key_id, days=1)
    rows = {row.key_id: row for row in agency_keys.keys(office.desk, own)}
    assert set(rows) == {former.key_id, fresh.key_id} and rows[former.key_id].replaced_by == fresh.key_id
    assert rows[fresh.key_id].label == "前置机" and rows[fresh.key_id].issued_by == "publisher"
    assert agency_keys.keys(office.desk, other) == [
        row for row in agency_keys.keys(office.desk, KEEPER) if row.agency == "taxes"
    ]
    office.later(minutes=58)
    assert agency_keys.exchanged(office.desk, former.key, office.now).seconds == 120
    with pytest.raises(TooManyKeys):
        rotate(own, fresh.key_id, days=1)
    office.later(minutes=2)
    with pytest.raises(Unauthenticated):
        agency_keys.exchanged(office.desk, former.key, office.now)
    assert agency_keys.exchanged(office.desk, fresh.key, office.now).token
    with pytest.raises(UnknownKey):
        agency_keys.revoke(office.desk, other, fresh.key_id, office.command(), office.now)
    agency_keys.revoke(office.desk, own, fresh.key_id, office.command(), office.now)
    assert [fact.replaced_by for fact in office.facts(AgencyKeyRotated)] == [fresh.key_id]

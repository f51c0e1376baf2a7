"""Emergency access: for hours, within one's place, with a reason, and looked at by somebody else."""

from __future__ import annotations

import uuid

import pytest

from services.access import queries
from services.access.administration import Administrator
from services.access.emergencies import emergency
from services.access.emergencies.emergency import Wanted
from services.access.errors import BadEmergency, EmergencyGoesOn, EmergencyReviewed, NotYours, UnknownEmergency
from services.access.events import EmergencyAccessEnded, EmergencyAccessReviewed, EmergencyAccessTaken
from services.access.posts.places import Place
from services.access.projections import NAME
from services.access.sessions import session_desk, sessions
from shared.database.database import driver
from shared.database.scopes import Scope
from shared.standards.posts import Kind
from shared.standards.separation import SecondPersonNeeded
from shared.web.authentication import Unauthenticated
from tests.services.access.conftest import Office
from tests.services.access.test_posts import vacate
from tests.services.installation import DIVISION

REASON = "班主任住院,考勤须当天补报"
CLASS = Place(f"{DIVISION}", "S1", "primary/5/1")


def test_it_lasts_some_hours_in_that_post_only_and_says_so(office: Office) -> None:
    person, login = office.someone()
    post = office.post("aid_clerk", holder=person)
    before = office.enter(login)
    wanted = Wanted(Kind.CLASS_TEACHER, CLASS, 2, REASON)
    taken = emergency.take(office.desk, before.secret, wanted, office.now)
    told = office.claims(taken.secret)
    (fact,) = office.facts(EmergencyAccessTaken)
    assert (told["kind"], told["school"], told["class"]) == ("class_teacher", "S1", "primary/5/1")
    assert told["emergency"] == str(fact.emergency_id) and told["post"] == str(post) and "division" not in told
    assert (fact.reason, fact.account_id, fact.session_id) == (REASON, person, taken.session.session_id)
    with office.desk.database.writing() as connection:
        assert before.session.session_id in sessions.revoked(driver(connection), 0).sessions
    back = emergency.end(office.desk, taken.secret, office.now)
    (over,) = office.facts(EmergencyAccessEnded)
    assert (over.emergency_id, over.session_id) == (fact.emergency_id, fact.session_id)
    with pytest.raises(UnknownEmergency):
        emergency.end(office.desk, back.secret, office.now)
    assert office.claims(back.secret)["kind"] == "aid_clerk" and "emergency" not in office.claims(back.secret)
    again = emergency.take(office.desk, back.secret, wanted, office.now)
    for _ in range(3):
        office.later(minutes=39)
        assert office.claims(again.secret)["exp"] <= again.session.ends_at.timestamp()
    office.later(minutes=4)
    with pytest.raises(Unauthenticated):
        session_desk.token(office.desk, again.secret, office.now)
    assert len(office.facts(EmergencyAccessEnded)) == 1, "what ran out by itself was not given back"


def test_it_ends_with_the_post_it_rests_on(office: Office) -> None:
    person, login = office.someone()
    post = office.post("aid_clerk", holder=person)
    wanted = Wanted(Kind.REVIEWER, Place(DIVISION), 4, REASON)
    taken = emergency.take(office.desk, office.enter(login).secret, wanted, office.now)
    vacate(office, post)
    with pytest.raises(Unauthenticated):
        session_desk.token(office.desk, taken.secret, office.now)


def test_not_beyond_ones_place_not_longer_and_not_to_decide(office: Office) -> None:
    registrar, login = office.someone()
    office.post("registrar", holder=registrar, school_code="S1")
    cashier, cashier_login = office.someone()
    office.post("cashier", holder=cashier)
    for name, kind, place, hours, refusal in (
        (login, Kind.CLASS_TEACHER, Place(DIVISION, "S2", "primary/5/1"), 1, NotYours),
        (login, Kind.AID_CLERK, Place(DIVISION), 1, NotYours),
        (cashier_login, Kind.AID_CLERK, Place(DIVISION), 1, NotYours),
        (login, Kind.CLASS_TEACHER, CLASS, 5, BadEmergency),
        (login, Kind.APPROVER, Place(DIVISION), 1, BadEmergency),
        (login, Kind.ACCOUNT_ADMINISTRATOR, Place(DIVISION, "S1"), 1, BadEmergency),
    ):
        with pytest.raises(refusal):
            emergency.take(office.desk, office.enter(name).secret, Wanted(kind, place, hours, REASON), office.now)


def test_who_answers_for_a_city_is_let_into_its_parts(office: Office) -> None:
    """469000 is a city: the codes of its counties begin with 4690 only."""
    person, login = office.someone()
    office.post("aid_clerk", holder=person)
    within = Wanted(Kind.TOWNSHIP_CADRE, Place("469001100"), 1, REASON)
    assert emergency.take(office.desk, office.enter(login).secret, within, office.now)
    outside = Wanted(Kind.TOWNSHIP_CADRE, Place("460107100"), 1, REASON)
    with pytest.raises(NotYours):
        emergency.take(office.desk, office.enter(login).secret, outside, office.now)


def test_somebody_else_reviews_it_once(office: Office) -> None:
    person, login = office.someone()
    office.post("aid_clerk", holder=person)
    emergency.take(office.desk, office.enter(login).secret, Wanted(Kind.CLASS_TEACHER, CLASS, 1, REASON), office.now)
    taken = next(fact for fact in office.facts(EmergencyAccessTaken) if fact.account_id == person)

    def review(who: Administrator, which: uuid.UUID = taken.emergency_id) -> None:
        emergency.review(office.desk, who, which, (True, "情况属实"), office.command(), office.now)

    with pytest.raises(SecondPersonNeeded):
        review(Administrator(str(person), division=DIVISION))
    for who, which in (
        (Administrator("principal", school="S2"), taken.emergency_id),
        (Administrator("approver", division=DIVISION), uuid.uuid4()),
    ):
        with pytest.raises(UnknownEmergency):
            review(who, which)
    with pytest.raises(EmergencyGoesOn):
        review(Administrator("principal", school="S1"))
    office.later(hours=1)
    review(Administrator("principal", school="S1"))
    with pytest.raises(EmergencyReviewed):
        review(Administrator("approver", division=DIVISION))
    (fact,) = office.facts(EmergencyAccessReviewed)
    assert (fact.emergency_id, fact.justified, fact.by) == (taken.emergency_id, True, "principal")
    office.installation.pump()
    day = office.now.date()
    with office.desk.database.reading(Scope(school="S1"), NAME) as connection:
        rows = {row.emergency_id: row for row in queries.emergencies(connection, day, 50, open_only=False)}
        waiting = queries.emergencies(connection, day, 50, open_only=True)
    assert (rows[taken.emergency_id].reviewed_by, rows[taken.emergency_id].name) == ("principal", None)
    assert taken.emergency_id not in [row.emergency_id for row in waiting]
    with office.desk.database.reading(Scope(division=DIVISION), NAME) as connection:
        rows = {row.emergency_id: row for row in queries.emergencies(connection, day, 50, open_only=False)}
    assert rows[taken.emergency_id].name == "王小明"  # an account of the county's is not the school's to know
    with office.desk.database.reading(Scope(school="S2"), NAME) as connection:
        assert queries.emergencies(connection, day, 50, open_only=False) == []

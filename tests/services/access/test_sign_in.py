"""Signing in: who is let in, what the refused learn, how long guessing takes, and what it costs."""

from __future__ import annotations

import threading
import uuid
from datetime import UTC, datetime, timedelta

import pytest

from services.access import queries
from services.access.accounts import account_desk
from services.access.administration import Administrator
from services.access.commands import CloseAccount
from services.access.errors import SignInFailed, TooManyAttempts, WeakPassword
from services.access.events import PasswordChanged, SessionEnded, SignedIn, SignInRefused
from services.access.sessions import lockout, session_desk
from services.access.sessions.sign_in import Attempt, sign_in
from services.access.sessions.unusual import WorkingHours
from shared.web.authentication import Unauthenticated
from tests.services.access.conftest import COUNTY, PASSWORD, Office
from tests.services.installation import DIVISION


def test_somebody_with_one_post_is_in_it_at_once(office: Office) -> None:
    person, login = office.someone()
    post = office.post(holder=person)
    entered = office.enter(f"  {login.upper()} ")
    assert entered.session.post_id == post and not entered.must_change
    told = office.claims(entered.secret)
    assert (told["sub"], told["kind"], told["division"]) == (str(person), "aid_clerk", DIVISION)
    assert told["sid"] == str(entered.session.session_id) and told["exp"] - told["iat"] <= 300
    assert told["iss"] == f"urn:rollcall:{DIVISION}:access" and told["name"] == "王小明" and told["amr"] == ["password"]


def test_a_one_time_password_opens_nothing_but_the_change_of_it(office: Office) -> None:
    person, login = office.someone(password=None)
    office.post(holder=person)
    handed = account_desk.reset_password(office.desk, COUNTY, person, office.command(), office.now)
    assert handed.password is not None
    entered = office.enter(login, handed.password)
    assert entered.must_change and entered.posts == [] and "kind" not in office.claims(entered.secret)
    with pytest.raises(WeakPassword):
        session_desk.change_password(office.desk, entered.secret, handed.password, "short", office.now)
    fresh = session_desk.change_password(office.desk, entered.secret, handed.password, PASSWORD, office.now)
    assert fresh.session.post_id is not None and office.claims(fresh.secret)["kind"] == "aid_clerk"
    with pytest.raises(Unauthenticated):
        session_desk.standing(office.desk, entered.secret, office.now)
    with pytest.raises(SignInFailed):
        office.enter(login, handed.password)


def test_a_one_time_password_is_good_for_a_week(office: Office) -> None:
    person, login = office.someone()
    handed = account_desk.reset_password(office.desk, COUNTY, person, office.command(), office.now)
    assert handed.password is not None
    office.later(days=8)
    with pytest.raises(SignInFailed):
        office.enter(login, handed.password)


def test_a_reset_and_a_changed_password_end_every_session(office: Office) -> None:
    person, login = office.someone()
    first, second = office.enter(login), office.enter(login)
    third = session_desk.change_password(office.desk, first.secret, PASSWORD, PASSWORD + "。", office.now)
    for secret in (first.secret, second.secret):
        with pytest.raises(Unauthenticated):
            session_desk.standing(office.desk, secret, office.now)
    assert third.session.session_id not in (first.session.session_id, second.session.session_id)
    account_desk.reset_password(office.desk, COUNTY, person, office.command(), office.now)
    with pytest.raises(Unauthenticated):
        session_desk.token(office.desk, third.secret, office.now)
    reasons = [fact.reason for fact in office.facts(SessionEnded) if fact.account_id == person]
    assert reasons.count("password_changed") == 2 + 1 and reasons.count("password_reset") == 1
    assert any(fact.account_id == person for fact in office.facts(PasswordChanged))


def test_closed_unknown_and_wrong_look_the_same_and_cost_the_same(office: Office) -> None:
    person, login = office.someone()
    account_desk.close_account(office.desk, COUNTY, CloseAccount(person, "test", "离职"), office.command(), office.now)
    _, other = office.someone()
    told: list[tuple[object, ...]] = []
    for name, password in ((login, PASSWORD), (f"nobody{uuid.uuid4().hex[:8]}", PASSWORD), (other, PASSWORD + "x")):
        before = office.desk.hashing.hashed
        with pytest.raises(SignInFailed) as refused:
            office.enter(name, password, address=f"10.1.0.{len(told)}")
        told.append((str(refused.value), refused.value.zh, refused.value.facts, office.desk.hashing.hashed - before))
    assert told[0] == told[1] == told[2] and told[0][3] == 1
    reasons = [fact.reason for fact in office.facts(SignInRefused)][-3:]
    assert reasons == ["closed", "unknown_login", "wrong_password"]


@pytest.mark.parametrize("known", [True, False])
def test_a_thousand_wrong_passwords_are_looked_at_a_few_times(office: Office, known: bool) -> None:
    login = office.someone()[1] if known else f"nobody{uuid.uuid4().hex[:8]}"
    before, refused = office.desk.hashing.hashed, len(office.facts(SignInRefused))
    waits = []
    for number in range(1_000):
        office.later(seconds=1)
        with pytest.raises((SignInFailed, TooManyAttempts)) as told:
            office.enter(login, f"wrong{number}", address=f"10.2.{known:d}.{number % 200}")
        if isinstance(told.value, TooManyAttempts):
            waits.append(told.value.facts["wait_seconds"])
    looked_at = office.desk.hashing.hashed - before
    assert looked_at == 12 and max(waits) == 640  # five, then after 5, 10, 20 … 320 seconds; 640 are too many
    assert len(office.facts(SignInRefused)) - refused == looked_at
    office.later(hours=1)
    if known:
        entered = office.enter(login)
        fact = office.facts(SignedIn)[-1]
        assert fact.session_id == entered.session.session_id and fact.refused_before == 1_000


def test_attempts_at_once_are_no_more_than_attempts_in_turn(office: Office) -> None:
    _, login = office.someone()
    before = office.desk.hashing.hashed

    def guess(number: int) -> None:
        with pytest.raises((SignInFailed, TooManyAttempts)):
            office.enter(login, f"wrong{number}")

    threads = [threading.Thread(target=guess, args=(number,)) for number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert office.desk.hashing.hashed - before <= lockout.FREE_BY_LOGIN + 2


def test_many_names_from_one_address_wait_too(office: Office) -> None:
    with pytest.raises(TooManyAttempts):
        for number in range(lockout.FREE_BY_ADDRESS + 2):
            with pytest.raises(SignInFailed):
                office.enter(f"guess{number}", "x" * 12, address="10.3.0.1")
    _, login = office.someone()
    assert office.enter(login, address="10.3.0.2").secret


def test_waiting_grows_and_has_an_end() -> None:
    waits = [lockout.wait_seconds(failures, 4) for failures in range(20)]
    assert waits[:8] == [0, 0, 0, 0, 0, 5, 10, 20] and waits[-1] == lockout.LONGEST_WAIT_SECONDS
    assert waits == sorted(waits)


def test_a_session_ends_by_itself(office: Office) -> None:
    person, login = office.someone()
    office.post(holder=person)
    entered = office.enter(login)
    office.later(minutes=59)
    session_desk.token(office.desk, entered.secret, office.now)
    office.later(minutes=61)
    with pytest.raises(Unauthenticated):
        session_desk.token(office.desk, entered.secret, office.now)
    entered = office.enter(login)
    for _ in range(13):
        office.later(minutes=55)
        session_desk.token(office.desk, entered.secret, office.now)
    told = office.claims(entered.secret)
    assert told["exp"] <= told["auth_time"] + 12 * 3600
    office.later(minutes=55)
    with pytest.raises(Unauthenticated):
        session_desk.token(office.desk, entered.secret, office.now)


def test_what_is_unusual_about_a_sign_in_is_in_its_event(office: Office) -> None:
    _, login = office.someone()
    office.now = datetime(2026, 3, 20, 4, 0, tzinfo=UTC)
    office.enter(login)
    office.enter(login, address="10.9.9.9")
    office.now += timedelta(hours=11)  # 23:00 in Shanghai
    office.enter(login)
    facts = office.facts(SignedIn)[-3:]
    assert [(fact.new_address, fact.at_night) for fact in facts] == [(False, False), (True, False), (False, True)]
    logged = [each.logged.event.data.decode() for each in office.installation.entries("access")]
    assert not any("10.9.9.9" in data or "王小明" in data or login in data for data in logged)


def test_nobody_resets_himself_and_a_school_resets_only_its_teachers(office: Office) -> None:
    from services.access.errors import NotYours, Oneself, UnknownAccount

    teacher, _ = office.someone(school="S1")
    registrar, _ = office.someone(school="S1")
    elsewhere, _ = office.someone(school="S2")
    office.post("class_teacher", holder=teacher, school_code="S1", school_class="primary/5/1")
    office.post("registrar", holder=registrar, school_code="S1")
    principal, _ = office.someone(school="S1")
    school = Administrator(str(principal), school="S1")

    def reset(who: Administrator, whom: uuid.UUID) -> None:
        account_desk.reset_password(office.desk, who, whom, office.command(), office.now)

    reset(school, teacher)
    for whom, refusal in ((registrar, NotYours), (elsewhere, UnknownAccount), (principal, Oneself)):
        with pytest.raises(refusal):
            reset(school, whom)
    with pytest.raises(UnknownAccount):
        reset(Administrator("somebody", division="469001"), teacher)
    with pytest.raises(Oneself):
        reset(Administrator(str(teacher), division=DIVISION), teacher)


def test_what_is_unusual_is_told_of_a_sign_in(office: Office) -> None:
    office.later(days=1)
    office.now = office.now.replace(hour=4)
    person, login = office.someone()
    windows = "Mozilla/5.0 (Windows NT 10.0) Chrome/120.0.0.0"

    def enter(address: str, agent: str) -> None:
        sign_in(office.desk, Attempt(login, PASSWORD, address, agent=agent), office.now)

    for address, agent in (
        ("10.0.0.1", windows),
        ("10.0.0.1", windows.replace("120", "121")),  # the same, updated
        ("10.0.0.2", "Mozilla/5.0 (Linux; Android 14) Mobile"),
        ("10.0.0.3", windows),
    ):
        enter(address, agent)
    facts = [fact for fact in office.facts(SignedIn) if fact.account_id == person][1:]  # after the first password
    assert [fact.new_device for fact in facts] == [True, False, True, False]
    assert [fact.addresses_at_once for fact in facts] == [1, 1, 2, 3]
    office.installation.pump()
    (latest, *_rest) = queries.own_sign_ins(office.desk.database, person)
    assert latest.unusual == ["new_address", "several_addresses"] and latest.agent == windows
    assert latest.means == ["password"] and latest.address == "10.0.0.3"


def test_working_hours_are_the_countys() -> None:
    shanghai = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)  # eight in the evening there
    assert not WorkingHours().at_night(shanghai) and WorkingHours(8, 18).at_night(shanghai)

"""Signing out of a session that began at the issuer: ours ends first and always, and then the issuer's, if it takes
people; nobody is led where its document does not say by an address of the allowed kind."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from starlette.responses import Response

from services.access.events import SessionEnded
from services.access.oidc import leaving
from services.access.oidc import office as oidc_office
from services.access.oidc.discovery import provider_of
from services.access.oidc.leaving import Left
from services.access.sessions import session_desk
from services.access.sessions.sign_in import SignedInAs
from shared.web.authentication import Unauthenticated
from tests.services.access.oidc.conftest import Door
from tests.support.issuer import CLIENT_ID, Issuer

URL = "https://issuer.test"
SIGNED_OUT = "https://page.test/signed-out"


def leave(door: Door, session: SignedInAs, *, everywhere: bool = False) -> Left:
    return leaving.leave(door.office, session.secret, everywhere=everywhere, now=door.access.now)


def is_over(door: Door, session: SignedInAs) -> bool:
    try:
        session_desk.standing(door.desk, session.secret, door.access.now)
    except Unauthenticated:
        return True
    return False


def test_who_came_through_the_issuer_signs_out_there_as_well(door: Door) -> None:
    door.linked("leaving")
    session = door.enter()
    left = leave(door, session)
    assert left.issuer_session == "to_end" and left.address is not None and is_over(door, session)
    asked = parse_qs(urlsplit(left.address).query)
    assert asked == {"client_id": [CLIENT_ID], "post_logout_redirect_uri": [SIGNED_OUT], "state": [left.state]}
    assert left.address.startswith(f"{door.issuer.url}/end-session?") and len(left.state or "") == 43
    back = httpx.get(left.address, trust_env=False)
    assert back.headers["location"] == f"{SIGNED_OUT}?state={left.state}" and not door.issuer.session


def test_a_session_of_a_password_leads_nowhere(door: Door) -> None:
    _, login = door.linked("leaving by password")
    door.issuer.asked.clear()
    assert leave(door, door.access.enter(login)) == Left("none") and door.issuer.asked == []


def test_another_post_is_still_the_issuers_session_and_everywhere_ends_all_of_ours(door: Door) -> None:
    person, login = door.linked("leaving everywhere")
    second = door.access.post("reviewer", holder=person)
    chosen = session_desk.choose_post(door.desk, door.enter().secret, second, door.access.now)
    others = [door.access.enter(login), door.enter()]
    assert leave(door, chosen, everywhere=True).issuer_session == "to_end"
    assert all(is_over(door, each) for each in (chosen, *others))
    (ended,) = [each for each in door.access.facts(SessionEnded) if each.session_id == chosen.session.session_id]
    assert ended.reason == "signed_out_everywhere"


@pytest.mark.parametrize("told", [None, "javascript:alert(1)", "http://issuer.test/end"], ids=str)
def test_without_an_endpoint_people_may_be_led_to_the_issuers_session_stays_and_it_is_said(
    door: Door, told: str | None
) -> None:
    door.linked(f"no endpoint {told}")
    door.issuer.document = {"end_session_endpoint": told}
    door.renew()
    session = door.enter()
    assert leave(door, session) == Left("open") and is_over(door, session)


def test_an_issuer_that_is_away_or_was_taken_out_of_the_settings_holds_nobody_in(door: Door) -> None:
    door.linked("issuer away")
    first, second = door.enter(), door.enter()
    door.renew()  # access was started anew and knows nothing of the issuer
    door.issuer.answers = {"/.well-known/openid-configuration": lambda: Response(status_code=503)}
    assert leave(door, first) == Left("open") and is_over(door, first)
    door.office = oidc_office.Office(door.desk, None)
    assert leave(door, second) == Left("open") and is_over(door, second)


def test_ours_is_over_before_the_issuer_is_asked_anything(door: Door) -> None:
    door.linked("ours first")
    session = door.enter()
    door.renew()
    over: list[bool] = []

    def described() -> Response:
        over.append(is_over(door, session))
        return Response(status_code=503)

    door.issuer.answers = {"/.well-known/openid-configuration": described}
    leave(door, session)
    assert over == [True]


def test_a_session_that_is_over_already_ends_at_the_issuer_all_the_same_and_ends_nothing_else(door: Door) -> None:
    _, login = door.linked("out already")
    session, idle, typed = door.enter(), door.enter(), door.access.enter(login)
    first, again = leave(door, session), leave(door, session)  # pressed twice
    assert (first.issuer_session, again.issuer_session) == ("to_end", "to_end") and first.state != again.state
    with pytest.raises(Unauthenticated):
        leave(door, session, everywhere=True)
    assert not is_over(door, idle) and not is_over(door, typed)
    door.access.later(hours=2)
    assert is_over(door, idle) and leave(door, idle).issuer_session == "to_end"  # the page stood open meanwhile
    for secret in (typed.secret, "A" * 43):
        with pytest.raises(Unauthenticated):
            leaving.leave(door.office, secret, everywhere=False, now=door.access.now)


BENT: list[tuple[Any, str | None]] = [
    (f"{URL}/end?realm=a", f"{URL}/end?realm=a"),
    ("https://logout.elsewhere.test/end", "https://logout.elsewhere.test/end"),  # as for the authorization endpoint
    ("http://127.0.0.1:9000/end", "http://127.0.0.1:9000/end"),
    ("http://issuer.test/end", None),
    ("javascript:alert(1)", None),
    ("data:text/html,x", None),
    ("//issuer.test/end", None),
    ("/end", None),
    ("https://a:b@issuer.test/end", None),
    (f"{URL}/end#x", None),
    (f"{URL}/end\r\nx: y", None),
    ([f"{URL}/end"], None),
    (7, None),
    ("", None),
]


@pytest.mark.parametrize(("told", "used"), BENT, ids=[str(each[0]) for each in BENT])
def test_an_address_nobody_is_led_to_is_none_and_people_still_come_in(told: Any, used: str | None) -> None:
    honest = Issuer(url=URL).described()
    assert provider_of(honest | {"end_session_endpoint": told}, URL).end_session_endpoint == used


def test_what_the_issuer_put_into_its_address_stays_there(door: Door) -> None:
    door.issuer.document = {"end_session_endpoint": f"{door.issuer.url}/end-session?realm=a"}
    door.renew()
    address = door.party.leaving_address("s t&a")
    assert address is not None and parse_qs(urlsplit(address).query)["realm"] == ["a"]
    assert parse_qs(urlsplit(address).query)["state"] == ["s t&a"]

"""Who asks access: the secret of a session, the operator's, and what an administrator's token lets one administer."""

from __future__ import annotations

import base64

import pytest
from starlette.requests import Request

from services.access.acting import OPERATOR, OPERATOR_SECRET, administrator, operator_only, session_secret
from services.access.administration import Administrator
from services.access.errors import NotYours
from shared.web.authentication import Unauthenticated
from shared.web.viewers import viewer_from
from tests.shared.web.tokens import claims

SECRET = bytes(range(250, 256)) * 5
SHOWN = base64.b64encode(SECRET).decode()


def request(shown: str | None) -> Request:
    headers = [] if shown is None else [(b"authorization", shown.encode("latin-1"))]
    return Request({"type": "http", "headers": headers})


@pytest.mark.parametrize("shown", ["Session abc", "session abc", "SESSION  abc "])
def test_a_session_shows_its_secret(shown: str) -> None:
    assert session_secret(request(shown)) == "abc"


@pytest.mark.parametrize(
    "shown", [None, "", "abc", "Session", "Session ", "Bearer abc", "Operator abc", "Sessions abc"]
)
def test_what_is_no_session_is_none(shown: str | None) -> None:
    with pytest.raises(Unauthenticated) as refused:
        session_secret(request(shown))
    assert refused.value.reason == "no session"


@pytest.mark.parametrize("shown", [f"Operator {SHOWN}", f"operator {SHOWN}", f"OPERATOR   {SHOWN} "])
def test_whoever_can_read_the_secret_is_the_operator(shown: str) -> None:
    operator_only(lambda: SECRET)(request(shown))


@pytest.mark.parametrize(
    "shown",
    [
        *(None, "", "Operator", "Operator ", SHOWN, f"Bearer {SHOWN}", f"Session {SHOWN}", f"Operator {SHOWN[:-1]}"),
        *(f"Operator {SHOWN}x", f"Operator {SECRET.hex()}", "Operator é", f"Operators {SHOWN}", "Operator " + "A" * 40),
    ],
)
def test_nobody_else_is(shown: str | None) -> None:
    with pytest.raises(Unauthenticated) as refused:
        operator_only(lambda: SECRET)(request(shown))
    assert refused.value.reason == "not the operator"


def test_the_secret_is_read_for_each_request() -> None:
    secrets = [SECRET, bytes(30)]
    check = operator_only(lambda: secrets.pop(0))
    check(request(f"Operator {SHOWN}"))
    with pytest.raises(Unauthenticated):
        check(request(f"Operator {SHOWN}"))
    assert (OPERATOR_SECRET, OPERATOR) == ("access-operator", "system:operator")


def test_an_administrator_administers_the_division_or_the_school_of_the_post() -> None:
    for told, expected in (
        ({"kind": "account_administrator", "division": "4690"}, Administrator("u1", division="4690")),
        ({"kind": "account_administrator", "division": None, "school": "S1"}, Administrator("u1", school="S1")),
        ({"kind": "principal", "school": "S1"}, Administrator("u1", school="S1")),
    ):
        assert administrator(viewer_from(claims(**told), "zh")) == expected


@pytest.mark.parametrize(
    "told",
    [
        {"kind": "account_administrator", "division": None},
        {"kind": "agency_publisher", "agency": "civil"},
        {"kind": "class_teacher", "school": "S1", "class": "primary/5/1"},
        {"kind": "headmaster", "school": "S1"},
    ],
)
def test_without_a_division_or_a_school_there_is_nothing_to_administer(told: dict[str, str]) -> None:
    with pytest.raises(NotYours):
        administrator(viewer_from(claims(**told), "zh"))

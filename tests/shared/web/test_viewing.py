"""From a request to its viewer: which token counts, what is refused on the way, and that it is found out once."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import FrozenInstanceError
from types import SimpleNamespace
from typing import Any

import pytest
from starlette.requests import Request

from shared.database.scopes import Scope
from shared.kernel.refusals import Forbidden
from shared.standards.posts import Kind
from shared.standards.rights import Right
from shared.web.authentication import Unauthenticated
from shared.web.viewers import Rule, Viewer, forbidden, require, session_viewer, token_of, viewer, viewer_from
from tests.shared.web.tokens import claims


def request(headers: Mapping[str, str] | None = None, given: str | None = None, **state: Any) -> Request:
    """``given``: the token that the page got for its session; ``state``: the application's."""
    raw = [(name.encode(), value.encode()) for name, value in (headers or {}).items()]
    app = SimpleNamespace(state=SimpleNamespace(**state))
    made = Request({"type": "http", "method": "GET", "path": "/", "headers": raw, "query_string": b"", "app": app})
    if given is not None:
        made.state.given_token = given
    return made


class Checker:
    """Trusts the one token ``good``; remembers what it was asked about."""

    def __init__(self, **told: Any) -> None:
        self.asked: list[str] = []
        self._told = told

    async def claims(self, token: str) -> Mapping[str, Any]:
        self.asked.append(token)
        if token != "good":
            raise Unauthenticated("forged")
        return claims(**self._told)


@pytest.mark.parametrize(
    ("headers", "given", "expected"),
    [
        ({}, None, None),
        ({"authorization": "Bearer good"}, None, "good"),
        ({"authorization": "bearer   good "}, None, "good"),
        ({"authorization": "Bearer "}, None, None),
        ({"authorization": "Bearer  "}, "page", "page"),
        ({"authorization": "good"}, None, None),
        ({"authorization": "Session good"}, None, None),
        ({"authorization": "Basic good"}, "page", "page"),
        ({"authorization": "Bearer good"}, "page", "good"),
        ({"cookie": "rollcall_session=demo"}, None, "demo"),
        ({"cookie": "rollcall_session="}, None, None),
        ({"cookie": "other=demo"}, None, None),
        ({"cookie": "rollcall_session=demo"}, "page", "page"),
        ({"cookie": "rollcall_session=demo", "authorization": "Bearer good"}, "page", "good"),
    ],
)
def test_the_header_counts_before_the_session_and_the_session_before_the_cookie(
    headers: Mapping[str, str], given: str | None, expected: str | None
) -> None:
    assert token_of(request(headers, given)) == expected


def test_without_a_token_or_without_an_issuer_nobody_is_let_in() -> None:
    checker = Checker()
    for refused in (
        request(authenticator=checker),
        request({"authorization": "Bearer good"}, authenticator=None),
        request({"authorization": "Bearer forged"}, authenticator=checker),
    ):
        with pytest.raises(Unauthenticated):
            asyncio.run(viewer(refused))
        assert not hasattr(refused.state, "viewer")
    assert checker.asked == ["forged"]


def test_a_request_is_checked_once_and_speaks_the_language_it_asks_for() -> None:
    checker = Checker(kind="auditor")
    asked = request({"authorization": "Bearer good", "accept-language": "en"}, authenticator=checker)
    first = asyncio.run(viewer(asked))
    assert (first.kind, first.language, first.principal) == (Kind.AUDITOR, "en", "u1")
    assert asyncio.run(viewer(asked)) is first is asked.state.viewer and checker.asked == ["good"]


def test_what_merely_stands_where_a_viewer_would_is_none() -> None:
    asked = request(authenticator=Checker())
    asked.state.viewer = "the clerk"
    with pytest.raises(Unauthenticated):
        asyncio.run(viewer(asked))


class Book:
    """Sessions that have ended, and whose requests are counted."""

    def __init__(self, *ended: str) -> None:
        self.ended, self.admitted = ended, list[tuple[Request, Viewer]]()

    def check(self, session: str) -> None:
        if session in self.ended:
            raise Unauthenticated("the session has ended")

    def admit(self, asked: Request, found: Viewer) -> None:
        self.admitted.append((asked, found))


@pytest.mark.parametrize(("session", "goes_on"), [("s1", False), ("s2", True)])
def test_an_ended_session_is_refused_before_it_is_counted(session: str, goes_on: bool) -> None:
    book = Book("s1")
    asked = request({"authorization": "Bearer good"}, authenticator=Checker(sid=session), revocations=book, limits=book)
    if goes_on:
        found = asyncio.run(viewer(asked))
        assert book.admitted == [(asked, found)] and found.session == session
        return
    with pytest.raises(Unauthenticated):
        asyncio.run(viewer(asked))
    assert book.admitted == [] and not hasattr(asked.state, "viewer")


def test_a_viewer_holds_any_of_the_rights_asked_for_or_none_of_them() -> None:
    cashier = viewer_from(claims(kind="cashier"), "zh")
    assert cashier.has(Right.PAYMENTS_SEND) and cashier.has(Right.STUDENTS_READ, Right.PAYMENTS_SEND)
    assert not cashier.has(Right.STUDENTS_READ) and not cashier.has()
    with pytest.raises(FrozenInstanceError):
        cashier.rights = frozenset(Right)  # type: ignore[misc]  # that is what is tried


@pytest.mark.parametrize(("exports", "reveals"), [(False, False), (True, False), (False, True)])
def test_what_is_taken_away_or_shown_in_full_is_noted_before_the_route_answers(exports: bool, reveals: bool) -> None:
    rule = require(Right.PAYMENTS_SEND, exports=exports, reveals=reveals)
    asked = request({"authorization": "Bearer good"}, authenticator=Checker(kind="cashier"))
    found = asyncio.run(rule(asked))
    noted = getattr(asked.state, "disclosure", None)
    assert (noted is not None) is (exports or reveals)
    if noted is not None:
        assert (noted.viewer, noted.exports, noted.reveals) == (found, exports, reveals)
    refused = request({"authorization": "Bearer good"}, authenticator=Checker(kind="auditor"))
    with pytest.raises(Forbidden):
        asyncio.run(rule(refused))
    assert not hasattr(refused.state, "disclosure")


def test_who_has_a_session_and_acts_in_no_post_may_do_nothing_and_is_seen_by_the_whole_division() -> None:
    found = session_viewer("u1", "460106")
    assert (found.principal, found.name, found.kind, found.rights, found.session) == ("u1", "", None, frozenset(), "")
    assert found.scope == Scope(division="460106") and found.language == "zh" and found.expires_at == 0.0


def test_what_a_token_leaves_out_is_empty_and_its_end_is_its_own() -> None:
    found = viewer_from(claims(exp=1234), "en")
    assert (found.post, found.session, found.emergency, found.delegated) == ("", "", "", "")
    assert found.expires_at == 1234.0 and isinstance(found.expires_at, float)
    bare = Viewer("u1", "甲", None, frozenset(), found.scope, "zh", 0.0)
    assert (bare.post, bare.session, bare.emergency, bare.delegated) == ("", "", "", "")
    assert found.emergency_until == bare.emergency_until == 0.0


@pytest.mark.parametrize(("told", "until"), [(1234, 1234.0), (1234.5, 1234.5), ("1234", 0.0), (None, 0.0)])
def test_an_emergency_ends_when_its_token_says(told: object, until: float) -> None:
    found = viewer_from(claims(emergency="e1", emergency_until=told), "zh")
    assert found.emergency == "e1" and found.emergency_until == until and isinstance(found.emergency_until, float)


@pytest.mark.parametrize("length", [40, 41])
def test_a_class_is_written_in_three_parts_of_forty_characters(length: int) -> None:
    for place in range(3):
        parts = ["x" * (length if each == place else 1) for each in range(3)]
        scope = viewer_from(claims(kind="class_teacher", school="S1", **{"class": "/".join(parts)}), "zh").scope
        assert (scope.classroom is not None) is (length == 40)
    assert viewer_from(claims(kind="registrar", school="x" * (length + 24)), "zh").scope.school == (
        "x" * 64 if length == 40 else None
    )


@pytest.mark.parametrize("code", ["46", "4601", "460107", "460107001", "460107001001"])
def test_a_division_is_told_by_each_of_its_levels(code: str) -> None:
    assert viewer_from(claims(kind="auditor", division=code), "zh").scope.division == code
    for odd in (code + "1", "a" + code[1:], code[:-1] + "\n"):
        assert viewer_from(claims(kind="auditor", division=odd), "zh").scope.division is None


def test_a_refusal_says_what_would_have_been_needed_in_both_languages() -> None:
    refused = forbidden(Right.PAYMENTS_SEND, Right.AID_READ)
    assert isinstance(refused, Forbidden) and refused.facts == {"needs": ["aid.read", "payments.send"]}
    assert "岗位" in refused.zh and "post" in refused.en
    plain = require(Right.AID_READ)
    assert plain.rights == (Right.AID_READ,) and not plain.exports and not plain.reveals
    bare = Rule(Right.AID_READ)
    assert not bare.exports and not bare.reveals

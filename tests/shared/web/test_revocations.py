"""Following access's list of ended sessions: from where one left off, kept long enough, and while access is away."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import httpx
import pytest
import structlog

from shared.outgoing.neighbours import async_neighbour_client
from shared.web.authentication import Unauthenticated
from shared.web.revocations import KEPT_SECONDS, PAUSES_SECONDS, REVOCATIONS, WAIT_SECONDS, Revocations

URL = "http://access.test:8001/v1/revocations"


class Access:
    """Answers in turn, then waits for ever; what is an exception is raised instead."""

    def __init__(self, *answers: Any) -> None:
        self.answers, self.asked = list(answers), list[httpx.Request]()
        self.done = asyncio.Event()

    async def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        if not self.answers:
            self.done.set()
            await asyncio.Event().wait()
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer if isinstance(answer, httpx.Response) else httpx.Response(200, json=answer)


def followed(*answers: Any, heard: Callable[[frozenset[str]], None] | None = None) -> tuple[Revocations, Access]:
    """Follow until every answer was given."""

    async def follow() -> tuple[Revocations, Access]:
        access = Access(*answers)
        found = Revocations(URL, transport=httpx.MockTransport(access))
        if heard is not None:
            found.on_ended(heard)
        async with found.part(None):
            await asyncio.wait_for(access.done.wait(), 10)
            assert [task.get_name() for task in asyncio.all_tasks()].count("revocations") == 1
        assert not any(task.get_name() == "revocations" for task in asyncio.all_tasks())
        return found, access

    return asyncio.run(follow())


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """What was waited between questions, in no time."""
    waited: list[float] = []
    sleep = asyncio.sleep

    async def paused(seconds: float) -> None:
        waited.append(seconds)
        await sleep(0)

    monkeypatch.setattr("shared.web.revocations.asyncio.sleep", paused)
    return waited


def ended(found: Revocations, session: str) -> bool:
    try:
        found.check(session)
    except Unauthenticated as refused:
        assert refused.reason == "the session has ended"
        return True
    return False


def test_each_question_goes_on_where_the_last_answer_ended(pauses: list[float]) -> None:
    heard: list[frozenset[str]] = []
    answers = ({"sessions": ["a", "b"], "last": 7}, {"sessions": [], "last": 7}, {"sessions": ["b", "c"], "last": "9"})
    found, access = followed(*answers, heard=heard.append)
    assert [dict(each.url.params) for each in access.asked] == [
        {"after": after, "wait": str(WAIT_SECONDS)} for after in ("0", "7", "7", "9")
    ]
    assert all(str(each.url).startswith(URL + "?") and each.method == "GET" for each in access.asked)
    assert heard == [{"a", "b"}, {"c"}] and pauses == []
    assert [ended(found, each) for each in ("a", "b", "c", "d", "")] == [True, True, True, False, False]
    assert (REVOCATIONS, WAIT_SECONDS) == ("/v1/revocations", 20)


def test_a_session_without_an_id_is_none_that_could_have_ended() -> None:
    found, _ = followed({"sessions": ["", 5], "last": 1})
    assert not ended(found, "") and ended(found, "5")


def test_while_access_is_away_it_is_asked_less_and_less_and_nothing_is_forgotten(pauses: list[float]) -> None:
    bad: list[Any] = [
        httpx.ConnectError("away"),
        httpx.Response(503, json={"sessions": ["z"], "last": 99}),
        httpx.Response(200, text="no json"),
        {"last": 1},
        {"sessions": ["x"], "last": None},
        [],
    ]
    told = {"sessions": ["a"], "last": 3}
    with structlog.testing.capture_logs() as logs:
        found, access = followed(told, *bad, told, httpx.ReadTimeout("late"))
    assert pauses == [0.2, 0.5, 1.0, 2.0, 2.0, 2.0, 0.2] and list(PAUSES_SECONDS) == pauses[:4]
    assert ended(found, "a") and not ended(found, "z") and len(access.asked) == 10
    assert [each.url.params["after"] for each in access.asked] == ["0", *["3"] * 9]
    lost = [{name: each[name] for name in ("event", "log_level", "failure")} for each in logs]
    assert lost == [
        {"event": "revocations_lost", "log_level": "warning", "failure": failure}
        for failure in ("ConnectError", "ReadTimeout")
    ]


def test_that_access_cannot_be_reached_from_the_first_moment_is_said_once(pauses: list[float]) -> None:
    with structlog.testing.capture_logs() as logs:
        followed(httpx.ConnectError("away"), httpx.ConnectError("away"), {"sessions": [], "last": 0})
    assert [each["event"] for each in logs] == ["revocations_lost"] and pauses == [0.2, 0.5]


def test_an_ended_session_is_remembered_for_longer_than_a_token_lives(monkeypatch: pytest.MonkeyPatch) -> None:
    at = [1_000.0]
    monkeypatch.setattr("shared.web.revocations.time.monotonic", lambda: at[0])
    found, heard = Revocations(URL), list[frozenset[str]]()
    found.on_ended(heard.append)
    found._heard({"sessions": ["a"], "last": 1})
    at[0] += KEPT_SECONDS - 1
    found._heard({"sessions": ["b"], "last": 2})
    assert ended(found, "a") and ended(found, "b")
    at[0] += 1.5
    found._heard({"sessions": [], "last": 2})
    assert not ended(found, "a") and ended(found, "b") and heard == [{"a"}, {"b"}]
    assert KEPT_SECONDS == 1_200  # a token lives five minutes, and a clock is borne that is one off


def test_it_waits_longer_than_access_takes_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[tuple[Any, ...]] = []

    def noted(addresses: Any, timeout: httpx.Timeout, **more: Any) -> Any:
        made.append((addresses, timeout.read, timeout.connect, more["connections"], more["kept_alive"]))
        return async_neighbour_client(addresses, timeout, **more)

    monkeypatch.setattr("shared.web.revocations.async_neighbour_client", noted)
    followed({"sessions": [], "last": 0})
    assert made == [([URL], 30, 3.0, 1, 1)]


def test_without_asking_nobody_has_ended_and_everybody_who_listens_hears_of_it() -> None:
    found, first, second = Revocations(URL), list[frozenset[str]](), list[frozenset[str]]()
    assert not ended(found, "a")
    found.on_ended(first.append)
    found.on_ended(second.append)
    found._heard({"sessions": ["a"], "last": 4})
    assert first == second == [{"a"}]

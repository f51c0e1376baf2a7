"""Refusals gathered into bounded events with exact counts; exports and unmasked reads recorded before they leave, or
refused: on a real PostgreSQL, with the store of a real service."""

from __future__ import annotations

import hashlib
import os
import pickle
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID, uuid4

import pytest
from fastapi import APIRouter, Depends
from fastapi.testclient import TestClient
from sqlalchemy.exc import OperationalError
from starlette.responses import FileResponse, Response, StreamingResponse

from services.registry.events import AccessRefused, DataExported, PersonalDataRead
from shared.database.database import Database
from shared.eventsourcing.sealing import unseal
from shared.eventsourcing.store import Command, EventStore, Proposed
from shared.kernel.acts import OTHERS, ActFacts
from shared.kernel.clock import today
from shared.kernel.identifiers import new_event_id
from shared.kernel.refusals import Malformed, NotFound
from shared.standards.rights import Right
from shared.standards.separation import CHANGES_APPROVE
from shared.web import Authenticator, create_app
from shared.web.acts import MINUTES_WAITING, Acts
from shared.web.disclosures import tell, told
from shared.web.gathering import KEPT_A_MINUTE, KEPT_EACH
from shared.web.viewers import Viewer, require
from tests.services.installation import DIVISION, Installation
from tests.shared.web.tokens import AUDIENCE, ISSUER, Ed25519Signer, claims, token
from tests.support.away import away

SIGNER = Ed25519Signer()
NOON = datetime(2026, 11, 28, 4, 0, 5, tzinfo=UTC)
Reader = Annotated[Viewer, Depends(require(Right.STUDENTS_READ))]
Cashier = Annotated[Viewer, Depends(require(Right.PAYMENTS_SEND))]
Taking = Annotated[Viewer, Depends(require(Right.STUDENTS_READ, exports=True))]
Opening = Annotated[Viewer, Depends(require(Right.STUDENTS_READ, reveals=True))]


@dataclass
class Desk:
    """A small service: its events, its web side, and a clock that tests set."""

    installation: Installation
    store: EventStore
    database: Database
    folder: Path
    now: datetime = NOON
    away: bool = False
    http: Any = None
    acts: Any = None
    seen: int = 0

    def fresh(self) -> list[Any]:
        """The facts appended since the last look, in the order of the log."""
        self.installation.sequence()
        entries = self.installation.entries("registry")
        new, self.seen = entries[self.seen :], len(entries)
        return [unseal(entry.logged.event, {}) for entry in new]

    def ask(self, path: str, method: str = "GET", language: str = "zh", **who: Any) -> Any:
        given = {"sub": "teacher-1", "kind": "registrar", "school": "S1", "division": None, **who}
        headers = {"authorization": f"Bearer {token(SIGNER, claims(**given))}", "accept-language": language}
        return self.http.request(method, path, headers=headers)


class _Away:
    """The store as it is while its database is away."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def run(self, *given: Any) -> Any:
        if self._desk.away:
            raise OperationalError("append", {}, Exception("away"))
        return self._desk.store.run(*given)


def routes(desk: Desk) -> APIRouter:
    made = APIRouter(prefix="/v1")

    @made.get("/students")
    def students(_viewer: Reader) -> list[str]:
        return []

    @made.get("/students/{student_id}")
    def one(student_id: UUID, _viewer: Reader) -> str:
        raise NotFound("没有", "none")

    @made.get("/wrong/{number}")
    def wrong(number: int, _viewer: Reader) -> str:
        raise Malformed("不对", "wrong")

    @made.post("/changes/{change_id}/approve")
    def approve(change_id: UUID, viewer: Reader) -> str:
        CHANGES_APPROVE.check(viewer.principal, viewer.principal)
        return ""

    for number in range(KEPT_EACH + 5):
        made.add_api_route(f"/money/{number}", _money, methods=["GET"])

    @made.get("/list.xlsx")
    def sheet(_viewer: Taking, school: str = "", q: str = "") -> Response:
        path = desk.folder / "list.xlsx"
        path.write_bytes(b"rows" * 40_000)
        tell(rows=3, file=path, purpose="核对")
        return FileResponse(path)

    @made.get("/untold.zip")
    def untold(_viewer: Taking) -> Response:
        return Response(b"zip", media_type="application/zip")

    @made.get("/log.ndjson")
    def lines(_viewer: Taking) -> Response:
        return StreamingResponse(iter([b"one\n", b"two\n"]))

    @made.post("/students/{student_id}/reveal")
    def reveal(student_id: UUID, viewer: Opening, forget: bool = False) -> str:
        read = PersonalDataRead(viewer=viewer.principal, student_id=student_id, purpose="核对", fields=("phone",))
        if not forget:
            proposed = [Proposed(uuid4(), 0, read, today())]
            _Away(desk).run(desk.database, Command("p", new_event_id(), b""), lambda _connection: proposed)
        return "13800138000"

    return made


def _money(_viewer: Cashier) -> str:
    return ""


@pytest.fixture(scope="module")
def made(postgres: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    home = tmp_path_factory.mktemp("acts")
    installation = Installation(postgres, home)
    store = installation.bare("registry")
    desk = Desk(installation, store, installation.databases["registry"], home)
    desk.acts = Acts(_Away(desk), desk.database, ActFacts(AccessRefused, DataExported), DIVISION, now=lambda: desk.now)  # type: ignore[arg-type]
    who = Authenticator(issuer=ISSUER, audience=AUDIENCE, jwks={"keys": [SIGNER.jwk]})
    with TestClient(create_app("registry", [routes(desk)], authenticator=who, acts=desk.acts)) as desk.http:
        yield desk
    installation.close()


@pytest.fixture
def desk(made: Desk) -> Iterator[Desk]:
    made.now, made.away = NOON, False
    made.acts.write(None)
    made.fresh()
    yield made
    made.away = False


def test_a_refusal_is_told_with_who_where_what_and_why(desk: Desk) -> None:
    student, change = uuid4(), uuid4()
    assert desk.ask("/v1/money/0").status_code == 403
    assert desk.ask(f"/v1/students/{student}").status_code == 404
    assert desk.ask(f"/v1/changes/{change}/approve", "POST", emergency="e-1").status_code == 409
    assert desk.http.get("/v1/students", headers={"authorization": "Bearer forged"}).status_code == 401
    assert desk.ask("/v1/wrong/3").status_code == 422 and desk.ask("/v1/nowhere").status_code == 404
    assert desk.fresh() == [], "a refused request waits for no event"
    desk.acts.write(desk.now + timedelta(minutes=1))
    facts = {fact.reason: fact for fact in desk.fresh()}
    assert set(facts) == {"forbidden", "not_found", "second_person_needed", "unauthenticated"}
    by = facts["forbidden"]
    assert (by.viewer, by.kind, by.method, by.route, by.times) == ("teacher-1", "registrar", "GET", "/v1/money/0", 1)
    assert (by.school_code, by.division_code, by.first_at, by.last_at) == ("S1", None, NOON, NOON)
    assert (facts["not_found"].students, facts["not_found"].route) == ((student,), "/v1/students/{student_id}")
    assert facts["second_person_needed"].records == (change,) and facts["second_person_needed"].emergency == "e-1"
    nobody = facts["unauthenticated"]
    assert (nobody.viewer, nobody.division_code) == (None, DIVISION), "who oversees the whole sees it"


def test_ten_thousand_refusals_are_few_events_and_none_is_lost(desk: Desk) -> None:
    for number in range(10_000):
        desk.now = NOON + timedelta(milliseconds=11 * number)  # two minutes
        if number % 20 == 0:
            assert desk.ask(f"/v1/students/{uuid4()}", sub=f"p{number % 3}").status_code == 404
        else:
            request = _Request(f"/v1/{number % 977}", {"record_id": str(uuid4())})
            desk.acts.refused(request, NotFound("没有", "none"))
    desk.acts.write(None)
    facts = desk.fresh()
    assert sum(fact.times for fact in facts) == 10_000
    assert len(facts) <= 2 * (3 + KEPT_EACH + 1), "an attacker's thousand routes are one person's bound"
    assert {fact.viewer for fact in facts} == {None, "p0", "p1", "p2"}, "and push nobody else's out"
    assert all(len(fact.records) <= 10 for fact in facts)
    rest = [fact for fact in facts if fact.reason == OTHERS]
    assert len(rest) == 2 and all(fact.viewer is None and not fact.route for fact in rest)


def test_many_people_at_once_are_bounded_too(desk: Desk) -> None:
    for number in range(3 * KEPT_A_MINUTE):
        request = _Request("/v1/money/0", {})
        request.state.viewer = _viewer(f"p{number}")
        desk.acts.refused(request, CHANGES_APPROVE.refusal())
    assert desk.acts.write(None) <= KEPT_A_MINUTE + 1
    assert sum(fact.times for fact in desk.fresh()) == 3 * KEPT_A_MINUTE


def test_refusals_wait_for_a_store_that_is_away_and_are_written_once(desk: Desk) -> None:
    desk.away = True
    for minute in range(MINUTES_WAITING + 5):
        desk.now = NOON + timedelta(minutes=minute)
        assert desk.ask("/v1/money/0").status_code == 403, "a refusal needs no store"
        with pytest.raises(OperationalError):
            desk.acts.write(desk.now + timedelta(minutes=1))
    desk.away = False
    desk.acts.write(None)
    desk.acts.write(None)
    facts = desk.fresh()
    assert sum(fact.times for fact in facts) == MINUTES_WAITING + 5
    assert sum(fact.times for fact in facts if fact.reason == OTHERS) == 5


def test_a_file_leaves_after_its_event_with_digest_rows_and_masked_conditions(desk: Desk) -> None:
    answer = desk.ask("/v1/list.xlsx?school=S1&q=张三&limit=5&13800138000=1")
    (fact,) = desk.fresh()
    assert answer.status_code == 200 and hashlib.sha256(answer.content).hexdigest() == fact.sha256
    assert (fact.viewer, fact.route, fact.phase) == ("teacher-1", "GET /v1/list.xlsx", "given")
    assert (fact.rows, fact.size, fact.purpose, fact.school_code) == (3, len(answer.content), "核对", "S1")
    assert fact.filters == ("q=***", "school=S1")
    assert "138" not in repr(told({"school": "13800138000", "list": "460001201401010011"}))


def test_a_route_that_tells_nothing_is_recorded_all_the_same(desk: Desk) -> None:
    answer = desk.ask("/v1/untold.zip")
    (fact,) = desk.fresh()
    assert (fact.phase, fact.sha256, fact.size) == ("given", hashlib.sha256(answer.content).hexdigest(), 3)


def test_what_is_made_while_it_is_sent_is_recorded_at_both_ends(desk: Desk) -> None:
    answer = desk.ask("/v1/log.ndjson")
    first, last = desk.fresh()
    assert (first.phase, first.sha256, last.phase) == ("begun", None, "ended")
    assert first.export_id == last.export_id and last.sha256 == hashlib.sha256(answer.content).hexdigest()


@pytest.mark.parametrize("path", ["/v1/list.xlsx", "/v1/untold.zip", "/v1/log.ndjson"])
def test_without_an_event_there_is_no_export(desk: Desk, path: str) -> None:
    desk.away = True
    answer = desk.ask(path)
    assert answer.status_code == 503 and answer.json()["code"] == "not_recorded"
    assert "content-disposition" not in answer.headers and desk.fresh() == []


def test_fields_in_full_are_shown_only_after_the_read_is_recorded(desk: Desk) -> None:
    path = f"/v1/students/{uuid4()}/reveal"
    assert desk.ask(path, "POST").text == '"13800138000"'
    assert [type(fact) for fact in desk.fresh()] == [PersonalDataRead]
    forgotten = desk.ask(f"{path}?forget=true", "POST")
    assert forgotten.status_code == 503 and "138" not in forgotten.text and desk.fresh() == []


@pytest.mark.parametrize("language, said", [("zh", "暂时无法读写"), ("en", "for the moment")])
def test_a_read_in_full_that_a_lost_database_does_not_take_is_an_answer_to_come_back(
    desk: Desk, language: str, said: str
) -> None:
    path = f"/v1/students/{uuid4()}/reveal"
    with away(desk.database):
        answer = desk.ask(path, "POST", language)
    assert answer.status_code == 503 and "138" not in answer.text and desk.fresh() == []
    assert answer.headers["content-type"] == "application/problem+json" and int(answer.headers["retry-after"]) > 0
    told = answer.json()
    assert (told["code"], answer.headers["content-language"]) == ("unavailable", language) and said in told["detail"]
    assert desk.ask(path, "POST").text == '"13800138000"' and len(desk.fresh()) == 1
    described = desk.http.get("/openapi.json").json()
    answers = described["paths"]["/v1/students/{student_id}/reveal"]["post"]["responses"]
    assert answers["503"] == {"$ref": "#/components/responses/Refused503"}
    assert "Retry-After" in described["components"]["responses"]["Refused503"]["headers"]


def test_a_file_that_a_lost_database_does_not_record_is_an_answer_to_come_back(desk: Desk) -> None:
    with away(desk.database):
        answer = desk.ask("/v1/list.xlsx")
    assert (answer.status_code, answer.json()["code"]) == (503, "not_recorded") and answer.headers["retry-after"]
    assert "登记" in answer.json()["detail"] and desk.ask("/v1/list.xlsx").status_code == 200


def test_a_killed_process_loses_the_open_minute_of_refusals_and_no_export(desk: Desk) -> None:
    left = desk.folder / "left"
    environment = {**os.environ, "ROLLCALL_FAILPOINT": "append.committed:2", "ROLLCALL_ENV": "test"}
    child = subprocess.Popen(
        [sys.executable, "-m", "tests.shared.web.acts_process"],
        cwd=Path(__file__).resolve().parents[3],
        env=environment,
        stdin=subprocess.PIPE,
    )
    try:
        child.communicate(pickle.dumps((desk.installation.settings("registry"), left)), timeout=60)
    finally:
        child.kill()
        child.wait(timeout=30)
    assert child.returncode == -signal.SIGKILL and not left.exists(), "killed between the event and the first byte"
    refused, given = desk.fresh()
    assert (refused.times, given.phase, given.rows) == (3, "given", 3)


class _Request:
    """As much of a request as a refusal is counted by."""

    method = "GET"

    def __init__(self, route: str, path_params: dict[str, str]) -> None:
        self.scope = {"route": type("Route", (), {"path": route})}
        self.path_params, self.state = path_params, type("State", (), {})()


def _viewer(principal: str) -> Viewer:
    from shared.web.viewers import viewer_from

    return viewer_from({"sub": principal, "kind": "registrar", "school": "S1", "exp": 0}, "zh")

"""The roster over HTTP: who may read what, live rows, and a sheet."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID

import pytest
from starlette.testclient import TestClient

from services.matching import app
from services.matching.events import EntryUnmatched, LinkConfirmed, ReviewOpened
from services.registry.events import StudentEnrolled, StudentPersonal
from shared.web.application import create_app
from shared.web.authentication import Authenticator
from shared.web.live import SseHub
from tests.services.installation import DIVISION, Installation
from tests.shared.web import tokens

TERM = date(2024, 9, 1)
FIRST, SECOND = UUID(int=11), UUID(int=12)
LINKED, DOUBTED, MISSING = UUID(int=21), UUID(int=22), UUID(int=23)


class Desk(NamedTuple):
    """The application, and a way to ask as somebody."""

    client: TestClient
    signer: tokens.Ed25519Signer

    def get(self, path: str, kind: str | None = None, **claims: Any) -> Any:
        if kind is None:
            return self.client.get(path)
        place = {"division": DIVISION[:4]} | claims
        token = tokens.token(self.signer, tokens.claims(kind=kind, **place))
        return self.client.get(path, headers={"authorization": f"Bearer {token}", "accept-language": "zh"})


def _decided(entry: UUID, **more: Any) -> dict[str, Any]:
    given: dict[str, Any] = {"entry_id": entry, "list": "poverty", "agency": "poverty_office", "score": 0.5}
    return given | {"model": "ladder-1", "rule": "", "division_code": DIVISION} | more


@pytest.fixture(scope="module")
def desk(postgres: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    installation = Installation(postgres, tmp_path_factory.mktemp("matching-api"))
    installation.bare("registry")
    service = installation.start(app.build(installation.settings("matching")))
    for student, name, school in ((FIRST, "林小燕", "S1"), (SECOND, "符大海", "S2")):
        personal = StudentPersonal(person_id=student, name=name)
        fact = StudentEnrolled(school_code=school, division_code=f"{DIVISION}101", personal=personal)
        installation.append("registry", student, fact, TERM)
    link = _decided(LINKED, student_id=FIRST, reason="number_and_name_agree", school_code="S1")
    review = _decided(DOUBTED, candidates=(SECOND,), reason="name_differs", school_code="S2")
    missing = _decided(MISSING, state="not_in_register", school_age=True, reason="not_found")
    installation.append("matching", UUID(int=31), LinkConfirmed(**link), TERM)
    installation.append("matching", UUID(int=32), ReviewOpened(**review), TERM)
    installation.append("matching", UUID(int=33), EntryUnmatched(**missing), TERM)
    installation.pump()
    signer = tokens.Ed25519Signer()
    keys = {"keys": [signer.jwk]}
    hub = SseHub(service.database.app_conninfo)
    made = create_app(
        "matching",
        service.routers,
        authenticator=Authenticator(issuer=tokens.ISSUER, audience=tokens.AUDIENCE, jwks=keys),
        database=service.database,
        parts=[hub.part],
        state={"hub": hub},
    )
    with TestClient(made) as client:
        yield Desk(client, signer)
    installation.close()


def test_a_clerk_sees_the_roster_with_masked_names(desk: Desk) -> None:
    answer = desk.get("/v1/roster", "aid_clerk")
    assert answer.status_code == 200 and answer.headers["change-position"]
    (row,) = answer.json()["items"]
    assert (row["student_id"], row["name"], row["category"]) == (str(FIRST), "林*燕", "registered_poor")
    assert "林小燕" not in answer.text


def test_a_school_sees_its_own_students_and_no_other(desk: Desk) -> None:
    assert [row["student_id"] for row in desk.get("/v1/roster", "registrar", school="S1").json()["items"]] == [
        str(FIRST)
    ]
    assert desk.get("/v1/roster", "registrar", school="S2").json()["items"] == []
    assert desk.get("/v1/roster?school=S1", "registrar", school="S2").json()["items"] == []
    assert [row["entry_id"] for row in desk.get("/v1/reviews", "registrar", school="S2").json()["items"]] == [
        str(DOUBTED)
    ]
    assert desk.get("/v1/reviews", "registrar", school="S1").json()["items"] == []


def test_an_agency_sees_its_rows_and_not_the_roster(desk: Desk) -> None:
    own = desk.get("/v1/unmatched", "agency_publisher", agency="poverty_office")
    assert [row["entry_id"] for row in own.json()["items"]] == [str(MISSING)]
    assert desk.get("/v1/unmatched", "agency_publisher", agency="civil_affairs").json()["items"] == []
    assert desk.get("/v1/roster", "agency_publisher", agency="poverty_office").status_code == 403


def test_a_students_categories_over_time_for_who_may_see_her(desk: Desk) -> None:
    path = f"/v1/students/{FIRST}/categories"
    viewers: list[tuple[str, dict[str, str]]] = [("aid_clerk", {}), ("auditor", {}), ("registrar", {"school": "S1"})]
    for role, place in viewers:
        told = desk.get(f"{path}?true_on=2025-01-01", role, **place).json()
        (span,) = told["items"]
        assert (span["valid_from"], span["valid_to"], span["category"]) == (str(TERM), None, "registered_poor")
        assert span["on_day"] and [each["entry_id"] for each in span["evidence"]] == [str(LINKED)]
    assert not desk.get(f"{path}?true_on=2024-08-31", "aid_clerk").json()["items"][0]["on_day"]
    assert desk.get(path, "registrar", school="S2").status_code == 404
    assert desk.get(path, "agency_publisher", agency="poverty_office").status_code == 403
    assert desk.get(path).status_code == 401
    assert desk.get(f"/v1/students/{SECOND}/categories", "aid_clerk").json()["items"] == []
    proof = f"/v1/evidence?student_id={FIRST}&student_id={SECOND}"
    (row,) = desk.get(proof, "registrar", school="S1").json()["items"]
    assert (row["student_id"], row["entry_id"], row["list"]) == (str(FIRST), str(LINKED), "poverty")
    assert row["list_dated"] == str(TERM) and row["list_age_days"] >= 0
    assert desk.get(proof, "registrar", school="S2").json()["items"] == []
    assert desk.get(proof, "agency_publisher", agency="poverty_office").status_code == 403


@pytest.mark.parametrize(
    "path", ["/v1/roster", "/v1/roster/summary", "/v1/reviews", "/v1/unmatched", "/v1/roster.xlsx"]
)
def test_nobody_reads_without_a_token(desk: Desk, path: str) -> None:
    assert desk.get(path).status_code == 401


def test_counts_balance_to_the_rows(desk: Desk) -> None:
    summary = desk.get("/v1/roster/summary", "aid_clerk").json()
    assert sum(summary["states"].values()) == 3
    assert summary["by_list"] == {"poverty": {"linked": 1, "review": 1, "not_in_register": 1}}
    assert (summary["categories"]["registered_poor"], summary["unenrolled_listed"]) == (1, 1)


def test_a_review_names_its_candidates_and_says_why(desk: Desk) -> None:
    (row,) = desk.get("/v1/reviews", "aid_clerk").json()["items"]
    assert row["explanation"] == "身份证号一致但姓名不同,请核对"
    assert [(each["student_id"], each["name"]) for each in row["candidates"]] == [(str(SECOND), "符*海")]


def test_unmatched_rows_can_be_narrowed_to_children_nobody_has(desk: Desk) -> None:
    for query, expected in (("state=not_in_register&school_age=true", [str(MISSING)]), ("state=rejected", [])):
        answer = desk.get(f"/v1/unmatched?{query}", "aid_clerk")
        assert [row["entry_id"] for row in answer.json()["items"]] == expected


def test_the_roster_of_a_day_before_anything_is_empty(desk: Desk) -> None:
    assert desk.get("/v1/roster?true_on=2020-01-01", "aid_clerk").json() == {"items": [], "next": None}
    assert desk.get("/v1/roster?true_on=yesterday", "aid_clerk").status_code == 422


def test_the_sheet_is_a_workbook_of_what_the_viewer_may_see(desk: Desk, tmp_path: Path) -> None:
    from python_calamine import CalamineWorkbook

    for school, count in (("S1", 1), ("S2", 0)):
        answer = desk.get("/v1/roster.xlsx", "registrar", school=school)
        assert answer.headers["content-type"].endswith("spreadsheetml.sheet")
        (tmp_path / "roster.xlsx").write_bytes(answer.content)
        rows = CalamineWorkbook.from_path(str(tmp_path / "roster.xlsx")).get_sheet_by_index(0).to_python()
        assert len(rows) == 1 + count

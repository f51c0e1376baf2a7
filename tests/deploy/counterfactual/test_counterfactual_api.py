"""A counterfactual over HTTP: asked by who may, answered a while later, each reader shown their part, all of it
recorded."""

from __future__ import annotations

import base64
import time
from collections.abc import Iterator
from datetime import timedelta
from io import BytesIO
from typing import Any
from uuid import UUID, uuid4

import pytest
from python_calamine import CalamineWorkbook
from starlette.testclient import TestClient

from services.audit.events import CounterfactualAsked, CounterfactualRead
from shared.eventsourcing.sealing import unseal
from shared.web.application import create_app
from shared.web.authentication import Authenticator
from tests.deploy.counterfactual.town import AUTUMN, BOARDER, DAY_PUPIL, Town
from tests.services.installation import DIVISION
from tests.services.registry.office import SCHOOLS
from tests.shared.web import tokens

PATH = "/v1/counterfactuals"
WAIT_SECONDS = 60.0


class Desk:
    """Audit's application, and people who ask it."""

    def __init__(self, town: Town, client: TestClient, signer: Any) -> None:
        self.town, self._client, self._signer = town, client, signer

    def ask(self, method: str, path: str = "", *, by: str = "auditor", kind: str = "auditor", **more: Any) -> Any:
        place = more.pop("place", {"division": DIVISION[:4]})
        token = tokens.token(self._signer, tokens.claims(sub=by, kind=kind, **place))
        headers = {"authorization": f"Bearer {token}", "idempotency-key": str(more.pop("key", uuid4()))}
        return self._client.request(method, PATH + path, headers=headers, **more)

    def begun(self, *changes: dict[str, Any], **more: Any) -> str:
        answer = self.ask("POST", json={"changes": changes} | more.pop("body", {}), **more)
        assert answer.status_code == 200, answer.text
        return str(answer.json()["counterfactual_id"])

    def ended(self, counterfactual_id: str, **more: Any) -> dict[str, Any]:
        deadline = time.monotonic() + WAIT_SECONDS
        while time.monotonic() < deadline:
            one: dict[str, Any] = self.ask("GET", f"/{counterfactual_id}", **more).json()
            if one["state"] not in ("waiting", "running"):
                return one
            time.sleep(0.05)
        raise AssertionError(f"still {one['state']}")

    def recorded(self, fact: type[Any]) -> list[Any]:
        """Facts of this kind in audit's own log."""
        self.town.installation.sequence()
        facts = [unseal(entry.logged.event, {}) for entry in self.town.installation.entries("audit")]
        return [each for each in facts if isinstance(each, fact)]


@pytest.fixture(scope="module")
def desk(town: Town) -> Iterator[Desk]:
    signer = tokens.Ed25519Signer()
    made = create_app(
        "audit",
        town.audit.routers,
        authenticator=Authenticator(issuer=tokens.ISSUER, audience=tokens.AUDIENCE, jwks={"keys": [signer.jwk]}),
        database=town.audit.database,
    )
    with TestClient(made) as client:
        yield Desk(town, client, signer)


@pytest.fixture(scope="module")
def left_out(desk: Desk) -> str:
    """What an auditor of the first township asked: her own."""
    change = {"what": "leave_out", "submission": str(desk.town.sent[0])}
    key = uuid4()
    asked = desk.begun(change, by="lin", key=key, place={"division": f"{DIVISION[:4]}01"})
    assert desk.begun(change, by="lin", key=key, place={"division": f"{DIVISION[:4]}01"}) == asked
    assert desk.ended(asked, by="lin", place={"division": f"{DIVISION[:4]}01"})["state"] == "done"
    return asked


def test_each_reader_sees_the_rows_and_sums_of_their_own_part(desk: Desk, left_out: str) -> None:
    whole = desk.ask("GET", f"/{left_out}/answer").json()
    assert (whole["clean"], whole["count"], len(whole["schools"])) == (True, 6, 2)
    assert sum(each["less_fen"] for each in whole["schools"]) == 5 * BOARDER + DAY_PUPIL
    assert {row["term"] for row in whole["children"]} == {AUTUMN}  # the snapshot of the spring brings them all
    assert any("nothing to pay" in note for note in whole["notes"])
    own = {"division": "469001"}
    part = desk.ask("GET", f"/{left_out}/answer", by="lin", place=own).json()
    codes = {row["school_code"] for row in part["children"]}
    assert codes == {each.school_code for each in SCHOOLS if each.division_code == "469001"}


def test_a_school_asks_and_sees_its_own_children_only(desk: Desk) -> None:
    """One that asked the same before, by another command, is none of hers."""
    school: dict[str, Any] = {"by": "principal", "kind": "principal", "place": {"school": SCHOOLS[1].school_code}}
    asked = desk.begun({"what": "leave_out", "submission": str(desk.town.sent[0])}, **school)
    assert desk.ended(asked, **school)["state"] == "done"
    mine = desk.ask("GET", f"/{asked}/answer", **school).json()
    assert [(row["real_fen"], row["would_fen"], row["paid_fen"]) for row in mine["children"]] == [
        (DAY_PUPIL, 0, DAY_PUPIL)
    ]
    assert [each["less_fen"] for each in mine["agencies"]] == [DAY_PUPIL]
    assert [each["counterfactual_id"] for each in desk.ask("GET", **school).json()["items"]] == [asked]


def test_who_has_no_part_or_another_role_is_shown_nothing(desk: Desk, left_out: str) -> None:
    for kind, place, status in (
        ("auditor", {"division": None}, 403),
        ("reviewer", {"division": DIVISION[:4]}, 403),
        ("agency_publisher", {"agency": "poverty_office"}, 403),
        ("auditor", {"division": "469002"}, 404),
        ("principal", {"division": None, "school": SCHOOLS[0].school_code}, 404),
    ):
        answer = desk.ask("GET", f"/{left_out}/answer", by="stranger", kind=kind, place=place)
        assert answer.status_code == status, (kind, place, answer.text)
    assert desk.ask("GET", "", by="stranger", place={"division": "469002"}).json()["items"] == []
    refused = desk.ask(
        "POST",
        by="stranger",
        place={"division": None},
        json={"changes": [{"what": "leave_out", "submission": str(UUID(int=1))}]},
    )
    assert refused.status_code == 403


def test_the_workbook_has_what_is_shown_and_lines_to_sign(desk: Desk, left_out: str) -> None:
    answer = desk.ask("GET", f"/{left_out}/sheet")
    book = CalamineWorkbook.from_filelike(BytesIO(answer.content))
    assert book.sheet_names == [
        "推演 counterfactual",
        "按学校 schools",
        "按单位 agencies",
        "按学生 children",
        "依据 evidence",
    ]
    children = book.get_sheet_by_name("按学生 children").to_python()
    assert sorted(row[9] for row in children[1:]) == [*[-625.0] * 5, -312.5]
    assert {row[11] for row in children[1:]} == {"该名单未曾报送"}
    cover = [row[0] for row in book.get_sheet_by_name("推演 counterfactual").to_python()]
    assert {"提问人 asked by", "复算核对 control", "改动 change 1"} <= set(cover)
    assert len(book.get_sheet_by_name("依据 evidence").to_python()) > 4


def test_asking_and_reading_are_recorded(desk: Desk, left_out: str) -> None:
    (asked,) = (each for each in desk.recorded(CounterfactualAsked) if str(each.counterfactual_id) == left_out)
    assert (asked.asked_by, asked.changes, asked.division_code) == ("lin", ("leave_out",), "469001")
    before = len(desk.recorded(CounterfactualRead))
    desk.ask("GET", f"/{left_out}")  # how far it is says nothing of anybody
    desk.ask("GET", f"/{left_out}/sheet", by="wu")
    (read,) = desk.recorded(CounterfactualRead)[before:]
    assert (read.viewer, read.rows, read.form, read.division_code) == ("wu", 6, "xlsx", DIVISION[:4])


def test_a_moment_or_changes_that_cannot_be_are_refused_with_every_reason(desk: Desk) -> None:
    town = desk.town
    change = {"what": "leave_out", "submission": str(town.sent[0])}
    late = (town.known_at() + timedelta(days=1)).isoformat()
    for body, code in (
        ({"changes": [change], "known_at": late}, "not_yet_closed"),
        ({"changes": [change], "known_at": "2020-01-01T00:00:00Z"}, "before_first_event"),
        ({"changes": [change, change]}, "changes_refused"),
        ({"changes": [{"what": "move"}, {"what": "forget"}]}, "changes_refused"),
        ({"changes": [change | {"what": "replace", "file": "lost.xlsx"}]}, "changes_refused"),
    ):
        answer = desk.ask("POST", json=body)
        assert answer.status_code in (409, 422) and answer.json()["code"] == code, answer.text
    file = base64.b64encode(b"no workbook at all").decode()
    unread = desk.begun(change | {"what": "replace", "file": "x.xlsx"}, body={"files": {"x.xlsx": file}})
    ended = desk.ended(unread)
    assert ended["state"] == "refused" and ended["wrong"]["facts"]["wrong"][0].startswith("change 1: x.xlsx")
    assert desk.ask("GET", f"/{unread}/answer").json()["code"] == "not_done_yet"

"""A case over HTTP: masked until a read is recorded, ruled on with a version, undone, and left to a second person."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any
from uuid import UUID, uuid4

import pytest
from starlette.testclient import TestClient

from services.matching import app
from services.matching.events import ReviewRead
from services.matching.outcome import STATES_ZH
from services.matching.streams import Streams
from services.registry.events import EntryPersonal, ListEntryAdded, SchoolRegistered, StudentEnrolled, StudentPersonal
from shared.eventsourcing.sealing import unseal
from shared.kernel.clock import today
from shared.web.application import create_app
from shared.web.authentication import Authenticator
from shared.web.live import SseHub
from tests.services.installation import DIVISION, Installation
from tests.services.matching.test_deciding import A, B, Matching, born_on, decider_of, settle
from tests.shared.web import tokens

TERM = date(2024, 9, 1)
CHILD, TWIN, OTHER = (UUID(int=number) for number in (11, 12, 13))
DOUBTED, SHARED, PLAIN, LOST, STRANGER, ADULT = (UUID(int=number) for number in range(21, 27))
SENT, HOUSEHOLD = UUID(int=41), UUID(int=42)
SLIP = A[:-1] + ("1" if A[-1] != "1" else "2")
ADULT_NUMBER = "11010519491231002X"


class Desk:
    """The application with its decider, and people who ask it."""

    def __init__(self, installation: Installation, matching: Matching, client: TestClient, signer: Any) -> None:
        self.installation, self.matching, self.client, self.signer = installation, matching, client, signer

    def ask(self, method: str, path: str, *, by: str = "clerk", role: str = "reviewer", **more: Any) -> Any:
        place = more.pop("place", {"division": DIVISION[:4]})
        token = tokens.token(self.signer, tokens.claims(sub=by, kind=role, **place))
        headers = {"authorization": f"Bearer {token}", "accept-language": more.pop("language", "zh")}
        if method != "GET":
            headers["idempotency-key"] = str(more.pop("key", uuid4()))
        if (version := more.pop("version", None)) is not None:
            headers["if-match"] = f'"{version}"'
        return self.client.request(method, "/v1" + path, headers=headers, **more)

    def case(self, entry: UUID, **more: Any) -> Any:
        answer = self.ask("GET", f"/reviews/{entry}", **more)
        assert answer.status_code == 200, answer.text
        assert answer.headers["etag"] == f'"{answer.json()["version"]}"'
        return answer.json()

    def rule(self, entry: UUID, verdict: str, *students: UUID, **more: Any) -> Any:
        body = {"verdict": verdict, "students": [str(each) for each in students]}
        if "evidence" in more:
            body["evidence"] = more.pop("evidence")
        return self.ask("POST", f"/reviews/{entry}/ruling", json=body, **more)

    def undo(self, entry: UUID, **more: Any) -> Any:
        return self.ask("DELETE", f"/reviews/{entry}/ruling", **more)

    def settle(self) -> None:
        settle(self.installation, self.matching)


def listed(stream: UUID, name: str, number: str | None, **fields: Any) -> ListEntryAdded:
    personal = EntryPersonal(
        person_id=stream,
        name=name,
        id_number=number,
        id_text=fields.pop("id_text", None),
        birth_date=born_on(number) if number else None,
        guardian_name="林大山",
    )
    given: dict[str, Any] = {"agency": "poverty_office", "list": "poverty", "division_code": DIVISION}
    given |= {"submission_id": SENT, "row": stream.int - 20, "school_code": "S1"} | fields
    return ListEntryAdded(**given, personal=personal)


ROWS = {
    DOUBTED: listed(DOUBTED, "林小雁", A, household_key=HOUSEHOLD),
    SHARED: listed(SHARED, "王芳", B),
    PLAIN: listed(PLAIN, "林小燕", A, household_key=HOUSEHOLD),
    LOST: listed(LOST, "林小燕", None, id_text=SLIP, number_problem="check_digit"),
    STRANGER: listed(STRANGER, "符大海", A[:6] + "20140202" + "0010", number_problem=None),
    ADULT: listed(ADULT, "陈老", ADULT_NUMBER),
}


@pytest.fixture
def desk(installation: Installation) -> Iterator[Desk]:
    installation.bare("registry")
    settings = installation.settings("matching")
    service = installation.start(app.build(settings))
    deciding = decider_of(service, Streams(settings.hmac_key))
    installation.open_day(service, today())
    school = SchoolRegistered(school_code="S1", name="第一小学", division_code=DIVISION)
    installation.append("registry", UUID(int=1), school, TERM)
    for student, name, number in ((CHILD, "林小燕", A), (TWIN, "王芳", B), (OTHER, "王方", B)):
        personal = StudentPersonal(
            person_id=student, name=name, id_number=number, sex="female", birth_date=born_on(number),
            guardian_name="林大山", guardian_id=ADULT_NUMBER,
        )  # fmt: skip
        fact = StudentEnrolled(school_code="S1", division_code=f"{DIVISION}101", grade="5", personal=personal)
        installation.append("registry", student, fact, TERM)
    for entry, row in ROWS.items():
        installation.append("registry", entry, row, TERM)
    signer, hub = tokens.Ed25519Signer(), SseHub(service.database.app_conninfo)
    made = create_app(
        "matching",
        service.routers,
        authenticator=Authenticator(issuer=tokens.ISSUER, audience=tokens.AUDIENCE, jwks={"keys": [signer.jwk]}),
        database=service.database,
        parts=[hub.part],
        state={"hub": hub},
    )
    with TestClient(made) as client:
        found = Desk(installation, Matching(service, deciding), client, signer)
        found.settle()
        yield found


def test_a_case_shows_the_row_beside_its_candidate_and_names_nobody(desk: Desk) -> None:
    answer = desk.ask("GET", f"/reviews/{DOUBTED}")
    case = answer.json()
    for secret in ("林小燕", "林小雁", "林大山", A, ADULT_NUMBER, str(born_on(A))):
        assert secret not in answer.text
    (candidate,) = case["candidates"]
    fields = {each["field"]: each for each in candidate["fields"]}
    assert fields["name"]["row"] == {"text": "林*雁", "spans": [[2, 3]]}
    assert fields["name"]["student"] == {"text": "林*燕", "spans": [[2, 3]]}
    assert (fields["id_number"]["agrees"], fields["name"]["agrees"]) == (True, False)
    assert (fields["school"]["row"]["text"], fields["school"]["agrees"]) == ("第一小学", True)
    assert case["decoded"]["birth_date"] == f"{born_on(A).year}-**-**" and case["decoded"]["check"] is True
    assert [(each["list"], each["name"]) for each in case["household"]] == [("poverty", "林*燕")]
    assert {each["student_id"] for each in candidate["household"]} == {str(TWIN), str(OTHER)}
    waterfall = candidate["waterfall"]
    assert len(waterfall["parts"]) > 3
    assert abs(sum(part["weight"] for part in waterfall["parts"]) - waterfall["total"]) < 1e-9
    assert (case["state"], case["rule"], case["reason"]) == ("review", "R2", "number_several_names")
    assert [each["type"] for each in case["history"]] == ["ReviewOpened"]


def test_the_full_fields_come_after_a_recorded_read_only(desk: Desk) -> None:
    for purpose in ("?", "核对 4690802015030400"):
        assert desk.ask("POST", f"/reviews/{DOUBTED}/reveal", json={"purpose": purpose}).status_code == 422
    answer = desk.ask("POST", f"/reviews/{DOUBTED}/reveal", json={"purpose": "核对名单与学籍"})
    (candidate,) = answer.json()["candidates"]
    fields = {each["field"]: each for each in candidate["fields"]}
    assert fields["name"]["row"]["text"] == "林小雁" and fields["id_number"]["student"]["text"] == A
    assert answer.json()["decoded"]["birth_date"] == str(born_on(A))
    desk.installation.pump()
    reads = [
        fact
        for entry in desk.installation.entries("matching")
        if isinstance(fact := unseal(entry.logged.event, {}), ReviewRead)
    ]
    assert [(read.viewer, read.entry_id, read.students, read.purpose) for read in reads] == [
        ("clerk", DOUBTED, (CHILD,), "核对名单与学籍")
    ]
    one = desk.ask("POST", f"/reviews/{DOUBTED}/reveal", json={"purpose": "只看姓名就够", "fields": ["name"]})
    assert "林小雁" in one.text and A not in one.text
    for role in ("auditor", "aid_clerk", "principal"):
        body = {"purpose": "核对名单与学籍"}
        assert desk.ask("POST", f"/reviews/{DOUBTED}/reveal", json=body, role=role).status_code == 403


def test_a_ruling_decides_the_row_and_its_undo_brings_the_review_back(desk: Desk) -> None:
    before = desk.case(DOUBTED)
    key = uuid4()
    done = desk.rule(DOUBTED, "must_link", CHILD, version=before["version"], evidence=before["evidence"], key=key)
    assert done.status_code == 200 and done.json()["version"] == 1
    desk.settle()
    linked = desk.case(DOUBTED)
    assert (linked["state"], linked["rule"], linked["reason"]) == ("linked", "R0", "ruled_same")
    assert (linked["candidates"][0]["ruled"], linked["ruled_by"]) == ("must_link", ["clerk"])
    again = desk.rule(DOUBTED, "must_link", CHILD, version=before["version"], evidence=before["evidence"], key=key)
    assert again.json() == done.json()
    assert desk.undo(DOUBTED, version=1).status_code == 200
    desk.settle()
    after = desk.case(DOUBTED)
    assert {name: after[name] for name in ("state", "rule", "reason", "candidates", "evidence")} == {
        name: before[name] for name in ("state", "rule", "reason", "candidates", "evidence")
    }
    assert [(each["type"], each["by"]) for each in after["history"]] == [
        ("ReviewOpened", None), ("LinkWithdrawn", None), ("RulingWithdrawn", "clerk"),
        ("LinkConfirmed", None), ("RowRuled", "clerk"), ("ReviewOpened", None),
    ]  # fmt: skip
    assert desk.undo(DOUBTED).json()["code"] == "nothing_to_withdraw"


def test_who_read_an_older_version_or_other_evidence_is_told_so(desk: Desk) -> None:
    case = desk.case(DOUBTED)
    assert desk.rule(DOUBTED, "nobody", evidence="0" * 32).json()["code"] == "evidence_changed"
    assert desk.rule(DOUBTED, "nobody", version=0, evidence=case["evidence"]).status_code == 200
    stale = desk.rule(DOUBTED, "must_link", CHILD, version=0)
    assert (stale.status_code, stale.json()["code"]) == (412, "stale")
    assert desk.undo(DOUBTED, version=0).status_code == 412


def test_a_ruling_names_whom_it_is_about(desk: Desk) -> None:
    for verdict, students in (
        ("must_link", ()),
        ("must_link", (CHILD, TWIN)),
        ("cannot_link", ()),
        ("nobody", (CHILD,)),
    ):
        assert desk.rule(DOUBTED, verdict, *students).status_code == 422, verdict
    assert desk.rule(DOUBTED, "must_link", uuid4()).json()["code"] == "candidate_unknown"


def test_one_of_two_ruled_out_leaves_the_other(desk: Desk) -> None:
    assert [each["student_id"] for each in desk.case(SHARED)["candidates"]] == [str(TWIN), str(OTHER)]
    assert desk.rule(SHARED, "cannot_link", OTHER).status_code == 200
    desk.settle()
    case = desk.case(SHARED)
    assert (case["state"], case["rule"], case["candidates"][0]["student_id"]) == ("linked", "R1", str(TWIN))


def test_a_second_opinion_is_shown_in_the_queue_and_given_by_somebody_else(desk: Desk) -> None:
    assert desk.ask("POST", f"/reviews/{DOUBTED}/second-opinion", by="first").status_code == 200
    opinions = {
        by: {row["entry_id"]: row["second_opinion"] for row in desk.ask("GET", "/reviews", by=by).json()["items"]}
        for by in ("first", "second")
    }
    assert (opinions["first"][str(DOUBTED)], opinions["second"][str(DOUBTED)]) == ("mine", "wanted")
    assert opinions["first"][str(SHARED)] is None
    assert desk.case(DOUBTED, by="first")["may_rule"] is False
    refused = desk.rule(DOUBTED, "must_link", CHILD, by="first")
    assert (refused.status_code, refused.json()["code"]) == (409, "second_person_needed")
    assert desk.case(SHARED, by="first")["previous"] is None, "the asker's queue leaves it out"
    assert desk.case(SHARED, by="second")["previous"] == str(DOUBTED)
    assert desk.rule(DOUBTED, "must_link", CHILD, by="second").status_code == 200
    assert desk.ask("POST", f"/reviews/{PLAIN}/second-opinion").json()["code"] == "not_under_review"


def test_the_queue_can_be_walked_from_case_to_case(desk: Desk) -> None:
    rows = [row["entry_id"] for row in desk.ask("GET", "/reviews").json()["items"]]
    walked = [rows[0]]
    while (following := desk.case(UUID(walked[-1]))["next"]) is not None:
        walked.append(following)
    assert walked == rows
    assert [desk.case(UUID(row))["previous"] for row in rows] == [None, *rows[:-1]]
    assert desk.case(UUID(rows[0]))["waiting"] == len(rows)
    assert desk.case(UUID(rows[0]), params={"list": "civil"})["next"] is None


@pytest.mark.parametrize("place", [{"division": "110000"}, {}], ids=["another county", "no place"])
def test_a_row_of_another_county_does_not_exist(desk: Desk, place: dict[str, str]) -> None:
    assert desk.ask("GET", f"/reviews/{DOUBTED}", place=place).status_code == 404
    assert desk.rule(DOUBTED, "must_link", CHILD, place=place).status_code == 404
    assert desk.undo(DOUBTED, place=place).status_code == 404
    for path in ("second-opinion", "reveal"):
        body = {"purpose": "核对名单与学籍"} if path == "reveal" else None
        assert desk.ask("POST", f"/reviews/{DOUBTED}/{path}", place=place, json=body).status_code == 404
    assert desk.ask("GET", f"/submissions/{SENT}/states", place=place).status_code == 404


def test_rulings_are_the_clerks_alone(desk: Desk) -> None:
    school = {"school": "S1"}
    for role, place in (
        ("auditor", {"division": DIVISION[:4]}),
        ("registrar", school),
        ("agency_publisher", {"agency": "poverty_office"}),
    ):
        assert desk.rule(DOUBTED, "must_link", CHILD, role=role, place=place).status_code == 403
        assert desk.undo(DOUBTED, role=role, place=place).status_code == 403
    seen = desk.case(DOUBTED, role="registrar", place=school)
    assert (seen["fields"], seen["may_rule"], seen["evidence"]) == ({}, False, ""), (
        "the agencies' lists are not a school's"
    )


def test_every_row_of_a_submission_is_in_one_state_with_its_reason(desk: Desk) -> None:
    for language in ("zh", "en"):
        told = desk.ask("GET", f"/submissions/{SENT}/states", language=language).json()
        assert set(told["states"]) == {state.value for state in STATES_ZH}
        assert told["rows"] == len(ROWS) == sum(told["states"].values()) and told["waiting"] == 0
        assert sum(each["count"] for each in told["reasons"]) == told["rows"]
        assert all(each["explanation"] and each["reason"] != each["explanation"] for each in told["reasons"])
    linked = told["states"]["linked"]
    assert linked and told["states"]["review"] and told["states"]["out_of_age"] == 1
    desk.rule(DOUBTED, "must_link", CHILD)
    desk.settle()
    after = desk.ask(
        "GET", f"/submissions/{SENT}/states", role="agency_publisher", place={"agency": "poverty_office"}
    ).json()
    assert (after["states"]["linked"], after["rows"]) == (linked + 1, told["rows"])
    assert (
        desk.ask("GET", f"/submissions/{SENT}/states", role="agency_publisher", place={"agency": "x"}).status_code
        == 404
    )
    newcomer = UUID(int=27)
    desk.installation.append("registry", newcomer, listed(newcomer, "新来", None), TERM)
    desk.installation.pump()
    waiting = desk.ask("GET", f"/submissions/{SENT}/states").json()
    assert (waiting["rows"], waiting["waiting"]) == (len(ROWS) + 1, 1)

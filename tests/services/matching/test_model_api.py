"""Models over HTTP: proposed as a file, compared beside, activated by a second person, named by what they decided."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from typing import Any, NamedTuple
from uuid import UUID, uuid4

import pytest
from starlette.testclient import TestClient

from services.matching.scoring import county_model
from shared.web.application import create_app
from shared.web.authentication import Authenticator
from shared.web.live import SseHub
from tests.services.installation import DIVISION, Installation
from tests.services.matching.model_office import LENIENT, STRICT, Handover, county_with, handover_of, unnumbered
from tests.shared.web import tokens

COUNTY = county_model()


class Counter(NamedTuple):
    """The application in front of a county, and people who ask it."""

    office: Handover
    client: TestClient
    signer: tokens.Ed25519Signer

    def ask(self, method: str, path: str, *, by: str = "first", role: str = "aid_clerk", **more: Any) -> Any:
        place = more.pop("place", {"division": DIVISION[:4]})
        token = tokens.token(self.signer, tokens.claims(sub=by, kind=role, **place))
        headers = {"authorization": f"Bearer {token}", "accept-language": more.pop("language", "zh")}
        if method != "GET":
            headers["idempotency-key"] = str(more.pop("key", uuid4()))
        return self.client.request(method, f"/v1{path}", headers=headers, **more)

    def read(self, path: str, **more: Any) -> Any:
        answer = self.ask("GET", path, **more)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def propose(self, content: bytes = STRICT.content, **more: Any) -> Any:
        return self.ask("POST", "/models/proposals", content=content, **more)

    def ready(self, content: bytes = STRICT.content) -> dict[str, Any]:
        """A proposal with its report."""
        made = self.propose(content)
        assert made.status_code == 202, made.text
        self.office.report()
        asked = f"/models/proposals/{made.json()['proposal_id']}"
        found: dict[str, Any] = self.read(asked, by="second", role="approver")
        return found

    def activate(self, proposal: dict[str, Any], *, by: str = "second", **more: Any) -> Any:
        body = {"report_hash": more.pop("report_hash", proposal["report_hash"])}
        asked = {"role": "approver", **more}
        return self.ask("POST", f"/models/proposals/{proposal['proposal_id']}/activation", json=body, by=by, **asked)

    def rows(self, proposal: dict[str, Any], **query: Any) -> list[dict[str, Any]]:
        """Every changed row, a few a page."""
        found: list[dict[str, Any]] = []
        after = None
        while True:
            params = {"limit": 5, **query} | ({"after": after} if after else {})
            page = self.read(f"/models/proposals/{proposal['proposal_id']}/rows", params=params)
            found += page["items"]
            after = page["next"]
            if after is None:
                return found


@pytest.fixture
def counter(installation: Installation) -> Iterator[Counter]:
    office = handover_of(installation)
    office.happen(unnumbered(5))
    office.settle()
    signer, hub = tokens.Ed25519Signer(), SseHub(office.matching.service.database.app_conninfo)
    made = create_app(
        "matching",
        office.matching.service.routers,
        authenticator=Authenticator(issuer=tokens.ISSUER, audience=tokens.AUDIENCE, jwks={"keys": [signer.jwk]}),
        database=office.matching.service.database,
        parts=[hub.part],
        state={"hub": hub},
    )
    with TestClient(made) as client:
        yield Counter(office, client, signer)


def test_the_model_in_force_is_told_and_served_as_it_was_hashed(counter: Counter) -> None:
    counter.office.installation.sequence()
    told = counter.read("/models", role="auditor")
    found = told["in_force"]
    assert (found["hash"], found["version"], found["automatic"], found["review"]) == (
        COUNTY.hash,
        "county-1",
        15.0,
        0.0,
    )
    assert (found["activated_by"], found["report_hash"], found["effective_on"]) == (
        "system:configuration", None, "2019-09-01",
    )  # fmt: skip
    assert found["recorded_at"] and told["former"] == [] and told["taking_over"] is False
    for name in (COUNTY.hash, COUNTY.hash[:16]):
        served = counter.ask("GET", f"/models/{name}")
        assert hashlib.sha256(served.content).hexdigest() == COUNTY.hash
        assert served.headers["etag"] == f'"{COUNTY.hash}"'
    served = counter.ask("GET", "/models/in-force", role="agency_publisher", place={"agency": "poverty_office"})
    assert served.status_code == 200 and hashlib.sha256(served.content).hexdigest() == COUNTY.hash
    assert counter.ask("GET", "/models/in-force", role="principal", place={"school": "S1"}).status_code == 403
    assert counter.ask("GET", f"/models/{STRICT.hash}").json()["code"] == "model_unknown"
    assert counter.ask("GET", "/models/c49257").status_code == 422


def test_a_proposal_is_taken_at_once_and_its_report_is_made_beside(counter: Counter) -> None:
    laid_out = json.dumps(STRICT.as_json(), ensure_ascii=False, indent=1).encode()
    key = uuid4()
    made = counter.propose(laid_out, key=key)
    assert made.status_code == 202
    told = made.json()
    assert (told["hash"], told["base_hash"], told["version"]) == (STRICT.hash, COUNTY.hash, "strict")
    assert (told["state"], told["report"], told["may_activate"], told["rows_total"]) == ("computing", None, False, None)
    assert counter.propose(laid_out, key=key).json() == told
    assert counter.propose(STRICT.content, key=key).json()["code"] == "command_reused"
    waiting = counter.ask("GET", f"/models/proposals/{told['proposal_id']}/rows")
    assert (waiting.status_code, waiting.json()["code"]) == (409, "report_missing")
    assert waiting.json()["facts"]["state"] == "computing"
    counter.office.report()
    ready = counter.read(f"/models/proposals/{told['proposal_id']}", role="approver", by="second")
    assert (ready["state"], ready["may_activate"], ready["rows_done"]) == ("ready", True, ready["rows_total"])
    assert [each["proposal_id"] for each in counter.read("/models/proposals")] == [told["proposal_id"]]
    assert (
        counter.read(f"/models/proposals/{told['proposal_id']}", role="approver", by="first")["may_activate"] is False
    )
    assert counter.read(f"/models/proposals/{told['proposal_id']}", role="auditor", by="x")["may_activate"] is False


def test_the_numbers_of_the_report_lead_to_their_rows(counter: Counter) -> None:
    proposal = counter.ready()
    report = proposal["report"]
    every = counter.rows(proposal)
    assert len(every) == report["changed"] > 5
    assert [row["entry_id"] for row in every] == sorted(row["entry_id"] for row in every)
    for states in report["states"]:
        query = {"before_state": states["before"], "after_state": states["after"]}
        assert len(counter.rows(proposal, **query)) == states["changed"], states
    for row in every:
        case = counter.read(f"/reviews/{row['entry_id']}")
        assert (case["state"], case["rule"], case["score"]) == (
            row["before"]["state"], row["before"]["rule"], row["before"]["score"],
        )  # fmt: skip
    for kind in ("newly_linked", "links_lost", "links_moved", "reviews_opened", "reviews_closed"):
        assert len(counter.rows(proposal, kind=kind)) == report[kind], kind
    lost = counter.rows(proposal, before_state="linked")
    assert len(lost) == report["links_lost"] + report["links_moved"]
    broken = counter.ask("GET", f"/models/proposals/{proposal['proposal_id']}/rows", params={"after": "WyJz"})
    assert broken.status_code == 422


def test_a_second_person_activates_it_and_every_case_says_which_model_weighed_it(counter: Counter) -> None:
    proposal = counter.ready()
    row = next(row for row in counter.rows(proposal) if row["before"]["state"] == "review")
    before = counter.read(f"/reviews/{row['entry_id']}")
    assert (before["weighed_by"]["hash"], before["weighed_by"]["in_force"]) == (COUNTY.hash, True)
    key = uuid4()
    done = counter.activate(proposal, key=key)
    assert done.status_code == 200 and len(done.json()["event_ids"]) == 1
    assert counter.activate(proposal, key=key).json() == done.json()
    counter.office.installation.sequence()
    told = counter.read("/models")
    assert (told["in_force"]["hash"], told["in_force"]["activated_by"]) == (STRICT.hash, "second")
    assert (told["in_force"]["proposed_by"], told["in_force"]["replaces"]) == ("first", COUNTY.hash)
    assert told["in_force"]["report_hash"] == proposal["report_hash"]
    assert [each["hash"] for each in told["former"]] == [COUNTY.hash] and told["taking_over"] is True
    during = counter.read(f"/reviews/{row['entry_id']}")
    assert during["weighed_by"] == before["weighed_by"] | {"in_force": False}, "it was decided by the former model"
    assert during["candidates"] == before["candidates"]
    counter.office.settle()
    assert counter.read("/models")["taking_over"] is False
    after = counter.read(f"/reviews/{row['entry_id']}")
    assert (after["state"], after["weighed_by"]["hash"], after["weighed_by"]["in_force"]) == (
        row["after"]["state"], STRICT.hash, True,
    )  # fmt: skip
    assert after["history"][0]["model"] == f"ladder-3+{STRICT.hash[:16]}"
    assert counter.read(f"/models/proposals/{proposal['proposal_id']}", by="second")["state"] == "activated"


def test_refusals_have_stable_codes_and_say_why_in_the_readers_language(counter: Counter) -> None:
    raw = COUNTY.as_json()
    levels = raw["comparisons"][3]["levels"]
    levels[0]["u"], levels[1]["u"] = levels[0]["m"], 1 - levels[0]["m"]
    for language, word in (("zh", "u 不小于 m"), ("en", "u is not below m")):
        refused = counter.propose(json.dumps(raw).encode(), language=language)
        told = refused.json()
        assert (refused.status_code, told["code"]) == (422, "model_unusable")
        assert told["facts"] == {"problem": "agreement_says_nothing", "comparison": "school", "level": "same"}
        assert told["detail"].startswith("school.same") and word in told["detail"]
        assert refused.headers["content-type"] == "application/problem+json"
    assert counter.propose(COUNTY.content).json()["code"] == "model_in_force"
    assert counter.propose(b"").json()["facts"]["problem"] == "not_a_model"
    assert counter.propose(b" " * (1 << 20) + b"{}").status_code == 413

    first, second = counter.ready(), counter.ready(LENIENT.content)
    codes = [
        counter.activate(first, by="first"),
        counter.activate(first, report_hash=second["report_hash"]),
        counter.activate(first | {"proposal_id": str(uuid4())}),
    ]
    assert [(each.status_code, each.json()["code"]) for each in codes] == [
        (409, "second_person_needed"), (409, "report_differs"), (404, "proposal_unknown"),
    ]  # fmt: skip
    assert counter.activate(first, report_hash="0").status_code == 422
    late = counter.propose(county_with("late", 40.0, 0.0).content).json()
    assert counter.activate(late, report_hash="0" * 64).json()["code"] == "report_missing"
    assert counter.activate(first).status_code == 200
    assert counter.activate(second).json()["code"] == "report_outdated"
    assert counter.activate(first).json()["code"] == "model_in_force"


def test_models_are_for_those_who_answer_for_the_whole_division(counter: Counter) -> None:
    proposal = counter.ready()
    people: tuple[tuple[str, dict[str, str], bool], ...] = (
        ("auditor", {"division": DIVISION}, True),
        ("aid_clerk", {"division": f"{DIVISION}101"}, False),
        ("aid_clerk", {"division": "110000"}, False),
        ("aid_clerk", {}, False),
        ("principal", {"school": "S1"}, False),
        ("agency", {"agency": "poverty_office"}, False),
    )
    for role, place, may_read in people:
        asked: dict[str, Any] = {"role": role, "place": place, "by": "other"}
        for path in ("/models", f"/models/{COUNTY.hash}", "/models/proposals", f"/models/proposals/{UUID(int=1)}"):
            answer = counter.ask("GET", path, **asked)
            assert (answer.status_code == 403) is not may_read, (role, place, path)
        assert counter.propose(LENIENT.content, **asked).status_code == 403
        assert counter.activate(proposal, **asked).status_code == 403


def test_the_description_names_the_body_and_the_key(counter: Counter) -> None:
    described = counter.client.get("/openapi.json").json()
    posted = described["paths"]["/v1/models/proposals"]["post"]
    assert posted["requestBody"]["content"]["application/json"]["schema"] == {"type": "object"}
    assert "Idempotency-Key" in {each["name"] for each in posted["parameters"]}
    assert "application/problem+json" in posted["responses"]["default"]["content"]

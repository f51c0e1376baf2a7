"""Story: a county that wants no link without a number changes its model, by two people, and later changes it back."""

from __future__ import annotations

import json
import uuid
from typing import Any

from services.matching.scoring import county_model
from tests.support.callers import Caller
from tests.support.district import District
from tests.support.people import Row

JSON = {"content-type": "application/json"}


def without_number(district: District) -> Row:
    """A row of a child aided for her disability, with her name, birth date and school, whose number was left out. (Were
    it her only evidence, what a model grants and another takes away would stay on record, as it must.)"""
    child = district.newcomer()
    district.office.list_rows([district.people.row("disability", "exact", child)], district.today)
    assert child.school is not None
    facts = {"household_type": "脱贫户", "birth_date": child.born.isoformat(), "school": child.school.name}
    facts |= {"sex": "男" if child.sex == "male" else "女", "guardian_name": child.guardian_name, "grade": child.grade}
    return Row("poverty", "nobody", child.name, "", child, facts)


def strict() -> bytes:
    raw = county_model().as_json() | {"version": "strict", "thresholds": {"automatic": 200.0, "review": 0.0}}
    return json.dumps(raw, ensure_ascii=False, indent=1).encode()


def reported(district: District, clerk: Caller, content: bytes) -> dict[str, Any]:
    """A proposal with its report."""
    made = clerk.post("matching", "/models/proposals", content=content, headers=JSON)
    assert made.status_code == 202, made.text
    path = f"/models/proposals/{made.json()['proposal_id']}"
    district.system.eventually(lambda: clerk.read("matching", path)["state"] != "computing", "the report is made", 60.0)
    told: dict[str, Any] = clerk.read("matching", path)
    assert told["state"] == "ready", told
    return told


def activate(clerk: Caller, proposal: dict[str, Any]) -> Any:
    path = f"/models/proposals/{proposal['proposal_id']}/activation"
    return clerk.post("matching", path, {"report_hash": proposal["report_hash"]})


def decided(clerk: Caller, entry: str) -> tuple[str, str, str]:
    """State and rule of a row, and the model that its last decision names."""
    case = clerk.read("matching", f"/reviews/{entry}")
    model = next(each["model"] for each in case["history"] if each["model"])
    assert case["weighed_by"]["hash"].startswith(model.partition("+")[2])
    return case["state"], case["rule"], model


def test_a_model_is_changed_by_two_people_and_changed_back(district: District) -> None:
    clerk, callers = district.office.clerk, district.system.callers
    second, approver = callers.of("aid_clerk", "test:second"), callers.of("approver", "test:second")
    # The clerk holds the approver's post as well: people are compared, not posts.
    also = callers.of("approver", "test:clerk")
    shipped = clerk.read("matching", "/models")["in_force"]
    assert shipped["hash"] == county_model().hash
    row = without_number(district)
    answer = clerk.post("registry", f"/lists/{row.list}/entries", row.cells())
    assert answer.is_success, answer.text
    entry = answer.json()["entry_id"]
    district.system.settle()
    assert decided(clerk, entry) == ("linked", "R6", f"ladder-3+{shipped['hash'][:16]}")

    proposal = reported(district, clerk, strict())
    changed = {
        each["entry_id"]: each for each in clerk.pages("matching", f"/models/proposals/{proposal['proposal_id']}/rows")
    }
    assert len(changed) == proposal["report"]["changed"] and changed[entry]["after"]["state"] == "review"
    assert activate(clerk, proposal).status_code == 403
    refused = activate(also, proposal)
    assert (refused.status_code, refused.json()["code"]) == (409, "second_person_needed")
    assert activate(approver, proposal).status_code == 200
    district.system.settle()
    assert decided(clerk, entry) == ("review", "R6", f"ladder-3+{proposal['hash'][:16]}")
    told = clerk.read("matching", "/models")
    assert (told["in_force"]["version"], told["taking_over"]) == ("strict", False) and told["in_force"]["recorded_at"]

    former = clerk.http.get(clerk.url("matching", f"/models/{shipped['hash']}")).content
    back = reported(district, second, former)
    assert back["report"]["newly_linked"] == proposal["report"]["links_lost"]
    assert activate(also, back).status_code == 200
    removal = {"reason": "withdrawn_by_agency"}
    district.system.settle()
    assert decided(clerk, entry) == ("linked", "R6", f"ladder-3+{shipped['hash'][:16]}")
    clerk.do("registry", f"/lists/{row.list}/entries/{entry}/remove", removal, key=uuid.uuid4())
    district.system.settle()
    district.compare()  # for every other row it is as if nothing had happened

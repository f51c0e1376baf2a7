"""Where children are registered, told by school or a child at a time, over HTTP before a real database."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

import pytest

from shared.web.pages import encode_cursor
from tests.services.disbursement.letters.office import Office

# Codes that no other test tells about: names there would become ambiguous.
NEAR, FAR, OTHER = "460501", "460502", "460503"


@pytest.fixture(scope="module")
def named(office: Office) -> Office:
    for code, name in ((NEAR, "近海县"), (FAR, "远岭县"), (OTHER, "远岭县")):
        office.division(code, name)
    office.pump()
    return office


def unknown(office: Office, school: str) -> list[dict[str, Any]]:
    """Rows of the list of unknown places of one school, in its order."""
    rows = office.get("/elsewhere/children?place=unknown&limit=200").json()["items"]
    return [row for row in rows if row["school"] == school]


def several(office: Office, *, children: dict[UUID, str] | None = None, schools: dict[str, str] | None = None) -> Any:
    told = {
        "term": office.term.name,
        "children": [{"id": str(each), "place": place} for each, place in (children or {}).items()],
        "schools": [{"id": each, "place": place} for each, place in (schools or {}).items()],
    }
    answer = office.post("/elsewhere/places", told)
    office.pump()
    return answer


def placed(office: Office, place: str) -> set[str]:
    rows = office.get(f"/elsewhere/children?place={place}&limit=200").json()["items"]
    return {row["child_id"] for row in rows}


def test_a_schools_children_are_placed_at_once_but_for_who_is_named_herself(named: Office) -> None:
    together = {named.listed("近海县第三小学") for _ in range(3)}
    herself, other = named.listed("近海县第三小学"), named.listed("近海县第四小学")
    named.pump()
    rows = unknown(named, "近海县第三小学")
    assert {row["school_children"] for row in rows} == {4} and len({row["school_id"] for row in rows}) == 1
    assert rows[0]["suggested"] == [{"code": NEAR, "name": "近海县", "within": ""}]
    assert not placed(named, NEAR), "a suggestion decides nothing"
    school = rows[0]["school_id"]
    answer = several(named, schools={school: "近海县"}, children={herself: OTHER})
    assert answer.status_code == 200 and len(answer.json()["event_ids"]) == 4
    assert placed(named, NEAR) == {str(child) for child in together} and placed(named, OTHER) == {str(herself)}
    (left,) = unknown(named, "近海县第四小学")
    assert (left["child_id"], left["school_children"]) == (str(other), 1)
    assert several(named, schools={school: FAR}).json()["event_ids"] == [], "nobody of it is unknown any more"
    assert placed(named, NEAR) == {str(child) for child in together}


def test_one_wrong_place_saves_none_and_all_wrong_ones_are_told(named: Office) -> None:
    right, unclear, wrong = (named.listed(f"县{number}小学") for number in "七八九")
    named.pump()
    school = unknown(named, "县九小学")[0]["school_id"]
    answer = several(named, children={right: "近海县", unclear: "远岭县"}, schools={school: "近海"})
    told = answer.json()
    assert (answer.status_code, told["code"]) == (422, "places_refused")
    reasons = {each["id"]: each for each in told["facts"]["wrong"]}
    assert {each: reason["code"] for each, reason in reasons.items()} == {
        str(unclear): "ambiguous_place",
        school: "no_such_place",
    }
    assert FAR in reasons[str(unclear)]["zh"] and OTHER in reasons[str(unclear)]["en"] and wrong
    assert len(unknown(named, "县七小学")) == 1
    assert several(named, children={right: "近海县", unclear: FAR}, schools={school: NEAR}).status_code == 200
    assert str(right) in placed(named, NEAR) and str(unclear) in placed(named, FAR)


def test_nobody_elses_child_is_placed_and_one_child_by_name_as_well(named: Office) -> None:
    child = named.listed("县十小学")
    named.pump()
    assert several(named, children={child: NEAR, uuid4(): NEAR}).json()["code"] == "unknown_inquiry"
    assert len(unknown(named, "县十小学")) == 1
    body = {"term": named.term.name, "children": [{"id": str(child), "place": NEAR}]}
    assert named.post("/elsewhere/places", body, division="469002").json()["code"] == "unknown_inquiry"
    key = uuid4()
    answers = [named.post("/elsewhere/places", body, key=key).json() for _ in range(2)]
    named.pump()
    assert answers[0] == answers[1] and str(child) in placed(named, NEAR)


def test_pages_of_children_lead_on_by_school_and_say_nothing_of_it(named: Office) -> None:
    for _ in range(3):
        named.listed("翻页小学")
    named.pump()
    whole = [row["child_id"] for row in named.get("/elsewhere/children?place=unknown&limit=200").json()["items"]]
    seen: list[str] = []
    after = ""
    while True:
        page = named.get(f"/elsewhere/children?place=unknown&limit=2{after}").json()
        seen += [row["child_id"] for row in page["items"]]
        if page["next"] is None:
            break
        after = f"&after={page['next']}"
    assert seen == whole and len(whole) > 2
    for strange in (("unknown", uuid4()), ("unknown", "3", "", ""), ("unknown",)):
        refused = named.get(f"/elsewhere/children?after={encode_cursor(strange)}")
        assert (refused.status_code, refused.json()["code"]) == (422, "malformed")

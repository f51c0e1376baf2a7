"""One person joins a household or leaves it, a household is registered anew, and a division code is one of its day:
looked at first, refused with the reason, true from its day."""

from __future__ import annotations

import json
from typing import Any
from uuid import uuid4

import pytest

from tests.services.registry.test_household_life import FATHER, MOTHER, SON, Desk, desk, family, number

__all__ = ["desk"]  # a fixture
BABY = number("46900120260910002")
COUNTIES = (("469000", "省直辖"), ("469001", "五指山市"), ("469002", "琼海市"), ("469005", "文昌市"))


@pytest.fixture(scope="module")
def codes(desk: Desk) -> Desk:
    """A reference of counties and of one county's townships; one code is withdrawn in October."""
    told: list[dict[str, Any]] = [
        {"code": code, "on": "2000-01-01", "change": "added", "name": name, "source": "GB/T 2260"}
        for code, name in (*COUNTIES, ("469001100", "通什镇"), ("469003", "儋州市"), ("460400", "儋州市"))
    ]
    told += [{"code": "469003", "on": "2026-10-01", "change": "withdrawn", "successors": ["460400"], "source": "公告"}]
    text = "\n".join(json.dumps(line) for line in told)
    answer = desk.client.post("/v1/reference/divisions/batch", content=text, headers=desk.headers("aid_clerk", {}))
    assert answer.status_code == 200, answer.text
    desk.installation.pump()
    return desk


def stated(household_number: str, **fields: Any) -> dict[str, Any]:
    members = [
        {"name": "王大", "id_number": FATHER, "head": True, "relation": "户主"},
        {"name": "王小明", "id_number": SON, "relation": "子"},
    ]
    return {"list": "civil", "household_number": household_number, "members": members, "new": True} | fields


def test_a_new_household_is_looked_at_registered_once_and_lives_where_it_says(desk: Desk) -> None:
    body = stated("M1", division_code="469001", address="五指山市通什镇六号")
    shown = desk.post("/v1/households/preview?as_of=2026-09-01", body).json()
    (after,) = shown["after"]
    assert [(each["name"], each["head"]) for each in after["members"]] == [("王*", True), ("王*明", False)]
    assert (after["division_code"], shown["before"][0]["members"]) == ("469001", [])
    assert "六号" not in after["address"] and after["address"]
    household = after["household_id"]
    assert desk.get(f"/v1/households/{household}/standing").json()["code"] == "household_unknown"
    assert desk.post("/v1/households?as_of=2026-09-01", body).json()["household_id"] == household
    told = desk.household(household, "2026-09-01")
    assert (told["division_code"], told["address"]) == ("469001", after["address"])
    for path in ("/v1/households", "/v1/households/preview"):
        again = desk.post(f"{path}?as_of=2026-09-02", body)
        assert (again.status_code, again.json()["code"]) == (409, "household_number_taken")
    office: dict[str, Any] = {"kind": "agency_publisher", "agency": "poverty_office", "division": None}
    assert desk.post("/v1/households/preview", stated("M1-2"), **office).status_code == 403


def test_a_child_is_born_and_the_head_dies_each_from_the_day(desk: Desk) -> None:
    house, ids = family(desk, "M2")
    here = f"/v1/households/{house}"
    born = {"name": "王小宝", "id_number": BABY, "relation": "子", "on": "2026-09-10"}
    shown = desk.post(f"{here}/join/preview", born).json()
    assert len(desk.get(f"{here}/standing").json()["members"]) == 3, "a preview records nothing"
    assert desk.post(f"{here}/join", born).status_code == 200
    assert sorted(each["name"] for each in shown["after"][0]["members"]) == sorted([*ids, "王*宝"])
    dies = {"member_id": ids["王*"], "reason": "died", "head_id": ids["李*英"], "on": "2026-10-03"}
    assert desk.post(f"{here}/leave", dies).status_code == 200
    assert desk.members(house, "2026-09-09") == {"王*": True, "李*英": False, "王*明": False}
    assert desk.members(house, "2026-10-02") == {"王*": True, "李*英": False, "王*明": False, "王*宝": False}
    assert desk.members(house, "2026-10-03") == {"李*英": True, "王*明": False, "王*宝": False}


def test_who_joins_as_head_of_a_household_stated_again_is_its_only_head(desk: Desk) -> None:
    house, _ = family(desk, "M9")
    members = [{"name": "王大", "id_number": FATHER}, {"name": "王爷爷", "head": True}]
    body = {"list": "civil", "household_number": "M9", "members": members}
    assert desk.post("/v1/households?as_of=2026-10-01", body).status_code == 201
    assert desk.members(house, "2026-10-01") == {"王*": False, "王*爷": True}
    assert desk.members(house, "2026-09-30")["王*"]


def test_a_coming_or_going_that_cannot_be_says_why(desk: Desk) -> None:
    house, ids = family(desk, "M3")
    leaves = {"member_id": ids["王*明"], "reason": "moved_away", "on": "2026-10-03"}
    wrong: tuple[tuple[str, dict[str, Any], int, str], ...] = (
        ("join", {"name": "李秀英", "id_number": MOTHER, "on": "2026-10-01"}, 409, "member_already_in_household"),
        ("join", {"name": "某", "id_number": MOTHER[:-1] + "0", "on": "2026-10-01"}, 422, "invalid_record"),
        ("leave", leaves | {"on": "2026-08-01"}, 422, "before_household_change"),
        ("leave", leaves | {"member_id": house}, 409, "member_not_in_household"),
        ("leave", leaves | {"head_id": ids["王*明"]}, 409, "member_not_in_household"),
        ("leave", leaves | {"reason": "bored"}, 422, "malformed"),
    )
    for path, body, status, code in wrong:
        for preview in ("", "/preview"):
            answer = desk.post(f"/v1/households/{house}/{path}{preview}", body)
            assert (answer.status_code, answer.json()["code"]) == (status, code), (path, body)
    other: dict[str, Any] = {"kind": "agency_publisher", "agency": "poverty_office", "division": None}
    assert desk.post(f"/v1/households/{house}/leave", leaves, **other).json()["code"] == "household_unknown"
    for member in ids.values():  # the last one may leave, too
        gone = leaves | {"member_id": member, "reason": "other"}
        assert desk.post(f"/v1/households/{house}/leave", gone).status_code == 200
    assert desk.members(house, "2026-10-03") == {}


def test_who_belongs_to_another_household_of_the_list_is_named_before_both_are_kept(desk: Desk) -> None:
    first, _ = family(desk, "M4")
    second, _ = family(desk, "M5")
    shown = desk.post("/v1/households/preview", stated("M6")).json()["elsewhere"]
    where = {(each["name"], each["household_id"]) for each in shown}
    assert {(name, house) for name in ("王*", "王*明") for house in (first, second)} <= where
    poverty = desk.post("/v1/households/preview", stated("M6", list="poverty")).json()
    assert poverty["elsewhere"] == []


def test_a_code_that_is_not_in_the_reference_of_the_day_is_refused_with_what_may_be_meant(codes: Desk) -> None:
    house, _ = family(codes, "M7")

    def moved(code: str, on: str = "2026-10-05", path: str = "move/preview") -> dict[str, Any]:
        answer = codes.post(f"/v1/households/{house}/{path}", {"division_code": code, "on": on})
        told: dict[str, Any] = answer.json()
        assert answer.status_code == (422 if "code" in told else 200), told
        return told

    for good in ("469002", "469001100", "469002101", "469001100000", "469003000"):
        assert "code" not in moved(good, "2026-09-30"), good
    slip = moved("469020", path="move")
    assert slip["code"] == "division_not_in_force" and "琼海市" in slip["detail"]
    assert slip["facts"]["nearest"][0]["division_code"] == "469002"
    assert moved("469001101")["facts"]["nearest"] == [{"division_code": "469001100", "name": "通什镇"}]
    withdrawn = moved("469003")
    assert (withdrawn["facts"]["nearest"], "已撤销" in withdrawn["detail"]) == (
        [{"division_code": "460400", "name": "儋州市"}],
        True,
    )
    assert moved("469002", "1999-12-31")["code"] == "division_not_in_force"
    assert moved("4690021", "2026-10-05")["code"] == "malformed"
    nowhere = {"on": "2026-10-05", "destination_division_code": "469020"}
    for path in ("transfer-out", "accept-elsewhere"):
        answer = codes.post(f"/v1/students/{uuid4()}/{path}", nowhere)
        assert answer.json()["code"] == "division_not_in_force"
    refused = codes.post("/v1/households", stated("M8", division_code="440305"))
    assert refused.json()["code"] == "division_not_in_force"
    elsewhere = codes.post("/v1/households", stated("M8", division_code="460400"))  # a place, and another county's
    assert (elsewhere.status_code, elsewhere.json()["code"]) == (403, "forbidden")

"""Splits, mergers and exits from the poverty register take two people, who see the same before and after; the
register's entries and exits are the household's history."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.services.registry.test_household_life import FATHER, MOTHER, SON, Desk, desk, family

__all__ = ["desk"]  # a fixture


def poor_family(desk: Desk, number: str, household_list: str = "poverty") -> str:
    people = ((FATHER, "王大", True), (MOTHER, "李秀英", False), (SON, "王小明", False))
    members = [{"name": name, "id_number": one, "head": head} for one, name, head in people]
    body = {"list": household_list, "household_number": number, "members": members, "household_type": "一般贫困户"}
    answer = desk.post("/v1/households?as_of=2026-09-01", body)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["household_id"])


def ask(desk: Desk, household: str, path: str, body: dict[str, Any], **who: Any) -> str:
    answer = desk.post(f"/v1/households/{household}/{path}", {"why": "按家庭申请办理", **body}, **who)
    assert answer.status_code == 202, answer.text
    return f"/v1/household-proposals/{answer.json()['proposal_id']}"


def test_both_see_the_same_before_and_after_and_nothing_happens_until_the_second_agrees(desk: Desk) -> None:
    house, ids = family(desk, "P1")
    leaving = [ids["李*英"], ids["王*明"]]
    split = {"household_number": "P1-2", "member_ids": leaving, "head_id": leaving[0], "on": "2026-10-01"}
    proposal = ask(desk, house, "split", split)
    shown = desk.get(proposal).json()
    before = {side["household_id"]: [each["name"] for each in side["members"]] for side in shown["before"]}
    after = {
        side["household_id"]: [(each["name"], each["head"]) for each in side["members"]] for side in shown["after"]
    }
    assert sorted(before[house]) == sorted(["王*", "李*英", "王*明"]) and before[house][0] == "王*"
    new = next(household for household in after if household != house)
    assert (after[house], after[new]) == ([("王*", True)], [("李*英", True), ("王*明", False)])
    assert before[new] == []
    own = desk.post(f"{proposal}/approve", {"preview_hash": shown["preview_hash"]})
    assert (own.status_code, own.json()["code"]) == (409, "second_person_needed")
    assert len(desk.members(house, "2026-10-01")) == 3
    assert desk.get("/v1/household-proposals").json()[0]["state"] == "waiting"
    agreed = desk.post(f"{proposal}/approve", {"preview_hash": shown["preview_hash"]}, sub="second")
    assert agreed.status_code == 200 and agreed.json()["household_id"] == new
    assert desk.members(house, "2026-10-01") == {"王*": True}
    again = desk.post(f"{proposal}/approve", {"preview_hash": shown["preview_hash"]}, sub="third")
    assert again.json()["code"] == "household_proposal_decided"


def test_a_change_is_looked_at_before_it_is_asked_for_and_nothing_is_recorded(desk: Desk) -> None:
    house, ids = family(desk, "P7")
    found = desk.get("/v1/households?list=civil&household_number=P7").json()
    assert found == {"household_id": house}
    standing = desk.get(f"/v1/households/{house}/standing").json()
    assert (standing["list"], {each["member_id"] for each in standing["members"]}) == ("civil", set(ids.values()))
    split = {"household_number": "P7-2", "member_ids": [ids["王*明"]], "on": "2026-10-05", "why": "子女分户"}
    waiting = desk.get("/v1/household-proposals").json()
    shown = desk.post(f"/v1/households/{house}/split/preview", split).json()
    assert desk.get("/v1/household-proposals").json() == waiting
    asked = desk.get(ask(desk, house, "split", split)).json()
    assert (shown["before"], shown["after"]) == (asked["before"], asked["after"])
    stranger = desk.post(f"/v1/households/{house}/split/preview", split | {"member_ids": [house]})
    assert (stranger.status_code, stranger.json()["code"]) == (409, "member_not_in_household")
    other: dict[str, Any] = {"kind": "agency_publisher", "agency": "poverty_office", "division": None}
    for hidden in ("/v1/households?list=civil&household_number=P7", f"/v1/households/{house}/standing"):
        assert desk.get(hidden, **other).json()["code"] == "household_unknown"
    assert desk.post(f"/v1/households/{house}/split/preview", split, **other).json()["code"] == "household_unknown"


def test_what_one_person_records_is_looked_at_first_too(desk: Desk) -> None:
    house = poor_family(desk, "P8")
    desk.agreed(f"/v1/households/{house}/register-exit", {"reason": "lifted", "on": "2026-10-01"})
    mother = next(each["member_id"] for each in desk.household(house, "2026-10-01")["members"] if not each["head"])
    here = f"/v1/households/{house}"
    asked: dict[str, dict[str, Any]] = {
        "head": {"member_id": mother, "on": "2026-10-03"},
        "move": {"division_code": "469002", "address": "琼海市嘉积镇东门街八号", "on": "2026-10-03"},
        "register-entry": {"household_type": "脱贫不稳定户", "on": "2026-11-01"},
    }
    for path, body in asked.items():
        before = desk.get(f"{here}/standing").json()
        shown = desk.post(f"{here}/{path}/preview", body).json()
        assert desk.get(f"{here}/standing").json() == before, "a preview records nothing"
        assert desk.post(f"{here}/{path}", body).status_code == 200
        standing = desk.get(f"{here}/standing").json()
        assert [shown["after"]] != [shown["before"]]
        assert without_students(standing) == shown["after"][0] | {"list": "poverty"}
    now = desk.get(f"{here}/standing").json()
    assert (now["division_code"], now["address"]) == ("469002", "琼海市嘉积镇****")
    assert now["members"][0]["member_id"] == mother and now["members"][0]["head"]
    assert now["register_times"] == desk.household(house, "2026-11-02")["register_times"]
    early = desk.post(f"{here}/head/preview", {"member_id": mother, "on": "2026-08-01"})
    assert early.json()["code"] == "before_household_change"


def without_students(standing: dict[str, Any]) -> dict[str, Any]:
    """A preview does not look for students."""
    return standing | {"members": [each | {"student_id": None} for each in standing["members"]]}


def test_a_student_leads_to_her_households_and_back_also_when_enrolled_later(desk: Desk) -> None:
    house = poor_family(desk, "P9")
    told = {"school_code": "3146900001", "name": "中心小学", "division_code": "469001"}
    school = desk.client.post("/v1/schools/batch", content=json.dumps(told), headers=desk.headers("aid_clerk", {}))
    assert school.status_code == 200, school.text
    pupil = {"name": "王小明", "id_number": SON, "school_code": "3146900001", "stage": "primary", "grade": "三年级"}
    student = desk.post("/v1/students", pupil)
    assert student.status_code == 201, student.text
    desk.installation.pump()
    student_id = student.json()["student_ids"][0]
    found = desk.get(f"/v1/students/{student_id}/households?true_on=2027-01-01").json()
    assert house in {each["household_id"] for each in found}
    back = {each["student_id"] for each in desk.get(f"/v1/households/{house}/standing").json()["members"]}
    assert student_id in back
    office: dict[str, Any] = {"kind": "agency_publisher", "agency": "poverty_office", "division": None}
    assert desk.get(f"/v1/students/{student_id}/households", **office).status_code == 403
    members = desk.get(f"/v1/households/{house}/standing", **office).json()["members"]
    assert {each["student_id"] for each in members} == {None}


def test_what_was_shown_is_worthless_when_the_household_changed(desk: Desk) -> None:
    house, ids = family(desk, "P2")
    split = {"household_number": "P2-2", "member_ids": [ids["王*明"]], "on": "2026-10-05"}
    proposal = ask(desk, house, "split", split)
    seen = desk.get(proposal).json()["preview_hash"]
    desk.post(f"/v1/households/{house}/head", {"member_id": ids["李*英"], "on": "2026-10-02"})
    stale = desk.post(f"{proposal}/approve", {"preview_hash": seen}, sub="second")
    assert (stale.status_code, stale.json()["code"]) == (409, "household_preview_outdated")
    now = desk.get(proposal).json()["preview_hash"]
    assert desk.post(f"{proposal}/approve", {"preview_hash": now}, sub="second").status_code == 200


def test_what_cannot_be_done_any_more_says_why(desk: Desk) -> None:
    house, ids = family(desk, "P3")
    split = {"household_number": "P3-2", "member_ids": [ids["王*明"]], "on": "2026-10-05"}
    first, second = ask(desk, house, "split", split), ask(desk, house, "split", split)
    agreed = {"preview_hash": desk.get(first).json()["preview_hash"]}
    assert desk.post(f"{first}/approve", agreed, sub="second").status_code == 200
    shown = desk.get(second).json()
    assert shown["problem"] and shown["preview_hash"] is None
    refused = desk.post(f"{second}/refuse", {"reason": "已办理"}, sub="second")
    assert refused.status_code == 200
    told = desk.get(second).json()
    assert (told["state"], told["decided_by"], told["decision"]) == ("refused", "second", "已办理")


def test_an_office_sees_and_decides_on_its_own_households_only(desk: Desk) -> None:
    house, ids = family(desk, "P4")
    civil: dict[str, Any] = {"kind": "agency_publisher", "agency": "civil_affairs", "division": None}
    other: dict[str, Any] = {"kind": "agency_publisher", "agency": "poverty_office", "division": None}
    split = {"household_number": "P4-2", "member_ids": [ids["王*明"]], "on": "2026-10-05"}
    proposal = ask(desk, house, "split", split, **civil)
    assert desk.get(proposal, **other).status_code == 404
    assert proposal.rpartition("/")[2] not in str(desk.get("/v1/household-proposals", **other).json())
    agreed = {"preview_hash": desk.get(proposal, **civil).json()["preview_hash"]}
    assert desk.post(f"{proposal}/approve", agreed, **other).status_code == 404
    assert desk.post(f"{proposal}/approve", agreed, **civil | {"sub": "colleague"}).status_code == 200


def test_entry_exit_and_entry_again_are_the_households_history(desk: Desk) -> None:
    house = poor_family(desk, "R1")
    out = {"reason": "lifted", "on": "2026-10-01"}
    assert desk.agreed(f"/v1/households/{house}/register-exit", out) == house
    twice = desk.post(f"/v1/households/{house}/register-exit", {**out, "on": "2026-10-05", "why": "重复办理"})
    assert (twice.status_code, twice.json()["code"]) == (409, "household_not_on_register")
    entry = {"on": "2026-11-01", "household_type": "脱贫不稳定户"}
    assert desk.post(f"/v1/households/{house}/register-entry", entry).status_code == 200
    again = desk.post(f"/v1/households/{house}/register-entry", entry)
    assert again.json()["code"] == "household_on_register"
    early = desk.post(f"/v1/households/{house}/register-exit", {**out, "why": "日期有误"})
    assert early.json()["code"] == "before_household_change"
    times = desk.household(house, "2026-11-02")["register_times"]
    assert times == [
        {"entered_on": "2026-09-01", "left_on": "2026-10-01", "household_type": "一般贫困户", "reason": "lifted"},
        {"entered_on": "2026-11-01", "left_on": None, "household_type": "脱贫不稳定户", "reason": None},
    ]


def test_who_left_the_register_together_is_off_it_apart(desk: Desk) -> None:
    house = poor_family(desk, "R2")
    desk.agreed(f"/v1/households/{house}/register-exit", {"reason": "lifted", "on": "2026-10-01"})
    members = desk.household(house, "2026-10-01")["members"]
    son = next(each["member_id"] for each in members if each["name"] == "王*明")
    split = {"household_number": "R2-2", "member_ids": [son], "on": "2026-10-09"}
    new = desk.agreed(f"/v1/households/{house}/split", split)
    assert desk.household(new, "2026-10-09")["register_times"] == []


@pytest.mark.parametrize("household_list", ["civil", "disability"])
def test_only_the_poverty_office_keeps_a_register(desk: Desk, household_list: str) -> None:
    house = poor_family(desk, f"N-{household_list}", household_list)
    answer = desk.post(f"/v1/households/{house}/register-entry", {"on": "2026-10-01"})
    assert (answer.status_code, answer.json()["code"]) == (422, "no_poverty_household")


def test_a_clerk_of_a_part_neither_sees_nor_changes_a_household_of_another(desk: Desk) -> None:
    part: dict[str, Any] = {"division": "469001"}
    house, ids = family(desk, "P20")  # it lives in no named place of the division
    split = {"household_number": "P20-2", "member_ids": [ids["王*明"]], "on": "2026-10-05", "why": "子女分户"}
    proposal = ask(desk, house, "split", split)
    for hidden in ("/v1/households?list=civil&household_number=P20", f"/v1/households/{house}/standing", proposal):
        assert desk.get(hidden, **part).status_code == 404, hidden
    for path, body in (
        (f"/v1/households/{house}/head", {"member_id": ids["李*英"], "on": "2026-10-05"}),
        (f"/v1/households/{house}/split", split),
        (f"/v1/households/{house}/split/preview", split),
        (f"{proposal}/approve", {"preview_hash": "x" * 64}),
        (f"{proposal}/refuse", {"reason": "不属实"}),
    ):
        refused = desk.post(path, body, sub="another", **part)
        assert refused.status_code == 404, (path, refused.text)
    stated = {"list": "civil", "household_number": "P20", "division_code": "469001", "members": []}
    assert desk.post("/v1/households", stated, **part).status_code in (404, 422)
    known = {each["proposal_id"] for each in desk.get("/v1/household-proposals").json()}
    assert known and not known & {each["proposal_id"] for each in desk.get("/v1/household-proposals", **part).json()}

    own = {**stated, "household_number": "P21", "members": [{"name": "赵六", "id_number": SON, "head": True}]}
    made = desk.post("/v1/households?as_of=2026-09-01", own, **part)
    assert made.status_code == 201, made.text
    assert desk.get(f"/v1/households/{made.json()['household_id']}/standing", **part).status_code == 200

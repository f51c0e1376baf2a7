"""Story: an office lists only the head of a household; his children are on the roster and are due their aid; when the
household splits in the registry, who left is covered no longer, from that day, and what she was due stays due."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from deploy.services import PROCESSES
from shared.standards.identity_number import check_digit
from tests.support.district import District
from tests.support.system import System

HEAD = "46900119800101001"
TOLD = ("registry", "matching", "disbursement", "portal")


@pytest.fixture(scope="module")
def village(postgres: Any, kafka: Any) -> Iterator[District]:
    """A system of its own, of the services the story is about: the oracle of the other journeys knows no households."""
    system = System(postgres.server, kafka.broker, [spec for spec in PROCESSES if spec.name in TOLD])
    try:
        made = District(system.start(), seed=20_261_125)
        made.found(children=0)
        yield made
    finally:
        system.stop()


def on_roster(district: District, student: str) -> list[str]:
    rows = district.office.clerk.read("matching", f"/students/{student}/categories")["items"]
    return [row["category"] for row in rows if row["on_day"]]


def entitlements(district: District, student: str) -> list[str]:
    rows = district.office.clerk.pages("disbursement", "/entitlements")
    return [row["state"] for row in rows if row["student_id"] == student]


def test_a_listed_head_brings_his_children_their_aid_until_the_household_splits(village: District) -> None:
    clerk, begin = village.office.clerk, village.term_begin
    son, daughter = village.newcomer(), village.newcomer()
    head: dict[str, Any] = {"name": "韦大山", "id_number": HEAD + check_digit(HEAD), "head": True, "relation": "户主"}
    members = [head, *({"name": each.name, "id_number": each.number} for each in (son, daughter))]
    body = {"list": "civil", "household_number": "JOURNEY-1", "members": members}
    household = clerk.do("registry", "/households", body, params={"as_of": begin.isoformat()})["household_id"]
    row = {"户主姓名": "韦大山", "户主身份证号": head["id_number"], "低保证号": "JOURNEY-1", "救助类型": "低保"}
    row |= {"城乡类别": "农村", "施保方式": "整户保", "享受开始日期": begin.isoformat()}
    clerk.do("registry", "/lists/civil/entries", row)
    village.system.settle()
    students = [village.office.student_id(each) for each in (son, daughter)]
    for student in students:
        assert on_roster(village, student) == ["subsistence_rural"]
        assert entitlements(village, student) == ["granted"]

    shown = clerk.read("registry", f"/households/{household}")["members"]
    ids = {each["student_id"]: each["member_id"] for each in shown}
    yesterday = max(begin, village.today - timedelta(days=1))
    told = {"household_number": "JOURNEY-2", "member_ids": [ids[students[1]]], "on": yesterday.isoformat()}
    asked = clerk.do("registry", f"/households/{household}/split", told | {"why": "长女成家分户"})
    proposal = f"/household-proposals/{asked['proposal_id']}"
    agreed = {"preview_hash": clerk.read("registry", proposal)["preview_hash"]}
    callers = village.system.callers
    assert clerk.post("registry", f"{proposal}/approve", agreed).status_code == 403
    also = callers.of("approver", "test:clerk")
    assert also.post("registry", f"{proposal}/approve", agreed).status_code == 409  # not by who asked
    callers.of("approver").do("registry", f"{proposal}/approve", agreed)
    village.system.settle()
    assert on_roster(village, students[0]) == ["subsistence_rural"]
    assert on_roster(village, students[1]) == []
    assert entitlements(village, students[1]) == ["granted"]

"""Story: two village schools are merged into a third. 400 pupils move in one correction that a second person approves;
nothing is owed or paid twice, nobody is left behind, and the aid that is still due is the new school's to see."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.support.callers import Caller
from tests.support.district import District
from tests.support.people import Child, School

PUPILS = 400
LISTED, PAID = 40, 20


class Merger:
    """Two schools with their pupils, some of whom are on the poverty list, some of these paid already."""

    def __init__(self, district: District) -> None:
        self.district = district
        division = district.system.division
        names = ("东村小学", "西村小学", "新中心小学")
        self.east, self.west, self.centre = (
            School(f"{division}0009{number:02d}", name, "primary", division) for number, name in enumerate(names)
        )
        district.office.open_schools([self.east, self.west, self.centre], district.term_begin)
        self.children = [self._pupil(number) for number in range(PUPILS)]
        district.enrol(self.children)
        listed = self.children[:LISTED]
        district.office.list_rows([district.people.row("poverty", "exact", child) for child in listed], district.today)
        district.system.settle()
        self.due = self.entitled()
        for child in listed[:PAID]:
            district.office.disburse(child, self.due[district.office.student_id(child)][0], district.today)
        district.system.settle()
        self.second: Caller = district.system.callers.of("approver")

    def _pupil(self, number: int) -> Child:
        child = self.district.people.child(age=9)
        return replace(child, school=self.east if number % 2 else self.west)

    def entitled(self) -> dict[str, tuple[str, str, int]]:
        """Student → her one entitlement, who answers for it, and how much it is."""
        mine = {self.district.office.student_id(child) for child in self.children}
        rows = self.district.office.clerk.pages("disbursement", "/entitlements")
        found = [row for row in rows if row["student_id"] in mine]
        assert len({row["student_id"] for row in found}) == len(found), "somebody is owed twice"
        return {row["student_id"]: (row["entitlement_id"], row["school_code"], row["amount_fen"]) for row in found}

    def propose(self) -> dict[str, Any]:
        """The proposal with its preview complete."""
        body = {
            "kind": "schools_merged",
            "day": self.district.today.isoformat(),
            "reason": "布局调整批复",
            "sources": [self.east.code, self.west.code],
            "into": self.centre.code,
        }
        change = self.district.office.clerk.do("registry", "/changes", body)["change_id"]
        return self.wait(change, "ready")

    def wait(self, change: str, state: str) -> dict[str, Any]:
        told: dict[str, Any] = {}

        def there() -> bool:
            told.update(self.second.read("registry", f"/changes/{change}"))
            return bool(told["state"] == state)

        self.district.system.eventually(there, f"the change is {state}")
        return told


@pytest.fixture(scope="module")
def merger(district: District) -> Merger:
    return Merger(district)


def test_400_pupils_move_in_one_approved_correction(district: District, merger: Merger) -> None:
    district.compare()
    told = merger.propose()
    assert told["students"] == PUPILS
    assert {each["field"]: each["students"] for each in told["fields"]} == {"school_code": PUPILS}
    body, path = {"preview_hash": told["preview_hash"]}, f"/changes/{told['change_id']}/approve"
    assert district.office.clerk.post("registry", path, body).status_code == 403
    also = district.system.callers.of("approver", "test:clerk")
    assert also.post("registry", path, body).status_code == 409  # who proposes does not approve, in whatever post
    merger.second.do("registry", path, body)
    done = merger.wait(told["change_id"], "applied")
    assert (done["changed"], done["changed_since"]) == (PUPILS, 0)
    district.oracle.schools_merged({merger.east.code, merger.west.code}, merger.centre)
    district.system.settle()
    district.compare()  # roster, entitlements, payments and alerts are what they must be, and no more


def test_what_was_due_is_due_once_and_by_the_school_that_is_there(district: District, merger: Merger) -> None:
    now = merger.entitled()
    assert {student: (one, fen) for student, (one, _, fen) in now.items()} == {
        student: (one, fen) for student, (one, _, fen) in merger.due.items()
    }
    unpaid = {district.office.student_id(child) for child in merger.children[PAID:LISTED]}
    assert {now[student][1] for student in unpaid} == {merger.centre.code}
    centre = district.system.callers.school(merger.centre.code)
    seen = {row["student_id"] for row in centre.pages("disbursement", "/entitlements")}
    assert seen == unpaid
    left = district.system.callers.school(merger.east.code)
    assert left.pages("registry", "/students") == []
    assert len(centre.pages("registry", "/students")) == PUPILS


def test_the_rest_is_paid_after_it(district: District, merger: Merger) -> None:
    for child in merger.children[PAID : PAID + 3]:
        one, *_ = merger.due[district.office.student_id(child)]
        district.office.disburse(child, one, district.today)
    district.system.settle()
    district.compare()

"""Story: a row that an agency pushes changes the open page of the clerk and of the child's own school, and of nobody
else."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.district import District
from tests.support.listening import listening
from tests.support.people import Child


def about(district: District, child: Child) -> Any:
    """Whether a roster row is this child's."""
    student_id = district.office.student_id(child)
    return lambda row: row["student_id"] == student_id


def test_a_row_pushed_by_an_agency_changes_the_open_roster_of_clerk_and_school(district: District) -> None:
    child = district.newcomer()
    assert child.school is not None
    other = next(school for school in district.schools if school is not child.school)
    clerk = district.office.clerk
    at_school = district.system.callers.school(child.school.code)
    elsewhere = district.system.callers.school(other.code)
    with (
        listening(clerk, "matching", "/roster/stream") as by_clerk,
        listening(at_school, "matching", "/roster/stream") as by_school,
        listening(elsewhere, "matching", "/roster/stream") as by_other,
    ):
        row = district.people.row("poverty", "exact", child)
        district.office.list_rows([row], district.today)
        shown = by_clerk.wait_for_row(about(district, child)).data["row"]
        assert shown["category"] == "registered_poor"
        assert shown["kind"] == row.facts["household_type"]
        assert [each["list"] for each in shown["evidence"]] == ["poverty"]
        assert child.name not in str(shown)
        assert child.number not in str(shown)
        by_school.wait_for_row(about(district, child))
        district.system.settle()
        student_id = district.office.student_id(child)
        assert not [heard for heard in by_other.heard if student_id in str(heard.data)]


def test_a_row_taken_off_its_list_takes_the_child_off_the_open_roster(district: District) -> None:
    child = district.newcomer()
    row = district.people.row("disability", "exact", child)
    clerk = district.office.clerk
    with listening(clerk, "matching", "/roster/stream") as listener:
        district.office.list_rows([row], district.today)
        listener.wait_for_row(about(district, child))
        district.office.remove(row, district.today)
        student_id = district.office.student_id(child)
        listener.wait_for(lambda heard: heard.name == "removed" and heard.data["id"] == student_id)
    district.system.settle()
    district.compare()


@pytest.mark.parametrize("name", ["poverty", "civil", "disability"])
def test_a_child_enrolled_after_its_row_arrived_joins_the_roster_by_itself(district: District, name: Any) -> None:
    child = district.people.child()
    row = district.people.row(name, "exact", child)
    while row.facts.get("area_type") == "城市":  # urban support alone is no category
        row = district.people.corrected(row)
    district.office.list_rows([row], district.today)
    district.system.settle()
    district.compare()
    with listening(district.office.clerk, "matching", "/roster/stream") as listener:
        district.enrol([child])
        listener.wait_for_row(about(district, child))
    district.system.settle()
    district.compare()

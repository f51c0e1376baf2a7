"""A scope without a database: what it may be made of, what it covers, and the policies it becomes."""

from __future__ import annotations

from dataclasses import FrozenInstanceError
from typing import Any

import pytest

from shared.database.scopes import NO_SCOPE, Classroom, OfChildren, Scope, scope_policies
from shared.standards.division import DivisionCodeError

OWN = Classroom("S1", "primary", "五年级", "1班")


def shown_when(*columns: str, **more: Any) -> str:
    """The condition under which a viewer sees a row; empty where no viewer does."""
    policies = [each for each in scope_policies("view_1", "pupil", columns, **more) if "POLICY viewer" in each]
    return policies[0].partition("USING ")[2] if policies else ""


def test_each_scope_column_is_a_rule_of_its_own() -> None:
    for column, setting in (("division_code", "division"), ("school_code", "school"), ("agency", "agency")):
        assert f"rollcall.{setting}'" in shown_when(column) and "class_" not in shown_when(column)
    assert shown_when("division_code", "school_code", "agency").count(" OR ") == 2
    assert shown_when("stage", "grade", "class_name") == ""
    assert shown_when("name") == "" and shown_when("name", public=True) == "(true)"


def test_a_class_is_compared_with_a_rows_own_or_found_through_its_child() -> None:
    own = shown_when("school_code", "stage", "grade", "class_name")
    assert "student" not in own and " AND class_name = " in own and own.count(" OR ") == 1
    among_others = shown_when("division_code", "school_code", "stage", "grade", "class_name", "entity")
    assert among_others.count(" OR ") == 2 and " AND class_name = " in among_others
    for missing in ("stage", "grade", "class_name"):
        columns = {"school_code", "stage", "grade", "class_name"} - {missing}
        assert "class_" not in shown_when(*columns).replace("class_name", "")
    through = shown_when("school_code", "student_id", of_children=OfChildren("student_id", "pupils"))
    assert '"student_id" IN (SELECT entity FROM "view_1"."pupils"' in through and through.count(" OR ") == 1
    assert shown_when("student_id", of_children=OfChildren("student_id", "pupils")) == ""
    both = shown_when("school_code", "stage", "grade", "class_name", of_children=OfChildren("entity", "pupils"))
    assert both == own


def test_every_table_is_forced_under_rules_and_open_to_the_worker() -> None:
    told = scope_policies("view_1", "pupil", ["school_code"])
    for part in (
        "ENABLE ROW LEVEL",
        "FORCE ROW LEVEL",
        "TO rollcall_worker USING (true)",
        "FOR SELECT TO",
    ):
        assert any(part in each for each in told), part
    assert not any("rollcall_app" in each for each in scope_policies("view_1", "inner", ["n"]))


def test_the_settings_of_a_scope_are_what_it_names_and_empty_otherwise() -> None:
    nothing = dict.fromkeys(
        ("division", "school", "agency", "class_school", "class_stage", "class_grade", "class_name"), ""
    )
    assert NO_SCOPE.settings == nothing
    assert Scope(division="46", school="S1", agency="a").settings == nothing | {
        "division": "46",
        "school": "S1",
        "agency": "a",
    }
    assert Scope(classroom=OWN).settings == nothing | {
        "class_school": "S1",
        "class_stage": "primary",
        "class_grade": "五年级",
        "class_name": "1班",
    }


@pytest.mark.parametrize("place", [("", "a", "b", "c"), ("a", "b", "", "c"), ("a", "b", "c", "")])
def test_a_class_without_school_grade_or_name_is_none(place: tuple[str, str, str, str]) -> None:
    with pytest.raises(ValueError, match="a school, a grade and a name"):
        Classroom(*place)


def test_a_class_stands_in_place_of_its_school() -> None:
    with pytest.raises(ValueError, match="narrower"):
        Scope(school="S1", classroom=OWN)
    assert Scope(classroom=OWN, division="46").settings["class_stage"] == "primary"


def test_a_place_is_one_scope_however_it_is_spelled() -> None:
    """A city's code ends in noughts, which its counties' codes do not begin with: 469001 lies within 469000."""
    for spelled, prefix in (("469000", "4690"), ("460000", "46"), ("469001000", "469001"), ("469001", "469001")):
        assert Scope(division=spelled) == Scope(division=prefix)
        assert Scope(division=spelled).settings["division"] == prefix
    assert Scope(division="469000").covers("469001100", None) and not Scope(division="469000").covers("460100", None)
    for none in ("4", "460", "4601071", "004601", "%"):
        with pytest.raises(DivisionCodeError):
            Scope(division=none)


def test_a_scope_cannot_be_widened_in_passing() -> None:
    for frozen, name in ((Scope(school="S1"), "school"), (OWN, "school")):
        with pytest.raises(FrozenInstanceError):
            setattr(frozen, name, "S2")


def test_empty_texts_are_no_scope() -> None:
    for empty in ({"division": ""}, {"school": ""}, {"agency": ""}):
        told: dict[str, Any] = {**empty}
        with pytest.raises(ValueError, match="written as None"):
            Scope(**told)


@pytest.mark.parametrize(
    ("scope", "place", "classroom", "covered"),
    [
        (Scope(division="4690"), ("469001", "S1"), None, True),
        (Scope(division="469001100"), ("469001", "S1"), None, False),
        (Scope(division="4690"), (None, "S1"), None, False),
        (Scope(division="4690"), ("460100", "S1"), ("primary", "五年级", "1班"), False),
        (Scope(school="S1"), ("460100", "S1"), None, True),
        (Scope(school="S1"), ("460100", "S2"), None, False),
        (Scope(school="S1"), ("460100", None), None, False),
        (Scope(agency="civil"), (None, None), None, False),
        (NO_SCOPE, (None, None), (None, None, None), False),
        (NO_SCOPE, ("469001", "S1"), ("primary", "五年级", "1班"), False),
        (Scope(classroom=OWN), ("469001", "S1"), ("primary", "五年级", "1班"), True),
        (Scope(classroom=OWN), ("469001", "S1"), ("junior", "五年级", "1班"), False),
        (Scope(classroom=OWN), ("469001", "S1"), ("primary", "六年级", "1班"), False),
        (Scope(classroom=OWN), ("469001", "S1"), ("primary", "五年级", "2班"), False),
        (Scope(classroom=OWN), ("469001", "S2"), ("primary", "五年级", "1班"), False),
        (Scope(classroom=OWN), ("469001", "S0"), ("primary", "五年级", "1班"), False),
        (Scope(classroom=OWN), ("469001", "S1"), None, False),
        (Scope(classroom=OWN), ("469001", "S1"), (None, "五年级", "1班"), False),
        (Scope(classroom=Classroom("S1", "", "五年级", "1班")), ("4", "S1"), (None, "五年级", "1班"), True),
    ],
)
def test_a_stream_is_covered_as_a_row_would_be(
    scope: Scope,
    place: tuple[str | None, str | None],
    classroom: tuple[str | None, str | None, str | None] | None,
    covered: bool,
) -> None:
    assert scope.covers(*place, classroom=classroom) is covered


def test_a_scope_inside_a_school_is_of_it_and_no_other() -> None:
    assert Scope(school="S1").of_school("S1") and Scope(classroom=OWN).of_school("S1")
    for other in ("S0", "S2", None):
        assert not Scope(school="S1").of_school(other) and not Scope(classroom=OWN).of_school(other)
    assert not Scope(division="46").of_school("S1") and not NO_SCOPE.of_school(None)


@pytest.mark.parametrize(
    ("scope", "whole"),
    [
        *((Scope(division=code), True) for code in ("46", "4690", "469000", "469005")),
        *((Scope(division=code), False) for code in ("469005001", "469006", "44")),
        *((scope, False) for scope in (NO_SCOPE, Scope(school="S1"), Scope(agency="poverty_office"))),
    ],
)
def test_a_scope_holds_a_division_that_lies_within_it_whole(scope: Scope, whole: bool) -> None:
    assert scope.holds("469005") is whole and scope.holds("469005000") is whole

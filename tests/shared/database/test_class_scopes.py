"""Who sees one class sees its rows: by their own class, else by whose they are; never the rest of the school."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from shared.database import WORKER_ROLE, scope_policies
from shared.database.scopes import NO_SCOPE, Classroom, OfChildren, Scope
from shared.kernel.clock import today
from tests.support.trial import Server, Trial, fresh_trial

PUPIL = ["school_code", "stage", "grade", "class_name"]
OF_PUPILS = OfChildren("student_id", "pupil")
OWN = Classroom("S1", "primary", "五年级", "1班")
# Child → where she is, and from when to when (days from today).
CHILDREN: dict[int, tuple[str, str | None, str, str, int, int]] = {
    1: ("S1", "primary", "五年级", "1班", -90, 900),
    2: ("S1", "primary", "五年级", "2班", -90, 900),
    3: ("S1", "primary", "六年级", "1班", -90, 900),
    4: ("S2", "primary", "五年级", "1班", -90, 900),
    5: ("S1", "junior", "五年级", "1班", -90, 900),
    6: ("S1", None, "五年级", "1班", -90, 900),
    7: ("S1", "primary", "五年级", "1班", -90, 0),  # until yesterday
    8: ("S1", "primary", "五年级", "1班", 0, 900),  # from today on
    9: ("S1", "primary", "五年级", "1班", 1, 900),  # from tomorrow on
}


@pytest.fixture(scope="module")
def classes(postgres: Server) -> Iterator[Trial]:
    with fresh_trial(postgres) as trial:
        with trial.database.owner() as owner:
            owner.execute(text("CREATE SCHEMA view_1"))
            owner.execute(text(f"GRANT USAGE ON SCHEMA view_1 TO rollcall_app, {WORKER_ROLE}"))
            owner.execute(
                text(
                    "CREATE TABLE view_1.pupil (entity uuid, school_code text, stage text, grade text, class_name text,"
                    " valid_from date, valid_to date)"
                )
            )
            for table in ("visit", "paper"):
                owner.execute(text(f"CREATE TABLE view_1.{table} (student_id uuid, school_code text)"))
            for statement in (
                *scope_policies("view_1", "pupil", PUPIL),
                *scope_policies("view_1", "visit", ["student_id", "school_code"], of_children=OF_PUPILS),
                *scope_policies("view_1", "paper", ["student_id", "school_code"]),
            ):
                owner.execute(text(statement))
            owner.execute(
                text("INSERT INTO builds (projection, build, schema, state) VALUES ('v', 1, 'view_1', 'live')")
            )
        with trial.database.working() as worker:
            for child, (school, stage, grade, name, first, last) in CHILDREN.items():
                row = {"e": UUID(int=child), "s": school, "t": stage, "g": grade, "c": name}
                days = {"f": _day(first), "l": _day(last)}
                worker.execute(text("INSERT INTO view_1.pupil VALUES (:e, :s, :t, :g, :c, :f, :l)"), row | days)
                for table in ("visit", "paper"):
                    worker.execute(text(f"INSERT INTO view_1.{table} VALUES (:e, :s)"), {"e": row["e"], "s": school})
        yield trial


def _day(offset: int) -> date:
    return today() + timedelta(days=offset)


def seen(trial: Trial, scope: Scope, table: str, column: str) -> list[int]:
    with trial.database.reading(scope, "v") as connection:
        return sorted(row[0].int for row in connection.execute(text(f"SELECT {column} FROM {table}")))


@pytest.mark.parametrize(
    ("classroom", "children"),
    [
        (OWN, [1, 7, 8, 9]),
        (Classroom("S1", "", "五年级", "1班"), [1, 5, 6, 7, 8, 9]),
        (Classroom("S1", "primary", "五年级", "2班"), [2]),
        (Classroom("S2", "primary", "五年级", "1班"), [4]),
        (Classroom("S3", "primary", "五年级", "1班"), []),
        (Classroom("S1", "junior", "五年级", "2班"), []),
    ],
)
def test_a_class_sees_the_periods_in_which_a_child_was_of_it(
    classes: Trial, classroom: Classroom, children: list[int]
) -> None:
    assert seen(classes, Scope(classroom=classroom), "pupil", "entity") == children


def test_what_is_of_a_child_is_of_the_class_she_is_in_today(classes: Trial) -> None:
    assert seen(classes, Scope(classroom=OWN), "visit", "student_id") == [1, 8]
    assert seen(classes, Scope(classroom=Classroom("S1", "primary", "五年级", "2班")), "visit", "student_id") == [2]


def test_a_table_that_tells_no_class_shows_a_class_nothing_and_its_school_all(classes: Trial) -> None:
    assert seen(classes, Scope(classroom=OWN), "paper", "student_id") == []
    assert seen(classes, Scope(school="S2"), "paper", "student_id") == [4]
    assert seen(classes, Scope(school="S2"), "visit", "student_id") == [4]


def test_a_class_does_not_outlive_its_transaction(classes: Trial) -> None:
    for table, column in (("pupil", "entity"), ("visit", "student_id")):
        assert seen(classes, Scope(classroom=OWN), table, column)
        assert seen(classes, NO_SCOPE, table, column) == []


@pytest.mark.parametrize("place", [("", "a", "b", "c"), ("a", "b", "", "c"), ("a", "b", "c", "")])
def test_a_class_without_school_grade_or_name_is_none(place: tuple[str, str, str, str]) -> None:
    with pytest.raises(ValueError, match="a school, a grade and a name"):
        Classroom(*place)


def test_a_class_stands_in_place_of_its_school() -> None:
    with pytest.raises(ValueError, match="narrower"):
        Scope(school="S1", classroom=OWN)
    assert Scope(classroom=OWN, division="46").settings["class_stage"] == "primary"


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
    assert not Scope(school="S1").of_school("S2") and not Scope(classroom=OWN).of_school("S2")
    assert not Scope(division="46").of_school("S1") and not NO_SCOPE.of_school(None)

"""Who sees one class sees its rows: by their own class, else by whose they are; never the rest of the school."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from uuid import UUID

import psycopg
import pytest
from psycopg import sql
from sqlalchemy import column, table, text

from shared.database import WORKER_ROLE, scope_policies
from shared.database.scopes import NO_SCOPE, Classroom, OfChildren, Scope, own_rows
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

# Division, school and agency of each row: any of the three shows it.
PAID = (("469001", "S1", "civil"), ("469002", "S1", "poverty"), ("4690", "S2", "civil"), (None, None, None))


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
            for each in ("visit", "paper"):
                owner.execute(text(f"CREATE TABLE view_1.{each} (student_id uuid, school_code text)"))
            owner.execute(
                text("CREATE TABLE view_1.paid (entity uuid, division_code text, school_code text, agency text)")
            )
            for statement in (
                *scope_policies("view_1", "paid", ["division_code", "school_code", "agency"]),
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
                for each in ("visit", "paper"):
                    worker.execute(text(f"INSERT INTO view_1.{each} VALUES (:e, :s)"), {"e": row["e"], "s": school})
            for number, (division, of_school, agency) in enumerate(PAID, 1):
                place = {"e": UUID(int=number), "d": division, "s": of_school, "a": agency}
                worker.execute(text("INSERT INTO view_1.paid VALUES (:e, :d, :s, :a)"), place)
        yield trial


def _day(offset: int) -> date:
    return today() + timedelta(days=offset)


def seen(trial: Trial, scope: Scope, where: str, whose: str) -> list[int]:
    with trial.database.reading(scope, "v") as connection:
        return sorted(row[0].int for row in connection.execute(text(f"SELECT {whose} FROM {where}")))


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
    with classes.database.working() as worker:
        for child, (*_, first, last) in CHILDREN.items():  # today may be another day than when the rows were written
            days = {"e": UUID(int=child), "f": _day(first), "l": _day(last)}
            worker.execute(text("UPDATE view_1.pupil SET valid_from = :f, valid_to = :l WHERE entity = :e"), days)
    assert seen(classes, Scope(classroom=OWN), "visit", "student_id") == [1, 8]
    assert seen(classes, Scope(classroom=Classroom("S1", "primary", "五年级", "2班")), "visit", "student_id") == [2]


def test_a_table_that_tells_no_class_shows_a_class_nothing_and_its_school_all(classes: Trial) -> None:
    assert seen(classes, Scope(classroom=OWN), "paper", "student_id") == []
    assert seen(classes, Scope(school="S2"), "paper", "student_id") == [4]
    assert seen(classes, Scope(school="S2"), "visit", "student_id") == [4]


@pytest.mark.parametrize(
    ("scope", "rows"),
    [
        (Scope(division="469001"), [1]),
        (Scope(division="4690"), [1, 2, 3]),
        (Scope(division="46"), [1, 2, 3]),
        (Scope(division="469001001"), []),
        (Scope(division="9001"), []),
        (Scope(school="S1"), [1, 2]),
        (Scope(agency="civil"), [1, 3]),
        (Scope(agency="poverty"), [2]),
        (Scope(agency="none"), []),
        (Scope(division="469002", school="S2", agency="civil"), [1, 2, 3]),
        (Scope(classroom=OWN), []),
        (NO_SCOPE, []),
    ],
)
def test_a_row_is_shown_by_its_division_its_school_or_its_agency(classes: Trial, scope: Scope, rows: list[int]) -> None:
    assert seen(classes, scope, "paid", "entity") == rows


def test_who_connects_past_the_service_and_names_no_scope_is_shown_nothing(classes: Trial) -> None:
    with psycopg.connect(classes.database.app_conninfo, autocommit=True) as connection:
        for each in ("pupil", "visit", "paper", "paid"):
            assert connection.execute(sql.SQL("SELECT * FROM view_1.{}").format(sql.Identifier(each))).fetchall() == []


def test_a_class_does_not_outlive_its_transaction(classes: Trial) -> None:
    for where, whose in (("pupil", "entity"), ("visit", "student_id")):
        assert seen(classes, Scope(classroom=OWN), where, whose)
        assert seen(classes, NO_SCOPE, where, whose) == []


@pytest.mark.parametrize(
    ("scope", "condition"),
    [
        (Scope(classroom=OWN), "school_code = 'S1' AND grade = '五年级' AND class_name = '1班'"),
        (Scope(school="S2"), "school_code = 'S2'"),
        (Scope(division="46"), "true"),
        (Scope(division="46", school="S2"), "true"),
        (Scope(agency="civil"), "true"),
        (Scope(agency="civil", school="S2"), "true"),
        (NO_SCOPE, "true"),
    ],
)
def test_what_the_policies_say_of_a_school_or_class_is_said_to_the_planner(
    classes: Trial, scope: Scope, condition: str
) -> None:
    pupil = table("pupil", column("school_code"), column("grade"), column("class_name")).c
    with classes.database.reading(scope, "v") as connection:
        told = own_rows(connection, pupil)
        assert str(told.compile(compile_kwargs={"literal_binds": True})).replace("pupil.", "") == condition
        visits = table("visit", column("school_code")).c
        whole = str(own_rows(connection, visits).compile(compile_kwargs={"literal_binds": True}))
        assert whole.replace("visit.", "") == condition.partition(" AND ")[0]
        assert str(own_rows(connection, table("inner", column("grade")).c)) == "true"
        for only in ("grade", "class_name"):
            half = own_rows(connection, table("visit", column("school_code"), column(only)).c)
            said = str(half.compile(compile_kwargs={"literal_binds": True}))
            assert said.replace("visit.", "") == condition.partition(" AND ")[0]
    with classes.database.working() as worker:
        assert str(own_rows(worker, pupil)) == "true"

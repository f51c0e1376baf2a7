"""Places of registration: every student in exactly the count a person would put her in, each count its rows."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest

import services.registry.app as registry_app
from services.registry.commands import (
    AcceptElsewhere,
    EnrolStudents,
    RegisterSchools,
    SchoolRecord,
    StudentRecord,
    TransferStudentOut,
)
from services.registry.events import DestinationKind
from services.registry.handlers import (
    Registry,
    accept_student_elsewhere,
    enrol_students,
    register_schools,
    transfer_student_out,
)
from services.registry.keys import Keys
from services.registry.projections import REGISTER
from services.registry.reference.reference import DivisionChange, state_divisions
from services.registry.reference.register_places import counts, students
from shared.database.scopes import NO_SCOPE, Scope
from shared.kernel.refusals import Malformed
from shared.standards.identity_number import check_digit
from shared.web.pages import PageTurn
from tests.services.installation import DIVISION, Installation
from tests.support.registry_portal import command

TERM, TODAY = date(2026, 9, 1), date(2026, 11, 1)
OWN = DIVISION[:4]
SCHOOLS = (SchoolRecord("A", "甲校", "469001"), SchoolRecord("B", "乙校", "469002"))
HISTORY = (
    DivisionChange("998101", date(1980, 1, 1), "added", "老县"),
    DivisionChange("998101", date(2003, 1, 1), "withdrawn", successors=("998102",)),
    DivisionChange("998102", date(2003, 1, 1), "added", "新区"),
    DivisionChange("998201", date(1980, 1, 1), "added", "分县"),
    DivisionChange("998201", date(2003, 1, 1), "withdrawn", successors=("998102", "469001")),
    DivisionChange("998301", date(1980, 1, 1), "added", "归我县"),
    DivisionChange("998301", date(2003, 1, 1), "withdrawn", successors=("469001",)),
    DivisionChange("469001", date(1980, 1, 1), "added", "望潮县"),
)
# As a person with the table of codes would say where a child is from: None is here.
SAID: dict[str, tuple[str, bool] | None] = {
    **dict.fromkeys(("469001", "469002", "998301")),
    "998101": ("998102", True),
    "998102": ("998102", True),
    "998201": ("998201", False),
    "110101": ("110101", True),
}


def record(number: int) -> StudentRecord:
    rng = random.Random(number)
    first = f"{rng.choice(sorted(SAID))}20140901{number:03d}"
    own, place = first + check_digit(first), rng.choice(SCHOOLS)
    numbered = None if number % 11 == 0 else own
    return StudentRecord(f"张{number}", place.school_code, place.division_code, numbered, f"L{number:018d}", "L")


RECORDS = tuple(map(record, range(150)))
WENT = {3: "998101", 4: "469002", 5: "110101", 6: None, 7: "998102"}  # where students went; 8 to another school of ours


@pytest.fixture(scope="module")
def registry(postgres: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    installation = Installation(postgres, tmp_path_factory.mktemp("places"))
    settings = installation.settings("registry")
    service = installation.start(registry_app.build(settings))
    made = Registry(service.database, service.store, installation.keyring, Keys(settings.hmac_key), settings.division)
    register_schools(made, RegisterSchools(SCHOOLS, TERM), command())
    state_divisions(made, HISTORY, command())
    enrol_students(made, EnrolStudents(RECORDS, TERM), command())
    wide = Scope(division=OWN)
    for number, code in WENT.items():
        student, on = made.keys.student(RECORDS[number]), date(2026, 10, 1)
        kind: DestinationKind = "elsewhere" if code else "unknown"
        transfer_student_out(made, wide, TransferStudentOut(student, on, kind, None, code), command())
        if code == "998102":
            accept_student_elsewhere(made, wide, AcceptElsewhere(student, date(2026, 10, 5), "110101"), command())
    moved = TransferStudentOut(made.keys.student(RECORDS[8]), date(2026, 10, 1), "in_division", "B", None)
    transfer_student_out(made, wide, moved, command())
    installation.pump(batch=500)
    yield made
    installation.close()


def expected(day: date, scope: Scope) -> Counter[tuple[str, str, bool]]:
    found: Counter[tuple[str, str, bool]] = Counter()
    gone = {3: ("998102", True), 5: ("110101", True), 6: ("unknown", False), 7: ("110101", True)}
    for number, each in enumerate(RECORDS):
        if not (scope.school == each.school_code or (scope.division and each.division_code.startswith(scope.division))):
            continue
        if number in {*WENT, 8} and day >= date(2026, 10, 1):
            if number in gone:
                found["own_elsewhere", *gone[number]] += 1
        elif each.id_number and (said := SAID[each.id_number[:6]]) is not None:
            found["outside_here", *said] += 1
    return found


@pytest.mark.parametrize("scope", [Scope(division=OWN), Scope(division="469001"), Scope(school="B"), NO_SCOPE])
@pytest.mark.parametrize("day", [date(2026, 9, 30), TODAY])
def test_every_student_is_counted_where_a_person_would_and_each_count_is_its_rows(
    registry: Registry, day: date, scope: Scope
) -> None:
    with registry.database.reading(scope, REGISTER.name) as connection:
        rows = counts(connection, day, DIVISION)
        assert Counter({(row.kind, row.place, row.certain): row.students for row in rows}) == expected(day, scope)
        for row in rows:
            behind = students(connection, day, DIVISION, row.kind, row.place, PageTurn(None, 200))
            assert len({each.student_id for each in behind}) == row.students
            assert all(each.place == row.place and (not each.id_number or "*" in each.id_number) for each in behind)
        assert len(students(connection, day, DIVISION, "outside_here", None, PageTurn(None, 200))) == sum(
            row.students for row in rows if row.kind == "outside_here"
        )


def test_rows_come_a_page_at_a_time(registry: Registry) -> None:
    with registry.database.reading(Scope(division=OWN), REGISTER.name) as connection:
        every = students(connection, TODAY, DIVISION, "outside_here", None, PageTurn(None, 200))
        found, turn = [], PageTurn(None, 7)
        while len(page := students(connection, TODAY, DIVISION, "outside_here", None, turn)) > 7:
            found += page[:7]
            turn = PageTurn((page[6].school_code, page[6].student_id), 7)
        assert found + page == every
        with pytest.raises(Malformed):
            students(connection, TODAY, DIVISION, "outside_here", None, PageTurn(("x",), 7))


def test_names_of_places_are_those_of_the_day(registry: Registry) -> None:
    with registry.database.reading(Scope(division=OWN), REGISTER.name) as connection:
        names = {row.place: row.place_name for row in counts(connection, TODAY, DIVISION, "outside_here")}
    assert names == {"998102": "新区", "998201": "分县", "110101": None}

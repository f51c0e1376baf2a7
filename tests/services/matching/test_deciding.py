"""The decider on a real database: any order of arrival, any mix of batches, ends in the same decisions."""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any, NamedTuple
from uuid import UUID

import pytest

from services.matching import app, queries, roster
from services.matching.active_model import ActiveModel
from services.matching.deciding import Deciding
from services.matching.streams import Streams
from services.registry.events import (
    EntryPersonal,
    ListEntryAdded,
    ListEntryCorrected,
    ListEntryRemoved,
    StudentDetailsCorrected,
    StudentEnrolled,
    StudentPersonal,
)
from shared.database.database import driver
from shared.database.scopes import NO_SCOPE, Scope
from shared.hosting.service import Service
from shared.kernel.facts import Fact
from shared.standards.identity_number import check_digit
from shared.web.pages import PageTurn
from tests.services.installation import DIVISION, Installation

TODAY = date(2026, 11, 24)
SINCE = date(2026, 9, 1)
COUNTY = Scope(division=DIVISION[:4])


class Happening(NamedTuple):
    """One fact of the registry."""

    stream: UUID
    fact: Fact
    on: date


def number(born: date, sequence: int) -> str:
    first = f"469080{born:%Y%m%d}{sequence:03d}"
    return first + check_digit(first)


def student(stream: UUID, name: str, id_number: str, school: str = "S1") -> Happening:
    personal = StudentPersonal(person_id=stream, name=name, id_number=id_number, birth_date=born_on(id_number))
    fact = StudentEnrolled(school_code=school, division_code=f"{DIVISION}101", stage="primary", personal=personal)
    return Happening(stream, fact, SINCE)


def listed(stream: UUID, name: str, id_number: str, **fields: Any) -> Happening:
    personal = EntryPersonal(person_id=stream, name=name, id_number=id_number, birth_date=born_on(id_number))
    given: dict[str, Any] = {"agency": "poverty_office", "list": "poverty", "household_type": "脱贫户"}
    given |= {"division_code": DIVISION} | fields
    return Happening(stream, ListEntryAdded(**given, personal=personal), SINCE)


def born_on(id_number: str) -> date:
    return date(int(id_number[6:10]), int(id_number[10:12]), int(id_number[12:14]))


class Matching(NamedTuple):
    """A matching service with its decider, and what it decided."""

    service: Service
    deciding: Deciding

    def decide(self) -> None:
        while self.deciding.decide_some():
            continue

    def decisions(self) -> dict[UUID, tuple[Any, ...]]:
        """Entry → everything decided about it, without ids, versions and times of events."""
        with self.service.database.working() as connection:
            rows = driver(connection).execute("SELECT entry_id, state, student_id, content FROM decided").fetchall()
        return {row[0]: (row[1], row[2], bytes(row[3])) for row in rows}


def matching_of(installation: Installation) -> Matching:
    installation.bare("registry")
    settings = installation.settings("matching")
    service = installation.start(app.build(settings))
    installation.open_day(service, TODAY)
    installation.pump()
    return Matching(service, decider_of(service, Streams(settings.hmac_key)))


def decider_of(service: Service, streams: Streams) -> Deciding:
    """A decider as a process of its own has it: what it remembers of models is its own."""
    return Deciding(service.database, service.store, streams, ActiveModel(service.store, streams))


@pytest.fixture
def matching(installation: Installation) -> Matching:
    return matching_of(installation)


def happen(installation: Installation, happenings: Iterable[Happening]) -> None:
    for each in happenings:
        installation.append("registry", each.stream, each.fact, each.on)


def settle(installation: Installation, matching: Matching) -> None:
    installation.pump()
    matching.decide()
    installation.pump()


def ids(seed: int, count: int) -> list[UUID]:
    chance = random.Random(seed)
    return [UUID(int=chance.getrandbits(128)) for _ in range(count)]


def rostered(matching: Matching, scope: Scope = COUNTY, day: date = TODAY) -> list[tuple[str, str]]:
    with matching.service.database.reading(scope, "roster") as connection:
        return [(row.name, row.category) for row in roster.roster(connection, day, PageTurn(None, 200))]


A, B = number(date(2015, 3, 4), 1), number(date(2015, 3, 4), 3)


def test_a_row_with_number_and_name_of_a_student_puts_her_on_the_roster(
    installation: Installation, matching: Matching
) -> None:
    child, entry = ids(1, 2)
    happen(installation, [student(child, "林小燕", A), listed(entry, "林小燕", A)])
    settle(installation, matching)
    assert matching.decisions()[entry][:2] == ("linked", child)
    assert rostered(matching) == [("林*燕", "registered_poor")]
    assert rostered(matching, Scope(school="S1")) == [("林*燕", "registered_poor")]
    assert rostered(matching, Scope(school="S2")) == []
    assert rostered(matching, NO_SCOPE) == []
    assert rostered(matching, day=date(2026, 8, 31)) == []


def test_a_row_that_arrives_before_its_student_is_linked_when_she_comes(
    installation: Installation, matching: Matching
) -> None:
    child, entry = ids(2, 2)
    happen(installation, [listed(entry, "林小燕", A)])
    settle(installation, matching)
    assert matching.decisions()[entry][0] == "not_in_register"
    with matching.service.database.reading(COUNTY, "roster") as connection:
        assert queries.summary(connection, TODAY).unenrolled_listed == 1
    happen(installation, [student(child, "林小燕", A)])
    settle(installation, matching)
    assert matching.decisions()[entry][:2] == ("linked", child)


def test_an_exit_ends_the_link_on_its_day_and_not_before(installation: Installation, matching: Matching) -> None:
    child, entry = ids(3, 2)
    removal = ListEntryRemoved(agency="poverty_office", list="poverty", reason="missing_from_snapshot")
    happen(installation, [student(child, "林小燕", A), listed(entry, "林小燕", A)])
    settle(installation, matching)
    happen(installation, [Happening(entry, removal, date(2026, 12, 1))])
    settle(installation, matching)
    assert rostered(matching, day=date(2026, 11, 30)) == [("林*燕", "registered_poor")]
    assert rostered(matching, day=date(2026, 12, 1)) == []
    kinds = [entry.logged.event.type for entry in installation.entries("matching")]
    assert kinds[-2:] == ["matching.LinkWithdrawn.v1", "matching.EntryWithdrawn.v1"]


def test_a_corrected_number_moves_the_link_to_the_other_child(installation: Installation, matching: Matching) -> None:
    first, second, entry = ids(4, 3)
    happen(installation, [student(first, "林小燕", A), student(second, "林小燕", B), listed(entry, "林小燕", A)])
    settle(installation, matching)
    assert matching.decisions()[entry][:2] == ("linked", first)
    corrected = listed(entry, "林小燕", B).fact
    assert isinstance(corrected, ListEntryAdded)
    fields = {name: getattr(corrected, name) for name in corrected.__struct_fields__}
    happen(installation, [Happening(entry, ListEntryCorrected(**fields), SINCE)])
    settle(installation, matching)
    assert matching.decisions()[entry][:2] == ("linked", second)
    assert len(rostered(matching)) == 1


def test_nothing_is_appended_when_nothing_changes(installation: Installation, matching: Matching) -> None:
    child, entry = ids(5, 2)
    happen(installation, [student(child, "林小燕", A), listed(entry, "林小燕", A)])
    settle(installation, matching)
    before = len(installation.entries("matching"))
    installation.open_day(matching.service, date(2026, 11, 25))
    settle(installation, matching)
    assert len(installation.entries("matching")) == before + 1  # the day itself


def test_states_of_one_list_sum_to_its_rows(installation: Installation, matching: Matching) -> None:
    happenings, expected = county(seed=11)
    happen(installation, happenings)
    settle(installation, matching)
    with matching.service.database.reading(COUNTY, "roster") as connection:
        found = queries.summary(connection, TODAY)
    assert sum(found.states.values()) == len([state for state, _ in expected.values() if state])


@pytest.mark.parametrize("seed", [1, 2, 3, 4])
def test_any_order_of_arrival_ends_in_the_same_decisions(installation: Installation, seed: int) -> None:
    print(f"seed {seed}")
    chance = random.Random(seed)
    happenings, expected = county(seed=7)
    matching = matching_of(installation)
    for each in shuffled(happenings, chance):
        happen(installation, [each])
        if chance.random() < 0.2:
            installation.pump(chance)
        if chance.random() < 0.1:
            matching.deciding.decide_some()
    settle(installation, matching)
    settle(installation, matching)
    found = matching.decisions()
    assert {entry: row[:2] for entry, row in found.items() if row[0]} == {
        entry: wanted for entry, wanted in expected.items() if wanted[0]
    }
    assert sorted(found[entry][2] for entry, wanted in expected.items() if wanted[0]) == _CONTENTS.setdefault(
        "first", sorted(found[entry][2] for entry, wanted in expected.items() if wanted[0])
    )


_CONTENTS: dict[str, list[bytes]] = {}


def shuffled(happenings: Sequence[Happening], chance: random.Random) -> list[Happening]:
    """Another order that keeps each stream's own."""
    queues: dict[UUID, list[Happening]] = {}
    for each in happenings:
        queues.setdefault(each.stream, []).append(each)
    order = [stream for stream, queue in queues.items() for _ in queue]
    chance.shuffle(order)
    return [queues[stream].pop(0) for stream in order]


def county(seed: int) -> tuple[list[Happening], dict[UUID, tuple[str | None, UUID | None]]]:
    """Happenings, and for each list row the state and student that follow from the last word about everyone,
    worked out here by looking at all students for each row."""
    chance = random.Random(seed)
    numbers = [number(date(2012 + n % 6, 1 + n % 12, 3), n % 500) for n in range(24)]
    names = ["王芳", "李娜", "张伟", "符小妹", "阿卜杜·买买提"]
    students: dict[UUID, tuple[str, str]] = {}
    rows: dict[UUID, tuple[str, str] | None] = {}
    happenings: list[Happening] = []
    for stream in ids(seed + 1, 18):
        students[stream] = (chance.choice(names), chance.choice(numbers))
        happenings.append(student(stream, *students[stream]))
    for stream in ids(seed + 2, 40):
        known = chance.choice([*students.values(), (chance.choice(names), chance.choice(numbers))])
        row = (known[0] if chance.random() < 0.8 else chance.choice(names), known[1])
        rows[stream] = row
        happenings.append(listed(stream, *row))
    for stream in chance.sample(sorted(students), 5):
        students[stream] = (students[stream][0], chance.choice(numbers))
        name, id_number = students[stream]
        personal = StudentPersonal(person_id=stream, name=name, id_number=id_number, birth_date=born_on(id_number))
        happenings.append(Happening(stream, StudentDetailsCorrected(personal=personal), SINCE))
    for stream in chance.sample(sorted(rows), 6):
        rows[stream] = None
        removal = ListEntryRemoved(agency="poverty_office", list="poverty", reason="withdrawn_by_agency")
        happenings.append(Happening(stream, removal, SINCE))
    return happenings, {stream: _expected(row, students) for stream, row in rows.items()}


def _expected(row: tuple[str, str] | None, students: dict[UUID, tuple[str, str]]) -> tuple[str | None, UUID | None]:
    if row is None:
        return None, None
    owners = [stream for stream, (_, owned) in students.items() if owned == row[1]]
    if len(owners) == 1 and students[owners[0]][0] == row[0]:
        return "linked", owners[0]
    return ("review", None) if owners else ("not_in_register", None)

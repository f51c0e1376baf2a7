"""Rulings on a real database: decided at once, undone without a trace, and in any order the same link table."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable
from typing import Any, NamedTuple
from uuid import UUID, uuid4

import pytest

from services.matching import handlers
from services.matching.commands import RuleRow
from services.matching.errors import (
    CandidateUnknown,
    EvidenceChanged,
    NothingToWithdraw,
    NotUnderReview,
    RowUnknown,
)
from services.matching.events import Verdict
from services.matching.handlers import Desk
from services.matching.streams import Streams
from services.registry.events import ListEntryCorrected, StudentDetailsCorrected, StudentEnrolled, StudentPersonal
from shared.database.database import driver
from shared.database.scopes import NO_SCOPE, Scope
from shared.eventsourcing.store import Command, Result
from shared.standards.separation import SecondPersonNeeded
from tests.services.installation import DIVISION, Installation
from tests.services.matching.test_deciding import (
    COUNTY,
    SINCE,
    A,
    B,
    Happening,
    Matching,
    born_on,
    happen,
    ids,
    listed,
    matching_of,
    settle,
    shuffled,
    student,
)


class Office(NamedTuple):
    """A matching service and a clerk who rules."""

    installation: Installation
    matching: Matching
    desk: Desk

    def happen(self, *happenings: Happening) -> None:
        happen(self.installation, happenings)
        settle(self.installation, self.matching)

    def rule(self, entry: UUID, verdict: Verdict, *students: UUID, by: str = "clerk", **more: Any) -> Result:
        intent = RuleRow(entry, verdict, students, by, more.pop("seen", None))
        return self._do(handlers.rule_row, intent, by, **more)

    def undo(self, entry: UUID, by: str = "clerk", **more: Any) -> Result:
        return self._do(handlers.withdraw_ruling, entry, by, by, **more)

    def ask(self, entry: UUID, by: str = "clerk") -> Result:
        return self._do(handlers.ask_second_opinion, entry, by, by)

    def _do(self, handler: Callable[..., Result], *arguments: Any, **more: Any) -> Result:
        *given, by = arguments
        command = Command(by, more.get("key") or uuid4(), repr(given).encode())
        scope = more.get("scope", COUNTY)
        return handler(self.desk, scope, *given, command, more.get("check", lambda version: None))

    def settle(self) -> None:
        settle(self.installation, self.matching)

    def decided(self, entry: UUID) -> tuple[Any, ...]:
        with self.matching.service.database.working() as connection:
            row = (
                driver(connection)
                .execute("SELECT convert_from(content, 'UTF8')::json->2 FROM decided WHERE entry_id = %s", (entry,))
                .fetchone()
            )
        assert row is not None
        (fact,) = row
        state, student = self.matching.decisions()[entry][:2]
        return state, student, fact["rule"], fact["reason"]

    def table_hash(self) -> str:
        """Of (row, state, student, everything decided) of all rows: no ids of events, versions or times."""
        found = sorted((str(entry), *map(str, row)) for entry, row in self.matching.decisions().items())
        return hashlib.sha256(repr(found).encode()).hexdigest()


def office_of(installation: Installation) -> Office:
    matching = matching_of(installation)
    settings = installation.settings("matching")
    return Office(
        installation,
        matching,
        Desk(matching.service.database, matching.service.store, Streams(settings.hmac_key)),
    )


@pytest.fixture
def office(installation: Installation) -> Office:
    return office_of(installation)


def doubted(office: Office, seed: int) -> tuple[UUID, UUID]:
    """A row with the number of a child of another name: under review."""
    child, entry = ids(seed, 2)
    office.happen(student(child, "林小燕", A), listed(entry, "陈大文", A))
    assert office.decided(entry) == ("review", None, "R3", "name_differs")
    return child, entry


def renamed(child: UUID, name: str, number: str = A) -> Happening:
    personal = StudentPersonal(person_id=child, name=name, id_number=number, birth_date=born_on(number))
    return Happening(child, StudentDetailsCorrected(personal=personal), SINCE)


def restated(entry: UUID, name: str, number: str) -> Happening:
    fact = listed(entry, name, number).fact
    fields = {field: getattr(fact, field) for field in fact.__struct_fields__}
    return Happening(entry, ListEntryCorrected(**fields), SINCE)


def test_a_confirmed_row_is_linked_as_soon_as_the_work_is_taken(office: Office) -> None:
    child, entry = doubted(office, 1)
    office.rule(entry, "must_link", child)
    assert office.matching.deciding.decide_some(), "the ruling noted its work in its own transaction"
    assert office.decided(entry) == ("linked", child, "R0", "ruled_same")


def test_link_then_undo_leaves_the_table_as_if_never_ruled(office: Office) -> None:
    child, entry = doubted(office, 2)
    before = office.table_hash()
    for verdict, named in (("must_link", (child,)), ("cannot_link", (child,)), ("nobody", ())):
        office.rule(entry, verdict, *named)  # type: ignore[arg-type]
        office.settle()
        assert office.table_hash() != before
        office.undo(entry)
        office.settle()
        assert office.table_hash() == before
    with pytest.raises(NothingToWithdraw):
        office.undo(entry)


@pytest.mark.parametrize("change", ["student", "row"])
@pytest.mark.parametrize("verdict", ["must_link", "cannot_link", "nobody"])
def test_a_change_of_what_it_was_based_on_brings_the_row_back_to_a_person(
    office: Office, change: str, verdict: Verdict
) -> None:
    child, entry = doubted(office, 3)
    office.rule(entry, verdict, *(() if verdict == "nobody" else (child,)))
    office.settle()
    assert office.decided(entry)[2] == "R0"
    office.happen(renamed(child, "林小雁") if change == "student" else restated(entry, "陈文", A))
    assert office.decided(entry) == ("review", None, "R0", "ruling_outdated")
    office.happen(renamed(child, "林小燕") if change == "student" else restated(entry, "陈大文", A))
    assert office.decided(entry)[0] != "review", "the evidence is again what it was"


def test_a_child_linked_by_a_person_alone_is_looked_at_again_when_she_changes(office: Office) -> None:
    child, other, entry = ids(4, 3)
    office.happen(student(child, "林小燕", A), student(other, "符小妹", B), listed(entry, "陈大文", A))
    office.rule(entry, "must_link", other)  # shares neither number nor name with the row
    office.settle()
    assert office.decided(entry) == ("linked", other, "R0", "ruled_same")
    office.happen(renamed(other, "符小梅", B))
    assert office.decided(entry) == ("review", None, "R0", "ruling_outdated")


def test_who_else_a_row_may_mean_is_found_when_the_student_of_its_number_is_ruled_out(office: Office) -> None:
    child, other, entry = ids(14, 3)
    personal = StudentPersonal(person_id=other, name="林小燕", birth_date=born_on(A))
    fact = StudentEnrolled(school_code="S1", division_code=f"{DIVISION}101", stage="primary", personal=personal)
    office.happen(student(child, "林小燕", A), Happening(other, fact, SINCE), listed(entry, "林小燕", A))
    assert office.decided(entry)[:3] == ("linked", child, "R1")
    office.rule(entry, "cannot_link", child)
    office.settle()
    assert office.decided(entry)[0] != "not_in_register", "she has no number, and all else of hers agrees"
    assert office.decided(entry)[2] == "R6"


def test_the_link_is_in_the_scope_of_the_student_named_by_a_person(office: Office) -> None:
    child, other, entry = ids(5, 3)
    office.happen(student(child, "林小燕", A), student(other, "符小妹", B, "S7"), listed(entry, "陈大文", A))
    office.rule(entry, "must_link", other)
    office.settle()
    with office.matching.service.database.reading(Scope(school="S7"), "roster") as connection:
        rows = driver(connection).execute("SELECT entity FROM decisions WHERE state = 'linked'").fetchall()
    assert rows == [(entry,)]


def test_a_ruling_rests_on_what_its_author_was_shown(office: Office) -> None:
    child, entry = doubted(office, 6)
    seen = handlers.shown(office.desk, COUNTY, entry)
    digest = handlers.shown_digest(office.desk.streams, seen.row, seen.students)
    office.happen(renamed(child, "林小雁"))
    with pytest.raises(EvidenceChanged):
        office.rule(entry, "must_link", child, seen=digest)
    seen = handlers.shown(office.desk, COUNTY, entry)
    office.rule(entry, "must_link", child, seen=handlers.shown_digest(office.desk.streams, seen.row, seen.students))
    office.settle()
    assert office.decided(entry)[:2] == ("linked", child)


def test_the_same_command_again_gets_the_same_answer_and_rules_once(office: Office) -> None:
    child, entry = doubted(office, 7)
    key = uuid4()
    first = office.rule(entry, "must_link", child, key=key)
    office.settle()
    office.happen(renamed(child, "林小雁"))
    again = office.rule(entry, "must_link", child, key=key, scope=NO_SCOPE)
    assert (again.event_ids, again.replayed) == (first.event_ids, True)


def test_a_second_opinion_comes_from_a_second_person(office: Office) -> None:
    child, entry = doubted(office, 8)
    office.ask(entry, by="first")
    with pytest.raises(SecondPersonNeeded):
        office.rule(entry, "must_link", child, by="first")
    office.settle()
    assert office.decided(entry)[0] == "review"
    office.rule(entry, "must_link", child, by="second")
    office.settle()
    assert office.decided(entry)[0] == "linked"
    with pytest.raises(NotUnderReview):
        office.ask(entry, by="third")


def test_a_row_or_student_outside_the_scope_is_unknown(office: Office) -> None:
    child, entry = doubted(office, 9)
    for scope in (NO_SCOPE, Scope(division="11"), Scope(school="S1")):
        with pytest.raises(RowUnknown):
            office.rule(entry, "must_link", child, scope=scope)
    with pytest.raises(CandidateUnknown):
        office.rule(entry, "must_link", uuid4())
    with pytest.raises(RowUnknown):
        office.undo(uuid4())


def story(seed: int) -> tuple[list[Happening], list[tuple[UUID, Verdict, tuple[UUID, ...]]]]:
    """Children who share numbers and names, rows about them, and what is ruled about the rows."""
    chance = random.Random(seed)
    children, rows = ids(seed + 1, 8), ids(seed + 2, 14)
    names = ["林小燕", "符小妹", "王芳"]
    happenings = [student(child, chance.choice(names), chance.choice([A, B])) for child in children]
    happenings += [listed(row, chance.choice([*names, "陈大文"]), chance.choice([A, B])) for row in rows]
    rulings: list[tuple[UUID, Verdict, tuple[UUID, ...]]] = []
    for row in rows[:9]:
        verdict = chance.choice(["must_link", "cannot_link", "cannot_link", "nobody"])
        if verdict == "cannot_link":  # two rulings about one row that may come in any order
            rulings += [(row, "cannot_link", (each,)) for each in chance.sample(children, 2)]
        else:
            rulings.append((row, verdict, (chance.choice(children),) if verdict == "must_link" else ()))  # type: ignore[arg-type]
    return happenings, rulings


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_any_order_of_rulings_and_arrivals_ends_in_the_same_table(installation: Installation, seed: int) -> None:
    """People, rows and rulings come in any order that lets a clerk see what she rules on, some rulings are undone in
    between. Rulings of nobody pin whoever is shown, so they wait until all are there."""
    print(f"seed {seed}")
    chance = random.Random(seed)
    happenings, rulings = story(seed=5)
    office = office_of(installation)
    coming, arrived = shuffled(happenings, chance), set[UUID]()
    chance.shuffle(rulings)
    while coming or rulings:
        ready = [each for each in rulings if {each[0], *each[2]} <= arrived and not (each[1] == "nobody" and coming)]
        if coming and (not ready or chance.random() < 0.7):
            happening = coming.pop(0)
            happen(installation, [happening])
            arrived.add(happening.stream)
            continue
        row, verdict, students = ruling = chance.choice(ready)
        rulings.remove(ruling)
        office.settle()
        if chance.random() < 0.3:
            office.rule(row, "must_link", chance.choice(sorted(arrived & {each.stream for each in happenings[:8]})))
            office.undo(row)
        office.rule(row, verdict, *students)
    office.settle()
    assert office.table_hash() == _HASHES.setdefault("first", office.table_hash())


_HASHES: dict[str, str] = {}

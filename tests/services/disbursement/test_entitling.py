"""From a student and a linked list row to money, on a real database: once, in any order, whatever is retried."""

from __future__ import annotations

import random
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from services.disbursement import app, handlers, queries
from services.disbursement.commands import DisburseAid
from services.disbursement.errors import AlreadyDisbursed, NothingGranted, UnknownEntitlement
from services.disbursement.events import AidDisbursed
from services.disbursement.queries import EntitlementRow, PaymentRow
from services.disbursement.streams import Streams
from services.registry.events import StudentLeft, StudentPlaced, StudentTransferredOut
from shared.database.scopes import NO_SCOPE, Scope
from shared.eventsourcing.store import Command, Result
from shared.hosting.service import Service
from shared.kernel.refusals import CommandReused, Refusal
from shared.web.pages import PageTurn
from tests.services.happenings import enrolled, link, someone, unlink
from tests.services.installation import DIVISION, Installation

TODAY = date(2026, 11, 24)
TERM_BEGINS = date(2026, 9, 1)
COUNTY = Scope(division=DIVISION[:4])
EVERYTHING = PageTurn(None, 200)


@pytest.fixture
def disbursement(installation: Installation) -> Service:
    service = installation.start(app.build(installation.settings("disbursement")))
    installation.bare("registry")
    installation.bare("matching")
    return service


def entitlements(service: Service, scope: Scope = COUNTY, day: date = TODAY) -> list[EntitlementRow]:
    with service.database.reading(scope, "payments") as connection:
        return queries.entitlements(connection, day, EVERYTHING)


def payments(service: Service, day: date = TODAY) -> list[PaymentRow]:
    with service.database.reading(COUNTY, "payments") as connection:
        return queries.payments(connection, day, EVERYTHING)


def a_poor_student(installation: Installation, **fields: Any) -> UUID:
    student = someone()
    installation.append("registry", student, enrolled(student, **fields), date(2021, 9, 1))
    installation.append("matching", someone(), link(someone(), student), date(2024, 1, 1))
    return student


def pay(
    installation: Installation,
    service: Service,
    entitlement: UUID,
    *,
    command_id: UUID | None = None,
    body: bytes = b"pay",
    scope: Scope = COUNTY,
    on: date = TODAY,
) -> Result:
    streams = Streams(installation.settings("disbursement").hmac_key)
    command = Command("clerk", command_id or uuid4(), body)
    intent = DisburseAid(on, "B-2026-1")
    return handlers.disburse_aid(service.database, service.store, streams, scope, entitlement, intent, command)


def test_a_linked_student_is_due_half_the_yearly_rate(installation: Installation, disbursement: Service) -> None:
    student = a_poor_student(installation)
    installation.open_day(disbursement, TODAY)
    installation.pump()
    (row,) = entitlements(disbursement)
    assert (row.student_id, row.term, row.amount_fen, row.state) == (student, "2026-autumn", 62_500, "granted")
    assert (row.name, row.granted_on) == ("张*明", TERM_BEGINS)


def test_nobody_is_entitled_before_the_first_day_opens(installation: Installation, disbursement: Service) -> None:
    a_poor_student(installation)
    installation.pump()
    assert entitlements(disbursement) == []


@pytest.mark.parametrize(
    "fields",
    [{"list": "civil", "support_type": "subsistence_allowance", "area_type": "urban"}, {"valid_to": date(2026, 8, 31)}],
)
def test_evidence_of_no_covered_class_or_of_an_earlier_term_counts_for_nothing(
    installation: Installation, disbursement: Service, fields: dict[str, object]
) -> None:
    student = someone()
    installation.append("registry", student, enrolled(student), date(2021, 9, 1))
    installation.append("matching", someone(), link(someone(), student, **fields), date(2024, 1, 1))
    installation.open_day(disbursement, TODAY)
    installation.pump()
    assert entitlements(disbursement) == []


@pytest.mark.parametrize("seed", range(4))
def test_any_order_of_arrival_gives_the_same_entitlements(
    installation: Installation, disbursement: Service, seed: int
) -> None:
    due = {a_poor_student(installation) for _ in range(12)}
    for _ in range(6):  # not listed
        student = someone()
        installation.append("registry", student, enrolled(student), date(2021, 9, 1))
    for _ in range(6):  # listed twice: still one entitlement
        student = a_poor_student(installation)
        installation.append("matching", someone(), link(someone(), student, list="disability"), date(2024, 1, 1))
        due.add(student)
    for _ in range(6):  # a correction of an earlier day: a boarder after all
        student = someone()
        installation.append("registry", student, enrolled(student, boarder=False), date(2021, 9, 1))
        installation.append("matching", someone(), link(someone(), student), date(2024, 1, 1))
        installation.append("registry", student, enrolled(student, boarder=True), date(2021, 9, 1))
        due.add(student)
    for _ in range(6):  # left before the term
        student = a_poor_student(installation)
        left = StudentLeft(school_code="S1", division_code="469001", reason="graduated")
        installation.append("registry", student, left, date(2026, 7, 10))
    installation.open_day(disbursement, TODAY)
    installation.pump(random.Random(seed))
    granted = [row for row in entitlements(disbursement) if row.state == "granted"]
    assert sorted((row.student_id, row.amount_fen) for row in granted) == sorted((s, 62_500) for s in due)


def test_an_exit_during_the_term_takes_nothing_away(installation: Installation, disbursement: Service) -> None:
    student, entry, stream = someone(), someone(), someone()
    installation.append("registry", student, enrolled(student), date(2021, 9, 1))
    installation.append("matching", stream, link(entry, student), date(2024, 1, 1))
    installation.open_day(disbursement, TODAY)
    installation.pump()
    installation.append("matching", stream, unlink(entry, student, "missing_from_snapshot"), date(2026, 10, 1))
    installation.open_day(disbursement, TODAY + timedelta(days=1))
    installation.pump()
    assert [row.state for row in entitlements(disbursement)] == ["granted"]


def test_evidence_that_was_never_true_takes_the_entitlement_away(
    installation: Installation, disbursement: Service
) -> None:
    student, entry, stream = someone(), someone(), someone()
    installation.append("registry", student, enrolled(student), date(2021, 9, 1))
    installation.append("matching", stream, link(entry, student), date(2024, 1, 1))
    installation.open_day(disbursement, TODAY)
    installation.pump()
    (row,) = entitlements(disbursement)
    installation.append("matching", stream, unlink(entry, student, "name_differs"), date(2026, 10, 1))
    installation.pump()
    assert [(r.state, r.withdrawn_reason) for r in entitlements(disbursement)] == [("withdrawn", "never_true")]
    with pytest.raises(NothingGranted):
        pay(installation, disbursement, row.entitlement_id)
    # The row turns out to be about this student after all: granted again in the same stream, payable once.
    installation.append("matching", stream, link(entry, student), date(2024, 1, 1))
    installation.pump()
    pay(installation, disbursement, row.entitlement_id)
    installation.pump()
    assert [r.state for r in entitlements(disbursement)] == ["paid"]


def test_a_row_stated_anew_replaces_what_it_said_before(installation: Installation, disbursement: Service) -> None:
    student, entry, stream = someone(), someone(), someone()
    installation.append("registry", student, enrolled(student), date(2021, 9, 1))
    rural = {"list": "civil", "support_type": "subsistence_allowance", "area_type": "rural"}
    installation.append("matching", stream, link(entry, student, **rural), date(2024, 1, 1))
    installation.open_day(disbursement, TODAY)
    installation.pump()
    assert [row.state for row in entitlements(disbursement)] == ["granted"]
    installation.append("matching", stream, link(entry, student, **rural | {"area_type": "urban"}), date(2024, 1, 1))
    installation.pump()
    assert [row.state for row in entitlements(disbursement)] == ["withdrawn"]


def test_growing_too_old_within_the_term_takes_nothing_away(installation: Installation, disbursement: Service) -> None:
    student, entry, stream = someone(), someone(), someone()
    installation.append("registry", student, enrolled(student), date(2021, 9, 1))
    installation.append("matching", stream, link(entry, student), date(2024, 1, 1))
    installation.open_day(disbursement, TODAY)
    installation.pump()
    installation.append("matching", stream, unlink(entry, student, "age"), date(2024, 1, 1))
    installation.pump()
    assert [row.state for row in entitlements(disbursement)] == ["granted"]


def test_what_was_paid_on_evidence_never_true_is_to_be_asked_back(
    installation: Installation, disbursement: Service
) -> None:
    student, entry, stream = someone(), someone(), someone()
    installation.append("registry", student, enrolled(student), date(2021, 9, 1))
    installation.append("matching", stream, link(entry, student), date(2024, 1, 1))
    installation.open_day(disbursement, TODAY)
    installation.pump()
    pay(installation, disbursement, entitlements(disbursement)[0].entitlement_id)
    installation.append("matching", stream, unlink(entry, student, "name_differs"), date(2026, 10, 1))
    installation.pump()
    assert [r.state for r in entitlements(disbursement)] == ["to_recover"]
    assert [r.standing for r in payments(disbursement)] == [False]


def test_a_new_term_entitles_anew_and_keeps_the_old_one(installation: Installation, disbursement: Service) -> None:
    a_poor_student(installation)
    installation.open_day(disbursement, TODAY)
    installation.pump()
    spring = date(2027, 2, 1)
    installation.open_day(disbursement, spring)
    installation.pump()
    rows = entitlements(disbursement, day=spring)
    assert sorted((r.term, r.amount_fen) for r in rows) == [("2026-autumn", 62_500), ("2027-spring", 62_500)]


def test_a_school_sees_its_own_entitlements_and_no_scope_sees_none(
    installation: Installation, disbursement: Service
) -> None:
    a_poor_student(installation, school="S1")
    theirs = a_poor_student(installation, school="S2", name="王五")
    installation.open_day(disbursement, TODAY)
    installation.pump()
    assert [row.student_id for row in entitlements(disbursement, Scope(school="S2"))] == [theirs]
    assert entitlements(disbursement, NO_SCOPE) == []


def test_eight_clerks_at_once_pay_one_entitlement_once(installation: Installation, disbursement: Service) -> None:
    a_poor_student(installation)
    installation.open_day(disbursement, TODAY)
    installation.pump()
    (row,) = entitlements(disbursement)

    def attempt(_: int) -> str:
        try:
            pay(installation, disbursement, row.entitlement_id)
        except AlreadyDisbursed:
            return "already"
        return "paid"

    with ThreadPoolExecutor(8) as clerks:
        answers = sorted(clerks.map(attempt, range(8)))
    assert answers == ["already"] * 7 + ["paid"]
    installation.pump()
    happened = [logged.event.type for logged, _ in installation.entries("disbursement")]
    assert happened.count("disbursement.AidDisbursed.v1") == 1
    assert [(p.amount_fen, p.reference, p.standing) for p in payments(disbursement)] == [(62_500, "B-2026-1", True)]


def test_the_same_key_gets_the_same_answer_from_eight_threads(
    installation: Installation, disbursement: Service
) -> None:
    a_poor_student(installation)
    installation.open_day(disbursement, TODAY)
    installation.pump()
    (row,) = entitlements(disbursement)
    key = uuid4()
    with ThreadPoolExecutor(8) as threads:
        results = list(
            threads.map(lambda _: pay(installation, disbursement, row.entitlement_id, command_id=key), range(8))
        )
    assert len({(result.event_ids, tuple(result.versions.items())) for result in results}) == 1
    with pytest.raises(CommandReused):
        pay(installation, disbursement, row.entitlement_id, command_id=key, body=b"another amount")


def test_a_refusal_is_the_answer_for_ever(installation: Installation, disbursement: Service) -> None:
    a_poor_student(installation)
    installation.open_day(disbursement, TODAY)
    installation.pump()
    (row,) = entitlements(disbursement)
    pay(installation, disbursement, row.entitlement_id)
    key, seen = uuid4(), []
    for _ in range(2):
        with pytest.raises(AlreadyDisbursed) as refused:
            pay(installation, disbursement, row.entitlement_id, command_id=key)
        seen.append((refused.value.zh, refused.value.en))
    assert seen[0] == seen[1]


@pytest.mark.parametrize("scope", [NO_SCOPE, Scope(division="4601"), Scope(school="S2")])
def test_an_entitlement_outside_the_scope_does_not_exist(
    installation: Installation, disbursement: Service, scope: Scope
) -> None:
    a_poor_student(installation, school="S1")
    installation.open_day(disbursement, TODAY)
    installation.pump()
    (row,) = entitlements(disbursement)
    with pytest.raises(UnknownEntitlement):
        pay(installation, disbursement, row.entitlement_id, scope=scope)


def test_a_policy_killed_between_its_append_and_its_checkpoint_grants_once(
    installation: Installation, disbursement: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    a_poor_student(installation)
    installation.open_day(disbursement, TODAY)

    class Killed(BaseException):
        """Ends the batch like SIGKILL: nothing catches it, the transaction is lost."""

    deaths = iter([True, True, True])

    def die(name: str) -> None:
        if name == "runner.before_commit" and next(deaths, False):
            raise Killed

    monkeypatch.setattr("shared.messaging.runner.step", die)
    for _ in range(3):
        with pytest.raises(Killed):
            installation.pump()
    installation.pump()
    types = [logged.event.type for logged, _ in installation.entries("disbursement")]
    assert types.count("disbursement.EntitlementGranted.v1") == 1
    assert len(entitlements(disbursement)) == 1


def test_what_a_policy_did_names_its_cause_and_stands_after_it(
    installation: Installation, disbursement: Service
) -> None:
    a_poor_student(installation)
    installation.open_day(disbursement, TODAY)
    installation.pump()
    own = {logged.event.event_id: logged for logged, _ in installation.entries("disbursement")}
    others = {
        logged.event.event_id: logged for name in ("registry", "matching") for logged, _ in installation.entries(name)
    }
    (granted,) = [entry for entry in own.values() if entry.event.type == "disbursement.EntitlementGranted.v1"]
    cause_id = granted.event.cause_id
    assert cause_id is not None and granted.event.principal == "policy:entitling"
    assert granted.recorded_at > (own | others)[cause_id].recorded_at


def test_a_transfer_within_the_division_does_not_pay_twice(installation: Installation, disbursement: Service) -> None:
    student = a_poor_student(installation, school="S1")
    installation.open_day(disbursement, TODAY)
    installation.pump()
    moved_on = date(2026, 11, 1)
    gone = StudentTransferredOut(school_code="S1", division_code="469001", destination_kind="in_division")
    installation.append("registry", student, gone, moved_on)
    installation.append("registry", student, enrolled(student, "S2"), moved_on)
    installation.pump()
    assert len(entitlements(disbursement)) == 1


def test_every_refusal_carries_both_languages() -> None:
    waiting, found = [Refusal], []
    while waiting:
        cls = waiting.pop()
        waiting += cls.__subclasses__()
        if cls.__module__ == "services.disbursement.errors":
            found.append(cls.code)
    assert len(set(found)) == len(found) >= 6
    assert AidDisbursed.__name__ == "AidDisbursed"


def taken_over(school: str = "S9", division: str = "469009") -> StudentPlaced:
    """The school where she is became another one (撤点并校)."""
    return StudentPlaced(school_code=school, division_code=division, stage="primary", grade="5", boarder=True)


def test_what_a_school_owes_is_owed_by_the_one_that_took_it_over(
    installation: Installation, disbursement: Service
) -> None:
    paid, unpaid = (a_poor_student(installation) for _ in range(2))
    installation.open_day(disbursement, TODAY)
    installation.pump()
    due = {row.student_id: row.entitlement_id for row in entitlements(disbursement)}
    pay(installation, disbursement, due[paid])
    for student in (paid, unpaid):
        installation.append("registry", student, taken_over(), TODAY - timedelta(days=3))
    installation.pump()
    rows = {row.student_id: row for row in entitlements(disbursement)}
    assert {student: row.entitlement_id for student, row in rows.items()} == due
    assert {student: (row.state, row.school_code) for student, row in rows.items()} == {
        paid: ("paid", "S1"),  # by the school that paid it
        unpaid: ("granted", "S9"),
    }
    assert [row.school_code for row in payments(disbursement)] == ["S1"]
    mine = entitlements(disbursement, Scope(school="S9"))
    assert [(row.student_id, row.name) for row in mine] == [(unpaid, "张*明")]


def test_who_moves_on_her_own_takes_nothing_along(installation: Installation, disbursement: Service) -> None:
    student = a_poor_student(installation)
    installation.open_day(disbursement, TODAY)
    left = StudentTransferredOut(school_code="S1", division_code="469001", destination_kind="in_division")
    installation.append("registry", student, left, TODAY - timedelta(days=3))
    installation.append("registry", student, enrolled(student, "S9"), TODAY - timedelta(days=3))
    installation.pump()
    (row,) = entitlements(disbursement)
    assert row.school_code == "S1"

"""A submission taken back leaves its list as if it had never come, and what others said since stands."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.registry.errors import SubmissionNotHeld, SubmissionNotReversible, SubmissionUnknown, SubmissionWithdrawn
from services.registry.events import ListEntryFields, ListEntryRemoved, ListSubmissionWithdrawn
from services.registry.lists import submissions
from services.registry.lists.withdrawals import Withdrawals
from shared.database.scopes import Scope
from shared.eventsourcing.store import Command, EventStore
from tests.services.installation import DIVISION
from tests.services.registry.office import REGISTER_HEADER, TERM, Office, RunningRegistry

LATER, LATEST = date(2026, 10, 1), date(2026, 11, 1)
KINDS = ("脱贫户", "边缘易致贫户", "脱贫不稳定户")
_numbers = itertools.count(5_000)


def withdraw(
    office: Office, submission_id: UUID, command_id: UUID | None = None, scope: Scope | None = None, by: str = "clerk"
) -> ListSubmissionWithdrawn:
    command = Command(by, command_id or uuid4(), b"withdraw")
    whose = scope or Scope(division=DIVISION)
    return Withdrawals(office.registry).withdraw(submission_id, whose, by, "wrong_file", LATEST, command)


def balanced(fact: ListSubmissionWithdrawn) -> bool:
    return fact.rows == fact.left + fact.restored + fact.returned + fact.kept + fact.unaffected


def on_days(office: Office, days: Sequence[date]) -> dict[date, dict[str, str]]:
    """Who stood on the list on each day, and as what, from the events alone: the last said for the latest day."""
    by_entry: dict[UUID, list[Any]] = {}
    for happened in office.log():
        if isinstance(happened.fact, ListEntryFields | ListEntryRemoved):
            by_entry.setdefault(happened.stream, []).append(happened)
    found: dict[date, dict[str, str]] = {day: {} for day in days}
    for day, standing in found.items():
        for facts in by_entry.values():
            begun = [each for each in facts if each.effective_on <= day]
            last = max(begun, key=lambda each: (each.effective_on, each.version), default=None)
            if last is not None and isinstance(last.fact, ListEntryFields):
                standing[last.fact.personal.name] = last.fact.household_type  # type: ignore[union-attr, assignment]
    return found


def now(office: Office) -> dict[str, str]:
    return on_days(office, [date(2099, 1, 1)])[date(2099, 1, 1)]


def test_rows_it_added_leave_rows_it_corrected_go_back_and_rows_it_removed_return(office: Office) -> None:
    office.send(office.poor(*range(1, 11)))
    second = office.send([*office.poor(1, household_type=KINDS[1]), *office.poor(*range(2, 9), 11)], on=LATER)
    assert (second.added, second.corrected, second.removed) == (1, 1, 2)
    fact = withdraw(office, second.submission_id)
    assert (fact.rows, fact.left, fact.restored, fact.returned, fact.kept, fact.unaffected) == (11, 1, 1, 2, 0, 7)
    days = [TERM, LATER - timedelta(days=1), LATER, LATEST]
    as_before = {f"李{each:03d}": KINDS[0] for each in range(1, 11)}
    assert all(found == as_before for found in on_days(office, days).values())


def test_what_a_later_submission_said_stays_and_is_counted(office: Office) -> None:
    office.send(office.poor(1, 2, 3))
    second = office.send(office.poor(1, 2, 4, household_type=KINDS[1]), mode="increment", on=LATER)
    office.send(office.poor(1, 4, household_type=KINDS[2]), mode="increment", on=LATEST)
    fact = withdraw(office, second.submission_id)
    assert (fact.rows, fact.restored, fact.kept) == (3, 1, 2) and balanced(fact)
    assert now(office) == {"李001": KINDS[2], "李002": KINDS[0], "李003": KINDS[0], "李004": KINDS[2]}
    assert "李004" not in on_days(office, [LATER])[LATER]


def test_a_row_that_a_later_submission_only_repeats_stays(office: Office) -> None:
    first = office.send(office.poor(1, 2))
    office.send(office.poor(1), mode="increment", on=LATER)
    fact = withdraw(office, first.submission_id)
    assert (fact.left, fact.kept) == (1, 1)
    assert now(office) == {"李001": KINDS[0]}


def test_the_same_command_gets_the_same_answer_and_another_one_is_refused(office: Office) -> None:
    sent, key = office.send(office.poor(1, 2)), uuid4()
    first = withdraw(office, sent.submission_id, key)
    events = office.count()
    assert withdraw(office, sent.submission_id, key) == first
    assert office.count() == events
    with pytest.raises(SubmissionWithdrawn):
        withdraw(office, sent.submission_id)
    assert office.standing() == {}


def test_a_held_snapshot_that_was_withdrawn_cannot_be_confirmed(office: Office) -> None:
    office.send(office.poor(*range(1, 11)))
    held = office.send(office.poor(*range(6, 12)), on=LATER)
    assert held.held
    withdraw(office, held.submission_id)
    with pytest.raises(SubmissionNotHeld):
        office.confirm(held.submission_id)
    assert set(office.standing()) == {f"李{each:03d}" for each in range(1, 11)}


def test_a_confirmed_snapshot_gives_back_what_it_removed(office: Office) -> None:
    office.send(office.poor(*range(1, 11)))
    held = office.send(office.poor(*range(6, 11)), on=LATER)
    office.confirm(held.submission_id)
    assert withdraw(office, held.submission_id).returned == 5
    assert set(now(office)) == {f"李{each:03d}" for each in range(1, 11)}


def test_a_row_that_a_later_snapshot_leaves_out_too_does_not_return(office: Office) -> None:
    office.send(office.poor(*range(1, 11)))
    second = office.send(office.poor(*range(2, 11)), on=LATER)
    office.send(office.poor(*range(2, 11)), on=LATEST)
    fact = withdraw(office, second.submission_id)
    assert (fact.returned, fact.kept) == (0, 1) and "李001" not in now(office)
    assert "李001" in on_days(office, [LATER])[LATER]


def test_only_lists_are_withdrawn_and_only_by_those_who_may_see_them(office: Office) -> None:
    register = office.send([office.pupil(1)], list_name="students", header=REGISTER_HEADER)
    with pytest.raises(SubmissionNotReversible):
        withdraw(office, register.submission_id)
    with pytest.raises(SubmissionUnknown):
        withdraw(office, uuid4())
    sent = office.send(office.poor(1))
    with pytest.raises(SubmissionUnknown):
        withdraw(office, sent.submission_id, scope=Scope(agency="another_office"))
    assert withdraw(office, sent.submission_id, scope=Scope(agency=office.agency)).left == 1


class Interrupted(Exception):
    """Stands for a process that ended in the middle."""


def test_an_interrupted_withdrawal_is_finished_by_asking_again_also_by_another_person(
    running: RunningRegistry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.registry.lists.withdrawals.ENTRIES", 3)
    whole_run = EventStore.run
    for steps in range(5):
        office = Office(running, tmp_path, next(_numbers))
        office.send(office.poor(*range(1, 9)))
        second = office.send(office.poor(*range(1, 11), household_type=KINDS[1]), on=LATER)
        left = iter(range(steps))

        def stopping(*given: Any, left: Any = left) -> Any:
            if next(left, None) is None:
                raise Interrupted
            return whole_run(*given)

        with monkeypatch.context() as patched:
            patched.setattr(EventStore, "run", stopping)
            if steps < 5:
                with pytest.raises(Interrupted):
                    withdraw(office, second.submission_id, by="first")
        fact = withdraw(office, second.submission_id, by="second")
        assert (fact.rows, fact.left, fact.restored) == (10, 2, 8) and balanced(fact)
        assert now(office) == {f"李{each:03d}": KINDS[0] for each in range(1, 9)}


@dataclass(frozen=True)
class Sent:
    """One submission of the property's history."""

    whole: bool
    rows: dict[int, int]  # person → index of the kind
    day: int

    @property
    def on(self) -> date:
        return TERM + timedelta(days=self.day)


SENT = st.builds(
    Sent, st.booleans(), st.dictionaries(st.integers(1, 4), st.integers(0, 2), min_size=1), st.integers(0, 3)
)


def without(history: Sequence[Sent], withdrawn: set[int], days: Sequence[date]) -> dict[date, dict[str, str]]:
    """Who stands on each day when the withdrawn ones had never come; told by a table of persons, not by the product."""
    said: dict[int, list[tuple[date, int, int | None]]] = {}
    current: dict[int, int] = {}
    for order, sent in enumerate(history):
        if order in withdrawn:
            continue
        for person in range(1, 5):
            new = sent.rows.get(person, None if sent.whole else current.get(person))
            if new != current.get(person):
                said.setdefault(person, []).append((sent.on, order, new))
                current.pop(person, None)
                if new is not None:
                    current[person] = new
    found: dict[date, dict[str, str]] = {}
    for day in days:
        latest = {
            who: max(each for each in some if each[0] <= day) for who, some in said.items() if min(some)[0] <= day
        }
        found[day] = {f"李{who:03d}": KINDS[kind] for who, (_, _, kind) in latest.items() if kind is not None}
    return found


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(SENT, min_size=2, max_size=4), st.data())
def test_the_list_is_on_every_day_as_if_the_withdrawn_had_never_come(
    running: RunningRegistry,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    history: list[Sent],
    data: st.DataObject,
) -> None:
    monkeypatch.setattr(submissions, "PERMITTED_REMOVALS_PERCENT", 100)
    office = Office(running, tmp_path, next(_numbers))
    days = [TERM + timedelta(days=each) for each in range(5)]
    sent = []
    for each in history:
        rows = [row for who, kind in each.rows.items() for row in office.poor(who, household_type=KINDS[kind])]
        sent.append(office.send(rows, mode="snapshot" if each.whole else "increment", on=each.on).submission_id)
    order = data.draw(st.permutations(range(len(history))))
    for count in range(1, data.draw(st.integers(1, len(history))) + 1):
        assert balanced(withdraw(office, sent[order[count - 1]]))
        assert on_days(office, days) == without(history, set(order[:count]), days)

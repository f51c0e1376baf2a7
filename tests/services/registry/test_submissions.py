"""Lists come in whole: counts that balance, nothing twice, snapshots that end what they leave out."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from services.registry.errors import ListBusy, SubmissionNotHeld, SubmissionUnknown
from services.registry.events import ListEntryAdded, ListEntryRemoved, ListSubmissionReceived
from services.registry.lists import sendings, submissions
from services.registry.lists.receipts import Receipt
from services.registry.lists.sendings import Sending, Submission
from shared.eventsourcing.store import Command, EventStore
from shared.kernel.refusals import CommandReused
from tests.services.registry.office import (
    CIVIL_HEADER,
    LIST_HEADER,
    REGISTER_HEADER,
    SCHOOLS,
    TERM,
    Office,
    RunningRegistry,
)

LATER = date(2026, 10, 1)


def balanced(receipt: Receipt) -> bool:
    known = receipt.added + receipt.corrected + receipt.unchanged
    return receipt.rows == known + (receipt.rejected if receipt.list in ("students", "schools") else 0)


def counts(receipt: Receipt) -> tuple[int, int, int, int, int]:
    return (receipt.rows, receipt.added, receipt.corrected, receipt.unchanged, receipt.removed)


def test_a_list_is_taken_in_and_its_counts_balance(office: Office) -> None:
    receipt = office.send(office.poor(*range(1, 11)))
    assert counts(receipt) == (10, 10, 0, 0, 0)
    assert balanced(receipt) and not receipt.held and receipt.problems == {}
    assert office.standing() == {f"李{each:03d}": TERM for each in range(1, 11)}


def test_the_same_file_under_two_command_ids_changes_nothing(office: Office) -> None:
    path = office.file(office.poor(*range(1, 11)))
    office.send(path)
    before = office.count(lambda each: not isinstance(each.fact, ListSubmissionReceived))
    again = office.send(path)
    assert counts(again) == (10, 0, 0, 10, 0) and balanced(again)
    assert office.count(lambda each: not isinstance(each.fact, ListSubmissionReceived)) == before


def test_the_same_command_id_gives_the_same_receipt_and_no_event(office: Office) -> None:
    rows = [*office.poor(1, 2, 3), ("", "", "H9", "脱贫户", ""), ("王九", "12345", "H10", "奇怪户", "")]
    path, key = office.file(rows), uuid4()
    first = office.send(path, command_id=key)
    events = office.count()
    assert office.send(path, command_id=key) == first
    assert first.problems and first.problem_rows
    assert office.count() == events


def test_another_file_under_the_same_command_id_is_refused(office: Office) -> None:
    key = uuid4()
    office.send(office.poor(1, 2, 3), command_id=key)
    with pytest.raises(CommandReused):
        office.send(office.poor(1, 2, 4), command_id=key)
    with pytest.raises(CommandReused):
        office.send(office.file(office.poor(1, 2, 3)), command_id=key, on=LATER)


def test_a_snapshot_ends_what_it_leaves_out_on_its_own_date(office: Office) -> None:
    office.send(office.poor(*range(1, 11)))
    receipt = office.send([*office.poor(*range(2, 10), household_type="边缘易致贫户"), *office.poor(10, 11)], on=LATER)
    assert counts(receipt) == (10, 1, 8, 1, 1) and balanced(receipt)
    removals = [each for each in office.log() if isinstance(each.fact, ListEntryRemoved)]
    assert [(each.effective_on, each.fact.reason) for each in removals] == [(LATER, "missing_from_snapshot")]  # type: ignore[attr-defined]
    assert set(office.standing()) == {f"李{each:03d}" for each in range(2, 12)}


def test_who_comes_back_is_added_again(office: Office) -> None:
    office.send(office.poor(*range(1, 11)))
    office.send(office.poor(*range(2, 11)), on=LATER)
    receipt = office.send(office.poor(*range(1, 11)), on=date(2026, 11, 1))
    assert counts(receipt) == (10, 1, 0, 9, 0)
    assert office.standing()["李001"] == date(2026, 11, 1)


def test_an_increment_removes_nothing(office: Office) -> None:
    office.send(office.poor(*range(1, 11)))
    receipt = office.send(office.poor(11), mode="increment")
    assert counts(receipt) == (1, 1, 0, 0, 0)
    assert len(office.standing()) == 11


@pytest.mark.parametrize(("missing", "held"), [(20, False), (21, True)])
def test_exactly_a_fifth_may_leave_and_more_is_held(office: Office, missing: int, held: bool) -> None:
    office.send(office.poor(*range(1, 101)))
    rows = office.poor(*range(1 + missing, 101))
    foretold = office.send(rows, on=LATER, dry_run=True)
    receipt = office.send(rows, on=LATER)
    assert (receipt.held, foretold.held) == (held, held)
    assert receipt.removed == foretold.removed == (0 if held else missing)
    assert receipt.missing == foretold.missing == (missing if held else 0)
    assert len(office.standing()) == (100 if held else 100 - missing)


def test_new_rows_do_not_hide_how_many_old_ones_leave(office: Office) -> None:
    office.send(office.poor(*range(1, 11)))
    receipt = office.send(office.poor(*range(6, 200)), on=LATER)
    assert receipt.held and receipt.missing == 5 and receipt.standing == 10


def test_a_held_snapshot_is_confirmed_once_and_takes_its_own_date(office: Office) -> None:
    office.send(office.poor(*range(1, 11)))
    held = office.send(office.poor(*range(6, 12)), on=LATER)
    assert held.held and held.missing == 5 and held.added == 1
    assert len(office.standing()) == 11
    key = uuid4()
    assert office.confirm(held.submission_id, key) == 5
    assert office.confirm(held.submission_id, key) == 5
    with pytest.raises(SubmissionNotHeld):
        office.confirm(held.submission_id)
    assert set(office.standing()) == {f"李{each:03d}" for each in range(6, 12)}
    removals = [each.effective_on for each in office.log() if isinstance(each.fact, ListEntryRemoved)]
    assert removals == [LATER] * 5


def test_only_a_held_submission_can_be_confirmed(office: Office) -> None:
    receipt = office.send(office.poor(1, 2))
    with pytest.raises(SubmissionNotHeld):
        office.confirm(receipt.submission_id)
    with pytest.raises(SubmissionUnknown):
        office.confirm(uuid4())


def test_confirming_late_spares_whom_the_agency_has_stated_again(office: Office) -> None:
    office.send(office.poor(*range(1, 11)))
    held = office.send(office.poor(*range(6, 11)), on=LATER)
    office.send(office.poor(1, 2), mode="increment", on=date(2026, 10, 5))
    assert office.confirm(held.submission_id) == 3
    assert set(office.standing()) == {f"李{each:03d}" for each in (1, 2, *range(6, 11))}


def test_a_file_of_extreme_hardship_leaves_the_allowances_alone(office: Office) -> None:
    office.send(office.civil(*range(1, 11), support="低保"), list_name="civil", header=CIVIL_HEADER)
    hardship = office.send(office.civil(21, 22, support="特困"), list_name="civil", header=CIVIL_HEADER)
    assert (hardship.removed, hardship.held) == (0, False)
    allowance = office.send(
        office.civil(*range(2, 11), support="低保"), list_name="civil", header=CIVIL_HEADER, on=LATER
    )
    assert (allowance.removed, allowance.held) == (1, False)
    assert set(office.standing("civil")) == {f"李{each:03d}" for each in (*range(2, 11), 21, 22)}


def test_one_file_of_both_is_a_snapshot_of_both_and_each_is_held_for_itself(office: Office) -> None:
    office.send(office.civil(*range(1, 101), support="低保"), list_name="civil", header=CIVIL_HEADER)
    office.send(office.civil(*range(201, 211), support="特困"), list_name="civil", header=CIVIL_HEADER)
    both = [*office.civil(*range(2, 101), support="低保"), *office.civil(*range(202, 211), support="特困")]
    receipt = office.send(both, list_name="civil", header=CIVIL_HEADER, on=LATER)
    assert (receipt.removed, receipt.held) == (2, False)
    one_left = [*office.civil(*range(2, 101), support="低保"), *office.civil(202, support="特困")]
    receipt = office.send(one_left, list_name="civil", header=CIVIL_HEADER, on=LATER)
    assert (receipt.missing, receipt.held) == (8, True)


def test_a_dry_run_tells_what_would_be_and_stores_nothing(office: Office) -> None:
    office.send(office.poor(*range(1, 11)))
    before = office.count()
    rows = [*office.poor(2, 3, household_type="边缘易致贫户"), *office.poor(*range(4, 12)), ("无名", "", "", "", "")]
    foretold = office.send(rows, on=LATER, dry_run=True)
    assert office.count() == before
    done = office.send(rows, on=LATER)
    assert counts(foretold) == counts(done) == (11, 2, 2, 7, 1)
    assert (foretold.rejected, foretold.problems) == (done.rejected, done.problems)


def test_every_data_row_ends_as_an_entry(office: Office) -> None:
    twice = office.poor(1)[0]
    rows = [
        *office.poor(1, 2),
        twice,  # stated twice: two entries, each with a state of its own
        ("", "", "H3", "脱贫户", ""),
        ("王五", "3.40524E+17", "H4", "脱贫户", ""),
        ("王六", office.number(6)[:-1] + "?", "H5", "脱贫户", ""),
        ("王七", "469001160301006", "H6", "奇怪户", ""),
        ("王八", "", "H7", "脱贫户", ""),
        ("王八", "", "H7", "脱贫户", ""),
    ]
    receipt = office.send(rows)
    added = [each for each in office.log() if isinstance(each.fact, ListEntryAdded)]
    assert len(added) == len({each.stream for each in added}) == len(rows) == receipt.rows == receipt.added
    assert sorted(each.fact.row for each in added) == list(range(1, len(rows) + 1))  # type: ignore[attr-defined]
    again = office.send(rows)
    assert counts(again) == (9, 0, 0, 9, 0)


def test_a_row_without_a_number_stays_the_same_entry_when_a_school_becomes_known(office: Office) -> None:
    header = ("姓名", "户编号", "户类型", "就读学校")
    rows = [("王八", "H7", "脱贫户", "新港小学")]
    office.send(rows, header=header)
    schools = [(office.school_code(1), "新港小学", "469003", "小学")]
    office.send(schools, list_name="schools", header=("学校标识码", "学校名称", "行政区划代码", "学段"))
    receipt = office.send(rows, header=header, on=LATER)
    assert counts(receipt) == (1, 0, 1, 0, 0)


class Interrupted(Exception):
    """Stands for a process that ended in the middle."""


@pytest.mark.parametrize("list_name", ["poverty", "students"])
def test_an_interrupted_submission_is_finished_by_sending_it_again(
    office: Office, running: RunningRegistry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, list_name: str
) -> None:
    monkeypatch.setattr(submissions, "ENTRY_ROWS", 4)
    monkeypatch.setattr(submissions, "STUDENT_ROWS", 4)
    monkeypatch.setattr(submissions, "PERMITTED_REMOVALS_PERCENT", 60)
    register = list_name == "students"
    header = REGISTER_HEADER if register else LIST_HEADER
    whole_run = EventStore.run
    for steps in range(8):
        each = Office(running, tmp_path, 1_000 + steps + (100 if register else 0))
        before = [each.pupil(number) for number in range(1, 11)] if register else each.poor(*range(1, 11))
        each.send(before, list_name=list_name)
        after = [each.pupil(number) for number in range(6, 19)] if register else each.poor(*range(6, 19))
        path, key = each.file(after, header), uuid4()
        left = iter(range(steps))

        def stopping(*given: Any, left: Iterator[int] = left) -> Any:
            if next(left, None) is None:
                raise Interrupted
            return whole_run(*given)

        with monkeypatch.context() as patched:
            patched.setattr(EventStore, "run", stopping)
            with contextlib.suppress(Interrupted):
                each.send(path, list_name=list_name, command_id=key, on=LATER)
        receipt = each.send(path, list_name=list_name, command_id=key, on=LATER)
        assert counts(receipt) == (13, 8, 0, 5, 0 if register else 5) and balanced(receipt)
        assert each.send(path, list_name=list_name, command_id=key, on=LATER) == receipt
        received = [happened for happened in each.log() if isinstance(happened.fact, ListSubmissionReceived)]
        assert len(received) == 2
        if not register:
            assert set(each.standing()) == {f"李{number:03d}" for number in range(6, 19)}


def test_the_register_moves_places_and_corrects(office: Office) -> None:
    first = office.send([office.pupil(each) for each in range(1, 6)], list_name="students")
    assert counts(first) == (5, 5, 0, 0, 0)
    rows = [
        office.pupil(1),
        office.pupil(2, grade="4"),
        office.pupil(3, school=SCHOOLS[1].name),
        ("张三丰", *office.pupil(4)[1:]),
        office.pupil(6),
    ]
    second = office.send(rows, list_name="students", on=LATER)
    assert counts(second) == (5, 1, 3, 1, 0) and balanced(second)
    kinds = [type(each.fact).__name__ for each in office.log() if each.effective_on == LATER]
    assert sorted(kinds) == [
        "ListSubmissionReceived",
        "StudentDetailsCorrected",
        "StudentEnrolled",
        "StudentEnrolled",
        "StudentPlaced",
        "StudentTransferredOut",
    ]


def test_rows_of_the_register_that_cannot_be_recorded_come_back(office: Office) -> None:
    rows = [
        office.pupil(1),
        ("张二", office.number(2)[:-1] + "?", "", SCHOOLS[0].name, "小学", "3", "1"),
        office.pupil(3, school="没有的小学"),
        ("", office.number(4), "", SCHOOLS[0].name, "小学", "3", "1"),
    ]
    receipt = office.send(rows, list_name="students")
    assert (receipt.rows, receipt.added, receipt.rejected) == (4, 1, 3) and balanced(receipt)


def test_a_student_at_two_schools_of_one_file_does_not_move_to_and_fro(office: Office) -> None:
    rows = [office.pupil(1), office.pupil(2), office.pupil(1, school=SCHOOLS[1].name)]
    receipt = office.send(rows, list_name="students")
    assert (receipt.added, receipt.rejected) == (2, 1) and balanced(receipt)
    events = office.count(lambda each: not isinstance(each.fact, ListSubmissionReceived))
    again = office.send(rows, list_name="students")
    assert (again.unchanged, again.rejected) == (2, 1)
    assert office.count(lambda each: not isinstance(each.fact, ListSubmissionReceived)) == events


def test_schools_are_added_corrected_and_refused_one_by_one(office: Office) -> None:
    header = ("学校标识码", "学校名称", "行政区划代码", "学段")
    rows = [
        (office.school_code(8), "望潮县实验小学", "469001", "小学"),
        (office.school_code(9), "望潮县附属小学", "469001", "小学"),
        (office.school_code(1), "新港小学", "469003", "小学"),
        (office.school_code(2), "", "469003", "小学"),
        (office.school_code(3), "旧港小学", "46-9", "小学"),
    ]
    known = [(office.school_code(8), "望潮县旧名小学", "469001", "小学"), rows[1]]
    office.send(known, list_name="schools", header=header)
    receipt = office.send(rows, list_name="schools", header=header)
    assert (receipt.added, receipt.corrected, receipt.unchanged, receipt.rejected) == (1, 1, 1, 2)
    assert balanced(receipt)


def test_two_snapshots_of_one_list_at_one_moment_end_as_if_one_came_after_the_other(office: Office) -> None:
    office.send(office.poor(*range(1, 41)))
    first, second = office.file(office.poor(*range(1, 39))), office.file(office.poor(*range(3, 41), 50))
    with ThreadPoolExecutor(2) as pool:
        for sent in [pool.submit(office.send, path, on=LATER) for path in (first, second)]:
            assert balanced(sent.result(60))
    names = {f"李{each:03d}" for each in range(1, 39)}, {f"李{each:03d}" for each in (*range(3, 41), 50)}
    assert set(office.standing()) in names


def test_a_file_waits_for_another_of_its_list_and_is_refused_when_that_takes_too_long(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sendings, "WAIT_SECONDS", 1)
    submission = Submission("poverty", office.agency, "snapshot", TERM, office.file(office.poor(1)), "", "", True)
    under_way = Sending(office.registry, uuid4(), submission, Command("sender", uuid4(), b""), False)
    with under_way.alone():
        assert counts(office.send(office.poor(1, 2), dry_run=True)) == (2, 2, 0, 0, 0)
        with pytest.raises(ListBusy):
            office.send(office.poor(1, 2))
    assert office.standing() == {}
    assert counts(office.send(office.poor(1, 2))) == (2, 2, 0, 0, 0)

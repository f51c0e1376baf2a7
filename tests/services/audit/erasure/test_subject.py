"""Who may ask, who may approve, and what a hold stands against; pure."""

from __future__ import annotations

from datetime import date
from uuid import UUID

import pytest

from services.audit.commands import (
    ApproveErasure,
    ApproveHold,
    ProposeHold,
    ProposeRelease,
    RecordErased,
    RefuseErasure,
    RequestErasure,
)
from services.audit.erasure import subject
from services.audit.erasure.erasure_errors import (
    AlreadyErased,
    AlreadyHeld,
    ErasureUnderWay,
    NotHeld,
    NothingProposed,
    NothingRequested,
    UnderLegalHold,
)
from services.audit.erasure.retention import BadRetentionRule, RetentionRule, due_on, left_until, parse
from services.audit.erasure.subject import Subject, evolve
from services.audit.events import ErasureApproved, LegalHoldPlaced, LegalHoldReleased
from shared.kernel.facts import Fact
from shared.standards.separation import SecondPersonNeeded

SHE = UUID(int=5)
REQUEST = RequestErasure(SHE, "asked_for", "家长书面申请", "a")
HOLD = ProposeHold(SHE, "行政复议", "复议〔2026〕3号", "a")
RECORD = RecordErased(SHE, (SHE,), {"registry": (1,)}, (SHE,), {"registry": 9}, ())


def after(*facts: Fact) -> Subject:
    return evolve(facts)


def test_two_people_erase_and_then_nothing_more_can_be_asked() -> None:
    requested = subject.request_erasure(Subject(), REQUEST)
    with pytest.raises(SecondPersonNeeded):
        subject.approve_erasure(after(requested), ApproveErasure(SHE, "a"))
    approved = subject.approve_erasure(after(requested), ApproveErasure(SHE, "b"))
    assert approved == ErasureApproved(student_id=SHE, requested_by="a", approved_by="b")
    with pytest.raises(ErasureUnderWay):
        subject.request_erasure(after(requested, approved), REQUEST)
    (erased,) = subject.record_erased(after(requested, approved), RECORD)
    gone = after(requested, approved, erased)
    assert subject.record_erased(gone, RECORD) == []
    for refused in (
        lambda: subject.request_erasure(gone, REQUEST),
        lambda: subject.approve_erasure(gone, ApproveErasure(SHE, "b")),
        lambda: subject.propose_hold(gone, HOLD),
    ):
        with pytest.raises(AlreadyErased):
            refused()


def test_nothing_is_approved_or_recorded_that_nobody_asked_for() -> None:
    for refused in (
        lambda: subject.approve_erasure(Subject(), ApproveErasure(SHE, "b")),
        lambda: subject.refuse_erasure(Subject(), RefuseErasure(SHE, "材料不全", "b")),
        lambda: subject.record_erased(Subject(), RECORD),
    ):
        with pytest.raises(NothingRequested):
            refused()


def test_a_hold_blocks_erasure_from_its_proposal_to_its_release_by_two_people() -> None:
    requested = subject.request_erasure(Subject(), REQUEST)
    proposed = subject.propose_hold(after(requested), HOLD)
    for state in (after(requested, proposed),):
        with pytest.raises(UnderLegalHold) as refused:
            subject.approve_erasure(state, ApproveErasure(SHE, "b"))
        assert refused.value.facts == {"reference": "复议〔2026〕3号"}
    with pytest.raises(SecondPersonNeeded):
        subject.approve_hold(after(requested, proposed), ApproveHold(SHE, "a"))
    placed = subject.approve_hold(after(requested, proposed), ApproveHold(SHE, "b"))
    assert isinstance(placed, LegalHoldPlaced)
    held = [requested, proposed, placed]
    with pytest.raises(AlreadyHeld):
        subject.propose_hold(after(*held), HOLD)
    with pytest.raises(UnderLegalHold):
        subject.request_erasure(after(proposed, placed), REQUEST)
    releasing = subject.propose_release(after(*held), ProposeRelease(SHE, "程序已终结", "c"))
    with pytest.raises(UnderLegalHold):
        subject.approve_erasure(after(*held, releasing), ApproveErasure(SHE, "b"))
    with pytest.raises(SecondPersonNeeded):
        subject.approve_hold(after(*held, releasing), ApproveHold(SHE, "c"))
    released = subject.approve_hold(after(*held, releasing), ApproveHold(SHE, "b"))
    assert isinstance(released, LegalHoldReleased)
    assert subject.approve_erasure(after(*held, releasing, released), ApproveErasure(SHE, "b"))


def test_there_must_be_a_hold_to_end_and_a_proposal_to_approve() -> None:
    with pytest.raises(NotHeld):
        subject.propose_release(Subject(), ProposeRelease(SHE, "程序已终结", "a"))
    with pytest.raises(NothingProposed):
        subject.approve_hold(Subject(), ApproveHold(SHE, "b"))


@pytest.mark.parametrize(
    ("years", "left", "due"),
    [(10, date(2016, 7, 1), date(2026, 7, 1)), (1, date(2024, 2, 29), date(2025, 3, 1))],
)
def test_retention_ends_full_years_after_she_left(years: int, left: date, due: date) -> None:
    rule = RetentionRule(years_after_leaving=years)
    assert due_on(rule, left) == due
    assert left_until(rule, due) >= left
    assert left_until(rule, date.fromordinal(due.toordinal() - 1)) < left


def test_a_rule_without_sense_is_refused() -> None:
    for content in ('{"years_after_leaving":0}', '{"years_after_leaving":101}', '{"years":3}', "nothing"):
        with pytest.raises(BadRetentionRule):
            parse(content)

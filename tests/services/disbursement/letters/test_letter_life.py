"""A letter and the inquiries in it as state machines: any order of steps, against a model of plain variables."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from services.disbursement.domain import Decided
from services.disbursement.letter_errors import LetterNotThere, NothingToDecide, SentBeforeDrafted, UnknownInquiry
from services.disbursement.letter_events import ChildAskedAbout, InquiryDropped, LetterDrafted, ReplyKind
from services.disbursement.letters import letter_life
from services.disbursement.letters.letter_life import Answer, Inquiry, Letter, content_hash, inquiry_of, letter_of
from shared.kernel.facts import Fact
from shared.kernel.refusals import Refusal
from shared.standards.separation import SecondPersonNeeded

LETTER, CHILD = UUID(int=1), UUID(int=2)
BEGIN = date(2026, 9, 10)
HASH = content_hash("2026-autumn", "460200", "4690", [CHILD])
PEOPLE = st.sampled_from(["wang", "li", "zhao"])
KINDS: tuple[ReplyKind, ...] = ("aided", "partly", "not_registered", "left", "ineligible", "silent")


class LetterMachine(RuleBasedStateMachine):
    """One letter about one child. The model: where the letter stands, who drafted, who answered last, and what."""

    def __init__(self) -> None:
        super().__init__()
        draft = LetterDrafted(
            term="2026-autumn", place="460200", place_name="三亚市", children=(CHILD,), content_hash=HASH,
            division_code="4690", drafted_by="wang",
        )  # fmt: skip
        asked = ChildAskedAbout(
            child_id=CHILD, letter_id=LETTER, term="2026-autumn", place="460200", category="disabled", stage="primary",
            division_code="469001", evidence=(),
        )  # fmt: skip
        self.letter_log: list[tuple[Fact, date]] = [(draft, BEGIN)]
        self.child_log: list[Fact] = [asked]
        self.today = BEGIN
        self.state, self.sent_on, self.reply_by = "drafted", BEGIN, BEGIN
        self.kind: ReplyKind | None = None
        self.answered_by: str | None = None
        self.aided: bool | None = None

    def refused(self, step: Callable[[], list[Decided]]) -> type[Refusal] | None:
        try:
            decided = step()
        except Refusal as refusal:
            return type(refusal)
        for fact, on in decided:
            if hasattr(fact, "child_id"):
                self.child_log.append(fact)
            else:
                self.letter_log.append((fact, on))
        return None

    @property
    def letter(self) -> Letter:
        return letter_of(self.letter_log)

    @property
    def inquiry(self) -> Inquiry:
        return inquiry_of(self.child_log)

    @rule(days=st.integers(1, 20))
    def time_passes(self, days: int) -> None:
        self.today += timedelta(days=days)
        decided = letter_life.overdue(self.letter, int(self.kind is None), self.today)
        due = self.state == "sent" and self.today > self.reply_by and self.kind is None
        assert bool(decided) == due
        self.letter_log += [(fact, on) for fact, on in decided]
        self.state = "overdue" if due else self.state

    @rule(who=PEOPLE)
    def approve(self, who: str) -> None:
        found = self.refused(lambda: letter_life.approve(self.letter, HASH, who, self.today))
        if self.state != "drafted":
            assert found is LetterNotThere
        elif who == "wang":
            assert found is SecondPersonNeeded
        else:
            assert found is None
            self.state = "approved"

    @rule()
    def discard(self) -> None:
        found = self.refused(lambda: letter_life.discard(self.letter, "other", "wang", self.today))
        if self.state not in ("drafted", "approved"):
            assert found is LetterNotThere
            return
        assert found is None
        self.state = "discarded"
        self.child_log.append(InquiryDropped(child_id=CHILD, letter_id=LETTER, term="2026-autumn"))

    @rule(back=st.integers(-1, 5), days=st.integers(-1, 30))
    def send(self, back: int, days: int) -> None:
        sent_on = self.today - timedelta(days=back)
        until = sent_on + timedelta(days=days)
        found = self.refused(lambda: letter_life.send(self.letter, sent_on, "post", "1", until, "wang", self.today))
        if self.state != "approved":
            assert found is LetterNotThere
        elif not BEGIN <= sent_on <= self.today or days <= 0:
            assert found is SentBeforeDrafted
        else:
            assert found is None
            self.state, self.sent_on, self.reply_by = "sent", sent_on, until

    @rule(days=st.integers(-3, 20))
    def remind(self, days: int) -> None:
        until = self.today + timedelta(days=days)
        found = self.refused(lambda: letter_life.remind(self.letter, "fax", until, "wang", self.today))
        if self.state not in ("sent", "overdue"):
            assert found is LetterNotThere
        elif days <= 0:
            assert found is SentBeforeDrafted
        else:
            assert found is None
            self.state, self.reply_by = "sent", until

    @rule(kind=st.sampled_from(KINDS), who=PEOPLE, back=st.integers(-1, 9))
    def answer(self, kind: ReplyKind, who: str, back: int) -> None:
        on = self.today - timedelta(days=back)
        told = Answer(kind, on)
        found = self.refused(lambda: letter_life.answered(self.letter, self.inquiry, LETTER, told, who, self.today))
        if self.state == "discarded":
            assert found is UnknownInquiry
        elif self.state not in ("sent", "overdue"):
            assert found is LetterNotThere
        elif not self.sent_on <= on <= self.today:
            assert found is SentBeforeDrafted
        else:
            assert found is None
            self.kind, self.answered_by = kind, who
            self.aided = {"aided": True, "partly": None, "silent": None}.get(kind, False)

    @rule(aided=st.booleans(), who=PEOPLE)
    def decide(self, aided: bool, who: str) -> None:
        found = self.refused(lambda: letter_life.decide(self.inquiry, LETTER, aided, "phone_note", who, self.today))
        if self.state == "discarded":
            assert found is UnknownInquiry
        elif self.kind not in ("partly", "silent"):
            assert found is NothingToDecide
        elif who == self.answered_by:
            assert found is SecondPersonNeeded
        else:
            assert found is None
            self.aided = aided

    @invariant()
    def the_streams_say_what_the_model_says(self) -> None:
        inquiry = self.inquiry
        assert self.letter.state == self.state
        assert (inquiry.kind, inquiry.aided) == (self.kind, self.aided)
        assert self.letter.version == len(self.letter_log) and inquiry.version == len(self.child_log)
        assert (inquiry.asked is None) == (self.state == "discarded")


LetterMachine.TestCase.settings = settings(max_examples=40, stateful_step_count=20, deadline=None)
TestLetter: Any = LetterMachine.TestCase


def test_another_letters_answer_is_not_this_ones() -> None:
    machine = LetterMachine()
    with pytest.raises(UnknownInquiry):
        letter_life.answered(
            machine.letter, machine.inquiry, UUID(int=9), Answer("aided", BEGIN), "wang", machine.today
        )


def test_the_hash_is_of_what_is_asked_in_whatever_order() -> None:
    assert content_hash("t", "p", "d", [CHILD, LETTER]) == content_hash("t", "p", "d", [LETTER, CHILD])
    assert content_hash("t", "p", "d", [CHILD]) != HASH != content_hash("2026-autumn", "460201", "4690", [CHILD])

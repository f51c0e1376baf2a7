"""A letter from drafted to answered, and the inquiry about one child of it. Pure: days and people are arguments.

Letter:   drafted → approved → sent (→ overdue → reminded)*; drafted and approved may be discarded.
Inquiry:  asked → answered, again and again; where the answer leaves it open, decided; dropped with its letter, then it
may be asked again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Literal, NamedTuple
from uuid import UUID

import msgspec

from services.disbursement.domain import Decided
from services.disbursement.letter_errors import (
    LetterChanged,
    LetterNotThere,
    NothingToDecide,
    SentBeforeDrafted,
    StageUnknown,
    UnknownInquiry,
    UnknownLetter,
)
from services.disbursement.letter_events import (
    AidKind,
    CallOutcome,
    ChildAskedAbout,
    DiscardReason,
    Ground,
    InquiryDecided,
    InquiryDropped,
    LetterApproved,
    LetterDiscarded,
    LetterDrafted,
    LetterOverdue,
    LetterPhoned,
    LetterReminded,
    LetterSent,
    ReplyKind,
    ReplyRecorded,
    Way,
)
from shared.kernel.facts import Fact
from shared.standards.separation import INQUIRIES_DECIDE, LETTERS_APPROVE

LetterState = Literal["none", "drafted", "approved", "sent", "overdue", "discarded"]
# What an answer says of aid there; None leaves it to a person.
AIDED: dict[ReplyKind, bool | None] = {
    "aided": True,
    "partly": None,
    "not_registered": False,
    "left": False,
    "ineligible": False,
    "silent": None,
}
OUT = ("sent", "overdue")


@dataclass(frozen=True)
class Letter:
    """``version`` is its stream's; ``reply_by`` the day the answer is expected by, None before it is sent."""

    version: int = 0
    state: LetterState = "none"
    draft: LetterDrafted | None = None
    drafted_on: date | None = None
    sent_on: date | None = None
    reply_by: date | None = None


@dataclass(frozen=True)
class Inquiry:
    """``aided`` as last told or decided; None while open. ``kind`` None: no answer yet."""

    version: int = 0
    asked: ChildAskedAbout | None = None
    kind: ReplyKind | None = None
    aided: bool | None = None
    decided: bool = False
    recorded_by: str | None = None
    stage: str = ""


class Answer(NamedTuple):
    """What came back about one child."""

    kind: ReplyKind
    replied_on: date
    aid: AidKind | None = None
    amount_fen: int | None = None
    aided_term: str | None = None
    stage: str | None = None
    reference: str | None = None


def letter_of(history: Iterable[tuple[Fact, date]]) -> Letter:
    """The state after a whole stream of (fact, effective_on)."""
    letter = Letter()
    for fact, effective_on in history:
        letter = replace(letter, version=letter.version + 1)
        match fact:
            case LetterDrafted():
                letter = replace(letter, state="drafted", draft=fact, drafted_on=effective_on)
            case LetterApproved():
                letter = replace(letter, state="approved")
            case LetterDiscarded():
                letter = replace(letter, state="discarded")
            case LetterSent():
                letter = replace(letter, state="sent", sent_on=fact.sent_on, reply_by=fact.reply_by)
            case LetterOverdue():
                letter = replace(letter, state="overdue")
            case LetterReminded():
                letter = replace(letter, state="sent", reply_by=fact.reply_by)
            case LetterPhoned():
                pass
            case _:
                raise TypeError(f"{type(fact).__name__} is no fact of a letter")
    return letter


def inquiry_of(history: Iterable[Fact]) -> Inquiry:
    """The state after a whole stream."""
    inquiry = Inquiry()
    for fact in history:
        version = inquiry.version + 1
        match fact:
            case ChildAskedAbout():
                inquiry = Inquiry(version, asked=fact, stage=fact.stage)
            case InquiryDropped():
                inquiry = Inquiry(version)
            case ReplyRecorded():
                told, by = (fact.kind, fact.aided), fact.recorded_by
                stage = fact.stage or inquiry.stage
                inquiry = Inquiry(version, inquiry.asked, *told, recorded_by=by, stage=stage)
            case InquiryDecided():
                inquiry = replace(inquiry, version=version, aided=fact.aided, decided=True)
            case _:
                raise TypeError(f"{type(fact).__name__} is no fact of an inquiry")
    return inquiry


def content_hash(term: str, place: str, division: str, children: Sequence[UUID]) -> str:
    """Hex SHA-256 of what a letter asks: ids, which reveal nobody."""
    asked = [term, place, division, sorted(str(child) for child in children)]
    return hashlib.sha256(msgspec.json.encode(asked)).hexdigest()


def _drafted(letter: Letter) -> LetterDrafted:
    if letter.draft is None:
        raise UnknownLetter
    return letter.draft


def approve(letter: Letter, read_hash: str, by: str, today: date) -> list[Decided]:
    """Sign off what was read. Raises UnknownLetter, LetterNotThere, LetterChanged, SecondPersonNeeded."""
    draft = _drafted(letter)
    if letter.state != "drafted":
        raise LetterNotThere(letter.state)
    LETTERS_APPROVE.check(draft.drafted_by, by)
    if read_hash != draft.content_hash:
        raise LetterChanged
    return [Decided(LetterApproved(content_hash=read_hash, approved_by=by), today)]


def discard(letter: Letter, reason: DiscardReason, by: str, today: date) -> list[Decided]:
    """Send it nowhere. Raises UnknownLetter, LetterNotThere once it left the house."""
    _drafted(letter)
    if letter.state not in ("drafted", "approved"):
        raise LetterNotThere(letter.state)
    return [Decided(LetterDiscarded(reason=reason, discarded_by=by), today)]


def send(letter: Letter, sent_on: date, way: Way, number: str, reply_by: date, by: str, today: date) -> list[Decided]:
    """It left the house on ``sent_on``. Raises UnknownLetter, LetterNotThere, SentBeforeDrafted."""
    _drafted(letter)
    if letter.state != "approved":
        raise LetterNotThere(letter.state)
    if sent_on > today or letter.drafted_on is None or sent_on < letter.drafted_on:
        raise SentBeforeDrafted("sent_on")
    if reply_by <= sent_on:
        raise SentBeforeDrafted("reply_by")
    return [Decided(LetterSent(sent_on=sent_on, way=way, number=number, reply_by=reply_by, sent_by=by), sent_on)]


def overdue(letter: Letter, unanswered: int, day: date) -> list[Decided]:
    """The day to answer by has passed; nothing when it has not, or everybody is answered for."""
    if letter.state != "sent" or letter.reply_by is None or day <= letter.reply_by or not unanswered:
        return []
    return [Decided(LetterOverdue(reply_by=letter.reply_by, unanswered=unanswered), day)]


def remind(letter: Letter, way: Way, reply_by: date, by: str, today: date) -> list[Decided]:
    """Ask again. Raises UnknownLetter, LetterNotThere, SentBeforeDrafted."""
    _drafted(letter)
    if letter.state not in OUT:
        raise LetterNotThere(letter.state)
    if reply_by <= today:
        raise SentBeforeDrafted("reply_by")
    return [Decided(LetterReminded(reminded_on=today, way=way, reply_by=reply_by, reminded_by=by), today)]


def phone(letter: Letter, called_on: date, outcome: CallOutcome, by: str, today: date) -> list[Decided]:
    """A note of a call. Raises UnknownLetter, LetterNotThere, SentBeforeDrafted."""
    _drafted(letter)
    if letter.state not in OUT:
        raise LetterNotThere(letter.state)
    if called_on > today or letter.sent_on is None or called_on < letter.sent_on:
        raise SentBeforeDrafted("called_on")
    return [Decided(LetterPhoned(called_on=called_on, outcome=outcome, called_by=by), called_on)]


def answered(letter: Letter, inquiry: Inquiry, letter_id: UUID, answer: Answer, by: str, today: date) -> list[Decided]:
    """What came back about a child; a later answer replaces an earlier one. Raises UnknownInquiry, LetterNotThere,
    SentBeforeDrafted, StageUnknown."""
    asked = inquiry.asked
    if asked is None or asked.letter_id != letter_id:
        raise UnknownInquiry
    if letter.state not in OUT or letter.sent_on is None:
        raise LetterNotThere(letter.state)
    if answer.replied_on > today or answer.replied_on < letter.sent_on:
        raise SentBeforeDrafted("replied_on")
    if AIDED[answer.kind] is False and not (answer.stage or inquiry.stage):
        raise StageUnknown
    reply = ReplyRecorded(
        child_id=asked.child_id,
        letter_id=letter_id,
        term=asked.term,
        aided=AIDED[answer.kind],
        recorded_by=by,
        **answer._asdict(),
    )
    return [Decided(reply, answer.replied_on)]


def decide(inquiry: Inquiry, letter_id: UUID, aided: bool, ground: Ground, by: str, today: date) -> list[Decided]:
    """A second person decides what the answer leaves open. Raises UnknownInquiry, NothingToDecide,
    SecondPersonNeeded, StageUnknown."""
    asked = inquiry.asked
    if asked is None or asked.letter_id != letter_id:
        raise UnknownInquiry
    if inquiry.kind is None or AIDED[inquiry.kind] is not None:
        raise NothingToDecide
    INQUIRIES_DECIDE.check(inquiry.recorded_by, by)
    if not aided and not inquiry.stage:
        raise StageUnknown
    fact = InquiryDecided(
        child_id=asked.child_id, letter_id=letter_id, term=asked.term, aided=aided, ground=ground, decided_by=by
    )
    return [Decided(fact, today)]

"""Facts about letters to other counties and what became of each child asked about; reached through events.py.

A letter has a stream of its own; so has each (child, term) that is asked about, its inquiry: a child cannot be asked
about twice in a term. Nothing here names anybody: children are ids, people who act are accounts, all else is a code.
"""

from __future__ import annotations

from datetime import date
from typing import Literal
from uuid import UUID

from shared.kernel.facts import Fact, fact

Way = Literal["post", "courier", "fax", "email", "official_network", "by_hand"]
ReplyKind = Literal["aided", "partly", "not_registered", "left", "ineligible", "silent"]
AidKind = Literal[
    "living_subsidy", "senior_high_grant", "fee_waiver", "vocational_grant", "preschool_aid", "higher_grant", "other"
]
CallOutcome = Literal["will_reply", "unreachable", "told_orally", "not_responsible"]
DiscardReason = Literal["wrong_place", "wrong_children", "wrong_term", "other"]
Ground = Literal["phone_note", "family_statement", "school_certificate", "nothing_heard", "part_is_enough", "other"]


@fact("disbursement")
class RegisterPlaceTold(Fact, frozen=True, kw_only=True):
    """Somebody found out where a child of ours is registered: ``place`` is the division's code, six digits. The stream
    is the child's; later words replace earlier ones."""

    child_id: UUID
    place: str
    division_code: str
    told_by: str


@fact("disbursement")
class LetterDrafted(Fact, frozen=True, kw_only=True):
    """A letter about ``children`` to the aid department of ``place`` for one term. ``division_code`` is the writing
    division's; ``content_hash`` the hex SHA-256 of what the letter asks (ids only), which its approval names."""

    term: str
    place: str
    place_name: str
    children: tuple[UUID, ...]
    content_hash: str
    division_code: str
    drafted_by: str


@fact("disbursement")
class LetterApproved(Fact, frozen=True, kw_only=True):
    """A second person read and signed off exactly this content."""

    content_hash: str
    approved_by: str


@fact("disbursement")
class LetterDiscarded(Fact, frozen=True, kw_only=True):
    """The letter goes nowhere; its children may be asked about again."""

    reason: DiscardReason
    discarded_by: str


@fact("disbursement")
class LetterSent(Fact, frozen=True, kw_only=True):
    """It left the house under ``number`` (文号). An answer is expected by ``reply_by``, that day included."""

    sent_on: date
    way: Way
    number: str
    reply_by: date
    sent_by: str


@fact("disbursement")
class LetterOverdue(Fact, frozen=True, kw_only=True):
    """The day ``reply_by`` passed and ``unanswered`` children are not answered for."""

    reply_by: date
    unanswered: int


@fact("disbursement")
class LetterReminded(Fact, frozen=True, kw_only=True):
    """Asked again, with another day to answer by."""

    reminded_on: date
    way: Way
    reply_by: date
    reminded_by: str


@fact("disbursement")
class LetterPhoned(Fact, frozen=True, kw_only=True):
    """A note of a call to the department there."""

    called_on: date
    outcome: CallOutcome
    called_by: str


@fact("disbursement")
class ChildAskedAbout(Fact, frozen=True, kw_only=True):
    """The inquiry began: what is known here of the child on that day, which is what aid here would rest on.

    ``child_id`` is the student, or the person a list row is about. ``evidence``: the ids of what was decided about
    her list rows."""

    child_id: UUID
    letter_id: UUID
    term: str
    place: str
    category: str
    stage: str
    division_code: str
    evidence: tuple[UUID, ...]


@fact("disbursement")
class InquiryDropped(Fact, frozen=True, kw_only=True):
    """Its letter was discarded before it was sent."""

    child_id: UUID
    letter_id: UUID
    term: str


@fact("disbursement")
class ReplyRecorded(Fact, frozen=True, kw_only=True):
    """What the department there says of the child. ``aided``: gets aid there (True), is verified as not aided there
    (False), or a person has to decide (None: partly, silent). ``amount_fen`` and ``aided_term``
    as told there; ``stage`` where the reply corrects it; ``reference``: the number of their paper. A later reply
    replaces an earlier one."""

    child_id: UUID
    letter_id: UUID
    term: str
    kind: ReplyKind
    aided: bool | None
    replied_on: date
    aid: AidKind | None = None
    amount_fen: int | None = None
    aided_term: str | None = None
    stage: str | None = None
    reference: str | None = None
    recorded_by: str


@fact("disbursement")
class InquiryDecided(Fact, frozen=True, kw_only=True):
    """Where the answer leaves it open, a second person decided whether the child counts as aided there."""

    child_id: UUID
    letter_id: UUID
    term: str
    aided: bool
    ground: Ground
    decided_by: str


@fact("disbursement")
class IncomingLetterReceived(Fact, frozen=True, kw_only=True):
    """Another county asks about children registered here: ``children`` are those found in our register, ``not_found``
    how many of the letter's are not. An answer is due by ``answer_by``; ``number`` is the letter's own."""

    from_place: str
    from_name: str
    number: str
    term: str
    received_on: date
    answer_by: date
    children: tuple[UUID, ...]
    not_found: int
    division_code: str
    received_by: str


@fact("disbursement")
class IncomingLetterAnswered(Fact, frozen=True, kw_only=True):
    """A second person signed off and sent the answer: who of the children is aided here in the term, as it stood."""

    answered_on: date
    way: Way
    number: str
    aided: tuple[UUID, ...]
    unaided: tuple[UUID, ...]
    answered_by: str


@fact("disbursement")
class LetterPaperRead(Fact, frozen=True, kw_only=True):
    """Somebody takes the paper of a letter with these children in full, and why (invariant 13). Its stream is the
    reader's access record of the day. An erased child is not among ``children``."""

    viewer: str
    letter_id: UUID
    children: tuple[UUID, ...]
    purpose: str
    fields: tuple[str, ...]
    division_code: str | None = None


LETTER_FACTS: tuple[type[Fact], ...] = (
    *(LetterDrafted, LetterApproved, LetterDiscarded, LetterSent, LetterOverdue, LetterReminded, LetterPhoned),
)
INQUIRY_FACTS: tuple[type[Fact], ...] = (ChildAskedAbout, InquiryDropped, ReplyRecorded, InquiryDecided)

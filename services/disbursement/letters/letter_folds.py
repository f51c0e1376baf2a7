"""How facts become the rows of letters, one small pure function per fact."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from services.disbursement.events import ProgrammeActivated
from services.disbursement.letter_events import (
    ChildAskedAbout,
    IncomingLetterAnswered,
    IncomingLetterReceived,
    InquiryDecided,
    InquiryDropped,
    LetterApproved,
    LetterDiscarded,
    LetterDrafted,
    LetterOverdue,
    LetterPhoned,
    LetterReminded,
    LetterSent,
    RegisterPlaceTold,
    ReplyRecorded,
)
from services.disbursement.letters.letter_tables import (
    DIVISIONS,
    INCOMING,
    INQUIRIES,
    LETTERS,
    LISTED,
    LISTED_STATES,
    PLACES_TOLD,
    PROGRAMMES_SHOWN,
)
from services.disbursement.proving import category_of
from services.disbursement.tables import ALWAYS
from services.matching.events import EntryUnmatched, EntryWithdrawn, LinkConfirmed, LinkWithdrawn, ReviewOpened
from services.registry.events import (
    DivisionCodeAdded,
    DivisionCodeWithdrawn,
    ListEntryAdded,
    ListEntryCorrected,
    ListEntryRemoved,
)
from shared.eventsourcing.projection import Assertion, Fold, Recorded
from shared.kernel.facts import Fact
from shared.kernel.masking import mask_name, mask_number


def entry_listed(event: Recorded) -> Iterable[Assertion]:
    """A row as it stands. After an erasure only its id, which is nobody's any more."""
    fact: ListEntryAdded | ListEntryCorrected = event.fact
    who = fact.personal
    values = {
        "standing": True,
        "child_id": event.person_id,
        "category": category_of(fact),
        "stage": fact.stage,
        "grade": fact.grade,
        "division_code": fact.division_code,
        "name_masked": None if who is None else mask_name(who.name),
        "number_masked": None if who is None else mask_number(who.id_number),
        "name": None if who is None else who.name,
        "id_number": None if who is None else who.id_number,
        "school": None if who is None else who.school,
    }
    yield Assertion(LISTED, event.stream_id, event.effective_on, values)


def entry_removed(event: Recorded) -> Iterable[Assertion]:
    yield Assertion(LISTED, event.stream_id, event.effective_on, {"standing": False})


def _decided(event: Recorded, **values: Any) -> Iterable[Assertion]:
    blank = {"student_id": None, "category": None, "event_id": event.event_id}
    yield Assertion(LISTED_STATES, event.fact.entry_id, event.effective_on, blank | values)


def linked(event: Recorded) -> Iterable[Assertion]:
    fact: LinkConfirmed = event.fact
    return _decided(
        event,
        state="linked",
        student_id=fact.student_id,
        category=category_of(fact),
        division_code=fact.division_code,
    )


def unlinked(event: Recorded) -> Iterable[Assertion]:
    return _decided(event, state=None)


def in_review(event: Recorded) -> Iterable[Assertion]:
    return _decided(event, state="review", division_code=event.fact.division_code)


def unmatched(event: Recorded) -> Iterable[Assertion]:
    fact: EntryUnmatched = event.fact
    return _decided(event, state=fact.state, division_code=fact.division_code)


def division_added(event: Recorded) -> Iterable[Assertion]:
    fact: DivisionCodeAdded = event.fact
    values = {"code": fact.code, "name": fact.name, "in_force": True, "successors": []}
    yield Assertion(DIVISIONS, event.stream_id, event.effective_on, values)


def division_withdrawn(event: Recorded) -> Iterable[Assertion]:
    fact: DivisionCodeWithdrawn = event.fact
    values = {"code": fact.code, "in_force": False, "successors": list(fact.successors)}
    yield Assertion(DIVISIONS, event.stream_id, event.effective_on, values)


def programme_shown(event: Recorded) -> Iterable[Assertion]:
    yield Assertion(PROGRAMMES_SHOWN, event.stream_id, event.effective_on, {"content": event.fact.content})


def place_told(event: Recorded) -> Iterable[Assertion]:
    fact: RegisterPlaceTold = event.fact
    values = {"child_id": fact.child_id, "place": fact.place, "division_code": fact.division_code}
    yield Assertion(PLACES_TOLD, event.stream_id, ALWAYS, values)


def _letter(event: Recorded, **values: Any) -> Iterable[Assertion]:
    # Its days are columns: who notes today that it left last week must not change which step was the last.
    yield Assertion(LETTERS, event.stream_id, ALWAYS, values)


def letter_drafted(event: Recorded) -> Iterable[Assertion]:
    fact: LetterDrafted = event.fact
    return _letter(
        event,
        term=fact.term,
        place=fact.place,
        place_name=fact.place_name,
        children=len(fact.children),
        content_hash=fact.content_hash,
        state="drafted",
        drafted_by=fact.drafted_by,
        drafted_on=event.effective_on,
        division_code=fact.division_code,
    )


def letter_approved(event: Recorded) -> Iterable[Assertion]:
    return _letter(event, state="approved", approved_by=event.fact.approved_by)


def letter_discarded(event: Recorded) -> Iterable[Assertion]:
    return _letter(event, state="discarded")


def letter_sent(event: Recorded) -> Iterable[Assertion]:
    fact: LetterSent = event.fact
    return _letter(event, state="sent", sent_on=fact.sent_on, way=fact.way, number=fact.number, reply_by=fact.reply_by)


def letter_overdue(event: Recorded) -> Iterable[Assertion]:
    return _letter(event, state="overdue")


def letter_reminded(event: Recorded) -> Iterable[Assertion]:
    return _letter(event, state="sent", reply_by=event.fact.reply_by, reminded_on=event.fact.reminded_on)


def letter_phoned(event: Recorded) -> Iterable[Assertion]:
    return _letter(event, phoned_on=event.fact.called_on, phone_outcome=event.fact.outcome)


_ANSWER = ("kind", "aided", "decided", "replied_on", "aid", "amount_fen", "aided_term", "reference", "recorded_by")


def child_asked_about(event: Recorded) -> Iterable[Assertion]:
    fact: ChildAskedAbout = event.fact
    asked = {
        name: getattr(fact, name)
        for name in ("child_id", "letter_id", "term", "place", "category", "stage", "division_code")
    }
    unanswered = dict.fromkeys((*_ANSWER, "ground"))
    yield Assertion(INQUIRIES, event.stream_id, ALWAYS, asked | unanswered)


def inquiry_dropped(event: Recorded) -> Iterable[Assertion]:
    yield Assertion(INQUIRIES, event.stream_id, ALWAYS, {"letter_id": None})


def reply_recorded(event: Recorded) -> Iterable[Assertion]:
    fact: ReplyRecorded = event.fact
    told = {name: getattr(fact, name) for name in _ANSWER if name != "decided"}
    corrected = {} if fact.stage is None else {"stage": fact.stage}
    yield Assertion(INQUIRIES, event.stream_id, ALWAYS, told | corrected | {"decided": False, "ground": None})


def inquiry_decided(event: Recorded) -> Iterable[Assertion]:
    fact: InquiryDecided = event.fact
    yield Assertion(INQUIRIES, event.stream_id, ALWAYS, {"aided": fact.aided, "decided": True, "ground": fact.ground})


_RECEIVED = ("from_place", "from_name", "number", "term", "received_on", "answer_by", "not_found")


def incoming_received(event: Recorded) -> Iterable[Assertion]:
    fact: IncomingLetterReceived = event.fact
    told = {name: getattr(fact, name) for name in (*_RECEIVED, "received_by", "division_code")}
    values = told | {"children": list(fact.children), "state": "open"}
    yield Assertion(INCOMING, event.stream_id, ALWAYS, values)


def incoming_answered(event: Recorded) -> Iterable[Assertion]:
    fact: IncomingLetterAnswered = event.fact
    values = {
        "state": "answered",
        "answered_on": fact.answered_on,
        "answered_by": fact.answered_by,
        "answer_way": fact.way,
        "answer_number": fact.number,
        "aided": list(fact.aided),
    }
    yield Assertion(INCOMING, event.stream_id, ALWAYS, values)


LETTER_FOLDS: Mapping[type[Fact], Fold] = {
    ListEntryAdded: entry_listed,
    ListEntryCorrected: entry_listed,
    ListEntryRemoved: entry_removed,
    LinkConfirmed: linked,
    LinkWithdrawn: unlinked,
    ReviewOpened: in_review,
    EntryUnmatched: unmatched,
    EntryWithdrawn: unlinked,
    DivisionCodeAdded: division_added,
    DivisionCodeWithdrawn: division_withdrawn,
    ProgrammeActivated: programme_shown,
    RegisterPlaceTold: place_told,
    LetterDrafted: letter_drafted,
    LetterApproved: letter_approved,
    LetterDiscarded: letter_discarded,
    LetterSent: letter_sent,
    LetterOverdue: letter_overdue,
    LetterReminded: letter_reminded,
    LetterPhoned: letter_phoned,
    ChildAskedAbout: child_asked_about,
    InquiryDropped: inquiry_dropped,
    ReplyRecorded: reply_recorded,
    InquiryDecided: inquiry_decided,
    IncomingLetterReceived: incoming_received,
    IncomingLetterAnswered: incoming_answered,
}

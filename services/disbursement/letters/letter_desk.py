"""One function per act on letters: load, decide, append."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import Connection

from services.disbursement.domain import Decided
from services.disbursement.letter_errors import NothingToAsk, UnknownInquiry, UnknownLetter
from services.disbursement.letter_events import (
    ChildAskedAbout,
    DiscardReason,
    Ground,
    InquiryDropped,
    LetterDrafted,
)
from services.disbursement.letters import letter_life
from services.disbursement.letters.elsewhere import ElsewhereChild, children
from services.disbursement.letters.letter_life import Answer, Inquiry, Letter, content_hash, inquiry_of, letter_of
from services.disbursement.streams import Streams
from shared.database.database import Database
from shared.database.scopes import Scope
from shared.eventsourcing.store import Command, EventStore, Proposed, Result

VIEW = "payments"
CHILDREN_MOST = 200  # of one letter: its table is read by people; who is left over is asked about in another one
Step = Callable[[Letter], list[Decided]]


class Reply(NamedTuple):
    """What came back about one child of a letter."""

    child_id: UUID
    answer: Answer


@dataclass(frozen=True)
class LetterDesk:
    """``division`` is the installation's, whose own children they are."""

    database: Database
    store: EventStore
    streams: Streams
    division: str

    def elsewhere(self, scope: Scope, term: str, day: date) -> list[ElsewhereChild]:
        """Children of ours registered elsewhere, within the viewer's rows."""
        with self.database.reading(scope, VIEW) as connection:
            return children(connection, day, term, self.division)

    def draft(self, scope: Scope, term: str, place: str, command: Command, today: date) -> Result:
        """A letter about everyone entitled who is registered in ``place`` and was not asked about in the term, at most
        CHILDREN_MOST. Raises NothingToAsk; its stream is ``streams.letter`` of the command."""
        found = [
            child
            for child in self.elsewhere(scope, term, today)
            if child.place == place and child.category is not None and child.asking == "to_ask"
        ][:CHILDREN_MOST]
        letter_id = self.streams.letter(command.principal, command.command_id)
        ids = {self.streams.inquiry(child.child_id, term): child for child in found}

        def decide(connection: Connection) -> Sequence[Proposed]:
            self.streams.lock(connection, ids)
            standing = self._inquiries(connection, ids)
            asking = {each: child for each, child in ids.items() if standing[each].asked is None}
            if not asking:
                raise NothingToAsk(place, term)
            fact = self._drafted(scope, command.principal, term, place, list(asking.values()))
            about = [
                Proposed(each, standing[each].version, _asked(child, letter_id, term, place), today)
                for each, child in asking.items()
            ]
            return [Proposed(letter_id, 0, fact, today), *about]

        return self.store.run(self.database, command, decide)

    def _drafted(self, scope: Scope, by: str, term: str, place: str, asked: Sequence[ElsewhereChild]) -> LetterDrafted:
        about = tuple(sorted((child.child_id for child in asked), key=str))
        division = scope.division or self.division
        return LetterDrafted(
            term=term,
            place=place,
            place_name=asked[0].place_name or "",
            children=about,
            content_hash=content_hash(term, place, division, about),
            division_code=division,
            drafted_by=by,
        )

    def step(self, scope: Scope, letter_id: UUID, command: Command, step: Step) -> Result:
        """One step of a letter (letter_life.py). Raises UnknownLetter and what the step raises."""

        def decide(connection: Connection) -> Sequence[Proposed]:
            self.streams.lock(connection, [letter_id])
            letter = self._letter(connection, scope, letter_id)
            return [Proposed(letter_id, letter.version, fact, on) for fact, on in step(letter)]

        return self.store.run(self.database, command, decide)

    def discard(self, scope: Scope, letter_id: UUID, reason: DiscardReason, command: Command, today: date) -> Result:
        """Send it nowhere; its children may be asked about again. Raises UnknownLetter, LetterNotThere."""

        def decide(connection: Connection) -> Sequence[Proposed]:
            self.streams.lock(connection, [letter_id])
            letter = self._letter(connection, scope, letter_id)
            ended = letter_life.discard(letter, reason, command.principal, today)
            proposed = [Proposed(letter_id, letter.version, fact, on) for fact, on in ended]
            ids = self._asked_in(letter)
            for each, inquiry in self._inquiries(connection, ids).items():
                if inquiry.asked is not None and inquiry.asked.letter_id == letter_id:
                    asked = inquiry.asked
                    dropped = InquiryDropped(child_id=asked.child_id, letter_id=letter_id, term=asked.term)
                    proposed.append(Proposed(each, inquiry.version, dropped, today))
            return proposed

        return self.store.run(self.database, command, decide)

    def record(self, scope: Scope, letter_id: UUID, replies: Sequence[Reply], command: Command, today: date) -> Result:
        """What came back about these children. Raises UnknownLetter, UnknownInquiry, LetterNotThere,
        SentBeforeDrafted."""

        def decide(connection: Connection) -> Sequence[Proposed]:
            letter = self._letter(connection, scope, letter_id)
            ids = {self._inquiry_id(letter, reply.child_id): reply for reply in replies}
            self.streams.lock(connection, ids)
            proposed = []
            for each, inquiry in self._inquiries(connection, ids).items():
                answer = ids[each].answer
                told = letter_life.answered(letter, inquiry, letter_id, answer, command.principal, today)
                proposed += [Proposed(each, inquiry.version, fact, on) for fact, on in told]
            return proposed

        return self.store.run(self.database, command, decide)

    def settle(
        self,
        scope: Scope,
        letter_id: UUID,
        child_id: UUID,
        aided: bool,
        ground: Ground,
        command: Command,
        today: date,
    ) -> Result:
        """Decide what an answer leaves open. Raises UnknownLetter, UnknownInquiry, NothingToDecide,
        SecondPersonNeeded."""

        def decide(connection: Connection) -> Sequence[Proposed]:
            letter = self._letter(connection, scope, letter_id)
            each = self._inquiry_id(letter, child_id)
            self.streams.lock(connection, [each])
            inquiry = self._inquiries(connection, [each])[each]
            decided = letter_life.decide(inquiry, letter_id, aided, ground, command.principal, today)
            return [Proposed(each, inquiry.version, fact, on) for fact, on in decided]

        return self.store.run(self.database, command, decide)

    def _letter(self, connection: Connection, scope: Scope, letter_id: UUID) -> Letter:
        stored = self.store.load(connection, letter_id)
        if not stored or not isinstance(stored[0].fact, LetterDrafted):
            raise UnknownLetter
        letter = letter_of((each.fact, each.event.effective_on) for each in stored)
        if letter.draft is None or not scope.covers(letter.draft.division_code, None):
            raise UnknownLetter
        return letter

    def _inquiry_id(self, letter: Letter, child_id: UUID) -> UUID:
        if letter.draft is None:
            raise UnknownInquiry
        return self.streams.inquiry(child_id, letter.draft.term)

    def _asked_in(self, letter: Letter) -> list[UUID]:
        return [] if letter.draft is None else [self._inquiry_id(letter, child) for child in letter.draft.children]

    def _inquiries(self, connection: Connection, ids: Iterable[UUID]) -> dict[UUID, Inquiry]:
        loaded = self.store.load_many(connection, list(ids))
        return {each: inquiry_of(stored.fact for stored in events) for each, events in loaded.items()}


def _asked(child: ElsewhereChild, letter_id: UUID, term: str, place: str) -> ChildAskedAbout:
    return ChildAskedAbout(
        child_id=child.child_id,
        letter_id=letter_id,
        term=term,
        place=place,
        category=child.category or "",
        stage=child.stage,
        division_code=child.division_code,
        evidence=tuple(child.evidence),
    )

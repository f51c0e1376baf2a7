"""The policy of deadlines: when a day opens, letters whose day to answer by has passed are overdue. What then happens
(a reminder, a call, a decision) is for people."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from sqlalchemy import Connection, text

from services.disbursement.events import DayOpened
from services.disbursement.letter_events import INQUIRY_FACTS, LETTER_FACTS
from services.disbursement.letters.letter_folds import LETTER_FOLDS
from services.disbursement.letters.letter_life import letter_of, overdue
from services.disbursement.letters.letter_tables import INQUIRIES, LETTERS
from services.disbursement.streams import Streams
from shared.eventsourcing.projection import Assertion, Change, Fold, Projection, Recorded
from shared.eventsourcing.store import BATCH_LIMIT, EventStore, Proposed
from shared.kernel.facts import Fact
from shared.messaging.policy import policy_command

NAME = "letter_deadlines"
_DUE = text("""
SELECT l.entity, count(i.entity) AS unanswered
FROM letters l JOIN inquiries i ON i.letter_id = l.entity AND i.kind IS NULL
WHERE l.state = 'sent' AND l.reply_by < :day GROUP BY l.entity ORDER BY l.entity
""")


@dataclass(frozen=True)
class Deadlines:
    """The policy with what it needs."""

    store: EventStore
    streams: Streams

    def projection(self) -> Projection:
        """The policy as the processor runs it."""
        folds: dict[type[Fact], Fold] = {cls: LETTER_FOLDS[cls] for cls in (*LETTER_FACTS, *INQUIRY_FACTS)}
        return Projection(NAME, (LETTERS, INQUIRIES), {**folds, DayOpened: _asserts_nothing}, after=self.react)

    def react(self, connection: Connection, events: Sequence[Recorded], changes: Sequence[Change]) -> None:
        """Look at every letter that is out, for each day that opened."""
        for event in events:
            if isinstance(event.fact, DayOpened):
                self._look(connection, event, event.fact.day)

    def _look(self, connection: Connection, cause: Recorded, day: date) -> None:
        due: dict[UUID, int] = {row.entity: row.unanswered for row in connection.execute(_DUE, {"day": day})}
        self.streams.lock(connection, due)
        letters = {
            each: letter_of((stored.fact, stored.event.effective_on) for stored in events)
            for each, events in self.store.load_many(connection, list(due)).items()
        }
        proposed = [
            Proposed(each, letter.version, fact, on)
            for each, letter in letters.items()
            for fact, on in overdue(letter, due[each], day)
        ]
        for ordinal, begin in enumerate(range(0, len(proposed), BATCH_LIMIT)):
            part = proposed[begin : begin + BATCH_LIMIT]
            command = policy_command(NAME, cause, ordinal, NAME.encode())
            self.store.execute(connection, command, lambda: part)  # noqa: B023 (called before the next turn)


def _asserts_nothing(event: Recorded) -> Iterable[Assertion]:
    return ()

"""What was decided and ruled about a list row, newest first."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel
from sqlalchemy import Connection, text

from services.matching.events import (
    EntryUnmatched,
    EntryWithdrawn,
    LinkConfirmed,
    LinkWithdrawn,
    ReviewOpened,
    RowRuled,
    RulingWithdrawn,
    SecondOpinionAsked,
)
from services.matching.explaining import explanation
from services.matching.outcome import STATES_ZH, State
from services.matching.streams import Streams
from shared.eventsourcing.store import EventStore
from shared.kernel.facts import Fact
from shared.web.languages import Language

HISTORY_ROWS = 100
_PLACES = text("""
SELECT e.event_id, e.position, l.recorded_at FROM public.events e LEFT JOIN public.log l ON l.position = e.position
WHERE e.stream_id = ANY(:streams) ORDER BY e.position DESC LIMIT :rows
""")
_STATES_EN = {State.REVIEW: "Review", State.LINKED: "Linked"}
_VERDICTS = {
    "must_link": ("确认同一人", "Ruled the same person"),
    "cannot_link": ("确认非同一人", "Ruled not the same person"),
    "nobody": ("确认学籍中没有此人", "Ruled to be nobody of the register"),
}


class HistoryRow(BaseModel):
    """Something decided or ruled. ``recorded_at`` is None for the moment until it has its place in the log; ``by`` is
    the person, None for the rules; ``student_id`` whom it is about."""

    type: str
    text: str
    effective_on: date
    recorded_at: datetime | None
    by: str | None = None
    rule: str | None = None
    model: str | None = None
    student_id: UUID | None = None


def history(
    connection: Connection, store: EventStore, streams: Streams, entry_id: UUID, language: Language
) -> list[HistoryRow]:
    """Both streams of the row, HISTORY_ROWS at most; the caller has made sure of the scope."""
    ids = [streams.entry(entry_id), streams.rulings(entry_id)]
    facts = {each.event.event_id: each for stream in store.load_many(connection, ids).values() for each in stream}
    found = []
    for event_id, _, recorded_at in connection.execute(_PLACES, {"streams": ids, "rows": HISTORY_ROWS}):
        event, fact = facts[event_id]
        found.append(
            HistoryRow(
                type=type(fact).__name__,
                text=_sentence(fact, language),
                effective_on=event.effective_on,
                recorded_at=recorded_at,
                **_particulars(fact),
            )
        )
    return found


def _particulars(fact: Fact) -> dict[str, Any]:
    match fact:
        case LinkConfirmed():
            return {"rule": fact.rule, "model": fact.model, "student_id": fact.student_id}
        case ReviewOpened() | EntryUnmatched():
            return {"rule": fact.rule, "model": fact.model}
        case LinkWithdrawn():
            return {"student_id": fact.student_id}
        case RowRuled():
            single = fact.students[0] if len(fact.students) == 1 else None
            return {"by": fact.ruled_by, "student_id": single if fact.verdict != "nobody" else None}
        case RulingWithdrawn():
            return {"by": fact.withdrawn_by}
        case SecondOpinionAsked():
            return {"by": fact.asked_by}
    return {}


def _sentence(fact: Fact, language: Language) -> str:
    zh, en = _words(fact, language)
    return en if language == "en" else zh


def _words(fact: Fact, language: Language) -> tuple[str, str]:
    match fact:
        case LinkConfirmed() | ReviewOpened() | EntryUnmatched():
            state = State(_state(fact))
            count = len(fact.candidates) if isinstance(fact, ReviewOpened) else 0
            why = explanation(fact.reason, language, count)
            return f"{STATES_ZH[state]}:{why}", f"{_STATES_EN.get(state, state.value.replace('_', ' '))}: {why}"
        case LinkWithdrawn():
            return "撤销匹配", "Link withdrawn"
        case EntryWithdrawn():
            return "已退出名单", "Left the list"
        case RowRuled():
            return _VERDICTS[fact.verdict]
        case RulingWithdrawn():
            return "撤销人工核对", "Ruling withdrawn"
        case SecondOpinionAsked():
            return "请另一人复核", "Asked for a second opinion"
    return type(fact).__name__, type(fact).__name__


def _state(fact: LinkConfirmed | ReviewOpened | EntryUnmatched) -> str:
    if isinstance(fact, EntryUnmatched):
        return fact.state
    return State.LINKED.value if isinstance(fact, LinkConfirmed) else State.REVIEW.value

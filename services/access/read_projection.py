"""Who read how much in full on which day, for who administers accounts: one row per act, as the services' logs tell it.

A projection of its own: what stands in posts and accounts needs none of these logs, neither now nor replayed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from sqlalchemy import Boolean, Column, DateTime, Index, Integer, Text

from services.access.tables import ALWAYS
from services.audit.events import PersonFileRead
from services.disbursement.events import letter_events
from services.matching.events import ReviewRead
from services.notifications.events import case_events
from services.registry.events import PersonalDataRead, RegisterExported, RejectedRowsRead, paper_events
from shared.eventsourcing.periods import PeriodTable
from shared.eventsourcing.projection import Assertion, Fold, Projection, Recorded


def _acts(log: str) -> PeriodTable:
    """Entity is the event; ``rows``: the children it showed; ``whole``: a list that was taken away."""
    return PeriodTable(
        f"{log}_acts",
        log,
        [
            Column("account", Text),
            Column("at", DateTime(timezone=True)),
            Column("rows", Integer),
            Column("whole", Boolean),
            Column("division_code", Text),
            Column("school_code", Text),
        ],
        indexes=[Index(f"{log}_acts_by_moment", "at")],
    )


REGISTRY, MATCHING, DISBURSEMENT = _acts("registry"), _acts("matching"), _acts("disbursement")
NOTIFICATIONS, AUDIT = _acts("notifications"), _acts("audit")
ACTS = (REGISTRY, MATCHING, DISBURSEMENT, NOTIFICATIONS, AUDIT)


def _act(table: PeriodTable, rows: Callable[[Any], int] = lambda _fact: 1, *, whole: bool = False) -> Fold:
    def fold(event: Recorded) -> Iterable[Assertion]:
        fact = event.fact
        values = {
            "account": fact.viewer,
            "at": event.recorded_at,
            "rows": rows(fact),
            "whole": whole,
            "division_code": fact.division_code,
            "school_code": getattr(fact, "school_code", None),
        }
        yield Assertion(table, event.event_id, ALWAYS, values)

    return fold


def _told(fact: Any) -> int:
    rows: int = fact.rows
    return rows


READS_VIEW = Projection(
    "reads_in_full",
    ACTS,
    {
        PersonalDataRead: _act(REGISTRY),
        RegisterExported: _act(REGISTRY, _told, whole=True),
        RejectedRowsRead: _act(REGISTRY, _told, whole=True),
        paper_events.PaperScanRead: _act(REGISTRY),
        ReviewRead: _act(MATCHING, lambda fact: 1 + len(fact.students)),  # the row, and who may be meant by it
        letter_events.LetterPaperRead: _act(DISBURSEMENT, lambda fact: len(fact.children)),
        case_events.CaseNotesRead: _act(NOTIFICATIONS),
        PersonFileRead: _act(AUDIT),
    },
)

"""Who has taken note of an alarm; and of each log, day by day, how often all of it was compared, with what result."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Text
from sqlalchemy.dialects.postgresql import TIMESTAMP

from shared.eventsourcing.periods import PeriodTable

# One row per note, asserted from ALWAYS on.
ALARM_NOTES = PeriodTable(
    "alarm_notes",
    "audit",
    [
        Column("log", Text),
        Column("kind", Text),
        Column("wrong_index", BigInteger),
        Column("note", Text),
        Column("acknowledged_by", Text),
        Column("acknowledged_at", TIMESTAMP(timezone=True)),
    ],
    indexes=[Index("alarm_notes_by_alarm", "log", "kind", "wrong_index")],
)

COMPARISONS = """
-- The first wrong index of the round under way; a round is green when there is none at its end.
ALTER TABLE witness_progress ADD COLUMN first_wrong bigint;

-- Whole rounds through a log by days of Shanghai: bounded, and enough to say that nothing was wrong when.
CREATE TABLE comparison_days (
    service text NOT NULL,
    compared text NOT NULL CHECK (compared IN ('store', 'topic')),
    day date NOT NULL,
    rounds bigint NOT NULL,
    green bigint NOT NULL,
    size bigint NOT NULL,
    ended_at timestamptz NOT NULL,
    green_at timestamptz,
    first_wrong bigint,
    PRIMARY KEY (service, compared, day)
);

GRANT SELECT, INSERT, UPDATE ON comparison_days TO rollcall_worker;
"""

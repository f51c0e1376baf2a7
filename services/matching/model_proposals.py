"""Proposed models and the rows they would change, as they are stored: proposed and closed here, reported on page by
page in model_progress.py, read by people in model_queries.py."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import UUID

import psycopg

from services.matching.model_change import Proposal
from services.matching.model_diff import ChangedRow, Ending
from services.matching.scoring import Model
from services.matching.work import CHANNEL

_CHUNK_ROWS = 2_000

STEPS: tuple[tuple[str, str], ...] = (
    (
        "matching-0005-models",
        """
ALTER TABLE matching_work DROP CONSTRAINT matching_work_kind_check,
    ADD CONSTRAINT matching_work_kind_check CHECK (kind IN ('student', 'household', 'entry', 'day', 'model'));
CREATE TABLE model_proposals (
    proposal_id uuid PRIMARY KEY,
    content bytea NOT NULL,
    content_hash text NOT NULL,
    name text NOT NULL,
    version text NOT NULL,
    base_hash text NOT NULL,
    proposed_by text NOT NULL,
    proposed_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    state text NOT NULL DEFAULT 'computing'
        CHECK (state IN ('computing', 'ready', 'failed', 'outdated', 'activated')),
    day date,
    rows_total bigint,
    rows_done bigint NOT NULL DEFAULT 0,
    done_until uuid,
    tally bytea NOT NULL DEFAULT '{}',
    finished_at timestamptz,
    report bytea,
    report_hash text
);
CREATE TABLE model_changed_rows (
    proposal_id uuid NOT NULL REFERENCES model_proposals,
    entry_id uuid NOT NULL,
    before_state text NOT NULL,
    before_student uuid,
    before_rule text NOT NULL,
    before_score double precision NOT NULL,
    after_state text NOT NULL,
    after_student uuid,
    after_rule text NOT NULL,
    after_score double precision NOT NULL,
    PRIMARY KEY (proposal_id, entry_id)
);
GRANT SELECT, INSERT, UPDATE ON model_proposals TO rollcall_app;
GRANT SELECT ON model_changed_rows TO rollcall_app;
GRANT SELECT, UPDATE ON model_proposals TO rollcall_worker;
GRANT SELECT, INSERT, DELETE ON model_changed_rows TO rollcall_worker;
""",
    ),
)

ROW = """
entry_id, before_state, before_student, before_rule, before_score, after_state, after_student, after_rule, after_score
"""
# As for a ruling: the event has its recorded_at from the sequencer only later, but before that of any decision.
_EVERY_ROW = """
INSERT INTO public.matching_work (kind, numbers, keys, households, cause_id, cause_recorded_at, traceparent)
VALUES ('model', '{}', '{}', '{}', %s, clock_timestamp(), %s)
"""


def insert(raw: psycopg.Connection[Any], proposal_id: UUID, model: Model, base_hash: str, by: str) -> None:
    """Note a proposal; its report is made from now on."""
    raw.execute(
        "INSERT INTO public.model_proposals (proposal_id, content, content_hash, name, version, base_hash, proposed_by)"
        " VALUES (%s, %s, %s, %s, %s, %s, %s)",
        (proposal_id, model.content, model.hash, model.name, model.version, base_hash, by),
    )


def open_count(raw: psycopg.Connection[Any]) -> int:
    """How many reports are being made."""
    row = raw.execute("SELECT count(*) FROM public.model_proposals WHERE state = 'computing'").fetchone()
    assert row is not None
    return int(row[0])


def proposal(raw: psycopg.Connection[Any], proposal_id: UUID) -> Proposal | None:
    """What an activation rests on."""
    row = raw.execute(
        "SELECT proposal_id, content, content_hash, base_hash, proposed_by, state, report_hash"
        " FROM public.model_proposals WHERE proposal_id = %s",
        (proposal_id,),
    ).fetchone()
    return None if row is None else Proposal(*row)


def close(raw: psycopg.Connection[Any], activated: UUID, event_id: UUID, traceparent: str | None) -> None:
    """The proposal became the model in force by this event: the reports of all others compare with a former one, and
    every row is decided again."""
    raw.execute("UPDATE public.model_proposals SET state = 'activated' WHERE proposal_id = %s", (activated,))
    raw.execute("UPDATE public.model_proposals SET state = 'outdated' WHERE state IN ('computing', 'ready')")
    enqueue_every_row(raw, event_id, traceparent)


def enqueue_every_row(raw: psycopg.Connection[Any], event_id: UUID, traceparent: str | None) -> None:
    """Let every row be decided again because of this event."""
    raw.execute(_EVERY_ROW, (event_id, traceparent))
    raw.execute("SELECT pg_notify(%s, '')", (CHANNEL,))


def every_changed_row(raw: psycopg.Connection[Any], proposal_id: UUID) -> Iterator[ChangedRow]:
    """All rows that change, by entry id, a chunk at a time."""
    with raw.cursor(name="changed_rows") as cursor:
        cursor.itersize = _CHUNK_ROWS
        cursor.execute(
            f"SELECT {ROW} FROM public.model_changed_rows WHERE proposal_id = %s ORDER BY entry_id", (proposal_id,)
        )
        for row in cursor:
            yield changed_row(*row)


def changed_row(
    entry_id: UUID,
    before_state: str,
    before_student: UUID | None,
    before_rule: str,
    before_score: float,
    after_state: str,
    after_student: UUID | None,
    after_rule: str,
    after_score: float,
) -> ChangedRow:
    """The columns of ROW as a changed row."""
    before = Ending(before_state, before_student, before_rule, before_score)
    return ChangedRow(entry_id, before, Ending(after_state, after_student, after_rule, after_score))

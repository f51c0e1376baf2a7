"""What was asked and what came of it: no events, because an answer is worked out again from the archive at any time.
Nothing personal: keyed ids, places, money."""

from __future__ import annotations

COUNTERFACTUAL_TABLES = """
-- state: waiting, running, done, refused (the changes cannot be made), failed. fed: events told to either rerun so far.
CREATE TABLE counterfactuals (
    counterfactual_id uuid PRIMARY KEY,
    asked_by text NOT NULL,
    asked_at timestamptz NOT NULL DEFAULT now(),
    division_code text,
    school_code text,
    known_at timestamptz NOT NULL,
    changes jsonb NOT NULL,
    state text NOT NULL DEFAULT 'waiting',
    rerun text,
    fed bigint NOT NULL DEFAULT 0,
    expected bigint NOT NULL DEFAULT 0,
    answer text,
    wrong jsonb
);
CREATE INDEX counterfactuals_by_time ON counterfactuals (asked_at, counterfactual_id);
GRANT SELECT, INSERT, UPDATE, DELETE ON counterfactuals TO rollcall_app, rollcall_worker;
"""

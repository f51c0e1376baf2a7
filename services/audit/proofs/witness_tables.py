"""The witness's tables. What was told and what was cosigned is never changed; how far it has come is."""

from __future__ import annotations

WITNESS_TABLES = """
-- Complete nodes of each log's tree, computed from the archived bytes (as log_nodes in the service that owns the log).
CREATE TABLE archive_nodes (
    log text NOT NULL,
    level smallint NOT NULL CHECK (level > 0 AND level % 8 = 0),
    place bigint NOT NULL CHECK (place >= 0),
    hash bytea NOT NULL CHECK (octet_length(hash) = 32),
    PRIMARY KEY (log, level, place)
);

-- Signed notes as they came with the heads, also those that turn out wrong: two roots of one size are a proof.
CREATE TABLE told_checkpoints (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    service text NOT NULL,
    size bigint NOT NULL,
    root bytea NOT NULL,
    note text NOT NULL,
    told_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (service, size, root)
);
CREATE INDEX told_checkpoints_waiting ON told_checkpoints (service, id);

CREATE TABLE cosignatures (
    service text NOT NULL,
    size bigint NOT NULL,
    root bytea NOT NULL,
    note text NOT NULL,
    cosigned_at timestamptz NOT NULL,
    PRIMARY KEY (service, size)
);

-- judged: the last told checkpoint that was looked at. next_index: where the comparison with the store goes on.
CREATE TABLE witness_progress (
    service text PRIMARY KEY,
    judged bigint NOT NULL DEFAULT 0,
    next_index bigint NOT NULL DEFAULT 1,
    rounds bigint NOT NULL DEFAULT 0,
    round_ended_at timestamptz,
    topic_rounds bigint NOT NULL DEFAULT 0,
    topic_round_ended_at timestamptz
);

CREATE TRIGGER archive_nodes_stay BEFORE UPDATE OR DELETE OR TRUNCATE ON archive_nodes
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER told_checkpoints_stay BEFORE UPDATE OR DELETE OR TRUNCATE ON told_checkpoints
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER cosignatures_stay BEFORE UPDATE OR DELETE OR TRUNCATE ON cosignatures
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

GRANT SELECT, INSERT ON archive_nodes, told_checkpoints, cosignatures TO rollcall_worker;
GRANT SELECT, INSERT, UPDATE ON witness_progress TO rollcall_worker;
"""

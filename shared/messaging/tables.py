"""The processor's own tables: where each projection stands, and what it could not process.

They live beside the event store in the service's database, so that effect and checkpoint commit together (design.md §3,
invariant 7). Dead letters are the worker's alone: no viewer's scope covers them.
"""

from __future__ import annotations

PROCESSOR_TABLES = """
-- One row per partition a build has read from. The offset is a hint, bound to one cluster and one topic id.
CREATE TABLE checkpoints (
    projection text NOT NULL,
    build integer NOT NULL,
    log text NOT NULL,
    partition integer NOT NULL,
    last_log_index bigint NOT NULL DEFAULT 0,
    halted text,
    quiet_until bigint NOT NULL DEFAULT 0,
    cluster_id text,
    topic_id text,
    next_offset bigint,
    applied bigint NOT NULL DEFAULT 0,
    applied_at timestamptz,
    PRIMARY KEY (projection, build, log, partition),
    FOREIGN KEY (projection, build) REFERENCES builds ON DELETE CASCADE
) WITH (fillfactor = 50);

-- poison: could not be applied. queued: a later event of a parked stream. Then applied, or discarded with a reason.
-- sealed: the record as it arrived and the whole error, under a key of its own in the key service.
CREATE TABLE dead_letters (
    id uuid PRIMARY KEY,
    projection text NOT NULL,
    build integer NOT NULL,
    log text NOT NULL,
    partition integer NOT NULL,
    log_index bigint,
    stream_id uuid,
    type text,
    attributes jsonb NOT NULL,
    sealed bytea NOT NULL,
    error_kind text,
    error_place text,
    state text NOT NULL CHECK (state IN ('poison', 'queued', 'applied', 'discarded')),
    created_at timestamptz NOT NULL DEFAULT now(),
    attempts integer NOT NULL DEFAULT 1,
    settled_at timestamptz,
    settled_by text,
    reason text,
    FOREIGN KEY (projection, build) REFERENCES builds ON DELETE CASCADE
);
CREATE INDEX dead_letters_open ON dead_letters (projection, build, log, stream_id, log_index)
    WHERE state IN ('poison', 'queued');

CREATE TABLE parked_streams (
    projection text NOT NULL,
    build integer NOT NULL,
    log text NOT NULL,
    stream_id uuid NOT NULL,
    since timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (projection, build, log, stream_id),
    FOREIGN KEY (projection, build) REFERENCES builds ON DELETE CASCADE
);

GRANT SELECT, INSERT, UPDATE, DELETE ON checkpoints, dead_letters, parked_streams TO rollcall_worker;
GRANT SELECT ON checkpoints TO rollcall_app;
"""

# (name, SQL), run once per database by shared.messaging.builds.prepare
PROCESSOR_STEPS = (("messaging-0001-processor", PROCESSOR_TABLES),)

"""The tables of snapshots. What stands in them is sealed; they are copies, and may be removed at any time."""

from __future__ import annotations

SNAPSHOT_TABLES = """
-- head: what the snapshot says of itself, as JSON (heads.py); events: how many it covers, by which it is found.
CREATE TABLE snapshots (
    id uuid PRIMARY KEY,
    projection text NOT NULL,
    events bigint NOT NULL CHECK (events > 0),
    head bytea NOT NULL,
    sealed_bytes bigint NOT NULL,
    written_at timestamptz NOT NULL DEFAULT now(),
    refused text
);
CREATE INDEX snapshots_newest ON snapshots (projection, events);

CREATE TABLE snapshot_pieces (
    snapshot uuid NOT NULL,
    place integer NOT NULL,
    part text NOT NULL,
    sealed bytea NOT NULL,
    PRIMARY KEY (snapshot, place)
);
ALTER TABLE snapshot_pieces ALTER COLUMN sealed SET STORAGE EXTERNAL; -- compressed and sealed already

GRANT SELECT, INSERT, UPDATE, DELETE ON snapshots, snapshot_pieces TO rollcall_worker;
"""

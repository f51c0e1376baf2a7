"""The tables of a log's transparency: interior hashes, signed checkpoints, and the keys that signed them.

Nothing here is ever changed, as in the log itself. A superuser can; then what is served no longer leads to the
checkpoints that witnesses hold.
"""

from __future__ import annotations

TRANSPARENCY_TABLES = """
-- Complete nodes of the tree at levels 8, 16, 24 …: each spans 1 << level leaves from place << level; leaf 0 is
-- log index 1.
CREATE TABLE log_nodes (
    log text NOT NULL,
    level smallint NOT NULL CHECK (level > 0 AND level % 8 = 0),
    place bigint NOT NULL CHECK (place >= 0),
    hash bytea NOT NULL CHECK (octet_length(hash) = 32),
    PRIMARY KEY (log, level, place)
);

CREATE TABLE log_checkpoints (
    size bigint PRIMARY KEY CHECK (size > 0),
    root bytea NOT NULL,
    note text NOT NULL,
    signed_at timestamptz NOT NULL DEFAULT now()
);

-- Each public key this log signed with, and from which size on.
CREATE TABLE log_keys (
    vkey text PRIMARY KEY,
    since_size bigint NOT NULL,
    since timestamptz NOT NULL DEFAULT now()
);

CREATE TRIGGER log_nodes_stay BEFORE UPDATE OR DELETE OR TRUNCATE ON log_nodes
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER log_checkpoints_stay BEFORE UPDATE OR DELETE OR TRUNCATE ON log_checkpoints
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER log_keys_stay BEFORE UPDATE OR DELETE OR TRUNCATE ON log_keys
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

GRANT SELECT ON log_nodes, log_checkpoints, log_keys TO rollcall_app;
GRANT SELECT, INSERT ON log_nodes, log_checkpoints, log_keys TO rollcall_worker;
"""

"""Which schema holds the live tables of each projection (design.md §3, invariant 8: blue/green by build)."""

from __future__ import annotations

BUILD_TABLES = """
CREATE TABLE builds (
    projection text NOT NULL,
    build integer NOT NULL,
    schema text NOT NULL UNIQUE,
    state text NOT NULL CHECK (state IN ('building', 'live', 'retired')),
    created_at timestamptz NOT NULL DEFAULT now(),
    switched_at timestamptz,
    PRIMARY KEY (projection, build)
);
CREATE UNIQUE INDEX builds_live ON builds (projection) WHERE state = 'live';
GRANT SELECT ON builds TO rollcall_app;
GRANT SELECT ON builds TO rollcall_worker;
"""

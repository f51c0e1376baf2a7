"""The tables of the one log of a service: what was appended, in which order it counts, how far it was published.

The rights are the invariant: the application and the workers insert and read; nobody, not even the owner, changes or
removes an event, a command or a log row.
"""

from __future__ import annotations

EVENT_TABLES = """
-- CACHE 1: the sequencer concludes from a visible position that every lower one was drawn before it.
CREATE TABLE events (
    position bigint GENERATED ALWAYS AS IDENTITY (CACHE 1) UNIQUE,
    event_id uuid PRIMARY KEY,
    stream_id uuid NOT NULL,
    version bigint NOT NULL CHECK (version > 0),
    type text NOT NULL,
    effective_on date NOT NULL,
    principal text NOT NULL,
    command_id uuid NOT NULL,
    cause_id uuid,
    cause_recorded_at timestamptz,
    traceparent text,
    data bytea NOT NULL,
    CONSTRAINT events_stream_version UNIQUE (stream_id, version)
);

CREATE TABLE commands (
    principal text NOT NULL,
    command_id uuid NOT NULL,
    body_hmac bytea NOT NULL,
    status text NOT NULL CHECK (status IN ('done', 'refused')),
    event_ids uuid[] NOT NULL,
    refusal jsonb,
    PRIMARY KEY (principal, command_id)
);

CREATE TABLE log (
    log_index bigint PRIMARY KEY CHECK (log_index > 0),
    position bigint NOT NULL UNIQUE,
    recorded_at timestamptz NOT NULL,
    leaf bytea NOT NULL
);
CREATE INDEX log_recorded_at ON log (recorded_at);

-- settled: every position up to here is in the log or will never be committed.
CREATE TABLE sequencer_state (
    single boolean PRIMARY KEY DEFAULT true CHECK (single),
    source text,
    head bigint NOT NULL DEFAULT 0,
    settled bigint NOT NULL DEFAULT 0,
    closed_until timestamptz NOT NULL DEFAULT 'epoch'
);
INSERT INTO sequencer_state DEFAULT VALUES;

CREATE TABLE relay_state (
    single boolean PRIMARY KEY DEFAULT true CHECK (single),
    log_index bigint NOT NULL DEFAULT 0
);
INSERT INTO relay_state DEFAULT VALUES;
CREATE TABLE relay_partitions (
    partition integer PRIMARY KEY,
    log_index bigint NOT NULL,
    kafka_offset bigint NOT NULL
);

-- Versions are dense: an event may follow only an event that is already committed (or of the same transaction).
CREATE FUNCTION require_versions(streams uuid[], versions bigint[]) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (
        SELECT FROM unnest(streams, versions) AS before (stream_id, version)
        WHERE NOT EXISTS (
            SELECT FROM events e WHERE e.stream_id = before.stream_id AND e.version = before.version
        )
    ) THEN
        RAISE EXCEPTION 'a stream does not have the expected version' USING ERRCODE = 'serialization_failure';
    END IF;
END $$;

-- One small append: the command first (it gives the transaction its id), then its events.
CREATE FUNCTION append_events(
    principal text, command_id uuid, cause_id uuid, cause_recorded_at timestamptz, traceparent text, body_hmac bytea,
    streams_before uuid[], versions_before bigint[],
    event_ids uuid[], streams uuid[], versions bigint[], types text[], days date[], contents bytea[]
) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO commands (principal, command_id, body_hmac, status, event_ids)
    VALUES ($1, $2, body_hmac, 'done', event_ids);
    IF cardinality(streams_before) > 0 THEN
        PERFORM require_versions(streams_before, versions_before);
    END IF;
    INSERT INTO events (event_id, stream_id, version, type, effective_on, data,
                        principal, command_id, cause_id, cause_recorded_at, traceparent)
    SELECT new.*, $1, $2, $3, $4, $5 FROM unnest(event_ids, streams, versions, types, days, contents) AS new;
    PERFORM pg_notify('appended', '');
END $$;

CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% of % is refused: what happened is never changed', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'insufficient_privilege';
END $$;
CREATE TRIGGER events_stay BEFORE UPDATE OR DELETE OR TRUNCATE ON events
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER commands_stay BEFORE UPDATE OR DELETE OR TRUNCATE ON commands
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER log_stays BEFORE UPDATE OR DELETE OR TRUNCATE ON log
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

GRANT SELECT, INSERT ON events, commands TO rollcall_app, rollcall_worker;
GRANT SELECT ON log, sequencer_state, relay_state, relay_partitions TO rollcall_app;
GRANT SELECT, INSERT ON log TO rollcall_worker;
GRANT SELECT, UPDATE ON sequencer_state, relay_state TO rollcall_worker;
GRANT SELECT, INSERT, UPDATE ON relay_partitions TO rollcall_worker;
"""

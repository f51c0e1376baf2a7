"""The archive's own tables: every event of every log with its leaf, how far each log goes, and what was wrong.

Like the logs themselves, archived rows and alarms are never changed: the rights say so and a trigger refuses it.
"""

from __future__ import annotations

from services.audit.alarms.alarm_tables import COMPARISONS
from services.audit.counterfactuals.counterfactual_tables import COUNTERFACTUAL_TABLES
from services.audit.proofs.witness_tables import WITNESS_TABLES
from services.audit.snapshots.snapshot_tables import SNAPSHOT_TABLES

ARCHIVE = """
CREATE TABLE archive (
    service text NOT NULL,
    log_index bigint NOT NULL CHECK (log_index > 0),
    recorded_at timestamptz NOT NULL,
    source text NOT NULL,
    event_id uuid NOT NULL,
    stream_id uuid NOT NULL,
    version bigint NOT NULL,
    type text NOT NULL,
    effective_on date NOT NULL,
    principal text NOT NULL,
    command_id uuid NOT NULL,
    cause_id uuid,
    cause_recorded_at timestamptz,
    data bytea NOT NULL,
    leaf bytea NOT NULL,
    PRIMARY KEY (service, log_index)
);
CREATE INDEX archive_recorded ON archive (recorded_at, service);

-- What the relay last told of a log: complete up to log_index, nothing will be recorded before closed_until any more.
CREATE TABLE archive_heads (
    service text PRIMARY KEY,
    log_index bigint NOT NULL,
    closed_until timestamptz NOT NULL,
    told_at timestamptz NOT NULL DEFAULT now()
);

-- How far each partition is archived. The offset is a hint; the chain of log indexes decides.
CREATE TABLE archive_partitions (
    service text NOT NULL,
    partition integer NOT NULL,
    last_log_index bigint NOT NULL,
    next_offset bigint NOT NULL,
    PRIMARY KEY (service, partition)
);

-- The first wrong index of each kind and log is the alarm; further ones add nothing to it.
CREATE TABLE alarms (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    service text NOT NULL,
    kind text NOT NULL,
    log_index bigint NOT NULL,
    detail text NOT NULL,
    raised_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (service, kind, log_index)
);

CREATE TRIGGER archive_stays BEFORE UPDATE OR DELETE OR TRUNCATE ON archive
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER alarms_stay BEFORE UPDATE OR DELETE OR TRUNCATE ON alarms
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

GRANT SELECT, INSERT ON archive, alarms TO rollcall_worker;
GRANT SELECT, INSERT, UPDATE ON archive_heads, archive_partitions TO rollcall_worker;
"""

# Following causes, evidence and records from event to event, and the few events that configure everybody.
LOOKUPS = """
CREATE INDEX archive_by_event ON archive (event_id);
CREATE INDEX archive_by_stream ON archive (stream_id, version);
CREATE INDEX archive_activations ON archive (service, log_index) WHERE type ~ 'Activated\\.v[0-9]+$';
"""

# How many events of a type came on each day of Shanghai: what a time slider over years is drawn from. Only counts, kept
# in the same transaction as the events; what is proved and replayed never rests on it. And the days of payment.
DAYS = """
CREATE TABLE archive_days (
    service text NOT NULL,
    day timestamptz NOT NULL,
    type text NOT NULL,
    events bigint NOT NULL,
    last_at timestamptz NOT NULL,
    PRIMARY KEY (service, day, type)
);

INSERT INTO archive_days
    SELECT service, date_trunc('day', recorded_at, 'Asia/Shanghai'), type, count(*), max(recorded_at)
    FROM archive GROUP BY 1, 2, 3;

CREATE INDEX archive_payments ON archive (effective_on) WHERE type = 'disbursement.AidDisbursed.v1';

GRANT SELECT, INSERT, UPDATE ON archive_days TO rollcall_worker;
"""

STEPS: tuple[tuple[str, str], ...] = (
    ("0100-audit-archive", ARCHIVE),
    ("0200-audit-witness", WITNESS_TABLES),
    ("0300-audit-archive-lookups", LOOKUPS),
    ("0400-audit-snapshots", SNAPSHOT_TABLES),
    ("0450-audit-comparisons", COMPARISONS),
    ("0500-audit-archive-days", DAYS),
    ("0550-audit-counterfactuals", COUNTERFACTUAL_TABLES),
)

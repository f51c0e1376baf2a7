"""Access's own write-side tables: what is decided on at once, and the secrets that are in no event.

Written in the transaction of the events they follow from (accounts, posts, delegations) or beside them (passwords,
attempts, sessions). Secrets of sessions are 256 random bits, kept as SHA-256; passwords as Argon2id.
"""

from __future__ import annotations

TABLES = """
CREATE TABLE access_accounts (
    account_id uuid PRIMARY KEY,
    login_digest bytea NOT NULL UNIQUE,
    division_code text NOT NULL,
    school_code text,
    closed boolean NOT NULL DEFAULT false,
    password text,
    must_change boolean NOT NULL DEFAULT true,
    once_until timestamptz
);

CREATE TABLE access_posts (
    post_id uuid PRIMARY KEY,
    kind text NOT NULL,
    division_code text NOT NULL,
    school_code text,
    school_class text,
    agency text,
    holder uuid REFERENCES access_accounts,
    closed boolean NOT NULL DEFAULT false
);
CREATE INDEX access_posts_by_holder ON access_posts (holder);

CREATE TABLE access_delegations (
    delegation_id uuid PRIMARY KEY,
    post_id uuid NOT NULL REFERENCES access_posts,
    account_id uuid NOT NULL REFERENCES access_accounts,
    until date NOT NULL,
    ended boolean NOT NULL DEFAULT false
);
CREATE INDEX access_delegations_by_account ON access_delegations (account_id);
CREATE INDEX access_delegations_by_post ON access_delegations (post_id);

-- By login name or by address, both as keyed digests: also for names that no account has.
CREATE TABLE access_attempts (
    subject bytea PRIMARY KEY,
    failures integer NOT NULL,
    unlooked integer NOT NULL DEFAULT 0,
    last_at timestamptz NOT NULL
);

CREATE TABLE access_addresses (
    account_id uuid NOT NULL REFERENCES access_accounts,
    address bytea NOT NULL,
    PRIMARY KEY (account_id, address)
);

CREATE TABLE access_sessions (
    session_id uuid PRIMARY KEY,
    secret bytea NOT NULL UNIQUE,
    account_id uuid NOT NULL REFERENCES access_accounts,
    means text[] NOT NULL,
    post_id uuid REFERENCES access_posts,
    delegation_id uuid REFERENCES access_delegations,
    signed_in_at timestamptz NOT NULL,
    seen_at timestamptz NOT NULL,
    ends_at timestamptz NOT NULL,
    ended boolean NOT NULL DEFAULT false
);
CREATE INDEX access_sessions_by_account ON access_sessions (account_id) WHERE NOT ended;
CREATE INDEX access_sessions_by_post ON access_sessions (post_id) WHERE NOT ended;

-- Numbers are given under a lock, so that whoever has read up to one has read all before it.
CREATE TABLE access_revocations (
    number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    session_id uuid NOT NULL,
    revoked_at timestamptz NOT NULL
);

GRANT SELECT, INSERT, UPDATE ON access_accounts, access_posts, access_delegations, access_sessions TO rollcall_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON access_attempts, access_revocations TO rollcall_app;
GRANT SELECT, INSERT ON access_addresses TO rollcall_app;
"""

SECOND_FACTORS = """
CREATE TABLE access_second_factors (
    account_id uuid PRIMARY KEY REFERENCES access_accounts,
    seed bytea NOT NULL,
    confirmed boolean NOT NULL DEFAULT false,
    last_step bigint NOT NULL DEFAULT 0,
    recovery bytea[] NOT NULL DEFAULT '{}'
);
GRANT SELECT, INSERT, UPDATE, DELETE ON access_second_factors TO rollcall_app;
"""

AGENCY_KEYS = """
CREATE TABLE access_agency_keys (
    key_id uuid PRIMARY KEY,
    secret bytea NOT NULL,
    agency text NOT NULL,
    label text NOT NULL,
    issued_at timestamptz NOT NULL,
    until date NOT NULL,
    used_at timestamptz,
    revoked boolean NOT NULL DEFAULT false
);
CREATE INDEX access_agency_keys_by_agency ON access_agency_keys (agency);
GRANT SELECT, INSERT, UPDATE ON access_agency_keys TO rollcall_app;
"""

EMERGENCIES = """
CREATE TABLE access_emergencies (
    emergency_id uuid PRIMARY KEY,
    account_id uuid NOT NULL REFERENCES access_accounts,
    kind text NOT NULL,
    division_code text NOT NULL,
    school_code text,
    school_class text,
    until timestamptz NOT NULL,
    reviewed boolean NOT NULL DEFAULT false
);
GRANT SELECT, INSERT, UPDATE ON access_emergencies TO rollcall_app;
ALTER TABLE access_sessions ADD COLUMN emergency_id uuid REFERENCES access_emergencies;
"""

KEYS_ROTATED = """
ALTER TABLE access_agency_keys ADD COLUMN issued_by text, ADD COLUMN ends_at timestamptz, ADD COLUMN replaced_by uuid;
"""

DEVICES = """
CREATE TABLE access_devices (
    account_id uuid NOT NULL REFERENCES access_accounts,
    device bytea NOT NULL,
    PRIMARY KEY (account_id, device)
);
GRANT SELECT, INSERT ON access_devices TO rollcall_app;
ALTER TABLE access_sessions ADD COLUMN address bytea;
"""

# ``start``: the keyed digest of a password that is good once and was made by the thousand (staff/start_passwords.py).
STAFF = """
ALTER TABLE access_posts ADD COLUMN begins_on date, ADD COLUMN until date;
CREATE TABLE access_staff_imports (
    import_id uuid PRIMARY KEY,
    by text NOT NULL,
    content text NOT NULL,
    begun_at timestamptz NOT NULL,
    receipt text
);
CREATE INDEX access_staff_imports_by ON access_staff_imports (by, begun_at);
ALTER TABLE access_accounts ADD COLUMN start bytea,
    ADD COLUMN import_id uuid REFERENCES access_staff_imports;
CREATE INDEX access_accounts_by_import ON access_accounts (import_id);
CREATE TABLE access_staff_rows (
    import_id uuid NOT NULL REFERENCES access_staff_imports,
    row integer NOT NULL,
    outcome text NOT NULL,
    account_id uuid NOT NULL REFERENCES access_accounts,
    PRIMARY KEY (import_id, row)
);
GRANT SELECT, INSERT, UPDATE ON access_staff_imports TO rollcall_app;
GRANT SELECT, INSERT ON access_staff_rows TO rollcall_app;
"""

HANDOVERS = """
CREATE TABLE access_handovers (
    handover_id uuid PRIMARY KEY,
    post_id uuid NOT NULL REFERENCES access_posts,
    predecessor uuid NOT NULL REFERENCES access_accounts,
    successor uuid NOT NULL REFERENCES access_accounts,
    over boolean NOT NULL DEFAULT false
);
CREATE UNIQUE INDEX access_handovers_one_at_a_time ON access_handovers (post_id) WHERE NOT over;
CREATE INDEX access_handovers_by_predecessor ON access_handovers (predecessor);
CREATE INDEX access_handovers_by_successor ON access_handovers (successor);
GRANT SELECT, INSERT, UPDATE ON access_handovers TO rollcall_app;
"""

IDENTITIES = """
-- An identity at an issuer: announced by an administrator (and found by what was told), then linked (and found by whom
-- it names). All as keyed digests.
CREATE TABLE access_identities (
    identity_id uuid PRIMARY KEY,
    account_id uuid NOT NULL REFERENCES access_accounts,
    issuer text NOT NULL,
    announced bytea,
    until timestamptz,
    subject bytea,
    linked_at timestamptz,
    ended boolean NOT NULL DEFAULT false
);
CREATE UNIQUE INDEX access_identities_by_subject ON access_identities (subject) WHERE NOT ended;
CREATE UNIQUE INDEX access_identities_announced ON access_identities (announced) WHERE NOT ended AND subject IS NULL;
CREATE INDEX access_identities_by_account ON access_identities (account_id) WHERE NOT ended;

-- A sign-in on its way to the issuer and back, by the digest of the secret in its browser; with an account: to link it.
CREATE TABLE access_oidc_flows (
    flow bytea PRIMARY KEY,
    address bytea NOT NULL,
    begun_at timestamptz NOT NULL,
    account_id uuid REFERENCES access_accounts,
    used boolean NOT NULL DEFAULT false,
    waiting uuid REFERENCES access_identities
);
CREATE INDEX access_oidc_flows_by_address ON access_oidc_flows (address);
CREATE INDEX access_oidc_flows_by_begun ON access_oidc_flows (begun_at);
GRANT SELECT, INSERT, UPDATE ON access_identities TO rollcall_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON access_oidc_flows TO rollcall_app;
"""

STEPS: tuple[tuple[str, str], ...] = (
    ("access-0001-own", TABLES),
    ("access-0002-second-factors", SECOND_FACTORS),
    ("access-0003-agency-keys", AGENCY_KEYS),
    ("access-0004-emergencies", EMERGENCIES),
    ("access-0005-staff", STAFF),
    ("access-0006-handovers", HANDOVERS),
    ("access-0006-keys-rotated", KEYS_ROTATED),
    ("access-0007-devices", DEVICES),
    ("access-0006-identities", IDENTITIES),
)

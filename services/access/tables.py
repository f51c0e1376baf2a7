"""Read-model tables of access: what administrators see of accounts, posts and sign-ins."""

from __future__ import annotations

from datetime import date

from sqlalchemy import ARRAY, Boolean, Column, Date, DateTime, Index, Integer, Text, Uuid

from shared.eventsourcing.periods import PeriodTable, personal

# A thing that happened once is asserted from here on.
ALWAYS = date(1, 1, 1)

ACCOUNTS = PeriodTable(
    "accounts",
    "access",
    [
        Column("login", Text, info=personal()),
        Column("name", Text, info=personal()),
        Column("closed", Boolean),
        Column("division_code", Text),
        Column("school_code", Text),
    ],
    indexes=[Index("accounts_by_school", "school_code", "entity")],
)

# Who acts in a post is in it: its holder; delegates have rows of their own.
POSTS = PeriodTable(
    "posts",
    "access",
    [
        Column("kind", Text),
        Column("division_code", Text),
        Column("school_code", Text),
        Column("school_class", Text),
        Column("agency_code", Text),
        Column("holder", Uuid),
        Column("begins_on", Date),
        Column("until", Date),
        Column("closed", Boolean),
    ],
    indexes=[Index("posts_by_school", "school_code", "entity"), Index("posts_by_holder", "holder")],
)

DELEGATIONS = PeriodTable(
    "delegations",
    "access",
    [
        Column("post_id", Uuid),
        Column("account_id", Uuid),
        Column("until", Date),
        Column("ended", Boolean),
        Column("division_code", Text),
        Column("school_code", Text),
    ],
    indexes=[Index("delegations_by_post", "post_id")],
)

# One row per sign-in and per refusal: entity is the session, or the refusal.
SIGN_INS = PeriodTable(
    "sign_ins",
    "access",
    [
        Column("account_id", Uuid),
        Column("at", DateTime(timezone=True)),
        Column("refused", Text),
        Column("means", ARRAY(Text)),
        Column("unusual", ARRAY(Text)),
        Column("refused_before", Integer),
        Column("address", Text, info=personal()),
        Column("agent", Text, info=personal()),
        Column("division_code", Text),
        Column("school_code", Text),
    ],
    indexes=[Index("sign_ins_by_account", "account_id", "at")],
)

# One row per identity at an issuer: entity is its id; ``told``: what an administrator told, or the subject.
IDENTITIES = PeriodTable(
    "identities",
    "access",
    [
        Column("account_id", Uuid),
        Column("issuer", Text),
        Column("state", Text),
        Column("until", DateTime(timezone=True)),
        Column("told", Text, info=personal()),
        Column("division_code", Text),
        Column("school_code", Text),
    ],
    indexes=[Index("identities_by_account", "account_id")],
)

# One row per emergency access: entity is its id.
EMERGENCIES = PeriodTable(
    "emergencies",
    "access",
    [
        Column("account_id", Uuid),
        Column("kind", Text),
        Column("taken_at", DateTime(timezone=True)),
        Column("until", DateTime(timezone=True)),
        Column("ended_at", DateTime(timezone=True)),
        Column("reason", Text),
        Column("justified", Boolean),
        Column("note", Text),
        Column("reviewed_by", Text),
        Column("division_code", Text),
        Column("school_code", Text),
        Column("school_class", Text),
    ],
)

# Schools as the registry tells them, to know in which division a post of a school is managed.
SCHOOLS = PeriodTable(
    "schools",
    "registry",
    [Column("code", Text), Column("name", Text), Column("division_code", Text)],
    indexes=[Index("schools_by_code", "code")],
    public=True,
)

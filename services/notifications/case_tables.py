"""Read-model tables of cases beside the alerts themselves: the plan in force, and what makes a case urgent."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Date, Index, Text, Uuid

from shared.eventsourcing.periods import PeriodTable

CASE_PLANS = PeriodTable(
    "case_plans", "notifications", [Column("content", Text), Column("content_hash", Text)], public=True
)

# Which student is of which household; one row per household and member.
MEMBERSHIPS = PeriodTable(
    "memberships",
    "registry",
    [
        Column("household_id", Uuid),
        Column("student_id", Uuid),
        Column("belongs", Boolean),
        Column("division_code", Text),
    ],
    indexes=[
        Index("memberships_by_student", "student_id"),
        Index("memberships_by_household", "household_id"),
    ],
)

# What a list row says of a child's circumstances.
LISTED_ROWS = PeriodTable(
    "listed_rows",
    "registry",
    [
        Column("person_id", Uuid),
        Column("household_key", Uuid),
        Column("orphan", Boolean),
        Column("stage", Text),
        Column("grade", Text),
        Column("division_code", Text),
        Column("school_code", Text),
    ],
    indexes=[Index("listed_rows_by_household", "household_key")],
)

# How matching decided a list row last, and whom it speaks of: the row's own student, or in a row of their own each
# student of a household it covers. Only known as of now, with the paper's days beside.
LISTINGS = PeriodTable(
    "listings",
    "matching",
    [
        Column("entry_id", Uuid),
        Column("student_id", Uuid),
        Column("list", Text),
        Column("state", Text),
        Column("school_age", Boolean),
        Column("starts_on", Date),
        Column("ends_on", Date),
        Column("division_code", Text),
        Column("school_code", Text),
    ],
    indexes=[Index("listings_by_student", "student_id"), Index("listings_by_entry", "entry_id")],
)

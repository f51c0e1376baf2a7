"""Read-model tables of the tasks of a term."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Date, Integer, Text

from shared.eventsourcing.periods import PeriodTable

# What is due in a term is no secret.
TERM_PLANS = PeriodTable("term_plans", "registry", [Column("content", Text), Column("content_hash", Text)], public=True)

# A task that was done, or taken up again; one of which nothing was ever recorded has no row.
TERM_TASKS = PeriodTable(
    "term_tasks",
    "registry",
    [
        Column("done", Boolean),
        Column("done_on", Date),
        Column("told_by", Text),
        Column("note", Text),
        Column("count", Integer),
        Column("division_code", Text),
        Column("school_code", Text),
    ],
)

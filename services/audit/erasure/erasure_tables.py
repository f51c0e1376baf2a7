"""What audit knows of students and of staff: nothing personal. When they left, and how erasure and hold stand."""

from __future__ import annotations

from sqlalchemy import Column, Date, Index, Text, Uuid

from shared.eventsourcing.periods import PeriodTable

# left_on: NULL while she is a student. Her place is where she was last.
PUPILS = PeriodTable(
    "pupils",
    "registry",
    [
        Column("left_on", Date),
        Column("left_for", Text),
        Column("division_code", Text),
        Column("school_code", Text),
    ],
    indexes=[Index("pupils_by_leaving", "left_on")],
)

# Who has or had an account: the entity is its id.
STAFF = PeriodTable("staff", "access", [Column("division_code", Text), Column("school_code", Text)])

# One row per student or account anything was asked about, asserted from ALWAYS on: only how it stands now is asked.
SUBJECTS = PeriodTable(
    "subjects",
    "audit",
    [
        Column("student_id", Uuid),
        Column("erasure", Text),  # requested, approved, erased; empty: none
        Column("ground", Text),
        Column("reason", Text),
        Column("asked_by", Text),
        Column("asked_on", Date),
        Column("approved_by", Text),
        Column("erased_on", Date),
        Column("hold", Text),  # proposed, held, releasing; empty: none
        Column("hold_reason", Text),
        Column("reference", Text),
        Column("proposed_by", Text),
        Column("hold_approved_by", Text),
    ],
    indexes=[Index("subjects_by_erasure", "erasure"), Index("subjects_by_hold", "hold")],
)

RETENTION_RULES = PeriodTable(
    "retention_rules", "audit", [Column("content", Text), Column("content_hash", Text), Column("activated_by", Text)]
)

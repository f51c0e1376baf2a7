"""Reads of personal data in full, files taken away and what was refused, as the services' own logs tell them: one
table per log, with the same columns.

A row is visible to whom the place or the agency of the read is: the division, the school, the agency itself.
"""

from __future__ import annotations

from sqlalchemy import ARRAY, Column, DateTime, Index, Integer, Text, Uuid

from shared.eventsourcing.periods import PeriodTable


def _reads(name: str, log: str) -> PeriodTable:
    return PeriodTable(
        name,
        log,
        [
            Column("read_at", DateTime(timezone=True)),
            Column("viewer", Text),
            # student, list_row, case, letter, paper, returned_rows, export:<kind>, download, refused
            Column("kind", Text),
            Column("post", Text),
            Column("route", Text),  # of a download and of what was refused
            Column("reason", Text),  # why it was refused
            Column("times", Integer),  # how often within its minute
            Column("sha256", Text),  # of the file, hex; NULL: printed, or broken off
            Column("told_by", Uuid),  # the event that tells which fields a download gave in full: a row of its own
            Column("student_id", Uuid),  # NULL: a whole list, or something that is not known to be about a student
            Column("subject_id", Uuid),  # the row, case, paper or submission that was opened
            Column("purpose", Text),
            Column("fields", ARRAY(Text)),
            Column("rows", Integer),  # of a whole list
            Column("filters", ARRAY(Text)),
            Column("division_code", Text),
            Column("school_code", Text),
            Column("agency", Text),
        ],
        indexes=[
            Index(f"{name}_by_student", "student_id", "read_at"),
            Index(f"{name}_by_viewer", "viewer", "read_at"),
            Index(f"{name}_by_post", "post", "read_at"),
            Index(f"{name}_by_moment", "read_at", "entity"),
            Index(f"{name}_by_school", "school_code", "read_at"),
        ],
    )


REGISTRY_READS = _reads("registry_reads", "registry")
MATCHING_READS = _reads("matching_reads", "matching")
NOTIFICATIONS_READS = _reads("notifications_reads", "notifications")
AUDIT_READS = _reads("audit_reads", "audit")
ACCESS_READS = _reads("access_reads", "access")
DISBURSEMENT_READS = _reads("disbursement_reads", "disbursement")
VISITS_READS = _reads("visits_reads", "visits")
READS = (
    *(REGISTRY_READS, MATCHING_READS, NOTIFICATIONS_READS, AUDIT_READS),
    *(ACCESS_READS, DISBURSEMENT_READS, VISITS_READS),
)


def _subjects(name: str, log: str) -> PeriodTable:
    """What was opened → the student it is about; seen by whoever may see reads of it."""
    columns = [Column("student_id", Uuid), Column("division_code", Text), Column("school_code", Text)]
    indexes = [Index(f"{name}_by_student", "student_id")]
    return PeriodTable(name, log, [*columns, Column("agency", Text)], indexes=indexes)


PAPERS = _subjects("read_papers", "registry")
CASES = _subjects("read_cases", "notifications")

"""What the registry serves to read of school life beside the tables of tables.py."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, DateTime, Index, Integer, Text, Uuid

from shared.database.scopes import OfChildren
from shared.eventsourcing.periods import PeriodTable

# One row for each class and day, true from that day on; the last report's.
ATTENDANCE = PeriodTable(
    "class_attendance",
    "registry",
    [
        Column("school_code", Text),
        Column("division_code", Text),
        Column("stage", Text),
        Column("grade", Text),
        Column("class_name", Text),
        Column("members", Integer),
        Column("absent", Integer),
        Column("half_day", Integer),
        Column("late", Integer),
        Column("full", Boolean),
        Column("school_day", Boolean),
        Column("reported_by", Text),
        Column("reported_at", DateTime(timezone=True)),
        Column("stream_version", Integer),  # above 1: corrected
    ],
    indexes=[Index("attendance_by_day", "valid_from", "school_code")],
)

# One row for each child absent or late on a day; reason and late are empty again once a correction has cleared her.
ABSENCES = PeriodTable(
    "absences",
    "registry",
    [
        Column("student_id", Uuid),
        Column("school_code", Text),
        Column("division_code", Text),
        Column("grade", Text),
        Column("class_name", Text),
        Column("reason", Text),
        Column("half_day", Boolean),
        Column("late", Boolean),
        Column("school_day", Boolean),
    ],
    indexes=[Index("absences_by_student", "student_id", "valid_from")],
    of_children=OfChildren("student_id", "students"),
)

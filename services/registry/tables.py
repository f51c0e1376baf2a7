"""What the registry serves to read: one table of periods per concept, all folded from its own log."""

from __future__ import annotations

from sqlalchemy import ARRAY, Boolean, Column, Date, DateTime, Index, Integer, Text, Uuid, text

from shared.eventsourcing.periods import PeriodTable

# A school's name is public; its place is a column without a scope's name on purpose.
SCHOOLS = PeriodTable(
    "schools",
    "registry",
    [
        Column("code", Text),
        Column("name", Text),
        Column("former_names", ARRAY(Text)),
        Column("division", Text),
        Column("stages", ARRAY(Text)),
        Column("closed", Boolean),  # NULL: never
        Column("merged_into", Text),
    ],
    indexes=[Index("schools_by_code", "code")],
    public=True,
)

STUDENTS = PeriodTable(
    "students",
    "registry",
    [
        Column("name", Text),
        Column("former_name", Text),
        Column("id_number", Text),
        Column("student_number", Text),
        Column("student_number_kind", Text),
        Column("sex", Text),
        Column("birth_date", Date),
        Column("guardian_name", Text),
        Column("guardian_id", Text),
        Column("phone", Text),
        Column("address", Text),
        Column("state", Text),  # enrolled, transferred_out, accepted_elsewhere, or the reason of leaving
        Column("division_code", Text),
        Column("school_code", Text),
        Column("stage", Text),
        Column("grade", Text),
        Column("class_name", Text),
        Column("boarder", Boolean),
        Column("left_behind", Boolean),
        Column("placement", Text),
        Column("issued_division", Text),  # the first six of the identity number: the county that issued it
        Column("destination_division", Text),  # of a student who was transferred out, as far as it is known
        Column("stream_version", Integer),
        Column("due_back", Date),  # of a suspended student
    ],
    indexes=[
        Index("students_by_due_back", "due_back", postgresql_where=text("due_back IS NOT NULL")),
        Index("students_by_school", "school_code", "entity"),
        Index("students_by_id_number", "id_number"),
        Index("students_by_student_number", "student_number"),
    ],
)

ENTRIES = PeriodTable(
    "entries",
    "registry",
    [
        Column("agency", Text),
        Column("list", Text),
        Column("standing", Boolean),
        Column("name", Text),
        Column("id_number", Text),
        Column("id_text", Text),
        Column("division_code", Text),
        Column("listed_school_code", Text),
        Column("household_type", Text),
        Column("support_type", Text),
        Column("area_type", Text),
        Column("coverage", Text),
        Column("disability_kind", Integer),
        Column("disability_grade", Integer),
        Column("starts_on", Date),  # the paper's own period, half-open
        Column("ends_on", Date),
        Column("submission_id", Uuid),
        Column("row", Integer),
        Column("problems", ARRAY(Text)),
    ],
    indexes=[
        Index("entries_by_submission", "submission_id", "row"),
        Index("entries_by_list", "list", "agency", "entity"),
    ],
)

SUBMISSIONS = PeriodTable(
    "submissions",
    "registry",
    [
        Column("agency", Text),
        Column("list", Text),
        Column("mode", Text),
        Column("file_name", Text),
        Column("division_code", Text),
        Column("state", Text),  # open, received, held, confirmed, withdrawn
        Column("received_by", Text),
        Column("received_at", DateTime(timezone=True)),
        Column("rows", Integer),
        Column("added", Integer),
        Column("corrected", Integer),
        Column("unchanged", Integer),
        Column("removed", Integer),
        Column("rejected", Integer),
        Column("missing", Integer),
        Column("standing_before", Integer),
        Column("withdrawn_reason", Text),
    ],
    indexes=[Index("submissions_by_agency", "agency", "list")],
)

HOUSEHOLDS = PeriodTable(
    "households",
    "registry",
    [
        Column("list", Text),
        Column("division_code", Text),
        Column("household_type", Text),
        Column("address", Text),
        Column("merged_into", Uuid),
        Column("on_register", Boolean),  # of the poverty office's; None = as it was stated from the first
        Column("register_reason", Text),  # why it left
    ],
)

MEMBERS = PeriodTable(
    "household_members",
    "registry",
    [
        Column("household_id", Uuid),
        Column("member_id", Uuid),
        Column("student_id", Uuid),
        Column("division_code", Text),
        Column("relation", Text),
        Column("head", Boolean),
        Column("belongs", Boolean),
        Column("name", Text),
        Column("id_number", Text),
    ],
    indexes=[
        Index("members_by_household", "household_id"),
        Index("members_by_student", "student_id"),
        Index("members_by_number", "id_number"),
    ],
)

READS = PeriodTable(
    "personal_reads",
    "registry",
    [
        Column("viewer", Text),
        Column("student_id", Uuid),
        Column("purpose", Text),
        Column("fields", ARRAY(Text)),
        Column("read_at", DateTime(timezone=True)),
        Column("division_code", Text),
        Column("school_code", Text),
    ],
    indexes=[Index("reads_by_student", "student_id")],
)

# Search: what a result shows is masked already; what is found by stands in the keys alone (search_keys.py).
FOUND_STUDENTS = PeriodTable(
    "found_students",
    "registry",
    [
        Column("shown_name", Text),
        Column("shown_former_name", Text),
        Column("shown_id_number", Text),
        Column("shown_student_number", Text),
        Column("state", Text),
        Column("division_code", Text(collation="C")),
        Column("school_code", Text(collation="C")),
        Column("stage", Text),
        Column("grade", Text),
        Column("class_name", Text),
        Column("search_keys", ARRAY(Text)),
    ],
    indexes=[
        Index("found_students_by_place", "division_code", "school_code"),
        Index("found_students_by_class", "school_code", "class_name"),
    ],
    keyed="search_keys",
)

DIVISIONS = PeriodTable(
    "divisions",
    "registry",
    [
        Column("code", Text(collation="C")),
        Column("name", Text),
        Column("in_force", Boolean),
        Column("successors", ARRAY(Text)),
        Column("source", Text),
    ],
    indexes=[Index("divisions_by_code", "code")],
    public=True,
)

# ``place`` is the division's code, a column without a scope's name: school days are public.
CALENDARS = PeriodTable(
    "school_calendars",
    "registry",
    [
        Column("place", Text),
        Column("school", Text),
        Column("school_year", Integer),
        Column("content", Text),
        Column("content_hash", Text),
    ],
    public=True,
)

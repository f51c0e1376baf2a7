"""What matching reads and serves: each source log has tables of its own, joined in the query (invariant 8)."""

from __future__ import annotations

from datetime import date

from sqlalchemy import ARRAY, Boolean, Column, Date, DateTime, Index, Integer, Numeric, Text, Uuid

from shared.database.scopes import OfChildren
from shared.eventsourcing.periods import PeriodTable, personal

# A thing that happened once is asserted from here on.
ALWAYS = date(1, 1, 1)

STUDENTS = PeriodTable(
    "students",
    "registry",
    [
        Column("name", Text, info=personal()),
        Column("match_name", Text, info=personal()),  # names.comparable of the name
        Column("former_name", Text, info=personal()),
        Column("id_number", Text, info=personal()),
        Column("student_number", Text, info=personal()),
        Column("sex", Text, info=personal()),
        Column("birth_date", Date, info=personal()),
        Column("guardian_name", Text, info=personal()),
        Column("guardian_number", Text, info=personal()),  # as typed, reduced to plain characters
        Column("block_keys", ARRAY(Text), info=personal()),  # block_keys.person_keys
        Column("name_sound", Text, info=personal()),  # with the school the last of the keys
        Column("enrolled", Boolean),
        Column("division_code", Text),
        Column("school_code", Text),
        Column("stage", Text),
        Column("grade", Text),
        Column("class_name", Text),
        Column("boarder", Boolean),
        Column("left_behind", Boolean),
    ],
    indexes=[
        Index("students_by_school", "school_code", "class_name", "entity"),
        Index("students_by_id_number", "id_number"),
        Index("students_by_guardian", "guardian_number"),
        Index("students_by_name_sound", "school_code", "name_sound"),
        # Every row looks here at once: no list of pending keys that each look-up would have to read through.
        Index("students_by_block_keys", "block_keys", postgresql_using="gin", postgresql_with={"fastupdate": "off"}),
    ],
)

# A decision is of the class of whom it speaks of; one that speaks of nobody is no class's.
OF_STUDENTS = OfChildren("student_id", "students")

# The school a row names is a column without a scope's name: a school sees its students, not the agencies' lists.
ENTRIES = PeriodTable(
    "entries",
    "registry",
    [
        Column("agency", Text),
        Column("list", Text),
        Column("standing", Boolean),
        Column("removal_reason", Text),
        Column("division_code", Text),  # who answers for the row
        Column("name", Text, info=personal()),
        Column("match_name", Text, info=personal()),
        Column("id_number", Text, info=personal()),
        Column("number_problem", Text, info=personal()),
        Column("number_contradicted", Boolean),
        Column("id_text", Text, info=personal()),
        Column("birth_date", Date, info=personal()),
        Column("suggested_birth_date", Date, info=personal()),
        Column("listed_school_code", Text),
        Column("school_elsewhere", Boolean),
        Column("guardian_name", Text, info=personal()),
        Column("guardian_number", Text, info=personal()),
        Column("head_name", Text, info=personal()),
        Column("former_name", Text, info=personal()),
        Column("sex", Text, info=personal()),
        Column("grade", Text),
        Column("residence_code", Text),
        Column("birth_date_contradicted", Boolean, info=personal()),
        Column("block_keys", ARRAY(Text), info=personal()),  # block_keys.entry_keys
        Column("household_key", Uuid),
        Column("stands_for_household", Boolean, info=personal(False)),
        Column("household_type", Text),
        Column("support_type", Text),
        Column("area_type", Text),
        Column("coverage", Text),
        Column("disability_kind", Integer),
        Column("disability_grade", Integer),
        Column("starts_on", Date),
        Column("ends_on", Date),
        Column("lifted_on", Date),
        Column("submission_id", Uuid),
        Column("row", Integer),
    ],
    indexes=[
        Index("entries_by_id_number", "id_number"),
        Index("entries_by_block_keys", "block_keys", postgresql_using="gin", postgresql_with={"fastupdate": "off"}),
        Index("entries_by_list", "list", "entity"),
        Index("entries_by_household", "household_key"),
    ],
)

DECISIONS = PeriodTable(
    "decisions",
    "matching",
    [
        Column("state", Text),  # NULL when the row left its list
        Column("list", Text),
        Column("agency", Text),
        Column("student_id", Uuid),
        Column("candidates", ARRAY(Uuid)),
        Column("rule", Text),
        Column("score", Numeric),  # exact, as the event wrote it
        Column("reason", Text),
        Column("school_age", Boolean),
        Column("household_type", Text),
        Column("support_type", Text),
        Column("area_type", Text),
        Column("coverage", Text),
        Column("disability_kind", Integer),
        Column("disability_grade", Integer),
        Column("starts_on", Date),
        Column("ends_on", Date),
        Column("division_code", Text),
        Column("school_code", Text),
        Column("decided_at", DateTime(timezone=True)),
        Column("event_id", Uuid),  # the decision's own event: evidence of what rests on it
    ],
    indexes=[
        Index("decisions_by_student", "student_id"),
        Index("decisions_by_state", "state", "list", "entity"),
    ],
    of_children=OF_STUDENTS,
)

# Who belongs to a registered household: what proves that a listed head and a student are of one household.
MEMBERS = PeriodTable(
    "household_members",
    "registry",
    [
        Column("household_id", Uuid),
        Column("student_id", Uuid),  # as the registry knew her; a member is also found by her number
        Column("name", Text, info=personal()),
        Column("id_number", Text, info=personal()),
        Column("belongs", Boolean),
    ],
    indexes=[
        Index("members_by_household", "household_id"),
        Index("members_by_number", "id_number"),
        Index("members_by_student", "student_id"),
    ],
)

# One entity per (row, student, first day), asserted from ALWAYS on: its days are columns of their own.
COVERS = PeriodTable(
    "covers",
    "matching",
    [
        Column("entry_id", Uuid),
        Column("student_id", Uuid),
        Column("stands", Boolean),
        Column("covered_from", Date),
        Column("covered_to", Date),
        Column("list", Text),
        Column("agency", Text),
        Column("rule", Text),
        Column("reason", Text),
        Column("household_type", Text),
        Column("support_type", Text),
        Column("area_type", Text),
        Column("coverage", Text),
        Column("starts_on", Date),
        Column("ends_on", Date),
        Column("division_code", Text),
        Column("school_code", Text),
        Column("decided_at", DateTime(timezone=True)),
        Column("event_id", Uuid),
    ],
    indexes=[Index("covers_by_student", "student_id"), Index("covers_by_entry", "entry_id")],
    of_children=OF_STUDENTS,
)

RULES = PeriodTable("category_rules", "matching", [Column("content", Text), Column("content_hash", Text)], public=True)

SCHOOLS = PeriodTable(
    "schools",
    "registry",
    [Column("code", Text), Column("name", Text), Column("division", Text)],
    indexes=[Index("schools_by_code", "code")],
    public=True,
)

# One entity per submission, asserted from ALWAYS on. Holds nothing of any person: all may know how old a list is.
LIST_DATES = PeriodTable(
    "list_dates",
    "registry",
    [
        Column("list", Text),
        Column("agency", Text),
        Column("dated", Date),
        Column("received_at", DateTime(timezone=True)),
        Column("counts", Boolean),  # not once it was withdrawn
        Column("withdrawn_at", DateTime(timezone=True)),
    ],
    public=True,
)

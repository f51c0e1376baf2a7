"""Read-model tables of notifications: the policy's memory (watching) and the alerts people see."""

from __future__ import annotations

from datetime import date

from sqlalchemy import ARRAY, Boolean, Column, Date, DateTime, Index, Integer, Text, Uuid, text
from sqlalchemy.dialects.postgresql import JSONB

from shared.database.scopes import OfChildren
from shared.eventsourcing.periods import PeriodTable, personal

# What is only ever known as of now is asserted from here on: its dates are columns of their own, not its period.
ALWAYS = date(1, 1, 1)

# Whose class an alert or a document is of, where the children's table stands beside it.
OF_CHILDREN = OfChildren("student_id", "children")

# --- watching: what the policy decides on --------------------------------------------------------------------------
# status: enrolled, transferred_out, accepted_elsewhere, or why the student left (graduated, dropped_out, …).
SCHOOLING = PeriodTable(
    "schooling",
    "registry",
    [
        Column("status", Text),
        Column("since", Date),
        Column("event_id", Uuid),
        Column("stage", Text),
        Column("grade", Text),
        Column("class_name", Text),
        Column("division_code", Text),
        Column("school_code", Text),
        Column("compulsory_from", Date, info=personal()),
        Column("compulsory_to", Date, info=personal()),
        Column("due_back", Date),
    ],
    indexes=[
        Index("schooling_by_status", "status", "valid_from"),
        Index("schooling_by_class", "school_code", "grade", "class_name"),
    ],
)

# Whom a list row is about, and the event that listed it: rows of one person on several lists are one child.
LISTED = PeriodTable(
    "listed",
    "registry",
    [Column("person_id", Uuid), Column("listed_by", Uuid)],
    indexes=[Index("listed_by_person", "person_id")],
)

# How matching decided a list row last; state is empty when the row left its list. lost_by: the event that took its
# link away last.
DECISIONS = PeriodTable(
    "decisions",
    "matching",
    [
        Column("state", Text),
        Column("school_age", Boolean),
        Column("list", Text),
        Column("since", Date),
        Column("event_id", Uuid),
        Column("lost_by", Uuid),
        Column("division_code", Text),
        Column("school_code", Text),
    ],
)

RULES = PeriodTable("rules", "notifications", [Column("content", Text), Column("content_hash", Text)])

# School years as the registry tells them; ``place`` is a division's code.
CALENDARS = PeriodTable(
    "school_calendars",
    "registry",
    [Column("place", Text), Column("school", Text), Column("school_year", Integer), Column("content", Text)],
    public=True,
)

# What a class reported of a day last; ``absent`` counts children. One row per class and day, whenever it was told.
CLASS_DAYS = PeriodTable(
    "class_days",
    "registry",
    [
        Column("school_code", Text),
        Column("division_code", Text),
        Column("stage", Text),
        Column("grade", Text),
        Column("class_name", Text),
        Column("day", Date),
        Column("members", Integer),
        Column("absent", Integer),
        Column("school_day", Boolean),
        Column("event_id", Uuid),
        Column("reported_at", DateTime(timezone=True)),
    ],
    indexes=[
        Index("class_days_by_class", "school_code", "grade", "class_name", "day"),
        Index("class_days_by_day", "day", "school_code"),
    ],
)

# A child ever named absent by a class's report of a day; reason is empty again once a correction cleared her. event_id:
# the report that said so last.
ABSENCES = PeriodTable(
    "absences",
    "registry",
    [
        Column("student_id", Uuid),
        Column("day", Date),
        Column("class_day", Uuid),
        Column("division_code", Text),
        Column("school_code", Text),
        Column("reason", Text),
        Column("half_day", Boolean),
        Column("event_id", Uuid),
    ],
    indexes=[Index("absences_by_student", "student_id", "day"), Index("absences_by_day", "day", "school_code")],
)

# Papers that explain an absence from first_day to last_day, both included.
DOCUMENTED = PeriodTable(
    "documented_absences",
    "notifications",
    [
        Column("student_id", Uuid),
        Column("division_code", Text),
        Column("school_code", Text),
        Column("kind", Text),
        Column("first_day", Date),
        Column("last_day", Date),
        Column("reference", Text),
        Column("event_id", Uuid),
        Column("withdrawn", Boolean),
    ],
    indexes=[Index("documented_by_student", "student_id"), Index("documented_by_last_day", "last_day", "entity")],
    of_children=OF_CHILDREN,
)

# Visits at which a student was met at home.
VISITED = PeriodTable(
    "visited",
    "visits",
    [Column("student_id", Uuid), Column("visited_on", Date)],
    indexes=[Index("visited_by_student", "student_id", "visited_on")],
)

# Alerts as the policy's own log tells them back, so that it finds whom a class's report may end one for.
STANDING_ALERTS = PeriodTable(
    "standing_alerts",
    "notifications",
    [
        Column("kind", Text),
        Column("student_id", Uuid),
        Column("school_code", Text),
        Column("subject", Text),
        Column("since", Date),
        Column("open", Boolean),
    ],
    indexes=[
        Index("standing_alerts_by_student", "student_id", postgresql_where=text("open")),
        Index("standing_alerts_by_school", "school_code", postgresql_where=text("open")),
    ],
)

# One row: the day opened last.
DAYS = PeriodTable("days", "notifications", [Column("day", Date)])

# --- alerts: what people see -------------------------------------------------------------------------------------
ALERTS = PeriodTable(
    "alerts",
    "notifications",
    [
        Column("kind", Text),
        Column("state", Text),
        Column("student_id", Uuid),
        Column("entry_id", Uuid),
        Column("subject", Text),
        Column("since", Date),
        Column("raised_on", Date),
        Column("raised_at", DateTime(timezone=True)),
        Column("explanation_code", Text),
        Column("facts", JSONB),
        Column("evidence", ARRAY(Uuid)),
        Column("seen_by", Text),
        Column("ended_reason", Text),
        Column("ended_evidence", Text),
        Column("times", Integer),
        Column("level", Text),
        Column("level_on", Date),
        Column("seen_on", Date),
        Column("team_on", Date),
        Column("attempted_on", Date),
        Column("next_on", Date),
        Column("next_step", Text),
        Column("confirmed_on", Date),
        Column("asked_on", Date),
        Column("answer_by", Date),
        Column("ends_on", Date),
        Column("team", ARRAY(Text)),  # accounts of the members who have one
        Column("division_code", Text),
        Column("school_code", Text),
    ],
    indexes=[
        Index("alerts_by_raised", "raised_on", "entity"),
        Index("alerts_by_student", "student_id"),
        Index("alerts_by_entry", "entry_id"),
    ],
    of_children=OF_CHILDREN,
)

# Whom an alert is about: masked, and visible in the scope of the school where the student was last. status as in
# SCHOOLING; guardian_id is never shown, it only tells whose children are siblings.
CHILDREN = PeriodTable(
    "children",
    "registry",
    [
        Column("name_masked", Text, info=personal()),
        Column("person_id", Uuid),
        Column("status", Text),
        Column("since", Date),
        Column("stage", Text),
        Column("grade", Text),
        Column("class_name", Text),
        Column("left_behind", Boolean),
        Column("guardian_id", Text, info=personal()),
        Column("compulsory_from", Date, info=personal()),
        Column("compulsory_to", Date, info=personal()),
        Column("division_code", Text),
        Column("school_code", Text),
    ],
    indexes=[Index("children_by_guardian", "guardian_id"), Index("children_by_school", "school_code")],
)

# Names of schools, for everybody to read beside their codes.
SCHOOLS = PeriodTable(
    "schools",
    "registry",
    [Column("code", Text), Column("name", Text), Column("place", Text)],
    indexes=[Index("schools_by_code", "code")],
    public=True,
)

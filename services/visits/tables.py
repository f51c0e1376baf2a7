"""Read-model tables of visits."""

from __future__ import annotations

from sqlalchemy import ARRAY, Boolean, Column, Date, Index, Text, Uuid

from shared.database.scopes import OfChildren
from shared.eventsourcing.periods import PeriodTable, personal

STUDENTS = PeriodTable(
    "students",
    "registry",
    [
        Column("name_masked", Text, info=personal()),
        Column("enrolled", Boolean),
        Column("stage", Text),
        Column("grade", Text),
        Column("class_name", Text),
        Column("division_code", Text),
        Column("school_code", Text),
    ],
    indexes=[Index("students_by_school", "school_code", "entity")],
)

# In which class a student is, for the policy of hand-overs; nothing personal.
PLACES = PeriodTable(
    "places",
    "registry",
    [
        Column("stage", Text),
        Column("grade", Text),
        Column("class_name", Text),
        Column("division_code", Text),
        Column("school_code", Text),
    ],
)

OF_STUDENTS = OfChildren("student_id", "students")

HELPERS = PeriodTable(
    "helpers",
    "visits",
    [
        Column("student_id", Uuid),
        Column("helper", Text),
        Column("division_code", Text),
        Column("school_code", Text),
    ],
    indexes=[Index("helpers_by_school", "school_code", "entity")],
    of_children=OF_STUDENTS,
)

VISITS = PeriodTable(
    "visits",
    "visits",
    [
        Column("student_id", Uuid),
        Column("campaign", Text),
        Column("visited_on", Date),
        Column("outcome", Text),
        Column("visitor", Text),
        Column("confirmed", ARRAY(Text)),
        Column("repeat_on", Date),
        Column("has_notes", Boolean, info=personal(False)),
        Column("division_code", Text),
        Column("school_code", Text),
    ],
    indexes=[Index("visits_by_school", "school_code", "visited_on", "entity")],
    of_children=OF_STUDENTS,
)

# Names of schools, for everybody to read beside their codes.
SCHOOLS = PeriodTable(
    "schools",
    "registry",
    [Column("code", Text), Column("name", Text)],
    indexes=[Index("schools_by_code", "code")],
    public=True,
)

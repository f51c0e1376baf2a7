"""Read-model tables of disbursement: the policy's memory (entitling) and what people see (payments)."""

from __future__ import annotations

from datetime import date

from sqlalchemy import ARRAY, BigInteger, Boolean, Column, Date, Index, Integer, Text, Uuid, text

from shared.database.scopes import OfChildren
from shared.eventsourcing.periods import PeriodTable, personal

# A thing that happened once is asserted from here on: its dates are columns of their own, not its period.
ALWAYS = date(1, 1, 1)

# --- entitling: what the policy decides on, the worker's alone ---------------------------------------------------
STUDENTS = PeriodTable(
    "students",
    "registry",
    [
        Column("enrolled", Boolean),
        Column("stage", Text),
        Column("boarder", Boolean),
        Column("division_code", Text),
        Column("school_code", Text),
        Column("enrolment", Uuid),  # which enrolment this is a time of: a school that is taken over does not end it
    ],
)

# One row per link ever confirmed (entity = the link's event id); it holds in [holds_from, holds_to).
LINKS = PeriodTable(
    "links",
    "matching",
    [
        Column("entry_id", Uuid),
        Column("student_id", Uuid),
        Column("category", Text),
        Column("holds_from", Date),
        Column("holds_to", Date),
    ],
    indexes=[Index("links_by_student", "student_id"), Index("links_by_entry", "entry_id")],
)

# One row per event that ends the links of its entry that stand before it in the log (entity = its event id): a
# withdrawal, or another decision for the same student. ``never_true`` then speaks of all of them.
LINK_ENDS = PeriodTable(
    "link_ends",
    "matching",
    [Column("entry_id", Uuid), Column("student_id", Uuid), Column("ended_on", Date), Column("never_true", Boolean)],
    indexes=[Index("link_ends_by_entry", "entry_id")],
)

# One row per span in which a list row covers a student as a member of its household (entity from row, student and first
# day): stated anew or withdrawn, never doubled.
COVERS = PeriodTable(
    "covers",
    "matching",
    [
        Column("student_id", Uuid),
        Column("category", Text),
        Column("holds_from", Date),
        Column("holds_to", Date),
        Column("stands", Boolean),
        Column("event_id", Uuid),
    ],
    indexes=[Index("covers_by_student", "student_id")],
)

PROGRAMMES = PeriodTable(
    "programmes", "disbursement", [Column("programme", Text), Column("content", Text), Column("content_hash", Text)]
)

# School years as the registry tells them; ``place`` is a division's code.
CALENDARS = PeriodTable(
    "school_calendars",
    "registry",
    [Column("place", Text), Column("school", Text), Column("school_year", Integer), Column("content", Text)],
)

# One row per child and term asked about elsewhere, as last answered; ``aided`` NULL: nobody knows.
ASKED = PeriodTable(
    "asked",
    "disbursement",
    [
        Column("child_id", Uuid),
        Column("term", Text),
        Column("category", Text),
        Column("stage", Text),
        Column("division_code", Text),
        Column("evidence", ARRAY(Uuid)),
        Column("aided", Boolean),
        Column("answered_on", Date),
        Column("event_id", Uuid),
    ],
    indexes=[Index("asked_by_child", "child_id")],
)

# One row: the day opened last.
DAYS = PeriodTable("days", "disbursement", [Column("day", Date)])

# Entitlements and payments are of the class of whom they are for.
OF_PAYEES = OfChildren("student_id", "payees")

# --- payments: what people see ---------------------------------------------------------------------------------
ENTITLEMENTS = PeriodTable(
    "entitlements",
    "disbursement",
    [
        Column("student_id", Uuid),
        Column("programme", Text),
        Column("term", Text),
        Column("amount_fen", BigInteger),
        Column("stage", Text),
        Column("boarder", Boolean),
        Column("granted", Boolean),
        Column("withdrawn_reason", Text),
        Column("evidence", ARRAY(Uuid)),
        Column("pay_by", Date),  # NULL: granted before school calendars were known
        Column("division_code", Text),
        Column("school_code", Text),
    ],
    indexes=[Index("entitlements_by_school", "school_code", "entity")],
    of_children=OF_PAYEES,
)

PAYMENTS = PeriodTable(
    "payments",
    "disbursement",
    [
        Column("student_id", Uuid),
        Column("programme", Text),
        Column("term", Text),
        Column("amount_fen", BigInteger),
        Column("paid_on", Date),
        Column("reference", Text),
        Column("division_code", Text),
        Column("school_code", Text),
    ],
    indexes=[Index("payments_by_school", "school_code", "entity")],
    of_children=OF_PAYEES,
)

# Whom to name beside an amount: masked, and in the scope of the school where the student is now. ``name`` and
# ``id_number`` are for the paper of a letter in full alone (letters/in_full.py).
PAYEES = PeriodTable(
    "payees",
    "registry",
    [
        Column("name_masked", Text, info=personal()),
        Column("number_masked", Text, info=personal()),
        Column("name", Text, info=personal()),
        Column("id_number", Text, info=personal()),
        Column("person_id", Uuid),  # the same as on agencies' lists
        Column("elsewhere", Boolean),  # went to a school of another division: destination's code, NULL when unknown
        Column("destination", Text),
        Column("destination_school", Text),
        Column("stage", Text),
        Column("grade", Text),
        Column("class_name", Text),
        Column("division_code", Text),
        Column("school_code", Text),
    ],
    indexes=[
        Index("payees_by_class", "school_code", "grade", "class_name"),
        Index("payees_elsewhere", "elsewhere", postgresql_where=text("elsewhere")),
    ],
)

# Names of schools, for everybody to read beside their codes.
SCHOOLS = PeriodTable(
    "schools",
    "registry",
    [Column("code", Text), Column("name", Text)],
    indexes=[Index("schools_by_code", "code")],
    public=True,
)

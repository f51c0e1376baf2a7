"""Read-model tables of letters: who of ours is registered elsewhere, and what was written about whom. They are part of
the payments view, so that a letter shows beside each child what is due and paid here."""

from __future__ import annotations

from sqlalchemy import ARRAY, BigInteger, Boolean, Column, Date, Index, Integer, Text, Uuid

from shared.eventsourcing.periods import PeriodTable, personal

# The rows of agencies' lists: a child registered elsewhere is no student here, so her row is all that is known of her.
LISTED = PeriodTable(
    "listed",
    "registry",
    [
        Column("standing", Boolean),
        Column("child_id", Uuid),  # the person, the same on every list
        Column("category", Text),
        Column("stage", Text),
        Column("grade", Text),
        Column("division_code", Text),
        Column("name_masked", Text, info=personal()),
        Column("number_masked", Text, info=personal()),
        Column("name", Text, info=personal()),  # for the paper in full alone (in_full.py)
        Column("id_number", Text, info=personal()),  # the same
        Column("school", Text, info=personal()),  # as the office typed it
    ],
    indexes=[Index("listed_by_child", "child_id")],
)

# What matching says of a row now.
LISTED_STATES = PeriodTable(
    "listed_states",
    "matching",
    [
        Column("state", Text),
        Column("student_id", Uuid),
        Column("category", Text),
        Column("event_id", Uuid),
        Column("division_code", Text),
    ],
    indexes=[Index("listed_states_by_student", "student_id"), Index("listed_states_by_state", "state")],
)

DIVISIONS = PeriodTable(
    "divisions",
    "registry",
    [Column("code", Text), Column("name", Text), Column("in_force", Boolean), Column("successors", ARRAY(Text))],
    public=True,
)

# Where a child is registered, as people found out.
PLACES_TOLD = PeriodTable(
    "places_told", "disbursement", [Column("child_id", Uuid), Column("place", Text), Column("division_code", Text)]
)

# Whom programmes pay, for everybody who reads letters; what decides on money has a table of its own.
PROGRAMMES_SHOWN = PeriodTable("programmes_shown", "disbursement", [Column("content", Text)], public=True)

LETTERS = PeriodTable(
    "letters",
    "disbursement",
    [
        Column("term", Text),
        Column("place", Text),
        Column("place_name", Text),
        Column("children", Integer),
        Column("content_hash", Text),
        Column("state", Text),
        Column("drafted_by", Text),
        Column("drafted_on", Date),
        Column("approved_by", Text),
        Column("sent_on", Date),
        Column("way", Text),
        Column("number", Text),
        Column("reply_by", Date),
        Column("reminded_on", Date),
        Column("phoned_on", Date),
        Column("phone_outcome", Text),
        Column("division_code", Text),
    ],
    indexes=[Index("letters_by_term", "term", "place", "entity")],
)

INQUIRIES = PeriodTable(
    "inquiries",
    "disbursement",
    [
        Column("child_id", Uuid),
        Column("letter_id", Uuid),
        Column("term", Text),
        Column("place", Text),
        Column("category", Text),
        Column("stage", Text),
        Column("kind", Text),
        Column("aided", Boolean),
        Column("decided", Boolean),
        Column("replied_on", Date),
        Column("aid", Text),
        Column("amount_fen", BigInteger),
        Column("aided_term", Text),
        Column("reference", Text),
        Column("recorded_by", Text),
        Column("ground", Text),
        Column("division_code", Text),
    ],
    indexes=[Index("inquiries_by_letter", "letter_id"), Index("inquiries_by_child", "child_id", "term")],
)

# Letters of other counties about children registered here.
INCOMING = PeriodTable(
    "incoming",
    "disbursement",
    [
        Column("from_place", Text),
        Column("from_name", Text),
        Column("number", Text),
        Column("term", Text),
        Column("received_on", Date),
        Column("answer_by", Date),
        Column("children", ARRAY(Uuid)),
        Column("not_found", Integer),
        Column("state", Text),
        Column("received_by", Text),
        Column("answered_on", Date),
        Column("answered_by", Text),
        Column("answer_way", Text),
        Column("answer_number", Text),
        Column("aided", ARRAY(Uuid)),
        Column("division_code", Text),
    ],
)

LETTER_TABLES = (LISTED, LISTED_STATES, DIVISIONS, PLACES_TOLD, PROGRAMMES_SHOWN, LETTERS, INQUIRIES, INCOMING)

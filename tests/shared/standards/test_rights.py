"""Which post holds which right: rights.txt is kept by hand, from the field's rules, and a change is made in both."""

from __future__ import annotations

from pathlib import Path

import pytest

from shared.standards.posts import Kind
from shared.standards.rights import RIGHTS, Right, held_by
from tests.support.post_letters import LETTERS, kinds_of

TABLE = [line.split() for line in (Path(__file__).parent / "rights.txt").read_text(encoding="utf-8").splitlines()]
# Whoever holds the left one prepares what the right one decides.
PREPARED_AND_DECIDED = [
    (Right.CHANGES_PROPOSE, Right.CHANGES_APPROVE),
    (Right.MODELS_PROPOSE, Right.MODELS_ACTIVATE),
    (Right.REVIEWS_DECIDE, Right.MODELS_ACTIVATE),
    (Right.LISTS_SEND, Right.PAYMENTS_SEND),
    (Right.REGISTER_KEEP, Right.PAYMENTS_SEND),
    (Right.REVIEWS_DECIDE, Right.PAYMENTS_SEND),
    (Right.EMERGENCY_ASK, Right.EMERGENCY_REVIEW),
]
OF_A_CHILD = {
    *(Right.STUDENTS_READ, Right.STUDENTS_REVEAL, Right.ROSTER_READ, Right.ALERTS_READ, Right.VISITS_READ),
    *(Right.ATTENDANCE_READ, Right.CARE_KEEP, Right.COUNSELLING_NOTE, Right.HOUSEHOLDS_READ, Right.REVIEWS_READ),
    *(Right.EXPORT_STUDENTS, Right.MESSAGES_READ, Right.READS_READ, Right.REPLAY, Right.FILES_REVEAL),
}


def test_a_post_holds_the_rights_of_the_table_and_no_other() -> None:
    told = {name: (value, kinds_of(letters)) for name, value, letters in TABLE}
    held = {
        right.name: (right.value, frozenset(kind.value for kind in Kind if right in held_by(kind))) for right in Right
    }
    assert held == told
    assert set(RIGHTS) == {Kind(name) for name in LETTERS.values()} and all(
        held_by(kind) == RIGHTS[kind] for kind in Kind
    )


@pytest.mark.parametrize(("prepared", "decided"), PREPARED_AND_DECIDED)
def test_no_post_decides_what_it_prepares(prepared: Right, decided: Right) -> None:
    assert [kind for kind in Kind if {prepared, decided} <= held_by(kind)] == []


@pytest.mark.parametrize("kind", [Kind.CITY_OFFICER, Kind.ACCOUNT_ADMINISTRATOR, Kind.SERVICE, Kind.CASHIER])
def test_who_counts_pays_or_administers_opens_no_file_of_a_child(kind: Kind) -> None:
    assert held_by(kind).isdisjoint(OF_A_CHILD)


def test_what_a_counsellor_notes_is_read_in_the_school_and_nowhere_else() -> None:
    at_school = {Kind.CLASS_TEACHER, Kind.HELPER_TEACHER, Kind.PRINCIPAL}
    assert {kind for kind in Kind if Right.COUNSELLING_NOTE in held_by(kind)} == at_school


def test_money_is_sent_by_the_cashier_alone() -> None:
    assert [kind for kind in Kind if Right.PAYMENTS_SEND in held_by(kind)] == [Kind.CASHIER]

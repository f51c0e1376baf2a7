"""The benchmark of single events judges what the engine decided: a wrong student must not pass."""

from __future__ import annotations

import uuid
from datetime import date

import pytest

from bench.matching_changes import ADULT, EXACT, SLIP, Change, Judged, adults, judge
from shared.kernel.facts import Fact
from shared.standards.identity_number import parse

ENTRY, STUDENT, OTHER = uuid.uuid4(), uuid.uuid4(), uuid.uuid4()


def _change(kind: str, student: uuid.UUID | None = STUDENT) -> Change:
    return Change(kind, ENTRY, Fact(), ENTRY, student)


@pytest.mark.parametrize(
    ("change", "judged"),
    [
        (_change(EXACT), Judged("linked", STUDENT, [STUDENT])),
        (_change(SLIP), Judged("review", None, [OTHER, STUDENT])),
        (_change(ADULT, None), Judged("out_of_age", None, [])),
    ],
)
def test_a_row_that_ended_as_it_must_is_counted(change: Change, judged: Judged) -> None:
    assert judge([change], {ENTRY: judged}) == {judged.state: 1}


@pytest.mark.parametrize(
    ("change", "judged"),
    [
        (_change(EXACT), Judged("linked", OTHER, [OTHER])),
        (_change(EXACT), Judged("review", None, [STUDENT])),
        (_change(SLIP), Judged("linked", OTHER, [OTHER])),
        (_change(SLIP), Judged("review", None, [OTHER])),
        (_change(ADULT, None), Judged("linked", OTHER, [OTHER])),
    ],
)
def test_a_row_that_ended_otherwise_is_an_error(change: Change, judged: Judged) -> None:
    with pytest.raises(RuntimeError, match=change.kind):
        judge([change], {ENTRY: judged})


def test_a_row_never_decided_is_an_error() -> None:
    with pytest.raises(RuntimeError, match="ended as"):
        judge([_change(EXACT)], {})


def test_the_adults_are_too_old_for_aid_and_have_valid_numbers() -> None:
    born = [parse(each["id_number"]).birth_date for each in adults(50)]
    assert date(1950, 1, 1) <= min(born)
    assert max(born) < date(1983, 1, 1)

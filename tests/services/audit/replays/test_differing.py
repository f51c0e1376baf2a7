"""The difference between two moments is what the input list did between them, each change with its event."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest

from services.audit.errors import NotYetClosed
from services.audit.replays.differing import Change, FieldChange, compared, difference
from services.audit.replays.replaying import Question
from shared.database.scopes import Scope
from tests.services.audit.replays.county import County
from tests.services.audit.replays.test_replaying import TODAY, Moment


def between(county: County, view: str, before: Moment, after: Moment) -> list[Change]:
    questions = (Question(view, TODAY, moment.at) for moment in (before, after))
    return difference(county.replays, *questions).changes


def test_payments_of_a_step_are_told_with_the_event_that_paid_each(county: County) -> None:
    for before, after in zip(county.moments[:4], county.moments[1:5], strict=True):
        changes = between(county, "payments", before, after)
        new = after.paid.keys() - before.paid.keys()
        assert [change.kind for change in changes] == ["added"] * len(new)
        for change in changes:
            fields = {field.field: field for field in change.fields}
            assert UUID(fields["student_id"].after) in new and fields["reference"].before is None
            assert "disbursement.AidDisbursed.v1" in {cause.type for cause in change.causes}
            mine = {cause.event_id for cause in change.causes if cause.type == "disbursement.AidDisbursed.v1"}
            assert len(mine) == 1  # hers, not the other payment of the step


def test_a_dropout_is_told_with_the_fact_that_she_left(county: County) -> None:
    before, after = county.moments[1], county.moments[2]
    (left,) = after.dropped_out - before.dropped_out
    changes = between(county, "students", before, after)
    assert [(change.kind, UUID(change.key["student_id"])) for change in changes] == [("changed", left)]
    state = next(field for field in changes[0].fields if field.field == "state")
    assert (state.before, state.after) == ("enrolled", "dropped_out")
    assert [cause.type for cause in changes[0].causes] == ["registry.StudentLeft.v1"]


def test_a_schools_new_name_is_the_cause_for_every_row_that_shows_it(county: County) -> None:
    changes = between(county, "payments", county.moments[6], county.moments[7])
    assert len(changes) == len(county.moments[-1].paid)
    for change in changes:
        assert [field.field for field in change.fields] == ["school_name"]
        assert [cause.type for cause in change.causes] == ["registry.SchoolRegistered.v1"]


def test_a_day_that_passed_is_told_with_the_event_of_that_day(county: County) -> None:
    at = county.moments[4].at
    questions = (Question("payments", day, at) for day in (TODAY - timedelta(days=1), TODAY))
    changes = difference(county.replays, *questions).changes
    assert {UUID(next(f.after for f in each.fields if f.field == "student_id")) for each in changes} == set(
        county.moments[4].paid
    )
    assert all("disbursement.AidDisbursed.v1" in {cause.type for cause in each.causes} for each in changes)


def test_turned_round_what_was_added_is_removed(county: County) -> None:
    there = between(county, "payments", county.moments[1], county.moments[3])
    back = between(county, "payments", county.moments[3], county.moments[1])
    assert [each.key for each in there] == [each.key for each in back]
    assert {each.kind for each in back} == {"removed"} and [e.causes for e in there] == [e.causes for e in back]


def test_nothing_between_a_moment_and_itself_and_no_future(county: County) -> None:
    assert between(county, "payments", county.moments[2], county.moments[2]) == []
    with pytest.raises(NotYetClosed):
        between(
            county,
            "payments",
            county.moments[2],
            county.moments[2]._replace(at=county.moments[2].at + timedelta(days=1)),
        )


def test_a_school_is_told_of_its_own_changes_only(county: County) -> None:
    def told(scope: Scope | None) -> list[Change]:
        questions = (Question("students", TODAY, moment.at, scope=scope) for moment in county.moments[3:6:2])
        return difference(county.replays, *questions).changes

    everyone, mine = told(None), told(Scope(school="S1"))
    assert {each.key["student_id"] for each in everyone} - {each.key["student_id"] for each in mine} == {
        str(county.stranger)
    }
    assert mine == [each for each in everyone if each.key["student_id"] != str(county.stranger)] != []


def test_rows_are_compared_field_by_field() -> None:
    before = [{"id": "a", "x": 1, "y": None}, {"id": "b", "x": 2, "y": None}]
    after = [{"id": "b", "x": 3, "y": None}, {"id": "c", "x": 4, "y": 5}]
    changes = list(compared(before, after, ("id",)))
    assert [(each.key["id"], each.kind) for each in changes] == [("a", "removed"), ("b", "changed"), ("c", "added")]
    assert changes[1].fields == [FieldChange("x", 2, 3)]

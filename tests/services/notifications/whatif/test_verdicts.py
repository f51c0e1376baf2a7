"""Whether an alert was right, by what became of the child."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from services.notifications.whatif.verdicts import Course, Verdict, measured, verdict

RAISED = date(2026, 3, 10)
TODAY = date(2026, 7, 1)


def after(days: int) -> date:
    return RAISED + timedelta(days=days)


@pytest.mark.parametrize(
    ("course", "said"),
    [
        (Course(RAISED, after(5), "attending_again"), "wrong"),
        (Course(RAISED, after(5), "attending_again", acted_on=after(2)), "right"),
        (Course(RAISED, after(5), "attending_again", acted_on=after(6)), "wrong"),
        (Course(RAISED, after(11), "attending_again"), "right"),
        (Course(RAISED, after(1), "attendance_corrected"), "wrong"),
        (Course(RAISED, after(40), "mistaken"), "wrong"),
        (Course(RAISED, after(40), "accepted_elsewhere"), "right"),
        (Course(RAISED, after(20), "exempt"), "neither"),
        (Course(RAISED), "right"),
        (Course(TODAY - timedelta(days=3)), "undecided"),
        (Course(RAISED, after(3), "attendance_corrected", dropped_out_on=after(30)), "right"),
    ],
)
def test_an_alert_is_right_when_the_child_really_was_out(course: Course, said: Verdict) -> None:
    assert verdict(course, TODAY) == said


def test_the_measures_balance_and_the_lead_is_of_those_that_were_right() -> None:
    courses = [
        Course(RAISED, after(12), "attending_again", acted_on=after(1)),
        Course(RAISED, dropped_out_on=after(20)),
        Course(RAISED, after(2), "attendance_corrected"),
        Course(RAISED, after(9), "exempt"),
    ]
    found = measured(courses, TODAY)
    assert (found.raised, found.right, found.wrong, found.neither, found.undecided) == (4, 2, 1, 1, 0)
    assert (found.precision, found.lead_days, found.helped) == (0.667, 16.0, 1)
    assert measured([], TODAY).precision is None

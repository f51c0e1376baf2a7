"""Whether an alert was right, by what became of the child. Pure.

*Right*: the child really was out of school. She dropped out; or came back, or was accepted elsewhere, only after
somebody acted or after more than ``AT_ONCE_DAYS``; or is still away after that time. *Wrong*: withdrawn because what
it stood on was not so, closed as mistaken, or back at once without anybody acting. *Neither*: exempt with a document,
died. *Undecided*: it stands, and not for long yet.
"""

from __future__ import annotations

from datetime import date, timedelta
from statistics import median
from typing import Literal, NamedTuple

Verdict = Literal["right", "wrong", "neither", "undecided"]
# Back counts from the third whole day at school: a week-end and these three days are no absence anybody ended.
AT_ONCE_DAYS = 10
# Ends by themselves that do not say the alert was mistaken: the child had been out until then, or left for good.
_TRUE_UNTIL_THEN = frozenset(
    {"accepted_elsewhere", "enrolled_again", "dropped_out", "transferred_out", "suspended", "returned_from_suspension"}
)
_NO_JUDGEMENT = frozenset({"exempt", "died", "graduated", "abroad", "being_reviewed"})


class Course(NamedTuple):
    """What became of one alert. ``ended_on`` None: it stands. ``reason``: of its end; ``acted_on``: the first attempt
    or action of anybody; ``dropped_out_on``: confirmed, or told by the register."""

    raised_on: date
    ended_on: date | None = None
    reason: str | None = None
    acted_on: date | None = None
    dropped_out_on: date | None = None


class Measures(NamedTuple):
    """``precision``: right of right and wrong, None without any. ``lead_days``: median of the days between the alert
    and the dropout or the return, of those that were right. ``helped``: somebody acted."""

    raised: int
    right: int
    wrong: int
    neither: int
    undecided: int
    precision: float | None
    lead_days: float | None
    helped: int


def verdict(course: Course, today: date) -> Verdict:
    """What the course says, as known on ``today``."""
    if course.dropped_out_on is not None:
        return "right"
    if course.reason in _NO_JUDGEMENT:
        return "neither"
    long = (course.ended_on or today) - course.raised_on > timedelta(days=AT_ONCE_DAYS)
    if course.ended_on is None:
        return "right" if long else "undecided"
    if course.reason == "attending_again":
        return "right" if long or acted(course) else "wrong"
    return "right" if course.reason in _TRUE_UNTIL_THEN else "wrong"


def acted(course: Course) -> bool:
    """Whether help followed: somebody acted while it stood."""
    return course.acted_on is not None and (course.ended_on is None or course.acted_on <= course.ended_on)


def measured(courses: list[Course], today: date) -> Measures:
    """The measures of these alerts."""
    verdicts = [verdict(each, today) for each in courses]
    right, wrong = verdicts.count("right"), verdicts.count("wrong")
    leads = [
        (until - each.raised_on).days
        for each, said in zip(courses, verdicts, strict=True)
        if said == "right" and (until := each.dropped_out_on or each.ended_on) is not None
    ]
    return Measures(
        raised=len(courses),
        right=right,
        wrong=wrong,
        neither=verdicts.count("neither"),
        undecided=verdicts.count("undecided"),
        precision=round(right / (right + wrong), 3) if right + wrong else None,
        lead_days=float(median(leads)) if leads else None,
        helped=sum(map(acted, courses)),
    )

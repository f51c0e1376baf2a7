"""Which alerts about absence other thresholds would have raised: the policy's own rules over the days of a past. Pure.

A past is taken as it stands today: a report counts on its own day and as corrected since, so that a threshold is not
blamed for a mistake that was mended.
"""

from __future__ import annotations

from bisect import bisect_right
from datetime import date
from typing import NamedTuple

from services.notifications.events import AlertKind
from services.notifications.signals.attendance import ChildDays, judge
from services.notifications.signals.rules import Thresholds
from services.notifications.signals.school_time import SchoolTime


class Tried(NamedTuple):
    """An alert that would have been raised; ``returned_on``: by when the child would have counted as back."""

    kind: AlertKind
    raised_on: date
    returned_on: date | None


def tried(child: ChildDays, rules: Thresholds, time: SchoolTime, first: int, last: int) -> list[Tried]:
    """The alerts raised on a day of [first, last] (day numbers), in order; each day of absence is judged by what lies
    before it, as it was then."""
    found: list[Tried] = []
    standing: dict[AlertKind, int] = {}
    absent = sorted(child.absences)
    for number, day in enumerate(absent):
        place = bisect_right(child.days, day)
        known = {each: child.absences[each] for each in absent[: number + 1]}
        told = [each for each in child.documents if each.first <= day]
        then = ChildDays(child.days[:place], known, child.since, told, child.unvisited)
        for kind in judge(then, rules, time, day).reasons:
            standing.setdefault(kind, day)
        following = bisect_right(child.days, absent[number + 1]) if number + 1 < len(absent) else len(child.days) + 1
        if following - place - 1 >= rules.return_days:
            found += _ended(standing, child.days[place + rules.return_days - 1], first, last)
            standing = {}
    return found + _ended(standing, None, first, last)


def _ended(standing: dict[AlertKind, int], back: int | None, first: int, last: int) -> list[Tried]:
    returned = None if back is None else date.fromordinal(back)
    return [Tried(kind, date.fromordinal(day), returned) for kind, day in standing.items() if first <= day <= last]

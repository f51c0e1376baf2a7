"""When absence becomes a signal: a child's days at school judged as a whole, whatever order they were told in. Pure.

Only days count on which her class reported and there was school; a day without a report neither breaks nor extends
anything. Days that a paper explains are taken out: they count neither way. Half a day absent counts half in a share; it
ends a run, because she was seen that day, but it is no whole day at school either, so it does not bring her back. Who
came late was there.

An *episode* begins with an absence after ``return_days`` whole days at school. A signal stands from the day in the last
episode on which it first held until she has returned; so the same days always give the same signals.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from datetime import date
from itertools import accumulate
from typing import NamedTuple
from uuid import UUID

from services.notifications.commands import Told
from services.notifications.events import AlertKind
from services.notifications.signals.reasons import Reason
from services.notifications.signals.rules import Thresholds
from services.notifications.signals.school_time import SchoolTime

ABSENCE_KINDS: tuple[AlertKind, ...] = ("absent_running", "absent_share", "not_returned_at_term_start")
EVIDENCE_MOST = 60  # reports named in one alert: more than a window holds
_DAYS_OF_WEEK = 7


class Named(NamedTuple):
    """A child was named absent on ``day`` (a day number); ``class_day`` is the stream of that class and day,
    ``event_id`` the report that said so last."""

    day: int
    reason: str
    half: bool
    class_day: UUID
    event_id: UUID


class Covered(NamedTuple):
    """Days that a document explains, both included."""

    first: int
    last: int
    event_id: UUID


class ChildDays(NamedTuple):
    """What is known of a child's days: ``days`` are those that count, in order; ``absences`` those among them she was
    absent on; ``since``: from when her days are known (enrolled, within reach). ``unvisited``: a document of home
    teaching that no visit covers any more. ``within_reach``: what lies before ``since`` is left out only as too old."""

    days: Sequence[int]
    absences: Mapping[int, Named]
    since: int
    documents: Sequence[Covered] = ()
    unvisited: UUID | None = None
    within_reach: bool = False


class Judged(NamedTuple):
    """``reasons`` stand now. ``returned``: the days at school by which she is back, empty while she is not; ``ended``:
    what stood until then. ``covered_by``: documents in force today, which silence everything."""

    reasons: Mapping[AlertKind, Reason] = {}
    returned: tuple[int, ...] = ()
    ended: frozenset[AlertKind] = frozenset()
    covered_by: tuple[UUID, ...] = ()


class _At(NamedTuple):
    """An absence and its place among the days that count. ``ground``: the class and day by which what is new of it is
    known, the first absence of its stretch and week."""

    place: int
    named: Named
    ground: UUID


def judge(child: ChildDays, rules: Thresholds, time: SchoolTime, today: int) -> Judged:
    """All signals of absence of one child on ``today``."""
    covered_by = tuple(each.event_id for each in child.documents if each.first <= today <= each.last)
    if covered_by:
        return Judged(covered_by=covered_by)
    days = child.days
    absent = _absent(child)
    if not absent:
        return Judged()
    begins = 0
    for number in range(1, len(absent)):
        if absent[number].place - absent[number - 1].place > rules.return_days:
            begins = number
    # Absence before a document that has ended raises nothing any more, though a run goes on across it.
    silent_until = max((each.last for each in child.documents if each.last < today), default=0)
    found = {
        "absent_running": _running(absent[begins:], rules, silent_until),
        "absent_share": _share(days, absent, begins, rules, time, silent_until),
        "not_returned_at_term_start": _term_start(child, absent[begins:], rules, time, silent_until),
    }
    standing: dict[AlertKind, Reason] = {
        kind: _evident(reason, child.unvisited) for kind in ABSENCE_KINDS if (reason := found[kind]) is not None
    }
    if child.within_reach and not absent[begins].place:  # its first days fall out of reach one by one: that is no news
        standing = {kind: reason._replace(restates=False) for kind, reason in standing.items()}
    back = len(days) - 1 - absent[-1].place
    if back >= rules.return_days:
        return Judged(returned=tuple(days[len(days) - rules.return_days :]), ended=frozenset(standing))
    return Judged(standing)


def _absent(child: ChildDays) -> list[_At]:
    """What a person closed comes back with the next stretch of absence or the next week of it, not with every single
    day; and not because a report was corrected for another child: a ground is the class and day, whichever report said
    it last. Whatever window is looked at, the same absence has the same ground."""
    found: list[_At] = []
    for day in sorted(child.absences):
        place, named = bisect_left(child.days, day), child.absences[day]
        before = found[-1] if found else None
        follows = before is not None and before.place == place - 1
        same_week = before is not None and (before.named.day - 1) // _DAYS_OF_WEEK == (day - 1) // _DAYS_OF_WEEK
        ground = before.ground if before is not None and follows and same_week else named.class_day
        found.append(_At(place, named, ground))
    return found


def _running(episode: Sequence[_At], rules: Thresholds, silent_until: int) -> Reason | None:
    def told(run: Sequence[_At]) -> Told:
        return _told(run, {"days": str(len(run)), "unexplained": str(_unexplained(run, rules))})

    found: list[tuple[Told, Sequence[_At]]] = []
    for run in _runs(episode):
        for length in range(1, len(run) + 1):
            part = run[:length]
            unexplained = _unexplained(part, rules)
            enough = unexplained >= rules.absent_days_running or length >= rules.excused_days_running
            if enough and part[-1].named.day > silent_until:
                found.append((told(part), run))
                break
    return _reason("absent_days_running", found[0][0], told(found[-1][1]), found[-1][1]) if found else None


def _share(
    days: Sequence[int], absent: Sequence[_At], begins: int, rules: Thresholds, time: SchoolTime, silent_until: int
) -> Reason | None:
    places = [each.place for each in absent]
    halves = [0, *accumulate(1 if each.named.half else 2 for each in absent)]
    share = round(rules.absent_share * 1000)
    found: list[tuple[Told, Sequence[_At]]] = []
    for number in range(begins, len(absent)):
        place, named, _ = absent[number]
        begin = time.window_begin(named.day, rules.share_window)
        low = max(0, place - rules.share_window + 1) if begin is None else bisect_left(days, begin)
        first = bisect_left(places, low)
        reported, missed = place - low + 1, halves[number + 1] - halves[first]
        if named.day > silent_until and reported >= rules.share_least and missed * 1000 > share * 2 * reported:
            facts = {
                "absent": f"{missed / 2:g}",
                "reported": str(reported),
                "limit": f"{share / 10:g}",
            }
            part = absent[first : number + 1]
            found = [*found[:1], (_told(part, facts), part)]
    return _reason("absent_above_share", found[0][0], *found[-1]) if found else None


def _term_start(
    child: ChildDays, episode: Sequence[_At], rules: Thresholds, time: SchoolTime, silent_until: int
) -> Reason | None:
    def told(stayed: Sequence[_At]) -> Told:
        return _told(stayed, {"term": name, "first": date.fromordinal(first).isoformat(), "days": str(len(stayed))})

    found: list[tuple[Told, Told, Sequence[_At]]] = []
    for run in _runs(episode):
        for number, (place, named, _) in enumerate(run):
            term = time.term_of(named.day)
            if term is None:
                continue
            name, first = term
            if child.since > first or (place and child.days[place - 1] >= first):
                continue
            stayed = [each for each in run[number:] if time.term_of(each.named.day) == term]
            enough = [
                length
                for length, each in enumerate(stayed, 1)
                if _unexplained(stayed[:length], rules) >= rules.term_start_days and each.named.day > silent_until
            ]
            if enough:
                found.append((told(stayed[: enough[0]]), told(stayed), stayed))
    return _reason("absent_since_term_start", found[0][0], *found[-1][1:]) if found else None


def _runs(episode: Sequence[_At]) -> list[list[_At]]:
    """Whole days absent without a day at school in between."""
    runs: list[list[_At]] = []
    for each in episode:
        if each.named.half:
            continue
        if runs and each.place == runs[-1][-1].place + 1:
            runs[-1].append(each)
        else:
            runs.append([each])
    return runs


def _unexplained(run: Sequence[_At], rules: Thresholds) -> int:
    return sum(each.named.reason in rules.unexplained_reasons for each in run)


def _reason(code: str, first: Told, latest: Told, absent: Sequence[_At]) -> Reason:
    """The evidence is what made the signal stand at ``first``, day by day, whatever came since and in which order: the
    same reports give the same evidence. The grounds go on with the absence until now (``absent``)."""
    grounds = tuple(dict.fromkeys(each.ground for each in absent[-EVIDENCE_MOST:]))
    return Reason(first.since, first.evidence, code, first.facts, grounds, latest, restates=True)


def _told(absent: Sequence[_At], facts: Mapping[str, str]) -> Told:
    first, last = (date.fromordinal(each.named.day) for each in (absent[0], absent[-1]))
    evidence = tuple(each.named.event_id for each in absent[-EVIDENCE_MOST:])
    return Told(first, evidence, {**facts, "since": first.isoformat(), "last": last.isoformat()})


def _evident(reason: Reason, unvisited: UUID | None) -> Reason:
    """Home teaching that nobody came for is a line of its own."""
    if unvisited is None:
        return reason
    code = f"{reason.explanation_code}_home_teaching_unvisited"
    return reason._replace(explanation_code=code, evidence=(*reason.evidence, unvisited))

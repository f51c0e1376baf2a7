"""Which absence signals stand, told by walking the calendar one day after the other; shares no code with the rules."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date, timedelta

from services.notifications.signals.rules import Thresholds
from shared.standards.school_calendar import Span

PRESENT = "present"
Papers = Sequence[tuple[date, date]]


def signals(
    said: Mapping[date, tuple[str, bool]],
    rules: Thresholds,
    today: date,
    *,
    is_school_day: Callable[[date], bool],
    terms: Sequence[Span] = (),
    since: date,
    papers: Papers = (),
) -> set[str]:
    """``said``: day reported → (reason or PRESENT, whether only half of it was missed)."""
    if any(first <= today <= last for first, last in papers):
        return set()
    standing: set[str] = set()
    counted: list[tuple[date, str, bool]] = []
    run: list[str] = []
    back = 0
    each = since
    while each <= today:
        if any(first <= each <= last for first, last in papers):
            standing.clear()
        elif each in said and is_school_day(each):
            reason, half = said[each]
            counted.append((each, reason, half))
            if reason == PRESENT:
                run, back = [], back + 1
                if back >= rules.return_days:
                    standing.clear()
            else:
                back = 0
                run = [] if half else [*run, reason]
                standing |= _since_start(counted, rules, terms, since) | _in_share(counted, rules, is_school_day, terms)
                unexplained = [reason for reason in run if reason in rules.unexplained_reasons]
                if len(unexplained) >= rules.absent_days_running or len(run) >= rules.excused_days_running:
                    standing.add("absent_running")
        each += timedelta(days=1)
    return standing


def _since_start(
    counted: Sequence[tuple[date, str, bool]], rules: Thresholds, terms: Sequence[Span], since: date
) -> set[str]:
    today = counted[-1][0]
    for term in terms:
        if today in term and since <= term.first:
            of_term = [(reason, half) for day, reason, half in counted if day in term]
            gone = all(reason != PRESENT and not half for reason, half in of_term)
            unexplained = sum(reason in rules.unexplained_reasons for reason, _ in of_term)
            if gone and unexplained >= rules.term_start_days:
                return {"not_returned_at_term_start"}
    return set()


def _in_share(
    counted: Sequence[tuple[date, str, bool]],
    rules: Thresholds,
    is_school_day: Callable[[date], bool],
    terms: Sequence[Span],
) -> set[str]:
    last = counted[-1][0]
    if terms:
        day, left = last, rules.share_window
        while left and day > terms[0].first - timedelta(days=1):
            left -= is_school_day(day)
            if left:
                day -= timedelta(days=1)
        window = [each for each in counted if each[0] >= day] if not left else list(counted[-rules.share_window :])
    else:
        window = list(counted[-rules.share_window :])
    missed = sum(0.0 if reason == PRESENT else 0.5 if half else 1.0 for _, reason, half in window)
    enough = len(window) >= rules.share_least
    return {"absent_share"} if enough and missed * 1000 > round(rules.absent_share * 1000) * len(window) else set()

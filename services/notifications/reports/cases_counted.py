"""What alerts and their cases count for: signals, deadlines, attempts, and the ledgers of suspected and dropped-out
children. Pure.

A child stands in a ledger once, however many cases are open, at the place of the one raised first, as on the board.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date
from typing import NamedTuple
from uuid import UUID

from services.notifications.reports.ledger_counts import Counts, Step, Unit
from services.notifications.reports.reading import Act
from services.notifications.reports.report_periods import Period

# Which delay a step in time has prevented.
_PREVENTS: Mapping[tuple[str, str | None], str] = {
    ("seen", None): "not_acknowledged",
    ("team", None): "no_team",
    ("attempt", None): "no_attempt",
    ("closed", "attending_again"): "not_returned_in_time",
}


class Open(NamedTuple):
    """An alert that stands: where, since when raised, and whether it says that the child has dropped out."""

    unit: Unit
    raised_on: date
    alert: UUID
    state: str
    dropped: bool


class ChildSteps(NamedTuple):
    """A child's way through both ledgers, and what stands of hers at the end."""

    child: UUID
    suspected: list[Step]
    dropped_out: list[Step]
    open: list[Open]


def count_acts(steps: Sequence[Act], unit: Callable[[str, str], Unit], period: Period, counts: Counts) -> None:
    """Signals, attempts and deadlines of one alert within the period."""
    where, kind, late, done = Unit("", ""), "", set[str](), set[str]()
    for act in steps:
        if act.what == "raised":
            where, kind = unit(act.division or "", act.school or ""), act.value or ""
            late, done = set(), set()
        inside, figures = act.on >= period.first, counts[where]
        if inside and act.what in ("raised", "withdrawn", "closed"):
            figures[f"signals.{act.what}.{kind}"] += 1
        if inside and act.what == "attempt":
            figures[f"attempts.{act.value}"] += 1
        if act.what == "escalated" and act.value not in late:
            late.add(act.value or "")
            figures[f"deadlines.missed.{act.value}"] += inside
        prevented = _PREVENTS.get((act.what, act.value if act.what == "closed" else None))
        if prevented is not None and prevented not in done:
            done.add(prevented)
            figures[f"deadlines.kept.{prevented}"] += inside and prevented not in late


def children(alerts: Mapping[UUID, Sequence[Act]], unit: Callable[[str, str], Unit]) -> Iterator[ChildSteps]:
    """Every child an alert was ever about; silent classes are nobody's."""
    of_child: dict[UUID, list[Act]] = defaultdict(list)
    for steps in alerts.values():
        raised = next((act for act in steps if act.what == "raised"), None)
        child = None if raised is None else raised.student or raised.entry
        if child is not None:
            of_child[child] += steps
    for child in sorted(of_child):
        # Stable: of one day the steps of an alert stay in their own order.
        yield _walked(child, sorted(of_child[child], key=lambda act: (act.on, act.alert)), unit)


def _walked(child: UUID, steps: Iterable[Act], unit: Callable[[str, str], Unit]) -> ChildSteps:
    standing: dict[UUID, Open] = {}
    told = ChildSteps(child, [], [], [])
    for act in steps:
        before = standing.get(act.alert)
        if act.what == "raised":
            where = unit(act.division or "", act.school or "")
            standing[act.alert] = Open(where, act.on, act.alert, "open", act.value == "dropped_out")
        elif before is None:
            continue
        elif act.what == "seen":
            standing[act.alert] = before._replace(state="seen")
        elif act.what == "confirmed":
            standing[act.alert] = before._replace(state="dropped_out", dropped=True)
        elif act.what in ("withdrawn", "closed"):
            del standing[act.alert]
        way = act.value or act.what if act.what == "closed" else act.what
        told.suspected.append(Step(act.on, _place(standing.values(), dropped=False), way))
        told.dropped_out.append(Step(act.on, _place(standing.values(), dropped=True), way))
    told.open.extend(standing.values())
    return told


def _place(standing: Iterable[Open], *, dropped: bool) -> Unit | None:
    those = [each for each in standing if each.dropped == dropped]
    return min(those, key=lambda each: (each.raised_on, each.alert)).unit if those else None

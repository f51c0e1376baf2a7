"""Every count of a period as of a cut, by school, or by division for children of no school: what reports are made of.

Reads the memory as the worker: the places are given by who asks, and only counts leave this module.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cache
from uuid import UUID

from sqlalchemy import Connection

from services.notifications.reports import cases_counted, reading
from services.notifications.reports.cuts import Cut
from services.notifications.reports.ledger_counts import Counts, Unit, count_ledger
from services.notifications.reports.lives import ClassRolls, Standing, grade_on, school_age_steps, standings
from services.notifications.reports.report_periods import Period
from shared.standards.division import scope

POOR, DISABLED = frozenset({"poverty", "civil"}), "disability"
_ONE_DAY = timedelta(days=1)


@dataclass
class Tally:
    """``counts``: unit → figure → number. ``confirmed``: new dropouts by unit and grade. ``schools``: as of the last
    day. ``versions``: hashes of the rules and the plan in force then."""

    period: Period
    counts: Counts
    schools: reading.Schools
    confirmed: Counter[tuple[Unit, str]] = field(default_factory=Counter)
    versions: tuple[str | None, str | None] = (None, None)


def tally(connection: Connection, cut: Cut, period: Period, division: str, school: str | None = None) -> Tally:
    """``division`` is the installation's; with ``school`` only that school's counts are complete."""
    schools = reading.schools(connection, cut, period.last)

    @cache
    def unit(place: str, code: str) -> Unit:
        where = schools.division.get(code) or place
        return Unit(where if where.startswith(scope(division)) else division, code)

    made = Tally(period, defaultdict(Counter), schools)
    alerts = reading.acts(connection, cut, period.last)
    concerned = {act.student for steps in alerts.values() for act in steps if act.student is not None}
    rolls, known = ClassRolls(period), dict[UUID, Sequence[Standing]]()
    for student, said in reading.lives(connection, cut, period.last, school):
        life = list(standings(said))
        rolls.add(life)
        count_ledger("school_age", school_age_steps(life, unit), period, made.counts)
        if student in concerned:
            known[student] = life
    for steps in alerts.values():
        cases_counted.count_acts(steps, unit, period, made.counts)
    aided = reading.aided(connection, cut, period.last)
    for child in cases_counted.children(alerts, unit):
        _count_child(child, known.get(child.child, ()), aided, period, made)
    _count_coverage(connection, cut, rolls, unit, division, school, made)
    made.versions = (
        reading.version(connection, cut, "rules", period.last),
        reading.version(connection, cut, "plan", period.last),
    )
    return made


def _count_child(
    child: cases_counted.ChildSteps,
    life: Sequence[Standing],
    aided: Mapping[UUID, set[str]],
    period: Period,
    made: Tally,
) -> None:
    left_behind = bool(life) and life[-1].left_behind
    lists = aided.get(child.child, set())
    for name, steps in (("suspected", child.suspected), ("dropped_out", child.dropped_out)):
        place = count_ledger(name, steps, period, made.counts)
        if place is not None:
            figures = made.counts[place]
            figures[f"{name}.poor"] += not POOR.isdisjoint(lists)
            figures[f"{name}.disabled"] += DISABLED in lists
            figures[f"{name}.left_behind"] += left_behind
    for each in child.open:
        made.counts[each.unit][f"cases.{each.state}"] += 1
    before = None
    for step in child.dropped_out:
        # Only who was in no place before is new; who is moved was counted where the child dropped out.
        if step.on >= period.first and before is None and step.place is not None:
            made.confirmed[step.place, grade_on(life, step.on)] += 1
        before = step.place


def _count_coverage(
    connection: Connection,
    cut: Cut,
    rolls: ClassRolls,
    unit: Callable[[str, str], Unit],
    division: str,
    school: str | None,
    made: Tally,
) -> None:
    period, calendars = made.period, reading.calendars(connection, cut)

    @cache
    def school_days(code: str) -> tuple[date, ...]:
        calendar = calendars.of(made.schools.division.get(code, division), code)
        return calendar.school_days_between(period.first, period.last + _ONE_DAY)

    told = reading.class_days(connection, cut, period.first, period.last, school)
    units = {each.school: each for each in made.counts}  # also of a school the register has not told of
    for code, due, heard in rolls.coverage(told, school_days):
        figures = made.counts[units.get(code) or unit("", code)]
        figures["classes.due"] += due
        figures["classes.reported"] += heard

"""Reports made of a tally: who reports at each level, which rows a report sums, its one canonical text. Pure.

School → county → city → province. A school of the city's own (its division's code ends in 00) reports straight to the
city: the reporting line is not the geography (domain.md §8). An installation of one county makes the city's and the
province's report of what it has itself.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from services.notifications.report_events import ReportLevel
from services.notifications.reports.ledger_counts import Unit
from services.notifications.reports.reading import Schools
from services.notifications.reports.tallying import Tally
from shared.standards.division import scope

METHOD = "1"  # how it is counted; another number when the same events would give other bytes
CODE_DIGITS, TOWNSHIP_DIGITS = 6, 9
_DIGITS: Mapping[ReportLevel, int] = {"county": 6, "city": 4, "province": 2}


class Place(NamedTuple):
    """Who reports: a school in its division, or with None a division (six digits). Of a level ``key`` names it for
    ever, also when a school's division bears another code."""

    division_code: str
    school_code: str | None

    @property
    def key(self) -> str:
        return self.school_code or self.division_code


class Compiled(NamedTuple):
    """``content`` is canonical JSON, ``content_hash`` its SHA-256 in hex."""

    level: ReportLevel
    place: Place
    content: str
    content_hash: str
    rules_hash: str | None
    plan_hash: str | None


def county_of(division: str) -> str:
    """The county of a code; the city's own code for what belongs to none."""
    return division[:CODE_DIGITS].ljust(CODE_DIGITS, "0")


def place_of(level: ReportLevel, unit: Unit, division: str) -> Place | None:
    """Who reports a unit at a level; None for what has no report there: children of no school have no school's, the
    city's own schools no county's. ``division`` is the installation's: nobody above it is reported."""
    if level == "school":
        return Place(unit.division, unit.school) if unit.school else None
    county = county_of(unit.division)
    if level == "county":
        return None if county.endswith("00") else Place(county, None)
    prefix = county[: _DIGITS[level]]
    own = scope(division)
    return Place((prefix if len(prefix) >= len(own) else own).ljust(CODE_DIGITS, "0")[:CODE_DIGITS], None)


def row_of(level: ReportLevel, unit: Unit, division: str) -> str:
    """The row of a report in which a unit is summed: the lower level's place."""
    if level in ("school", "county"):
        return unit.school
    below: ReportLevel = "county" if level == "city" else "city"
    place = place_of(below, unit, division)
    return county_of(unit.division) if place is None else place.division_code


def places_of(level: ReportLevel, schools: Schools, division: str) -> Iterator[Place]:
    """Who has to report at a level: every school that is open on the last day, and whoever sums them."""
    units = {Unit(schools.division[code], code) for code in schools.open}
    found = {place_of(level, unit, division) for unit in units}
    yield from sorted((place for place in found if place is not None), key=str)


def compile_level(level: ReportLevel, tally: Tally, division: str, only: Place | None = None) -> list[Compiled]:
    """The reports of a level, by place; with ``only`` that place's alone, also one that need not report."""
    wanted = {place.key: place for place in ([only] if only else places_of(level, tally.schools, division))}
    rows: dict[str, dict[str, Counter[str]]] = {key: defaultdict(Counter) for key in wanted}
    confirmed: dict[str, Counter[tuple[str, str, str]]] = defaultdict(Counter)

    def reporter(unit: Unit) -> str:
        place = place_of(level, unit, division)
        return "" if place is None else place.key

    for code in tally.schools.open:  # a row for each school of the county, also for one with nothing to tell
        unit = Unit(tally.schools.division[code], code)
        if (key := reporter(unit)) in rows:
            rows[key].setdefault(row_of(level, unit, division), Counter())
    for unit, figures in tally.counts.items():
        if (key := reporter(unit)) in rows:
            rows[key][row_of(level, unit, division)].update(figures)
    for (unit, grade), count in tally.confirmed.items():
        if (key := reporter(unit)) in rows:
            confirmed[key][unit.division[:TOWNSHIP_DIGITS], unit.school, grade] += count
    return [_compiled(level, wanted[key], rows[key], confirmed[key], tally) for key in sorted(wanted)]


def _compiled(
    level: ReportLevel,
    place: Place,
    rows: Mapping[str, Counter[str]],
    confirmed: Mapping[tuple[str, str, str], int],
    tally: Tally,
) -> Compiled:
    period = tally.period
    total: Counter[str] = Counter()
    for figures in rows.values():
        total.update(figures)
    names = sorted(name for name, value in total.items() if value)
    content = canonical(
        {
            "confirmed": [[*key, count] for key, count in sorted(confirmed.items())],
            "division_code": place.division_code,
            "figures": {name: total[name] for name in names},
            "first": period.first.isoformat(),
            "last": period.last.isoformat(),
            "level": level,
            "method": METHOD,
            "names": names,
            "not_covered": ["police_list"],
            "period": period.kind,
            "period_name": period.name,
            "plan_hash": tally.versions[1],
            "rows": [[row, *(rows[row][name] for name in names)] for row in sorted(rows)],
            "rules_hash": tally.versions[0],
            "school_code": place.school_code,
        }
    )
    return Compiled(level, place, content, content_hash(content), *tally.versions)


def canonical(content: Mapping[str, Any]) -> str:
    """The one text of a report: sorted keys, no blanks. ``names`` heads the numbers of each row."""
    return json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def content_hash(content: str) -> str:
    return hashlib.sha256(content.encode()).hexdigest()


def differences(before: str, after: str) -> dict[str, tuple[int, ...]]:
    """What changed between two editions: figures of the whole, and of each row as ``row/figure``."""
    old, new = _numbers(before), _numbers(after)
    keys: Iterable[str] = sorted(old.keys() | new.keys())
    return {key: (old.get(key, 0), new.get(key, 0)) for key in keys if old.get(key, 0) != new.get(key, 0)}


def _numbers(content: str) -> dict[str, int]:
    told = json.loads(content)
    found = dict(told["figures"])
    for row, *values in told["rows"]:
        found |= {f"{row}/{name}": value for name, value in zip(told["names"], values, strict=True)}
    for township, school, grade, count in told["confirmed"]:
        found[f"{township}/{school}/confirmed.{grade}"] = count
    return found

"""`rollcall bench registry_scopes`: what a scope adds to a page of the students' list beside a million others.

Each page is asked twice: by who is under row-level security, and by the worker who is not, with what the scope stands
for written into the same statement. Who is asked first changes from pair to pair, because the second finds the pages
of the server warm. The ratio of the two p95 is what the scope costs; beside it stands the middle of the pairs'
differences, which says the same on cores that others use, too.
"""

from __future__ import annotations

import random
import statistics
import time
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import Connection, text

from bench.report import BenchResult, Measure, result, timed
from bench.stage import Stage, stage
from services.registry import queries as registry
from services.registry.projections import REGISTER
from shared.database.scopes import Classroom, Scope
from shared.messaging.builds import prepare
from shared.web.pages import PageTurn

TODAY = date(2026, 10, 1)
STUDENTS_PER_SCHOOL = 1_000
ROWS = 50
MOST_ADDED = 1.10

_FILL = """
INSERT INTO students (entity, valid_from, valid_to, marks, log_index, name, state, division_code, school_code, stage,
                      grade, class_name, stream_version)
SELECT gen_random_uuid(), DATE '2026-09-01', 'infinity', 0, 1, '张' || n, 'enrolled',
       '4690' || lpad((n / :each % 20)::text, 2, '0'), 'S' || lpad((n / :each)::text, 6, '0'),
       'primary', (n % 5 + 1)::text, (n % 20 / 5 + 1)::text || '班', 1
FROM generate_series(0, :count - 1) AS n
"""


@dataclass(frozen=True)
class Asked:
    """A viewer's page. ``asked``: what the viewer asks for. A school or a class is said to the planner in both cases
    (``own_rows``)."""

    scope: Scope
    asked: dict[str, Any]


def run(events: int = 1_000_000, queries: int = 200) -> BenchResult:
    """``events`` students; ``queries`` pages of each kind."""
    with stage() as parts:
        prepare(parts.database, [REGISTER])
        began = time.perf_counter()
        _fill(parts, events)
        measures = [Measure("students into the view", events, time.perf_counter() - began)]
        ratios: dict[str, float] = {}
        schools, rng = max(1, events // STUDENTS_PER_SCHOOL), random.Random(20261128)
        for kind in ("division", "school", "class"):
            pairs = [_pair(parts, _asked(kind, rng.randrange(schools)), bool(turn % 2)) for turn in range(queries)]
            plain, scoped = ([pair[side] for pair in pairs] for side in (0, 1))
            added = statistics.median(under - without for without, under in pairs)
            ratios[f"{kind}_adds_us"] = round(1_000_000 * added)
            measures.append(timed(f"a page without a scope, as a {kind} sees it", sum(plain), plain))
            longest = (measures[-1].p95_ms or 0.0) * MOST_ADDED
            measures.append(
                timed(f"the same page in the scope of a {kind}", sum(scoped), scoped, target_p95_ms=longest)
            )
            ratios[f"{kind}_p95_ratio"] = round((measures[-1].p95_ms or 0.0) * MOST_ADDED / longest, 2)
    return result("registry_scopes", measures, students=events, **ratios)


def _fill(parts: Stage, count: int) -> None:
    with parts.database.working() as connection:
        connection.execute(text("SET LOCAL search_path = register_b1, public"))
        connection.execute(text(_FILL), {"count": count, "each": STUDENTS_PER_SCHOOL})
    with parts.database.owner() as connection:
        connection.execute(text("ANALYZE register_b1.students"))


def _asked(kind: str, number: int) -> Asked:
    school = f"S{number:06d}"
    if kind == "division":
        return Asked(Scope(division="4690"), {"school": school})
    if kind == "school":
        return Asked(Scope(school=school), {})
    return Asked(Scope(classroom=Classroom(school, "primary", "1", "1班")), {})


def _pair(parts: Stage, asked: Asked, scope_first: bool) -> tuple[float, float]:
    """Seconds without the scope and with it."""
    if scope_first:
        scoped = _scoped(parts, asked)
        return _plain(parts, asked), scoped
    return _plain(parts, asked), _scoped(parts, asked)


def _plain(parts: Stage, asked: Asked) -> float:
    with parts.database.working() as connection:
        connection.execute(text("SET LOCAL search_path = register_b1, public"))
        return _page(connection.execution_options(scope=asked.scope), asked.asked)


def _scoped(parts: Stage, asked: Asked) -> float:
    with parts.database.reading(asked.scope, REGISTER.name) as connection:
        return _page(connection, asked.asked)


def _page(connection: Connection, conditions: dict[str, Any]) -> float:
    began = time.perf_counter()
    rows = registry.students(connection, TODAY, PageTurn(None, ROWS), **conditions)
    assert rows, "a page of nobody measures nothing"
    return time.perf_counter() - began

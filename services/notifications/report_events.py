"""Facts of the regular reports of dropout control.

Part of events.py, through which they are imported; apart because a module holds one idea.
"""

from __future__ import annotations

from datetime import date
from typing import Literal

from msgspec import field

from shared.kernel.facts import Fact, fact

ReportLevel = Literal["school", "county", "city", "province"]
PeriodKind = Literal["month", "quarter", "term", "year"]


@fact("notifications")
class ReportIssued(Fact, frozen=True, kw_only=True):
    """The report of ``level`` for a place and a period, both days included: counts only. The stream is the report, each
    event of it an edition.

    ``division_code`` is a school's own, or has six digits; ``school_code`` is set for a school's report.
    ``period_name``: 2026-09, 2026-Q3, the term's name in the calendar, or the year in which the school year begins.
    ``cut``: what the counts rest on, by service the last log index of each partition, in order. ``content`` is
    canonical JSON (reports/compiling.py), ``content_hash`` its SHA-256 in hex: the same events give the same bytes.
    ``rules_hash`` and ``plan_hash``: the versions in force on the last day. ``differences`` of a later edition: what
    changed → how it stood before and how it stands now; a key is ``figure`` or ``row/figure``."""

    level: ReportLevel
    division_code: str
    school_code: str | None
    period: PeriodKind
    period_name: str
    first: date
    last: date
    edition: int
    cut: dict[str, tuple[int, ...]]
    content: str
    content_hash: str
    rules_hash: str | None = None
    plan_hash: str | None = None
    differences: dict[str, tuple[int, ...]] = field(default_factory=dict)

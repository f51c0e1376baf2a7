"""The clock, read only at the edges: rules and folds get time as data (design.md §3, invariants 2 and 10)."""

from __future__ import annotations

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

SHANGHAI = ZoneInfo("Asia/Shanghai")


def utc_now() -> datetime:
    """This moment, UTC, microseconds."""
    return datetime.now(UTC)


def today() -> date:
    """The date that is true now in Asia/Shanghai, where every effective date is counted."""
    return datetime.now(SHANGHAI).date()

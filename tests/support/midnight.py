"""The day ends in Asia/Shanghai while the tests run, at any minute of theirs."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta

from shared.kernel.clock import SHANGHAI

# Nearly every test is over in this time; what takes longer asks for the day once.
TOO_LATE_TO_BEGIN = timedelta(seconds=60)


def seconds_to_wait(now: datetime) -> float:
    """How long a test that would begin at this moment waits: to the next day's first moment, if that is near."""
    tomorrow = now.astimezone(SHANGHAI).date() + timedelta(days=1)
    # Two times of one zone would be subtracted by what the wall clock shows; these are moments.
    left = datetime.combine(tomorrow, time(), SHANGHAI).astimezone(UTC) - now.astimezone(UTC)
    return left.total_seconds() if left <= TOO_LATE_TO_BEGIN else 0.0

"""When a message may be sent to a person: at once, at the hour of their digest, never within their quiet hours. Pure;
the moment is an argument."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, time, timedelta

from services.notifications.delivery_events import Digest
from shared.kernel.clock import SHANGHAI

_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Habits:
    """As in ContactSet; hours are Shanghai's."""

    digest: Digest = "at_once"
    digest_hour: int = 8
    digest_weekday: int = 0
    quiet_from: int | None = None
    quiet_to: int | None = None
    urgent_breaks_quiet: bool = True

    def is_quiet(self, hour: int) -> bool:
        """Whether this hour of the day is one of the quiet ones."""
        if self.quiet_from is None or self.quiet_to is None or self.quiet_from == self.quiet_to:
            return False
        if self.quiet_from < self.quiet_to:
            return self.quiet_from <= hour < self.quiet_to
        return hour >= self.quiet_from or hour < self.quiet_to


def due_at(now: datetime, habits: Habits, *, urgent: bool) -> datetime:
    """The first moment from ``now`` on at which it may be sent. What is urgent waits for no digest."""
    due = now if urgent or habits.digest == "at_once" else _digest(now, habits)
    return due if urgent and habits.urgent_breaks_quiet else _after_quiet(due, habits)


def together(habits: Habits, *, urgent: bool) -> bool:
    """Whether it goes out with others in one digest."""
    return habits.digest != "at_once" and not urgent


def _digest(now: datetime, habits: Habits) -> datetime:
    local = now.astimezone(SHANGHAI)
    due = datetime.combine(local.date(), time(habits.digest_hour), SHANGHAI)
    while due <= local or (habits.digest == "weekly" and due.weekday() != habits.digest_weekday):
        due += _DAY
    return due.astimezone(now.tzinfo)


def _after_quiet(due: datetime, habits: Habits) -> datetime:
    local = due.astimezone(SHANGHAI)
    if not habits.is_quiet(local.hour):
        return due
    assert habits.quiet_to is not None
    ends = datetime.combine(local.date(), time(habits.quiet_to), SHANGHAI)
    return (ends if ends > local else ends + _DAY).astimezone(due.tzinfo)

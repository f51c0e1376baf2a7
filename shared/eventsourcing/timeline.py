"""The timeline of one entity: assertions in, periods out. Pure, and indifferent to the order of arrival.

Each day on which something was asserted begins exactly one period. Of two assertions for one day and column the one
with the higher log index wins, whichever arrives first; that is why the periods remember who set what. So partitions
may interleave, facts may come late, and a repeat changes nothing: the same assertions always give the same rows.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Collection, Mapping, Sequence
from datetime import date
from typing import Any

from shared.eventsourcing.open_dates import FOREVER


class Period:
    """One row. ``values`` by column position; bit i of ``marks``: column i was set from ``valid_from`` on;
    ``set_by``: log index per set column (0 where not set), or None when all were set by ``log_index``."""

    __slots__ = ("dirty", "fresh", "log_index", "marks", "set_by", "valid_from", "valid_to", "values")

    def __init__(
        self,
        valid_from: date,
        valid_to: date,
        values: list[Any],
        marks: int,
        log_index: int,
        set_by: list[int] | None,
        *,
        fresh: bool = False,
    ) -> None:
        self.valid_from, self.valid_to, self.values = valid_from, valid_to, values
        self.marks, self.log_index, self.set_by = marks, log_index, set_by
        self.fresh = self.dirty = fresh

    def setter(self, position: int) -> int:
        """Log index of the event that set this column from ``valid_from`` on; 0 if none did."""
        if not self.marks >> position & 1:
            return 0
        return self.log_index if self.set_by is None else self.set_by[position]

    def replace_all(self, log_index: int, values: Collection[tuple[int, Any]]) -> bool:
        """Set these columns if that leaves none of an earlier event's, which is how nearly every event comes; whether
        it did."""
        if self.set_by is not None or log_index < self.log_index:
            return False
        marks = 0
        for position, _ in values:
            marks |= 1 << position
        if self.marks & ~marks:
            return False
        own = self.values
        for position, value in values:
            own[position] = value
        self.marks, self.log_index, self.dirty = marks, log_index, True
        return True

    def _mark(self, position: int, log_index: int) -> None:
        """Remember that ``log_index`` set this column; it is never lower than the one before."""
        bit = 1 << position
        if self.set_by is None:
            if log_index == self.log_index or not self.marks & ~bit:
                self.marks |= bit
                self.log_index = log_index
                return
            self.set_by = [self.log_index if self.marks >> i & 1 else 0 for i in range(len(self.values))]
        self.marks |= bit
        self.set_by[position] = log_index
        self.log_index = max(self.set_by)
        if all(setter in (0, self.log_index) for setter in self.set_by):
            self.set_by = None


class Timeline:
    """The periods of one entity, by ``valid_from``, without holes. ``width`` is the number of declared columns."""

    __slots__ = ("known", "periods", "width")

    def __init__(self, width: int, periods: Sequence[Period] = ()) -> None:
        self.width, self.periods = width, list(periods)
        self.known = bool(self.periods)

    def assert_from(self, effective_on: date, log_index: int, values: Collection[tuple[int, Any]]) -> None:
        """Set columns (by position) from a day on. Assertions of one event arrive in their own order; the last wins."""
        periods = self.periods
        index = len(periods) - 1
        if index < 0 or periods[index].valid_from != effective_on:
            index = self._begin(effective_on, log_index)
        period = periods[index]
        if index == len(periods) - 1 and period.replace_all(log_index, values):
            return
        for position, value in values:
            if period.setter(position) > log_index:
                continue
            period._mark(position, log_index)
            period.values[position] = value
            period.dirty = True
            for later in periods[index + 1 :]:
                if later.marks >> position & 1:
                    break
                later.values[position] = value
                later.dirty = True

    def forget(self, erased: Collection[int], tombstones: Mapping[int, Any]) -> None:
        """Replace what events of these log indexes set, in these columns (by position), by the tombstones: the periods
        are then what those events give with nothing personal left in them."""
        for position, tombstone in tombstones.items():
            setter = 0
            for period in self.periods:
                setter = period.setter(position) or setter
                if setter in erased and period.values[position] != tombstone:
                    period.values[position], period.dirty = tombstone, True

    def _begin(self, effective_on: date, log_index: int) -> int:
        """The index of the period that begins on this day, after splitting the one it falls into if need be."""
        periods = self.periods
        after = bisect_right(periods, effective_on, key=_valid_from)
        if after and periods[after - 1].valid_from == effective_on:
            return after - 1
        valid_to, values = FOREVER, [None] * self.width
        if after < len(periods):
            valid_to = periods[after].valid_from
        if after:
            before = periods[after - 1]
            before.valid_to, before.dirty = effective_on, True
            values = before.values.copy()
        periods.insert(after, Period(effective_on, valid_to, values, 0, log_index, None, fresh=True))
        return after

    @property
    def changed(self) -> list[Period]:
        """The periods that differ from what was loaded."""
        return [period for period in self.periods if period.dirty]


def _valid_from(period: Period) -> date:
    return period.valid_from

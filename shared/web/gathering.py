"""Refusals gathered in memory, a minute at a time: what happens ten thousand times becomes one event with a count.

Bounded on purpose: who is refused a thousand different things in a minute fills neither the log nor the memory, and
pushes nobody else's refusals out. What is beyond the bounds is counted, never lost.
"""

from __future__ import annotations

import threading
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from shared.kernel.acts import OTHERS

KEPT_A_MINUTE = 500  # different refusals; one event each
KEPT_EACH = 20  # of them, of one person; nobody's (a token that cannot be believed) count as one person's
IDS_EACH = 10  # records a refusal names


class Refused(NamedTuple):
    """What makes two refusals the same one, as in :class:`shared.kernel.acts.RefusedFields`."""

    viewer: str | None
    post: str
    kind: str
    method: str
    route: str
    reason: str
    division_code: str | None
    school_code: str | None
    agency: str | None
    emergency: str | None


@dataclass
class Counted:
    """How often, when, and which records it was about (the first IDS_EACH)."""

    first_at: datetime
    last_at: datetime
    times: int = 0
    records: dict[UUID, None] = field(default_factory=dict)
    students: dict[UUID, None] = field(default_factory=dict)

    def add(self, first_at: datetime, last_at: datetime, times: int) -> None:
        self.first_at, self.last_at = min(self.first_at, first_at), max(self.last_at, last_at)
        self.times += times


Minute = dict[Refused, Counted]


class Gathering:
    """The refusals of the minutes that are not written yet. ``division``: the installation's, which sees what nobody's
    place is known of. Thread-safe."""

    def __init__(self, division: str) -> None:
        self._nobody = Refused(None, "", "", "", "", OTHERS, division, None, None, None)
        self._minutes: dict[datetime, Minute] = {}
        self._lock = threading.Lock()

    def note(
        self, refused: Refused, at: datetime, records: Collection[UUID] = (), students: Collection[UUID] = ()
    ) -> None:
        """Count one refusal."""
        with self._lock:
            counted = self._counted(refused, at)
            counted.add(at, at, 1)
            for kept, ids in ((counted.records, records), (counted.students, students)):
                for each in ids:
                    if len(kept) < IDS_EACH:
                        kept[each] = None

    def merge(self, lost: Minute, into: Minute) -> None:
        """Count what could not be written for too long among the others of a later minute."""
        for each in lost.values():
            others = into.setdefault(self._nobody, Counted(each.first_at, each.last_at))
            others.add(each.first_at, each.last_at, each.times)

    def over(self, before: datetime | None) -> list[Minute]:
        """Take the minutes that ended by ``before`` (None: all), oldest first."""
        with self._lock:
            done = sorted(minute for minute in self._minutes if before is None or minute < _minute(before))
            return [self._minutes.pop(minute) for minute in done]

    def _counted(self, refused: Refused, at: datetime) -> Counted:
        kept = self._minutes.setdefault(_minute(at), {})
        rest = refused._replace(post="", method="", route="", reason=OTHERS)
        if refused not in kept and sum(each.viewer == refused.viewer for each in kept) >= KEPT_EACH:
            refused = rest
        if refused not in kept and len(kept) >= KEPT_A_MINUTE:
            refused = self._nobody
        return kept.setdefault(refused, Counted(at, at))


def _minute(at: datetime) -> datetime:
    return at.replace(second=0, microsecond=0)

"""What makes a sign-in worth a look by who administers accounts. Thresholds, each with its reason.

They raise questions and refuse nothing: a county's people do work at night before a deadline, and come from new places.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import NamedTuple

from shared.kernel.clock import SHANGHAI

MANY_REFUSED = 5  # a forgotten password is tried three or four times
SEVERAL_ADDRESSES = 3  # the office's and the telephone's are two; a third at the same time is somewhere else again
AGENT_CHARACTERS = 200
_VERSIONS = re.compile(r"[\d._]+")


class WorkingHours(NamedTuple):
    """Hours in Shanghai, half-open: from 6 to before 22 unless the county says otherwise (ROLLCALL_WORKING_HOURS),
    because attendance is reported from seven on and lists are finished late in the evening."""

    begins: int = 6
    ends: int = 22

    def at_night(self, now: datetime) -> bool:
        """Whether a moment lies outside of them."""
        return not self.begins <= now.astimezone(SHANGHAI).hour < self.ends


WORKING_HOURS = WorkingHours()


def device_of(agent: str) -> str:
    """What stays the same of a browser's name for itself when the browser is updated: everything but numbers."""
    return _VERSIONS.sub("", agent[:AGENT_CHARACTERS])

"""How many live lists a process holds open, and the descriptors they need."""

from __future__ import annotations

import os
import resource
from collections.abc import Mapping

from shared.web.live import SUBSCRIBERS


def live_lists(environ: Mapping[str, str] | None = None) -> int:
    """How many (ROLLCALL_LIVE_LISTS), with descriptors for them (two each where the portal passes one on) and as many
    again for everything else, as far as the system lets a process have them. Raises ValueError."""
    count = int((os.environ if environ is None else environ).get("ROLLCALL_LIVE_LISTS") or SUBSCRIBERS)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 3 * count if hard == resource.RLIM_INFINITY else min(3 * count, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    return count

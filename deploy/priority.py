"""Which parts of a machine with few cores go first."""

from __future__ import annotations

import os
from contextlib import suppress

_AUTOGROUP = "/proc/self/autogroup"  # Linux


def give_way(niceness: int) -> None:
    """Let other parts go first from now on; 0 changes nothing, 19 takes only what they leave over.

    Each part has a session of its own, and Linux divides the processor between sessions first: inside its session alone
    a process's niceness gives way to nobody. So the session's is set as well, where the kernel knows of one.
    """
    os.nice(niceness)
    with suppress(OSError), open(_AUTOGROUP, "w") as autogroup:
        autogroup.write(str(niceness))

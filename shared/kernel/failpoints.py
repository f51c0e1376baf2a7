"""Named steps at which a fault test may end this process the hard way.

``ROLLCALL_FAILPOINT=sequencer.committed:3`` kills the process with SIGKILL at the third passage of that step. Unset, a
step costs one dictionary look-up. Refused in production, so that no environment can be made to kill a live system.
"""

from __future__ import annotations

import os
import signal


def _armed() -> dict[str, int]:
    setting = os.environ.get("ROLLCALL_FAILPOINT", "")
    if not setting:
        return {}
    if os.environ.get("ROLLCALL_ENV") == "production":
        raise RuntimeError("ROLLCALL_FAILPOINT is a fault-test setting and is refused in production")
    name, _, count = setting.partition(":")
    return {name: int(count or 1)}


_remaining = _armed()


def step(name: str) -> None:
    """Pass the step ``name``; does not return if it is the armed one and its count is used up."""
    if not _remaining or name not in _remaining:
        return
    _remaining[name] -= 1
    if _remaining[name] <= 0:
        os.kill(os.getpid(), signal.SIGKILL)

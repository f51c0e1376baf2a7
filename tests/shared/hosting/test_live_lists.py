"""How many live lists a process holds open: as it is told, with the descriptors they need."""

from __future__ import annotations

import subprocess
import sys

import pytest

from shared.hosting.live_lists import live_lists
from shared.web.live import SUBSCRIBERS, SseHub

PROGRAM = """
import resource
from shared.hosting.live_lists import live_lists
resource.setrlimit(resource.RLIMIT_NOFILE, (256, 4_000))
print([(live_lists({"ROLLCALL_LIVE_LISTS": count}), resource.getrlimit(resource.RLIMIT_NOFILE)[0]) for count in %s])
"""


def test_descriptors_are_raised_as_far_as_the_system_lets_them_and_never_lowered() -> None:
    told = subprocess.run(
        [sys.executable, "-c", PROGRAM % ["1000", "10", "5000"]], capture_output=True, text=True, check=True
    )
    assert told.stdout.strip() == "[(1000, 3000), (10, 3000), (5000, 4000)]"


def test_one_more_than_the_process_was_told_is_refused() -> None:
    assert live_lists({}) == SUBSCRIBERS
    hub = SseHub("", subscribers=2)
    kept = [hub.subscribe(["messages"], None, 1_000) for _ in range(2)]
    with pytest.raises(OverflowError):
        hub.subscribe(["messages"], None, 1_000)
    hub.leave(kept[0])
    hub.subscribe(["messages"], None, 1_000)

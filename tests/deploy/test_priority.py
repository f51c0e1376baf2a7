"""What follows gives way to what is told, although every part is a session of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

AUTOGROUP = Path("/proc/self/autogroup")
GIVING_WAY = (
    "import os; from deploy.priority import give_way; give_way(5);"
    " print(os.nice(0), open('/proc/self/autogroup').read().split()[-1])"
)


@pytest.mark.skipif(not AUTOGROUP.exists(), reason="this kernel divides the processor between processes")
def test_a_part_that_gives_way_does_so_with_its_whole_session() -> None:
    told = subprocess.run(
        [sys.executable, "-c", GIVING_WAY], start_new_session=True, capture_output=True, text=True, check=True
    )
    assert told.stdout.split() == [str(os.nice(0) + 5), "5"]

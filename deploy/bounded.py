"""Runs a module with nothing to lose: ``python -m deploy.bounded MEMORY_BYTES FILE_BYTES MODULE [ARGUMENT…]``.

The limits are set here, in the process that then becomes the module: a parent with threads may run no code between
fork and exec.
"""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import sys

_DIE_WITH_PARENT = 1  # PR_SET_PDEATHSIG of Linux
_NICENESS = 10  # a long piece of work must not slow the pages


def main() -> None:
    """Bound this process, then become the module. Raises ValueError for a limit above the one already set."""
    memory_bytes, file_bytes, module, *arguments = sys.argv[1:]
    resource.setrlimit(resource.RLIMIT_AS, (int(memory_bytes), int(memory_bytes)))
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(file_bytes), int(file_bytes)))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # a core would hold the lists
    os.nice(_NICENESS)
    if sys.platform == "linux":  # elsewhere the work ends at its time limit or when it writes
        ctypes.CDLL(None).prctl(_DIE_WITH_PARENT, signal.SIGKILL)
    os.execv(sys.executable, [sys.executable, "-m", module, *arguments])  # noqa: S606 - no shell is wanted # nosec B606


if __name__ == "__main__":
    main()

"""The loop that reads agencies' topics, as a process that may be killed.

Settings come from the environment; it ends with its standard input.
"""

from __future__ import annotations

import sys
import threading

from services.registry.app import build
from shared.hosting.settings import Settings


def main() -> None:
    """Run the loop until the parent closes the pipe."""
    service = build(Settings.from_environment("registry"))
    worker = next(each for each in service.workers if each.name == "agency-topics")
    stop = threading.Event()
    thread = threading.Thread(target=worker.run, args=(stop,))
    thread.start()
    sys.stdin.read()
    stop.set()
    thread.join()


if __name__ == "__main__":
    main()

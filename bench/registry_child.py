"""The registry in a process of its own, so that its memory is measured whole: prepares it, or takes files in.

python -m bench.registry_child LIST FILE [--annotated OUT]      one JSON line: rows, rejected, seconds, cpu_seconds

Settings come from the environment, as for any process of the registry (bench/registry_stage.py sets them), and the
cycle collector is calmed as in one.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import sys
import time
import uuid
from datetime import date
from pathlib import Path

from services.registry.app import build
from services.registry.handlers import Registry
from services.registry.keys import Keys
from services.registry.lists.submissions import AGENCIES, Submission, Submissions
from shared.eventsourcing.store import Command
from shared.hosting.collecting import calm_collector
from shared.hosting.runtime import prepared
from shared.hosting.settings import Settings

TERM = date(2026, 9, 1)


def main() -> None:
    """Take one file in, or with --annotated check it and write it again."""
    parser = argparse.ArgumentParser()
    parser.add_argument("list")
    parser.add_argument("file", type=Path)
    parser.add_argument("--annotated", type=Path)
    asked = parser.parse_args()
    settings = Settings.from_environment("registry")
    service = build(settings)
    prepared(service, settings)
    keys = Keys(settings.hmac_key)
    registry = Registry(service.database, service.store, service.keyring, keys, settings.division)
    content = hashlib.sha256(asked.file.read_bytes()).hexdigest()
    submission = Submission(
        asked.list,
        AGENCIES[asked.list],
        "snapshot",
        TERM,
        asked.file,
        asked.file.name,
        content,
        annotated=asked.annotated,
    )
    calm_collector()
    command = Command("bench", uuid.uuid4(), content.encode())
    began, used = time.perf_counter(), _processor_seconds()
    receipt = Submissions(registry).receive(submission, command, dry_run=asked.annotated is not None)
    seconds, cpu_seconds = time.perf_counter() - began, _processor_seconds() - used
    told = {"rows": receipt.rows, "rejected": receipt.rejected, "seconds": seconds, "cpu_seconds": cpu_seconds}
    sys.stdout.write(json.dumps(told) + "\n")


def _processor_seconds() -> float:
    """Of this process and of the parsers it waited for."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


if __name__ == "__main__":
    main()

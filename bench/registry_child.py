"""The registry in a process of its own, so that its memory is measured whole: prepares it, or takes files in.

python -m bench.registry_child LIST FILE [--annotated OUT]      one JSON line: rows, rejected, seconds

Settings come from the environment, as for any process of the registry (bench/registry_stage.py sets them).
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
import time
import uuid
from datetime import date
from pathlib import Path

from services.registry.app import build
from services.registry.handlers import Registry
from services.registry.keys import Keys
from services.registry.submissions import AGENCIES, Submission, Submissions
from shared.eventsourcing.store import Command
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
    command = Command("bench", uuid.uuid4(), content.encode())
    began = time.perf_counter()
    receipt = Submissions(registry).receive(submission, command, dry_run=asked.annotated is not None)
    seconds = time.perf_counter() - began
    told = {"rows": receipt.rows, "rejected": receipt.rejected, "seconds": seconds}
    sys.stdout.write(json.dumps(told) + "\n")


if __name__ == "__main__":
    main()

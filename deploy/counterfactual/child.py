"""Counterfactuals computed in a process of their own: it alone holds the keys of the other services' ids, it may take
only so much memory and time, and whatever becomes of it, audit goes on."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from services.audit.counterfactuals.answer import CounterfactualAnswer
from services.audit.counterfactuals.desk import Job, Report
from shared.kernel.refusals import Refusal

MEMORY_BYTES = 4 << 30  # address space
FILE_BYTES = 1 << 30
SECONDS = 3 * 3600.0
_PROJECT = Path(__file__).resolve().parent.parent.parent


class CounterfactualFailed(Exception):
    """The process ended without an answer."""


class Told(Refusal):
    """A refusal of the process, as it told it."""

    def __init__(self, told: dict[str, Any]) -> None:
        super().__init__(told["zh"], told["en"], **told["facts"])
        self.code = told["code"]  # type: ignore[misc]  # of the class in the process, which is not known here


def command() -> list[str]:
    """The command line of the process."""
    return [sys.executable, "-m", "deploy.bounded", str(MEMORY_BYTES), str(FILE_BYTES), "deploy.counterfactual"]


def compute(job: Job, report: Report) -> CounterfactualAnswer:
    """Have it computed; everything the process needs to know stands in its environment, as in this one's."""
    return computed(command(), job, report)


def computed(
    line: Sequence[str], job: Job, report: Report, environment: dict[str, str] | None = None
) -> CounterfactualAnswer:
    """What the process that this command line starts answers. Raises what it refuses, CounterfactualFailed."""
    asked = {
        "changes": msgspec.to_builtins(job.changes),
        "known_at": job.known_at.isoformat(),
        "files": {name: str(path) for name, path in job.files.items()},
    }
    with subprocess.Popen(
        line,
        cwd=_PROJECT,
        env=environment or dict(os.environ),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as child:
        late = threading.Timer(SECONDS, child.kill)
        late.daemon = True
        late.start()
        try:
            assert child.stdin is not None and child.stdout is not None
            child.stdin.write(json.dumps(asked))
            child.stdin.close()
            for text in child.stdout:
                told = json.loads(text)
                if "answer" in told:
                    return CounterfactualAnswer.model_validate(told["answer"])
                if "refused" in told:
                    raise Told(told["refused"])
                report(told["rerun"], told["fed"])
        finally:
            late.cancel()
            child.kill()
    raise CounterfactualFailed(f"the process ended with {child.returncode}")

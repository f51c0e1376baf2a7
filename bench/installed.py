"""A whole installation of one's own for a benchmark: every service, Kafka, PostgreSQL and the portal, and what each
part uses of the machine."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

from bench.live import MEBIBYTE, free_ports
from deploy import local
from deploy.spec import Installation
from deploy.status import gather


@contextmanager
def installed() -> Iterator[Installation]:
    """Started in a temporary home on free ports, ended with all that was written."""
    home = Path(tempfile.mkdtemp(prefix="rollcall-bench-"))
    os.environ["ROLLCALL_HOME"], os.environ["ROLLCALL_PORT"] = str(home), str(free_ports())
    os.environ["ROLLCALL_RATES"] = "off"  # what it can do is measured, not what it allows one person
    installation = Installation.from_environment()
    try:
        local.ensure_running(installation, lambda line: None)
        yield installation
    finally:
        local.bring_down(installation)
        shutil.rmtree(home, ignore_errors=True)


def part_processes(installation: Installation) -> dict[str, int]:
    """Name → process id of each part that runs."""
    return {part.name: part.pid for part in gather(installation).parts if part.pid is not None}


def processor_by_part(processes: Mapping[str, int]) -> dict[str, float]:
    """Processor seconds of each part so far, of its children too, and of this process as ``client``."""
    found = {"client": sum(psutil.Process().cpu_times()[:2])}
    for name, pid in processes.items():
        family = psutil.Process(pid)
        found[name] = sum(family.cpu_times()[:4])
        for child in family.children(recursive=True):
            with suppress(psutil.NoSuchProcess):  # ended since: counted with its parent
                found[name] += sum(child.cpu_times()[:4])
    return found


def memory_mib(installation: Installation) -> int:
    """Resident memory of all parts; pages they share count in each."""
    return round(sum(part.memory_bytes or 0 for part in gather(installation).parts) / MEBIBYTE)

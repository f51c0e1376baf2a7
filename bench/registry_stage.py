"""A PostgreSQL for the registry alone, a synthetic county as files, and the child process that takes one in."""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import psutil

from bench.stage import processor_seconds
from deploy.ports import free_port
from deploy.postgres import EmbeddedPostgres
from deploy.spec import PROJECT

DIVISION = "469080"
LOOK_SECONDS = 0.02


class Taken(NamedTuple):
    """``cpu_seconds``: processor time of the child process and its parser; ``peak_mib``: their memory;
    ``server_cpu_seconds``: processor time of PostgreSQL meanwhile."""

    rows: int
    rejected: int
    seconds: float
    cpu_seconds: float
    peak_mib: float
    server_cpu_seconds: float


@dataclass(frozen=True)
class RegistryStage:
    """``variables``: the environment of the child; ``server``: the process id of PostgreSQL."""

    home: Path
    variables: dict[str, str]
    server: int

    def take(self, list_name: str, file: Path, *more: str) -> Taken:
        """One file through a registry of its own process."""
        return self.measured("bench.registry_child", list_name, str(file), *more)

    def measured(self, module: str, *arguments: str) -> Taken:
        """A child that ends with a line of JSON: the first four fields of Taken."""
        command = [sys.executable, "-m", module, *arguments]
        used = processor_seconds(self.server)
        child = psutil.Popen(command, env=self.variables, cwd=PROJECT, stdout=subprocess.PIPE, text=True)
        peak_bytes = 0
        while child.poll() is None:
            peak_bytes = max(peak_bytes, _memory_bytes(child))
            time.sleep(LOOK_SECONDS)
        if child.returncode != 0:
            raise RuntimeError(f"{module} failed")
        told = json.loads(child.stdout.read().splitlines()[-1])
        used = processor_seconds(self.server) - used
        return Taken(**told, peak_mib=peak_bytes / 1_048_576, server_cpu_seconds=used)


def _memory_bytes(process: psutil.Process) -> int:
    """Resident memory of a process and of what it started; pages they share count in each."""
    total = 0
    for each in (process, *process.children(recursive=True)):
        with suppress(psutil.NoSuchProcess):
            total += each.memory_info().rss
    return total


@contextmanager
def registry_postgres() -> Iterator[tuple[Path, EmbeddedPostgres]]:
    """A home and its PostgreSQL, with the settings of a real installation (fsync on); ended with all that was
    written."""
    home = Path(tempfile.mkdtemp(prefix="rollcall-bench-"))
    with ExitStack() as stack:
        stack.callback(shutil.rmtree, home, ignore_errors=True)
        postgres = EmbeddedPostgres(home, free_port())
        stack.callback(postgres.stop, 10.0)
        postgres.start()
        yield home, postgres


@contextmanager
def registry_stage() -> Iterator[RegistryStage]:
    """For registries in processes of their own."""
    with registry_postgres() as (home, postgres):
        key = base64.b64encode(bytes(range(32))).decode()
        variables = {
            **os.environ,
            "PYTHONPATH": str(PROJECT),
            "ROLLCALL_HOME": str(home),
            "ROLLCALL_DIVISION": DIVISION,
            "ROLLCALL_ENV": "test",
            "ROLLCALL_RATES": "off",
            "KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1",
            "ROLLCALL_ADMIN_DATABASE_URL": postgres.dsn(),
            "ROLLCALL_SECRET_KEK": key,
            **{f"ROLLCALL_SECRET_{name}": key for name in ("HMAC_REGISTRY", "HMAC_ACCESS", "ACCESS_SIGNING")},
        }
        assert postgres.identity is not None, "it was just started"
        yield RegistryStage(home, variables, postgres.identity.pid)

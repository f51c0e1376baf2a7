"""A PostgreSQL for the registry alone, a synthetic county as files, and the child process that takes one in."""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from deploy.ports import free_port
from deploy.postgres import EmbeddedPostgres
from deploy.spec import PROJECT

DIVISION = "469080"


class Taken(NamedTuple):
    """``peak_mib``: memory of the whole child process and its parser."""

    rows: int
    rejected: int
    seconds: float
    peak_mib: float


@dataclass(frozen=True)
class RegistryStage:
    """``variables``: the environment of the child."""

    home: Path
    variables: dict[str, str]

    def take(self, list_name: str, file: Path, *more: str) -> Taken:
        """One file through a registry of its own process."""
        command = [sys.executable, "-m", "bench.registry_child", list_name, str(file), *more]
        done = subprocess.run(command, env=self.variables, cwd=PROJECT, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise RuntimeError(f"the registry failed: {done.stderr[-2000:]}")
        return Taken(**json.loads(done.stdout.splitlines()[-1]))


@contextmanager
def registry_stage() -> Iterator[RegistryStage]:
    """Started with the settings of a real installation (fsync on), ended with everything it wrote."""
    home = Path(tempfile.mkdtemp(prefix="rollcall-bench-"))
    with ExitStack() as stack:
        stack.callback(shutil.rmtree, home, ignore_errors=True)
        postgres = EmbeddedPostgres(home, free_port())
        stack.callback(postgres.stop, 10.0)
        postgres.start()
        key = base64.b64encode(bytes(range(32))).decode()
        variables = {
            **os.environ,
            "PYTHONPATH": str(PROJECT),
            "ROLLCALL_HOME": str(home),
            "ROLLCALL_DIVISION": DIVISION,
            "ROLLCALL_ENV": "test",
            "KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1",
            "ROLLCALL_ADMIN_DATABASE_URL": postgres.dsn(),
            "ROLLCALL_SECRET_KEK": key,
            "ROLLCALL_SECRET_HMAC_REGISTRY": key,
        }
        yield RegistryStage(home, variables)

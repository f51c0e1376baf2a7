"""What a running installation tells other commands: `<home>/state.json`, replaced as a whole at every change."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Literal

from deploy.processes import ProcessIdentity, write_atomically

Phase = Literal["starting", "running", "stopping", "failed"]


@dataclass(frozen=True)
class PartState:
    """One process as the supervisor sees it."""

    name: str
    pid: int | None
    port: int | None
    state: Literal["starting", "ready", "restarting", "stopped"]
    restarts: int = 0


@dataclass(frozen=True)
class State:
    """One installation as its supervisor sees it. Carries no secret."""

    supervisor: ProcessIdentity
    phase: Phase
    message: str
    port: int
    page: str
    kafka_bootstrap: str | None = None
    parts: tuple[PartState, ...] = field(default=())

    def alive(self) -> bool:
        """Whether the supervisor that wrote this still runs."""
        return self.supervisor.alive()

    def save(self, home: Path) -> None:
        """Replace the state file."""
        write_atomically(_path(home), json.dumps(asdict(self), ensure_ascii=False, indent=1), mode=0o600)

    @classmethod
    def load(cls, home: Path) -> State | None:
        """The last state written, or None when there is none that can be read."""
        try:
            fields = json.loads(_path(home).read_text())
            fields["supervisor"] = ProcessIdentity(**fields["supervisor"])
            fields["parts"] = tuple(PartState(**part) for part in fields["parts"])
            return cls(**fields)
        except (FileNotFoundError, ValueError, KeyError, TypeError):
            return None


def _path(home: Path) -> Path:
    return home / "state.json"

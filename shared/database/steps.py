"""The schema as numbered steps, each run once per database and never changed afterwards.

A step is recorded with a hash of its text; a recorded step whose text differs is refused, because databases that ran
the old text would silently differ from new ones. To change the schema, append a step to ``STEPS``.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any, NamedTuple

import psycopg

from shared.database.build_tables import BUILD_TABLES
from shared.database.event_tables import EVENT_TABLES
from shared.database.transparency_tables import TRANSPARENCY_TABLES

_RECORD = """
CREATE TABLE IF NOT EXISTS schema_steps (
    name text PRIMARY KEY,
    hash text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now()
)
"""


class Step(NamedTuple):
    """One change of the schema: a unique, ordered ``name`` and its SQL (several statements, no parameters)."""

    name: str
    sql: str

    @property
    def hash(self) -> str:
        """SHA-256 of the text, hexadecimal."""
        return hashlib.sha256(self.sql.encode()).hexdigest()


class StepChanged(Exception):
    """A step that this database has already run was edited afterwards."""


STEPS: tuple[Step, ...] = (
    Step("0001-events", EVENT_TABLES),
    Step("0002-builds", BUILD_TABLES),
    Step("0003-transparency", TRANSPARENCY_TABLES),
)


def apply_steps(connection: psycopg.Connection[Any], steps: Sequence[Step]) -> list[str]:
    """Run the steps this database has not seen, in the caller's transaction; the names of those that ran.

    Raises StepChanged, and ValueError for two steps of one name.
    """
    if len({step.name for step in steps}) != len(steps):
        raise ValueError("two schema steps share a name")
    connection.execute(_RECORD)
    seen = dict(connection.execute("SELECT name, hash FROM schema_steps").fetchall())
    ran = []
    for step in steps:
        if step.name in seen:
            if seen[step.name] != step.hash:
                raise StepChanged(f"schema step {step.name} was changed after it ran; append a new step instead")
            continue
        connection.execute(step.sql.encode())
        connection.execute("INSERT INTO schema_steps (name, hash) VALUES (%s, %s)", (step.name, step.hash))
        ran.append(step.name)
    return ran

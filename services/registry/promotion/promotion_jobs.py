"""Promotions under way: how far each came stands beside the facts, changed only in the transaction that appends them,
so that any process goes on where another one ended (invariant 3)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Literal
from uuid import UUID

import msgspec

from services.registry.jobs.job_rows import JobRows, Raw
from services.registry.promotion.promotion import OUTCOMES, Looked, Promotion

STEPS: tuple[tuple[str, str], ...] = (
    (
        "registry-year-0001-promotions",
        """
-- tally, undo_tally: outcomes counted per school, JSON; done_until: the last student looked at in this direction.
CREATE TABLE promotions (
    promotion_id uuid PRIMARY KEY,
    number bigint GENERATED ALWAYS AS IDENTITY,
    state text NOT NULL CHECK (state IN ('running', 'finished', 'undoing', 'undone')),
    day date NOT NULL,
    division_code text NOT NULL,
    school_code text,
    stage text,
    started_by text NOT NULL,
    started_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    finished_at timestamptz,
    expected bytea NOT NULL,
    tally bytea NOT NULL DEFAULT '{}',
    undo_tally bytea NOT NULL DEFAULT '{}',
    chunk integer NOT NULL DEFAULT 0,
    done_until uuid
);
CREATE INDEX promotions_open ON promotions (number) WHERE state IN ('running', 'undoing');
GRANT SELECT, INSERT, UPDATE ON promotions TO rollcall_app;
""",
    ),
)

State = Literal["running", "finished", "undoing", "undone"]
_FIRST = UUID(int=0)


@dataclass
class Tally:
    """School → outcome (or ``skipped:reason``) → students."""

    schools: dict[str, dict[str, int]] = field(default_factory=dict)

    @classmethod
    def of(cls, kept: bytes) -> Tally:
        return cls(msgspec.json.decode(kept, type=dict[str, dict[str, int]]))

    def kept(self) -> bytes:
        return msgspec.json.encode(self.schools)

    def note(self, school_code: str, outcome: str) -> None:
        counts = self.schools.setdefault(school_code, {})
        counts[outcome] = counts.get(outcome, 0) + 1

    def note_looked(self, looked: Looked) -> None:
        self.note(looked.school_code, f"skipped:{looked.reason}" if looked.reason else looked.outcome)

    def total(self) -> Counter[str]:
        """Outcome → students of all schools."""
        found: Counter[str] = Counter()
        for counts in self.schools.values():
            found.update(counts)
        return found

    @property
    def looked_at(self) -> int:
        return self.total().total()


def outcomes(counts: Mapping[str, int]) -> tuple[dict[str, int], dict[str, int]]:
    """Counts as (outcome → students, reason → students skipped); the outcomes balance to all of them."""
    skipped = {name.partition(":")[2]: count for name, count in sorted(counts.items()) if name.startswith("skipped:")}
    found: dict[str, int] = {name: counts.get(name, 0) for name in OUTCOMES if name != "skipped"}
    return found, skipped


@dataclass(frozen=True)
class Job:
    """One promotion as far as it came. ``expected``, ``tally`` and ``undo_tally`` are JSON."""

    promotion_id: UUID
    number: int
    state: State
    day: date
    division_code: str
    school_code: str | None
    stage: str | None
    started_by: str
    started_at: datetime
    finished_at: datetime | None
    expected: bytes
    tally: bytes
    undo_tally: bytes
    chunk: int
    done_until: UUID | None

    @property
    def after(self) -> UUID:
        """Students beyond this id are still to be looked at."""
        return self.done_until or _FIRST


JOBS = JobRows("promotions", "promotion_id", Job, ("running", "undoing"))


def begin(raw: Raw, promotion: Promotion, expected: Mapping[str, int], started_by: str) -> None:
    """Put a promotion behind those that wait already."""
    raw.execute(
        "INSERT INTO promotions (promotion_id, state, day, division_code, school_code, stage, started_by, expected)"
        " VALUES (%s, 'running', %s, %s, %s, %s, %s, %s)",
        (
            *(promotion.promotion_id, promotion.day, promotion.division_code, promotion.school_code, promotion.stage),
            *(started_by, msgspec.json.encode(expected)),
        ),
    )


def begin_undo(raw: Raw, promotion_id: UUID) -> None:
    """Start again at the first student, in the other direction."""
    raw.execute(
        "UPDATE promotions SET state = 'undoing', chunk = 0, done_until = NULL, finished_at = NULL"
        " WHERE promotion_id = %s",
        (promotion_id,),
    )


def finish(raw: Raw, job: Job) -> None:
    """Nobody is left to look at."""
    raw.execute(
        "UPDATE promotions SET state = %s, finished_at = clock_timestamp() WHERE promotion_id = %s",
        ("finished" if job.state == "running" else "undone", job.promotion_id),
    )

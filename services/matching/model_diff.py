"""What another model would decide otherwise, counted row by row. Pure; names nobody.

The report is canonical JSON and known by its SHA-256. It holds the counts and a digest of the rows that change: SHA-256
over one line of canonical JSON for each, by entry id. The same rows under the same two models give the same report.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from typing import Any, NamedTuple
from uuid import UUID

from services.matching.ladder import LADDER_VERSION
from services.matching.outcome import Outcome, State
from services.matching.scoring import Model, changed_weights

FORMAT = 1
LINKED, REVIEW = State.LINKED.value, State.REVIEW.value


class Ending(NamedTuple):
    """How a row ends: its state, the student it is linked to (None: to nobody), the rung that decided and its score."""

    state: str
    student_id: UUID | None
    rule: str
    score: float


class ChangedRow(NamedTuple):
    """A row that ends in another state, or linked to another student."""

    entry_id: UUID
    before: Ending
    after: Ending

    def line(self) -> bytes:
        """The row as one line of the digest."""
        sides = ([e.state, e.student_id and str(e.student_id), e.rule, e.score] for e in (self.before, self.after))
        return canonical([str(self.entry_id), *sides]) + b"\n"


@dataclass
class Tally:
    """Rows by (state before, state after): how many, and how many of them change. ``other_grounds``: rows that end
    alike, but by another rule, score, reason or with other candidates."""

    rows: dict[tuple[str, str], int] = field(default_factory=dict)
    changed: dict[tuple[str, str], int] = field(default_factory=dict)
    other_grounds: int = 0

    def note(self, entry_id: UUID, old: Outcome, new: Outcome) -> ChangedRow | None:
        """Count a row; what changes, or None."""
        before, after = ending(old), ending(new)
        states = before.state, after.state
        self.rows[states] = self.rows.get(states, 0) + 1
        if before[:2] != after[:2]:
            self.changed[states] = self.changed.get(states, 0) + 1
            return ChangedRow(entry_id, before, after)
        self.other_grounds += _grounds(old) != _grounds(new)
        return None

    def as_json(self) -> dict[str, Any]:
        """Plain JSON values; :meth:`of` reads them."""
        counts = [[*states, rows, self.changed.get(states, 0)] for states, rows in sorted(self.rows.items())]
        return {"counts": counts, "other_grounds": self.other_grounds}

    @classmethod
    def of(cls, raw: dict[str, Any]) -> Tally:
        """The tally in :meth:`as_json`'s values; {} is an empty one."""
        found = cls(other_grounds=raw.get("other_grounds", 0))
        for before, after, rows, changed in raw.get("counts", ()):
            found.rows[before, after] = rows
            if changed:
                found.changed[before, after] = changed
        return found


def ending(outcome: Outcome) -> Ending:
    """How an outcome ends a row."""
    student = outcome.student if outcome.state is State.LINKED else None
    assert student is None or isinstance(student, UUID), "a student of the register is known by her stream"
    return Ending(outcome.state.value, student, outcome.rule, outcome.score)


def _grounds(outcome: Outcome) -> tuple[object, ...]:
    return outcome.rule, outcome.score, outcome.reason, outcome.candidates


def digest(rows: Iterable[ChangedRow]) -> str:
    """The digest of the rows that change, given by entry id."""
    found = hashlib.sha256()
    for row in rows:
        found.update(row.line())
    return found.hexdigest()


def report(old: Model, new: Model, day: date, tally: Tally, rows_digest: str) -> bytes:
    """The report of ``day`` as canonical JSON."""
    changed = tally.changed.items()
    return canonical(
        {
            "format": FORMAT,
            "day": day.isoformat(),
            "ladder": LADDER_VERSION,
            "before": _named(old),
            "after": _named(new),
            "rows": sum(tally.rows.values()),
            "changed": sum(tally.changed.values()),
            "states": [
                {"before": before, "after": after, "rows": rows, "changed": tally.changed.get((before, after), 0)}
                for (before, after), rows in sorted(tally.rows.items())
            ],
            "newly_linked": sum(count for (before, after), count in changed if before != LINKED == after),
            "links_lost": sum(count for (before, after), count in changed if before == LINKED != after),
            "links_moved": sum(count for (before, after), count in changed if before == LINKED == after),
            "reviews_opened": sum(count for (before, after), count in changed if before != REVIEW == after),
            "reviews_closed": sum(count for (before, after), count in changed if before == REVIEW != after),
            "other_grounds": tally.other_grounds,
            "rows_digest": rows_digest,
            "weights": [each._asdict() for each in changed_weights(old, new)],
        }
    )


def _named(model: Model) -> dict[str, Any]:
    limits = model.thresholds
    return {
        "hash": model.hash,
        "name": model.name,
        "version": model.version,
        "automatic": limits.automatic,
        "review": limits.review,
    }


def canonical(value: Any) -> bytes:
    """Sorted keys, no blanks, UTF-8."""
    text = json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return text.encode()


def hash_of(content: bytes) -> str:
    """SHA-256 in hex."""
    return hashlib.sha256(content).hexdigest()

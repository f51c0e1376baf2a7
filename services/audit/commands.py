"""What may be asked of audit about erasing and keeping people's data, and about alarms. ``by`` is always who asks or
decides."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from services.audit.events import Ground


@dataclass(frozen=True)
class RequestErasure:
    """``rule_hash``: the rule of retention that has run out, when that is the ground."""

    student_id: UUID
    ground: Ground
    reason: str
    by: str
    rule_hash: str | None = None


@dataclass(frozen=True)
class ApproveErasure:
    student_id: UUID
    by: str


@dataclass(frozen=True)
class RefuseErasure:
    student_id: UUID
    reason: str
    by: str


@dataclass(frozen=True)
class ProposeHold:
    """``reference``: the number of the procedure."""

    student_id: UUID
    reason: str
    reference: str
    by: str


@dataclass(frozen=True)
class ProposeRelease:
    student_id: UUID
    reason: str
    by: str


@dataclass(frozen=True)
class ApproveHold:
    """A second person agrees with what is proposed: to place the hold, or to end it."""

    student_id: UUID
    by: str


@dataclass(frozen=True)
class AcknowledgeAlarm:
    """Take note of an alarm of ``log``; ``note``: what was found, or is being done."""

    log: str
    kind: str
    log_index: int
    note: str
    by: str


@dataclass(frozen=True)
class RecordErased:
    """What the eraser found when the keys were gone; as in PersonErased."""

    student_id: UUID
    people: tuple[UUID, ...]
    index: dict[str, tuple[int, ...]]
    streams: tuple[UUID, ...]
    looked_through: dict[str, int]
    left: tuple[UUID, ...]

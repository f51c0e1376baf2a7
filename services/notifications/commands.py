"""What may be asked of notifications. ``on`` is the command's day: the opened day for a policy, today for a person."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from uuid import UUID

from services.notifications.case_commands import CloseAlert as CloseAlert  # reached through this module
from services.notifications.case_commands import CloseReason as CloseReason
from services.notifications.events import AlertKind


@dataclass(frozen=True)
class RaiseAlert:
    """Asked by the policy. ``since`` is the day from which the child may be out of school."""

    kind: AlertKind
    student_id: UUID | None
    entry_id: UUID | None
    division_code: str
    school_code: str | None
    since: date
    evidence: tuple[UUID, ...]
    rules_hash: str
    explanation_code: str
    facts: dict[str, str]
    on: date
    grounds: tuple[UUID, ...] = ()
    subject: str | None = None


@dataclass(frozen=True)
class WithdrawAlert:
    """Asked by the policy: the reason fell away. ``unless_raised_on``: an alert that was raised on this very event
    stands; a calendar told later moves when an alert is due, it finds no child."""

    reason: str
    evidence: tuple[UUID, ...]
    on: date
    unless_raised_on: UUID | None = None


@dataclass(frozen=True)
class CloseReturned:
    """Asked by the policy: the child is back at school; ``evidence`` are the reports of the days she was there."""

    evidence: tuple[UUID, ...]
    on: date


@dataclass(frozen=True)
class SeeAlert:
    """A person has read it."""

    on: date

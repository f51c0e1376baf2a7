"""What may be asked of notifications. ``on`` is the command's day: the opened day for a policy, today for a person."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Literal
from uuid import UUID

from services.notifications.events import AlertKind

CloseReason = Literal["attending_again", "accepted_elsewhere", "exempt", "died", "mistaken"]


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
class SeeAlert:
    """A person has read it."""

    on: date


@dataclass(frozen=True)
class CloseAlert:
    """A person closes it on ``evidence``: a reference, nothing personal."""

    reason: CloseReason
    evidence: str
    on: date

"""What may be asked of notifications. ``on`` is the command's day: the opened day for a policy, today for a person."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import NamedTuple
from uuid import UUID

from services.notifications.case_commands import CloseAlert as CloseAlert  # reached through this module
from services.notifications.case_commands import CloseReason as CloseReason
from services.notifications.events import AlertKind


class Told(NamedTuple):
    """On which events, since when and with which values an alert's sentence is said."""

    since: date
    evidence: tuple[UUID, ...]
    facts: dict[str, str]


@dataclass(frozen=True)
class RaiseAlert:
    """Asked by the policy. ``since`` is the day from which the child may be out of school. ``latest``: what is told
    instead when the evidence was known already when the alert was closed. ``restates``: the evidence is a function of
    what was reported, and takes the place of another that an open alert was raised on."""

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
    latest: Told | None = None
    restates: bool = False


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

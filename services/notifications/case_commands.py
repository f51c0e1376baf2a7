"""What may be asked of a case. ``on`` is the command's day: today for a person, the opened day for the policy.

Part of commands.py in spirit; apart because a module holds one idea. Names, phones and notes are opened only to be
sealed under the child's key.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Literal, NamedTuple
from uuid import UUID

from services.notifications.case_events import (
    Agency,
    AgencyAction,
    NextStep,
    Outcome,
    ReferredTo,
    TeamRole,
    Way,
)

CloseReason = Literal["attending_again", "accepted_elsewhere", "exempt", "died", "mistaken"]


class Member(NamedTuple):
    """One of a team: with an account, or by name and phone."""

    principal: str | None = None
    name: str | None = None
    phone: str | None = None


class Document(NamedTuple):
    """A documented absence in force: the event that says so and its last day."""

    event_id: UUID
    last_day: date


class Evidence(NamedTuple):
    """What is on record of the child of a case on the day it is to be closed. ``present``: the reports of school days
    since the last absence that do not name her absent, of which ``present_needed`` are asked for; ``accepted``: the
    registry's event that another school has her, ``died`` that she died."""

    present: tuple[UUID, ...] = ()
    present_needed: int = 1
    accepted: UUID | None = None
    died: UUID | None = None
    documents: tuple[Document, ...] = ()


NOTHING = Evidence()


@dataclass(frozen=True)
class FormTeam:
    """A teacher, a village cadre and the family help one child; the township leads."""

    members: Mapping[TeamRole, Member]
    family: Literal["parent", "guardian"]
    on: date


@dataclass(frozen=True)
class LogAttempt:
    """``day``: when it was tried."""

    day: date
    way: Way
    by: tuple[TeamRole, ...]
    outcome: Outcome
    on: date
    next_on: date | None = None
    next_step: NextStep | None = None
    note: str | None = field(default=None, repr=False)


@dataclass(frozen=True)
class Refer:
    """To counselling."""

    day: date
    to: ReferredTo
    on: date
    reference: str | None = None
    note: str | None = field(default=None, repr=False)


@dataclass(frozen=True)
class NoteAction:
    """What another agency did."""

    day: date
    agency: Agency
    action: AgencyAction
    on: date
    reference: str | None = None
    note: str | None = field(default=None, repr=False)


@dataclass(frozen=True)
class StateMistake:
    """The alert is mistaken, says one person; another one closes it."""

    reference: str
    on: date


@dataclass(frozen=True)
class ConfirmDropout:
    """The child has dropped out and is not back."""

    reference: str
    on: date


@dataclass(frozen=True)
class CloseAlert:
    """A person closes it on ``evidence``: a reference, nothing personal. ``receipt``: the number under which another
    school took the child in; ``ends_on``: the last day of an exemption; ``by``: who closes."""

    reason: CloseReason
    evidence: str
    on: date
    receipt: str | None = None
    ends_on: date | None = None
    by: str = ""

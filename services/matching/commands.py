"""Intents of matching. Its own policy sends :class:`DecideRow`: a decision follows from rows, rules and rulings, never
from a wish. A person sends :class:`RuleRow`; two people change the model, by :class:`ProposeModel` and
:class:`ActivateModel`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from uuid import UUID

from services.matching.events import Verdict
from services.matching.outcome import Outcome


@dataclass(frozen=True, slots=True)
class RowFacts:
    """What a decision event carries of the row itself, beside the outcome.

    ``effective_on`` is the first day of the row's latest period; ``standing`` is false once it has left its list, then
    ``removal_reason`` says why. ``division_code`` answers for the row when it is linked to nobody.
    """

    entry_id: UUID
    list: str
    agency: str
    standing: bool
    removal_reason: str | None
    effective_on: date
    division_code: str
    household_type: str | None = None
    support_type: str | None = None
    area_type: str | None = None
    coverage: str | None = None
    disability_kind: int | None = None
    disability_grade: int | None = None
    valid_from: date | None = None
    valid_to: date | None = None


@dataclass(frozen=True, slots=True)
class StudentPlace:
    """Where a student of the register is: whose scope a decision about her belongs to."""

    division_code: str | None
    school_code: str | None


@dataclass(frozen=True, slots=True)
class DecideRow:
    """Let ``outcome`` be the decision about the row. ``place`` is the linked student's, or the single candidate's.
    ``school_age``: the listed person is of compulsory age that day. ``model``: version of the rules."""

    row: RowFacts
    outcome: Outcome | None
    place: StudentPlace | None
    school_age: bool
    model: str


@dataclass(frozen=True, slots=True)
class RuleRow:
    """A person decides about a row. ``students``: the one it is, or those it is not. ``seen``: digest of everything
    the person was shown, None when they did not say."""

    entry_id: UUID
    verdict: Verdict
    students: tuple[UUID, ...]
    by: str
    seen: str | None


@dataclass(frozen=True, slots=True)
class ProposeModel:
    """Let it be reckoned what the model in this JSON would change."""

    content: bytes
    by: str


@dataclass(frozen=True, slots=True)
class ActivateModel:
    """Let the proposed model decide from now on. ``report_hash``: of the report that was read."""

    proposal_id: UUID
    report_hash: str
    by: str

"""What may be asked of disbursement."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from uuid import UUID


@dataclass(frozen=True)
class ActivateProgramme:
    """``content`` is the programme's configuration as canonical JSON (see schedule.py)."""

    content: str
    effective_on: date


@dataclass(frozen=True)
class GrantEntitlement:
    """Asked by the policy: evidence was in force on ``effective_on`` for a student of a covered stage. The term is
    [term_begins, term_ends) as the calendar in force told it."""

    student_id: UUID
    programme: str
    term: str
    amount_fen: int
    stage: str
    boarder: bool
    division_code: str
    school_code: str
    evidence: tuple[UUID, ...]
    content_hash: str
    effective_on: date
    term_begins: date | None = None
    term_ends: date | None = None


@dataclass(frozen=True)
class WithdrawEntitlement:
    """Asked by the policy: what the entitlement stood on was never true."""

    reason: str
    evidence: tuple[UUID, ...]


@dataclass(frozen=True)
class DisburseAid:
    """Record that the whole amount was paid. ``reference`` is the bank's or the clerk's own number for the payment."""

    paid_on: date
    reference: str

"""What may be asked of access. ``by`` is the account that asks; times and secrets arrive beside these."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from uuid import UUID


@dataclass(frozen=True)
class OpenAccount:
    """``school_code``: the school that manages it, else the division does."""

    account_id: UUID
    login: str
    name: str
    division_code: str
    school_code: str | None
    by: str


@dataclass(frozen=True)
class CloseAccount:
    account_id: UUID
    by: str
    reason: str


@dataclass(frozen=True)
class EstablishPost:
    """The fields of PostEstablished."""

    post_id: UUID
    kind: str
    division_code: str
    school_code: str | None
    school_class: str | None
    agency: str | None
    by: str


@dataclass(frozen=True)
class FillPost:
    """``begins_on``: the first day on which the account holds it; ``until``: the first on which it no longer does."""

    post_id: UUID
    account_id: UUID
    by: str
    begins_on: date | None = None
    until: date | None = None


@dataclass(frozen=True)
class ChangeTenure:
    """As FillPost, of a post that the account holds."""

    post_id: UUID
    account_id: UUID
    begins_on: date | None
    until: date | None
    by: str


@dataclass(frozen=True)
class VacatePost:
    post_id: UUID
    by: str
    reason: str


@dataclass(frozen=True)
class ClosePost:
    post_id: UUID
    by: str


@dataclass(frozen=True)
class DelegatePost:
    """``until``: the first day on which it no longer holds."""

    post_id: UUID
    delegation_id: UUID
    account_id: UUID
    until: date
    by: str


@dataclass(frozen=True)
class EndDelegation:
    post_id: UUID
    delegation_id: UUID
    by: str

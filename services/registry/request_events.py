"""Facts of requests to correct somebody else's record: a school asks an agency or another school, an agency a school.

Part of events.py, through which they are imported; apart because a module holds one idea.
"""

from __future__ import annotations

from typing import Literal
from uuid import UUID

from shared.kernel.facts import Fact, Personal, fact

RequestTarget = Literal["student", "entry"]


class RequestPersonal(Personal, frozen=True, kw_only=True):
    """Field → value as it stood when it was asked, and as it is wanted; sealed under the key of the person it is
    about."""

    before: dict[str, str]
    wanted: dict[str, str]


@fact("registry")
class ChangeRequested(Fact, frozen=True, kw_only=True):
    """Somebody asks the owner of a record to correct it; its stream is the request. The owner is the ``agency`` of a
    list row, or the school (and its division) of a student. ``evidence`` refers to a document."""

    target: RequestTarget
    target_id: UUID
    fields: tuple[str, ...]
    division_code: str | None = None
    school_code: str | None = None
    agency: str | None = None
    reason: str
    evidence: str
    requested_by: str
    personal: RequestPersonal | None = None


@fact("registry")
class ChangeRequestPassedOn(Fact, frozen=True, kw_only=True):
    """A post was handed over: what ``former`` asked for in it and nobody has decided is ``account``'s from now on, who
    hears of the decision and may take it back. ``handover_id``: of access."""

    target_id: UUID
    former: str
    account: str
    handover_id: UUID


@fact("registry")
class ChangeRequestApproved(Fact, frozen=True, kw_only=True):
    """The owner agreed, and the record was corrected in the same moment, with the request as its cause. ``conflicts``:
    fields that had changed since it was asked, and were overwritten knowingly."""

    target_id: UUID
    conflicts: tuple[str, ...] = ()
    approved_by: str


@fact("registry")
class ChangeRequestRefused(Fact, frozen=True, kw_only=True):
    """The owner did not agree, or who asked took it back."""

    target_id: UUID
    reason: str
    refused_by: str

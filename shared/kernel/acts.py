"""What every service's log tells of who was refused and of who took data away: the fields its own events have.

A service declares them in its ``events.py``, once each::

    @fact("registry")
    class AccessRefused(RefusedFields, frozen=True, kw_only=True):
        ...

Accounts, posts and records stand here as opaque ids; what somebody typed does not.
"""

from __future__ import annotations

from datetime import datetime
from typing import Literal, NamedTuple
from uuid import UUID

from shared.kernel.facts import Fact

Phase = Literal["given", "begun", "ended"]
OTHERS = "others"  # the reason of what was counted beyond the bound, each for itself no more


class RefusedFields(Fact, frozen=True, kw_only=True):
    """Somebody was refused one thing for one reason, ``times`` within one minute, first and last at these moments.

    ``viewer`` None: nobody whose token could be believed. ``kind``: of the post they act in; ``route``: its template;
    ``reason``: the refusal's code, or ``others`` where more was refused than is told one by one (``viewer`` None then:
    of more than one person). ``records``: the first ids asked for; ``students``: those of them that were asked for as a
    student's. ``division_code``, ``school_code`` and ``agency`` are the place of the post,
    ``emergency`` the emergency access it was held by."""

    viewer: str | None
    post: str
    kind: str
    method: str
    route: str
    reason: str
    times: int
    first_at: datetime
    last_at: datetime
    records: tuple[UUID, ...] = ()
    students: tuple[UUID, ...] = ()
    division_code: str | None = None
    school_code: str | None = None
    agency: str | None = None
    emergency: str | None = None


class ExportedFields(Fact, frozen=True, kw_only=True):
    """Somebody takes a file away, written before its first byte leaves; its stream is the export's.

    ``phase``: ``given``, the file was made before and ``sha256`` (hex) and ``size`` (bytes) are its own; ``begun``, it
    is made while it is sent; ``ended``, that one is whole and had this digest. One that begun and never ended was
    broken off. ``route``: method and template, or the page's address; ``filters``: what was asked for (name=value,
    typed words as ``***``). ``rows`` None: not counted. ``student_id``: the one student a file is about.
    ``recorded_by``: the events that tell, beside this one, which personal fields were given in full."""

    export_id: UUID
    viewer: str
    post: str
    kind: str
    route: str
    phase: Phase
    purpose: str | None = None
    filters: tuple[str, ...] = ()
    rows: int | None = None
    size: int | None = None
    sha256: str | None = None
    student_id: UUID | None = None
    recorded_by: tuple[UUID, ...] = ()
    division_code: str | None = None
    school_code: str | None = None
    agency: str | None = None
    emergency: str | None = None


class ActFacts(NamedTuple):
    """How a service's own log calls them."""

    refused: type[RefusedFields]
    exported: type[ExportedFields]

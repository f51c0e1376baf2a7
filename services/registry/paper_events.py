"""Facts of what comes on paper: typed by one person, checked by another, and only then recorded.

Part of events.py, through which they are imported; apart because a module holds one idea.
"""

from __future__ import annotations

from typing import Literal
from uuid import UUID

from shared.kernel.facts import Fact, fact

PaperKind = Literal["student", "poverty", "civil", "disability"]


@fact("registry")
class PaperEntered(Fact, frozen=True, kw_only=True):
    """Somebody typed a paper: a student, or a row of a list. What it says waits, sealed, for a second person.
    ``school_code`` is a student's school, ``agency`` a row's. Its stream is the paper."""

    kind: PaperKind
    division_code: str
    school_code: str | None = None
    agency: str | None = None
    entered_by: str


@fact("registry")
class PaperCheckDiffered(Fact, frozen=True, kw_only=True):
    """A second person typed the key fields again, and these ``fields`` differ; both saw what the other had typed."""

    fields: tuple[str, ...]
    checked_by: str


@fact("registry")
class PaperAmended(Fact, frozen=True, kw_only=True):
    """The paper was typed anew by ``amended_by``; again another person has to check it."""

    amended_by: str


@fact("registry")
class PaperRecorded(Fact, frozen=True, kw_only=True):
    """Two people typed the same: it is recorded, as the stream ``recorded_id``."""

    recorded_id: UUID
    entered_by: str
    checked_by: str


@fact("registry")
class PaperRefused(Fact, frozen=True, kw_only=True):
    """It will not be recorded."""

    reason: str
    refused_by: str


@fact("registry")
class PaperScanRead(Fact, frozen=True, kw_only=True):
    """Somebody looked at the scan of a paper, and why. Its stream is the reader's access record."""

    viewer: str
    paper_id: UUID
    purpose: str
    division_code: str
    school_code: str | None = None
    agency: str | None = None

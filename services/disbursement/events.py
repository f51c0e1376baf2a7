"""What happened in disbursement. Amounts are integer fen; a term is named like ``2026-autumn``.

The stream of an entitlement is keyed by (student, programme, term), so that two of them cannot exist.
"""

from __future__ import annotations

from datetime import date
from uuid import UUID

from services.disbursement import letter_events as letter_events  # declared with these, reached through this module
from shared.kernel.acts import ExportedFields, RefusedFields
from shared.kernel.facts import Fact, fact


@fact("disbursement")
class ProgrammeActivated(Fact, frozen=True, kw_only=True):
    """A programme's rates and calendar from now on; ``content`` is canonical JSON, ``content_hash`` its hex SHA-256."""

    programme: str
    content: str
    content_hash: str


@fact("disbursement")
class EntitlementGranted(Fact, frozen=True, kw_only=True):
    """The student is due ``amount_fen`` of this programme in this term. ``evidence`` are the ids of the link events.

    ``term_begins`` and ``term_ends`` (half-open): the term as it was told when this was granted, by which the grant is
    judged for ever, whatever a calendar says later; None in grants from before school calendars, whose term is that of
    the programme's own rule."""

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
    term_begins: date | None = None
    term_ends: date | None = None


@fact("disbursement")
class EntitlementWithdrawn(Fact, frozen=True, kw_only=True):
    """``never_true``: on no day of the term was the student in a covered stage and on a list; ``paid`` then says that
    money is to be asked back. ``restated``: another grant with the corrected amount follows. An exit within the term is
    no reason: it never recovers what was due (domain.md §5). ``aided_elsewhere``: the place of registration says that
    it aids the child in this term, and nobody is aided twice; another answer from there lets it be granted again."""

    student_id: UUID
    programme: str
    term: str
    reason: str
    evidence: tuple[UUID, ...]
    paid: bool


@fact("disbursement")
class AidDisbursed(Fact, frozen=True, kw_only=True):
    """The whole amount of one entitlement was paid on ``paid_on`` under the bank's or the clerk's ``reference``."""

    student_id: UUID
    programme: str
    term: str
    amount_fen: int
    paid_on: date
    reference: str
    division_code: str
    school_code: str


@fact("disbursement")
class DayOpened(Fact, frozen=True, kw_only=True):
    """A day began in Asia/Shanghai: the only clock a policy of this service knows."""

    day: date


@fact("disbursement")
class AccessRefused(RefusedFields, frozen=True, kw_only=True):
    """Somebody was refused something here, as often as it happened within one minute."""


@fact("disbursement")
class DataExported(ExportedFields, frozen=True, kw_only=True):
    """Somebody takes a file away."""

"""What happened in audit: who is erased and why, what must be kept, by which rule, and which key wraps the others.

Nothing here names anybody: students and people by their keyed ids, reasons without names and numbers.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Literal
from uuid import UUID

from shared.kernel.acts import ExportedFields, RefusedFields
from shared.kernel.facts import Fact, fact

Ground = Literal["asked_for", "retention", "unlawful"]


@fact("audit")
class DayOpened(Fact, frozen=True, kw_only=True):
    """A day began in Asia/Shanghai: what is due by the rule of retention is looked at anew."""

    day: date


@fact("audit")
class ErasureRequested(Fact, frozen=True, kw_only=True):
    """Somebody asks that a student's personal data be erased: the family ``asked_for`` it, the rule of ``retention``
    has run out (``rule_hash``: by which version), or they were processed ``unlawful``-ly. Her stream is the
    student's."""

    student_id: UUID
    ground: Ground
    reason: str
    requested_by: str
    rule_hash: str | None = None


@fact("audit")
class ErasureRefused(Fact, frozen=True, kw_only=True):
    """A second person does not approve; nothing is erased."""

    student_id: UUID
    reason: str
    refused_by: str


@fact("audit")
class ErasureApproved(Fact, frozen=True, kw_only=True):
    """A second person approves: from here on her keys are destroyed."""

    student_id: UUID
    requested_by: str
    approved_by: str


@fact("audit")
class PersonErased(Fact, frozen=True, kw_only=True):
    """Her keys are destroyed, and nothing that still held one is at work. ``people``: the ids of all keys that sealed
    her (her number's, and those of rows without a number that were found to be hers). ``index``: service → log
    indexes of the events that held a block of them, the erasure index: whoever replays them finds the same tombstones;
    ``streams``: the streams of these. ``looked_through``: how far each log was read; no later event can hold such a
    block. ``left``: rows found to be hers that a key of somebody else seals (a number typed wrongly): they stay."""

    student_id: UUID
    people: tuple[UUID, ...]
    index: dict[str, tuple[int, ...]]
    streams: tuple[UUID, ...]
    looked_through: dict[str, int]
    left: tuple[UUID, ...] = ()


@fact("audit")
class LegalHoldProposed(Fact, frozen=True, kw_only=True):
    """Somebody asks that nothing of a student be erased, for a procedure under ``reference``."""

    student_id: UUID
    reason: str
    reference: str
    proposed_by: str


@fact("audit")
class LegalHoldPlaced(Fact, frozen=True, kw_only=True):
    """A second person agrees: nothing of hers is erased while the hold stands."""

    student_id: UUID
    reference: str
    proposed_by: str
    approved_by: str


@fact("audit")
class LegalHoldReleaseProposed(Fact, frozen=True, kw_only=True):
    """Somebody asks to end the hold."""

    student_id: UUID
    reason: str
    proposed_by: str


@fact("audit")
class LegalHoldReleased(Fact, frozen=True, kw_only=True):
    """A second person agrees: the hold has ended."""

    student_id: UUID
    proposed_by: str
    approved_by: str


@fact("audit")
class RetentionRuleActivated(Fact, frozen=True, kw_only=True):
    """From ``effective_on`` on the rule of retention: canonical JSON and its SHA-256 in hex."""

    content: str
    content_hash: str
    activated_by: str


@fact("audit")
class AlarmAcknowledged(Fact, frozen=True, kw_only=True):
    """A person has taken note of the alarm of a kind at ``log_index`` of a log, and writes what they found or do about
    it. The alarm stands until the log is compared without a difference."""

    log: str
    kind: str
    log_index: int
    note: str
    acknowledged_by: str


@fact("audit")
class PersonFileRead(Fact, frozen=True, kw_only=True):
    """Somebody opened a student's whole file in full for a purpose, as known at a moment and true on a day; where she
    was then."""

    viewer: str
    student_id: UUID
    purpose: str
    known_at: datetime
    true_on: date
    division_code: str | None = None
    school_code: str | None = None


@fact("audit")
class KeyRotationStarted(Fact, frozen=True, kw_only=True):
    """From here on the key-encryption key ``kek_id`` wraps new keys of people; the others follow."""

    kek_id: str
    started_by: str


@fact("audit")
class KeysRotated(Fact, frozen=True, kw_only=True):
    """No key of anybody is wrapped under another key-encryption key than ``kek_id`` any more. ``keys``: how many the
    last run wrapped anew."""

    kek_id: str
    keys: int


@fact("audit")
class SnapshotsDropped(Fact, frozen=True, kw_only=True):
    """Somebody had all ``snapshots`` destroyed, with their keys; those that are due are written anew."""

    snapshots: int
    dropped_by: str


@fact("audit")
class CounterfactualAsked(Fact, frozen=True, kw_only=True):
    """Somebody asked what would have been due had something been otherwise, as known at ``known_at``. ``changes``: what
    of (move, rules …), ``changes_hash``: hex SHA-256 over all of them and the files they name; its stream is the
    counterfactual's. ``division_code`` and ``school_code``: the asker's scope."""

    counterfactual_id: UUID
    asked_by: str
    known_at: datetime
    changes: tuple[str, ...]
    changes_hash: str
    division_code: str | None = None
    school_code: str | None = None


@fact("audit")
class CounterfactualRead(Fact, frozen=True, kw_only=True):
    """Somebody read the answer, ``rows`` of it, within this scope; ``form``: json or xlsx. Its stream is the reader's
    access record of the day."""

    counterfactual_id: UUID
    viewer: str
    rows: int
    form: Literal["json", "xlsx"]
    division_code: str | None = None
    school_code: str | None = None


@fact("audit")
class AccessRefused(RefusedFields, frozen=True, kw_only=True):
    """Somebody was refused something here, as often as it happened within one minute."""


@fact("audit")
class DataExported(ExportedFields, frozen=True, kw_only=True):
    """Somebody takes a file away."""

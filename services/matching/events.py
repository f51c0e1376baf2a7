"""Facts of matching; the only module of matching that others import.

The stream of an entry's decisions is ``keyed_id(matching key, "entry", str(entry_id))``; the event carries the entry
id. Outcomes are facts and are never recomputed in a fold (design.md §3, invariants 14 and 15). At any moment an entry
has exactly one state: linked, review, not_in_register, registered_elsewhere, out_of_age or rejected; a later decision
event replaces the earlier one, LinkWithdrawn stands before the decision that replaces a link. What people rule about a
row stands in a second stream, ``keyed_id(matching key, "rulings", str(entry_id))``; which members of a household it
covers beside its own state in a third, ``keyed_id(matching key, "covers", str(entry_id))``.
"""

from __future__ import annotations

from datetime import date
from typing import Literal
from uuid import UUID

from shared.kernel.acts import ExportedFields, RefusedFields
from shared.kernel.facts import Fact, fact

State = Literal["linked", "review", "not_in_register", "registered_elsewhere", "out_of_age", "rejected"]
ListName = Literal["poverty", "civil", "disability"]
Verdict = Literal["must_link", "cannot_link", "nobody"]


@fact("matching")
class DayOpened(Fact, frozen=True, kw_only=True):
    """A day began in Asia/Shanghai: time as input (invariant 10)."""

    day: date


@fact("matching")
class LinkConfirmed(Fact, frozen=True, kw_only=True):
    """The list row is about this student. ``rule`` names the rung of the ladder, ``score`` is its weight in 0–1,
    ``reason`` the code of the sentence shown, ``model`` the version of the rules that decided.

    The evidence fields are the row's own at that moment: what programmes and categories are decided on. ``valid_from``/
    ``valid_to`` are the paper's period, half-open, None = unknown/open. ``division_code``/``school_code`` are the
    student's, for scopes."""

    entry_id: UUID
    student_id: UUID
    list: ListName
    agency: str
    rule: str
    score: float
    reason: str
    model: str
    kind: str | None = None
    household_type: str | None = None
    support_type: str | None = None
    area_type: str | None = None
    coverage: str | None = None
    disability_kind: int | None = None
    disability_grade: int | None = None
    valid_from: date | None = None
    valid_to: date | None = None
    division_code: str | None = None
    school_code: str | None = None


@fact("matching")
class LinkWithdrawn(Fact, frozen=True, kw_only=True):
    """The row is no longer held to be about this student (other evidence came, or the row changed or left)."""

    entry_id: UUID
    student_id: UUID
    list: ListName
    reason: str


@fact("matching")
class ReviewOpened(Fact, frozen=True, kw_only=True):
    """A person must decide: the candidates are students of the register, best first (at most 10)."""

    entry_id: UUID
    list: ListName
    agency: str
    candidates: tuple[UUID, ...]
    rule: str
    score: float
    reason: str
    model: str
    division_code: str | None = None
    school_code: str | None = None


@fact("matching")
class EntryUnmatched(Fact, frozen=True, kw_only=True):
    """The row is about nobody of the register, and why. ``school_age``: the listed person is of compulsory school age
    on the day of the decision (domain.md §4), so nobody may have this child."""

    entry_id: UUID
    list: ListName
    agency: str
    state: Literal["not_in_register", "registered_elsewhere", "out_of_age", "rejected"]
    school_age: bool
    rule: str
    score: float
    reason: str
    model: str
    division_code: str | None = None
    school_code: str | None = None


@fact("matching")
class EntryWithdrawn(Fact, frozen=True, kw_only=True):
    """The row left its list: it has no state any more. A link of it is withdrawn in an event before this one."""

    entry_id: UUID
    list: ListName


@fact("matching")
class MemberCovered(Fact, frozen=True, kw_only=True):
    """A list row that names only the head of a household, wholly covered (整户保), reaches this student: head and
    student are proven to be of one household on the days [``covered_from``, ``covered_to``), None = open. The row keeps
    its own single state; one row may cover several students, and one student in several spans of days.

    ``reason``: household_registered (both are members of ``household_id``) or household_guardian (her record names the
    head as guardian, by number and name). The other fields are the row's on these days, as in LinkConfirmed. The same
    row, student and ``covered_from`` again states the span anew. ``effective_on`` is ``covered_from``."""

    entry_id: UUID
    student_id: UUID
    list: ListName
    agency: str
    rule: str
    reason: str
    covered_from: date
    covered_to: date | None = None
    household_id: UUID | None = None
    household_type: str | None = None
    support_type: str | None = None
    area_type: str | None = None
    coverage: str | None = None
    valid_from: date | None = None
    valid_to: date | None = None
    division_code: str | None = None
    school_code: str | None = None


@fact("matching")
class MemberCoverWithdrawn(Fact, frozen=True, kw_only=True):
    """The span of MemberCovered that began on ``covered_from`` was never true: no proof of it is left, or a person
    ruled against it. A span that merely ends is stated anew with its end instead."""

    entry_id: UUID
    student_id: UUID
    list: ListName
    covered_from: date


@fact("matching")
class RowRuled(Fact, frozen=True, kw_only=True):
    """A person decided about a list row, in a stream of its own per row. ``must_link``: the row is about the one
    student; ``cannot_link``: about none of these students; ``nobody``: about nobody of the register, and these students
    were shown.

    ``row_evidence`` and, per student, ``evidence`` are keyed digests of what was known of them: the ruling holds while
    they stay. ``answers``: who had asked for this second opinion. ``division_code`` is the row's, for scopes."""

    entry_id: UUID
    verdict: Verdict
    students: tuple[UUID, ...]
    row_evidence: str
    evidence: tuple[str, ...]
    ruled_by: str
    answers: tuple[str, ...] = ()
    division_code: str | None = None


@fact("matching")
class RulingWithdrawn(Fact, frozen=True, kw_only=True):
    """The ruling with this ``version`` of the stream counts no more, as if it had never been given."""

    entry_id: UUID
    version: int
    withdrawn_by: str


@fact("matching")
class SecondOpinionAsked(Fact, frozen=True, kw_only=True):
    """Somebody is not sure about a row: another person must rule."""

    entry_id: UUID
    asked_by: str


@fact("matching")
class ReviewRead(Fact, frozen=True, kw_only=True):
    """Somebody read a list row and its candidates unmasked, and why (invariant 13). Its stream is the reader's access
    record of the day."""

    viewer: str
    entry_id: UUID
    students: tuple[UUID, ...]
    purpose: str
    fields: tuple[str, ...]
    division_code: str | None = None


@fact("matching")
class CategoryRulesActivated(Fact, frozen=True, kw_only=True):
    """The rules of categories from ``effective_on`` on: canonical JSON and its SHA-256 in hex."""

    content: str
    content_hash: str


@fact("matching")
class MatchingModelActivated(Fact, frozen=True, kw_only=True):
    """From here on in the log this model weighs the rows that no number decides: canonical JSON (scoring/model.py) and
    its SHA-256 in hex, of which every decision names the beginning.

    ``report_hash`` is the SHA-256 of the report of what would change against the model ``replaces`` (its hash), which
    ``proposed_by`` had made and ``activated_by``, another person, read. The first model of an installation replaces
    none and has no report."""

    content: str
    content_hash: str
    activated_by: str
    proposed_by: str | None = None
    report_hash: str | None = None
    replaces: str | None = None


@fact("matching")
class AccessRefused(RefusedFields, frozen=True, kw_only=True):
    """Somebody was refused something here, as often as it happened within one minute."""


@fact("matching")
class DataExported(ExportedFields, frozen=True, kw_only=True):
    """Somebody takes a file away."""

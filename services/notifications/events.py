"""What happened in notifications. An alert's stream is keyed by (kind, child): one open alert per child and reason."""

from __future__ import annotations

from datetime import date
from typing import Literal
from uuid import UUID

from services.notifications import case_events as case_events  # declared with these, and reached through this module
from services.notifications import delivery_events as delivery_events
from services.notifications.report_events import ReportIssued as ReportIssued
from services.notifications.signal_events import AbsenceDocumented as AbsenceDocumented
from services.notifications.signal_events import AbsenceDocumentWithdrawn as AbsenceDocumentWithdrawn
from services.notifications.signal_events import AbsenceKind as AbsenceKind
from shared.kernel.acts import ExportedFields, RefusedFields
from shared.kernel.facts import Fact, fact

AlertKind = Literal[
    "listed_but_unenrolled",
    "left_without_acceptance",
    "dropped_out",
    "absent_running",
    "absent_share",
    "not_returned_at_term_start",
    "suspension_overdue",
    "class_silent",
]


@fact("notifications")
class AlertRulesActivated(Fact, frozen=True, kw_only=True):
    """Thresholds from now on. ``content`` is canonical JSON, ``content_hash`` its SHA-256 in hex."""

    content: str
    content_hash: str


@fact("notifications")
class AlertRaised(Fact, frozen=True, kw_only=True):
    """A child may be out of school. ``evidence`` are the ids of the events that say so; ``explanation_code`` names the
    sentence shown, ``facts`` its values (never personal). Exactly one of ``student_id``, ``entry_id`` and ``subject``
    is set; ``subject`` names the class of the school a ``class_silent`` alert is about: ``stage/grade/class``.

    ``grounds``: of the events, those that tell something of the child. A decision taken anew by another model on the
    same row is evidence of the alert, but no new ground for it. Empty = all of ``evidence``. ``times``: for the n-th
    time for this child and reason; more than one is a case reopened."""

    kind: AlertKind
    student_id: UUID | None
    entry_id: UUID | None
    division_code: str | None
    school_code: str | None
    since: date
    evidence: tuple[UUID, ...]
    rules_hash: str
    explanation_code: str
    facts: dict[str, str]
    grounds: tuple[UUID, ...] = ()
    times: int = 1
    subject: str | None = None


@fact("notifications")
class AlertEvidenceChanged(Fact, frozen=True, kw_only=True):
    """An open alert rests on other reports than those it was raised on: one came late, or was corrected, and it stands
    nevertheless; or it has more grounds, for the child stayed away another week. The fields are those of AlertRaised,
    which they take the place of."""

    since: date
    evidence: tuple[UUID, ...]
    rules_hash: str
    explanation_code: str
    facts: dict[str, str]
    grounds: tuple[UUID, ...] = ()


@fact("notifications")
class AlertSeen(Fact, frozen=True, kw_only=True):
    """Somebody responsible (the event's principal) has read it."""


@fact("notifications")
class AlertWithdrawn(Fact, frozen=True, kw_only=True):
    """The reason fell away by itself; ``evidence`` are the events that took it away."""

    reason: str
    evidence: tuple[UUID, ...]


@fact("notifications")
class AlertClosed(Fact, frozen=True, kw_only=True):
    """Closed on evidence: a code, a reference to the paper or event, nothing personal. By a person, or, when reports
    say that the child is back at school, by the policy: then ``evidence`` are the ids of these reports. ``events``: the
    facts on record that show it; ``ends_on``: the last day of an exemption, after which the alert may be raised again
    on the same grounds."""

    reason: Literal["attending_again", "accepted_elsewhere", "exempt", "died", "mistaken"]
    evidence: str
    events: tuple[UUID, ...] = ()
    ends_on: date | None = None


@fact("notifications")
class DayOpened(Fact, frozen=True, kw_only=True):
    """A day began in Asia/Shanghai: the only clock a policy of this service knows."""

    day: date


@fact("notifications")
class AccessRefused(RefusedFields, frozen=True, kw_only=True):
    """Somebody was refused something here, as often as it happened within one minute."""


@fact("notifications")
class DataExported(ExportedFields, frozen=True, kw_only=True):
    """Somebody takes a file away."""

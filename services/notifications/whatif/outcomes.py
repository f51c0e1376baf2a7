"""What became of each alert, folded for the figures: its rules, its end, whether anybody acted, where the child is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import Boolean, Column, Date, Index, Text, Uuid

from services.matching.events import LinkConfirmed, LinkWithdrawn
from services.notifications.case_events import AgencyActed, AttemptLogged, DropoutConfirmed
from services.notifications.events import AlertClosed, AlertRaised, AlertRulesActivated, AlertWithdrawn
from services.registry.events import StudentEnrolled, StudentLeft
from shared.eventsourcing.periods import PeriodTable
from shared.eventsourcing.projection import Assertion, Fold, Projection, Recorded
from shared.kernel.facts import Fact
from shared.kernel.identifiers import keyed_id

# One entity per alert; an alert that was raised again has periods with another raised_on.
OUTCOMES = PeriodTable(
    "alert_outcomes",
    "notifications",
    [
        Column("kind", Text),
        Column("rules_hash", Text),
        Column("student_id", Uuid),
        Column("raised_on", Date),
        Column("ended_on", Date),
        Column("reason", Text),
        Column("acted_on", Date),
        Column("confirmed_on", Date),
        Column("division_code", Text),
        Column("school_code", Text),
    ],
    indexes=[Index("alert_outcomes_by_student", "student_id")],
)

# Each version of the rules, for everybody to read.
VERSIONS = PeriodTable(
    "rule_versions",
    "notifications",
    [Column("content", Text), Column("content_hash", Text), Column("activated_on", Date)],
    public=True,
)

# From when a student was out of school for good, empty again when she enrolled once more.
DROPOUTS = PeriodTable(
    "told_dropouts",
    "registry",
    [Column("left_on", Date), Column("division_code", Text), Column("school_code", Text)],
)

# List rows that are linked to a student: she is on a list of the poor or disabled.
AIDED = PeriodTable(
    "aided_rows",
    "matching",
    [
        Column("student_id", Uuid),
        Column("linked", Boolean),
        Column("division_code", Text),
        Column("school_code", Text),
    ],
    indexes=[Index("aided_rows_by_student", "student_id")],
)


def raised(event: Recorded) -> Iterable[Assertion]:
    fact: AlertRaised = event.fact
    names = ("kind", "rules_hash", "student_id", "division_code", "school_code")
    anew: dict[str, Any] = dict.fromkeys(("ended_on", "reason", "acted_on", "confirmed_on"))
    values = {name: getattr(fact, name) for name in names} | anew | {"raised_on": event.effective_on}
    yield Assertion(OUTCOMES, event.stream_id, event.effective_on, values)


def ended(event: Recorded) -> Iterable[Assertion]:
    values = {"ended_on": event.effective_on, "reason": event.fact.reason}
    yield Assertion(OUTCOMES, event.stream_id, event.effective_on, values)


def acted(event: Recorded) -> Iterable[Assertion]:
    yield Assertion(OUTCOMES, event.stream_id, event.effective_on, {"acted_on": event.fact.day})


def confirmed(event: Recorded) -> Iterable[Assertion]:
    yield Assertion(OUTCOMES, event.stream_id, event.effective_on, {"confirmed_on": event.effective_on})


def rules_activated(event: Recorded) -> Iterable[Assertion]:
    fact: AlertRulesActivated = event.fact
    values = {"content": fact.content, "content_hash": fact.content_hash, "activated_on": event.effective_on}
    yield Assertion(VERSIONS, keyed_id(b"rules", fact.content_hash), event.effective_on, values)


def student_left(event: Recorded) -> Iterable[Assertion]:
    fact: StudentLeft = event.fact
    left_on = event.effective_on if fact.reason == "dropped_out" else None
    values = {"left_on": left_on, "division_code": fact.division_code, "school_code": fact.school_code}
    yield Assertion(DROPOUTS, event.stream_id, event.effective_on, values)


def student_enrolled(event: Recorded) -> Iterable[Assertion]:
    values = {"left_on": None, "division_code": event.fact.division_code, "school_code": event.fact.school_code}
    yield Assertion(DROPOUTS, event.stream_id, event.effective_on, values)


def link_confirmed(event: Recorded) -> Iterable[Assertion]:
    fact: LinkConfirmed = event.fact
    values = {
        "student_id": fact.student_id,
        "linked": True,
        "division_code": fact.division_code,
        "school_code": fact.school_code,
    }
    yield Assertion(AIDED, fact.entry_id, event.effective_on, values)


def link_withdrawn(event: Recorded) -> Iterable[Assertion]:
    yield Assertion(AIDED, event.fact.entry_id, event.effective_on, {"linked": False})


FOLDS: Mapping[type[Fact], Fold] = {
    AlertRaised: raised,
    AlertWithdrawn: ended,
    AlertClosed: ended,
    AttemptLogged: acted,
    AgencyActed: acted,
    DropoutConfirmed: confirmed,
    AlertRulesActivated: rules_activated,
    StudentLeft: student_left,
    StudentEnrolled: student_enrolled,
    LinkConfirmed: link_confirmed,
    LinkWithdrawn: link_withdrawn,
}
RULE_FIGURES = Projection("rule_figures", (OUTCOMES, VERSIONS, DROPOUTS, AIDED), FOLDS)

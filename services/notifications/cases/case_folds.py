"""What the case's own facts say of an alert's row, and the plan they are judged by."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from services.notifications.case_events import (
    AttemptLogged,
    CaseEscalated,
    CasePlanActivated,
    DropoutAskedAbout,
    DropoutConfirmed,
    TeamFormed,
    TeamPassedOn,
)
from services.notifications.case_tables import CASE_PLANS
from services.notifications.events import AlertClosed, AlertEvidenceChanged, AlertRaised, AlertSeen, AlertWithdrawn
from services.notifications.tables import ALERTS
from shared.eventsourcing.projection import Assertion, Fold, Recorded
from shared.kernel.facts import Fact

THE_PLAN = UUID(int=2)
# A case begins anew with each raising: nothing of the one before stays in the row.
UNTOUCHED: Mapping[str, Any] = dict.fromkeys(
    (
        "seen_by", "ended_reason", "ended_evidence", "seen_on", "team_on", "attempted_on", "next_on", "next_step",
        "confirmed_on", "asked_on", "answer_by", "ends_on", "team",
    )
)  # fmt: skip


def _told(event: Recorded, **values: Any) -> Iterable[Assertion]:
    yield Assertion(ALERTS, event.stream_id, event.effective_on, values)


def _accounts(principals: Mapping[str, str]) -> list[str]:
    return sorted(set(principals.values()))


def alert_raised(event: Recorded) -> Iterable[Assertion]:
    fact: AlertRaised = event.fact
    names = (
        "kind", "student_id", "entry_id", "subject", "since", "explanation_code", "facts", "times", "division_code",
        "school_code",
    )  # fmt: skip
    values = {name: getattr(fact, name) for name in names} | {
        "state": "open",
        "raised_on": event.effective_on,
        "raised_at": event.recorded_at,
        "evidence": list(fact.evidence),
        "level": "school",
        "level_on": event.effective_on,
    }
    return _told(event, **{**UNTOUCHED, **values})


def evidence_changed(event: Recorded) -> Iterable[Assertion]:
    names = ("since", "explanation_code", "facts")
    values = {name: getattr(event.fact, name) for name in names}
    return _told(event, evidence=list(event.fact.evidence), **values)


def alert_seen(event: Recorded) -> Iterable[Assertion]:
    return _told(event, state="seen", seen_by=event.logged.event.principal, seen_on=event.effective_on)


def alert_withdrawn(event: Recorded) -> Iterable[Assertion]:
    evidence = ",".join(str(each) for each in event.fact.evidence)
    return _told(event, state="withdrawn", ended_reason=event.fact.reason, ended_evidence=evidence)


def alert_closed(event: Recorded) -> Iterable[Assertion]:
    fact: AlertClosed = event.fact
    return _told(event, state="closed", ended_reason=fact.reason, ended_evidence=fact.evidence, ends_on=fact.ends_on)


def team_formed(event: Recorded) -> Iterable[Assertion]:
    return _told(event, team_on=event.effective_on, team=_accounts(event.fact.principals))


def team_passed_on(event: Recorded) -> Iterable[Assertion]:
    return _told(event, team=_accounts(event.fact.principals))  # a team all along: no deadline begins anew


def attempt_logged(event: Recorded) -> Iterable[Assertion]:
    fact: AttemptLogged = event.fact
    return _told(event, attempted_on=event.effective_on, next_on=fact.next_on, next_step=fact.next_step)


def dropout_confirmed(event: Recorded) -> Iterable[Assertion]:
    return _told(event, state="dropped_out", confirmed_on=event.effective_on)


def dropout_asked_about(event: Recorded) -> Iterable[Assertion]:
    return _told(event, asked_on=event.effective_on, answer_by=event.fact.answer_by)


def case_escalated(event: Recorded) -> Iterable[Assertion]:
    return _told(event, level=event.fact.level, level_on=event.effective_on)


def plan_activated(event: Recorded) -> Iterable[Assertion]:
    values = {"content": event.fact.content, "content_hash": event.fact.content_hash}
    yield Assertion(CASE_PLANS, THE_PLAN, event.effective_on, values)


CASE_FOLDS: Mapping[type[Fact], Fold] = {
    AlertRaised: alert_raised,
    AlertSeen: alert_seen,
    AlertWithdrawn: alert_withdrawn,
    AlertEvidenceChanged: evidence_changed,
    AlertClosed: alert_closed,
    TeamFormed: team_formed,
    TeamPassedOn: team_passed_on,
    AttemptLogged: attempt_logged,
    DropoutConfirmed: dropout_confirmed,
    DropoutAskedAbout: dropout_asked_about,
    CaseEscalated: case_escalated,
    CasePlanActivated: plan_activated,
}

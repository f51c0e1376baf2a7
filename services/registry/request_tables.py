"""The inbox of requests as their owners read it, and the note of who asked."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import ARRAY, Column, Date, Index, Text, Uuid

from services.registry.request_events import (
    ChangeRequestApproved,
    ChangeRequested,
    ChangeRequestPassedOn,
    ChangeRequestRefused,
)
from shared.eventsourcing.periods import PeriodTable
from shared.eventsourcing.projection import Assertion, Recorded
from shared.kernel.facts import Fact

STEPS: tuple[tuple[str, str], ...] = (
    (
        "registry-requests-0001-asked",
        """
CREATE TABLE asked_requests (
    request_id uuid PRIMARY KEY,
    number bigint GENERATED ALWAYS AS IDENTITY,
    requested_by text NOT NULL
);
CREATE INDEX asked_requests_by_asker ON asked_requests (requested_by, number);
GRANT SELECT, INSERT ON asked_requests TO rollcall_app;
""",
    ),
    (
        # In which post it was asked; empty: before posts were kept. The policy of hand-overs passes requests on.
        "registry-requests-0002-posts",
        """
ALTER TABLE asked_requests ADD COLUMN post text NOT NULL DEFAULT '';
GRANT SELECT, UPDATE ON asked_requests TO rollcall_worker;
""",
    ),
)

# No value of a field stands here: those are opened for the owner alone. A list row is the agency's and the division's,
# a student the school's and the division's.
REQUESTS = PeriodTable(
    "change_requests",
    "registry",
    [
        Column("target", Text),
        Column("target_id", Uuid),
        Column("fields", ARRAY(Text)),
        Column("state", Text),  # open, approved, refused
        Column("reason", Text),
        Column("evidence", Text),
        Column("requested_by", Text),
        Column("asked_on", Date),
        Column("decided_by", Text),
        Column("decision", Text),
        Column("division_code", Text),
        Column("school_code", Text),
        Column("agency", Text),
    ],
    indexes=[Index("requests_by_state", "state", "entity")],
)


def requested(event: Recorded) -> Iterable[Assertion]:
    fact: ChangeRequested = event.fact
    names = ("target", "target_id", "reason", "evidence", "requested_by", "division_code", "school_code", "agency")
    values = {name: getattr(fact, name) for name in names} | {"fields": list(fact.fields), "state": "open"}
    yield Assertion(REQUESTS, event.stream_id, event.effective_on, values | {"asked_on": event.effective_on})


def approved(event: Recorded) -> Iterable[Assertion]:
    yield _decided(event, {"state": "approved", "decided_by": event.fact.approved_by})


def refused(event: Recorded) -> Iterable[Assertion]:
    fact: ChangeRequestRefused = event.fact
    yield _decided(event, {"state": "refused", "decided_by": fact.refused_by, "decision": fact.reason})


def passed_on(event: Recorded) -> Iterable[Assertion]:
    yield _decided(event, {"requested_by": event.fact.account})


def _decided(event: Recorded, values: dict[str, Any]) -> Assertion:
    return Assertion(REQUESTS, event.stream_id, event.effective_on, values)


REQUEST_FOLDS: dict[type[Fact], Any] = {
    ChangeRequested: requested,
    ChangeRequestPassedOn: passed_on,
    ChangeRequestApproved: approved,
    ChangeRequestRefused: refused,
}

"""Folds of what makes a case urgent: households, list rows and what matching made of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from services.matching.events import (
    EntryUnmatched,
    EntryWithdrawn,
    LinkConfirmed,
    LinkWithdrawn,
    MemberCovered,
    MemberCoverWithdrawn,
    ReviewOpened,
)
from services.notifications.case_tables import LISTED_ROWS, LISTINGS, MEMBERSHIPS
from services.notifications.tables import ALWAYS
from services.registry.events import HouseholdMemberJoined, HouseholdMemberLeft, ListEntryAdded, ListEntryCorrected
from shared.eventsourcing.projection import Assertion, Fold, Recorded
from shared.kernel.facts import Fact
from shared.kernel.identifiers import keyed_id


def _membership(household_id: UUID, member_id: UUID) -> UUID:
    # Both ids are keyed already; the derivation only has to repeat.
    return keyed_id(b"household membership", str(household_id), str(member_id))


def member_joined(event: Recorded) -> Iterable[Assertion]:
    fact: HouseholdMemberJoined = event.fact
    values = {
        "household_id": event.stream_id,
        "student_id": fact.student_id,
        "belongs": True,
        "division_code": fact.division_code,
    }
    yield Assertion(MEMBERSHIPS, _membership(event.stream_id, fact.member_id), event.effective_on, values)


def member_left(event: Recorded) -> Iterable[Assertion]:
    yield Assertion(
        MEMBERSHIPS, _membership(event.stream_id, event.fact.member_id), event.effective_on, {"belongs": False}
    )


def row_stated(event: Recorded) -> Iterable[Assertion]:
    fact: ListEntryAdded | ListEntryCorrected = event.fact
    names = ("household_key", "orphan", "stage", "grade", "division_code", "school_code")
    values = {name: getattr(fact, name) for name in names} | {"person_id": event.person_id}
    yield Assertion(LISTED_ROWS, event.stream_id, event.effective_on, values)


def _decided(event: Recorded, state: str, **more: Any) -> Iterable[Assertion]:
    fact = event.fact
    values = {
        "entry_id": fact.entry_id,
        "list": fact.list,
        "state": state,
        "student_id": None,
        "school_age": getattr(fact, "school_age", False),
        "starts_on": getattr(fact, "valid_from", None),
        "ends_on": getattr(fact, "valid_to", None),
    }
    # A decision that tells no place (the row left its list) leaves the place as it was: its history stays in scope.
    for name in ("division_code", "school_code"):
        if hasattr(fact, name):
            values[name] = getattr(fact, name)
    yield Assertion(LISTINGS, fact.entry_id, ALWAYS, values | more)


def link_confirmed(event: Recorded) -> Iterable[Assertion]:
    return _decided(event, "linked", student_id=event.fact.student_id)


def link_withdrawn(event: Recorded) -> Iterable[Assertion]:
    yield Assertion(LISTINGS, event.fact.entry_id, ALWAYS, {"student_id": None, "state": ""})


def entry_unmatched(event: Recorded) -> Iterable[Assertion]:
    return _decided(event, event.fact.state)


def review_opened(event: Recorded) -> Iterable[Assertion]:
    return _decided(event, "review")


def entry_withdrawn(event: Recorded) -> Iterable[Assertion]:
    return _decided(event, "")


def _cover(fact: MemberCovered | MemberCoverWithdrawn) -> UUID:
    span = (str(fact.entry_id), str(fact.student_id), fact.covered_from.isoformat())
    return keyed_id(b"household cover", *span)  # the ids are keyed already; the derivation only has to repeat


def member_covered(event: Recorded) -> Iterable[Assertion]:
    fact: MemberCovered = event.fact
    values = {
        "entry_id": fact.entry_id,
        "student_id": fact.student_id,
        "list": fact.list,
        "state": "covered",
        "school_age": False,
        "starts_on": fact.covered_from,
        "ends_on": fact.covered_to,
        "division_code": fact.division_code,
        "school_code": fact.school_code,
    }
    yield Assertion(LISTINGS, _cover(fact), ALWAYS, values)


def cover_withdrawn(event: Recorded) -> Iterable[Assertion]:
    yield Assertion(LISTINGS, _cover(event.fact), ALWAYS, {"student_id": None, "state": ""})


CIRCUMSTANCE_TABLES = (MEMBERSHIPS, LISTED_ROWS, LISTINGS)
CIRCUMSTANCE_FOLDS: Mapping[type[Fact], Fold] = {
    HouseholdMemberJoined: member_joined,
    HouseholdMemberLeft: member_left,
    ListEntryAdded: row_stated,
    ListEntryCorrected: row_stated,
    LinkConfirmed: link_confirmed,
    LinkWithdrawn: link_withdrawn,
    EntryUnmatched: entry_unmatched,
    ReviewOpened: review_opened,
    EntryWithdrawn: entry_withdrawn,
    MemberCovered: member_covered,
    MemberCoverWithdrawn: cover_withdrawn,
}

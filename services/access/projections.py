"""Folds of access, one small pure function per fact."""

from __future__ import annotations

from collections.abc import Iterable

from services.access.events import (
    AccountClosed,
    AccountOpened,
    DelegationEnded,
    EmergencyAccessEnded,
    EmergencyAccessReviewed,
    EmergencyAccessTaken,
    IdentityAnnounced,
    IdentityLinked,
    IdentityUnlinked,
    PostClosed,
    PostDelegated,
    PostEstablished,
    PostFilled,
    PostTenureChanged,
    PostVacated,
    SignedIn,
    SignInRefused,
)
from services.access.handover_tables import HANDOVER_FOLDS, HANDOVER_ITEMS, HANDOVERS
from services.access.sessions.unusual import MANY_REFUSED, SEVERAL_ADDRESSES
from services.access.tables import (
    ACCOUNTS,
    ALWAYS,
    DELEGATIONS,
    EMERGENCIES,
    IDENTITIES,
    POSTS,
    SCHOOLS,
    SIGN_INS,
)
from services.registry.events import SchoolRegistered
from shared.eventsourcing.projection import Assertion, Projection, Recorded

NAME = "access"


def account_opened(event: Recorded) -> Iterable[Assertion]:
    fact = event.fact
    values = {
        "login": None if fact.personal is None else fact.personal.login,
        "name": None if fact.personal is None else fact.personal.name,
        "closed": False,
        "division_code": fact.division_code,
        "school_code": fact.school_code,
    }
    yield Assertion(ACCOUNTS, fact.account_id, event.effective_on, values)


def account_closed(event: Recorded) -> Iterable[Assertion]:
    yield Assertion(ACCOUNTS, event.fact.account_id, event.effective_on, {"closed": True})


def post_established(event: Recorded) -> Iterable[Assertion]:
    fact = event.fact
    values = {
        "kind": fact.kind,
        "division_code": fact.division_code,
        "school_code": fact.school_code,
        "school_class": fact.school_class,
        "agency_code": fact.agency,
        "holder": None,
        "begins_on": None,
        "until": None,
        "closed": False,
    }
    yield Assertion(POSTS, fact.post_id, event.effective_on, values)


def post_filled(event: Recorded) -> Iterable[Assertion]:
    fact = event.fact
    values = {"holder": fact.account_id, "begins_on": fact.begins_on, "until": fact.until}
    yield Assertion(POSTS, fact.post_id, event.effective_on, values)


def post_tenure_changed(event: Recorded) -> Iterable[Assertion]:
    fact = event.fact
    yield Assertion(POSTS, fact.post_id, event.effective_on, {"begins_on": fact.begins_on, "until": fact.until})


def post_vacated(event: Recorded) -> Iterable[Assertion]:
    nobody = {"holder": None, "begins_on": None, "until": None}
    yield Assertion(POSTS, event.fact.post_id, event.effective_on, nobody)


def post_closed(event: Recorded) -> Iterable[Assertion]:
    yield Assertion(POSTS, event.fact.post_id, event.effective_on, {"closed": True})


def post_delegated(event: Recorded) -> Iterable[Assertion]:
    fact = event.fact
    values = {
        "post_id": fact.post_id,
        "account_id": fact.account_id,
        "until": fact.until,
        "ended": False,
        "division_code": fact.division_code,
        "school_code": fact.school_code,
    }
    yield Assertion(DELEGATIONS, fact.delegation_id, event.effective_on, values)


def delegation_ended(event: Recorded) -> Iterable[Assertion]:
    yield Assertion(DELEGATIONS, event.fact.delegation_id, event.effective_on, {"ended": True})


def identity_announced(event: Recorded) -> Iterable[Assertion]:
    yield _identity(event, {"state": "announced", "until": event.fact.until})


def identity_linked(event: Recorded) -> Iterable[Assertion]:
    yield _identity(event, {"state": "linked", "until": None})


def _identity(event: Recorded, values: dict[str, object]) -> Assertion:
    fact = event.fact
    names = ("account_id", "issuer", "division_code", "school_code")
    told = {"told": None if fact.personal is None else fact.personal.told}
    return Assertion(
        IDENTITIES, fact.identity_id, event.effective_on, {name: getattr(fact, name) for name in names} | told | values
    )


def identity_unlinked(event: Recorded) -> Iterable[Assertion]:
    yield Assertion(IDENTITIES, event.fact.identity_id, event.effective_on, {"state": "ended"})


def signed_in(event: Recorded) -> Iterable[Assertion]:
    fact = event.fact
    signs = {
        "new_address": fact.new_address,
        "at_night": fact.at_night,
        "many_refused": fact.refused_before >= MANY_REFUSED,
        "new_device": fact.new_device,
        "several_addresses": fact.addresses_at_once >= SEVERAL_ADDRESSES,
    }
    yield _sign_in(event, {"refused": None, "means": list(fact.means), "unusual": [k for k, v in signs.items() if v]})


def sign_in_refused(event: Recorded) -> Iterable[Assertion]:
    unusual = ["many_refused"] if event.fact.refused_before >= MANY_REFUSED else []
    yield _sign_in(event, {"refused": event.fact.reason, "means": [], "unusual": unusual})


def _sign_in(event: Recorded, values: dict[str, object]) -> Assertion:
    fact = event.fact
    common = {
        "account_id": fact.account_id,
        "at": event.recorded_at,
        "refused_before": fact.refused_before,
        "address": None if fact.personal is None else fact.personal.address,
        "agent": None if fact.personal is None else fact.personal.agent,
        "division_code": fact.division_code,
        "school_code": fact.school_code,
    }
    return Assertion(SIGN_INS, event.stream_id, ALWAYS, common | values)


def emergency_taken(event: Recorded) -> Iterable[Assertion]:
    fact = event.fact
    names = ("account_id", "kind", "until", "reason", "division_code", "school_code", "school_class")
    values = {name: getattr(fact, name) for name in names}
    unknown = dict.fromkeys(("ended_at", "justified", "note", "reviewed_by")) | {"taken_at": event.recorded_at}
    yield Assertion(EMERGENCIES, fact.emergency_id, event.effective_on, values | unknown)


def emergency_ended(event: Recorded) -> Iterable[Assertion]:
    yield Assertion(EMERGENCIES, event.fact.emergency_id, event.effective_on, {"ended_at": event.recorded_at})


def emergency_reviewed(event: Recorded) -> Iterable[Assertion]:
    fact = event.fact
    values = {"justified": fact.justified, "note": fact.note, "reviewed_by": fact.by}
    yield Assertion(EMERGENCIES, fact.emergency_id, event.effective_on, values)


def school_registered(event: Recorded) -> Iterable[Assertion]:
    fact = event.fact
    values = {"code": fact.school_code, "name": fact.name, "division_code": fact.division_code}
    yield Assertion(SCHOOLS, event.stream_id, event.effective_on, values)


ACCESS_VIEW = Projection(
    NAME,
    (
        ACCOUNTS,
        POSTS,
        DELEGATIONS,
        SIGN_INS,
        IDENTITIES,
        EMERGENCIES,
        SCHOOLS,
        HANDOVERS,
        HANDOVER_ITEMS,
    ),
    {
        AccountOpened: account_opened,
        AccountClosed: account_closed,
        PostEstablished: post_established,
        PostFilled: post_filled,
        PostTenureChanged: post_tenure_changed,
        PostVacated: post_vacated,
        PostClosed: post_closed,
        PostDelegated: post_delegated,
        DelegationEnded: delegation_ended,
        IdentityAnnounced: identity_announced,
        IdentityLinked: identity_linked,
        IdentityUnlinked: identity_unlinked,
        SignedIn: signed_in,
        SignInRefused: sign_in_refused,
        EmergencyAccessTaken: emergency_taken,
        EmergencyAccessEnded: emergency_ended,
        EmergencyAccessReviewed: emergency_reviewed,
        SchoolRegistered: school_registered,
        **HANDOVER_FOLDS,
    },
)

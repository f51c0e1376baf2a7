"""How the facts about leaving, erasing and keeping become rows."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Any

from services.access.events import AccountOpened
from services.audit.erasure.erasure_tables import PUPILS, RETENTION_RULES, STAFF, SUBJECTS
from services.audit.erasure.retention import STILL_A_STUDENT
from services.audit.events import (
    ErasureApproved,
    ErasureRefused,
    ErasureRequested,
    LegalHoldPlaced,
    LegalHoldProposed,
    LegalHoldReleased,
    LegalHoldReleaseProposed,
    PersonErased,
    RetentionRuleActivated,
)
from services.registry.events import (
    StudentAcceptedElsewhere,
    StudentEnrolled,
    StudentLeft,
    StudentPlaced,
    StudentTransferredOut,
)
from shared.eventsourcing.projection import Assertion, Projection, Recorded

ALWAYS = date(1, 1, 1)


def _pupil(event: Recorded, **values: Any) -> Iterable[Assertion]:
    yield Assertion(PUPILS, event.stream_id, event.effective_on, values)


def enrolled(event: Recorded) -> Iterable[Assertion]:
    fact = event.fact
    return _pupil(event, left_on=None, left_for=None, division_code=fact.division_code, school_code=fact.school_code)


def placed(event: Recorded) -> Iterable[Assertion]:
    return _pupil(event, division_code=event.fact.division_code, school_code=event.fact.school_code)


def left(event: Recorded) -> Iterable[Assertion]:
    if event.fact.reason == STILL_A_STUDENT:
        return ()
    return _pupil(event, left_on=event.effective_on, left_for=event.fact.reason)


def transferred_out(event: Recorded) -> Iterable[Assertion]:
    return _pupil(event, left_on=event.effective_on, left_for="transferred_out")


def accepted_elsewhere(event: Recorded) -> Iterable[Assertion]:
    return _pupil(event, left_on=event.effective_on, left_for="accepted_elsewhere")


def account_opened(event: Recorded) -> Iterable[Assertion]:
    values = {"division_code": event.fact.division_code, "school_code": event.fact.school_code}
    yield Assertion(STAFF, event.fact.account_id, event.effective_on, values)


def _subject(event: Recorded, **values: Any) -> Iterable[Assertion]:
    values["student_id"] = event.fact.student_id
    yield Assertion(SUBJECTS, event.stream_id, ALWAYS, values)


def erasure_requested(event: Recorded) -> Iterable[Assertion]:
    fact = event.fact
    return _subject(
        event,
        erasure="requested",
        ground=fact.ground,
        reason=fact.reason,
        asked_by=fact.requested_by,
        asked_on=event.effective_on,
    )


def erasure_refused(event: Recorded) -> Iterable[Assertion]:
    return _subject(event, erasure="")


def erasure_approved(event: Recorded) -> Iterable[Assertion]:
    return _subject(event, erasure="approved", approved_by=event.fact.approved_by)


def person_erased(event: Recorded) -> Iterable[Assertion]:
    return _subject(event, erasure="erased", erased_on=event.effective_on)


def hold_proposed(event: Recorded) -> Iterable[Assertion]:
    fact = event.fact
    return _subject(
        event, hold="proposed", hold_reason=fact.reason, reference=fact.reference, proposed_by=fact.proposed_by
    )


def hold_placed(event: Recorded) -> Iterable[Assertion]:
    return _subject(event, hold="held", hold_approved_by=event.fact.approved_by)


def release_proposed(event: Recorded) -> Iterable[Assertion]:
    return _subject(event, hold="releasing", hold_reason=event.fact.reason, proposed_by=event.fact.proposed_by)


def hold_released(event: Recorded) -> Iterable[Assertion]:
    return _subject(event, hold="", hold_approved_by=event.fact.approved_by)


def rule_activated(event: Recorded) -> Iterable[Assertion]:
    fact = event.fact
    values = {"content": fact.content, "content_hash": fact.content_hash, "activated_by": fact.activated_by}
    yield Assertion(RETENTION_RULES, event.stream_id, event.effective_on, values)


ERASURES = Projection(
    "erasures",
    (PUPILS, STAFF, SUBJECTS, RETENTION_RULES),
    {
        AccountOpened: account_opened,
        StudentEnrolled: enrolled,
        StudentPlaced: placed,
        StudentLeft: left,
        StudentTransferredOut: transferred_out,
        StudentAcceptedElsewhere: accepted_elsewhere,
        ErasureRequested: erasure_requested,
        ErasureRefused: erasure_refused,
        ErasureApproved: erasure_approved,
        PersonErased: person_erased,
        LegalHoldProposed: hold_proposed,
        LegalHoldPlaced: hold_placed,
        LegalHoldReleaseProposed: release_proposed,
        LegalHoldReleased: hold_released,
        RetentionRuleActivated: rule_activated,
    },
)

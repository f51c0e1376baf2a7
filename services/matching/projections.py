"""The roster's tables: students and list rows from the registry's log, decisions from our own."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Any
from uuid import UUID

from services.matching import events as matching
from services.matching.block_keys import entry_keys, name_sound, person_keys
from services.matching.heads import is_head, stands_for_household
from services.matching.list_dates import list_received, list_withdrawn
from services.matching.names import comparable
from services.matching.row_records import entry_of, student_of
from services.matching.tables import ALWAYS, COVERS, DECISIONS, ENTRIES, LIST_DATES, MEMBERS, RULES, SCHOOLS, STUDENTS
from services.matching.work import enqueue
from services.registry import events as registry
from shared.eventsourcing.periods import FOREVER
from shared.eventsourcing.projection import Assertion, Projection, Recorded
from shared.kernel.facts import Fact
from shared.kernel.identifiers import keyed_id
from shared.standards import identity_number
from shared.standards.cell_text import number_text
from shared.standards.identity_number import IdentityNumberError

# Of ListEntryFields.problems.
BIRTH_DATE_DIFFERS, NAME_MISSING = "birth_date:birth_date_differs", "name:name_missing"

PERSON_COLUMNS = (
    *("name", "match_name", "former_name", "id_number", "student_number", "sex", "birth_date"),
    *("guardian_name", "guardian_number", "block_keys", "name_sound"),
)
_PLACE_COLUMNS = ("school_code", "division_code", "stage", "grade", "class_name", "boarder", "left_behind")
_EVIDENCE_COLUMNS = (
    *("household_type", "support_type", "area_type", "coverage", "disability_kind", "disability_grade"),
)
_ENTRY_COLUMNS = (
    *("agency", "list", "division_code", "number_problem", "number_contradicted", "school_elsewhere", "household_key"),
    *(*_EVIDENCE_COLUMNS, "lifted_on", "submission_id", "row", "grade", "residence_code"),
)
_LISTED_COLUMNS = (
    *("name", "match_name", "former_name", "id_number", "id_text", "sex", "birth_date", "suggested_birth_date"),
    *("guardian_name", "guardian_number", "head_name", "birth_date_contradicted", "block_keys"),
)


def person(personal: registry.StudentPersonal | None) -> dict[str, Any]:
    """The personal columns of a student; all empty after an erasure."""
    if personal is None:
        return dict.fromkeys(PERSON_COLUMNS)
    values: dict[str, Any] = {
        "name": personal.name,
        "match_name": comparable(personal.name),
        "former_name": personal.former_name,
        "id_number": personal.id_number,
        "student_number": personal.student_number,
        "sex": personal.sex,
        "birth_date": personal.birth_date,
        "guardian_name": personal.guardian_name,
        "guardian_number": number_text(personal.guardian_id) or None,
    }
    record = student_of(personal.person_id, values)
    return values | {"block_keys": sorted(person_keys(record)), "name_sound": name_sound(record.name) or None}


def student_enrolled(event: Recorded) -> Iterable[Assertion]:
    fact: registry.StudentEnrolled = event.fact
    values = person(fact.personal) | _of(fact, _PLACE_COLUMNS) | {"enrolled": True}
    yield Assertion(STUDENTS, event.stream_id, event.effective_on, values)


def student_placed(event: Recorded) -> Iterable[Assertion]:
    yield Assertion(STUDENTS, event.stream_id, event.effective_on, _of(event.fact, _PLACE_COLUMNS))


def student_gone(event: Recorded) -> Iterable[Assertion]:
    yield Assertion(STUDENTS, event.stream_id, event.effective_on, {"enrolled": False})


def student_corrected(event: Recorded) -> Iterable[Assertion]:
    yield Assertion(STUDENTS, event.stream_id, event.effective_on, person(event.fact.personal))


def school_registered(event: Recorded) -> Iterable[Assertion]:
    fact: registry.SchoolRegistered = event.fact
    values = {"code": fact.school_code, "name": fact.name, "division": fact.division_code}
    yield Assertion(SCHOOLS, event.stream_id, event.effective_on, values)


def covers_household(fact: registry.ListEntryFields) -> bool:
    """The row is about a head, and his whole household is covered (整户保)."""
    personal = fact.personal
    if personal is None:
        return False
    head_number = number_text(personal.head_id)
    head = is_head(fact.relation or "", personal.name, personal.id_number, personal.head_name or "", head_number)
    return stands_for_household(fact.list, fact.coverage, head or _names_head_only(fact, personal))


def _names_head_only(fact: registry.ListEntryFields, personal: registry.EntryPersonal) -> bool:
    """The registry misses no name where the head's is meant to be the only one."""
    return not (personal.name or personal.id_number or NAME_MISSING in fact.problems)


def listed_person(fact: registry.ListEntryFields) -> dict[str, Any]:
    """Who the row is about; for a row that names only a head, the head."""
    personal = fact.personal
    if personal is None:
        return dict.fromkeys((*_LISTED_COLUMNS, "number_problem"))
    values: dict[str, Any] = {
        "name": personal.name,
        "match_name": comparable(personal.name),
        "former_name": personal.former_name,
        "id_number": personal.id_number,
        "id_text": personal.id_text,
        "sex": personal.sex,
        "birth_date": personal.birth_date,
        "suggested_birth_date": personal.suggested_birth_date,
        "guardian_name": personal.guardian_name,
        "guardian_number": number_text(personal.guardian_id or personal.head_id) or None,
        "head_name": personal.head_name,
        "birth_date_contradicted": BIRTH_DATE_DIFFERS in fact.problems,
    }
    return values | _head(personal) if _names_head_only(fact, personal) else values


def _head(personal: registry.EntryPersonal) -> dict[str, Any]:
    """The head's own name and number in place of the member's that the row does not give."""
    name = personal.head_name or ""
    found: dict[str, Any] = {"name": name, "match_name": comparable(name), "guardian_number": None, "head_name": None}
    try:
        number = identity_number.parse(personal.head_id)
    except IdentityNumberError as error:
        return found | {"number_problem": None if error.code == "empty" else error.code}
    return found | {"id_number": number.text, "birth_date": number.birth_date, "number_problem": None}


def entry_stated(event: Recorded) -> Iterable[Assertion]:
    fact: registry.ListEntryFields = event.fact
    values = _of(fact, _ENTRY_COLUMNS) | listed_person(fact)
    values |= {
        "standing": True,
        "removal_reason": None,
        "stands_for_household": covers_household(fact),
        "listed_school_code": fact.school_code,
        "starts_on": fact.valid_from,
        "ends_on": fact.valid_to,
    }
    if fact.personal is not None:
        values["block_keys"] = sorted(entry_keys(entry_of(values, False)))
    yield Assertion(ENTRIES, event.stream_id, event.effective_on, values)


def entry_removed(event: Recorded) -> Iterable[Assertion]:
    values = {"standing": False, "removal_reason": event.fact.reason}
    yield Assertion(ENTRIES, event.stream_id, event.effective_on, values)


def _membership(household_id: UUID, member_id: UUID) -> UUID:
    # Both ids are keyed already; the derivation only has to repeat.
    return keyed_id(b"household membership", str(household_id), str(member_id))


def member_joined(event: Recorded) -> Iterable[Assertion]:
    fact: registry.HouseholdMemberJoined = event.fact
    personal = fact.personal
    values = {
        "household_id": event.stream_id,
        "student_id": fact.student_id,
        "name": personal.name if personal else None,
        "id_number": personal.id_number if personal else None,
        "belongs": True,
    }
    yield Assertion(MEMBERS, _membership(event.stream_id, fact.member_id), event.effective_on, values)


def member_left(event: Recorded) -> Iterable[Assertion]:
    values = {"household_id": event.stream_id, "belongs": False}
    yield Assertion(MEMBERS, _membership(event.stream_id, event.fact.member_id), event.effective_on, values)


def _of(fact: Fact, names: Iterable[str]) -> dict[str, Any]:
    return {name: getattr(fact, name) for name in names}


_NO_EVIDENCE: dict[str, Any] = dict.fromkeys((*_EVIDENCE_COLUMNS, "starts_on", "ends_on"))
_DECIDED = ("list", "agency", "rule", "reason", "division_code", "school_code")


def _decided(fact: matching.LinkConfirmed | matching.ReviewOpened | matching.EntryUnmatched) -> dict[str, Any]:
    return _of(fact, _DECIDED) | {"score": Decimal(repr(fact.score))}


def link_confirmed(event: Recorded) -> Iterable[Assertion]:
    fact: matching.LinkConfirmed = event.fact
    values = _decided(fact) | _of(fact, (*_EVIDENCE_COLUMNS, "student_id"))
    values |= {
        "state": "linked",
        "candidates": [fact.student_id],
        "school_age": None,
        "starts_on": fact.valid_from,
        "ends_on": fact.valid_to,
        "decided_at": event.recorded_at,
        "event_id": event.event_id,
    }
    yield Assertion(DECISIONS, fact.entry_id, event.effective_on, values)


def link_withdrawn(event: Recorded) -> Iterable[Assertion]:
    values: dict[str, Any] = {"state": None, "student_id": None, "candidates": [], "event_id": event.event_id}
    yield Assertion(DECISIONS, event.fact.entry_id, event.effective_on, values)


def review_opened(event: Recorded) -> Iterable[Assertion]:
    fact: matching.ReviewOpened = event.fact
    values = _decided(fact) | _NO_EVIDENCE
    values |= {
        "state": "review",
        "student_id": None,
        "candidates": list(fact.candidates),
        "school_age": None,
        "event_id": event.event_id,
    }
    yield Assertion(DECISIONS, fact.entry_id, event.effective_on, values)


def entry_unmatched(event: Recorded) -> Iterable[Assertion]:
    fact: matching.EntryUnmatched = event.fact
    values = _decided(fact) | _of(fact, ("state", "school_age")) | _NO_EVIDENCE
    values |= {"student_id": None, "candidates": [], "event_id": event.event_id}
    yield Assertion(DECISIONS, fact.entry_id, event.effective_on, values)


def entry_withdrawn(event: Recorded) -> Iterable[Assertion]:
    values: dict[str, Any] = {"state": None, "student_id": None, "candidates": [], "event_id": event.event_id}
    yield Assertion(DECISIONS, event.fact.entry_id, event.effective_on, values)


_SUPPORT_COLUMNS = ("household_type", "support_type", "area_type", "coverage")


def _cover(fact: matching.MemberCovered | matching.MemberCoverWithdrawn) -> UUID:
    day = fact.covered_from.isoformat()
    return keyed_id(b"member cover", str(fact.entry_id), str(fact.student_id), day)


def member_covered(event: Recorded) -> Iterable[Assertion]:
    fact: matching.MemberCovered = event.fact
    values = _of(fact, ("entry_id", "student_id", "covered_from", "list", "agency", "rule", "reason"))
    values |= _of(fact, (*_SUPPORT_COLUMNS, "division_code", "school_code"))
    values |= {
        "stands": True,
        "covered_to": fact.covered_to or FOREVER,
        "starts_on": fact.valid_from,
        "ends_on": fact.valid_to,
        "decided_at": event.recorded_at,
        "event_id": event.event_id,
    }
    yield Assertion(COVERS, _cover(fact), ALWAYS, values)


def member_cover_withdrawn(event: Recorded) -> Iterable[Assertion]:
    values = {"stands": False, "student_id": event.fact.student_id, "event_id": event.event_id}
    yield Assertion(COVERS, _cover(event.fact), ALWAYS, values)


# One entity for the rules: a later activation takes over from its day.
RULES_ENTITY: UUID = keyed_id(b"category rules", "category rules")


def rules_activated(event: Recorded) -> Iterable[Assertion]:
    fact: matching.CategoryRulesActivated = event.fact
    values = {"content": fact.content, "content_hash": fact.content_hash}
    yield Assertion(RULES, RULES_ENTITY, event.effective_on, values)


def day_opened(event: Recorded) -> Iterable[Assertion]:
    return ()


FOLDS: dict[type[Fact], Any] = {
    registry.SchoolRegistered: school_registered,
    registry.StudentEnrolled: student_enrolled,
    registry.StudentPlaced: student_placed,
    registry.StudentTransferredOut: student_gone,
    registry.StudentLeft: student_gone,
    registry.StudentDetailsCorrected: student_corrected,
    registry.ListEntryAdded: entry_stated,
    registry.ListEntryCorrected: entry_stated,
    registry.ListEntryRemoved: entry_removed,
    registry.ListSubmissionReceived: list_received,
    registry.ListSubmissionWithdrawn: list_withdrawn,
    registry.HouseholdMemberJoined: member_joined,
    registry.HouseholdMemberLeft: member_left,
    matching.LinkConfirmed: link_confirmed,
    matching.LinkWithdrawn: link_withdrawn,
    matching.ReviewOpened: review_opened,
    matching.EntryUnmatched: entry_unmatched,
    matching.EntryWithdrawn: entry_withdrawn,
    matching.MemberCovered: member_covered,
    matching.MemberCoverWithdrawn: member_cover_withdrawn,
    matching.CategoryRulesActivated: rules_activated,
    matching.DayOpened: day_opened,
}

ROSTER_TABLES = (STUDENTS, ENTRIES, SCHOOLS, MEMBERS, DECISIONS, COVERS, RULES, LIST_DATES)
ROSTER_VIEW = Projection("roster", ROSTER_TABLES, FOLDS, after=enqueue, appends=False)

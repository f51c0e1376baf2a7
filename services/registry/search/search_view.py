"""The view that search reads, folded apart from the register so that either can be rebuilt alone."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from services.registry.events import (
    StudentAcceptedElsewhere,
    StudentDetailsCorrected,
    StudentEnrolled,
    StudentLeft,
    StudentPersonal,
    StudentPlaced,
    StudentTransferredOut,
)
from services.registry.reference_folds import SCHOOL_FOLDS
from services.registry.search.search_keys import search_keys
from services.registry.tables import FOUND_STUDENTS, SCHOOLS
from shared.eventsourcing.projection import Assertion, Projection, Recorded
from shared.kernel.facts import Fact
from shared.kernel.masking import mask_name, mask_number

_PLACE = ("division_code", "school_code", "stage", "grade", "class_name")


def _found(event: Recorded, values: dict[str, Any]) -> Iterable[Assertion]:
    yield Assertion(FOUND_STUDENTS, event.stream_id, event.effective_on, values)


def found_by(personal: StudentPersonal | None) -> dict[str, Any]:
    """The masked columns and the keys of a student; after an erasure empty, and no key is left."""
    shown = (
        (None, None, None, None)
        if personal is None
        else (
            mask_name(personal.name),
            mask_name(personal.former_name),
            mask_number(personal.id_number),
            mask_number(personal.student_number),
        )
    )
    names = ("shown_name", "shown_former_name", "shown_id_number", "shown_student_number")
    return {**dict(zip(names, shown, strict=True)), "search_keys": search_keys(personal)}


def _place(fact: StudentEnrolled | StudentPlaced) -> dict[str, Any]:
    return {name: getattr(fact, name) for name in _PLACE}


def student_enrolled(event: Recorded) -> Iterable[Assertion]:
    fact: StudentEnrolled = event.fact
    return _found(event, _place(fact) | found_by(fact.personal) | {"state": "enrolled"})


def student_placed(event: Recorded) -> Iterable[Assertion]:
    return _found(event, _place(event.fact))


def student_corrected(event: Recorded) -> Iterable[Assertion]:
    return _found(event, found_by(event.fact.personal))


def student_transferred_out(event: Recorded) -> Iterable[Assertion]:
    return _found(event, {"state": "transferred_out"})


def student_accepted_elsewhere(event: Recorded) -> Iterable[Assertion]:
    return _found(event, {"state": "accepted_elsewhere"})


def student_left(event: Recorded) -> Iterable[Assertion]:
    return _found(event, {"state": event.fact.reason})


FOLDS: dict[type[Fact], Any] = {
    **SCHOOL_FOLDS,
    StudentEnrolled: student_enrolled,
    StudentPlaced: student_placed,
    StudentDetailsCorrected: student_corrected,
    StudentTransferredOut: student_transferred_out,
    StudentAcceptedElsewhere: student_accepted_elsewhere,
    StudentLeft: student_left,
}

SEARCH = Projection("search", (SCHOOLS, FOUND_STUDENTS), FOLDS)

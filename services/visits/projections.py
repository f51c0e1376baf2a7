"""Folds of visits, one small pure function per fact. What a family said stays sealed in the log."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from services.registry.events import (
    SchoolRegistered,
    StudentDetailsCorrected,
    StudentEnrolled,
    StudentLeft,
    StudentPersonal,
    StudentPlaced,
    StudentTransferredOut,
)
from services.visits.events import HelperAssigned, VisitLogged
from services.visits.tables import HELPERS, PLACES, SCHOOLS, STUDENTS, VISITS
from shared.eventsourcing.projection import Assertion, Projection, Recorded
from shared.kernel.masking import mask_name


def _named(personal: StudentPersonal | None) -> dict[str, Any]:
    """Nothing after an erasure."""
    return {"name_masked": None if personal is None else mask_name(personal.name)}


def _place(fact: StudentEnrolled | StudentPlaced) -> dict[str, Any]:
    return {
        "stage": fact.stage,
        "grade": fact.grade,
        "class_name": fact.class_name,
        "division_code": fact.division_code,
        "school_code": fact.school_code,
    }


def student_enrolled(event: Recorded) -> Iterable[Assertion]:
    values = {"enrolled": True} | _place(event.fact) | _named(event.fact.personal)
    yield Assertion(STUDENTS, event.stream_id, event.effective_on, values)


def student_placed(event: Recorded) -> Iterable[Assertion]:
    """Another school may have taken hers over."""
    yield Assertion(STUDENTS, event.stream_id, event.effective_on, _place(event.fact))


def placed(event: Recorded) -> Iterable[Assertion]:
    """Of an enrolment or another place: where she is, and no more."""
    yield Assertion(PLACES, event.stream_id, event.effective_on, _place(event.fact))


def student_corrected(event: Recorded) -> Iterable[Assertion]:
    yield Assertion(STUDENTS, event.stream_id, event.effective_on, _named(event.fact.personal))


def student_gone(event: Recorded) -> Iterable[Assertion]:
    yield Assertion(STUDENTS, event.stream_id, event.effective_on, {"enrolled": False})


def helper_assigned(event: Recorded) -> Iterable[Assertion]:
    fact = event.fact
    values = {
        "student_id": fact.student_id,
        "helper": fact.helper,
        "division_code": fact.division_code,
        "school_code": fact.school_code,
    }
    yield Assertion(HELPERS, event.stream_id, event.effective_on, values)


def visit_logged(event: Recorded) -> Iterable[Assertion]:
    fact = event.fact
    values = {
        "student_id": fact.student_id,
        "campaign": fact.campaign,
        "visited_on": fact.visited_on,
        "outcome": fact.outcome,
        "visitor": fact.visitor,
        "confirmed": list(fact.confirmed),
        "repeat_on": fact.repeat_on,
        "has_notes": fact.personal is not None,
        "division_code": fact.division_code,
        "school_code": fact.school_code,
    }
    yield Assertion(VISITS, event.stream_id, event.effective_on, values)


def school_registered(event: Recorded) -> Iterable[Assertion]:
    values = {"code": event.fact.school_code, "name": event.fact.name}
    yield Assertion(SCHOOLS, event.stream_id, event.effective_on, values)


VISITS_VIEW = Projection(
    "visits",
    (STUDENTS, HELPERS, VISITS, SCHOOLS),
    {
        StudentEnrolled: student_enrolled,
        StudentPlaced: student_placed,
        StudentDetailsCorrected: student_corrected,
        StudentTransferredOut: student_gone,
        StudentLeft: student_gone,
        SchoolRegistered: school_registered,
        HelperAssigned: helper_assigned,
        VisitLogged: visit_logged,
    },
)

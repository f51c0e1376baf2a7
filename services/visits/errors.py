"""Refusals of visits.

Refusal
├── NotFound            404
│   └── UnknownStudent        no such student, or not one of the caller's
├── Conflict            409
│   └── SameHelper            this teacher helps the student already
└── Malformed           422
    ├── UnmetVisitConfirms    a visit that met nobody cannot confirm a fact
    └── ImpossibleVisitDate   in the future, or a repeat before the visit
"""

from __future__ import annotations

from shared.kernel.refusals import Conflict, Malformed, NotFound


class UnknownStudent(NotFound):
    code = "unknown_student"


class SameHelper(Conflict):
    code = "same_helper"


class UnmetVisitConfirms(Malformed):
    code = "unmet_visit_confirms"


class ImpossibleVisitDate(Malformed):
    code = "impossible_visit_date"

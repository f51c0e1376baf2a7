"""What aid was decided on, beside the rows of a table: matching's evidence of the decisions that a row names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from services.portal.backends import Backends, BackendTrouble, Caller
from services.portal.tables.columns import Row

DECIDED_ON = "decided_on"
_STUDENTS_ASKED = 100  # as many as matching answers for at once


async def with_evidence(backends: Backends, caller: Caller, rows: Sequence[Row]) -> list[Row]:
    """The rows, each with ``decided_on``: what proves it, with the age of the lists at that decision. A decision that
    was made anew since is told by the student's evidence of today; nothing where matching cannot be read."""
    students = sorted({str(row["student_id"]) for row in rows if row.get("student_id")})
    found: dict[str, list[Mapping[str, Any]]] = {}
    try:
        for begin in range(0, len(students), _STUDENTS_ASKED):
            some = students[begin : begin + _STUDENTS_ASKED]
            answer = await backends.get(caller, "matching", "/v1/evidence", {"student_id": some})
            for item in answer.body["items"]:
                found.setdefault(str(item.get("student_id")), []).append(item)
    except BackendTrouble:
        return list(rows)
    return [{**row, DECIDED_ON: _named(row, found.get(str(row.get("student_id")), []))} for row in rows]


def _named(row: Row, evidence: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    named = {str(each) for each in row.get("evidence") or ()}
    own = [each for each in evidence if str(each.get("decision_event_id")) in named]
    return own or list(evidence)

"""The people who submit: schools and agencies at their interfaces, who try again with the same key until they are
answered, and an oracle that is told exactly what was acknowledged."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable, Sequence
from datetime import date
from typing import Any

import httpx

from tests.support.callers import Caller, Callers
from tests.support.oracle import Oracle
from tests.support.people import AGENCIES, Child, Row, School

PATIENCE_SECONDS = 90.0
PAUSE_SECONDS = 0.2
TRY_AGAIN = (500, 502, 503, 504)
LINES = 200


class Office:
    """Submits to one installation. ``meanwhile`` is called whenever nobody answered, before the next attempt: what a
    supervisor does meanwhile. ``attempts`` counts requests that had to be sent again."""

    def __init__(
        self, callers: Callers, oracle: Oracle, meanwhile: Callable[[], object] = lambda: None
    ) -> None:
        self.oracle, self.attempts = oracle, 0
        self._meanwhile = meanwhile
        self.clerk = callers.clerk()
        self.agencies: dict[str, Caller] = {name: callers.agency(agency) for name, agency in AGENCIES.items()}

    # -- register ---------------------------------------------------------------------------------------------------

    def open_schools(self, schools: Sequence[School], on: date) -> None:
        """Register schools, all in one request."""
        records = [
            {
                "school_code": school.code,
                "name": school.name,
                "division_code": school.division,
                "stages": [school.stage],
            }
            for school in schools
        ]
        self._lines("registry", "/schools/batch", records, on)

    def enrol(self, children: Sequence[Child], on: date) -> None:
        """Register children, in requests of a few hundred."""
        for begin in range(0, len(children), LINES):
            part = children[begin : begin + LINES]
            self._lines("registry", "/students/batch", [child.record() for child in part], on)
            for child in part:
                self.oracle.enrolled(child)

    # -- insisting --------------------------------------------------------------------------------------------------

    def insist(self, caller: Caller, service: str, path: str, body: Any = None, **more: Any) -> Any:
        """POST until it is answered, always with the same key. Raises AssertionError for a refusal, or no answer."""
        key = uuid.uuid4()
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                answer = caller.post(service, path, body, key=key, **more)
            except httpx.TransportError as away:
                problem = type(away).__name__
            else:
                if answer.is_success:
                    return answer.json()
                assert answer.status_code in TRY_AGAIN, f"{service}{path}: {answer.status_code} {answer.text[:600]}"
                problem = f"{answer.status_code} {answer.text[:200]}"
            assert time.monotonic() < deadline, f"{service}{path} is not answered: {problem}"
            self.attempts += 1
            self._meanwhile()
            time.sleep(PAUSE_SECONDS)

    def _lines(self, service: str, path: str, records: Sequence[dict[str, Any]], on: date) -> Any:
        text = "\n".join(json.dumps(record, ensure_ascii=False) for record in records)
        headers = {"content-type": "application/x-ndjson"}
        return self.insist(self.clerk, service, f"{path}?as_of={on}", content=text.encode(), headers=headers)

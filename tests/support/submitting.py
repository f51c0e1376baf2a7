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

from tests.support import sheets
from tests.support.callers import Caller, Callers
from tests.support.oracle import Oracle
from tests.support.people import AGENCIES, Child, Row, School

PATIENCE_SECONDS = 90.0
PAUSE_SECONDS = 0.2
TRY_AGAIN = (500, 502, 503, 504)
LINES = 200
# Rows that an interface for single rows refuses; in a file they come back with a reason and stay on record.
ONLY_IN_FILES = ("slip", "lost_digits", "nobody")
_STAGES = {"primary": "小学", "junior": "初中"}


class Office:
    """Submits to one installation. ``meanwhile`` is called whenever nobody answered, before the next attempt: what a
    supervisor does meanwhile. ``attempts`` counts requests that had to be sent again."""

    def __init__(self, callers: Callers, oracle: Oracle, meanwhile: Callable[[], object] = lambda: None) -> None:
        self.oracle, self.attempts = oracle, 0
        self._meanwhile = meanwhile
        self._student_ids: dict[str, str] = {}
        self.clerk, self.cashier = callers.clerk(), callers.of("cashier")
        self.agencies: dict[str, Caller] = {name: callers.agency(agency) for name, agency in AGENCIES.items()}

    # -- register ---------------------------------------------------------------------------------------------------

    def open_schools(self, schools: Sequence[School], on: date) -> None:
        """Register schools, as the education office's file."""
        head: list[sheets.Cell] = ["学校标识码", "学校名称", "行政区划代码", "学段"]
        body: list[list[sheets.Cell]] = [[s.code, s.name, s.division, _STAGES[s.stage]] for s in schools]
        receipt = self.send(self.clerk, "schools", sheets.xlsx([head, *body]), on)
        assert receipt["added"] == len(schools), receipt

    def enrol(self, children: Sequence[Child], on: date) -> None:
        """Register children, in requests of a few hundred."""
        for begin in range(0, len(children), LINES):
            part = children[begin : begin + LINES]
            records = [child.record() | {"enrolled_on": on.isoformat()} for child in part]
            text = "\n".join(json.dumps(record, ensure_ascii=False) for record in records)
            headers = {"content-type": "application/x-ndjson"}
            answer = self.insist(self.clerk, "registry", "/students/batch", content=text.encode(), headers=headers)
            for child, student_id in zip(part, answer["student_ids"], strict=True):
                self._student_ids[child.number] = student_id
                self.oracle.enrolled(child)

    def student_id(self, child: Child) -> str:
        """The id the registry gave when the child was enrolled."""
        return self._student_ids[child.number]

    def transfer_out(self, child: Child, on: date) -> None:
        """The child leaves for a school elsewhere that has not accepted it."""
        body = {"on": on.isoformat(), "destination_kind": "elsewhere"}
        self.insist(self.clerk, "registry", f"/students/{self.student_id(child)}/transfer-out", body)
        self.oracle.transferred_out(child, on)

    def leave(self, child: Child, on: date, reason: str) -> None:
        """The registration ends."""
        body = {"on": on.isoformat(), "reason": reason}
        self.insist(self.clerk, "registry", f"/students/{self.student_id(child)}/leave", body)
        self.oracle.left(child, on, reason)

    # -- lists --------------------------------------------------------------------------------------------------------

    def list_rows(self, rows: Sequence[Row], on: date) -> None:
        """More rows: a single one through the interface, several as each agency's file of additions."""
        for name in AGENCIES:
            some = [row for row in rows if row.list == name]
            if len(some) == 1 and some[0].kind not in ONLY_IN_FILES:
                self.insist(self.agencies[name], "registry", f"/lists/{name}/entries", some[0].cells())
            elif some:
                receipt = self.send(self.agencies[name], name, sheets.xlsx(sheets.table(some)), on)
                balance = receipt["added"] + receipt["corrected"] + receipt["unchanged"]
                assert balance == receipt["rows"] == len(some), receipt
            for row in some:
                self.oracle.listed(row)

    def remove(self, row: Row, on: date) -> None:
        """The row leaves its list: the agency sends its whole list without it, and confirms if the list is so short
        that one row is more than may leave unseen."""
        left = [each for each in self.oracle.rows.values() if each.list == row.list and each.key != row.key]
        agency = self.agencies[row.list]
        receipt = self.send(agency, row.list, sheets.xlsx(sheets.table(left, row.list)), on, mode="snapshot")
        if receipt["held"]:
            self.insist(self.clerk, "registry", f"/submissions/{receipt['submission_id']}/confirm")
        else:
            assert receipt["removed"] == 1, receipt
        self.oracle.removed(row)

    def send(
        self, caller: Caller, name: str, content: bytes, on: date, *, mode: str = "increment", **query: Any
    ) -> dict[str, Any]:
        """A file, and its receipt."""
        given = {"mode": mode, "effective_on": on.isoformat(), "filename": "list.xlsx", **query}
        path = f"/lists/{name}/submissions"
        receipt: dict[str, Any] = self.insist(caller, "registry", path, content=content, params=given)
        return receipt

    # -- aid and alerts -----------------------------------------------------------------------------------------------

    def due(self) -> list[dict[str, Any]]:
        """Entitlements not yet paid, as the clerk sees them."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                return self.clerk.pages("disbursement", "/entitlements", state="granted")
            except (httpx.TransportError, AssertionError):  # nobody there, or somebody whose database is away
                if time.monotonic() > deadline:
                    raise
            self._meanwhile()
            time.sleep(PAUSE_SECONDS)

    def disburse(self, child: Child, entitlement_id: str, on: date) -> None:
        """Pay the whole amount, with a reference of its own."""
        reference = f"PAY-{child.number[-6:]}"
        body = {"paid_on": on.isoformat(), "reference": reference}
        self.insist(self.cashier, "disbursement", f"/entitlements/{entitlement_id}/disburse", body)
        self.oracle.disbursed(child, reference)

    def see(self, alert_id: str, kind: str, number: str) -> None:
        """Somebody reads an alert about this child."""
        self.insist(self.clerk, "notifications", f"/alerts/{alert_id}/seen")
        self.oracle.seen(kind, number)

    def close(self, alert_id: str, kind: str, number: str, why: dict[str, str]) -> None:
        """Somebody closes it, on evidence."""
        self.insist(self.clerk, "notifications", f"/alerts/{alert_id}/close", why)
        self.oracle.closed(kind, number)

    # -- insisting ----------------------------------------------------------------------------------------------------

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

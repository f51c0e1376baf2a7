"""What a running system says is true, as the same lines the oracle gives: once from its tables, once from its APIs.

The tables are read as the superuser (they name people in full); the APIs as the aid clerk, whose answers are masked, so
that people are told apart by the ids the tables give them.
"""

from __future__ import annotations

from typing import Any

from shared.kernel.clock import today
from tests.support.callers import Caller
from tests.support.oracle import Line
from tests.support.system import System


class Observed:
    """Reads one system as of the day on which it is asked."""

    def __init__(self, system: System) -> None:
        self._system = system

    # -- from the tables --------------------------------------------------------------------------------------------

    def lines(self) -> list[Line]:
        """All of it, from the live tables."""
        return sorted([*self._rows(), *self._roster(), *self._aid(), *self._alerts()])

    def numbers(self) -> dict[str, str]:
        """Student id → identity number."""
        return {str(entity): str(number) for entity, number in self._read("matching", "roster", _STUDENTS)}

    def entries(self) -> dict[str, tuple[str, str, str]]:
        """Entry id → (list, name, number as written) of every row that ever stood."""
        rows = self._read("matching", "roster", _ENTRIES)
        return {str(entity): (str(name), str(person), str(number)) for entity, name, person, number in rows}

    def _rows(self) -> list[Line]:
        numbers = self.numbers()
        found: list[Line] = []
        for name, person, number, state, student in self._read("matching", "roster", _STANDING):
            linked = numbers.get(str(student), "") if state == "linked" else ""
            found.append(("row", str(name), str(person), str(number), str(state), linked))
        return found

    def _roster(self) -> list[Line]:
        """Enrolled children with a linked row in force that supports a category, and the first such category."""
        proofs: dict[tuple[str, str], set[str]] = {}
        for number, school, name, household, support, area in self._read("matching", "roster", _EVIDENCE):
            proofs.setdefault((str(number), str(school)), set()).add(_category(name, household, support, area))
        order = ("registered_poor", "disabled", "subsistence_rural", "extreme_hardship", "")
        first = {who: min(found, key=order.index) for who, found in proofs.items()}
        return [("roster", *who, category) for who, category in first.items() if category]

    def _aid(self) -> list[Line]:
        numbers = self.numbers()
        found: list[Line] = []
        for student, term, amount, granted, reference in self._read("disbursement", "payments", _ENTITLED):
            state = ("paid" if granted else "to_recover") if reference else ("granted" if granted else "withdrawn")
            found.append(("entitlement", numbers[str(student)], str(term), str(amount), state))
        for student, term, amount, reference in self._read("disbursement", "payments", _PAID):
            found.append(("payment", numbers[str(student)], str(term), str(amount), str(reference)))
        return found

    def _alerts(self) -> list[Line]:
        numbers, entries = self.numbers(), self.entries()
        found: list[Line] = []
        for kind, state, student, entry in self._read("notifications", "alerts", _ALERTS):
            number = numbers[str(student)] if student is not None else entries[str(entry)][2]
            found.append(("alert", str(kind), number, str(state)))
        return found

    def _read(self, service: str, projection: str, query: str) -> list[tuple[object, ...]]:
        schema = self._system.ask(
            service, "SELECT schema FROM builds WHERE projection = %s AND state = 'live'", projection
        )[0][0]
        return self._system.ask(service, query.format(schema=f'"{schema}"', day=today().isoformat()))

    # -- from the APIs ----------------------------------------------------------------------------------------------

    def answered(self, clerk: Caller) -> list[Line]:
        """What the aid clerk is shown: roster, entitlements, payments, alerts; people by their identity number."""
        numbers, entries = self.numbers(), self.entries()
        found: list[Line] = []
        for row in clerk.pages("matching", "/roster"):
            found.append(("roster", numbers[row["student_id"]], row["school_code"], row["category"]))
        for row in clerk.pages("disbursement", "/entitlements"):
            amount = str(row["amount_fen"])
            found.append(("entitlement", numbers[row["student_id"]], row["term"], amount, row["state"]))
        for row in clerk.pages("disbursement", "/payments"):
            amount = str(row["amount_fen"])
            found.append(("payment", numbers[row["student_id"]], row["term"], amount, row["reference"]))
        for row in clerk.pages("notifications", "/alerts"):
            who = numbers[row["student_id"]] if row["student_id"] else entries[row["entry_id"]][2]
            found.append(("alert", row["kind"], who, row["state"]))
        return sorted(found)

    def counted(self, clerk: Caller) -> dict[str, Any]:
        """The summary's counts of row states."""
        states: dict[str, Any] = clerk.read("matching", "/roster/summary")["states"]
        return {state: count for state, count in states.items() if count}


def _category(name: object, household: object, support: object, area: object) -> str:
    if name == "poverty":
        return "registered_poor"
    if name == "disability":
        return "disabled"
    if area == "urban":
        return ""
    return {"subsistence_allowance": "subsistence_rural", "extreme_hardship": "extreme_hardship"}.get(str(support), "")


_STUDENTS = "SELECT entity, max(id_number) FROM {schema}.students GROUP BY entity"
_ENTRIES = """
SELECT DISTINCT ON (entity) entity, list, name, coalesce(id_number, id_text, '')
FROM {schema}.entries ORDER BY entity, valid_from DESC
"""
# A row without a decision shows as such: it would be a row in no state.
_STANDING = """
SELECT e.list, e.name, coalesce(e.id_number, e.id_text, ''), coalesce(d.state, 'undecided'), d.student_id
FROM {schema}.entries e
LEFT JOIN {schema}.decisions d ON d.entity = e.entity AND d.valid_from <= '{day}' AND d.valid_to > '{day}'
WHERE e.standing AND e.valid_from <= '{day}' AND e.valid_to > '{day}'
"""
_EVIDENCE = """
SELECT s.id_number, s.school_code, d.list, d.household_type, d.support_type, d.area_type
FROM {schema}.decisions d
JOIN {schema}.students s ON s.entity = d.student_id AND s.valid_from <= '{day}' AND s.valid_to > '{day}'
WHERE d.state = 'linked' AND d.valid_from <= '{day}' AND d.valid_to > '{day}' AND s.enrolled
  AND coalesce(d.starts_on, '-infinity') <= '{day}' AND coalesce(d.ends_on, 'infinity') > '{day}'
"""
_ENTITLED = """
SELECT e.student_id, e.term, e.amount_fen, e.granted, p.reference FROM {schema}.entitlements e
LEFT JOIN {schema}.payments p ON p.entity = e.entity AND p.valid_from <= '{day}' AND p.valid_to > '{day}'
WHERE e.valid_from <= '{day}' AND e.valid_to > '{day}'
"""
_PAID = """
SELECT student_id, term, amount_fen, reference FROM {schema}.payments
WHERE valid_from <= '{day}' AND valid_to > '{day}'
"""
_ALERTS = """
SELECT kind, state, student_id, entry_id FROM {schema}.alerts
WHERE valid_from <= '{day}' AND valid_to > '{day}' AND state IN ('open', 'seen')
"""

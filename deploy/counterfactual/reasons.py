"""Why an entitlement would be another: the change about the rows it rests on, and what was really told of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from deploy.counterfactual.changing import Changed
from deploy.counterfactual.entitlements import Proof
from services.audit.counterfactuals.answer import EventNamed, Reason, ReasonCode
from services.audit.counterfactuals.changes import (
    AnyChange,
    BringList,
    LeaveOutList,
    MoveList,
    OtherRules,
    RedateList,
    ReplaceList,
)
from shared.eventsourcing.event import Logged

EVENTS_TOLD = 20
_CODES: Mapping[type[AnyChange], ReasonCode] = {
    MoveList: "list_moved",
    RedateList: "list_redated",
    LeaveOutList: "list_left_out",
    ReplaceList: "list_replaced",
    BringList: "list_brought",
    OtherRules: "other_rules",
}


@dataclass(frozen=True)
class Reasoning:
    """Called with what an entitlement rests on in truth and in the rerun, and whether they follow other rules."""

    changes: Sequence[AnyChange]
    changed: Changed

    @classmethod
    def of(cls, changes: Sequence[AnyChange], changed: Changed) -> Reasoning:
        """For the reruns of these changes."""
        return cls(changes, changed)

    def __call__(self, rests_on: frozenset[Proof], programme: str | None) -> list[Reason]:
        """``programme``: whose rules are others, None: the same were followed."""
        found = [
            self._row(entry)
            for entry in sorted({proof.entry_id for proof in rests_on})
            if entry in self.changed.entries
        ]
        for each in self.changed.programmes:
            if each.programme == programme:
                real = named(event.logged for event in each.real)
                found.append(Reason(code="other_rules", change=each.number, events=real))
        return found or [Reason(code="another_row")]

    def _row(self, entry: UUID) -> Reason:
        number = self.changed.touched.get(entry)
        real = named(self.changed.entries[entry][-EVENTS_TOLD:])
        if number is None:
            return Reason(code="another_row", entry_id=entry, events=real)
        return Reason(code=_CODES[type(self.changes[number - 1])], change=number, entry_id=entry, events=real)


def named(events: Iterable[Logged]) -> list[EventNamed]:
    """Events by their places."""
    return [
        EventNamed(
            service=logged.service,
            log_index=logged.log_index,
            event_id=logged.event.event_id,
            type=logged.event.type,
            effective_on=logged.event.effective_on,
        )
        for logged in events
    ]

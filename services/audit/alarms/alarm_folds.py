"""How acknowledgements become rows."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from services.audit.alarms.alarm_tables import ALARM_NOTES
from services.audit.events import AlarmAcknowledged
from shared.eventsourcing.projection import Assertion, Projection, Recorded

ALWAYS = date(1, 1, 1)


def alarm_acknowledged(event: Recorded) -> Iterable[Assertion]:
    fact: AlarmAcknowledged = event.fact
    values = {
        "log": fact.log,
        "kind": fact.kind,
        "wrong_index": fact.log_index,
        "note": fact.note,
        "acknowledged_by": fact.acknowledged_by,
        "acknowledged_at": event.recorded_at,
    }
    yield Assertion(ALARM_NOTES, event.event_id, ALWAYS, values)


ALARMS_VIEW = Projection("alarm_notes", (ALARM_NOTES,), {AlarmAcknowledged: alarm_acknowledged})

"""A person takes note of an alarm. The alarm stands as before: only comparisons without a difference end it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from sqlalchemy import Connection

from services.audit.alarms.alarm_queries import known
from services.audit.commands import AcknowledgeAlarm
from services.audit.erasure.desk import Desk
from services.audit.errors import NoSuchAlarm
from services.audit.events import AlarmAcknowledged
from shared.database.database import driver
from shared.eventsourcing.store import Command, Proposed, Result


def acknowledge(desk: Desk, intent: AcknowledgeAlarm, command: Command, day: date) -> Result:
    """Record who has taken note, and what they found; several people may. Raises NoSuchAlarm."""
    stream = desk.streams.alarm(intent.log, intent.kind, intent.log_index)
    with desk.database.working() as connection:
        there = known(driver(connection), intent.log, intent.kind, intent.log_index)

    def decide(connection: Connection) -> Sequence[Proposed]:
        if not there:
            raise NoSuchAlarm("没有这条警报", "there is no such alarm", log=intent.log, index=intent.log_index)
        version = len(desk.store.load(connection, stream))
        fact = AlarmAcknowledged(
            log=intent.log,
            kind=intent.kind,
            log_index=intent.log_index,
            note=intent.note,
            acknowledged_by=intent.by,
        )
        return [Proposed(stream, version, fact, day)]

    return desk.store.run(desk.database, command, decide)

"""What the archiver does, from the logs themselves, with no broker between."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

from services.audit.archive import Arrived, note_head, take
from shared.database.database import driver
from shared.eventsourcing.event import partition_of
from shared.hosting.service import Service
from shared.messaging.codec import Envelope
from tests.services.installation import DIVISION, PARTITIONS, Installation


def archive(installation: Installation, audit: Service, services: Iterable[str]) -> None:
    """Take in everything that has its place in the logs of ``services``, and their heads."""
    with audit.database.working() as connection:
        raw = driver(connection)
        for name in services:
            entries = installation.entries(name)
            for partition in range(PARTITIONS):
                arrived: list[Arrived] = []
                last = 0
                for logged, trace in entries:
                    if partition_of(logged.event.stream_id, PARTITIONS) == partition:
                        arrived.append(Arrived(len(arrived), Envelope(logged, last, trace)))
                        last = logged.log_index
                take(raw, f"//rollcall/{DIVISION}/{name}", partition, arrived)
            note_head(raw, name, len(entries), datetime.now(UTC))

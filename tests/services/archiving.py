"""What the archiver does, from the logs themselves, with no broker between."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

from services.audit.archive import Arrived, note_head, take
from services.audit.proofs.witnessing import note_checkpoint
from shared.database.database import Database, driver
from shared.eventsourcing.event import partition_of
from shared.hosting.service import Service
from shared.messaging.codec import Envelope
from shared.transparency.checkpoints import Checkpoint, issue, log_signers, origin_of
from shared.transparency.tree import Tree
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


def sign(database: Database, leaves: Mapping[str, list[bytes]], seeds: Mapping[str, bytes]) -> None:
    """Tell the witness what each service signed: one checkpoint over its whole log."""
    for service, hashes in leaves.items():
        tree = Tree()
        for leaf in hashes:
            tree.add(leaf)
        source = f"//rollcall/{DIVISION}/{service}"
        note = issue(Checkpoint(origin_of(source), tree.size, tree.root()), log_signers(source, [seeds[service]]))
        with database.working() as connection:
            note_checkpoint(driver(connection), source, note)

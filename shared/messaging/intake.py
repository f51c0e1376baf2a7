"""Between fetching and applying: one bounded queue per partition, which only its own reader empties.

Nothing here is ever cleared while somebody waits to put into it, because nobody does: a partition without room is
left out of the next fetch, and the client keeps its bounded prefetch. What was fetched before a rebalance or before a
seek is recognised by its label and dropped; the checkpoint decides what to read again (design.md §4).
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

QUEUED_RECORDS_MAX = 2_000


class TopicPartition(NamedTuple):
    """Equal and hash-equal to the tuples of the same name in aiokafka and Faust."""

    topic: str
    partition: int


class Label(NamedTuple):
    """What was true when a fetch began: the group's generation, and each partition's count of seeks."""

    generation: int
    epochs: Mapping[TopicPartition, int]


class Fetched(NamedTuple):
    """Records of one partition as they were fetched, and the label they were fetched under."""

    generation: int
    epoch: int
    records: Sequence[Any]


@dataclass
class Partition:
    """One assigned partition: what waits, and whether it may be fetched. ``next_offset`` follows what was applied."""

    epoch: int = 0
    seeking: bool = False
    queue: deque[Fetched] = field(default_factory=deque)
    queued_records: int = 0
    next_offset: int | None = None

    @property
    def has_room(self) -> bool:
        return not self.seeking and self.queued_records < QUEUED_RECORDS_MAX

    def drop_queue(self) -> None:
        self.queue.clear()
        self.queued_records = 0


class Intake:
    """All partitions this process reads. Used from one event loop only."""

    def __init__(self) -> None:
        self.generation = 0
        self.partitions: dict[TopicPartition, Partition] = {}
        self.arrived = asyncio.Event()
        self._room = asyncio.Event()

    def label(self, generation: int) -> Label:
        """To be taken before a fetch begins."""
        return Label(generation, {where: partition.epoch for where, partition in self.partitions.items()})

    def fetchable(self, active: Iterable[TopicPartition]) -> set[TopicPartition]:
        """Those of the active partitions that have room."""
        return {where for where in active if where in self.partitions and self.partitions[where].has_room}

    async def wait_for_room(self, timeout_seconds: float) -> None:
        """Until some partition has room again, or the time is over."""
        self._room.clear()
        try:
            await asyncio.wait_for(self._room.wait(), timeout_seconds)
        except TimeoutError:
            return

    def put(self, label: Label, where: TopicPartition, records: Sequence[Any]) -> bool:
        """Queue fetched records; False when they were fetched for an older assignment or position."""
        partition = self.partitions.get(where)
        if partition is None or partition.seeking or not records:
            return False
        if label.generation != self.generation or label.epochs.get(where) != partition.epoch:
            return False
        partition.queue.append(Fetched(label.generation, partition.epoch, records))
        partition.queued_records += len(records)
        self.arrived.set()
        return True

    def take(self, where: TopicPartition, limit: int) -> list[Any]:
        """The next records of a partition, at most ``limit``, never waiting to fill."""
        partition = self.partitions.get(where)
        if partition is None:
            return []
        taken: list[Any] = []
        while partition.queue and len(taken) < limit:
            fetched = partition.queue.popleft()
            room = limit - len(taken)
            if len(fetched.records) > room:
                partition.queue.appendleft(fetched._replace(records=fetched.records[room:]))
            taken.extend(fetched.records[:room])
        partition.queued_records -= len(taken)
        if partition.has_room:
            self._room.set()
        return taken

    def queued(self, where: TopicPartition) -> int:
        """How many records of a partition wait to be taken."""
        partition = self.partitions.get(where)
        return 0 if partition is None else partition.queued_records

    def assign(self, assigned: Iterable[TopicPartition], generation: int) -> None:
        """Start over with exactly these partitions, to be positioned before anything is fetched."""
        self.generation = generation
        old = self.partitions
        self.partitions = {where: Partition(old[where].epoch if where in old else 0) for where in assigned}
        for where in self.partitions:
            self.begin_seek(where)

    def revoke_all(self) -> None:
        """Nothing queued counts any more: what is still ours comes back through :meth:`assign`."""
        self.generation = -1
        for partition in self.partitions.values():
            partition.drop_queue()

    def begin_seek(self, where: TopicPartition) -> None:
        """Forget what was fetched of a partition and fetch nothing until :meth:`end_seek`."""
        partition = self.partitions[where]
        partition.epoch += 1
        partition.seeking = True
        partition.drop_queue()

    def end_seek(self, where: TopicPartition) -> None:
        """The partition is positioned: fetch on."""
        partition = self.partitions.get(where)
        if partition is not None:
            partition.seeking = False
            self._room.set()

"""Events that come one by one while the host rests are applied together."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from shared.kernel.pacing import Pace
from shared.messaging.host import ProcessorHost
from shared.messaging.intake import TopicPartition


class Counting(ProcessorHost):
    """Notes how many records each batch has, and writes nothing."""

    def __init__(self, pace: Pace) -> None:
        super().__init__("pace", "127.0.0.1:1", {}, [], pace=pace)
        self.batches: list[int] = []

    async def _apply(self, where: TopicPartition, records: Sequence[Any]) -> None:
        await asyncio.sleep(0.01)
        self.batches.append(len(records))


def batches(pace: Pace) -> list[int]:
    """Of one record alone, and 19 that come one after another when it has been applied."""

    async def story() -> list[int]:
        host, where = Counting(pace), TopicPartition("log", 0)
        host.intake.assign([where], 1)
        host.intake.end_seek(where)
        label = host.intake.label(1)
        for number in range(20):
            host.intake.put(label, where, [number])
            host.fetched(where)
            while not host.batches:
                await asyncio.sleep(0.001)
            await asyncio.sleep(0.003 if number and not pace.share else 0)
        while sum(host.batches) < 20:
            await asyncio.sleep(0.01)
        return host.batches

    return asyncio.run(story())


def test_what_comes_while_the_host_rests_is_one_batch() -> None:
    assert batches(Pace(share=100.0, longest_seconds=0.3)) == [1, 19]


def test_without_rest_it_is_many() -> None:
    assert len(batches(Pace(share=0.0))) > 2

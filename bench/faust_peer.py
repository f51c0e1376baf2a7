"""Peer: plain Faust counting events per key in a Table, as its documentation shows. Run by bench.host."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import tempfile
import time
from typing import Any

import faust

TIMEOUT_SECONDS = 120.0


async def main(bootstrap: str, topic: str, events: int) -> None:
    app = faust.App(
        f"{topic}-faust",
        broker=f"kafka://{bootstrap}",
        store="memory://",
        web_enabled=False,
        topic_partitions=4,
        topic_disable_leader=True,
        datadir=tempfile.mkdtemp(prefix="faust-"),
        consumer_auto_offset_reset="earliest",
    )
    table = app.Table("events", default=int, partitions=4)
    clock: list[float] = []
    done = asyncio.Event()

    @app.agent(app.topic(topic, key_type=bytes, value_type=bytes, key_serializer="raw", value_serializer="raw"))
    async def count(stream: Any) -> None:
        async for key, _ in stream.items():
            table[key.decode()] += 1
            clock.append(time.monotonic())
            if len(clock) >= events:
                done.set()

    await app.start()
    try:
        await asyncio.wait_for(done.wait(), TIMEOUT_SECONDS)
    except TimeoutError:
        pass
    cpu = time.process_time()
    print(json.dumps({"events": len(clock), "seconds": clock[-1] - clock[0], "cpu_seconds": cpu}), flush=True)
    os._exit(0)  # its orderly shutdown is not what is measured


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3])))

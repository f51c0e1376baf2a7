"""Peer: Quix Streams counting events per key in its RocksDB state. Run by bench.host, alone in its own interpreter."""

from __future__ import annotations

import json
import sys
import tempfile
import time
from typing import Any


def main(bootstrap: str, topic: str, events: int) -> None:
    from quixstreams import Application

    clock: list[float] = []

    def count(value: Any, state: Any) -> None:
        state.set("events", state.get("events", 0) + 1)
        clock.append(time.monotonic())

    app = Application(
        broker_address=bootstrap,
        consumer_group=f"{topic}-quix",
        auto_offset_reset="earliest",
        state_dir=tempfile.mkdtemp(prefix="quix-"),
        loglevel="ERROR",
    )
    source = app.topic(topic, key_deserializer="bytes", value_deserializer="bytes")
    app.dataframe(source).update(count, stateful=True)
    app.run(count=events, timeout=60)
    cpu = time.process_time()
    print(json.dumps({"events": len(clock), "seconds": clock[-1] - clock[0], "cpu_seconds": cpu}))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))

"""Many clients who each write single list rows at once, with the whole system beside them on one machine.

Every client has one connection and sends its next row when the last one has been acknowledged, durably: first as fast
as it can, then at a pace that all of them together offer. A client that sends as fast as it can waits for its row as
long as all the others' rows take, so 200 of them can only be answered within 200 ms by a system that takes 1,000
rows/s. The clients speak plain HTTP over asyncio streams, so that they take little of the processor they share with the
system.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import tempfile
import time
import uuid
from collections.abc import Iterator
from datetime import date, timedelta
from itertools import count
from pathlib import Path

import psutil

from bench.live import free_ports, level
from bench.report import BenchResult, Measure, result, timed
from cli.session import Session
from deploy import local
from deploy.spec import Installation
from deploy.status import gather
from shared.hosting.ports import PORT_OFFSETS
from shared.standards.identity_number import check_digit

WRITERS = 200
RATE_TARGET, P99_TARGET_MS = 500.0, 200.0
WARM_SECONDS = 3.0
_FAMILY = "赵钱孙李周吴郑王冯陈"


def run(events: int = 10_000) -> BenchResult:
    """``events``: rows written by all clients together as fast as they can, and as many again at the pace; the first
    few seconds do not count. Raises RuntimeError when a row is refused."""
    home = Path(tempfile.mkdtemp(prefix="rollcall-bench-"))
    os.environ["ROLLCALL_HOME"], os.environ["ROLLCALL_PORT"] = str(home), str(free_ports())
    os.environ["ROLLCALL_RATES"] = "off"  # what it can do is measured, not what it allows one person
    installation = Installation.from_environment()
    try:
        local.ensure_running(installation, lambda line: None)
        with Session(installation, "aid_clerk") as session:
            token = session.token
            session.get("registry", "/v1/schools", limit=1)
        before, rows, began = _processor(installation), count(), time.perf_counter()
        hurried = asyncio.run(_all(installation, token, rows, events, None))
        used = {name: round(spent - before.get(name, 0.0), 1) for name, spent in _processor(installation).items()}
        sent = next(rows)
        level(installation)
        followed = Measure("row sent → in every view of every service", sent, time.perf_counter() - began)
        before = _processor(installation)
        paced = asyncio.run(_all(installation, token, rows, events, RATE_TARGET))
        at_pace = {name: spent - before.get(name, 0.0) for name, spent in _processor(installation).items()}
        at_pace_rows = next(rows) - sent - 1
        return result(
            "registry_writers",
            [
                _timed(f"row sent → acknowledged, {WRITERS} clients as fast as they can", *hurried),
                followed,
                _timed(f"… {WRITERS} clients who offer {RATE_TARGET:.0f} rows/s together", *paced),
            ],
            rows=sent,
            **{f"{name}_processor_seconds": spent for name, spent in used.items()},
            processor_ms_per_row_at_pace=round(1_000 * sum(at_pace.values()) / at_pace_rows, 2),
            **{f"{name}_ms_at_pace": round(1_000 * spent / at_pace_rows, 2) for name, spent in at_pace.items()},
        )
    finally:
        local.bring_down(installation)
        shutil.rmtree(home, ignore_errors=True)


def _timed(label: str, seconds: float, latencies: list[float]) -> Measure:
    return timed(label, seconds, latencies, target_rate=RATE_TARGET, target_p99_ms=P99_TARGET_MS)


def _processor(installation: Installation) -> dict[str, float]:
    """Processor seconds of each part so far, children included, and of the clients."""
    found = {"client": sum(psutil.Process().cpu_times()[:2])}
    for part in gather(installation).parts:
        if part.pid is not None:
            family = [psutil.Process(part.pid), *psutil.Process(part.pid).children(recursive=True)]
            found[part.name] = sum(sum(each.cpu_times()[:2]) for each in family)
    return found


async def _all(
    installation: Installation, token: str, rows: Iterator[int], events: int, pace: float | None
) -> tuple[float, list[float]]:
    """Seconds of all counted rows together, and of each from its first byte sent to its acknowledgement read; at a pace
    from the moment at which it was to be sent."""
    port = installation.port + PORT_OFFSETS["registry"]
    latencies: list[float] = []
    begun = time.perf_counter() + WARM_SECONDS
    ended = begun

    async def write(number: int) -> None:
        nonlocal ended
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        due = time.perf_counter() + (number / pace if pace else 0.0)
        try:
            while len(latencies) < events:
                await asyncio.sleep(max(0.0, due - time.perf_counter()) if pace else 0.0)
                sent = due if pace else time.perf_counter()
                writer.write(_request(next(rows), token))
                status = await _answer(reader)
                now = time.perf_counter()
                if status != 201:
                    raise RuntimeError(f"a row was answered with {status}")
                if sent >= begun and len(latencies) < events:
                    latencies.append(now - sent)
                    ended = now
                due += WRITERS / pace if pace else 0.0
        finally:
            writer.close()

    await asyncio.gather(*(write(number) for number in range(WRITERS)))
    return ended - begun, latencies


def _request(number: int, token: str) -> bytes:
    born = date(2009, 9, 1) + timedelta(days=number % 3_000)
    first = f"469080{born:%Y%m%d}{number // 3_000:03d}"
    name = _FAMILY[number % len(_FAMILY)] + chr(0x4E00 + number % 15_000) + chr(0x4E00 + number // 7 % 15_000)
    row = {"姓名": name, "身份证号": first + check_digit(first), "户类型": "脱贫户"}
    body = json.dumps(row, ensure_ascii=False).encode()
    head = (
        "POST /v1/lists/poverty/entries HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\n"
        f"authorization: Bearer {token}\r\nidempotency-key: {uuid.uuid4()}\r\ncontent-length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


async def _answer(reader: asyncio.StreamReader) -> int:
    head = await reader.readuntil(b"\r\n\r\n")
    fields = head.lower().split(b"\r\n")
    length = next(int(each.partition(b":")[2]) for each in fields if each.startswith(b"content-length"))
    await reader.readexactly(length)
    return int(head.split(b" ", 2)[1])

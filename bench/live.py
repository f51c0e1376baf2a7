"""The whole system: a county from its files to matched rosters, and a pushed row to an open page."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import tempfile
import time
import uuid
from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import httpx

from bench.report import BenchResult, Measure, result, timed
from cli.demo import FILES, fill
from cli.session import Session
from deploy import local
from deploy.ports import free_port
from deploy.spec import Installation
from deploy.status import gather
from shared.hosting.ports import PORT_OFFSETS
from shared.kernel.clock import today
from shared.standards.identity_number import check_digit
from simulation.county import Settings, simulate

TOGETHER_TARGET = 3_000.0
LIVE_P99_TARGET_MS = 250.0
RATES_PER_SECOND = (5, 10, 20, 50, 100)
SERVICES = ("registry", "matching", "disbursement", "visits", "notifications")
MEBIBYTE = 1_048_576
ANSWER_SECONDS = 60.0
LEVEL_SECONDS_MOST, LOOK_SECONDS, LOOKS_IN_A_ROW = 600.0, 0.5, 5


def run(events: int = 20_000, seconds: int = 8) -> BenchResult:
    """``events``: students of the county; then single list rows for ``seconds`` at each rate, beside an open page."""
    home = Path(tempfile.mkdtemp(prefix="rollcall-bench-"))
    os.environ["ROLLCALL_HOME"], os.environ["ROLLCALL_PORT"] = str(home), str(free_ports())
    os.environ["ROLLCALL_RATES"] = "off"  # what it can do is measured, not what it allows one person
    installation = Installation.from_environment()
    try:
        local.ensure_running(installation, lambda line: None)
        with Session(installation, "aid_clerk") as session:
            together = _whole_county(installation, session, home, events)
            memory_mib = sum(part.memory_bytes or 0 for part in gather(installation).parts) / MEBIBYTE
            measures = [together]
            people = iter(_students(session, sum(RATES_PER_SECOND) * seconds))
            for rate in RATES_PER_SECOND:
                some = [next(people) for _ in range(rate * seconds)]
                latencies, took = asyncio.run(_beside_an_open_page(installation, session, some, rate))
                label = f"row acknowledged → open page, {rate} rows/s offered"
                measures.append(timed(label, took, latencies, target_p99_ms=LIVE_P99_TARGET_MS))
        return result("live", measures, students=events, seconds=seconds, all_processes_mib=round(memory_mib))
    finally:
        local.bring_down(installation)
        shutil.rmtree(home, ignore_errors=True)


def free_ports() -> int:
    """A first port from which the whole block is free."""
    for _ in range(50):
        first = free_port()
        if 1_024 <= first <= 64_000:
            return first
    raise RuntimeError("no free block of ports was found")


def _whole_county(installation: Installation, session: Session, home: Path, students: int) -> Measure:
    """Every event of every log, from the first file sent until all rows are decided and every service is level."""
    county = home / "county"
    county.mkdir()
    told = simulate(Settings(students=students, weeks=0), county)
    began = time.perf_counter()
    fill(session, county, str(told["as_of"]), FILES)
    level(installation)
    seconds = time.perf_counter() - began
    with Session(installation, "auditor") as auditor:
        logs = auditor.get("audit", "/v1/logs")["items"]
    return Measure(
        "files → every projection level, all services",
        sum(log["log_index"] for log in logs),
        seconds,
        target_rate=TOGETHER_TARGET,
    )


def level(installation: Installation) -> None:
    """Wait until no service has anything before it. Raises RuntimeError when that takes too long."""
    deadline, quiet = time.monotonic() + LEVEL_SECONDS_MOST, 0
    while quiet < LOOKS_IN_A_ROW:  # heads are told once a second, and what one service did is another's work then
        if time.monotonic() > deadline:
            raise RuntimeError("what follows from the events told does not come to an end")
        time.sleep(LOOK_SECONDS)
        figures = gather(installation).figures
        behind = any(figure.value for figure in figures if "lag" in figure.name or "backlog" in figure.name)
        quiet = quiet + 1 if figures and not behind else 0


async def _beside_an_open_page(
    installation: Installation, session: Session, people: Sequence[tuple[str, str, str]], rate: int
) -> tuple[list[float], float]:
    """Latencies in seconds from each row's acknowledgement to its student's change on an open live list, and how long
    it took until every row was acknowledged. The page's stream goes through the portal, rows to the registry itself."""
    rows = len(people)
    token = session.token
    seen: dict[str, float] = {}
    acknowledged: dict[str, float] = {}
    base = f"http://127.0.0.1:{installation.port}"
    registry = f"http://127.0.0.1:{installation.port + PORT_OFFSETS['registry']}"
    headers = {"authorization": f"Bearer {token}"}
    async with httpx.AsyncClient(timeout=ANSWER_SECONDS, headers=headers, trust_env=False) as client:
        opened = asyncio.Event()
        listening = asyncio.create_task(_listen(client, f"{base}/api/matching/v1/roster/stream", seen, opened))
        await opened.wait()
        began = time.perf_counter()
        pushing = []
        for number, (student_id, name, id_number) in enumerate(people):
            await asyncio.sleep(max(0.0, began + number / rate - time.perf_counter()))
            pushing.append(asyncio.create_task(_push(client, registry, student_id, name, id_number, acknowledged)))
        await asyncio.gather(*pushing)
        seconds = time.perf_counter() - began
        deadline = time.perf_counter() + ANSWER_SECONDS
        while len(seen) < rows and time.perf_counter() < deadline:  # noqa: ASYNC110 (other tasks fill it)
            await asyncio.sleep(0.05)
        listening.cancel()
    missing = acknowledged.keys() - seen.keys()
    if missing:
        raise RuntimeError(f"{len(missing)} of {rows} rows never reached the page")
    return [max(0.0, seen[student] - moment) for student, moment in acknowledged.items()], seconds


async def _listen(client: httpx.AsyncClient, address: str, seen: dict[str, float], opened: asyncio.Event) -> None:
    async with client.stream("GET", address) as stream:
        name = ""
        async for line in stream.aiter_lines():
            opened.set()
            if line.startswith("event: "):
                name = line[7:]
            elif line.startswith("data: ") and name == "row":
                seen.setdefault(json.loads(line[6:])["id"], time.perf_counter())


async def _push(
    client: httpx.AsyncClient, base: str, student_id: str, name: str, id_number: str, acknowledged: dict[str, float]
) -> None:
    answer = await client.post(
        f"{base}/v1/lists/poverty/entries",
        json={"姓名": name, "身份证号": id_number, "户类型": "脱贫户"},
        headers={"idempotency-key": str(uuid.uuid4())},
    )
    answer.raise_for_status()
    acknowledged[student_id] = time.perf_counter()


def _students(session: Session, count: int) -> list[tuple[str, str, str]]:
    """(student id, name, identity number) of new students, enrolled and known to matching."""
    school = session.get("registry", "/v1/schools", limit=1)["items"][0]["school_code"]
    people = []
    for begin in range(0, count, 400):
        lines, named = [], []
        for number in range(begin, min(begin + 400, count)):
            born = date(2014, 1, 1) + timedelta(days=number % 1_400)
            first = f"469081{born:%Y%m%d}{number % 997:03d}"  # a division that no other row names
            named.append((f"测试{chr(0x4E00 + number)}", first + check_digit(first)))
            body: dict[str, Any] = {"name": named[-1][0], "id_number": named[-1][1], "school_code": school}
            lines.append(json.dumps(body | {"enrolled_on": today().isoformat()}))
        answer = session.post_lines("registry", "/v1/students/batch", lines, uuid.uuid4())
        people += [(student, *person) for student, person in zip(answer["student_ids"], named, strict=True)]
    time.sleep(5)  # let matching read them: what is measured is the row, not the enrolment
    return people

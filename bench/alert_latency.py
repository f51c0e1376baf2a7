"""From a class's report to the alert on an open page, the whole system on one machine.

Each class has one child who was absent on the two days before; the report of today makes her alert. The report is a
POST to the registry as a teacher's page sends it; the page is an open live list of alerts, read through the portal, and
what counts is the moment the alert's row, read again as the viewer, has arrived.
"""

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
from typing import Any, NamedTuple

import httpx

from bench.live import free_ports, level
from bench.report import BenchResult, result, timed
from cli.demo import FILES, fill
from cli.session import Session
from deploy import local
from deploy.spec import Installation
from shared.hosting.ports import PORT_OFFSETS
from shared.kernel.clock import today
from shared.standards.identity_number import check_digit
from simulation.county import Settings, simulate

TARGET_P99_MS = 500.0
COUNTY_STUDENTS = 2_000
RATES_PER_SECOND = (5.0, 10.0, 20.0)
CLASSES_OF_A_SCHOOL = 40
BATCH_LINES = 400
ANSWER_SECONDS = 60.0
KIND = "absent_running"


class Absent(NamedTuple):
    """A child whose third day of absence the class is about to report."""

    student_id: str
    school_code: str
    grade: str
    class_name: str

    def report(self, day: date) -> dict[str, Any]:
        """The class's report of a day."""
        named = {"student_id": self.student_id, "reason": "unexplained"}
        where = {"school_code": self.school_code, "grade": self.grade, "class_name": self.class_name}
        return where | {"day": day.isoformat(), "absent": [named]}


class Moments(NamedTuple):
    """By student, in seconds of this process's clock."""

    sent: dict[str, float]
    acknowledged: dict[str, float]
    seen: dict[str, float]


def run(events: int = 400) -> BenchResult:
    """``events``: alerts at each rate. Raises RuntimeError when one never reaches the page."""
    home = Path(tempfile.mkdtemp(prefix="rollcall-bench-"))
    os.environ["ROLLCALL_HOME"], os.environ["ROLLCALL_PORT"] = str(home), str(free_ports())
    os.environ["ROLLCALL_RATES"] = "off"  # what it can do is measured, not what it allows one person
    installation = Installation.from_environment()
    try:
        local.ensure_running(installation, lambda line: None)
        with Session(installation, "aid_clerk") as session:
            _county(session, home)
            absent = _absent_twice(installation, session, events * len(RATES_PER_SECOND))
            measures = []
            slowest = {}
            for place, rate in enumerate(RATES_PER_SECOND):
                some = absent[place * events : (place + 1) * events]
                moments, took = asyncio.run(_beside_an_open_page(installation, session.token, some, rate))
                whole = _since(moments.sent, moments.seen)
                measures.append(timed(f"{rate:g}/s: report sent → page", took, whole, target_p99_ms=TARGET_P99_MS))
                measures.append(timed("of it until acknowledged", took, _since(moments.sent, moments.acknowledged)))
                slowest[f"slowest_at_{rate:g}_ms"] = round(1_000 * max(whole))
        return result("alert_latency", measures, alerts=events, students=COUNTY_STUDENTS, **slowest)
    finally:
        local.bring_down(installation)
        shutil.rmtree(home, ignore_errors=True)


def _since(began: dict[str, float], ended: dict[str, float]) -> list[float]:
    return [max(0.0, ended[student] - moment) for student, moment in began.items()]


def _county(session: Session, home: Path) -> None:
    """Schools, students and lists, all decided: what a page is open beside."""
    county = home / "county"
    county.mkdir()
    told = simulate(Settings(students=COUNTY_STUDENTS, weeks=0), county)
    fill(session, county, str(told["as_of"]), FILES)


def _absent_twice(installation: Installation, session: Session, count: int) -> list[Absent]:
    """``count`` classes of one child each, who was absent yesterday and the day before."""
    schools = [each["school_code"] for each in session.get("registry", "/v1/schools", limit=200)["items"]]
    places = [
        (schools[number // CLASSES_OF_A_SCHOOL % len(schools)], "三年级", f"测{number}班") for number in range(count)
    ]
    found: list[Absent] = []
    enrolled_on = (today() - timedelta(days=60)).isoformat()
    for begin in range(0, count, BATCH_LINES):
        lines = []
        for number, (school, grade, class_name) in enumerate(places[begin : begin + BATCH_LINES], begin):
            born = date(2014, 1, 1) + timedelta(days=number % 1_400)
            first = f"469081{born:%Y%m%d}{number % 997:03d}"  # a division that no list row names
            body = {"name": f"测试{chr(0x4E00 + number)}", "id_number": first + check_digit(first)}
            where = {"school_code": school, "grade": grade, "class_name": class_name, "stage": "小学"}
            lines.append(json.dumps(body | where | {"enrolled_on": enrolled_on}))
        answer = session.post_lines("registry", "/v1/students/batch", lines, uuid.uuid4())
        some = zip(answer["student_ids"], places[begin : begin + BATCH_LINES], strict=True)
        found += [Absent(student, *place) for student, place in some]
    level(installation)
    for day in (today() - timedelta(days=2), today() - timedelta(days=1)):
        for begin in range(0, count, BATCH_LINES):
            lines = [json.dumps(each.report(day)) for each in found[begin : begin + BATCH_LINES]]
            session.post_lines("registry", "/v1/attendance/batch", lines, uuid.uuid4())
    level(installation)  # what is measured is the third day's report, not what came before
    return found


async def _beside_an_open_page(
    installation: Installation, token: str, absent: Sequence[Absent], rate: float
) -> tuple[Moments, float]:
    """One report after another at this rate, whether or not the ones before have arrived; and how long it took."""
    moments = Moments({}, {}, {})
    base = f"http://127.0.0.1:{installation.port}"
    registry = f"http://127.0.0.1:{installation.port + PORT_OFFSETS['registry']}"
    headers = {"authorization": f"Bearer {token}"}
    async with httpx.AsyncClient(timeout=ANSWER_SECONDS, headers=headers, trust_env=False) as client:
        opened = asyncio.Event()
        page = asyncio.create_task(_listen(client, f"{base}/api/notifications/v1/alerts/stream", moments.seen, opened))
        await opened.wait()
        began = time.perf_counter()
        sending = []
        for number, each in enumerate(absent):
            await asyncio.sleep(max(0.0, began + number / rate - time.perf_counter()))
            sending.append(asyncio.create_task(_send(client, registry, each, moments)))
        await asyncio.gather(*sending)
        seconds = time.perf_counter() - began
        deadline = time.perf_counter() + ANSWER_SECONDS
        while len(moments.seen) < len(absent) and time.perf_counter() < deadline:  # noqa: ASYNC110 (other tasks fill it)
            await asyncio.sleep(0.05)
        page.cancel()
    if missing := moments.sent.keys() - moments.seen.keys():
        raise RuntimeError(f"{len(missing)} of {len(absent)} alerts never reached the page")
    return moments, seconds


async def _listen(client: httpx.AsyncClient, address: str, seen: dict[str, float], opened: asyncio.Event) -> None:
    async with client.stream("GET", address) as stream:
        name = ""
        async for line in stream.aiter_lines():
            opened.set()
            if line.startswith("event: "):
                name = line[7:]
            elif line.startswith("data: ") and name == "row":
                row = json.loads(line[6:])["row"]
                if row["kind"] == KIND:
                    seen.setdefault(row["student_id"], time.perf_counter())
            elif line.startswith("data: ") and name == "reload":
                await _read_again(client, address.removesuffix("/stream"), seen)


async def _read_again(client: httpx.AsyncClient, address: str, seen: dict[str, float]) -> None:
    """As a page does that is told so: too much changed at once to be told row by row."""
    asked: dict[str, str | int] = {"kind": KIND, "limit": 200}
    while True:
        page = (await client.get(address, params=asked)).raise_for_status().json()
        for row in page["items"]:
            seen.setdefault(row["student_id"], time.perf_counter())
        if page["next"] is None:
            return
        asked["after"] = page["next"]


async def _send(client: httpx.AsyncClient, base: str, absent: Absent, moments: Moments) -> None:
    moments.sent[absent.student_id] = time.perf_counter()
    headers = {"idempotency-key": str(uuid.uuid4())}
    answer = await client.post(f"{base}/v1/attendance", json=absent.report(today()), headers=headers)
    answer.raise_for_status()
    moments.acknowledged[absent.student_id] = time.perf_counter()

"""Fifty people of every kind of post who sign in and work at their pages, the whole system on one machine.

Sign-in is timed apart, from sending name and password to the session: one after another, and beside people who load
pages. Pages are offered at 300 a minute whether or not those before are answered, each timed from the moment it was
due; then everybody goes on as fast as the pages come, which tells the most there is.
"""

from __future__ import annotations

import asyncio
import random
import statistics
import time
from collections.abc import Callable, Sequence

from bench.installed import installed, memory_mib, part_processes, processor_by_part
from bench.pages_county import planted
from bench.pages_people import FIFTY, Person, Personnel, kinds_of, places_of
from bench.pages_visits import Browser, Visit, hurried, offered
from bench.report import BenchResult, Measure, result, timed
from cli.session import Session
from deploy.secrets import Secrets
from deploy.spec import Installation
from shared.hosting.ports import PORT_OFFSETS

PAGES_PER_MINUTE, PAGE_P95_MS, SIGN_IN_P99_MS = 300.0, 300.0, 300.0
HURRIED_SECONDS, REST_SECONDS = 20.0, 10.0
WARM_PAGES_EACH = 2
SLOWEST_SHOWN, SLOWEST_SEEN = 6, 3  # pages, and how often one was opened at least
SEED = 20261128

Used = Callable[[], dict[str, float]]


def run(events: int = 20_000, seconds: float = 60.0) -> BenchResult:
    """``events``: students of the county; pages are offered for ``seconds``, then half as long beside people who sign
    in. Raises WrongPage when an answer is not the page that was asked for."""
    with installed() as installation, Session(installation, "aid_clerk") as session:
        absent = planted(installation, session, installation.home, events)
        people = hired(installation, session, len(FIFTY))
        processes = part_processes(installation)
        measures, told = asyncio.run(measured(installation.page, people, lambda: processor_by_part(processes), seconds))
        memory = memory_mib(installation)
    return result(
        "pages", measures, people=len(people), students=events, absent=absent, all_processes_mib=memory, **told
    )


def hired(installation: Installation, session: Session, count: int) -> list[Person]:
    """So many people of the installation's county, let in by an administrator of its own."""
    places = places_of(session, installation.division)
    operator = Secrets(installation.home, production=False).bytes("access-operator")
    personnel = Personnel(f"http://127.0.0.1:{installation.port + PORT_OFFSETS['access']}", operator)
    try:
        return personnel.hire(kinds_of(count), places)
    finally:
        personnel.close()


async def measured(
    page: str,
    people: Sequence[Person],
    used: Used,
    offered_seconds: float,
    hurried_seconds: float = HURRIED_SECONDS,
    rest_seconds: float = REST_SECONDS,
) -> tuple[list[Measure], dict[str, float]]:
    """Every measure, and processor time as milliseconds a page. ``page``: the portal's address; ``used``: processor
    seconds so far by part."""
    chance = random.Random(SEED)  # nosec B311
    browsers = [Browser(page, person, random.Random(f"{SEED}/{number}")) for number, person in enumerate(people)]  # nosec B311
    try:
        told = await _at_rest(used, rest_seconds)
        began = time.perf_counter()
        alone = [await browser.sign_in() for browser in browsers]
        measures = [_sign_ins("sign-in, one after another", time.perf_counter() - began, alone)]
        for _ in range(WARM_PAGES_EACH):
            for browser in browsers:
                await browser.visit(time.perf_counter())
        pages = max(len(browsers), round(offered_seconds * PAGES_PER_MINUTE / 60.0))
        began, before = time.perf_counter(), used()
        visits = await offered(browsers, pages, PAGES_PER_MINUTE, chance)
        seconds = time.perf_counter() - began
        told |= _per_page("at_pace", before, used(), len(visits))
        measures.append(_pages(f"page, {PAGES_PER_MINUTE:.0f} a minute offered", seconds, visits))
        measures += _slowest(visits, seconds)
        measures += await _beside(page, people, browsers, pages // 2, chance)
        before = used()
        visits, seconds = await hurried(browsers, hurried_seconds)
        told |= _per_page("flat_out", before, used(), len(visits))
        latencies = [visit.seconds for visit in visits]
        measures.append(timed(f"page, {len(browsers)} people as fast as pages come", seconds, latencies))
        return measures, told
    finally:
        await asyncio.gather(*(browser.close() for browser in browsers))


async def _at_rest(used: Used, seconds: float) -> dict[str, float]:
    """What everything takes of one core while nobody does anything, in percent."""
    before, began = used(), time.perf_counter()
    await asyncio.sleep(seconds)
    after, seconds = used(), time.perf_counter() - began
    share = sum(after[name] - before.get(name, 0.0) for name in after if name != "client") / seconds
    return {"at_rest_percent_of_a_core": round(100 * share, 1)}


async def _beside(
    page: str, people: Sequence[Person], browsers: Sequence[Browser], pages: int, chance: random.Random
) -> list[Measure]:
    """Everybody signs in once more while pages are loaded."""
    doors = [Browser(page, person, chance) for person in people]
    seconds = 60.0 * pages / PAGES_PER_MINUTE
    began = time.perf_counter()

    async def come(number: int, door: Browser) -> float:
        await asyncio.sleep(max(0.0, began + seconds * (number + 0.5) / len(doors) - time.perf_counter()))
        return await door.sign_in()

    visiting = asyncio.create_task(offered(browsers, pages, PAGES_PER_MINUTE, chance))
    try:
        found = await asyncio.gather(*(come(*each) for each in enumerate(doors)))
        visits = await visiting
    finally:
        await asyncio.gather(*(door.close() for door in doors))
    took = time.perf_counter() - began
    return [_sign_ins("sign-in while pages load", took, found), _pages("… and the pages meanwhile", took, visits)]


def _sign_ins(label: str, seconds: float, latencies: Sequence[float]) -> Measure:
    return timed(label, seconds, latencies, target_p99_ms=SIGN_IN_P99_MS)


def _pages(label: str, seconds: float, visits: Sequence[Visit]) -> Measure:
    return timed(label, seconds, [visit.seconds for visit in visits], target_p95_ms=PAGE_P95_MS)


def _slowest(visits: Sequence[Visit], seconds: float) -> list[Measure]:
    """The pages that take longest, by the middle of their times."""
    by_page: dict[str, list[float]] = {}
    for visit in visits:
        by_page.setdefault(visit.page, []).append(visit.seconds)
    often = {page: found for page, found in by_page.items() if len(found) >= SLOWEST_SEEN}
    slow = sorted(often, key=lambda page: statistics.median(often[page]), reverse=True)
    return [timed(f"of it {page}", seconds, often[page]) for page in slow[:SLOWEST_SHOWN]]


def _per_page(when: str, before: dict[str, float], after: dict[str, float], pages: int) -> dict[str, float]:
    spent = {name: 1_000 * (seconds - before.get(name, 0.0)) / pages for name, seconds in after.items()}
    parts = {f"{when}_ms_of_{name}": round(each, 1) for name, each in spent.items()}
    return {f"{when}_processor_ms_a_page": round(sum(spent.values()), 1), **parts}

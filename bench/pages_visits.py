"""People at their browsers: they sign in by the form, go from page to page as the menu and the rows lead, and keep the
list open live that they look at.

A page counts from the moment it was to be asked for, whether or not those before it have been answered, until its last
byte has come. An answer that is not 200, or not the page that was asked for, is an error, never a fast page.
"""

from __future__ import annotations

import asyncio
import random
import re
import time
from collections.abc import Sequence
from html import unescape
from typing import NamedTuple

import httpx

from bench.pages_people import Person
from services.portal.navigation import areas
from shared.standards.rights import held_by

TIMEOUT_SECONDS = 60.0
SIGN_IN, HOME = "/sign-in/account", "/"
SHARE_HOME, SHARE_RECORD = 0.2, 0.25  # of the pages; the others go through the menu
_FORM_TOKEN = re.compile(r'name="form_token" value="([^"]+)"')
_STREAM = re.compile(r'data-stream="([^"]+)"')
_RECORD = re.compile(r'href="(/[a-z/-]+/[0-9a-f]{8}-[0-9a-f-]{27})"')
_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f-]{27}")


class WrongPage(RuntimeError):
    """Something else was answered than the page that was asked for."""

    def __init__(self, person: Person, address: str, status: int, said: str) -> None:
        super().__init__(f"{person.kind} at {address}: {status} {said}")


class Visit(NamedTuple):
    """A page that was opened: its kind (an address without ids), and seconds from the moment it was due."""

    page: str
    seconds: float


class Browser:
    """One person's: cookies and connections of its own. ``walk``: how she goes on."""

    def __init__(self, page: str, person: Person, walk: random.Random) -> None:
        self.person = person
        self._walk = walk
        self._menu: list[str] = []
        self._records: list[str] = []
        self._live: asyncio.Task[None] | None = None
        self._client = httpx.AsyncClient(
            base_url=page, timeout=TIMEOUT_SECONDS, trust_env=False, headers={"accept-language": "zh-CN"}
        )

    async def sign_in(self) -> float:
        """Seconds from sending name and password to the session. Raises WrongPage."""
        form = await self._client.get(SIGN_IN)
        token = _FORM_TOKEN.search(form.text)
        if token is None:
            raise WrongPage(self.person, SIGN_IN, form.status_code, "no form")
        sent = {"form_token": token[1], "login": self.person.login, "password": self.person.password, "next": HOME}
        began = time.perf_counter()
        answer = await self._client.post(SIGN_IN, data=sent)
        seconds = time.perf_counter() - began
        if answer.status_code != 303 or answer.headers["location"] != HOME:
            raise WrongPage(self.person, SIGN_IN, answer.status_code, "not signed in")
        return seconds

    async def visit(self, due: float) -> Visit:
        """Her next page, which was to be asked for at ``due`` (of time.perf_counter). Raises WrongPage."""
        address = self._next()
        answer = await self._client.get(address)
        seconds = time.perf_counter() - due
        self._check(address, answer)
        self._records = [each for each in _RECORD.findall(answer.text) if _leads_to_a_page(each)]
        await self._look_live(answer.text)
        return Visit(_ID.sub("…", address), seconds)

    async def close(self) -> None:
        """Close the browser; the session stays."""
        await self._look_live("")
        await self._client.aclose()

    def _next(self) -> str:
        chance = self._walk.random()
        if chance < SHARE_RECORD and self._records:
            return self._walk.choice(self._records)
        if chance > 1.0 - SHARE_HOME:
            return HOME
        if not self._menu:
            rights = held_by(self.person.kind)
            self._menu = [address for area in areas(rights, HOME) for _, address in area.pages]
            self._walk.shuffle(self._menu)
        return self._menu.pop()

    def _check(self, address: str, answer: httpx.Response) -> None:
        if answer.status_code != 200:
            raise WrongPage(self.person, address, answer.status_code, answer.headers.get("location", ""))
        shown = answer.text
        if 'href="/account"' not in shown or 'action="/sign-out"' not in shown:
            raise WrongPage(self.person, address, 200, "nobody is signed in")
        own = _ID.search(address) is not None or f'href="{address}" aria-current="page"' in shown
        if not own or "</html>" not in shown[-20:]:
            raise WrongPage(self.person, address, 200, "another page")

    async def _look_live(self, shown: str) -> None:
        """Close the live list of the page before and open the one of this page. Raises WrongPage when it was none."""
        before, self._live = self._live, None
        if before is not None and not before.cancel():
            before.result()
        stream = _STREAM.search(shown)
        if stream is not None:
            self._live = asyncio.create_task(self._listen(unescape(stream[1])))

    async def _listen(self, address: str) -> None:
        async with self._client.stream("GET", address, timeout=httpx.Timeout(TIMEOUT_SECONDS, read=None)) as stream:
            if stream.status_code != 200:
                raise WrongPage(self.person, address, stream.status_code, "no live list")
            async for _line in stream.aiter_lines():
                pass


def _leads_to_a_page(address: str) -> bool:
    return address.startswith(("/students/", "/reviews/", "/alerts/"))


async def offered(browsers: Sequence[Browser], pages: int, per_minute: float, chance: random.Random) -> list[Visit]:
    """So many pages at moments that know nothing of each other, ``per_minute`` on average, one person after another.
    Raises WrongPage."""
    seconds = 60.0 * pages / per_minute
    began = time.perf_counter()
    visits = []
    for number, moment in enumerate(sorted(chance.uniform(0.0, seconds) for _ in range(pages))):
        due = began + moment
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        visits.append(asyncio.create_task(browsers[number % len(browsers)].visit(due)))
    return list(await asyncio.gather(*visits))


async def hurried(browsers: Sequence[Browser], seconds: float) -> tuple[list[Visit], float]:
    """Everybody opens the next page as soon as the last one has come; and how long it really took. Raises
    WrongPage."""
    began = time.perf_counter()

    async def hurry(browser: Browser) -> list[Visit]:
        visits = []
        while (now := time.perf_counter()) < began + seconds:
            visits.append(await browser.visit(now))
        return visits

    found = await asyncio.gather(*map(hurry, browsers))
    return [visit for visits in found for visit in visits], time.perf_counter() - began

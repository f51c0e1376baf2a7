"""The benchmark of pages measures what it names: people let in by an administrator, their sign-ins, their own pages.
Figures are for `./rollcall bench pages`."""

from __future__ import annotations

import asyncio
import random
import time

import pytest

from bench import pages
from bench.pages_people import Person
from bench.pages_visits import Browser, WrongPage
from cli.session import Session
from shared.standards.posts import Kind
from tests.support.district import District


def test_people_sign_in_and_open_their_own_pages(district: District) -> None:
    """``measured`` itself raises when an answer is not the page that was asked for."""
    installation = district.system.installation
    with Session(installation, "aid_clerk") as session:
        people = pages.hired(installation, session, 4)
    assert [each.kind for each in people] == [Kind.AID_CLERK, Kind.REVIEWER, Kind.CASHIER, Kind.APPROVER]
    measures, told = asyncio.run(
        pages.measured(
            installation.page, people, lambda: {"client": time.process_time()}, 0.5, hurried_seconds=0.2, rest_seconds=0
        )
    )
    alone, offered, *slowest, beside, meanwhile, hurried = measures
    assert (alone.count, offered.count, beside.count, meanwhile.count) == (4, 4, 4, 2)
    assert hurried.count >= 4
    assert all(each.count >= 3 for each in slowest)
    assert told["flat_out_processor_ms_a_page"] > 0


def test_a_sign_in_page_is_no_fast_page(district: District) -> None:
    async def visited() -> None:
        browser = Browser(district.system.installation.page, Person("nobody", "-", Kind.CASHIER), random.Random(1))
        try:
            await browser.visit(time.perf_counter())
        finally:
            await browser.close()

    with pytest.raises(WrongPage):
        asyncio.run(visited())

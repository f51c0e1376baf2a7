"""When a list is due, how late it is, and who is told of as silent: once per missed day and never on a holiday."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.registry.errors import BadContract
from services.registry.events import AgencyReported, AgencySilent, FreshnessContractActivated
from services.registry.lists import freshness, reporting
from services.registry.lists.freshness import Contract, Holiday, canonical, parse
from services.registry.lists.reporting import Reported, Reporting
from services.registry.lists.withdrawals import Withdrawals
from shared.database.database import driver
from shared.database.scopes import Scope
from shared.eventsourcing.store import Command
from shared.kernel.clock import today
from tests.services.installation import DIVISION
from tests.services.registry.office import Office

DAY = timedelta(days=1)
START = date(2026, 9, 1)

HOLIDAYS = st.lists(
    st.tuples(st.integers(0, 120), st.integers(0, 20)).map(
        lambda span: Holiday(START + span[0] * DAY, START + (span[0] + span[1]) * DAY)
    ),
    max_size=3,
)
CONTRACTS = st.builds(
    lambda rhythm, grace, early, since, holidays: Contract(
        since=START + since * DAY, grace_days=grace, early_days=early, holidays=tuple(holidays), **rhythm
    ),
    st.one_of(
        st.builds(lambda every: {"every_days": every}, st.integers(5, 45)),
        st.builds(lambda day: {"weekday": day}, st.integers(1, 7)),
        st.builds(lambda day: {"day_of_month": day}, st.integers(1, 31)),
    ),
    st.integers(0, 8),
    st.integers(0, 4),
    st.integers(0, 20),
    HOLIDAYS,
)


def works(contract: Contract, day: date) -> bool:
    return not any(each.first <= day <= each.last for each in contract.holidays)


def is_due(contract: Contract, day: date, last: date | None) -> bool:
    """Looked at day by day, without stepping from one due day to the next."""
    if day < contract.since:
        return False
    if contract.every_days is not None:
        first = contract.since if last is None else max(contract.since, last + contract.every_days * DAY)
        return day >= first and (day - first).days % contract.every_days == 0
    if last is not None and (day - last).days <= contract.early_days:
        return False
    if contract.weekday is not None:
        return day.isoweekday() == contract.weekday
    last_of_month = (day + DAY).month != day.month
    return day.day == contract.day_of_month or (last_of_month and day.day < (contract.day_of_month or 0))


def in_time(contract: Contract, due: date, day: date) -> bool:
    """Whether the grace is not used up before ``day``: working days from the due day on, counted one by one."""
    begun = [due + count * DAY for count in range((day - due).days)]
    return sum(works(contract, each) for each in begun) <= contract.grace_days


@given(CONTRACTS, st.one_of(st.none(), st.integers(0, 100)), st.integers(0, 150))
def test_days_are_counted_as_a_person_would_on_a_wall_calendar(
    contract: Contract, reported: int | None, on: int
) -> None:
    last = None if reported is None else START + reported * DAY
    day = START + on * DAY
    due = [START + count * DAY for count in range(400) if last is None or START + count * DAY > last]
    due = [each for each in due if is_due(contract, each, last)]
    found = freshness.stand(contract, last, day)
    assert found.due_on == due[0]
    late = [day - count * DAY for count in range(on + 1) if day - count * DAY >= due[0]]
    assert found.days_late == sum(works(contract, each) and not in_time(contract, due[0], each) for each in late)
    assert (day <= found.due_by) == in_time(contract, due[0], day) or not works(contract, day)
    overdue = [each for each in due if each < day and not in_time(contract, each, day)]
    expected = max(overdue, default=None) if works(contract, day) else None
    assert freshness.missed(contract, last, day) == expected


@given(CONTRACTS, st.integers(0, 150))
def test_nobody_is_called_silent_on_a_holiday_or_before_a_report_is_due(contract: Contract, on: int) -> None:
    day = START + on * DAY
    if not works(contract, day) or day <= contract.since:
        assert freshness.missed(contract, None, day) is None


@given(CONTRACTS)
def test_a_contract_reads_back_as_written(contract: Contract) -> None:
    assert parse(canonical(contract)) == contract


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"weekday": 1, "day_of_month": 5},
        {"weekday": 8},
        {"every_days": 0},
        {"day_of_month": 5, "grace_days": -1},
        {"weekday": 1, "early_days": 7},
        {"weekday": 1, "holidays": (Holiday(START, START - DAY),)},
    ],
)
def test_an_agreement_that_cannot_be_meant_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(BadContract):
        parse(canonical(Contract(since=START, **wrong)))


def activate(office: Office, contract: Contract) -> Reporting:
    contracts = Reporting(office.registry.store, office.registry.keys, DIVISION)
    command = Command("clerk", uuid4(), b"contract")
    contracts.activate(office.registry.database, office.agency, "poverty", contract, today(), command)
    return contracts


def open_days(office: Office, first: int, last: int) -> None:
    for count in range(first, last + 1):
        office.installation.open_day(office.running.service, today() + count * DAY)
    office.pump()


def stands(office: Office) -> Reported:
    with office.registry.database.writing() as connection:
        return next(each for each in reporting.reported(driver(connection)) if each.agency == office.agency)


def told(office: Office) -> list[tuple[str, date]]:
    """What was said of this office's silence: due day of each, and of each end."""
    found: list[tuple[str, date]] = []
    for happened in office.log():
        fact = happened.fact
        if isinstance(fact, AgencySilent) and fact.agency == office.agency:
            found.append(("silent", fact.due_on))
        elif isinstance(fact, AgencyReported) and fact.agency == office.agency:
            found.append(("reported", fact.silent_since))
    return found


def test_a_silent_agency_is_told_of_once_per_missed_day_until_its_list_comes(office: Office) -> None:
    now = today()
    office.send(office.poor(1, 2), on=now)
    activate(
        office, Contract(since=now, every_days=7, grace_days=1, holidays=(Holiday(now + 9 * DAY, now + 11 * DAY),))
    )
    assert sum(isinstance(each.fact, FreshnessContractActivated) for each in office.log()) == 1
    open_days(office, 1, 11)
    assert told(office) == [] and stands(office).silent_since is None
    open_days(office, 12, 15)
    assert told(office) == [("silent", now + 7 * DAY)]
    open_days(office, 16, 17)
    assert told(office) == [("silent", now + 7 * DAY), ("silent", now + 14 * DAY)]
    assert stands(office).silent_since == now + 7 * DAY
    office.send(office.poor(1, 2), on=now)
    office.pump()
    assert told(office)[2:] == [("reported", now + 7 * DAY)]
    assert stands(office).silent_since is None


def test_an_agency_that_never_sent_is_silent_from_the_first_due_day(office: Office) -> None:
    now = today()
    activate(office, Contract(since=now, day_of_month=(now + DAY).day))
    assert stands(office).last_dated is None
    open_days(office, 1, 3)
    assert told(office) == [("silent", now + DAY)]


def test_a_withdrawn_list_does_not_count_as_the_last_one(office: Office) -> None:
    first = office.send(office.poor(1), on=START)
    second = office.send(office.poor(1, 2), on=START + DAY)
    assert stands(office).last_dated == START + DAY
    for sent, left in ((second, START), (first, None)):
        Withdrawals(office.registry).withdraw(
            sent.submission_id, Scope(division=DIVISION), "clerk", "wrong_date", today(), Command("clerk", uuid4(), b"")
        )
        found = [each for each in _all(office) if each.agency == office.agency]
        assert (found[0].last_dated if found else None) == left


def _all(office: Office) -> list[Reported]:
    with office.registry.database.writing() as connection:
        return reporting.reported(driver(connection))

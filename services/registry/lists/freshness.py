"""How often an agency has agreed to report a list, and how late it is on a day. Pure: days in, days out.

A report is due on certain days; from a due day on the agency has some days of grace, of which its own holidays do not
count. A list that comes a few days before a due day counts for it.
"""

from __future__ import annotations

import calendar
import hashlib
from collections.abc import Iterator
from datetime import date, timedelta
from itertools import takewhile
from typing import NamedTuple

import msgspec

from services.registry.errors import BadContract

DAYS_MAX, HOLIDAYS_MAX, HOLIDAY_DAYS_MAX = 400, 60, 120
_DAY = timedelta(days=1)


class Holiday(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """From ``first`` to ``last``, both inclusive."""

    first: date
    last: date


class Contract(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Exactly one of ``every_days`` (counted from the last report), ``weekday`` (1 = Monday) and ``day_of_month`` (a
    shorter month has its last day). Nothing is due before ``since``."""

    since: date
    every_days: int | None = None
    weekday: int | None = None
    day_of_month: int | None = None
    grace_days: int = 0
    early_days: int = 0
    holidays: tuple[Holiday, ...] = ()


class Stand(NamedTuple):
    """``due_on``: the first day for which no report has come; ``due_by``: the last day on which it is in time;
    ``days_late``: working days since, 0 while it is in time."""

    due_on: date
    due_by: date
    days_late: int


_decoder = msgspec.json.Decoder(Contract)


def canonical(contract: Contract) -> str:
    """The one JSON text of a contract."""
    return msgspec.json.encode(contract).decode()


def content_hash(content: str) -> str:
    """Hex SHA-256 of the content's UTF-8."""
    return hashlib.sha256(content.encode()).hexdigest()


def parse(content: str) -> Contract:
    """The contract in ``content``. Raises BadContract."""
    try:
        contract = _decoder.decode(content)
    except msgspec.DecodeError as error:
        raise BadContract("报送约定格式不正确", f"The contract is out of form: {error}") from error
    rhythm = (contract.every_days, contract.weekday, contract.day_of_month)
    if sum(each is not None for each in rhythm) != 1:
        raise BadContract("按天数、按周、按月只能选一种", "Give exactly one of every_days, weekday and day_of_month.")
    limits = ((contract.every_days, DAYS_MAX), (contract.weekday, 7), (contract.day_of_month, 31))
    if not all(value is None or 1 <= value <= most for value, most in limits):
        raise BadContract("报送周期超出范围", f"A rhythm is 1 to {DAYS_MAX} days, a weekday 1 to 7 or a day 1 to 31.")
    shortest = contract.every_days or (7 if contract.weekday else 28)
    if not (0 <= contract.grace_days <= DAYS_MAX and 0 <= contract.early_days < shortest):
        raise BadContract("宽限天数或提前天数超出范围", "Grace is 0 to 400 days; early days are fewer than the rhythm.")
    spans = [(each.last - each.first).days for each in contract.holidays]
    if len(spans) > HOLIDAYS_MAX or any(not 0 <= days < HOLIDAY_DAYS_MAX for days in spans):
        raise BadContract(
            "假期的起止日期不正确",
            f"A holiday ends after it begins, within {HOLIDAY_DAYS_MAX} days; at most {HOLIDAYS_MAX}.",
        )
    return contract


def on_holiday(contract: Contract, day: date) -> bool:
    """Whether the agency does not work on that day."""
    return any(each.first <= day <= each.last for each in contract.holidays)


def due_days(contract: Contract, last: date | None) -> Iterator[date]:
    """The days for which a report is due after the last one, ascending, without end."""
    if contract.every_days is not None:
        first = contract.since if last is None else max(contract.since, last + timedelta(days=contract.every_days))
        while True:
            yield first
            first += timedelta(days=contract.every_days)
    after = contract.since - _DAY if last is None else max(contract.since - _DAY, last + contract.early_days * _DAY)
    yield from _regular(contract, after + _DAY)


def _regular(contract: Contract, day: date) -> Iterator[date]:
    """The weekly or monthly days from ``day`` on."""
    if contract.weekday is not None:
        day += (contract.weekday - day.isoweekday()) % 7 * _DAY
        while True:
            yield day
            day += 7 * _DAY
    assert contract.day_of_month is not None, "parse lets no contract without a rhythm through"
    year, month = day.year, day.month
    while True:
        due = date(year, month, min(contract.day_of_month, calendar.monthrange(year, month)[1]))
        if due >= day:
            yield due
        year, month = year + month // 12, month % 12 + 1


def deadline(contract: Contract, due_on: date) -> date:
    """The last day in time: the due day, or the first working day after it, and the days of grace; holidays do not
    count."""
    day = _working(contract, due_on)
    for _ in range(contract.grace_days):
        day = _working(contract, day + _DAY)
    return day


def _working(contract: Contract, day: date) -> date:
    """The day itself, or the first one after the holidays it falls into."""
    while on_holiday(contract, day):
        day += _DAY
    return day


def days_late(contract: Contract, due_on: date, today: date) -> int:
    """Working days since the deadline."""
    after = deadline(contract, due_on)
    return sum(not on_holiday(contract, after + count * _DAY) for count in range(1, (today - after).days + 1))


def stand(contract: Contract, last: date | None, today: date) -> Stand:
    """How an agency stands that reported on ``last`` for the last time."""
    due_on = next(due_days(contract, last))
    return Stand(due_on, deadline(contract, due_on), days_late(contract, due_on, today))


def missed(contract: Contract, last: date | None, today: date) -> date | None:
    """The latest due day that is overdue on ``today``; None while none is, and on a holiday."""
    if on_holiday(contract, today):
        return None
    begun = takewhile(lambda due_on: due_on < today, due_days(contract, last))
    return max((due_on for due_on in begun if deadline(contract, due_on) < today), default=None)

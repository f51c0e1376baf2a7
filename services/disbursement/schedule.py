"""A programme as configuration: its categories, stages, calendar of terms, and rates with their dates and sources.

The content of a ``ProgrammeActivated`` event is the canonical JSON of such a configuration, so that the rules in force
at any moment can be read from the log (domain.md §5: classes and rates are versioned apart; §6: a rate has a source).
"""

from __future__ import annotations

import hashlib
from datetime import date
from typing import Any, NamedTuple

import msgspec

from services.disbursement.errors import BadProgramme, NoRate


class Rate(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Yearly fen per student from a day on, until a later rate of the same stage and boarding.

    ``region`` is a prefix of division codes; empty = everywhere."""

    valid_from: date
    region: str
    stage: str
    boarder: bool
    yearly_fen: int
    source: str


class TermRule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A part of each year: begins at month and day, and ends where the next one begins."""

    name: str
    month: int
    day: int


class Programme(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One aid programme. ``categories`` are codes of matching's evidence; money is integer fen."""

    programme: str
    title_zh: str
    title_en: str
    categories: tuple[str, ...]
    stages: tuple[str, ...]
    terms: tuple[TermRule, ...]
    rates: tuple[Rate, ...]


class Term(NamedTuple):
    """[begins, ends); named by the calendar year in which it begins: ``2026-autumn``."""

    name: str
    begins: date
    ends: date


_decoder = msgspec.json.Decoder(Programme)


def canonical(programme: Programme) -> str:
    """The one JSON text of a configuration: the declared order of fields, no blanks."""
    return msgspec.json.encode(programme).decode()


def content_hash(content: str) -> str:
    """Hex SHA-256 of the content's UTF-8."""
    return hashlib.sha256(content.encode()).hexdigest()


def parse(content: str) -> Programme:
    """The programme in ``content``. Raises BadProgramme, saying which rule it breaks."""
    try:
        programme = _decoder.decode(content)
    except msgspec.DecodeError as error:
        raise _bad("配置格式不正确", f"not a programme: {error}") from error
    if not programme.terms or not programme.rates or not programme.categories or not programme.stages:
        raise _bad("类别、学段、学期和标准都不能为空", "categories, stages, terms and rates must not be empty")
    days = [(rule.month, rule.day) for rule in programme.terms]
    if days != sorted(set(days)) or any(not _is_day(*day) for day in days):
        raise _bad("学期必须按日期先后排列", "terms must be real days in the order of the year")
    for rate in programme.rates:
        if rate.yearly_fen <= 0 or rate.yearly_fen % len(programme.terms):
            raise _bad("年标准必须为正且能按学期整分", "a yearly rate must be positive and divide by its terms")
    return programme


def term_of(programme: Programme, day: date) -> Term:
    """The term that contains ``day``."""
    begins = [(date(day.year + shift, r.month, r.day), r.name) for shift in (-1, 0, 1) for r in programme.terms]
    begins.sort()
    index = max(i for i, (start, _) in enumerate(begins) if start <= day)
    start, name = begins[index]
    return Term(f"{start.year}-{name}", start, begins[index + 1][0])


def term_named(programme: Programme, name: str) -> Term:
    """The term called like ``2026-autumn``. Raises BadProgramme when the calendar has no such term."""
    year, _, part = name.partition("-")
    for rule in programme.terms:
        if rule.name == part and year.isdecimal():
            return term_of(programme, date(int(year), rule.month, rule.day))
    raise _bad(f"没有学期 {name}", f"there is no term {name}")


def amount_fen(programme: Programme, term: Term, stage: str, boarder: bool, division_code: str) -> int:
    """What one student is due in this term: the yearly rate in force when it began, shared equally among the terms.

    The longest matching region wins, then the latest rate. Raises NoRate.
    """
    fitting = [
        rate
        for rate in programme.rates
        if rate.stage == stage
        and rate.boarder == boarder
        and rate.valid_from <= term.begins
        and division_code.startswith(rate.region)
    ]
    if not fitting:
        raise NoRate("该学段没有生效的资助标准", "no rate is in force for this stage", stage=stage, term=term.name)
    best = max(fitting, key=lambda rate: (len(rate.region), rate.valid_from))
    return best.yearly_fen // len(programme.terms)


def _is_day(month: int, day: int) -> bool:
    try:
        date(2001, month, day)  # a common year: a term cannot begin on 29 February
    except ValueError:
        return False
    return True


def _bad(zh: str, en: str, **facts: Any) -> BadProgramme:
    return BadProgramme(f"资助项目配置有误:{zh}", f"bad programme: {en}", **facts)

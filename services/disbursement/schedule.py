"""A programme as configuration: its categories, stages, calendar of terms, and rates with their dates and sources.

The content of a ``ProgrammeActivated`` event is the canonical JSON of such a configuration, so that the rules in force
at any moment can be read from the log (domain.md §5: classes and rates are versioned apart; §6: a rate has a source).
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any, Literal, NamedTuple

import msgspec

from services.disbursement.errors import BadProgramme, NoRate
from shared.standards.division import area
from shared.standards.school_calendar import months_on

PAY_WITHIN_MONTHS = 2  # of the term's start (domain.md §6)
# A term of the school calendar is the programme's own term that begins nearest to it, and at most so far away.
NEAR = timedelta(days=60)
_YEARS_AROUND = (-2, -1, 0, 1, 2)  # enough for every day to have a term and the one after it


class Rate(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Yearly fen per student from a day on, until a later rate of the same stage and boarding.

    ``region`` is a division's code (469000 = all of 4690) or the beginning of codes; empty = everywhere."""

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


class Programme(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """One aid programme. ``categories`` are codes of matching's evidence; money is integer fen. ``registered``: pays
    students of this division's register, or children of ours registered elsewhere who are verified as not aided there
    (the gap fund, 补天窗)."""

    programme: str
    title_zh: str
    title_en: str
    categories: tuple[str, ...]
    stages: tuple[str, ...]
    terms: tuple[TermRule, ...]
    rates: tuple[Rate, ...]
    registered: Literal["here", "elsewhere"] = "here"


class Term(NamedTuple):
    """[begins, ends); named by the calendar year in which its rule begins: ``2026-autumn``. ``rates_on``: the rule's
    own day, by which its rate is chosen, whenever school began."""

    name: str
    begins: date
    ends: date
    rates_on: date


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


def term_of(programme: Programme, day: date, school_begins: Sequence[date] = ()) -> Term:
    """The term that contains ``day``. ``school_begins``: first days of the terms that the school calendar tells; where
    it tells none, a term begins by the programme's own rule. Its name is always the rule's."""
    return next(term for term in _terms(programme, day.year, school_begins) if term.begins <= day < term.ends)


def term_named(programme: Programme, name: str, school_begins: Sequence[date] = ()) -> Term:
    """The term called like ``2026-autumn``. Raises BadProgramme when the programme has no such term."""
    year, _, _ = name.partition("-")
    terms = _terms(programme, int(year), school_begins) if year.isdecimal() and len(year) == 4 else []
    for term in terms:
        if term.name == name:
            return term
    raise _bad(f"没有学期 {name}", f"there is no term {name}")


def pay_by(term_begins: date) -> date:
    """The last day on which the aid of a term is paid in time."""
    return months_on(term_begins, PAY_WITHIN_MONTHS) - timedelta(days=1)


def _terms(programme: Programme, year: int, school_begins: Sequence[date]) -> list[Term]:
    """The terms around a year, without a gap."""
    rules = sorted((date(year + n, rule.month, rule.day), rule.name) for n in _YEARS_AROUND for rule in programme.terms)
    begins = {day: day for day, _ in rules}
    for first in school_begins:
        nearest = min(begins, key=lambda day: abs(day - first))
        told = begins[nearest] != nearest and abs(begins[nearest] - nearest) <= abs(first - nearest)
        if abs(first - nearest) <= NEAR and not told:
            begins[nearest] = first
    if list(begins.values()) != sorted(set(begins.values())):
        begins = {day: day for day, _ in rules}  # such a calendar is none of this programme's terms
    following = [*list(begins.values())[1:], None]
    return [
        Term(f"{day.year}-{name}", begins[day], ends, day)
        for (day, name), ends in zip(rules, following, strict=True)
        if ends is not None
    ]


def amount_fen(programme: Programme, term: Term, stage: str, boarder: bool, division_code: str) -> int:
    """What one student is due in this term: the yearly rate in force on the day its rule begins it, shared equally
    among the terms. School may begin some days before; a rate told from September on is the autumn's all the same.

    The smallest region around the division wins, then the latest rate. Raises NoRate.
    """
    fitting = [
        rate
        for rate in programme.rates
        if rate.stage == stage
        and rate.boarder == boarder
        and rate.valid_from <= term.rates_on
        and division_code.startswith(area(rate.region))
    ]
    if not fitting:
        raise NoRate("该学段没有生效的资助标准", "no rate is in force for this stage", stage=stage, term=term.name)
    best = max(fitting, key=lambda rate: (len(area(rate.region)), rate.valid_from))
    return best.yearly_fen // len(programme.terms)


def _is_day(month: int, day: int) -> bool:
    try:
        date(2001, month, day)  # a common year: a term cannot begin on 29 February
    except ValueError:
        return False
    return True


def _bad(zh: str, en: str, **facts: Any) -> BadProgramme:
    return BadProgramme(f"资助项目配置有误:{zh}", f"bad programme: {en}", **facts)

"""A row of the sheet as it states a person and a post, and what is wrong with it by itself. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

from services.access.domain import written_login, written_name
from services.access.errors import BadLogin, BadName
from services.access.posts.places import Asked
from services.access.staff import problems
from services.access.staff.columns import AGENCIES, KIND_WORDS, PLACE_FIELDS, SHAPE_FIELDS, STAGES
from services.access.staff.problems import RowProblem
from shared.standards.posts import POSTS, Kind, Shape
from shared.tabular import cells, dates
from shared.tabular.sheets import Cell

_PART = re.compile(r"[^/\s\x00-\x1f]{1,40}")
_DIVISION = re.compile(r"(?!00)(\d{2}|\d{4}|\d{6}|\d{9}|\d{12})", re.ASCII)
Told = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class StaffRow:
    """``row``: the data row, from 1. ``asked``: the place as it is written, the school by code or name. ``kind`` None:
    none is named. ``dated``: the sheet has a column of dates, so that an empty cell means none; ``until``: the first
    day after the last one."""

    row: int
    login: str
    name: str
    kind: Kind | None
    asked: Asked
    begins_on: date | None
    until: date | None
    dated: bool
    problems: tuple[RowProblem, ...]


def staff_row(number: int, given: Mapping[str, Cell], offered: Sequence[Kind]) -> StaffRow:
    """A data row. ``given``: its cells by field, of columns there are; ``offered``: what is named to whoever wrote a
    post that there is not."""
    told = {field: cells.text(cell) for field, cell in given.items()}
    wrong: list[RowProblem] = []
    login, name = _login(told, wrong), _name(told, wrong)
    kind = KIND_WORDS.get(told.get("kind", ""))
    if kind is None:
        words = "、".join(POSTS[each].zh for each in offered)
        wrong.append(problems.unknown_kind(words) if told.get("kind") else problems.missing("kind", ""))
    asked = Asked() if kind is None else _asked(kind, told, wrong)
    begins_on, until = _dates(given, wrong)
    dated = "begins_on" in given or "until" in given
    return StaffRow(number, login, name, kind, asked, begins_on, until, dated, tuple(wrong))


def _login(told: Told, wrong: list[RowProblem]) -> str:
    text = told.get("login", "")
    if not text:
        wrong.append(problems.missing("login", ""))
        return ""
    try:
        return written_login(text)
    except BadLogin as refused:
        wrong.append(RowProblem("login", refused.code, refused.zh, refused.en))
        return ""


def _name(told: Told, wrong: list[RowProblem]) -> str:
    text = told.get("name", "")
    if not text:
        wrong.append(problems.missing("name", ""))
        return ""
    try:
        return written_name(text)
    except BadName as refused:
        wrong.append(RowProblem("name", refused.code, refused.zh, refused.en))
        return ""


def _asked(kind: Kind, told: Told, wrong: list[RowProblem]) -> Asked:
    post, shape = POSTS[kind], POSTS[kind].shape
    if shape is Shape.DIVISION_OR_SCHOOL:
        shape = Shape.SCHOOL if told.get("school") else Shape.DIVISION
    taken = SHAPE_FIELDS[shape]
    before = len(wrong)
    for field in PLACE_FIELDS:
        if field not in taken and told.get(field):
            wrong.append(problems.surplus(field, post.zh))
        elif field in taken and field != "stage" and not told.get(field):
            wrong.append(problems.missing(field, post.zh))
    if len(wrong) > before:
        return Asked()
    if shape is Shape.DIVISION:
        shortest, longest = post.digits or (2, 12)
        code = told["division"]
        if not _DIVISION.fullmatch(code) or len(code) > longest or not post.fits(code):
            wrong.append(problems.digits(post.zh, shortest, longest))
        return Asked(division=code)
    if shape is Shape.AGENCY:
        agency = AGENCIES.get(told["agency"])
        if agency is None:
            wrong.append(problems.UNKNOWN_AGENCY)
        return Asked(agency=agency)
    return Asked(school=told["school"], school_class=_class(told, wrong) if shape is Shape.CLASS else None)


def _class(told: Told, wrong: list[RowProblem]) -> str | None:
    stage = STAGES.get(told.get("stage", "")) if told.get("stage") else ""
    if stage is None:
        wrong.append(problems.UNKNOWN_STAGE)
    parts = (told["grade"], told["class"])
    if not all(_PART.fullmatch(each) for each in parts):
        wrong.append(problems.BAD_CLASS)
    return None if stage is None else "/".join((stage, *parts))


def _dates(given: Mapping[str, Cell], wrong: list[RowProblem]) -> tuple[date | None, date | None]:
    found: dict[str, date | None] = {"begins_on": None, "until": None}
    for field in found:
        try:
            period = dates.parse(given.get(field, ""))
        except dates.DateError as error:
            zh = f"{error.message_zh},请写成 2026-09-01"
            wrong.append(RowProblem(field, error.code, zh, error.message_en))
            continue
        if period is not None:
            found[field] = period.first if field == "begins_on" else period.after
    begins_on, until = found["begins_on"], found["until"]
    if begins_on is not None and until is not None and until <= begins_on:
        wrong.append(problems.WRONG_ORDER)
    return begins_on, until


def told_apart(rows: Sequence[StaffRow]) -> Iterator[StaffRow]:
    """The rows with what only the whole sheet shows: one login name for two names."""
    names: dict[str, StaffRow] = {}
    differing: dict[str, int] = {}
    for each in rows:
        first = names.setdefault(each.login, each) if each.login and each.name else each
        if first.name != each.name:
            differing.setdefault(each.login, each.row)
    for each in rows:
        if each.login in differing and each.name:
            first = names[each.login]
            other = first.row if each.name != first.name else differing[each.login]
            yield replace(each, problems=(*each.problems, problems.name_differs(other)))
        else:
            yield each

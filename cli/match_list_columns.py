"""A long list in csv, read in columns: cells that come together again are read once, by services.registry.sheets.lists.

A row is plain when it has a valid number that no other cell contradicts; it is put together from what its cells were
read as. Every other row is read by itself, and a file whose shape leaves any doubt about which rows are data is not
read here at all, so both ways give the same rows.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterator, Sequence
from datetime import date
from itertools import repeat
from typing import Any, TypeVar

import polars
from polars import col

from cli.match_columns import cell_of, simple_table, valid_numbers
from services.registry.sheets import cells
from services.registry.sheets.lists import (
    LIST_TEXTS,
    NEVER_SAME_AS_ABOVE,
    ListContext,
    ListName,
    ListRow,
    RowProblem,
    list_row,
    period_of,
    school_of,
    support_of,
    validity_of,
)
from services.registry.sheets.schools import SchoolDirectory
from services.registry.sheets.sheet_files import InputSheet
from shared.tabular.rows import SheetTable, may_be_no_data

ROWS_LEAST = 5_000  # below it reading row by row takes less than a second
_NUMBER_LENGTH = 18
_CERTIFICATE = r"^[0-9]{17}[0-9X][1-7][1-4][0-9A-Z]{0,2}$"
_ANY_NUMBER = "11010519491231002X"  # the standard's own example
_CONTRADICTED = date.max  # nobody's birth date: for a stated one that cannot be read
_FILLED = r"[^\s\x00-\x1f]"
_SUPPORT = (
    *("orphan", "household_type", "support_type", "area_type", "coverage"),
    *("disability_kind", "disability_grade", "certificate_number"),
)
_VALIDITY = ("valid_from", "valid_to", "exited_on", "lifted_on")
_SCHOOL = ("school", "school_code")

Fields = dict[str, Any]
Value = TypeVar("Value")


def read_list_columns(
    kind: ListName, sheet: InputSheet, first_row: int, schools: SchoolDirectory, rows_least: int | None = None
) -> list[ListRow] | None:
    """The rows of one sheet, from number `first_row`; None when it must be read row by row. Notes its data rows."""
    whole = simple_table(sheet, ROWS_LEAST if rows_least is None else rows_least)
    if whole is None or sheet.table is None:
        return None
    named = whole.select(polars.nth(column).alias(field) for field, column in sheet.table.header.columns.items())
    if "name" not in named.columns or not {"id_number", "certificate_number"}.intersection(named.columns):
        return None
    if not _all_data(whole, named, sheet.table):
        return None
    sheet.first_row = first_row
    sheet.data_indexes = array("L", range(1, whole.height + 1))
    return list(_rows(kind, _without_ditto(named), first_row, ListContext.of_title(sheet.table.title), schools))


def _all_data(whole: polars.DataFrame, named: polars.DataFrame, table: SheetTable) -> bool:
    """Every row has a key cell and begins with nothing that a note or another header could begin with."""
    keys = [field for field in named.columns if field in table.key_fields]
    if not named.select(polars.any_horizontal(col(keys).str.contains(_FILLED)).all()).item():
        return False
    filled = (polars.when(polars.nth(place) != "").then(polars.nth(place)) for place in range(whole.width))
    first = whole.select(polars.coalesce(filled).alias("first"))["first"]
    return not any(may_be_no_data(cell, table.header) for cell in first.unique().to_list())


def _without_ditto(named: polars.DataFrame) -> polars.DataFrame:
    fields = [field for field in named.columns if field not in NEVER_SAME_AS_ABOVE]
    said = (~col(field).is_in(list(cells.SAME_AS_ABOVE)) for field in fields)
    above = (polars.when(is_said).then(col(field)) for is_said, field in zip(said, fields, strict=True))
    return named.with_columns(cell.forward_fill().fill_null("") for cell in above)


def _rows(
    kind: ListName, named: polars.DataFrame, first_row: int, context: ListContext, schools: SchoolDirectory
) -> Iterator[ListRow]:
    """Every row in order: the plain ones from columns, the others one by one."""
    persons = _persons(named)
    plain = polars.Series([person is not None for person in persons], dtype=polars.Boolean)
    said = _said(kind, named.filter(plain), context, schools)
    singly = named.filter(~plain).iter_rows(named=True)
    for row, person in enumerate(persons, first_row):
        if person is None:
            yield list_row(kind, row, next(singly), context, schools)
            continue
        name, number, born, sex = person
        fields, problems = next(said)
        yield ListRow(
            list=kind, row=row, name=name, id_number=number, birth_date=born, sex=sex, problems=problems, **fields
        )


def _persons(named: polars.DataFrame) -> list[tuple[str, str, date, str | None] | None]:
    """Name, number, birth date and sex of the plain rows; None for the others."""
    numbers = _numbers(named)
    births = _each_once(numbers.str.slice(6, 8), _birth_date)
    stated = _each_once(_column(named, "birth_date"), _stated_birth_date)
    sexes = _each_once(_column(named, "sex"), lambda cell: cells.sex(cells.text(cell)))
    return [
        (name, number, born, sex) if name and born is not None and said in (None, born) else None
        for name, number, born, said, sex in zip(
            _texts(named["name"]), numbers.to_list(), births, stated, sexes, strict=True
        )
    ]


def _numbers(named: polars.DataFrame) -> polars.Series:
    """The valid number of each row that has one which no certificate or student number contradicts; else empty."""
    own, copy = cell_of(named, "id_number"), cell_of(named, "student_number")
    certificate = cell_of(named, "certificate_number")
    owner = certificate.str.head(_NUMBER_LENGTH)
    number = polars.when(own != "").then(own).otherwise(owner)
    certified = (certificate == "") | (certificate.str.contains(_CERTIFICATE) & (owner == number))
    agreed = certified & ((copy == "") | (copy == "G" + number))
    found = named.select(number.alias("number"), agreed.alias("agreed"))
    usable = valid_numbers(found["number"]) & found["agreed"]
    return found["number"].zip_with(usable, polars.Series([""]))


def _said(
    kind: ListName, named: polars.DataFrame, context: ListContext, schools: SchoolDirectory
) -> Iterator[tuple[Fields, tuple[RowProblem, ...]]]:
    """What plain rows say beside the person, and what is wrong with it, in the order in which list_row finds it."""
    # Of a valid certificate only kind and grade are still to be read, whoever's number stands before them.
    marks = cell_of(named, "certificate_number").str.slice(_NUMBER_LENGTH, 2)
    marked = named.with_columns(polars.when(marks != "").then(_ANY_NUMBER + marks).otherwise(marks).alias(_SUPPORT[-1]))
    groups = (
        _together(marked, _SUPPORT, lambda fields, problems: support_of(kind, fields, context, problems)),
        _together(named, _VALIDITY, validity_of),
        _together(named, _SCHOOL, lambda fields, problems: school_of(*_school_texts(fields), schools, problems)),
    )
    targets = {target: _texts(named[source]) for target, source in LIST_TEXTS if source in named.columns}
    texts = zip(*targets.values(), strict=True) if targets else repeat(())
    for given, *said in zip(texts, *groups, strict=False):
        fields = dict(zip(targets, given, strict=True))
        for part, _ in said:
            fields.update(part)
        yield fields, tuple([problem for _, problems in said for problem in problems])


def _together(
    rows: polars.DataFrame, fields: Sequence[str], read: Callable[[Fields, list[RowProblem]], Fields]
) -> Iterator[tuple[Fields, list[RowProblem]]]:
    """What cells say that are read together, and what is wrong with them; each combination is read once."""
    fields = [field for field in fields if field in rows.columns]
    known: dict[tuple[str, ...], tuple[Fields, list[RowProblem]]] = {}
    for found in rows.select(fields).iter_rows() if fields else repeat((), rows.height):
        said = known.get(found)
        if said is None:
            problems: list[RowProblem] = []
            said = known[found] = read(dict(zip(fields, found, strict=True)), problems), problems
        yield said


def _stated_birth_date(cell: str) -> date | None:
    problems: list[RowProblem] = []
    period = period_of({"birth_date": cell}, "birth_date", problems)
    if problems:
        return _CONTRADICTED
    return period.first if period is not None and period.is_day else None


def _birth_date(eight: str) -> date | None:
    return date(int(eight[:4]), int(eight[4:6]), int(eight[6:])) if eight else None


def _school_texts(fields: Fields) -> tuple[str, str]:
    return cells.text(fields.get("school")), cells.text(fields.get("school_code"))


def _texts(column: polars.Series) -> list[str]:
    return _each_once(column, cells.text)


def _each_once(column: polars.Series, read: Callable[[str], Value]) -> list[Value]:
    """Every cell as it is read; equal cells are read once and share what they were read as."""
    known = {cell: read(cell) for cell in column.unique().to_list()}
    return [known[cell] for cell in column.to_list()]


def _column(named: polars.DataFrame, field: str) -> polars.Series:
    return named.with_columns(cell_of(named, field).alias(field))[field]

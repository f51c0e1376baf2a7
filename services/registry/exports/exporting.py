"""Lists taken away as xlsx: read in one snapshot, row by row, written as they come; into a plain sheet or an office's
own template."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Select, select

from services.registry.errors import ExportTooLarge
from services.registry.exports.export_columns import COLUMNS, ExportKind
from services.registry.exports.template_filling import Template
from services.registry.tables import ENTRIES, SCHOOLS, STUDENTS, SUBMISSIONS
from shared.eventsourcing.periods import FOREVER
from shared.tabular.writing import WorkbookWriter

# 200,000 rows are a file of some 25 MB that offices' programs still open; more is taken school by school.
EXPORT_ROWS_MOST = 200_000
ROWS_AT_ONCE = 1_000
_S, _N, _E, _L = STUDENTS.c, SCHOOLS.c, ENTRIES.c, SUBMISSIONS.c


@dataclass(frozen=True, slots=True)
class ExportFilter:
    """Which rows. A condition that a kind of list does not know leaves none out."""

    true_on: date
    school: str | None = None
    class_name: str | None = None
    list: str | None = None
    agency: str | None = None

    def told(self) -> tuple[str, ...]:
        """As it is recorded: name=value."""
        return tuple(f"{name}={value}" for name, value in asdict(self).items() if value is not None)


def write_sheet(connection: Connection, kind: ExportKind, asked: ExportFilter, path: Path, *, full: bool) -> int:
    """A workbook of the rows; how many there are. Raises ExportTooLarge."""
    columns = COLUMNS[kind]
    written = 0
    with WorkbookWriter(path) as book:
        sheet = book.sheet(kind, widths=[18] * len(columns))
        sheet.header([column.title for column in columns])
        for row in rows(connection, kind, asked):
            sheet.row([column.cell(row, full) for column in columns])
            written += 1
    return written


def fill_template(
    connection: Connection, kind: ExportKind, asked: ExportFilter, template: Template, path: Path, *, full: bool
) -> int:
    """The office's own sheet with the rows below its header; how many there are. Raises ExportTooLarge."""
    columns = COLUMNS[kind]
    cells = ({column.field: column.cell(row, full) for column in columns} for row in rows(connection, kind, asked))
    return template.fill(path, cells)


def rows(connection: Connection, kind: ExportKind, asked: ExportFilter) -> Iterator[dict[str, Any]]:
    """The rows in order, ROWS_AT_ONCE in memory. Raises ExportTooLarge once there are more than EXPORT_ROWS_MOST."""
    statement = _SELECTS[kind](asked).limit(EXPORT_ROWS_MOST + 1)
    streamed = connection.execution_options(stream_results=True, max_row_buffer=ROWS_AT_ONCE).execute(statement)
    for number, row in enumerate(streamed.mappings(), 1):
        if number > EXPORT_ROWS_MOST:
            raise ExportTooLarge(EXPORT_ROWS_MOST)
        yield dict(row)


def _students(asked: ExportFilter) -> Select[Any]:
    names = select(_N.code, _N.name).where(SCHOOLS.holds_on(asked.true_on)).subquery("school_names")
    tables = STUDENTS.table.outerjoin(names, names.c.code == _S.school_code)
    statement = (
        select(*_S, names.c.name.label("school_name")).select_from(tables).where(STUDENTS.holds_on(asked.true_on))
    )
    if asked.school is not None:
        statement = statement.where(_S.school_code == asked.school)
    if asked.class_name is not None:
        statement = statement.where(_S.class_name == asked.class_name)
    return statement.order_by(_S.school_code, _S.grade, _S.class_name, _S.entity)


def _entries(asked: ExportFilter) -> Select[Any]:
    statement = select(*_E).where(ENTRIES.holds_on(asked.true_on), _E.standing)
    if asked.list is not None:
        statement = statement.where(_E.list == asked.list)
    if asked.agency is not None:
        statement = statement.where(_E.agency == asked.agency)
    return statement.order_by(_E.list, _E.agency, _E.submission_id, _E.row, _E.entity)


def _submissions(asked: ExportFilter) -> Select[Any]:
    statement = select(*_L).where(_L.valid_to == FOREVER)
    if asked.list is not None:
        statement = statement.where(_L.list == asked.list)
    if asked.agency is not None:
        statement = statement.where(_L.agency == asked.agency)
    return statement.order_by(_L.received_at.desc(), _L.entity)


_SELECTS = {"students": _students, "entries": _entries, "submissions": _submissions}

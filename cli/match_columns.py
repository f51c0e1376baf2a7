"""A large register in csv, read in columns: rows that are plainly right become records without a step per cell.

A row is plain when reading it cell by cell (services.registry.sheets.lists) could only give back what stands there: a
valid number, names of Chinese characters, nothing to strip or convert. Every other row is read cell by cell, and a file
whose shape leaves any doubt about which rows are data is not read here at all, so both ways give the same records.
"""

from __future__ import annotations

import mmap
from array import array
from collections.abc import Callable, Iterator, Sequence
from datetime import date
from typing import overload

import polars

from services.matching.names import NOBODYS_NAMES
from services.matching.records import StudentRecord
from services.registry.sheets import cells
from services.registry.sheets.lists import RegisterRow, register_row
from services.registry.sheets.schools import SchoolDirectory
from services.registry.sheets.sheet_files import InputFile, InputSheet
from shared.standards.identity_number import CHECK_CHARACTERS, EARLIEST_YEAR, WEIGHTS
from shared.tabular.csv_text import CsvSheet

ROWS_LEAST = 20_000  # below it reading row by row takes a second or two
_HAN = r"^[\u{4e00}-\u{9fff}\u{b7}]+$"
_HAN_OR_EMPTY = r"^[\u{4e00}-\u{9fff}\u{b7}]*$"
_NUMBER = r"^[0-9]{17}[0-9X]$"
_ADULT_NUMBER = r"^([0-9]{17}[0-9X]|[0-9]{15})?$"
_NOTHING_TO_STRIP = r"^([^\s=\u{feff}\x00-\x1f][^\s\x00-\x1f]*)?$"
_CARD = ("", "居民身份证", "身份证")
_SEXES = {"男": "male", "女": "female"}
_NOT_DITTO = ("name", "id_number", "student_number")
_READ = (
    *("name", "id_number", "sex", "school_key", "guardian_name", "guardian_id", "former_name", "grade", "class"),
    "student_number",
)

OddRow = Callable[[RegisterRow], StudentRecord]


class RegisterColumns(Sequence[StudentRecord]):
    """The students of the register by position (row number minus one); records are made when asked for."""

    def __init__(
        self, frame: polars.DataFrame, odd: dict[int, StudentRecord], unusable: dict[int, RegisterRow]
    ) -> None:
        self._frame = frame
        self.odd = odd
        self.unusable = unusable

    def __len__(self) -> int:
        return self._frame.height

    @overload
    def __getitem__(self, place: int) -> StudentRecord: ...
    @overload
    def __getitem__(self, place: slice) -> Sequence[StudentRecord]: ...
    def __getitem__(self, place: int | slice) -> StudentRecord | Sequence[StudentRecord]:
        if isinstance(place, slice):
            return [self[each] for each in range(*place.indices(len(self)))]
        row = place + 1 if place >= 0 else len(self) + place + 1
        return self.odd.get(row) or plain_record(row, self._frame.row(row - 1))

    def __iter__(self) -> Iterator[StudentRecord]:
        for row, found in enumerate(self._frame.iter_rows(), 1):
            yield self.odd.get(row) or plain_record(row, found)

    def records(self, rows: Sequence[int]) -> Iterator[StudentRecord]:
        """The students of these row numbers, in their order."""
        chosen = self._frame[[row - 1 for row in rows]]
        for row, found in zip(rows, chosen.iter_rows(), strict=True):
            yield self.odd.get(row) or plain_record(row, found)

    def plain(self) -> polars.DataFrame:
        """The plain rows in the columns of match_keys: `who` is the row number."""
        people = self._frame.select(
            polars.int_range(1, polars.len() + 1, dtype=polars.UInt32).alias("who"),
            *("name", "former_name", "guardian_id"),
            number="id_number",
            adult="guardian_name",
            school="school_key",
        )
        return people.filter(~people["who"].is_in(list(self.odd)))

    def numbers(self) -> polars.DataFrame:
        """`who` has which `number` and which `guardian_id`, empty where none is known."""
        odd = [(row, student.id_number or "", student.guardian_id) for row, student in self.odd.items()]
        plain = self.plain().select("who", "number", "guardian_id")
        return plain.vstack(polars.DataFrame(odd, schema=plain.schema, orient="row"))


def plain_record(row: int, found: Sequence[str]) -> StudentRecord:
    """The record of a plain row; `found` are its cells in the order of _READ."""
    name, number, sex, school, guardian, guardian_id, former, grade, class_name, student_number = found
    born = date(int(number[6:10]), int(number[10:12]), int(number[12:14]))
    return StudentRecord(
        *(row, name, number, born, school, guardian, guardian_id, former, ""),
        sex=_SEXES.get(sex),
        grade=grade,
        class_name=class_name,
        student_number=student_number,
    )


def read_columns(
    files: Sequence[InputFile], schools: SchoolDirectory, odd_row: OddRow, rows_least: int | None = None
) -> RegisterColumns | None:
    """The register, its schools noted in `schools`; None when it must be read row by row. Notes its data rows."""
    sheet = files[0].sheets[0] if len(files) == 1 and len(files[0].sheets) == 1 else None
    whole = simple_table(sheet, ROWS_LEAST if rows_least is None else rows_least) if sheet is not None else None
    if sheet is None or sheet.table is None or whole is None:
        return None
    columns = sheet.table.header.columns
    if "id_number" not in columns or "name" not in columns:
        return None
    named = whole.select(polars.nth(column).alias(field) for field, column in columns.items())
    if _any_ditto(named):
        return None
    plain = _plain(named)
    odd_places = [place for place, is_plain in enumerate(plain) if not is_plain]
    odd_fields = [dict(zip(named.columns, row, strict=True)) for row in named[odd_places].iter_rows()]
    if not all(_certainly_data(fields, whole.row(place)) for fields, place in zip(odd_fields, odd_places, strict=True)):
        return None
    frame = _with_school_keys(named, schools)
    odd: dict[int, StudentRecord] = {}
    unusable: dict[int, RegisterRow] = {}
    for place, fields in zip(odd_places, odd_fields, strict=True):
        row = register_row(place + 1, dict(fields))
        odd[row.row] = odd_row(row)
        if row.id_number is None or row.number_contradicted or not row.name:
            unusable[row.row] = row
    sheet.first_row = 1
    sheet.data_indexes = array("L", range(1, whole.height + 1))
    return RegisterColumns(frame, odd, unusable)


def simple_table(sheet: InputSheet, rows_least: int) -> polars.DataFrame | None:
    """All cells below the header as text, where every line is a row and none is above the header; else None."""
    source = sheet.source
    if sheet.table is None or sheet.table.header.last_row or not isinstance(source, CsvSheet):
        return None
    if not _simple_text(source):
        return None
    try:
        whole = read_whole(source)
    except polars.exceptions.PolarsError:
        return None  # ragged or otherwise unlike a table: the patient reader says what is wrong
    return whole if whole.height >= rows_least else None


def read_whole(source: CsvSheet) -> polars.DataFrame:
    """All cells below the first line, as text. Raises PolarsError."""
    return polars.read_csv(
        source.path,
        infer_schema=False,
        separator=source.delimiter,
        quote_char=None,
        empty_string_is_null=False,
        missing_columns="raise",
        glob=False,
    )


def _simple_text(source: CsvSheet) -> bool:
    """UTF-8, one row per line: no quotes, blank lines, stray carriage returns or NULs."""
    if source.encoding not in ("utf-8", "utf-8-sig") or not source.path.stat().st_size:
        return False
    with source.path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as text:
        if any(text.find(mark) >= 0 for mark in (b'"', b"\x00", b"\n\n", b"\n\r", b"\x1f")):
            return False
        return text.find(b"\r") < 0


def _any_ditto(named: polars.DataFrame) -> bool:
    fields = [name for name in named.columns if name not in _NOT_DITTO]
    words = list(cells.SAME_AS_ABOVE)
    return bool(named.select(polars.any_horizontal(polars.col(fields).is_in(words).any())).item())


def cell_of(named: polars.DataFrame, field: str) -> polars.Expr:
    """The cells of a field, empty where the sheet does not have it."""
    return polars.col(field) if field in named.columns else polars.lit("")


def _plain(named: polars.DataFrame) -> polars.Series:
    """True for rows whose every cell is taken as it stands."""
    number, student_number = polars.col("id_number"), cell_of(named, "student_number")
    rules = [
        polars.col("name").str.contains(_HAN),
        (student_number == "") | (student_number == "G" + number),
        cell_of(named, "id_kind").is_in(list(_CARD)),
        cell_of(named, "sex").is_in(["", *_SEXES]),
        cell_of(named, "guardian_name").str.contains(_HAN_OR_EMPTY),
        ~cell_of(named, "guardian_name").is_in(list(NOBODYS_NAMES)),
        cell_of(named, "former_name").str.contains(_HAN_OR_EMPTY),
        cell_of(named, "guardian_id").str.contains(_ADULT_NUMBER),
        ~cell_of(named, "guardian_id").str.ends_with("000"),  # perhaps rounded
        *(cell_of(named, field).str.contains(_NOTHING_TO_STRIP) for field in ("grade", "class")),
    ]
    shaped = named.select(polars.all_horizontal(rules).fill_null(value=False).alias("plain"))["plain"]
    return shaped & valid_numbers(named["id_number"])


def valid_numbers(numbers: polars.Series) -> polars.Series:
    """True for texts that identity_number.parse takes as they stand."""
    number = polars.col("n")
    born = number.str.slice(6, 8).str.to_date("%Y%m%d", strict=False)
    total: polars.Expr = polars.lit(0)
    for place, weight in enumerate(WEIGHTS):
        total = total + number.str.slice(place, 1).cast(polars.Int32, strict=False) * weight
    expected = (total % len(CHECK_CHARACTERS)).replace_strict(dict(enumerate(CHECK_CHARACTERS)), default="")
    shaped = number.str.contains(_NUMBER) & (born.dt.year() >= EARLIEST_YEAR) & (expected == number.str.slice(17))
    return polars.DataFrame({"n": numbers}).select(shaped.fill_null(value=False).alias("valid"))["valid"]


def _certainly_data(fields: dict[str, str], line: Sequence[str]) -> bool:
    """A row that no reader could take for a blank, a note or a header: a name, and a first cell with a digit in it."""
    name, first = fields.get("name") or "", next((cell for cell in line if cell), "")
    return bool(name.strip()) and any("0" <= character <= "9" for character in first) and first[:1].isascii()


def _with_school_keys(named: polars.DataFrame, schools: SchoolDirectory) -> polars.DataFrame:
    """The columns that records are made of; each pair of code and name is looked at once, in order of appearance."""
    code, name = cell_of(named, "school_code"), cell_of(named, "school")
    pairs = named.select(code.alias("code"), name.alias("name")).unique(maintain_order=True)
    keys = []
    for given_code, given_name in pairs.iter_rows():
        plain_code, plain_name = cells.text(given_code), cells.text(given_name)
        keys.append(schools.add(plain_code, plain_name) if plain_code or plain_name else "")
    known = pairs.with_columns(polars.Series("school_key", keys, dtype=polars.String))
    joined = named.with_columns(code.alias("code"), name.alias("name_of_school")).join(
        known, left_on=["code", "name_of_school"], right_on=["code", "name"], how="left", maintain_order="left"
    )
    return joined.select((cell_of(joined, field)).alias(field) for field in _READ)

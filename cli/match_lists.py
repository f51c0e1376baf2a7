"""Long lists read beside one another: the longest in this process, the others in one that is forked for them."""

from __future__ import annotations

from array import array
from collections.abc import Mapping, Sequence

import msgspec

from cli.match_forks import Child
from services.registry.lists import LIST_NAMES, ListName, ListRow
from services.registry.schools import SchoolDirectory
from services.registry.sheet_files import InputFile, read_list

SheetPlaces = tuple[int, bytes]  # number of the first row, places of the data rows as unsigned integers


class _Read(msgspec.Struct, frozen=True):
    """One list as a child sends it."""

    rows: list[ListRow]
    sheets: list[SheetPlaces]


_ENCODER = msgspec.msgpack.Encoder()
_DECODER = msgspec.msgpack.Decoder(dict[ListName, _Read])


def read_lists(
    lists: Mapping[ListName, Sequence[InputFile]], schools: SchoolDirectory
) -> dict[ListName, list[ListRow]]:
    """Every row of every list, in the order of LIST_NAMES. Raises a TabularError as `read_list` does."""
    kinds = [kind for kind in LIST_NAMES if kind in lists]
    by_length = sorted(kinds, key=lambda kind: sum(file.path.stat().st_size for file in lists[kind]))
    aside = by_length[:-1]
    found: dict[ListName, list[ListRow]] = {}
    child = (
        Child(lambda: _ENCODER.encode({kind: _read(kind, lists[kind], schools) for kind in aside})) if aside else None
    )
    for kind in by_length[-1:]:
        found[kind] = list(read_list(kind, lists[kind], schools))
    sent = child.result() if child is not None else None
    received = {} if sent is None else _DECODER.decode(sent)
    for kind in aside:
        # A child that failed leaves the list, and whatever is wrong with it, to this process.
        found[kind] = _noted(lists[kind], received[kind]) if received else list(read_list(kind, lists[kind], schools))
    return {kind: found[kind] for kind in kinds}


def _read(kind: ListName, files: Sequence[InputFile], schools: SchoolDirectory) -> _Read:
    rows = list(read_list(kind, files, schools))
    return _Read(rows, [(sheet.first_row, sheet.data_indexes.tobytes()) for file in files for sheet in file.sheets])


def _noted(files: Sequence[InputFile], read: _Read) -> list[ListRow]:
    """The rows; notes in the sheets which of theirs are data, as reading them here would have done."""
    sheets = [sheet for file in files for sheet in file.sheets]
    for sheet, (first_row, places) in zip(sheets, read.sheets, strict=True):
        sheet.first_row = first_row
        sheet.data_indexes = array("L", places)
    return read.rows

"""What a file may cost before and while it is read (design.md §10). Every figure has its reason beside it."""

from __future__ import annotations

from dataclasses import dataclass

MEGABYTE = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds for one file. The defaults let a county's largest real list pass and stop everything built to hurt."""

    packed_bytes: int = 50 * MEGABYTE  # an upload; larger lists come as csv
    unpacked_bytes: int = 150 * MEGABYTE  # the sheet xml of about 300,000 rows
    ratio: int = 100  # sheet xml packs 10–30 times, a bomb a thousand times
    ratio_floor_bytes: int = MEGABYTE  # a part this small does no harm, whatever its ratio
    entries: int = 1_000  # parts of one workbook; real ones have fewer than fifty
    parse_seconds: float = 60.0  # a workbook at the unpacked limit takes about ten
    parse_memory_bytes: int = 2_048 * MEGABYTE  # address space of the child process that parses
    csv_bytes: int = 2_048 * MEGABYTE  # a province's register as csv
    columns: int = 500  # the widest real form has about eighty
    header_scan_rows: int = 40  # title rows above a header


DEFAULT_LIMITS = Limits()

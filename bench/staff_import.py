"""A county's staff from one workbook: its check, the import, the same sheet again, and everybody's start password."""

from __future__ import annotations

from pathlib import Path

from bench.registry_stage import Taken, registry_stage
from bench.report import BenchResult, Measure, result
from services.access.staff.columns import COLUMNS
from shared.tabular.writing import WorkbookWriter

WORKBOOK_ROWS = 10_000
SCHOOLS = 60
CHECK_SECONDS_TARGET, IMPORT_SECONDS_TARGET = 5.0, 60.0
MEBIBYTES_TARGET = 300


def run(events: int = WORKBOOK_ROWS) -> BenchResult:
    """``events`` rows: class teachers, every tenth with a second class, every hundredth row wrong."""
    with registry_stage() as ready:
        sheet = ready.home / "staff.xlsx"
        write_sheet(sheet, events)
        ready.measured("bench.staff_child", "prepare", str(SCHOOLS))
        checked = ready.home / "checked.xlsx"
        first = ready.measured("bench.staff_child", "check", str(sheet), str(checked))
        taken = ready.measured("bench.staff_child", "take", str(sheet))
        again = ready.measured("bench.staff_child", "take", str(sheet))
        handed = ready.measured("bench.staff_child", "hand-out", str(ready.home / "passwords.xlsx"))
    measures = [
        _measure("check, nothing on record", first, CHECK_SECONDS_TARGET),
        _measure("import: accounts, posts, holders", taken, IMPORT_SECONDS_TARGET),
        _measure("the same sheet again, all on record", again, IMPORT_SECONDS_TARGET),
        _measure("start passwords, their list written", handed, None),
    ]
    return result(
        "staff_import",
        measures,
        check_peak_mib=round(first.peak_mib),
        peak_mib=round(max(each.peak_mib for each in (first, taken, again, handed))),
        peak_mib_target=MEBIBYTES_TARGET,
        rejected=taken.rejected,
    )


def write_sheet(path: Path, rows: int) -> None:
    """A workbook as an administrator fills it in."""
    with WorkbookWriter(path) as book:
        sheet = book.sheet("人员")
        sheet.header([title for title, _ in COLUMNS.values()])
        for number in range(rows):
            person = number - 1 if number % 10 == 9 else number
            wrong = number % 100 == 50
            place = (school_code(person % SCHOOLS), "小学", "五年级", f"{number}班", "", "")
            kind = "教务主任" if wrong else "班主任"
            sheet.row([f"教师{person}", f"teacher{person}", kind, *place, "2026-09-01", ""])


def school_code(number: int) -> str:
    """The code of a school of the bench."""
    return f"3146{number:06d}"


def _measure(label: str, taken: Taken, seconds: float | None) -> Measure:
    target = None if seconds is None else taken.rows / seconds
    return Measure(f"{label}, {taken.peak_mib:.0f} MiB", taken.rows, taken.seconds, target_rate=target)

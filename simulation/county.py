"""Writes a whole county, district by district, so that memory stays bounded however many students are asked for."""

from __future__ import annotations

import csv
import json
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from random import Random
from typing import Any, Literal

from simulation import attendance, layouts, truth
from simulation.clerks import Level, written_by_clerks
from simulation.corruption import corrupt
from simulation.divisions import division_rows
from simulation.families import FamilyMaker, give_namesakes, sort_into_classes
from simulation.households import Household, NumberOffice, Student
from simulation.lists import LISTS, ListRow, rows_for
from simulation.office_sheets import WIDE_LAYOUTS
from simulation.schools import COUNTY_NAME, DIVISION, District, plan_districts
from simulation.sheets import CsvTable, XlsxTable, open_table
from simulation.term_files import TermTables, write_calendar
from simulation.terms import Shape, classrooms_of, school_time, simulate_terms

GENERATOR_VERSION = 1  # raise it when the same seed gives other content
DEFAULT_AS_OF = date(2026, 11, 16)
DEFAULT_STUDENTS = 20_000
DEFAULT_SCHOOLS = 60
STUDENTS_PER_SCHOOL = 333  # when the number of schools is not given
SCHOOLS_FEWEST, SCHOOLS_MOST = 3, 5_000  # one of each stage; nine-digit codes hold 900 townships
STUDENTS_MOST = 2_000_000  # more would use up the identity numbers of single days
XLSX_STUDENTS_MOST = 300_000  # office programs open no larger workbook in reasonable time
XLSX_IN_MEMORY_STUDENTS_MOST = 50_000  # 130 MB; larger registers are streamed to disk
ATTENDANCE_WEEKS = 4
TERMS_MOST = 4
LISTED_MOST = 6.0  # nine in ten rural households would then be registered as poor

FileFormat = Literal["xlsx", "csv"]
Progress = Callable[[str, int], None]  # step, students done


class SimulationRefused(ValueError):
    """Settings that cannot give a county. The message says what to change."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What to simulate. `schools` None means 60, or one per 333 students in larger counties.

    `errors` None gives the sample county; a level gives wide sheets written by clerks with habits. `listed` multiplies
    the shares of the households that the offices list. `terms`: whole past terms that are simulated besides.
    """

    students: int = DEFAULT_STUDENTS
    seed: int = 1
    schools: int | None = None
    as_of: date = DEFAULT_AS_OF
    file_format: FileFormat = "xlsx"
    weeks: int = ATTENDANCE_WEEKS
    errors: Level | None = None
    listed: float = 1.0
    terms: int = 0

    @property
    def school_count(self) -> int:
        if self.schools is not None:
            return self.schools
        return min(max(DEFAULT_SCHOOLS, self.students // STUDENTS_PER_SCHOOL), SCHOOLS_MOST)

    def check(self) -> None:
        """Raises SimulationRefused."""
        if not 1 <= self.students <= STUDENTS_MOST:
            raise SimulationRefused(f"students must be from 1 to {STUDENTS_MOST:,}")
        if not SCHOOLS_FEWEST <= self.school_count <= SCHOOLS_MOST:
            raise SimulationRefused(f"schools must be from {SCHOOLS_FEWEST} to {SCHOOLS_MOST:,}")
        if self.file_format == "xlsx" and self.students > XLSX_STUDENTS_MOST:
            raise SimulationRefused(f"more than {XLSX_STUDENTS_MOST:,} students need --format csv")
        if not 0 <= self.weeks <= 20:
            raise SimulationRefused("weeks of attendance must be from 0 to 20")
        if not 0 <= self.terms <= TERMS_MOST:
            raise SimulationRefused(f"terms must be from 0 to {TERMS_MOST}")
        if not 0.0 < self.listed <= LISTED_MOST:
            raise SimulationRefused(f"listed must be above 0 and at most {LISTED_MOST:g}")
        if not 2005 <= self.as_of.year <= 2080:
            raise SimulationRefused("the reference date must be between 2005 and 2080")


@dataclass(slots=True)
class _Run:
    settings: Settings
    folder: Path
    stack: ExitStack
    progress: Progress
    register: XlsxTable | CsvTable
    lists: dict[str, XlsxTable | CsvTable]
    truth: truth.Truth
    offices: NumberOffice = field(default_factory=NumberOffice)
    households: int = 0
    students: int = 0
    twins: int = 0
    stopped: int = 0
    silent_classes: int = 0
    classes: int = 0
    terms: TermTables | None = None

    def random(self, purpose: str, district: District) -> Random:
        """One stream per purpose: a change in one file's making leaves the others as they were."""
        return Random(f"{GENERATOR_VERSION}/{self.settings.seed}/{purpose}/{district.index}")  # from a seed, no secret # nosec B311


def simulate(settings: Settings, out: Path, progress: Progress | None = None) -> dict[str, Any]:
    """Write the county into `out` (made if missing; files of the same names are replaced) and return county.json.

    All files appear together at the end; an interrupted run leaves nothing. Raises SimulationRefused.
    """
    settings.check()
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".simulate-", dir=out) as name:
        folder = Path(name)
        summary = _write(settings, folder, progress or (lambda *_: None))
        for path in sorted(folder.iterdir()):
            path.replace(out / path.name)
    return summary


def _write(settings: Settings, folder: Path, progress: Progress) -> dict[str, Any]:
    districts = plan_districts(
        Random(f"{GENERATOR_VERSION}/{settings.seed}/schools"),  # from a seed, no secret # nosec B311
        settings.students,
        settings.school_count,
    )
    with ExitStack() as stack:
        sheets = layouts.LIST_LAYOUTS if settings.errors is None else WIDE_LAYOUTS
        opened = {name: open_table(folder, layout, settings.file_format) for name, layout in sheets.items()}
        streamed = settings.students > XLSX_IN_MEMORY_STUDENTS_MOST
        register = open_table(folder, layouts.STUDENTS, settings.file_format, streamed)
        run = _Run(settings, folder, stack, progress, register, opened, truth.Truth(settings.as_of))
        register.section("学籍信息")
        for name in ("civil", "hardship", "disability"):
            opened[name].section("名单", f"截至{settings.as_of:%Y}年{settings.as_of.month}月")
        if settings.errors is not None:
            opened["poverty"].section("名单")
        rows = stack.enter_context(
            _csv(folder / "truth.csv", truth.ROW_HEADER if settings.errors is None else truth.WIDE_ROW_HEADER)
        )
        students = stack.enter_context(_csv(folder / "truth_students.csv", truth.STUDENT_HEADER))
        lines = stack.enter_context(_csv(folder / "attendance.csv", attendance.HEADER))
        if settings.terms:
            run.terms = TermTables(folder, stack)
            write_calendar(folder, school_time(settings.as_of, settings.terms))
        for district in districts:
            _district(run, district, rows, students, lines)
        poverty = opened["poverty"]
        if isinstance(poverty, XlsxTable):
            poverty.note("填表说明", ("一、本表按户填写,每名家庭成员一行。", "二、身份证号请以文本格式录入。"))
        for table in (register, *opened.values()):
            progress("save", run.students)
            table.close()
    _write_schools(settings, folder, districts)
    _write_divisions(settings, folder, districts)
    return _write_summaries(run, districts)


def _district(run: _Run, district: District, rows: Any, students_out: Any, attendance_out: Any) -> None:
    settings = run.settings
    families = run.random("families", district)
    maker = FamilyMaker(families, district, run.offices, settings.as_of, run.households + 1, settings.listed)
    households: list[Household] = []
    students: list[Student] = []
    for household in maker.households():
        households.append(household)
        students += (child.student for child in household.members if child.student is not None)
        if len(households) % 500 == 0:
            run.progress("families", run.students + len(students))
    run.households += len(households)
    give_namesakes(run.random("namesakes", district), students)
    sort_into_classes(run.random("classes", district), students, run.students + 1)
    for student in students:
        run.register.write(layouts.student_cells(student))
    run.students += len(students)
    run.progress("register", run.students)

    order = {township.code: place for place, township in enumerate(district.townships)}
    households.sort(key=lambda household: order[household.township.code])
    for name in LISTS:
        _list(run, district, name, households, rows)
    run.twins += _count_twins(households)

    seen = attendance.AttendanceTruth({}, [])
    days = attendance.school_days(settings.as_of, settings.weeks)
    attendance_out.writerows(attendance.class_days(run.random("attendance", district), students, days, seen))
    students_out.writerows(run.truth.student_line(student, seen.stopped_on.get(student.row)) for student in students)
    run.stopped += len(seen.stopped_on)
    run.silent_classes += len(seen.silent_classes)
    if run.terms is not None:
        rooms = list(classrooms_of(students, run.classes + 1))
        time = school_time(settings.as_of, settings.terms)
        run.terms.write(simulate_terms(f"{settings.seed}", rooms, time, Shape()))
        run.classes += len(rooms)
    run.progress("lists", run.students)


def _list(run: _Run, district: District, name: str, households: list[Household], rows: Any) -> None:
    rng = run.random(name, district)
    writing = run.random(name + "/writing", district)
    table = run.lists[name]
    clean = rows_for(rng, name, households, run.settings.as_of)
    if run.settings.errors is not None:
        _wide_list(run, writing, table, clean, rows)
        return
    township, previous = "", 0
    for row in corrupt(rng, clean):
        place = row.household.township
        if name == "poverty" and place.code != township:
            number = district.townships.index(place)
            # Every other office uses other headers; every third merges the cells of a household.
            table.section(place.name, f"填报单位：{place.name}人民政府", alias=number % 2 == 1, merge=number % 3 == 2)
            township = place.code
        joins = row.household.number == previous
        table.write(layouts.list_cells(writing, row, table.rows + 1, joins), joins)
        rows.writerow(run.truth.row_line(row))
        previous = row.household.number


def _wide_list(run: _Run, writing: Random, table: XlsxTable | CsvTable, clean: Iterator[ListRow], rows: Any) -> None:
    level = run.settings.errors
    assert level is not None
    for wide in written_by_clerks(writing, clean, level, f"{GENERATOR_VERSION}/{run.settings.seed}/clerks"):
        table.write(wide.listed())
        rows.writerow(run.truth.wide_row_line(wide))


def _count_twins(households: list[Household]) -> int:
    pairs = 0
    for household in households:
        births = [member.birth for member in household.members if member.student is not None]
        pairs += len(births) - len(set(births))
    return pairs


def _write_schools(settings: Settings, folder: Path, districts: tuple[District, ...]) -> None:
    table = open_table(folder, layouts.SCHOOLS, settings.file_format)
    table.section("学校")
    for district in districts:
        for school in district.schools:
            table.write(layouts.school_cells(school))
    table.close()


def _write_divisions(settings: Settings, folder: Path, districts: tuple[District, ...]) -> None:
    table = open_table(folder, layouts.DIVISIONS, settings.file_format)
    table.section("行政区划")
    for line in division_rows([town for district in districts for town in district.townships], settings.as_of):
        table.write(line)
    table.close()


def _write_summaries(run: _Run, districts: tuple[District, ...]) -> dict[str, Any]:
    settings, found = run.settings, run.truth
    schools = [school for district in districts for school in district.schools]
    counts = {
        "students": run.students,
        "schools": len(schools),
        "households": run.households,
        "twins_in_school": run.twins,
        "list_rows": {name: found.rows[name] for name in LISTS},
    }
    summary: dict[str, Any] = {
        "generator_version": GENERATOR_VERSION,
        "seed": settings.seed,
        "as_of": settings.as_of.isoformat(),
        "format": settings.file_format,
        "division": {"code": DIVISION, "name": COUNTY_NAME},
        "townships": [{"code": town.code, "name": town.name} for district in districts for town in district.townships],
        "schools": [
            {
                "code": school.code,
                "name": school.name,
                "township_code": school.township.code,
                "stages": list(school.stages),
                "students": school.size,
            }
            for school in schools
        ],
        "counts": counts,
    }
    _json(run.folder / "county.json", summary)
    _json(
        run.folder / "truth.json",
        {
            "counts": counts,
            "categories": {name: found.categories[name] for name in (*truth.CATEGORIES, "none")},
            "row_standings": dict(sorted(found.standings.items())),
            "corruptions": dict(sorted(found.corruptions.items())),
            "listed_children_enrolled_nowhere": len(found.listed_nowhere),
            "students_who_stopped_attending": run.stopped,
            "classes_that_stopped_reporting": run.silent_classes,
        },
    )
    return summary


@contextmanager
def _csv(path: Path, header: tuple[str, ...]) -> Iterator[Any]:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        yield writer


def _json(path: Path, content: dict[str, Any]) -> None:
    path.write_text(json.dumps(content, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")

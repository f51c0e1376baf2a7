"""Simulated counties on disk and the engine run over them, row by row judged."""

from __future__ import annotations

import csv
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.matching_judging import KEEPERS, Tally, TruthRow, Verdict, old_macro, truth_rows
from cli.match_engine import Decided, MatchResult, entry_record, match
from services.matching.candidates import StudentIndex
from services.registry.sheets.lists import LIST_NAMES, ListName
from services.registry.sheets.sheet_files import REGISTER, open_inputs
from simulation.clerks import Level
from simulation.county import DEFAULT_AS_OF, Settings, simulate
from simulation.office_sheets import WIDE_FIELDS
from simulation.traps import write_traps

_NUMBER_FIELD = {"disability": "certificate_number"}
NUMBER_HEADERS = {name: fields[_NUMBER_FIELD.get(name, "id_number")] for name, fields in WIDE_FIELDS.items()}
LISTED = 4.0  # four times as many listed families as usual: more rows about students per second


@dataclass(frozen=True, slots=True)
class Judged:
    """One county: the engine's tally, the old macro's, and what the engine decided."""

    engine: Tally
    macro: Tally
    result: MatchResult
    truth: dict[str, list[TruthRow]]


@contextmanager
def county(students: int, seed: int, level: Level) -> Iterator[Path]:
    """A county as csv files in a folder of its own, removed afterwards."""
    with tempfile.TemporaryDirectory(prefix="rollcall-county-") as name:
        folder = Path(name)
        settings = Settings(students, seed, None, DEFAULT_AS_OF, "csv", weeks=0, errors=level, listed=LISTED)
        simulate(settings, folder)
        yield folder


@contextmanager
def traps(rows: int, seed: int) -> Iterator[Path]:
    """A county that holds nothing but traps."""
    with tempfile.TemporaryDirectory(prefix="rollcall-traps-") as name:
        write_traps(rows, seed, Path(name))
        yield Path(name)


def judge_county(folder: Path) -> Judged:
    """Match the files as `rollcall match` does and judge every row."""
    paths: dict[str, list[Path]] = {REGISTER: [folder / "students.csv"]}
    lists: list[ListName] = [name for name in LIST_NAMES if _parts(folder, name)]
    paths.update((name, _parts(folder, name)) for name in lists)
    opened = open_inputs(paths)
    result = match(opened[REGISTER], {name: opened[name] for name in lists}, DEFAULT_AS_OF, lambda _: None)
    truth = truth_rows(folder)
    return Judged(_judge(result, truth), _macro(folder, truth), result, truth)


def _parts(folder: Path, name: str) -> list[Path]:
    return [path for path in (folder / f"{part}.csv" for part in KEEPERS[name]) if path.exists()]


def _judge(result: MatchResult, truth: dict[str, list[TruthRow]]) -> Tally:
    tally = Tally()
    index = StudentIndex.of(result.students)
    for name, decided in result.decided.items():
        for known, found in zip(truth[name], decided, strict=True):
            looked_at = _looked_at(index, found, known)
            tally.judge(known, _verdict(found), looked_at, _example(result, found, known))
    return tally


def _verdict(found: Decided) -> Verdict:
    out = found.outcome
    offered = frozenset(int(str(student)) for student in out.candidates)
    linked = int(str(out.student)) if out.state.value == "linked" else None
    return Verdict(out.state.value, linked, offered, f"{out.rule} {out.reason}".strip())


def _looked_at(index: StudentIndex, found: Decided, truth: TruthRow) -> bool | None:
    if truth.student_row is None:
        return None
    if found.outcome.student == truth.student_row:
        return True
    candidates = index.candidates(entry_record(found.entry, False))
    groups = (candidates.same_number, candidates.others)
    return any(student.student_id == truth.student_row for group in groups for student in group)


def _example(result: MatchResult, found: Decided, truth: TruthRow) -> str:
    out, row = found.outcome, found.entry
    if out.state.value == truth.state and (out.student == truth.student_row or out.state.value != "linked"):
        return ""
    number = row.id_number or f"({row.number_problem}: {row.id_text})"
    told = f"{row.list}:{row.row} {row.name} {number} {row.sex} {row.birth_date} {row.school} 户主{row.head_name}"
    told += f" 监护{row.guardian_name}"
    meant = result.students[truth.student_row - 1] if truth.student_row else None
    others = [result.students[int(str(student)) - 1] for student in out.candidates[:2]]
    people = [("true", meant), *(("offered", other) for other in others if other is not meant)]
    for what, student in people:
        if student is not None:
            told += f" | {what} {student.name} {student.id_number or '-'} {student.sex} {student.birth_date}"
            told += f" {student.school_key} 监护{student.guardian_name} 曾用{student.former_name}"
    return told


def _macro(folder: Path, truth: dict[str, list[TruthRow]]) -> Tally:
    register: dict[str, int] = {}
    for row, number in enumerate(_column(folder / "students.csv", "身份证号"), 1):
        if number:
            register.setdefault(number, row)
    tally = Tally()
    for name in truth:
        paths = _parts(folder, name)
        numbers = [number[:18] for path in paths for number in _column(path, NUMBER_HEADERS[path.stem])]
        tally.add(old_macro(truth[name], numbers, register))
    return tally


def _column(path: Path, header: str) -> Iterator[str]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        for line in csv.DictReader(file):
            yield line[header]

"""Terms as files: classes, what was told of them and of children, the calendar, and the truth; written and read back.

Told lines stand in the order of telling, district by district. A reader that judges a program reads `term_reports.csv`,
`term_lives.csv`, `term_classes.csv` and `term_calendar.json`; `term_truth.csv` is what really happened.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from datetime import date
from pathlib import Path
from typing import Any, cast

from shared.standards.school_calendar import canonical
from simulation.class_reports import Classroom, ClassTold
from simulation.stories import Life, Reason, Story, Told
from simulation.terms import CountyTerms, SchoolTime

HEADERS = {
    "term_classes": ("class", "school_code", "division_code", "stage", "grade", "class_name", "student_rows"),
    "term_reports": ("told_on", "day", "class", "members", "absences", "half_day"),
    "term_lives": ("told_on", "what", "student_row", "on", "until", "kind"),
    "term_truth": ("student_row", "kind", "out_from", "out_until"),
}
CALENDAR = "term_calendar.json"
OLDER_GRADES = ("8", "9", "初二", "初三", "八年级", "九年级")


class TermTables:
    """The open files; lines of one district after another."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self._writers: dict[str, Any] = {}
        for name, header in HEADERS.items():
            file = stack.enter_context((folder / f"{name}.csv").open("w", encoding="utf-8", newline=""))
            self._writers[name] = csv.writer(file, lineterminator="\n")
            self._writers[name].writerow(header)

    def write(self, made: CountyTerms) -> None:
        """Add these classes and all that was told of them."""
        self._writers["term_classes"].writerows((*room[:6], _joined(room.children)) for room in made.classrooms)
        self._writers["term_reports"].writerows(_report_line(told) for told in made.reports)
        self._writers["term_lives"].writerows(_life_line(life) for life in made.lives)
        self._writers["term_truth"].writerows(_story_line(story) for story in made.stories)


def write_calendar(folder: Path, time: SchoolTime) -> None:
    """The school years as the registry takes them, and the terms simulated."""
    years = [{"school_year": year.terms[0].first.year, "content": json.loads(canonical(year))} for year in time.years]
    terms = [{"name": term.name, "first": str(term.first), "last": str(term.last)} for term in time.terms]
    told = {"years": years, "terms": terms, "school_days": [str(day) for day in time.days]}
    (folder / CALENDAR).write_text(json.dumps(told, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def read_classrooms(folder: Path) -> list[Classroom]:
    """Every class of the county."""
    return [
        Classroom(
            int(line["class"]),
            line["school_code"],
            line["division_code"],
            line["stage"],
            line["grade"],
            line["class_name"],
            tuple(map(int, line["student_rows"].split("|"))),
            line["grade"] in OLDER_GRADES,
        )
        for line in _lines(folder, "term_classes")
    ]


def read_reports(folder: Path) -> list[ClassTold]:
    """Every report, in the order of telling within a district."""
    return [
        ClassTold(
            date.fromisoformat(line["told_on"]),
            date.fromisoformat(line["day"]),
            int(line["class"]),
            int(line["members"]),
            dict(_absences(line["absences"])),
            frozenset(map(int, line["half_day"].split("|"))) if line["half_day"] else frozenset(),
        )
        for line in _lines(folder, "term_reports")
    ]


def read_lives(folder: Path) -> list[Life]:
    """What offices said of children, in the order of telling within a district."""
    return [
        Life(
            date.fromisoformat(line["told_on"]),
            cast("Told", line["what"]),
            int(line["student_row"]),
            date.fromisoformat(line["on"]),
            date.fromisoformat(line["until"]) if line["until"] else None,
            line["kind"],
        )
        for line in _lines(folder, "term_lives")
    ]


def _absences(text: str) -> Iterator[tuple[int, Reason]]:
    for part in filter(None, text.split(";")):
        reason, _, children = part.partition(":")
        for child in children.split("|"):
            yield int(child), cast("Reason", reason)


def _report_line(told: ClassTold) -> tuple[str | int, ...]:
    by_reason: dict[str, list[int]] = {}
    for child, reason in told.absences.items():
        by_reason.setdefault(reason, []).append(child)
    absences = ";".join(f"{reason}:{_joined(by_reason[reason])}" for reason in sorted(by_reason))
    half_day = _joined(sorted(told.half_day))
    return str(told.told_on), str(told.day), told.classroom, told.members, absences, half_day


def _life_line(life: Life) -> tuple[str | int, ...]:
    return str(life.told_on), life.what, life.child, str(life.on), str(life.until or ""), life.kind


def _story_line(story: Story) -> tuple[str | int, ...]:
    return story.child, story.kind, str(story.out_from or ""), str(story.out_until or "")


def _joined(numbers: Iterable[int]) -> str:
    return "|".join(map(str, numbers))


def _lines(folder: Path, name: str) -> Iterator[dict[str, str]]:
    with (folder / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file)

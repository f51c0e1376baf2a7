"""The files for machines: links.csv, categories.csv and summary.json (design.md §6)."""

from __future__ import annotations

import csv
import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from cli.match_engine import Decided, MatchResult, of_school_age
from services.matching.outcome import State
from services.registry.sheets.sheet_files import InputFile

LINKS_HEADER = ("list", "row", "student_row", "state", "rule", "score", "reason")
CATEGORIES_HEADER = ("student_row", "category", "kind", "evidence")


def write_links(result: MatchResult, path: Path) -> None:
    """One line per list row, in file order."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(LINKS_HEADER)
        for kind, decided in result.decided.items():
            for found in decided:
                out = found.outcome
                student = "" if out.student is None else out.student
                row = found.entry.row
                writer.writerow((kind, row, student, out.state.value, out.rule, f"{out.score:.2f}", out.reason))


def write_categories(result: MatchResult, path: Path) -> None:
    """One line per register row."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(CATEGORIES_HEADER)
        for row in range(1, len(result.students) + 1):
            category = result.categories.get(row)
            if category is None:
                writer.writerow((row, "", "", ""))
                continue
            sources = ";".join(evidence.source for evidence in category.evidence)
            writer.writerow((row, category.category, category.kind, sources))


def summary(result: MatchResult, inputs: Sequence[InputFile]) -> dict[str, Any]:
    """Counts that balance to the rows, per list and in all. Raises AssertionError when they do not."""
    lists = {}
    for kind, decided in result.decided.items():
        states = result.states(kind)
        rows = sum(file.row_count for file in inputs if file.kind == kind)
        assert sum(states.values()) == rows == len(decided), "every list row is in exactly one state"
        lists[kind] = {"rows": rows, "states": {state.value: states.get(state.value, 0) for state in State}}
    everything = [found for decided in result.decided.values() for found in decided]
    categories = Counter(category.category for category in result.categories.values() if category.category)
    known = [named.category for named in result.category_rules.classes]
    return {
        "as_of": result.as_of.isoformat(),
        "rules": {
            "ladder": result.rules.version,
            "categories": result.category_rules.version,
            "categories_hash": result.category_rules.content_hash,
        },
        "inputs": [{"list": file.kind, "file": file.path.name, "rows": file.row_count} for file in inputs],
        "register": {"rows": len(result.students), "without_usable_number": len(result.unusable_students)},
        "lists": lists,
        "list_rows": len(everything),
        "states": {state.value: sum(found.outcome.state is state for found in everything) for state in State},
        "reasons": dict(sorted(Counter(found.outcome.reason for found in everything).items())),
        "row_problems": _problems(everything),
        "students_in_category": sum(categories.values()),
        "categories": {name: categories.get(name, 0) for name in known},
        "school_age_not_in_register": sum(
            found.outcome.state is State.NOT_IN_REGISTER and of_school_age(found, result.as_of) for found in everything
        ),
    }


def write_summary(content: dict[str, Any], path: Path) -> None:
    path.write_text(json.dumps(content, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")


def _problems(everything: Sequence[Decided]) -> dict[str, int]:
    counts = Counter(f"{problem.field}.{problem.code}" for found in everything for problem in found.entry.problems)
    return dict(sorted(counts.items()))

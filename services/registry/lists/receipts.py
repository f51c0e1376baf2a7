"""What a sender gets back: counts that balance to the rows, and each row's problems."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from uuid import UUID

from pydantic import BaseModel

from services.registry.sheets.lists import RowProblem

# What makes a list row useless for matching until its sender mends it. Rows of grandparents with old numbers, and rows
# without any number, are no mistakes.
HARMLESS = frozenset(
    ("empty", "fifteen_digit", "other_document", "school_unknown", "listed_twice", "two_households", "no_head")
)
PROBLEM_ROWS_SHOWN = 200


class ProblemRow(BaseModel):
    """One row with its reasons."""

    row: int
    zh: str
    en: str


class Receipt(BaseModel):
    """``rows`` = ``added`` + ``corrected`` + ``unchanged`` for agency lists (``rejected`` of them are on record with a
    problem that forbids matching); for the register and for schools ``rejected`` rows are not on record and count
    beside the others. ``problems``: rows per problem code. ``held``: the removals wait for a person. ``hidden_sheets``
    and ``hidden_rows``: what the file hides from view (also by a filter) and was read all the same."""

    submission_id: UUID
    list: str
    agency: str
    mode: str
    dry_run: bool
    effective_on: date
    rows: int
    added: int
    corrected: int
    unchanged: int
    removed: int
    rejected: int
    held: bool = False
    missing: int = 0
    standing: int = 0
    hidden_sheets: int = 0
    hidden_rows: int = 0
    problems: dict[str, int] = {}
    problem_rows: tuple[ProblemRow, ...] = ()


@dataclass
class Tally:
    """Counts as they grow."""

    rows: int = 0
    added: int = 0
    corrected: int = 0
    rejected: int = 0
    hidden_sheets: int = 0
    hidden_rows: int = 0
    problems: Counter[str] = field(default_factory=Counter)
    problem_rows: list[ProblemRow] = field(default_factory=list)
    by_row: dict[int, tuple[RowProblem, ...]] = field(default_factory=dict)

    def count(self, events: Iterable[tuple[UUID, str, int]]) -> None:
        """Add what events did; each stream's events come together."""
        added, corrected = counted(events)
        self.added += added
        self.corrected += corrected

    def note(self, row: int, problems: Sequence[RowProblem]) -> None:
        """Count a row's problems and keep them; the first rows are told in the receipt."""
        if problems:
            self.by_row[row] = tuple(problems)
        self.problems.update({problem.code for problem in problems})
        if problems and len(self.problem_rows) < PROBLEM_ROWS_SHOWN:
            self.problem_rows.append(ProblemRow(row=row, zh=reasons_zh(problems), en=reasons_en(problems)))


def forbids_matching(problems: Sequence[RowProblem]) -> bool:
    """Whether the sender has to mend the row."""
    return any(problem.code not in HARMLESS and problem.field in ("id_number", "name") for problem in problems)


def reasons_zh(problems: Sequence[RowProblem]) -> str:
    return ";".join(problem.zh for problem in problems)


def reasons_en(problems: Sequence[RowProblem]) -> str:
    return " ".join(problem.en for problem in problems)


def counted(events: Iterable[tuple[UUID, str, int]]) -> tuple[int, int]:
    """(added, corrected) streams of a command's events, given as (stream, type name, version). A stream that only
    began, or came back, is added; one that also ended elsewhere, or changed, is corrected."""
    by_stream: dict[UUID, set[str]] = {}
    for stream, kind, version in events:
        said = kind.split(".")[1]
        by_stream.setdefault(stream, set()).add(said if said != "SchoolRegistered" or version == 1 else "SchoolChanged")
    beginnings = ({"StudentEnrolled"}, {"ListEntryAdded"}, {"SchoolRegistered"})
    added = sum(found in beginnings for found in by_stream.values())
    return added, len(by_stream) - added

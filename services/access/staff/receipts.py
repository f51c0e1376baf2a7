"""What whoever sent a sheet gets back: counts that balance to the rows, and each row's problems."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from pydantic import BaseModel

from services.access.staff.planning import Planned
from services.access.staff.problems import HINTS

PROBLEM_ROWS_SHOWN = 200


class ProblemRow(BaseModel):
    """One row and what is wrong with it, or what its sender should know (``hint``)."""

    row: int
    hint: bool
    zh: str
    en: str


class StaffReceipt(BaseModel):
    """``rows`` = ``added`` + ``changed`` + ``unchanged`` + ``rejected``. ``opened``: accounts, of people on added rows;
    ``waiting``: how many of the import's accounts have no password yet. ``problems``: rows per problem code.
    ``hidden_sheets`` and ``hidden_rows``: what the file hides from view and was read all the same."""

    import_id: UUID
    dry_run: bool
    rows: int
    opened: int
    added: int
    changed: int
    unchanged: int
    rejected: int
    hidden_sheets: int = 0
    hidden_rows: int = 0
    problems: dict[str, int] = {}
    problem_rows: tuple[ProblemRow, ...] = ()


class ImportRow(BaseModel):
    """An import of one's own; ``receipt`` None: it was interrupted, and goes on when the file is sent again.
    ``waiting``: people who have no password yet, or got one and have not used it."""

    import_id: UUID
    begun_at: datetime
    waiting: int
    receipt: StaffReceipt | None


class Outcomes(Counter[str]):
    """Rows by what became of them: opened (an account and a post), added, changed, unchanged, rejected."""

    def receipt(
        self, import_id: UUID, planned: Sequence[Planned], hidden: tuple[int, int], *, dry_run: bool
    ) -> StaffReceipt:
        """The receipt of all rows. Raises ValueError when they do not balance."""
        wrong = [each for each in planned if each.problems]
        codes = Counter(code for each in wrong for code in {problem.code for problem in each.problems})
        if self.total() != len(planned):
            raise ValueError(f"{self.total()} rows are accounted for, and there are {len(planned)}")
        return StaffReceipt(
            import_id=import_id,
            dry_run=dry_run,
            rows=len(planned),
            opened=self["opened"],
            added=self["opened"] + self["added"],
            changed=self["changed"],
            unchanged=self["unchanged"],
            rejected=self["rejected"],
            hidden_sheets=hidden[0],
            hidden_rows=hidden[1],
            problems=dict(codes.most_common()),
            problem_rows=tuple(map(_problem_row, wrong[:PROBLEM_ROWS_SHOWN])),
        )


def outcome(each: Planned) -> str:
    """What becomes of a row that is planned so."""
    if each.action == "add":
        return "added" if each.opens is None else "opened"
    return {"change": "changed", "keep": "unchanged", "reject": "rejected"}[each.action]


def _problem_row(each: Planned) -> ProblemRow:
    return ProblemRow(
        row=each.row.row,
        hint=all(problem.code in HINTS for problem in each.problems),
        zh=";".join(f"{problem.column}:{problem.zh}" for problem in each.problems),
        en="; ".join(f"{problem.column}: {problem.en}" for problem in each.problems),
    )

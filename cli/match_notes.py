"""What is appended to a row of an input sheet, for one row and for a column of rows."""

from __future__ import annotations

from collections.abc import Sequence

import polars

from cli.match_engine import Decided, MatchResult
from services.matching.outcome import STATES_ZH, State
from shared.tabular.sheets import Cell

LIST_NOTES = ("匹配结果", "state", "匹配规则", "原因", "学籍行号", "困难类别", "category", "依据")
STUDENT_NOTES = ("匹配结果", "state", "困难类别", "category", "类别细分", "依据")
_NO_NOTES = ("",) * len(STUDENT_NOTES)


class ListNotes:
    """The notes of a list's rows."""

    def __init__(self, result: MatchResult, decided: Sequence[Decided]) -> None:
        self._result = result
        self._decided = decided

    def cells(self, number: int) -> Sequence[Cell]:
        """In the order of LIST_NOTES."""
        found = self._decided[number - 1]
        out = found.outcome
        student: Cell = int(str(out.student)) if out.student is not None else ""
        zh = category = sources = ""
        if out.state is State.LINKED and isinstance(student, int):
            held = self._result.category(student)
            zh, category = held.zh, held.category
            sources = ";".join(evidence.source for evidence in held.evidence)
        return (STATES_ZH[out.state], out.state.value, out.rule, reason(found), student, zh, category, sources)

    def columns(self, numbers: range) -> polars.DataFrame:
        """The same of many rows; the student's row as a number, null where there is none."""
        rows = [self.cells(number) for number in numbers]
        types = {title: polars.Int64 if title == "学籍行号" else polars.String for title in LIST_NOTES}
        told = zip(*rows, strict=True)
        return polars.DataFrame(
            [
                polars.Series(title, [cell if cell != "" or kind is polars.String else None for cell in column], kind)
                for (title, kind), column in zip(types.items(), told, strict=True)
            ]
        )


class StudentNotes:
    """The notes of the register's rows."""

    def __init__(self, result: MatchResult) -> None:
        self._result = result

    def cells(self, number: int) -> Sequence[Cell]:
        """In the order of STUDENT_NOTES."""
        category = self._result.categories.get(number)
        if category is None:
            return ("待人工核对", "review", "", "", "", "") if number in self._result.reviews else _NO_NOTES
        sources = ";".join(evidence.source for evidence in category.evidence)
        return ("已匹配", "linked", category.zh, category.category, category.kind, sources)

    def columns(self, numbers: range) -> polars.DataFrame:
        """The same of many rows, of which few have any."""
        noted = sorted({*self._result.categories, *self._result.reviews}.intersection(numbers))
        schema = {"number": polars.Int64, **dict.fromkeys(STUDENT_NOTES, polars.String)}
        told = polars.DataFrame([(number, *self.cells(number)) for number in noted], schema=schema, orient="row")
        every = polars.DataFrame({"number": polars.Series(numbers, dtype=polars.Int64)})
        return every.join(told, on="number", how="left", maintain_order="left").drop("number").fill_null("")


def reason(found: Decided) -> str:
    """The outcome's sentence, then everything else that is wrong with the row."""
    sentences = [found.outcome.zh]
    if found.outcome.state is not State.LINKED:
        sentences += [problem.zh for problem in found.entry.problems if problem.zh not in sentences]
    return ";".join(sentences)

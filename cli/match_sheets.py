"""The workbooks for people: every input sheet annotated in its own order, and the rows somebody must act on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

from cli.match_annotated import Sheets, annotate, chosen_rows, open_sheets, padded
from cli.match_engine import Decided, MatchResult, of_school_age
from cli.match_notes import LIST_NOTES, STUDENT_NOTES, ListNotes, StudentNotes, reason
from services.matching.categories import Category
from services.matching.outcome import STATES_ZH, State
from services.matching.records import StudentRecord
from services.registry.sheets.sheet_files import REGISTER, InputFile, InputSheet
from shared.tabular.sheets import Cell
from shared.tabular.writing import SheetWriter, WorkbookWriter

LARGEST_XLSX_ROWS = 200_000  # above it a csv comes back as csv: a workbook of that size opens on no office machine

COVERED = "按户覆盖"
CANDIDATES = ("候选学籍行号", "候选姓名", "候选身份证号", "候选学校")
LIST_WORDS = {"poverty": "建档立卡", "civil": "民政", "disability": "残联", REGISTER: "学籍"}
NOTHING = "没有需要处理的行"
ROSTER_FIELDS = ("school", "school_code", "stage", "grade", "class", "name", "sex", "id_number", "student_number")
ROSTER_TITLES = (
    *("学校", "学校标识码", "学段", "年级", "班级", "姓名", "性别", "身份证号", "学籍号"),
    *("困难类别", "category", "类别细分", "依据", "学籍行号"),
)

Row = list[Cell]


class WorklistWriter:
    """A workbook of rows to act on, one sheet per input sheet that has any, under the input's own column names."""

    def __init__(self, path: Path, extra: Sequence[str]) -> None:
        self._writer = WorkbookWriter(path)
        self._extra = extra
        self._sheets: dict[str, SheetWriter] = {}

    def __enter__(self) -> WorklistWriter:
        return self

    def __exit__(self, *_: object) -> None:
        if not self._sheets:
            self._writer.sheet(NOTHING).header((NOTHING,))
        self._writer.close()

    def row(self, name: str, titles: Sequence[str], cells: Row, extra: Sequence[Cell]) -> None:
        if name not in self._sheets:
            widths = [14.0] * (len(titles) + len(self._extra))
            self._sheets[name] = self._writer.sheet(name, widths=widths)
            self._sheets[name].header([*titles, *self._extra])
        self._sheets[name].row([*padded(cells, len(titles)), *extra])


def write_people_files(result: MatchResult, inputs: Sequence[InputFile], out: Path) -> None:
    """review.xlsx, unenrolled.xlsx, rejects.xlsx, roster.xlsx and annotated/."""
    annotated = out / "annotated"
    annotated.mkdir()
    taken: set[str] = set()
    paths = [annotated / _free_name(file, taken) for file in inputs]
    with ThreadPoolExecutor(1) as beside:
        # Nearly all of it is joining texts and packing them, which needs no interpreter.
        lists = [
            beside.submit(_annotate, result, file.kind, open_sheets(file), path)
            for file, path in zip(inputs, paths, strict=True)
            if file.kind != REGISTER
        ]
        with ExitStack() as open_books:
            acting = _Worklists(result, out, open_books)
            for file, path in zip(inputs, paths, strict=True):
                sheets = open_sheets(file)
                for sheet, whole in sheets:
                    numbers = acting.chosen(file.kind, sheet)
                    for number, cells in chosen_rows(sheet, whole, numbers):
                        acting.row(file, sheet, number, cells)
                if file.kind == REGISTER:
                    _annotate(result, file.kind, sheets, path)
            acting.write_totals()
        for each in lists:
            each.result()


def _annotate(result: MatchResult, kind: str, sheets: Sheets, path: Path) -> None:
    if kind == REGISTER:
        of_student = StudentNotes(result)
        annotate(sheets, path, STUDENT_NOTES, of_student.cells, of_student.columns)
        return
    decided = next(found for name, found in result.decided.items() if name == kind)
    of_row = ListNotes(result, decided)
    annotate(sheets, path, LIST_NOTES, of_row.cells, of_row.columns)


class _Worklists:
    """Passes the rows that somebody must act on, or that belong on the roster, to the workbooks for them."""

    def __init__(self, result: MatchResult, out: Path, open_books: ExitStack) -> None:
        self._result = result
        self._decided: dict[str, list[Decided]] = {str(kind): found for kind, found in result.decided.items()}
        self._review = open_books.enter_context(WorklistWriter(out / "review.xlsx", ("原因", "匹配规则", *CANDIDATES)))
        self._unenrolled = open_books.enter_context(
            WorklistWriter(out / "unenrolled.xlsx", ("匹配结果", "原因", "义务教育年龄"))
        )
        self._rejects = open_books.enter_context(WorklistWriter(out / "rejects.xlsx", ("原因",)))
        self._book = open_books.enter_context(WorkbookWriter(out / "roster.xlsx"))
        self._roster = self._book.sheet("困难学生名册", widths=[14.0] * len(ROSTER_TITLES))
        self._roster.header(ROSTER_TITLES)
        self._per_school: dict[str, dict[str, int]] = {}

    def chosen(self, kind: str, sheet: InputSheet) -> list[int]:
        """Numbers of the rows of a sheet that are passed on, in order."""
        numbers = range(sheet.first_row, sheet.first_row + sheet.row_count)
        if kind == REGISTER:
            wanted = sorted({*self._result.unusable_students, *self._result.categories})
            return [number for number in wanted if number in numbers]
        decided = self._decided[kind]
        return [number for number in numbers if _needs_somebody(decided[number - 1])]

    def row(self, file: InputFile, sheet: InputSheet, number: int, cells: Row) -> None:
        """Pass on a row that was chosen."""
        if file.kind == REGISTER:
            self._student(file, sheet, number, cells)
        else:
            self._entry(file, sheet, self._decided[file.kind][number - 1], cells)

    def _student(self, file: InputFile, sheet: InputSheet, number: int, cells: Row) -> None:
        assert sheet.table is not None
        unusable = self._result.unusable_students.get(number)
        if unusable is not None:
            reasons = ";".join(problem.zh for problem in unusable.problems)
            self._rejects.row(_sheet_name(file, sheet), sheet.table.header.titles, cells, (reasons,))
        category = self._result.categories.get(number)
        if category is not None and category.category:
            self._on_roster(sheet.table.header.columns, number, cells, category)

    def _on_roster(self, columns: Mapping[str, int], number: int, cells: Row, category: Category) -> None:
        places = (columns.get(name) for name in ROSTER_FIELDS)
        known: Row = [cells[place] if place is not None and place < len(cells) else "" for place in places]
        sources = ";".join(evidence.source for evidence in category.evidence)
        self._roster.row([*known, category.zh, category.category, category.kind, sources, number])
        school = str(known[0] or known[1])
        counts = self._per_school.setdefault(school, {})
        counts[category.category] = counts.get(category.category, 0) + 1

    def _entry(self, file: InputFile, sheet: InputSheet, found: Decided, cells: Row) -> None:
        assert sheet.table is not None
        out, titles = found.outcome, sheet.table.header.titles
        why, name = reason(found), _sheet_name(file, sheet)
        if out.candidates:  # of a review, or of a head who stands for these students
            name_of_sheet = name if out.state is State.REVIEW else f"{name[:25]}_{COVERED}"
            self._review.row(name_of_sheet, titles, cells, (why, out.rule, *self._candidates(out.candidates)))
        if out.state in (State.NOT_IN_REGISTER, State.REGISTERED_ELSEWHERE):
            school_age = "是" if of_school_age(found, self._result.as_of) else "否"
            self._unenrolled.row(name, titles, cells, (STATES_ZH[out.state], why, school_age))
        elif out.state is State.REJECTED:
            self._rejects.row(name, titles, cells, (why,))

    def _candidates(self, rows: Sequence[object]) -> tuple[str, ...]:
        students: list[StudentRecord] = [self._result.students[int(str(row)) - 1] for row in rows]
        return (
            "、".join(str(student.student_id) for student in students),
            "、".join(student.name for student in students),
            "、".join(student.id_number or "—" for student in students),
            "、".join(student.school_key for student in students),
        )

    def write_totals(self) -> None:
        """The second sheet of the roster: how many of each category, by school."""
        names = [known.category for known in self._result.category_rules.classes]
        sheet = self._book.sheet("分校汇总", widths=[24.0] + [16.0] * (len(names) + 1))
        sheet.header(["学校", *names, "合计"])
        for school, counts in sorted(self._per_school.items()):
            sheet.row([school, *(counts.get(name, 0) for name in names), sum(counts.values())])


def _needs_somebody(found: Decided) -> bool:
    """Most rows are linked or about adults: nobody has to act."""
    out = found.outcome
    return out.state is not State.LINKED and (out.state is not State.OUT_OF_AGE or bool(out.candidates))


def _sheet_name(file: InputFile, sheet: InputSheet) -> str:
    return f"{LIST_WORDS[file.kind]}_{file.path.stem[:10]}_{sheet.source.name}"[:31]


def _free_name(file: InputFile, taken: set[str]) -> str:
    """The input's own name, as xlsx; as csv only where the list is too large for a workbook."""
    suffix = ".csv" if file.book.is_text and file.row_count > LARGEST_XLSX_ROWS else ".xlsx"
    name, count = file.path.stem + suffix, 1
    while name.lower() in taken:
        count += 1
        name = f"{file.path.stem}-{count}{suffix}"
    taken.add(name.lower())
    return name

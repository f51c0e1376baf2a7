"""The workbooks for people: every input sheet annotated in its own order, and the rows somebody must act on."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from pathlib import Path

from cli.match_annotated import SheetRow, annotate, annotate_register, padded
from cli.match_columns import RegisterColumns
from cli.match_engine import Decided, MatchResult, of_school_age
from cli.match_forks import Child
from services.matching.outcome import STATES_ZH, State
from services.matching.records import StudentRecord
from services.registry.sheet_files import REGISTER, InputFile, InputSheet
from shared.tabular.sheets import Cell
from shared.tabular.writing import SheetWriter, WorkbookWriter

LARGEST_XLSX_ROWS = 200_000  # above it a csv comes back as csv: a workbook of that size opens on no office machine

LIST_NOTES = ("匹配结果", "state", "匹配规则", "原因", "学籍行号", "困难类别", "category", "依据")
STUDENT_NOTES = ("匹配结果", "state", "困难类别", "category", "类别细分", "依据")
CANDIDATES = ("候选学籍行号", "候选姓名", "候选身份证号", "候选学校")
LIST_WORDS = {"poverty": "建档立卡", "civil": "民政", "disability": "残联", REGISTER: "学籍"}
NOTHING = "没有需要处理的行"

PARALLEL_ROWS_LEAST = 20_000  # of all lists: below it a second process is not worth its start

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
    with ExitStack() as open_books:
        review = open_books.enter_context(WorklistWriter(out / "review.xlsx", ("原因", "匹配规则", *CANDIDATES)))
        unenrolled = open_books.enter_context(
            WorklistWriter(out / "unenrolled.xlsx", ("匹配结果", "原因", "义务教育年龄"))
        )
        rejects = open_books.enter_context(WorklistWriter(out / "rejects.xlsx", ("原因",)))
        roster = open_books.enter_context(WorkbookWriter(out / "roster.xlsx"))
        roster_sheet = roster.sheet("困难学生名册", widths=[14.0] * len(ROSTER_TITLES))
        roster_sheet.header(ROSTER_TITLES)
        per_school: dict[str, dict[str, int]] = {}
        taken: set[str] = set()
        paths = [annotated / _free_name(file, taken) for file in inputs]
        beside = _beside(result, inputs, paths)
        for file, path in zip(inputs, paths, strict=True):
            visit = _Visitor(result, file, review, unenrolled, rejects, roster_sheet, per_school)
            if file.kind != REGISTER and beside is not None:
                visit.worklists()
            elif path.suffix == ".csv" and isinstance(result.students, RegisterColumns) and file.kind == REGISTER:
                wanted = {*result.unusable_students, *result.categories, *result.reviews}
                annotate_register(file, path, visit.titles, visit.notes, sorted(wanted))
            else:
                annotate(file, path, visit.titles, visit.notes)
        _write_totals(roster, result, per_school)
        if beside is not None and beside.result() is None:
            _annotate_lists(result, inputs, paths)


def _beside(result: MatchResult, inputs: Sequence[InputFile], paths: Sequence[Path]) -> Child | None:
    """A process that annotates the lists while this one writes everything else; None when they are short."""
    if sum(file.row_count for file in inputs if file.kind != REGISTER) < PARALLEL_ROWS_LEAST:
        return None

    def work() -> bytes:
        _annotate_lists(result, inputs, paths)
        return b""

    return Child(work)


def _annotate_lists(result: MatchResult, inputs: Sequence[InputFile], paths: Sequence[Path]) -> None:
    lists = {str(kind): decided for kind, decided in result.decided.items()}
    for file, path in zip(inputs, paths, strict=True):
        if file.kind != REGISTER:
            decided = lists[file.kind]

            def notes(sheet: InputSheet, number: int, cells: Row, decided: list[Decided] = decided) -> Sequence[Cell]:
                return _entry_notes(result, decided[number - 1])

            annotate(file, path, LIST_NOTES, notes)


ROSTER_FIELDS = ("school", "school_code", "stage", "grade", "class", "name", "sex", "id_number", "student_number")
ROSTER_TITLES = (
    *("学校", "学校标识码", "学段", "年级", "班级", "姓名", "性别", "身份证号", "学籍号"),
    *("困难类别", "category", "类别细分", "依据", "学籍行号"),
)


class _Visitor:
    """Sees each data row once more with its outcome: returns what to append, and passes it on to the worklists."""

    def __init__(
        self,
        result: MatchResult,
        file: InputFile,
        review: WorklistWriter,
        unenrolled: WorklistWriter,
        rejects: WorklistWriter,
        roster: SheetWriter,
        per_school: dict[str, dict[str, int]],
    ) -> None:
        self.result, self.file = result, file
        self._review, self._unenrolled, self._rejects = review, unenrolled, rejects
        self._roster, self._per_school = roster, per_school
        self.titles = STUDENT_NOTES if file.kind == REGISTER else LIST_NOTES
        self._lists = {str(kind): decided for kind, decided in result.decided.items()}

    def notes(self, sheet: InputSheet, number: int, cells: Row) -> Sequence[Cell]:
        if self.file.kind == REGISTER:
            return self._student(sheet, number, cells)
        found = self._lists[self.file.kind][number - 1]
        self._entry(sheet, found, cells)
        return _entry_notes(self.result, found)

    def worklists(self) -> None:
        """Pass on the rows of a list that somebody must act on; its annotated copy is written elsewhere."""
        decided = self._lists[self.file.kind]
        for sheet in self.file.sheets:
            data: Iterable[SheetRow] = sheet.source.iter_rows()
            following = iter(sheet.data_indexes)
            number, wanted = sheet.first_row, next(following, -1)
            for index, cells in enumerate(data):
                if index == wanted:
                    self._entry(sheet, decided[number - 1], cells)
                    number, wanted = number + 1, next(following, -1)

    def _student(self, sheet: InputSheet, number: int, cells: Row) -> Sequence[Cell]:
        assert sheet.table is not None
        unusable = self.result.unusable_students.get(number)
        if unusable is not None:
            reasons = ";".join(problem.zh for problem in unusable.problems)
            self._rejects.row(self._sheet_name(sheet), sheet.table.header.titles, cells, (reasons,))
        category = self.result.categories.get(number)
        if category is None:
            return ("待人工核对", "review", "", "", "", "") if number in self.result.reviews else ("", "") * 3
        sources = ";".join(evidence.source for evidence in category.evidence)
        if category.category:
            columns = sheet.table.header.columns
            places = (columns.get(name) for name in ROSTER_FIELDS)
            known: Row = [cells[place] if place is not None and place < len(cells) else "" for place in places]
            self._roster.row([*known, category.zh, category.category, category.kind, sources, number])
            school = str(known[0] or known[1])
            counts = self._per_school.setdefault(school, {})
            counts[category.category] = counts.get(category.category, 0) + 1
        return ("已匹配", "linked", category.zh, category.category, category.kind, sources)

    def _entry(self, sheet: InputSheet, found: Decided, cells: Row) -> None:
        assert sheet.table is not None
        out, titles = found.outcome, sheet.table.header.titles
        if out.state is State.LINKED or (out.state is State.OUT_OF_AGE and not out.candidates):
            return  # most rows: nobody has to act
        reason, name = _reason(found), self._sheet_name(sheet)
        if out.candidates:  # of a review, or of a head who stands for these students
            name_of_sheet = name if out.state is State.REVIEW else f"{name[:24]}_户主待证实"
            self._review.row(name_of_sheet, titles, cells, (reason, out.rule, *self._candidates(out.candidates)))
        if out.state in (State.NOT_IN_REGISTER, State.REGISTERED_ELSEWHERE):
            school_age = "是" if of_school_age(found, self.result.as_of) else "否"
            self._unenrolled.row(name, titles, cells, (STATES_ZH[out.state], reason, school_age))
        elif out.state is State.REJECTED:
            self._rejects.row(name, titles, cells, (reason,))

    def _candidates(self, rows: Sequence[object]) -> tuple[str, ...]:
        students = [self._record(row) for row in rows]
        return (
            "、".join(str(student.student_id) for student in students),
            "、".join(student.name for student in students),
            "、".join(student.id_number or "—" for student in students),
            "、".join(student.school_key for student in students),
        )

    def _record(self, row: object) -> StudentRecord:
        return self.result.students[int(str(row)) - 1]

    def _sheet_name(self, sheet: InputSheet) -> str:
        return f"{LIST_WORDS[self.file.kind]}_{self.file.path.stem[:10]}_{sheet.source.name}"[:31]


def _entry_notes(result: MatchResult, found: Decided) -> Sequence[Cell]:
    """What is appended to a row of a list."""
    out = found.outcome
    student: Cell = int(str(out.student)) if out.student is not None else ""
    zh = category = sources = ""
    if out.state is State.LINKED and isinstance(student, int):
        held = result.category(student)
        zh, category = held.zh, held.category
        sources = ";".join(evidence.source for evidence in held.evidence)
    return (STATES_ZH[out.state], out.state.value, out.rule, _reason(found), student, zh, category, sources)


def _reason(found: Decided) -> str:
    """The outcome's sentence, then everything else that is wrong with the row."""
    sentences = [found.outcome.zh]
    if found.outcome.state is not State.LINKED:
        sentences += [problem.zh for problem in found.entry.problems if problem.zh not in sentences]
    return ";".join(sentences)


def _free_name(file: InputFile, taken: set[str]) -> str:
    """The input's own name, as xlsx; as csv only where the list is too large for a workbook."""
    suffix = ".csv" if file.book.is_text and file.row_count > LARGEST_XLSX_ROWS else ".xlsx"
    name, count = file.path.stem + suffix, 1
    while name.lower() in taken:
        count += 1
        name = f"{file.path.stem}-{count}{suffix}"
    taken.add(name.lower())
    return name


def _write_totals(roster: WorkbookWriter, result: MatchResult, per_school: dict[str, dict[str, int]]) -> None:
    names = [known.category for known in result.category_rules.classes]
    sheet = roster.sheet("分校汇总", widths=[24.0] + [16.0] * (len(names) + 1))
    sheet.header(["学校", *names, "合计"])
    for school, counts in sorted(per_school.items()):
        sheet.row([school, *(counts.get(name, 0) for name in names), sum(counts.values())])

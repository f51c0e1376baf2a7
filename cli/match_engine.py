"""The match itself: every list row decided once, every student's category from the rows linked to her."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from itertools import chain

from cli.match_bulk import asked_index, decide_all
from cli.match_columns import RegisterColumns, read_columns
from cli.match_lists import read_lists
from services.matching.candidates import ListIndex, StudentIndex
from services.matching.categories import DEFAULT_CATEGORY_RULES, Category, CategoryRules, Evidence, categorise
from services.matching.heads import is_head, stands_for_household
from services.matching.ladder import DEFAULT_RULES, Rules, decide
from services.matching.names import adult_name, comparable
from services.matching.outcome import Outcome, State
from services.matching.records import EntryRecord, StudentRecord, student_record
from services.matching.written_numbers import adult_number, written_number
from services.registry.sheets.lists import LIST_NAMES, ListName, ListRow, RegisterRow
from services.registry.sheets.schools import SchoolDirectory
from services.registry.sheets.sheet_files import InputFile, read_list, read_register
from shared.standards import age, division, identity_number
from shared.standards.cell_text import number_text
from shared.standards.identity_number import IdentityNumberError

NO_CATEGORY = Category("", "", ())

Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Decided:
    """A list row and its one outcome."""

    entry: ListRow
    outcome: Outcome


@dataclass(slots=True)
class MatchResult:
    """`students` and `decided` are in row order; `categories` and `reviews` are by student row."""

    as_of: date
    rules: Rules
    category_rules: CategoryRules
    students: Sequence[StudentRecord]
    unusable_students: dict[int, RegisterRow]
    decided: dict[ListName, list[Decided]]
    categories: dict[int, Category] = field(default_factory=dict)
    reviews: set[int] = field(default_factory=set)

    def category(self, student_row: int) -> Category:
        return self.categories.get(student_row, NO_CATEGORY)

    def states(self, kind: ListName) -> Counter[str]:
        return Counter(found.outcome.state.value for found in self.decided.get(kind, ()))


def match(
    register: Sequence[InputFile],
    lists: Mapping[ListName, Sequence[InputFile]],
    as_of: date,
    progress: Progress,
    rules: Rules = DEFAULT_RULES,
    category_rules: CategoryRules = DEFAULT_CATEGORY_RULES,
) -> MatchResult:
    """Read and decide everything. Raises a TabularError when a csv file turns out to be broken on the way."""
    schools = SchoolDirectory()
    students, unusable = _read_students(register, schools, progress)
    result = MatchResult(as_of, rules, category_rules, students, unusable, {})
    rows = read_lists(lists, schools) if isinstance(students, RegisterColumns) else _rows(lists, schools)
    entries = {kind: entry_records(found) for kind, found in rows.items()}
    # A row is decided knowing every other: whoever else carries its number may stand on another list.
    everything = list(chain.from_iterable(entries.values()))
    listed = ListIndex.of(everything)
    progress(f"匹配名单 lists {len(everything)}")
    if isinstance(students, RegisterColumns):
        outcomes = iter(decide_all(everything, asked_index(students, everything), listed, rules, as_of))
    else:
        index = StudentIndex.of(students)
        outcomes = (decide(entry, index.candidates(entry, listed.listed(entry)), rules, as_of) for entry in everything)
    for kind, found in rows.items():
        result.decided[kind] = [Decided(row, outcome) for row, outcome in zip(found, outcomes, strict=False)]
    _categorise(result)
    return result


def _rows(lists: Mapping[ListName, Sequence[InputFile]], schools: SchoolDirectory) -> dict[ListName, list[ListRow]]:
    return {kind: list(read_list(kind, lists[kind], schools)) for kind in LIST_NAMES if kind in lists}


def _read_students(
    register: Sequence[InputFile], schools: SchoolDirectory, progress: Progress
) -> tuple[Sequence[StudentRecord], dict[int, RegisterRow]]:
    """The students in row order, and the rows without a usable number or name."""
    columns = read_columns(register, schools, lambda row: student_of(row, schools))
    if columns is not None:
        return columns, columns.unusable
    students: list[StudentRecord] = []
    unusable: dict[int, RegisterRow] = {}
    for row in read_register(register):
        students.append(student_of(row, schools))
        if row.id_number is None or row.number_contradicted or not row.name:
            unusable[row.row] = row
        if row.row % 20_000 == 0:
            progress(f"读取学籍 register {row.row}")
    return students, unusable


def student_of(row: RegisterRow, schools: SchoolDirectory) -> StudentRecord:
    """What the ladder sees of a row of the register; notes its school in `schools`."""
    return student_record(
        row.row,
        name=row.name,
        id_number=row.id_number,
        birth_date=row.birth_date or row.suggested_birth_date,
        school_key=schools.add(row.school_code, row.school) if row.school or row.school_code else "",
        guardian_name=row.guardian_name,
        guardian_id=row.guardian_id,
        former_name=row.former_name,
        id_text=row.id_text,
        sex=row.sex,
        grade=row.grade,
        class_name=row.class_name,
        student_number=row.student_number,
    )


def entry_records(rows: Sequence[ListRow]) -> list[EntryRecord]:
    """What the ladder sees of one list's rows, in order."""
    households = Counter(_household(row) for row in rows)
    return [entry_record(row, households[_household(row)] == 1 or not any(_household(row))) for row in rows]


def _household(row: ListRow) -> tuple[str, str]:
    return row.household_number, row.allowance_number


def entry_record(row: ListRow, alone_in_household: bool) -> EntryRecord:
    """What the ladder sees of a row. A row that names only a head is about the head."""
    head_number = number_text(row.head_id)
    head = row.head_only or is_head(row.relation, row.name, row.id_number, row.head_name, head_number)
    record = EntryRecord(
        name=comparable(row.name),
        id_number=row.id_number,
        number_problem=row.number_problem,
        number_contradicted=row.number_contradicted,
        id_text=written_number(row.id_text),
        birth_date=row.birth_date,
        suggested_birth_date=row.suggested_birth_date,
        school_key=row.school_key or "",
        school_elsewhere=row.school_elsewhere,
        guardian_name=adult_name(row.guardian_name),
        stands_for_household=alone_in_household and stands_for_household(row.list, row.coverage, head),
        sex=row.sex,
        grade=row.grade,
        guardian_id=adult_number(row.guardian_id or row.head_id),
        head_name=adult_name(row.head_name),
        division_code=_residence(row.division_code),
        household_key="|".join(_household(row)) if any(_household(row)) else None,
        former_name=comparable(row.former_name),
        list_name=row.list,
        birth_date_contradicted=any(problem.code == "birth_date_differs" for problem in row.problems),
        covers_one=row.list == "civil" and row.coverage == "single",
    )
    return _about_head(row, record) if row.head_only else record


def _residence(text: str) -> str:
    try:
        return division.scope(text) if text else ""
    except division.DivisionCodeError:
        return ""


def _about_head(row: ListRow, record: EntryRecord) -> EntryRecord:
    """The head's own name and number in place of the member's that the row does not give."""
    head = replace(record, name=comparable(row.head_name), guardian_id="", head_name="")
    try:
        number = identity_number.parse(row.head_id)
    except IdentityNumberError as error:
        return replace(head, number_problem=None if error.code == "empty" else error.code)
    return replace(head, id_number=number.text, birth_date=number.birth_date)


def evidence_of(row: ListRow) -> Evidence:
    """What a linked row says about the student."""
    return Evidence(
        list=row.list,
        source=f"{row.list}:{row.row}",
        household_type=row.household_type,
        support_type=row.support_type,
        area_type=row.area_type,
        coverage=row.coverage,
        disability_kind=row.disability_kind,
        disability_grade=row.disability_grade,
        valid_from=row.valid_from,
        valid_to=row.valid_to,
        lifted_on=row.lifted_on,
    )


def _categorise(result: MatchResult) -> None:
    evidence: defaultdict[int, list[Evidence]] = defaultdict(list)
    for decided in result.decided.values():
        for found in decided:
            if found.outcome.state is State.LINKED:
                evidence[_row(found.outcome.student)].append(evidence_of(found.entry))
            elif found.outcome.covers:
                for student in found.outcome.candidates:
                    evidence[_row(student)].append(evidence_of(found.entry))
            elif found.outcome.state is State.REVIEW:
                result.reviews.update(_row(student) for student in found.outcome.candidates)
    for student, known in evidence.items():
        result.categories[student] = categorise(known, result.category_rules, result.as_of)


def _row(student: object) -> int:
    assert isinstance(student, int), "students of files are known by their row"
    return student


def of_school_age(found: Decided, as_of: date) -> bool:
    """Whether the listed person is of compulsory school age on the day."""
    born = found.entry.birth_date
    return born is not None and age.of_compulsory_age(born, as_of)

"""The export that may be edited and sent back: one row per student under her record key, personal fields masked.

A cell that says what the export shows was not edited; so nobody needs full particulars in a file to correct a class,
and a full value typed over a masked one is a correction.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import Connection

from services.registry.changes.change_rules import PLACE_FIELDS
from services.registry.changes.change_wanted import Wanted
from services.registry.changes.sheet_conflicts import FieldConflict, FieldsChangedSince, insisted, last_change
from services.registry.errors import InvalidBatch, ParticularsErased, StudentNotEnrolled
from services.registry.events import StudentPersonal
from services.registry.handlers import Registry, known_student
from services.registry.jobs.on_a_day import Dated, Place, in_order, place_on
from services.registry.life_errors import NamedTwice
from services.registry.sheets import cells
from services.registry.sheets.intake import BOARDING, LEFT_BEHIND, STAGES, either
from services.registry.students.batch_lines import PROBLEMS_TOLD
from services.registry.students.particulars import corrections, last_stated
from shared.database.scopes import Scope
from shared.eventsourcing.store import Stored
from shared.kernel.masking import mask_address, mask_name, mask_number, mask_phone
from shared.kernel.refusals import Conflict, Malformed, Refusal
from shared.tabular.book import open_book
from shared.tabular.errors import HeaderMissing
from shared.tabular.header import AliasTable
from shared.tabular.rows import find_table
from shared.tabular.writing import WorkbookWriter

ROWS_MAX = 20_000
_VERSION_DIGITS = 6
CHUNK = 1_000
TITLES = {
    "student_id": "记录编号",
    "version": "版本",
    "name": "姓名",
    "id_number": "身份证号",
    "student_number": "学籍号",
    "school_code": "学校标识码",
    "stage": "学段",
    "grade": "年级",
    "class_name": "班级",
    "boarder": "就读方式",
    "left_behind": "是否留守儿童",
    "placement": "安置方式",
    "former_name": "曾用名",
    "sex": "性别",
    "guardian_name": "监护人姓名",
    "guardian_id": "监护人身份证号",
    "phone": "联系电话",
    "address": "家庭住址",
}
PERSONAL = ("name", "former_name", "sex", "guardian_name", "guardian_id", "phone", "address")
# Numbers name people, and a school is left and entered: neither is corrected for many at once.
FIXED = ("id_number", "student_number", "school_code")
COLUMNS = AliasTable.of(
    {field: (title,) for field, title in TITLES.items()}, key_fields=("student_id", "version"), foreign_groups=()
)
_STAGE_WORDS = {"preschool": "学前", "primary": "小学", "junior": "初中", "senior": "高中"} | {
    "vocational": "中职",
    "special": "特教",
}
_SEX_WORDS = {"male": "男", "female": "女"}
_SHOWN: Mapping[str, Any] = {
    "name": mask_name,
    "former_name": mask_name,
    "guardian_name": mask_name,
    "id_number": mask_number,
    "student_number": mask_number,
    "guardian_id": mask_number,
    "phone": mask_phone,
    "address": mask_address,
    "stage": lambda value: _STAGE_WORDS.get(value, value or ""),
    "sex": lambda value: _SEX_WORDS.get(value, ""),
    "boarder": lambda value: "" if value is None else "住校" if value else "走读",
    "left_behind": lambda value: "" if value is None else "是" if value else "否",
}


class ChangedSinceExport(Conflict):
    code = "changed_since_export"

    def __init__(self) -> None:
        super().__init__(
            "导出后该生数据已有变动,请重新导出后再改", "The student changed since the export; export again."
        )


class NotHere(Malformed):
    """``title`` is a column that is corrected in another way."""

    code = "not_in_a_sheet"

    def __init__(self, title: str) -> None:
        super().__init__(f"“{title}”不能用表格批量更正", f"“{title}” is not corrected by a sheet.", title=title)


class NoSuchValue(Malformed):
    code = "no_such_value"

    def __init__(self, title: str) -> None:
        super().__init__(f"“{title}”的内容无法识别", f"What stands under “{title}” is not known.", title=title)


def shown(field: str, value: Any) -> str:
    """A field as the export shows it: masked where it is personal."""
    return str(_SHOWN[field](value)) if field in _SHOWN else str(value or "")


def write(path: Path, rows: Iterable[Mapping[str, Any]]) -> None:
    """The export: rows with every field of TITLES, unmasked."""
    with WorkbookWriter(path) as book:
        sheet = book.sheet("学生名册", widths=[38, 6, *([14] * (len(TITLES) - 2))])
        sheet.header(list(TITLES.values()))
        for row in rows:
            sheet.row([shown(field, row[field]) for field in TITLES])


class SheetRow(NamedTuple):
    """A row as it came back: its number and the text of each column that the file has."""

    number: int
    texts: dict[str, str]


def read(path: Path) -> list[SheetRow]:
    """The rows of an edited export. Raises a TabularError, Malformed for more than ROWS_MAX."""
    book = open_book(path)
    found: list[SheetRow] = []
    tables = [table for table in (find_table(sheet, COLUMNS) for sheet in book.sheets) if table is not None]
    if not tables or any(not {"student_id", "version"} <= table.header.columns.keys() for table in tables):
        raise HeaderMissing(
            "没有找到“记录编号”和“版本”两列,请使用本系统导出的表",
            "The columns 记录编号 and 版本 are missing: use a sheet exported here.",
            file=path.name,
        )
    for table in tables:
        for _, row in table.data_rows():
            if len(found) == ROWS_MAX:
                raise Malformed(f"超过 {ROWS_MAX} 行", f"More than {ROWS_MAX} rows", rows_max=ROWS_MAX)
            columns = table.header.columns
            texts = {field: cells.text(row[at]) for field, at in columns.items() if at < len(row)}
            found.append(SheetRow(len(found) + 1, texts))
    return found


@dataclass(frozen=True)
class Comparison:
    """Compares an edited export with what is on record. ``whole_rows``: a row is refused when anything about its
    student changed meanwhile, because each of its cells was chosen, also the one that stayed."""

    registry: Registry
    connection: Connection
    scope: Scope
    day: date
    whole_rows: bool = False

    def wanted(self, rows: Sequence[SheetRow]) -> list[Wanted]:
        """What was edited, student by student. Raises InvalidBatch with the reason of each row that cannot be."""
        found: list[Wanted] = []
        wrong: list[tuple[int, str, str, str]] = []
        rows_wrong = 0
        seen: set[UUID] = set()
        for row, student_id, stored in self._loaded(rows):
            try:
                if student_id is None:
                    raise NoSuchValue(TITLES["student_id"])
                if student_id in seen:
                    raise NamedTwice([student_id])
                seen.add(student_id)
                wanted = self._row(row, student_id, stored)
            except FieldsChangedSince as changed:
                rows_wrong += 1
                wrong += [(row.number, changed.code, each.zh, each.en) for each in changed.fields]
            except Refusal as refused:
                rows_wrong += 1
                wrong.append((row.number, refused.code, refused.zh, refused.en))
            else:
                found += [] if wanted is None else [wanted]
        if wrong:
            raise InvalidBatch(wrong[:PROBLEMS_TOLD], rows_wrong)
        return found

    def _loaded(self, rows: Sequence[SheetRow]) -> Iterator[tuple[SheetRow, UUID | None, list[Stored]]]:
        for begin in range(0, len(rows), CHUNK):
            some = [(row, _id(row.texts.get("student_id", ""))) for row in rows[begin : begin + CHUNK]]
            ids: Collection[UUID] = {student_id for _, student_id in some if student_id is not None}
            loaded = self.registry.store.load_many(self.connection, ids, personal=True)
            for row, student_id in some:
                yield row, student_id, [] if student_id is None else loaded[student_id]

    def _row(self, row: SheetRow, student_id: UUID, stored: Sequence[Stored]) -> Wanted | None:
        known_student(stored, self.scope, student_id)
        place = place_on(in_order(Dated(each.fact, each.event.effective_on) for each in stored), self.day)
        if place is None or not place.enrolled:
            raise StudentNotEnrolled(student_id)
        personal = last_stated(stored).personal
        if personal is None:
            raise ParticularsErased(student_id)
        now = values_of(personal, place)
        edited = self._edited(row, stored, now)
        if not edited:
            return None
        for field in FIXED:
            if field in edited:
                raise NotHere(TITLES[field])
        values = {field: _value(field, text) for field, text in edited.items()}
        changed = {field: value for field, value in values.items() if field in PERSONAL}
        if changed:  # only to hear now what would be refused
            corrections(self.registry, self.connection, student_id, stored, changed, self.day)
        before = {field: _text(now[field]) for field in values}
        return Wanted(student_id, personal.person_id, len(stored), before, values)

    def _edited(self, row: SheetRow, stored: Sequence[Stored], now: Mapping[str, Any]) -> dict[str, str]:
        """What the clerk edited, by what stood when the sheet was exported. Raises FieldsChangedSince for fields that
        others changed as well, ChangedSinceExport when nobody can tell how the student stood then."""
        told = row.texts.get("version", "")
        version = int(told) if told.isdecimal() and len(told) <= _VERSION_DIGITS else 0
        exported = now if version == len(stored) else self._values_at(stored, version)
        if exported is None or (self.whole_rows and exported is not now) or not 1 <= version <= len(stored):
            raise ChangedSinceExport
        edited: dict[str, str] = {}
        clashing: list[FieldConflict] = []
        for field, typed in row.texts.items():
            if field not in now or typed == shown(field, exported[field]):
                continue
            text, insists = insisted(typed)
            if exported is not now and text in (shown(field, now[field]), str(now[field] or "")):
                continue  # as it stands already, and it is kept
            if exported[field] != now[field] and not insists:
                clashing.append(self._clash(stored, version, field, text, exported[field], now[field]))
            edited[field] = text
        if clashing:
            raise FieldsChangedSince(clashing)
        return edited

    def _clash(
        self, stored: Sequence[Stored], version: int, field: str, text: str, exported: Any, now: Any
    ) -> FieldConflict:
        by = last_change(stored, version, field, lambda number: self._values_at(stored, number))
        masked = shown(field, text) if field in PERSONAL else text
        texts = (masked, shown(field, exported), shown(field, now))
        hidden = texts[1] == texts[2]
        return FieldConflict(TITLES[field], *texts, hidden, by.event.principal, by.event.effective_on)

    def _values_at(self, stored: Sequence[Stored], version: int) -> Mapping[str, Any] | None:
        """Field → value after so many events; None when she was not enrolled then, or is erased."""
        before = stored[:version]
        if not before:
            return None
        place = place_on(in_order(Dated(each.fact, each.event.effective_on) for each in before), self.day)
        personal = last_stated(before).personal
        return None if place is None or personal is None else values_of(personal, place)


def values_of(personal: StudentPersonal, place: Place) -> dict[str, Any]:
    """Field → value of everything that the export shows of a student."""
    values = {field: getattr(personal, field) for field in (*PERSONAL, "id_number", "student_number")}
    return values | {field: getattr(place, field) for field in (*PLACE_FIELDS, "school_code")}


def _value(field: str, text: str) -> str:
    """The text as the rules take it. Raises NoSuchValue."""
    if "*" in text:
        raise NoSuchValue(TITLES[field])  # edited, but still masked
    if text == "" or field not in ("stage", "boarder", "left_behind"):
        return text
    if field == "stage":
        found: str | bool | None = STAGES.get(text)
    else:
        found = either(text, BOARDING if field == "boarder" else LEFT_BEHIND)
    if found is None:
        raise NoSuchValue(TITLES[field])
    return _text(found)


def _text(value: Any) -> str:
    if value is None:
        return ""
    return ("true" if value else "false") if isinstance(value, bool) else str(value)


def _id(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None

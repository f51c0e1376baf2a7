"""One list row or one student from paper: typed, typed again by a second person, and recorded when both agree."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import Connection

from services.registry.commands import EnrolStudents, RecordListEntries, StudentRecord
from services.registry.errors import InvalidBatch
from services.registry.handlers import Registry, covers, list_entries_recorded, students_enrolled
from services.registry.keys import entry_record_key
from services.registry.life_errors import DayInFuture
from services.registry.lists import standing
from services.registry.lists.parts import file_part
from services.registry.lists.single_rows import row_fields, single_row
from services.registry.paper_errors import PaperDecided, PaperUnknown, ScanUnusable
from services.registry.paper_events import (
    PaperAmended,
    PaperCheckDiffered,
    PaperEntered,
    PaperKind,
    PaperRecorded,
    PaperRefused,
)
from services.registry.papers import paper_store
from services.registry.papers.paper_store import Fields, Paper
from services.registry.sheets.lists import ListRow
from services.registry.students.provisional import AMBIGUOUS, unclear
from services.registry.students.single_students import single_student
from shared.database.database import driver
from shared.database.scopes import Scope
from shared.eventsourcing.store import Command, Proposed
from shared.kernel.refusals import Forbidden
from shared.standards.separation import PAPERS_CHECK

# What names the person must be typed twice; a wrong letter in an address harms nobody.
KEY_FIELDS = ("name", "id_number")
SCAN_BYTES_MOST = 8 * (1 << 20)  # a page scanned at 300 dpi in colour; it is sealed in memory
_SCAN_TYPES = ((b"%PDF-", "application/pdf"), (b"\x89PNG\r\n", "image/png"), (b"\xff\xd8\xff", "image/jpeg"))


@dataclass(frozen=True, slots=True)
class EnterPaper:
    """``agency``: whose list the row is of; None for a student."""

    kind: PaperKind
    fields: Fields
    as_of: date
    agency: str | None = None


class Differs(NamedTuple):
    """A key field, as the two people typed it."""

    field: str
    first: str
    second: str


class Checked(NamedTuple):
    """``recorded_id`` None: the two differ, and nothing is recorded."""

    recorded_id: UUID | None
    differences: list[Differs]


class _Read(NamedTuple):
    """What the fields say, fit to be recorded, and whose it is."""

    what: StudentRecord | ListRow
    division_code: str
    school_code: str | None


def enter(registry: Registry, scope: Scope, intent: EnterPaper, command: Command, today: date) -> UUID:
    """The paper's id, the same for the same command. Raises what recording it at once would raise."""
    paper_id = registry.keys.paper(command.principal, command.command_id)

    def decide(connection: Connection) -> Sequence[Proposed]:
        if intent.as_of > today:
            raise DayInFuture(intent.as_of)
        read = _read(registry, connection, scope, intent.kind, intent.fields, intent.as_of)
        where = (read.division_code, read.school_code, intent.agency)
        raw, by = driver(connection), command.principal
        paper_store.begin(raw, registry.keyring, paper_id, intent.kind, where, intent.as_of, by, intent.fields)
        entered = PaperEntered(
            kind=intent.kind,
            division_code=read.division_code,
            school_code=read.school_code,
            agency=intent.agency,
            entered_by=command.principal,
        )
        return [Proposed(paper_id, 0, entered, today)]

    registry.store.run(registry.database, command, decide)
    return paper_id


def check(
    registry: Registry, scope: Scope, paper_id: UUID, typed: Mapping[str, str], command: Command, today: date
) -> Checked:
    """Compare what a second person typed, and record the paper when it is the same. Raises PaperUnknown, PaperDecided,
    SecondPersonNeeded, and what recording raises."""
    found: list[Checked] = []

    def decide(connection: Connection) -> Sequence[Proposed]:
        raw = driver(connection)
        paper = waiting(raw, scope, paper_id)
        PAPERS_CHECK.check(paper.entered_by, command.principal)
        fields = paper_store.fields_of(registry.keyring, paper)
        differences = differing(fields, typed)
        version = len(registry.store.load(connection, paper_id))
        if differences:
            found[:] = [Checked(None, differences)]
            told = PaperCheckDiffered(fields=tuple(each.field for each in differences), checked_by=command.principal)
            return [Proposed(paper_id, version, told, today)]
        recorded_id, proposed = _recording(registry, connection, scope, paper, fields)
        found[:] = [Checked(recorded_id, [])]
        paper_store.decide(raw, paper_id, "recorded", command.principal)
        done = PaperRecorded(recorded_id=recorded_id, entered_by=paper.entered_by, checked_by=command.principal)
        return [Proposed(paper_id, version, done, today), *proposed]

    result = registry.store.run(registry.database, command, decide)
    if result.replayed:
        return _answered(registry, paper_id, typed, command.principal)
    return found[0]


def amend(registry: Registry, scope: Scope, paper_id: UUID, fields: Fields, command: Command, today: date) -> None:
    """Type it anew; then somebody else has to check it. Raises PaperUnknown, PaperDecided, and what recording
    raises."""

    def decide(connection: Connection) -> Sequence[Proposed]:
        raw = driver(connection)
        paper = waiting(raw, scope, paper_id)
        _read(registry, connection, scope, paper.kind, fields, paper.as_of)
        paper_store.amend(raw, registry.keyring, paper_id, fields, command.principal)
        version = len(registry.store.load(connection, paper_id))
        return [Proposed(paper_id, version, PaperAmended(amended_by=command.principal), today)]

    registry.store.run(registry.database, command, decide)


def refuse(registry: Registry, scope: Scope, paper_id: UUID, reason: str, command: Command, today: date) -> None:
    """It will not be recorded. Raises PaperUnknown, PaperDecided."""

    def decide(connection: Connection) -> Sequence[Proposed]:
        raw = driver(connection)
        waiting(raw, scope, paper_id)
        paper_store.decide(raw, paper_id, "refused", command.principal)
        version = len(registry.store.load(connection, paper_id))
        return [Proposed(paper_id, version, PaperRefused(reason=reason, refused_by=command.principal), today)]

    registry.store.run(registry.database, command, decide)


def attach(registry: Registry, scope: Scope, paper_id: UUID, scan: bytes) -> None:
    """Keep the scan of a paper that waits. Raises PaperUnknown, PaperDecided, ScanUnusable."""
    scan_type = next((kind for start, kind in _SCAN_TYPES if scan.startswith(start)), None)
    if scan_type is None or len(scan) > SCAN_BYTES_MOST:
        raise ScanUnusable(SCAN_BYTES_MOST >> 20)
    with registry.database.writing() as connection:
        raw = driver(connection)
        waiting(raw, scope, paper_id)
        paper_store.attach(raw, registry.keyring, paper_id, scan, scan_type)


def visible(scope: Scope, paper: Paper) -> bool:
    """Whether the paper is the viewer's to see: a list's is the agency's, a student's the school's; both the
    division's."""
    if paper.agency is not None and scope.agency == paper.agency:
        return True
    return covers(scope, paper.division_code, paper.school_code)


def waiting(raw: paper_store.Raw, scope: Scope, paper_id: UUID) -> Paper:
    """A paper nobody decided on, locked. Raises PaperUnknown, PaperDecided."""
    paper = paper_store.one(raw, paper_id, lock=True)
    if paper is None or not visible(scope, paper):
        raise PaperUnknown(paper_id)
    if paper.state != "waiting":
        raise PaperDecided(paper_id)
    return paper


def differing(fields: Mapping[str, str], typed: Mapping[str, str]) -> list[Differs]:
    """The key fields that two people typed differently; full width and blanks are no difference."""
    pairs = [Differs(name, fields.get(name, ""), typed.get(name, "")) for name in KEY_FIELDS]
    return [each for each in pairs if _plain(each.first) != _plain(each.second)]


def _plain(text: str) -> str:
    return "".join(unicodedata.normalize("NFKC", text).split()).upper()


def _read(
    registry: Registry, connection: Connection, scope: Scope, kind: PaperKind, fields: Fields, as_of: date
) -> _Read:
    schools = standing.schools(driver(connection), as_of)
    if kind == "student":
        record = single_student(fields, schools, scope, as_of, None)
        return _Read(record, record.division_code, record.school_code)
    if scope.division is None and scope.agency is None:
        raise Forbidden("学校不录入部门名单", "A school types no list of an agency")
    return _Read(single_row(kind, 1, row_fields(fields), schools.directory), registry.division, None)


def _recording(
    registry: Registry, connection: Connection, scope: Scope, paper: Paper, fields: Fields
) -> tuple[UUID, list[Proposed]]:
    """The ordinary command's facts, and the stream that they are about."""
    what = _read(registry, connection, scope, paper.kind, fields, paper.as_of).what
    if isinstance(what, StudentRecord):
        if unclear(registry.store, registry.keys, connection, [what]):
            raise InvalidBatch([(1, AMBIGUOUS.code, AMBIGUOUS.zh, AMBIGUOUS.en)], 1)
        proposed = students_enrolled(registry, EnrolStudents((what,), paper.as_of), connection)
        return proposed[-1].stream_id if proposed else registry.keys.student(what), proposed
    assert paper.agency is not None, "a list row is some agency's"
    part = file_part(what.list, [what])
    intent = RecordListEntries(paper.agency, what.list, ((what, 1),), paper.as_of)
    entry_id = registry.keys.entry(paper.agency, what.list, part, entry_record_key(what), 1)
    return entry_id, list_entries_recorded(registry, intent, part, connection)


def _answered(registry: Registry, paper_id: UUID, typed: Mapping[str, str], principal: str) -> Checked:
    """The answer to a check that is sent again."""
    with registry.database.writing() as connection:
        facts = [each.fact for each in registry.store.load(connection, paper_id)]
        paper = paper_store.one(driver(connection), paper_id)
    done = next((each for each in facts if isinstance(each, PaperRecorded) and each.checked_by == principal), None)
    if done is not None or paper is None:
        return Checked(done.recorded_id if done else None, [])
    return Checked(None, differing(paper_store.fields_of(registry.keyring, paper), typed))

"""A list comes in, whole: read, checked, recorded in chunks, compared with the agency's last snapshot, receipted.

Each chunk is one command whose id follows from the submission (invariant 3), so a submission that was interrupted is
finished by sending it again. The same submission later gets the same receipt.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple, TypeVar
from uuid import UUID

from sqlalchemy import Connection

from services.registry.commands import (
    EnrolStudents,
    RecordListEntries,
    RegisterSchools,
    RemoveListEntries,
    StudentRecord,
)
from services.registry.errors import SubmissionNotHeld, SubmissionUnknown
from services.registry.events import (
    ListName,
    ListSubmissionConfirmed,
    ListSubmissionHeld,
    ListSubmissionReceived,
    ListSubmissionWithdrawn,
)
from services.registry.handlers import (
    Registry,
    covers,
    enrol_students,
    entries_stated,
    record_list_entries,
    register_schools,
    remove_list_entries,
    schools_stated,
    students_stated,
)
from services.registry.keys import EDUCATION, student_record_key
from services.registry.lists import snapshots, standing, statements
from services.registry.lists.advice import note
from services.registry.lists.known_schools import Schools
from services.registry.lists.parts import covered, file_part
from services.registry.lists.receipts import Receipt, Tally, forbids_matching
from services.registry.lists.sendings import LIST_NAMES, Sending, Submission, chunks
from services.registry.lists.snapshots import PERMITTED_REMOVALS_PERCENT, Leaving
from services.registry.lists.standing import Raw, Rejected
from services.registry.lists.whole_list import whole_list_problems, with_whole_list
from services.registry.sheets.intake import entry_ids
from services.registry.sheets.lists import ListRow, RowProblem
from services.registry.sheets.register_rows import read_students
from services.registry.sheets.row_records import read_schools, same_student, sent_back
from services.registry.sheets.sheet_files import REGISTER, InputFile, open_inputs, read_list
from services.registry.students import provisional
from shared.database.database import driver
from shared.database.scopes import Scope
from shared.eventsourcing.store import Command, Proposed, Stored
from shared.kernel.facts import fact_type
from shared.tabular.annotating import write_annotated
from shared.tabular.hidden import hidden_row_count

AGENCIES = {
    "poverty": "poverty_office",
    "civil": "civil_affairs",
    "disability": "disability_federation",
    "students": EDUCATION,
    "schools": EDUCATION,
}
ENTRY_ROWS = 1_000
STUDENT_ROWS = 500  # a row that moves a student is two facts, and a command has at most 1,000
CHUNKS_AT_ONCE = 4  # each waits twice for the disk, and the server works beside them
T = TypeVar("T")

__all__ = ["AGENCIES", "Submission", "Submissions"]


@dataclass(frozen=True)
class Submissions:
    """Takes lists in for a registry."""

    registry: Registry

    def receive(self, submission: Submission, command: Command, *, dry_run: bool) -> Receipt:
        """Record a file, or with ``dry_run`` only say what would be. Raises TabularError for a file that cannot be
        used, CommandReused for another file under the same command id, ListBusy."""
        whole = self.registry.keys.submission(submission.agency, command.principal, command.command_id)
        sending = Sending(self.registry, whole, submission, command, dry_run)
        with nullcontext() if dry_run else sending.alone():
            return self._receive(sending)

    def _receive(self, sending: Sending) -> Receipt:
        submission = sending.of
        if (
            not sending.dry_run and sending.known()
        ):  # a file that could not be read never began: it may be mended and resent
            sending, receipt = sending.begin()
            if receipt is not None:
                return Receipt.model_validate_json(receipt)
        if submission.list == "schools":
            return self._schools(sending)
        file = open_inputs({submission.list: [submission.path]})[submission.list]
        with self.registry.database.writing() as connection:
            schools = standing.schools(driver(connection), submission.effective_on)
        if submission.list == REGISTER:
            return self._register(sending, file, schools)
        return self._list(sending, file, schools)

    def stored(self, submission_id: UUID, scope: Scope) -> list[Stored]:
        """What happened to a submission that was received whole; asked of the events, because a person looks a moment
        after the receipt, before any view. Raises SubmissionUnknown, also outside the scope."""
        with self.registry.database.writing() as connection:
            stored = self.registry.store.load(connection, submission_id)
        received = next((each.fact for each in stored if isinstance(each.fact, ListSubmissionReceived)), None)
        if received is None:
            raise SubmissionUnknown(submission_id)
        if scope.agency != received.agency and not covers(scope, received.division_code, None):
            raise SubmissionUnknown(submission_id)
        return stored

    def confirm(self, submission_id: UUID, scope: Scope, confirmed_by: str, on: date, command: Command) -> int:
        """Let the removals of a held snapshot happen; how many rows left, the same for the same command again.

        Raises SubmissionUnknown (also outside the scope), SubmissionNotHeld.
        """
        registry = self.registry
        stored = self.stored(submission_id, scope)
        fact, dated = receipt_of(stored), stored[0].event.effective_on
        kinds = {type(each.fact) for each in stored}
        if ListSubmissionHeld not in kinds or ListSubmissionWithdrawn in kinds:
            raise SubmissionNotHeld(submission_id)
        with registry.database.writing() as connection:
            waiting = standing.held(driver(connection), submission_id)
        self._remove(submission_id, fact.agency, fact.list, dated, waiting, command)

        def decide(connection: Connection) -> Sequence[Proposed]:
            raw = driver(connection)
            again = registry.store.load(connection, submission_id)
            if any(isinstance(each.fact, ListSubmissionConfirmed | ListSubmissionWithdrawn) for each in again):
                raise SubmissionNotHeld(submission_id)
            standing.release(raw, submission_id)
            statements.let_sweep(raw, submission_id, counts=True)
            removed = standing.removed_by(raw, submission_id)
            confirmed = ListSubmissionConfirmed(confirmed_by=confirmed_by, removed=removed)
            return [Proposed(submission_id, len(again), confirmed, on)]

        registry.store.run(registry.database, command, decide)
        with registry.database.writing() as connection:
            facts = [each.fact for each in registry.store.load(connection, submission_id)]
        return next(fact.removed for fact in facts if isinstance(fact, ListSubmissionConfirmed))

    # -- agency lists -------------------------------------------------------------------------------------------

    def _list(self, sending: Sending, file: Sequence[InputFile], schools: Schools) -> Receipt:
        name: ListName = next(each for each in LIST_NAMES if each == sending.of.list)
        rows = list(read_list(name, file, schools.directory))
        part = file_part(name, rows)
        identified = entry_ids(rows, sending.of.agency, part, self.registry.keys)
        tally, wrong = tally_of(file), {}
        tally.rows = len(rows)
        together = whole_list_problems(rows, part, sending.of.effective_on)
        for row in rows:
            tally.note(row.row, with_whole_list(row, together))
            if forbids_matching(row.problems):
                tally.rejected += 1
                wrong[row.row] = row.problems
        comparison = Comparison(covered(rows, part), {entry_id for _, _, entry_id in identified})
        stated = [(row, count) for row, count, _ in identified]
        if sending.dry_run:
            _annotate(sending, file, tally)
            return self._list_foretold(sending, name, tally, stated, part, comparison)
        back = _done_with(file, wrong)
        sending, _ = sending.begin()

        def record(number: int, chunk: Sequence[tuple[ListRow, int]]) -> Sequence[UUID]:
            intent = RecordListEntries(sending.of.agency, name, tuple(chunk), sending.of.effective_on, sending.id)
            return record_list_entries(self.registry, intent, part, sending.part("rows", number)).event_ids

        sending.count(tally, _side_by_side(record, chunks(stated, ENTRY_ROWS)))
        if sending.of.mode == "increment":
            return sending.finish(tally, back)
        held = self.leave_missing(sending, comparison)
        return sending.finish(tally, back, held, comparison.parts)

    def _list_foretold(
        self,
        sending: Sending,
        name: ListName,
        tally: Tally,
        stated: Sequence[tuple[ListRow, int]],
        part: str,
        comparison: Comparison,
    ) -> Receipt:
        of = sending.of
        for chunk in chunks(stated, ENTRY_ROWS):
            intent = RecordListEntries(of.agency, name, tuple(chunk), of.effective_on, sending.id)
            with self.registry.database.writing() as connection:
                tally.count(_kinds(entries_stated(self.registry, intent, part, connection)[0]))
        if of.mode == "increment":
            return sending.receipt(tally)
        with self.registry.database.writing() as connection:
            left = self._left_out(sending, comparison, driver(connection))
        removed = 0 if left.too_many else len(left.missing)
        missing, before = (len(left.missing), left.before) if left.too_many else (0, 0)
        return sending.receipt(tally, removed=removed, held=left.too_many, missing=missing, standing_before=before)

    def _left_out(self, sending: Sending, comparison: Comparison, raw: Raw) -> Leaving:
        parts, present = comparison
        of = sending.of
        return snapshots.leaving(raw, of.agency, of.list, parts, present, sending.id, PERMITTED_REMOVALS_PERCENT)

    def leave_missing(self, sending: Sending, comparison: Comparison) -> ListSubmissionHeld | None:
        """Who stood on the list and is not in the snapshot has left it, unless that is too large a share."""
        of = sending.of
        with self.registry.database.writing() as connection:
            raw = driver(connection)
            left = self._left_out(sending, comparison, raw)
            if left.too_many:
                standing.hold(raw, sending.id, left.missing)
                return ListSubmissionHeld(
                    agency=of.agency,
                    list=of.list,
                    division_code=self.registry.division,
                    standing=left.before,
                    missing=len(left.missing),
                    share_percent=left.share_percent,
                    permitted_percent=PERMITTED_REMOVALS_PERCENT,
                )
        self._remove(sending.id, of.agency, of.list, of.effective_on, left.missing, sending.command)
        return None

    def _remove(
        self, whole: UUID, agency: str, list_name: str, on: date, missing: Sequence[UUID], command: Command
    ) -> None:
        name: ListName = next(each for each in LIST_NAMES if each == list_name)
        for chunk in chunks(missing, ENTRY_ROWS):
            # Named by its first entry: what was removed before an interruption is not among the missing any more.
            made = Command(
                command.principal,
                self.registry.keys.part(whole, "removals", chunk[0].int),
                whole.bytes,
                traceparent=command.traceparent,
            )
            intent = RemoveListEntries(agency, name, tuple(chunk), on, "missing_from_snapshot", whole)
            remove_list_entries(self.registry, intent, made)

    # -- register and schools -----------------------------------------------------------------------------------

    def _register(self, sending: Sending, file: Sequence[InputFile], schools: Schools) -> Receipt:
        tally, wrong = tally_of(file), {}
        records: list[StudentRecord] = []
        rows: list[int] = []
        first_rows: dict[str, int] = {}
        for row, record, problems in read_students(file, schools, sending.of.effective_on):
            tally.rows += 1
            if record is not None:
                first = first_rows.setdefault(student_record_key(record), row)
                if first != row:
                    problems, record = [same_student(first)], None
            if record is None:
                tally.note(row, problems)
                tally.rejected += 1
                wrong[row] = problems
            else:
                records.append(record)
                rows.append(row)
        records = self._clear(records, rows, tally, wrong)
        if sending.dry_run:
            _annotate(sending, file, tally)
            for chunk in chunks(records, STUDENT_ROWS):
                intent = EnrolStudents(tuple(chunk), sending.of.effective_on)
                with self.registry.database.writing() as connection:
                    tally.count(_kinds(students_stated(self.registry, intent, connection)))
            return sending.receipt(tally)
        back = _done_with(file, wrong)
        sending, _ = sending.begin()

        def enrol(number: int, chunk: Sequence[StudentRecord]) -> Sequence[UUID]:
            intent = EnrolStudents(tuple(chunk), sending.of.effective_on)
            return enrol_students(self.registry, intent, sending.part("rows", number)).event_ids

        sending.count(tally, _side_by_side(enrol, chunks(records, STUDENT_ROWS)))
        return sending.finish(tally, back)

    def _clear(
        self, records: list[StudentRecord], rows: Sequence[int], tally: Tally, wrong: dict[int, list[RowProblem]]
    ) -> list[StudentRecord]:
        """The records without those that may mean one or another child without a number; these go back."""
        with self.registry.database.writing() as connection:
            unclear = provisional.unclear(self.registry.store, self.registry.keys, connection, records)
        for place in sorted(unclear):
            tally.note(rows[place], [provisional.AMBIGUOUS])
            tally.rejected += 1
            wrong[rows[place]] = [provisional.AMBIGUOUS]
        return [record for place, record in enumerate(records) if place not in unclear]

    def _schools(self, sending: Sending) -> Receipt:
        records, tally, wrong = read_schools(sending.of.path)
        if sending.dry_run:
            for chunk in chunks(records, ENTRY_ROWS):
                intent = RegisterSchools(tuple(chunk), sending.of.effective_on)
                with self.registry.database.writing() as connection:
                    tally.count(_kinds(schools_stated(self.registry, intent, connection)))
            return sending.receipt(tally)
        sending, _ = sending.begin()
        event_ids: list[UUID] = []
        for number, chunk in enumerate(chunks(records, ENTRY_ROWS)):
            intent = RegisterSchools(tuple(chunk), sending.of.effective_on)
            event_ids += register_schools(self.registry, intent, sending.part("rows", number)).event_ids
        sending.count(tally, event_ids)
        return sending.finish(tally, wrong)


def _side_by_side(take: Callable[[int, Sequence[T]], Sequence[UUID]], pieces: Iterable[Sequence[T]]) -> list[UUID]:
    """Take chunks in, CHUNKS_AT_ONCE at a time: while one waits for the disk another is prepared. No two of them name
    one stream. The event ids in the chunks' order."""
    with ThreadPoolExecutor(CHUNKS_AT_ONCE) as pool:
        taking = [pool.submit(take, number, piece) for number, piece in enumerate(pieces)]
        try:
            return [event_id for taken in taking for event_id in taken.result()]
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


def _done_with(files: Sequence[InputFile], wrong: Mapping[int, Sequence[RowProblem]]) -> list[Rejected]:
    """The rows that go back; the cells of the files are in memory no more while their rows are recorded."""
    back = sent_back(files, wrong)
    for file in files:
        file.forget()
    return back


def tally_of(files: Sequence[InputFile]) -> Tally:
    """Counts that begin with what the files hide: sheets that are read, and rows of sheets."""
    sheets = sum(sheet.source.hidden and sheet.table is not None for file in files for sheet in file.sheets)
    return Tally(hidden_sheets=sheets, hidden_rows=sum(hidden_row_count(file.path) for file in files))


def receipt_of(stored: Sequence[Stored]) -> ListSubmissionReceived:
    """The receipt among the events of a submission that :meth:`Submissions.stored` gave."""
    return next(each.fact for each in stored if isinstance(each.fact, ListSubmissionReceived))


class Comparison(NamedTuple):
    """What a snapshot is compared with: the parts it covers, and the entries that are in it."""

    parts: list[str]
    present: set[UUID]


def _annotate(sending: Sending, files: Sequence[InputFile], tally: Tally) -> None:
    of = sending.of
    if of.annotated is not None:
        notes = {row: note(problems, register=of.list == REGISTER) for row, problems in tally.by_row.items()}
        write_annotated(of.annotated, (sheet for file in files for sheet in file.sheets), notes)


def _kinds(proposed: Sequence[Proposed]) -> list[tuple[UUID, str, int]]:
    return [(each.stream_id, fact_type(type(each.fact)).name, each.expected_version + 1) for each in proposed]

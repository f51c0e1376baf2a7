"""A list comes in, whole: read, checked, recorded in chunks, compared with the agency's last snapshot, receipted.

Each chunk is one command whose id follows from the submission (invariant 3), so a submission that was interrupted is
finished by sending it again. The receipt is an event; the same submission later gets the same receipt.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TypeVar
from uuid import UUID

from sqlalchemy import Connection

from services.registry import standing
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
    SubmissionMode,
)
from services.registry.handlers import (
    Registry,
    enrol_students,
    record_list_entries,
    register_schools,
    remove_list_entries,
)
from services.registry.intake import entry_ids, student_record
from services.registry.keys import EDUCATION
from services.registry.lists import ListRow
from services.registry.receipts import Receipt, Tally, counted, forbids_matching
from services.registry.row_records import placed, read_schools, sent_back_row
from services.registry.sheet_files import REGISTER, InputFile, open_inputs, read_list, read_register
from services.registry.standing import Rejected, Schools
from shared.database.database import driver
from shared.eventsourcing.store import Command, Proposed, Result
from shared.kernel.refusals import CommandReused

AGENCIES = {
    "poverty": "poverty_office",
    "civil": "civil_affairs",
    "disability": "disabled_federation",
    "students": EDUCATION,
    "schools": EDUCATION,
}
LIST_NAMES: tuple[ListName, ...] = ("poverty", "civil", "disability")
ENTRY_ROWS = 1_000
STUDENT_ROWS = 400  # a row that moves a student is up to three facts, and a command has at most 1,000
PERMITTED_REMOVALS_PERCENT = 20
HARDSHIP_PART = "extreme_hardship"
T = TypeVar("T")


@dataclass(frozen=True)
class Submission:
    """What was sent. ``effective_on`` is the snapshot's date; ``content`` is the file's SHA-256 in hex."""

    list: str
    agency: str
    mode: SubmissionMode
    effective_on: date
    path: Path
    file_name: str
    content: str


@dataclass(frozen=True)
class Submissions:
    """Takes lists in for a registry."""

    registry: Registry

    def receive(self, submission: Submission, command: Command, *, dry_run: bool) -> Receipt:
        """Record a file, or with ``dry_run`` only say what would be. Raises TabularError for a file that cannot be
        used, CommandReused for another file under the same command id."""
        keys = self.registry.keys
        whole = keys.submission(submission.agency, command.principal, command.command_id)
        if not dry_run:
            before = self._receipt(whole, submission)
            if before is not None:
                return before
        if submission.list == "schools":
            return self._schools(whole, submission, command, dry_run)
        file = open_inputs({submission.list: [submission.path]})[submission.list]
        with self.registry.database.writing() as connection:
            schools = standing.schools(driver(connection))
        if submission.list == REGISTER:
            return self._register(whole, submission, command, file, schools, dry_run)
        return self._list(whole, submission, command, file, schools, dry_run)

    def confirm(self, submission_id: UUID, confirmed_by: str, on: date, command: Command) -> int:
        """Let the removals of a held snapshot happen; how many rows left. Raises SubmissionUnknown,
        SubmissionNotHeld."""
        registry = self.registry
        with registry.database.writing() as connection:
            stored = registry.store.load(connection, submission_id)
            waiting = standing.held(driver(connection), submission_id)
        received = next((each for each in stored if isinstance(each.fact, ListSubmissionReceived)), None)
        if received is None or not isinstance(received.fact, ListSubmissionReceived):
            raise SubmissionUnknown(submission_id)
        if not any(isinstance(each.fact, ListSubmissionHeld) for each in stored):
            raise SubmissionNotHeld(submission_id)
        fact = received.fact
        self._remove(submission_id, fact.agency, fact.list, received.event.effective_on, waiting, command)

        def decide(connection: Connection) -> Sequence[Proposed]:
            raw = driver(connection)
            again = registry.store.load(connection, submission_id)
            if any(isinstance(each.fact, ListSubmissionConfirmed) for each in again):
                raise SubmissionNotHeld(submission_id)
            standing.release(raw, submission_id)
            removed = standing.removed_by(raw, submission_id)
            confirmed = ListSubmissionConfirmed(confirmed_by=confirmed_by, removed=removed)
            return [Proposed(submission_id, len(again), confirmed, on)]

        registry.store.run(registry.database, command, decide)
        return len(waiting)

    # -- agency lists -------------------------------------------------------------------------------------------

    def _list(
        self,
        whole: UUID,
        submission: Submission,
        command: Command,
        file: Sequence[InputFile],
        schools: Schools,
        dry_run: bool,
    ) -> Receipt:
        name: ListName = next(each for each in LIST_NAMES if each == submission.list)
        rows = list(read_list(name, file, schools.directory))
        identified = entry_ids(rows, submission.agency, self.registry.keys)
        tally, sent_back = Tally(rows=len(rows)), []
        for row in rows:
            tally.note(row.row, row.problems)
            if forbids_matching(row.problems):
                tally.rejected += 1
                sent_back.append(sent_back_row(row))
        part = part_of(name, rows)
        if dry_run:
            return self._foretold(whole, submission, tally, [entry_id for _, _, entry_id in identified], part)
        for number, chunk in enumerate(_chunks([(row, count) for row, count, _ in identified], ENTRY_ROWS)):
            intent = RecordListEntries(submission.agency, name, tuple(chunk), submission.effective_on, whole)
            made = self._command(command, whole, submission, "rows", number)
            self._count(tally, record_list_entries(self.registry, intent, part, made))
        held = None
        if submission.mode == "snapshot":
            held = self._leave_missing(whole, submission, {each[2] for each in identified}, part, command)
        return self._finish(whole, submission, command, tally, sent_back, held)

    def _leave_missing(
        self, whole: UUID, submission: Submission, present: set[UUID], part: str, command: Command
    ) -> ListSubmissionHeld | None:
        """Who stood on the list and is not in the snapshot has left it, unless that is too large a share."""
        with self.registry.database.writing() as connection:
            raw = driver(connection)
            before = standing.standing_on(raw, submission.agency, submission.list, part)
            missing = sorted(before - present)
            gone = standing.removed_by(raw, whole)
            share = 100 * (len(missing) + gone) // max(1, len(before) + gone)
            if share > PERMITTED_REMOVALS_PERCENT:
                standing.hold(raw, whole, missing)
                return ListSubmissionHeld(
                    agency=submission.agency,
                    list=submission.list,
                    division_code=self.registry.division,
                    standing=len(before),
                    missing=len(missing),
                    share_percent=share,
                    permitted_percent=PERMITTED_REMOVALS_PERCENT,
                )
        self._remove(whole, submission.agency, submission.list, submission.effective_on, missing, command)
        return None

    def _remove(
        self, whole: UUID, agency: str, list_name: str, on: date, missing: Sequence[UUID], command: Command
    ) -> None:
        name: ListName = next(each for each in LIST_NAMES if each == list_name)
        for chunk in _chunks(missing, ENTRY_ROWS):
            # Named by its first entry: what was removed before an interruption is not among the missing any more.
            made = Command(
                command.principal,
                self.registry.keys.part(whole, "removals", chunk[0].int),
                whole.bytes,
                traceparent=command.traceparent,
            )
            intent = RemoveListEntries(agency, name, tuple(chunk), on, "missing_from_snapshot", whole)
            remove_list_entries(self.registry, intent, made)

    def _foretold(
        self, whole: UUID, submission: Submission, tally: Tally, present: Sequence[UUID], part: str
    ) -> Receipt:
        """The receipt of a dry run: how many rows are new, and how many would leave."""
        with self.registry.database.writing() as connection:
            before = standing.standing_on(driver(connection), submission.agency, submission.list, part)
        known = sum(entry_id in before for entry_id in present)
        missing = len(before - set(present)) if submission.mode == "snapshot" else 0
        held = 100 * missing // max(1, len(before)) > PERMITTED_REMOVALS_PERCENT
        return _receipt(
            whole,
            submission,
            tally,
            dry_run=True,
            added=len(present) - known,
            unchanged=known,
            removed=missing,
            held=held,
        )

    # -- register and schools -----------------------------------------------------------------------------------

    def _register(
        self,
        whole: UUID,
        submission: Submission,
        command: Command,
        file: Sequence[InputFile],
        schools: Schools,
        dry_run: bool,
    ) -> Receipt:
        tally, sent_back = Tally(), []
        records: list[StudentRecord] = []
        for row in read_register(file):
            tally.rows += 1
            problems, place = placed(row, schools)
            tally.note(row.row, problems)
            if problems or place is None:
                tally.rejected += 1
                sent_back.append(sent_back_row(row, problems))
            else:
                records.append(student_record(row, place))
        if dry_run:
            return _receipt(whole, submission, tally, dry_run=True, added=len(records))
        for number, chunk in enumerate(_chunks(records, STUDENT_ROWS)):
            intent = EnrolStudents(tuple(chunk), submission.effective_on)
            made = self._command(command, whole, submission, "rows", number)
            self._count(tally, enrol_students(self.registry, intent, made))
        return self._finish(whole, submission, command, tally, sent_back, None)

    def _schools(self, whole: UUID, submission: Submission, command: Command, dry_run: bool) -> Receipt:
        records, tally = read_schools(submission.path)
        if dry_run:
            return _receipt(whole, submission, tally, dry_run=True, added=len(records))
        for number, chunk in enumerate(_chunks(records, ENTRY_ROWS)):
            intent = RegisterSchools(tuple(chunk), submission.effective_on)
            made = self._command(command, whole, submission, "rows", number)
            self._count(tally, register_schools(self.registry, intent, made))
        return self._finish(whole, submission, command, tally, [], None)

    # -- shared -------------------------------------------------------------------------------------------------

    def _command(self, command: Command, whole: UUID, submission: Submission, kind: str, number: int) -> Command:
        body = f"{submission.content}|{submission.list}|{submission.mode}|{submission.effective_on}|{number}"
        command_id = self.registry.keys.part(whole, kind, number)
        return Command(command.principal, command_id, body.encode(), traceparent=command.traceparent)

    def _count(self, tally: Tally, result: Result) -> None:
        with self.registry.database.writing() as connection:
            kinds = driver(connection).execute(
                "SELECT stream_id, type FROM events WHERE event_id = ANY(%s)", (list(result.event_ids),)
            )
            added, corrected = counted(kinds.fetchall())
        tally.added += added
        tally.corrected += corrected

    def _finish(
        self,
        whole: UUID,
        submission: Submission,
        command: Command,
        tally: Tally,
        sent_back: Sequence[Rejected],
        held: ListSubmissionHeld | None,
    ) -> Receipt:
        registry = self.registry
        with registry.database.writing() as connection:
            raw = driver(connection)
            removed = standing.removed_by(raw, whole)
            if sent_back:
                standing.keep_rejected(raw, registry.keyring, whole, sent_back)
        receipt = _receipt(whole, submission, tally, dry_run=False, removed=removed, held=held is not None)
        received = ListSubmissionReceived(
            agency=submission.agency,
            list=submission.list,
            mode=submission.mode,
            file_name=None,  # people write names of children into file names
            division_code=registry.division,
            rows=receipt.rows,
            added=receipt.added,
            corrected=receipt.corrected,
            unchanged=receipt.unchanged,
            removed=removed,
            rejected=receipt.rejected,
            received_by=command.principal,
        )
        facts = [Proposed(whole, 0, received, submission.effective_on)]
        if held is not None:
            facts.append(Proposed(whole, 1, held, submission.effective_on))
            receipt.missing, receipt.standing = held.missing, held.standing
        made = self._command(command, whole, submission, "received", 0)
        registry.store.run(registry.database, made, lambda _: facts)
        return receipt

    def _receipt(self, whole: UUID, submission: Submission) -> Receipt | None:
        """The receipt of a submission that was finished before. Raises CommandReused for another one's id."""
        with self.registry.database.writing() as connection:
            facts = [stored.fact for stored in self.registry.store.load(connection, whole)]
        received = next((fact for fact in facts if isinstance(fact, ListSubmissionReceived)), None)
        if received is None:
            return None
        if (received.list, received.mode) != (submission.list, submission.mode):
            raise CommandReused("同一请求编号已用于另一次报送", "This command id was used for another submission")
        held = next((fact for fact in facts if isinstance(fact, ListSubmissionHeld)), None)
        return Receipt(
            submission_id=whole,
            list=received.list,
            agency=received.agency,
            mode=received.mode,
            dry_run=False,
            effective_on=submission.effective_on,
            rows=received.rows,
            added=received.added,
            corrected=received.corrected,
            unchanged=received.unchanged,
            removed=received.removed,
            rejected=received.rejected,
            held=held is not None,
            missing=held.missing if held else 0,
            standing=held.standing if held else 0,
        )


def part_of(name: ListName, rows: Sequence[ListRow]) -> str:
    """Civil affairs sends allowance and extreme hardship as two files: each is a snapshot of its own rows only."""
    kinds = {row.support_type for row in rows if row.support_type}
    return HARDSHIP_PART if name == "civil" and kinds == {HARDSHIP_PART} else ""


def _chunks(items: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    for begin in range(0, len(items), size):
        yield items[begin : begin + size]


def _receipt(
    whole: UUID,
    submission: Submission,
    tally: Tally,
    *,
    dry_run: bool,
    added: int | None = None,
    unchanged: int | None = None,
    removed: int = 0,
    held: bool = False,
) -> Receipt:
    on_record = tally.rows if submission.list in LIST_NAMES else tally.rows - tally.rejected
    new = tally.added if added is None else added
    return Receipt(
        submission_id=whole,
        list=submission.list,
        agency=submission.agency,
        mode=submission.mode,
        dry_run=dry_run,
        effective_on=submission.effective_on,
        rows=tally.rows,
        added=new,
        corrected=tally.corrected,
        unchanged=on_record - new - tally.corrected if unchanged is None else unchanged,
        removed=removed,
        rejected=tally.rejected,
        held=held,
        problems=dict(tally.problems),
        problem_rows=tuple(tally.problem_rows),
    )

"""A list that comes line by line: chunks of lines are commands, committed as they come; only the end makes it whole.

The command of a chunk is named by the submission and the chunk's number and holds the digest of its lines. So a stream
that broke off is continued by sending it again from the beginning under the same key: what was taken is taken no second
time, and lines that differ from those taken are refused. Until its end a stream only adds and corrects; what a snapshot
leaves out is looked at when it is complete, and an open one can be withdrawn.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from pydantic import BaseModel

from services.registry.commands import RecordListEntries
from services.registry.errors import SubmissionWithdrawn
from services.registry.events import ListName, ListSubmissionOpened
from services.registry.handlers import record_list_entries
from services.registry.keys import entry_record_key
from services.registry.lists import standing
from services.registry.lists.parts import MAIN_PART, covered, row_part
from services.registry.lists.receipts import Receipt, Tally, forbids_matching, reasons_en, reasons_zh
from services.registry.lists.sendings import LIST_NAMES, Sending
from services.registry.lists.single_rows import RowUnreadable, cells_of, row_fields
from services.registry.lists.standing import Rejected
from services.registry.lists.submissions import Comparison, Submissions
from services.registry.sheets.lists import ListRow, RowProblem, list_row
from shared.database.database import driver
from shared.eventsourcing.store import Proposed
from shared.kernel.refusals import Malformed

CHUNK_LINES = 1_000
LINES_MAX = 1_000_000  # what of a stream is remembered for each line is about 200 bytes
REJECTS_TOLD = 1_000
_ORIGINAL_CHARACTERS = 2_000


class LineReject(BaseModel):
    """A line that its sender has to mend. ``codes``: ``field:code`` of each reason."""

    line: int
    codes: tuple[str, ...]
    zh: str
    en: str


class StreamReceipt(Receipt):
    """``rows`` are on record; ``lines`` = ``rows`` + ``unreadable``. ``rejects``: the first thousand lines to mend (on
    record too); all of them come back as rejects.xlsx."""

    lines: int = 0
    unreadable: int = 0
    rejects: tuple[LineReject, ...] = ()


class TooManyLines(Malformed):
    code = "too_many_lines"

    def __init__(self) -> None:
        super().__init__(f"一次最多 {LINES_MAX} 行", f"At most {LINES_MAX} lines at a time", allowed=LINES_MAX)


@dataclass
class LineStream:
    """One stream under way; the caller holds the list alone meanwhile (``sending.alone()``)."""

    submissions: Submissions
    sending: Sending
    tally: Tally = field(default_factory=Tally)
    lines: int = 0
    unreadable: int = 0
    rejects: list[LineReject] = field(default_factory=list)
    _chunks: int = 0
    _seen: dict[tuple[str, bytes], int] = field(default_factory=dict)
    _parts: set[str] = field(default_factory=set)
    _present: set[UUID] = field(default_factory=set)
    _event_ids: list[UUID] = field(default_factory=list)
    _sent_back: list[Rejected] = field(default_factory=list)
    _schools: Any = None

    def open(self) -> StreamReceipt | None:
        """Begin, or continue; the receipt when it was complete before. Raises CommandReused for a stream of another
        list, mode or day, SubmissionWithdrawn."""
        registry, of = self.sending.registry, self.sending.of
        name = self._name()
        opened = ListSubmissionOpened(
            agency=of.agency,
            list=name,
            mode=of.mode,
            division_code=registry.division,
            received_by=self.sending.command.principal,
        )
        self.sending, receipt = self.sending.begin((Proposed(self.sending.id, 0, opened, of.effective_on),))
        if receipt is not None:
            return StreamReceipt.model_validate_json(receipt)
        with registry.database.writing() as connection:
            raw = driver(connection)
            if standing.withdrawn(raw, self.sending.id):
                raise SubmissionWithdrawn(self.sending.id)
            self._schools = standing.schools(raw, of.effective_on).directory
        return None

    def take(self, lines: Sequence[bytes]) -> None:
        """The next lines, CHUNK_LINES of them except at the end. Raises CommandReused for lines that are not those
        taken before, TooManyLines."""
        if self.lines + len(lines) > LINES_MAX:
            raise TooManyLines
        stated = []
        for line in lines:
            self.lines += 1
            row = self._read(line)
            if row is not None:
                stated.append((row, self._occurrence(row)))
        of = self.sending.of
        digest = hashlib.sha256(b"\n".join(lines)).digest()
        made = self.sending.part("lines", self._chunks, digest)
        intent = RecordListEntries(of.agency, self._name(), tuple(stated), of.effective_on, self.sending.id)
        self._event_ids += record_list_entries(self.sending.registry, intent, MAIN_PART, made).event_ids
        self._chunks += 1

    def finish(self) -> StreamReceipt:
        """The stream is complete: a snapshot ends what it leaves out, and the receipt is kept."""
        self.sending.count(self.tally, self._event_ids)
        told = {"lines": self.lines, "unreadable": self.unreadable, "rejects": tuple(self.rejects)}
        if self.sending.of.mode == "increment":
            return self.sending.finish(self.tally, self._sent_back, model=StreamReceipt, more=told)
        comparison = Comparison(sorted(self._parts) or covered((), MAIN_PART), self._present)
        held = self.submissions.leave_missing(self.sending, comparison)
        parts = comparison.parts
        return self.sending.finish(self.tally, self._sent_back, held, parts, model=StreamReceipt, more=told)

    def _name(self) -> ListName:
        return next(each for each in LIST_NAMES if each == self.sending.of.list)

    def _read(self, line: bytes) -> ListRow | None:
        """The row of a line, kept for the sender when it has to be mended; None when it cannot be read at all."""
        try:
            row = list_row(self._name(), self.lines, row_fields(cells_of(line)), None, self._schools)
        except RowUnreadable as refused:
            self.unreadable += 1
            self._reject([RowProblem("row", refused.reason, refused.zh, refused.en)], line)
            return None
        self.tally.rows += 1
        self.tally.note(self.lines, row.problems)
        if forbids_matching(row.problems):
            self.tally.rejected += 1
            self._reject(row.problems, line)
        return row

    def _reject(self, problems: Sequence[RowProblem], line: bytes) -> None:
        zh, en = reasons_zh(problems), reasons_en(problems)
        if len(self.rejects) < REJECTS_TOLD:
            codes = tuple(f"{each.field}:{each.code}" for each in problems)
            self.rejects.append(LineReject(line=self.lines, codes=codes, zh=zh, en=en))
        text = line.decode("utf-8", "replace")[:_ORIGINAL_CHARACTERS]
        self._sent_back.append(Rejected(self.lines, {"原文": text}, zh, en))

    def _occurrence(self, row: ListRow) -> int:
        """How many lines said this record so far, this one included."""
        part, key = row_part(row, MAIN_PART), entry_record_key(row)
        named = part, hashlib.blake2b(key.encode(), digest_size=16).digest()
        self._seen[named] = occurrence = self._seen.get(named, 0) + 1
        self._parts.add(part)
        self._present.add(self.sending.registry.keys.entry(self.sending.of.agency, row.list, part, key, occurrence))
        return occurrence

"""Offices that send files to a registry: the sheets they write and what the registry then holds, read from its log."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID, uuid4

import msgspec

import services.registry.app as registry_app
from services.registry.commands import RegisterSchools, SchoolRecord
from services.registry.events import ListEntryFields, ListEntryRemoved, SubmissionMode
from services.registry.handlers import Registry, register_schools
from services.registry.keys import EDUCATION, Keys
from services.registry.lists.receipts import Receipt
from services.registry.lists.submissions import Submission, Submissions
from shared.database.database import driver
from shared.database.scopes import Scope
from shared.eventsourcing import log
from shared.eventsourcing.sealing import unseal
from shared.eventsourcing.store import Command
from shared.kernel.facts import Fact
from shared.standards.identity_number import check_digit
from tests.services.installation import DIVISION, Installation
from tests.shared.tabular.workbooks import workbook

SCHOOLS = (
    SchoolRecord("3146900101", "望潮县第一小学", "469001", stages=("primary",)),
    SchoolRecord("3146900102", "望潮县第二小学", "469001", stages=("primary",)),
    SchoolRecord("3146900201", "白沙镇中心学校", "469002", stages=("primary", "junior")),
)
TERM = date(2026, 9, 1)
LIST_HEADER = ("姓名", "身份证号", "户编号", "户类型", "备注")
CIVIL_HEADER = ("姓名", "身份证号", "低保证号", "救助类型", "城乡类别")
REGISTER_HEADER = ("姓名", "身份证号", "学籍号", "学校名称", "学段", "年级", "班级")
Cells = Sequence[Any]


class Happened(NamedTuple):
    """One event of the log, opened."""

    stream: UUID
    version: int
    fact: Fact
    effective_on: date


class RunningRegistry:
    """The registry under test, with SCHOOLS on record."""

    def __init__(self, installation: Installation, since: date = TERM) -> None:
        self.installation = installation
        settings = installation.settings("registry")
        self.service = service = installation.start(registry_app.build(settings))
        self.registry = Registry(
            service.database, service.store, installation.keyring, Keys(settings.hmac_key), settings.division
        )
        register_schools(self.registry, RegisterSchools(SCHOOLS, since), Command("test", uuid4(), b"schools"))


class Office:
    """The ``number``-th agency, with people of its own (all born on one day); it sends files and gets receipts."""

    def __init__(self, running: RunningRegistry, folder: Path, number: int) -> None:
        self.running, self._folder = running, folder
        self.installation, self.registry = running.installation, running.registry
        self.submissions = Submissions(running.registry)
        self.agency = "office_" + f"{number:04d}".translate(str.maketrans("0123456789", "abcdefghij"))
        self.born = date(2014, 1, 1) + timedelta(days=number)
        self._files = 0
        installation = self.installation
        installation.sequence()
        with installation.databases["registry"].working() as connection:
            self._log_from = log.head(driver(connection)).log_index

    def number(self, sequence: int) -> str:
        """A valid identity number of the ``sequence``-th person (at most 999)."""
        first = f"469001{self.born:%Y%m%d}{sequence:03d}"
        return first + check_digit(first)

    def school_code(self, sequence: int) -> str:
        """The code of a school nobody else states."""
        return f"{self.born:%Y%m%d}{sequence:02d}"

    def poor(self, *sequences: int, household_type: str = "脱贫户") -> list[Cells]:
        """Rows of the poverty list, one person each."""
        return [(f"李{each:03d}", self.number(each), f"H{each:03d}", household_type, "") for each in sequences]

    def civil(self, *sequences: int, support: str) -> list[Cells]:
        """Rows of the civil affairs list, under CIVIL_HEADER."""
        return [(f"李{each:03d}", self.number(each), f"D{each:03d}", support, "农村") for each in sequences]

    def pupil(self, sequence: int, school: str = SCHOOLS[0].name, grade: str = "3", class_name: str = "1") -> Cells:
        """A row of the register."""
        own = self.number(sequence)
        return (f"张{sequence:03d}", own, f"G{own}", school, "小学", grade, class_name)

    def file(self, rows: Iterable[Cells], header: Cells = LIST_HEADER) -> Path:
        """A workbook of these rows."""
        self._files += 1
        return workbook(self._folder / f"sent-{self._files}.xlsx", [header, *rows])

    def send(
        self,
        rows: Iterable[Cells] | Path,
        *,
        list_name: str = "poverty",
        mode: SubmissionMode = "snapshot",
        on: date = TERM,
        command_id: UUID | None = None,
        dry_run: bool = False,
        header: Cells | None = None,
    ) -> Receipt:
        """Send rows, or a file as it is."""
        columns = header or (REGISTER_HEADER if list_name == "students" else LIST_HEADER)
        path = rows if isinstance(rows, Path) else self.file(rows, columns)
        content = hashlib.sha256(path.read_bytes()).hexdigest()
        command = Command("sender", command_id or uuid4(), content.encode())
        agency = EDUCATION if list_name in ("students", "schools") else self.agency
        submission = Submission(list_name, agency, mode, on, path, path.name, content)
        return self.submissions.receive(submission, command, dry_run=dry_run)

    def confirm(self, submission_id: UUID, command_id: UUID | None = None) -> int:
        command = Command("sender", command_id or uuid4(), b"confirm")
        return self.submissions.confirm(submission_id, Scope(division=DIVISION), "sender", date(2026, 9, 20), command)

    def log(self) -> list[Happened]:
        """What happened since this test began, personal blocks open."""
        self.installation.sequence()
        with self.installation.databases["registry"].working() as connection:
            entries = list(log.entries(driver(connection), after=self._log_from))
        found = []
        for logged, _ in entries:
            event = logged.event
            sealed = unseal(event, {})
            people = _people(event.data)
            fact = unseal(event, self.installation.keyring.keys(people)) if people else sealed
            found.append(Happened(event.stream_id, event.version, fact, event.effective_on))
        return found

    def count(self, matches: Callable[[Happened], bool] = lambda _: True) -> int:
        return sum(matches(each) for each in self.log())

    def standing(self, list_name: str = "poverty") -> dict[str, date]:
        """Name → day from which each person stands on the list, found from the events alone."""
        on_list: dict[UUID, tuple[str, date]] = {}
        for happened in self.log():
            fact = happened.fact
            if isinstance(fact, ListEntryFields) and fact.list == list_name:
                assert fact.personal is not None
                on_list[happened.stream] = (fact.personal.name, happened.effective_on)
            elif isinstance(fact, ListEntryRemoved) and fact.list == list_name:
                del on_list[happened.stream]
        return dict(sorted(on_list.values()))

    def pump(self) -> None:
        """Bring the views up to date."""
        self.installation.pump(batch=500)


def _people(data: bytes) -> set[UUID]:
    box = msgspec.json.decode(data).get("personal")
    return {UUID(box["person"])} if box else set()

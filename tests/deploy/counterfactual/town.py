"""A town whose registry, matching and disbursement really run, and whose logs audit has archived: what a counterfactual
replay is asked about. Children are numbers; all are boarders of the primary school's third grade unless told."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID, uuid4

from deploy.counterfactual.answering import Ask, Laboratory
from deploy.views import VIEWS
from services.audit import app as audit_app
from services.audit.counterfactuals.answer import CounterfactualAnswer
from services.audit.counterfactuals.changes import AnyChange
from services.audit.counterfactuals.desk import Job, Report
from services.audit.events import PersonErased
from services.disbursement import app as disbursement_app
from services.disbursement import handlers
from services.disbursement.commands import DisburseAid
from services.disbursement.streams import Streams as DisbursementStreams
from services.matching import app as matching_app
from services.matching.commands import RuleRow
from services.matching.handlers import Desk, rule_row
from services.matching.streams import Streams as MatchingStreams
from services.registry.events import StudentLeft, SubmissionMode
from services.registry.lists.withdrawals import Withdrawals
from shared.database.scopes import Scope
from shared.eventsourcing.store import Command
from shared.keys.keyring import KeyRing
from tests.services.archiving import archive
from tests.services.installation import DIVISION, Installation
from tests.services.matching.test_deciding import Matching, decider_of
from tests.services.registry.office import LIST_HEADER, SCHOOLS, Cells, Office, RunningRegistry

SERVICES = ("registry", "matching", "disbursement")
PUPIL_HEADER = ("姓名", "身份证号", "学籍号", "学校名称", "学段", "年级", "班级", "是否寄宿")
FIRST_DAY = date(2025, 9, 1)
AUTUMN, SPRING, NEXT_AUTUMN = "2025-autumn", "2026-spring", "2026-autumn"
BOARDER, DAY_PUPIL = 62_500, 31_250  # fen a term: half of 1250 and of 625 yuan a year


class Fen(NamedTuple):
    """What one child's entitlement is and would be."""

    child: int
    term: str
    real: int
    would: int


class Town:
    """Days are opened one by one; whatever is told settles at once, as it does in the running system."""

    def __init__(self, postgres: Any, home: Path) -> None:
        self._postgres = postgres
        self.installation = Installation(postgres, home)
        self.running = RunningRegistry(self.installation, since=date(2021, 9, 1))
        settings = self.installation.settings("matching")
        service = self.installation.start(matching_app.build(settings))
        self._matching = Matching(service, decider_of(service, MatchingStreams(settings.hmac_key)))
        self._disbursement = self.installation.start(disbursement_app.build(self.installation.settings("disbursement")))
        self.audit = self.installation.start(audit_app.build(self.installation.settings("audit"), VIEWS, self.compute))
        self.office = Office(self.running, home, 0)
        self.students: dict[int, UUID] = {}
        self.sent: list[UUID] = []
        self.today = FIRST_DAY

    def open(self, day: date) -> None:
        """A day begins for matching and for disbursement."""
        self.today = day
        self.installation.open_day(self._matching.service, day)
        self.installation.open_day(self._disbursement, day)
        self.settle()

    def settle(self) -> None:
        """Until nothing happens any more."""
        while True:
            self.installation.pump(batch=500)
            self._matching.decide()
            if self.installation.sequence() == 0:
                return

    def row(self, child: int, kind: str = "脱贫户", name: str | None = None) -> Cells:
        """A row of the poverty list about a child."""
        return (name or f"李第{child:03d}", self.office.number(child), f"H{child:03d}", kind, "")

    def enrol(self, *children: int, school: int = 0, boarder: bool = True) -> None:
        """Rows of the register."""
        self.office.send(
            [
                (
                    f"李第{child:03d}",
                    self.office.number(child),
                    f"G{self.office.number(child)}",
                    SCHOOLS[school].name,
                    "小学",
                    "3",
                    "1",
                    "住校" if boarder else "走读",
                )
                for child in children
            ],
            list_name="students",
            on=date(2024, 9, 1),
            header=PUPIL_HEADER,
        )
        keys = self.running.registry.keys
        self.students |= {child: keys.student_by_number(self.office.number(child)) for child in children}
        self.settle()

    def send(
        self, *children: int, mode: SubmissionMode = "snapshot", on: date | None = None, rows: Iterable[Cells] = ()
    ) -> UUID:
        """The poverty office sends its list; the submission's id."""
        given = [*(self.row(child) for child in children), *rows]
        receipt = self.office.send(given, mode=mode, on=on or self.today)
        self.settle()
        self.sent.append(receipt.submission_id)
        return receipt.submission_id

    def withdraw(self, submission: UUID) -> None:
        """The office takes its list back."""
        whose = Scope(division=DIVISION)
        Withdrawals(self.running.registry).withdraw(
            submission, whose, "clerk", "wrong_file", self.today, Command("clerk", uuid4(), b"withdraw")
        )
        self.settle()

    def rule(self, child: int) -> None:
        """The one row that waits for a person is about this child, says a clerk."""
        settings = self.installation.settings("matching")
        desk = Desk(self._matching.service.database, self._matching.service.store, MatchingStreams(settings.hmac_key))
        (entry,) = (row for row, decided in self._matching.decisions().items() if decided[0] == "review")
        intent = RuleRow(entry, "must_link", (self.students[child],), "clerk", None)
        scope = Scope(division=DIVISION[:4])
        rule_row(desk, scope, intent, Command("clerk", uuid4(), b"rule"), lambda version: None)
        self.settle()

    def leave(self, child: int, school: int = 0) -> None:
        """The child goes abroad today."""
        place = SCHOOLS[school]
        left = StudentLeft(school_code=place.school_code, division_code=place.division_code, reason="abroad")
        self.installation.append("registry", self.students[child], left, self.today)
        self.settle()

    def pay(self, child: int, term: str) -> None:
        """Pay what the child is due."""
        streams = DisbursementStreams(self.installation.settings("disbursement").hmac_key)
        stream = streams.entitlement(self.students[child], "living_subsidy", term)
        command = Command("clerk", uuid4(), b"pay")
        service = self._disbursement
        scope = Scope(division=DIVISION[:4])
        handlers.disburse_aid(
            service.database, service.store, streams, scope, stream, DisburseAid(self.today, "B"), command
        )
        self.settle()

    def file(self, rows: Iterable[Cells]) -> Path:
        """A corrected list as a workbook."""
        return self.office.file(rows, LIST_HEADER)

    def archived(self) -> None:
        """Everything said so far is archived."""
        self.settle()
        archive(self.installation, self.audit, SERVICES)

    def ask(
        self, *changes: AnyChange, files: Mapping[str, Path] | None = None, keyring: KeyRing | None = None
    ) -> CounterfactualAnswer:
        """The answer over everything that is archived."""
        return self._laboratory(keyring).answer(Ask(list(changes), None, files or {}))

    def person(self, child: int) -> UUID:
        """Whose key seals what is known of a child."""
        return self.running.registry.keys.person(self.office.number(child), self.students[child])

    def compute(self, job: Job, report: Report) -> CounterfactualAnswer:
        """What audit has computed elsewhere, computed here."""
        return self._laboratory().answer(Ask(*job), report)

    def _laboratory(self, keyring: KeyRing | None = None) -> Laboratory:
        settings = {name: self.installation.settings(name) for name in SERVICES}
        return Laboratory(self.audit.database, keyring or self.installation.keyring, self.dsn(), settings)

    def tell_erased(self, child: int) -> None:
        """Audit's log says that a child is erased; nobody has done it here."""
        streams = tuple(
            entry.logged.event.stream_id
            for entry in self.installation.entries("registry")
            if str(self.person(child)).encode() in entry.logged.event.data
        )
        nothing: dict[str, Any] = {"index": {}, "looked_through": {}}
        student = self.students[child]
        erased = PersonErased(student_id=student, people=(self.person(child),), streams=streams, **nothing)
        self.installation.append("audit", student, erased, self.today)
        self.installation.sequence()
        archive(self.installation, self.audit, ("audit",))

    def known_at(self) -> datetime:
        """When the last of it was recorded."""
        return max(self.installation.entries(name)[-1].logged.recorded_at for name in SERVICES)

    def dsn(self, database: str = "postgres") -> str:
        """The owner's way into a database of this server."""
        return str(self._postgres.dsn(database))

    def databases(self) -> list[str]:
        """Every real database: of the services, of audit, and of people's keys."""
        return [self.installation.keyring.name, *(each.name for each in self.installation.databases.values())]

    def environment(self) -> dict[str, str]:
        """What the supervisor tells the process of audit."""
        settings = self.installation.settings("audit")
        names = {"kek", *(f"hmac-{name}" for name in SERVICES)}
        secrets = {name: self.installation.settings(name.removeprefix("hmac-")).secrets[name] for name in names}
        told = {
            "ROLLCALL_DIVISION": DIVISION,
            "ROLLCALL_ENV": "test",
            "ROLLCALL_HOME": str(settings.home),
            "KAFKA_BOOTSTRAP_SERVERS": settings.bootstrap_servers,
            "DATABASE_URL_AUDIT": settings.database_url,
            "DATABASE_URL_KEYS": settings.keys_database_url,
        }
        return told | {
            "ROLLCALL_SECRET_" + name.upper().replace("-", "_"): base64.b64encode(value).decode()
            for name, value in secrets.items()
        }

    def close(self) -> None:
        """End it with its databases."""
        self.installation.close()

    def fen(self, answer: CounterfactualAnswer) -> set[Fen]:
        """What the answer says, by the children's numbers."""
        numbers = {student: child for child, student in self.students.items()}
        return {Fen(numbers[row.student_id], row.term, row.real_fen, row.would_fen) for row in answer.children}

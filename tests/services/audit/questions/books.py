"""Books of a small county as an auditor would find them: facts appended to bare logs, archived, asked about."""

from __future__ import annotations

import threading
from datetime import date, datetime
from typing import Any
from uuid import UUID

from deploy.views import VIEWS
from services.audit.app import ARCHIVED_SERVICES
from services.audit.questions.asking import Asking, Finding, Inquiry
from services.audit.questions.catalogue import QUESTIONS
from services.audit.replays.replaying import Replays
from services.disbursement.events import AidDisbursed, EntitlementGranted, EntitlementWithdrawn
from services.disbursement.living_subsidy import activation
from services.registry.events import StudentEnrolled, StudentPersonal
from shared.hosting.service import Service
from tests.services.archiving import archive
from tests.services.happenings import enrolled, link, someone
from tests.services.installation import Installation

ENROLLED_ON = date(2021, 9, 1)
TODAY = date(2026, 11, 24)
TERM_BEGINS = {"autumn": (9, 1), "spring": (2, 10)}
KEY = b"k" * 32


class Books:
    """``pay`` and its like append facts; ``ask`` archives what is new and asks."""

    def __init__(self, installation: Installation, audit: Service) -> None:
        self.installation, self.audit = installation, audit
        for name in ARCHIVED_SERVICES:
            self.installation.bare(name)
        self.asking = Asking(
            Replays(self.audit.database, self.installation.keyring, VIEWS, threading.BoundedSemaphore(2)), KEY
        )
        self.installation.append("disbursement", someone(), activation(), ENROLLED_ON)
        self.payments: set[UUID] = set()  # their entitlements

    def student(self, school: str = "S1", *, number: str | None = None, name: str = "张小明", **fields: Any) -> UUID:
        student = someone()
        fact: StudentEnrolled = enrolled(student, school, name=name, **fields)
        if number is not None:
            personal = StudentPersonal(person_id=student, name=name, birth_date=date(2016, 3, 1), id_number=number)
            fact = StudentEnrolled(**{**{f: getattr(fact, f) for f in fact.__struct_fields__}, "personal": personal})
        self.installation.append("registry", student, fact, ENROLLED_ON)
        return student

    def linked(self, student: UUID) -> None:
        entry = someone()
        self.installation.append("matching", someone(), link(entry, student), date(2024, 1, 1))

    def grant(self, student: UUID, term: str, amount: int = 62_500, school: str = "S1") -> UUID:
        year, season = term.split("-")
        month, day = TERM_BEGINS[season]
        begins = date(int(year), month, day)
        entitlement = someone()
        fact = EntitlementGranted(
            student_id=student,
            programme="living_subsidy",
            term=term,
            amount_fen=amount,
            stage="primary",
            boarder=True,
            division_code="469001",
            school_code=school,
            evidence=(),
            content_hash="0" * 64,
            term_begins=begins,
            term_ends=None,
        )
        self.installation.append("disbursement", entitlement, fact, begins)
        return entitlement

    def withdraw(self, entitlement: UUID, student: UUID, term: str, on: date) -> None:
        fact = EntitlementWithdrawn(
            student_id=student, programme="living_subsidy", term=term, reason="never_true", evidence=(), paid=False
        )
        self.installation.append("disbursement", entitlement, fact, on)

    def pay(
        self, student: UUID, term: str, on: date, amount: int = 62_500, school: str = "S1", reference: str = "B"
    ) -> UUID:
        """Grants and pays; the id of the payment's event."""
        return self.paid(self.grant(student, term, amount, school), student, term, on, amount, school, reference)

    def paid(
        self, entitlement: UUID, student: UUID, term: str, on: date, amount: int, school: str, reference: str = "B"
    ) -> UUID:
        fact = AidDisbursed(
            student_id=student,
            programme="living_subsidy",
            term=term,
            amount_fen=amount,
            paid_on=on,
            reference=reference,
            division_code="469001",
            school_code=school,
        )
        self.payments.add(entitlement)
        return self.installation.append("disbursement", entitlement, fact, on)

    def archive(self) -> None:
        """What the archiver does, from the logs themselves."""
        self.installation.sequence()
        archive(self.installation, self.audit, ARCHIVED_SERVICES)

    def ask(self, name: str, *, true_on: date = TODAY, known_at: datetime | None = None, **parameters: Any) -> Finding:
        self.archive()
        told = QUESTIONS[name].parameters.model_validate(parameters)
        return self.asking.ask(Inquiry(name, told, true_on, known_at))

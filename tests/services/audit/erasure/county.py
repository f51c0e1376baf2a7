"""Every service on one PostgreSQL with three children, one of whom is going to be erased; and a search by brute force
through every table of every database for what names her."""

from __future__ import annotations

import uuid
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from deploy.views import VIEWS
from services.audit import app as audit_app
from services.audit.app import ARCHIVED_SERVICES
from services.audit.erasure.desk import Desk, act
from services.audit.erasure.eraser import Eraser
from services.audit.streams import Streams
from services.disbursement import app as disbursement_app
from services.matching import app as matching_app
from services.notifications import app as notifications_app
from services.registry import app as registry_app
from services.registry.events import (
    EntryPersonal,
    HouseholdMemberJoined,
    ListEntryAdded,
    MemberPersonal,
    StudentDetailsCorrected,
    StudentEnrolled,
    StudentPersonal,
)
from services.registry.keys import Keys
from services.visits import app as visits_app
from services.visits.events import VisitLogged, VisitNotes
from shared.eventsourcing.store import Command
from shared.hosting.service import Service
from shared.kernel.masking import mask_name, mask_number
from shared.standards.identity_number import check_digit
from tests.services.archiving import archive
from tests.services.happenings import link
from tests.services.installation import DIVISION, Installation

APPS = (registry_app, matching_app, disbursement_app, visits_app, notifications_app)
SINCE, TODAY = date(2021, 9, 1), date(2026, 11, 24)
TOWN = f"{DIVISION}101"


class Child:
    """A student with a name, number and phone that nobody else has, a list row by number and one by name alone."""

    def __init__(self, keys: Keys, name: str, phone: str, sequence: int) -> None:
        first = f"46908020160301{sequence:03d}"
        self.name, self.phone, self.number = name, phone, first + check_digit(first)
        self.student = keys.student_by_number(self.number)
        self.person = keys.person(self.number, self.student)
        self.row, self.nameless_row = uuid.uuid4(), uuid.uuid4()

    def personal(self, **fields: Any) -> StudentPersonal:
        given: dict[str, Any] = {"birth_date": date(2016, 3, 1), "phone": self.phone, "address": f"{self.name}家"}
        return StudentPersonal(person_id=self.person, name=self.name, id_number=self.number, **(given | fields))

    @property
    def traces(self) -> list[str]:
        """What must be found nowhere any more."""
        return [self.name, mask_name(self.name), self.phone, self.number, mask_number(self.number)]


class County:
    """``erased`` is going to be; ``others`` must stay as they are."""

    def __init__(self, postgres: Any, home: Path) -> None:
        self.postgres = postgres
        self.installation = installation = Installation(postgres, home)
        self.services = {
            each.__name__.split(".")[1]: installation.start(
                each.build(installation.settings(each.__name__.split(".")[1]))
            )
            for each in APPS
        }
        installation.bare("access")  # knows no child
        self.audit: Service = installation.start(audit_app.build(installation.settings("audit"), VIEWS))
        self.keys = Keys(installation.settings("registry").hmac_key)
        self.desk = Desk(self.audit.database, self.audit.store, Streams(installation.settings("audit").hmac_key))
        self.eraser = Eraser(
            self.desk, self.audit.database, self.audit.keyring, ARCHIVED_SERVICES, timedelta(0), day=lambda: TODAY
        )
        self.erased = Child(self.keys, "欧阳雪娜", "13987650001", 101)
        self.others = [
            Child(self.keys, "诸葛明远", "13987650002", 102),
            Child(self.keys, "司徒小兰", "13987650003", 103),
        ]
        for child in (self.erased, *self.others):
            self._tell(child)
        self.archive()

    def ask(self, intent: Any) -> None:
        """As a person of the division does."""
        act(self.desk, intent, Command(intent.by, uuid.uuid4(), b""), TODAY)
        self.installation.pump()

    def archive(self) -> None:
        """What the archiver does, from the logs themselves."""
        self.installation.pump()
        archive(self.installation, self.audit, ARCHIVED_SERVICES)

    def places_of(self, traces: list[str]) -> list[str]:
        """Every table of every database whose rows, as text, hold one of these."""
        names = [*(database.name for database in self.installation.databases.values()), self.installation.keyring.name]
        return [f"{name}.{place}" for name in names for place in self._searched(name, traces)]

    def _searched(self, database: str, traces: list[str]) -> list[str]:
        sought = [*traces, *(trace.encode().hex() for trace in traces)]  # a bytea shows as hex
        with psycopg.connect(self.postgres.dsn(database)) as connection:
            tables = connection.execute(
                "SELECT schemaname, tablename FROM pg_tables"
                " WHERE schemaname NOT IN ('pg_catalog', 'information_schema')"
            ).fetchall()
            return [
                f"{schema}.{table}"
                for schema, table in tables
                if connection.execute(
                    sql.SQL(
                        "SELECT EXISTS (SELECT FROM {} t, unnest(%s::text[]) s WHERE position(s IN t::text) > 0)"
                    ).format(sql.Identifier(schema, table)),
                    (sought,),
                ).fetchone()
                == (True,)
            ]

    def _tell(self, child: Child) -> None:
        """A child's whole life in the logs."""
        say = self.installation.append
        enrolled = StudentEnrolled(
            school_code="S1", division_code=TOWN, stage="primary", grade="5", boarder=True, personal=child.personal()
        )
        say("registry", child.student, enrolled, SINCE)
        corrected = StudentDetailsCorrected(personal=child.personal(former_name=f"{child.name}儿"))
        say("registry", child.student, corrected, date(2024, 9, 1))
        row: dict[str, Any] = {"agency": "poverty_office", "list": "poverty", "division_code": TOWN}
        named = EntryPersonal(person_id=child.person, name=child.name, id_number=child.number, phone=child.phone)
        say("registry", child.row, ListEntryAdded(personal=named, household_type="脱贫户", **row), SINCE)
        alone = EntryPersonal(person_id=child.nameless_row, name=child.name, birth_date=date(2016, 3, 1))
        say("registry", child.nameless_row, ListEntryAdded(personal=alone, **row), SINCE)
        member = uuid.uuid4()
        joined = HouseholdMemberJoined(
            member_id=member,
            division_code=TOWN,
            student_id=child.student,
            personal=MemberPersonal(person_id=member, name=child.name),
        )
        say("registry", uuid.uuid4(), joined, SINCE)
        for entry in (child.row, child.nameless_row):
            say("matching", uuid.uuid4(), link(entry, child.student), SINCE)
        notes = VisitNotes(person_id=child.student, notes=f"见到{child.name}", met_with=f"{child.name}之母")
        visit = VisitLogged(
            student_id=child.student,
            visitor="teacher",
            campaign=None,
            visited_on=TODAY,
            outcome="met",
            confirmed=(),
            repeat_on=None,
            division_code=TOWN,
            school_code="S1",
            personal=notes,
        )
        say("visits", uuid.uuid4(), visit, TODAY)

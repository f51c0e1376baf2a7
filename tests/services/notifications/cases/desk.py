"""Notifications on a real PostgreSQL behind HTTP, with a few children missed by schools of two townships."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from typing import Any
from uuid import UUID, uuid4

import msgspec
from starlette.testclient import TestClient

from services.notifications import app
from services.registry.events import ClassAttendanceReported, HouseholdMemberJoined, SchoolRegistered, StudentLeft
from shared.hosting.service import Service
from shared.kernel.clock import today
from shared.web.application import create_app
from shared.web.authentication import Authenticator
from shared.web.live import SseHub
from tests.services.happenings import enrolled, someone
from tests.services.installation import DIVISION, Installation
from tests.shared.web import tokens

NORTH, SOUTH = "469001001", "469001002"
SCHOOLS = {"S1": NORTH, "S2": NORTH, "S3": SOUTH}
TEAM = {
    "lead": {"name": "赵镇长", "phone": "0898-1111"},
    "teacher": {"principal": "teacher-1"},
    "cadre": {"name": "钱村干"},
    "family": {"name": "孙家长", "phone": "13900000000"},
    "family_is": "guardian",
}


class Desk:
    """``ask`` as anybody; ``settle`` lets the processors catch up."""

    def __init__(self, installation: Installation, service: Service, client: TestClient, signer: Any) -> None:
        self.installation, self.service, self.client, self.signer = installation, service, client, signer

    def ask(
        self, method: str, path: str, *, by: str = "clerk", place: dict[str, str] | None = None, **more: Any
    ) -> Any:
        place = place or {"division": DIVISION[:4]}
        role = "principal" if "school" in place else "aid_clerk"
        token = tokens.token(self.signer, tokens.claims(sub=by, kind=role, **place))
        headers = {"authorization": f"Bearer {token}", "accept-language": "zh"}
        if method != "GET":
            headers["idempotency-key"] = str(more.pop("key", uuid4()))
        return self.client.request(method, "/v1" + path, headers=headers, **more)

    def act(self, alert: str, step: str, body: Any = None, **more: Any) -> Any:
        return self.ask("POST", f"/alerts/{alert}/{step}", json=body or {}, **more)

    def alerts(self, **more: Any) -> list[dict[str, Any]]:
        answer = self.ask("GET", "/alerts", **more)
        assert answer.status_code == 200, answer.text
        items: list[dict[str, Any]] = answer.json()["items"]
        return items

    def settle(self) -> None:
        self.installation.pump()

    def child(self, school: str = "S1", **fields: Any) -> UUID:
        student = someone()
        guardian = fields.pop("guardian_id", None)
        fact = enrolled(student, school, division_code=SCHOOLS[school], **fields)
        if guardian is not None and fact.personal is not None:
            personal = msgspec.structs.replace(fact.personal, guardian_id=guardian)
            fact = msgspec.structs.replace(fact, personal=personal)
        self.installation.append("registry", student, fact, date(2022, 9, 1))
        return student

    def dropped(self, school: str = "S1", **fields: Any) -> UUID:
        """A child who dropped out, and whose alert stands after settling."""
        student = self.child(school, **fields)
        fact = StudentLeft(school_code=school, division_code=SCHOOLS[school], reason="dropped_out")
        self.installation.append("registry", student, fact, today() - timedelta(days=3))
        return student

    def household(self, *students: UUID) -> None:
        home = someone()
        for student in students:
            fact = HouseholdMemberJoined(member_id=someone(), division_code=NORTH, student_id=student)
            self.installation.append("registry", home, fact, date(2022, 9, 1))

    def report(self, school: str, day: date, *absent: UUID) -> None:
        fact = ClassAttendanceReported(
            school_code=school, division_code=SCHOOLS[school], stage="primary", grade="5", class_name="1班", members=30,
            absences={"unexplained": absent} if absent else {}, school_day=True, reported_by="teacher",
        )  # fmt: skip
        self.installation.append("registry", someone(), fact, day)


@contextmanager
def open_desk(installation: Installation) -> Iterator[Desk]:
    """Notifications started, the day open, the schools registered."""
    service = installation.start(app.build(installation.settings("notifications")))
    for name in ("registry", "matching"):
        installation.bare(name)
    for code, division in SCHOOLS.items():
        fact = SchoolRegistered(school_code=code, name=f"{code}小学", division_code=division)
        installation.append("registry", someone(), fact, date(2020, 9, 1))
    installation.open_day(service, today())
    signer, hub = tokens.Ed25519Signer(), SseHub(service.database.app_conninfo)
    made = create_app(
        "notifications",
        service.routers,
        authenticator=Authenticator(issuer=tokens.ISSUER, audience=tokens.AUDIENCE, jwks={"keys": [signer.jwk]}),
        database=service.database,
        parts=[hub.part],
        state={"hub": hub},
    )
    with TestClient(made) as client:
        yield Desk(installation, service, client, signer)

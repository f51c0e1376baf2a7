"""What was done under an emergency access: of that person, between its beginning and its end, for its reviewers."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from fastapi.testclient import TestClient

from deploy.views import VIEWS
from services.access.events import EmergencyAccessEnded, EmergencyAccessTaken
from services.audit import app
from services.registry.events import PersonalDataRead
from services.visits.events import VisitLogged
from shared.eventsourcing.store import Command, Proposed
from shared.kernel.facts import Fact
from shared.web.application import create_app
from shared.web.authentication import Authenticator
from tests.services.archiving import archive
from tests.services.installation import DIVISION, Installation
from tests.shared.web.tokens import AUDIENCE, ISSUER, Ed25519Signer, claims, token

TODAY, SHE, PERSON, EMERGENCY, SESSION = date(2026, 11, 24), UUID(int=1), UUID(int=2), UUID(int=3), UUID(int=4)
SIGNER = Ed25519Signer("acts")
PLACE: dict[str, Any] = {"division_code": f"{DIVISION}101", "school_code": "S1"}


def say(installation: Installation, service: str, stream: UUID, fact: Fact, who: UUID) -> None:
    store = installation.bare(service)

    def decide(connection: Any) -> Sequence[Proposed]:
        return [Proposed(stream, len(store.load(connection, stream)), fact, TODAY)]

    store.run(installation.databases[service], Command(str(who), uuid4(), b""), decide)
    installation.sequence()


def seen(who: UUID) -> PersonalDataRead:
    return PersonalDataRead(viewer=str(who), student_id=SHE, purpose="补报考勤", fields=("phone",), **PLACE)


def test_the_acts_between_its_beginning_and_its_end_are_told_to_whose_place_it_is(installation: Installation) -> None:
    audit = installation.start(app.build(installation.settings("audit"), VIEWS))
    say(installation, "registry", uuid4(), seen(PERSON), PERSON)
    taken = EmergencyAccessTaken(
        emergency_id=EMERGENCY, account_id=PERSON, session_id=SESSION, post_id=uuid4(), kind="class_teacher",
        school_class="primary/五年级/1班", until=datetime.now(UTC) + timedelta(hours=1), reason="班主任住院", **PLACE,
    )  # fmt: skip
    say(installation, "access", EMERGENCY, taken, UUID(int=9))
    say(installation, "registry", uuid4(), seen(PERSON), PERSON)
    say(installation, "registry", uuid4(), seen(UUID(int=8)), UUID(int=8))
    visit = VisitLogged(
        student_id=SHE, visited_on=TODAY, outcome="met", visitor=str(PERSON), confirmed=(), campaign=None,
        repeat_on=None, personal=None, **PLACE,
    )  # fmt: skip
    say(installation, "visits", uuid4(), visit, PERSON)
    ended = EmergencyAccessEnded(emergency_id=EMERGENCY, account_id=PERSON, session_id=SESSION, **PLACE)
    say(installation, "access", EMERGENCY, ended, UUID(int=9))
    say(installation, "registry", uuid4(), seen(PERSON), PERSON)
    archive(installation, audit, ("access", "registry", "visits"))
    checker = Authenticator(issuer=ISSUER, audience=AUDIENCE, jwks={"keys": [SIGNER.jwk]})
    web = create_app("audit", audit.routers, authenticator=checker, database=audit.database)
    with TestClient(web) as client:

        def asked(kind: str, emergency: UUID = EMERGENCY, **place: str) -> Any:
            bearer = token(SIGNER, claims(**({"division": None, "kind": kind} | place)))
            headers = {"authorization": f"Bearer {bearer}"}
            answer = client.get(f"/v1/emergencies/{emergency}/acts", headers=headers)
            return answer.json() if answer.is_success else answer.status_code

        told = asked("approver", division=DIVISION)
        assert [(each["service"], each["kind"]) for each in told["items"]] == [
            ("registry", "read"),
            ("visits", "command"),
        ]
        assert {each["student_id"] for each in told["items"]} == {str(SHE)} and told["more"] is False
        assert asked("principal", school="S1") == told
        assert asked("principal", school="S2") == asked("approver", division="460200") == 404
        assert asked("approver", uuid4(), division=DIVISION) == 404
        assert asked("aid_clerk", division=DIVISION) == 403

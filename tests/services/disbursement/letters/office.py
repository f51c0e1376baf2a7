"""An aid centre with children registered elsewhere: what registry and matching say of them, and people at desks."""

from __future__ import annotations

from datetime import date
from typing import Any, TypeVar
from uuid import UUID, uuid4

import httpx
from fastapi.testclient import TestClient

from services.audit.events import PersonErased
from services.disbursement import app, queries
from services.disbursement.living_subsidy import LIVING_SUBSIDY
from services.disbursement.queries import EntitlementRow
from services.disbursement.schedule import term_of
from services.registry.events import DivisionCodeAdded, EntryPersonal, ListEntryAdded, StudentTransferredOut
from shared.database.scopes import Scope
from shared.eventsourcing.sealing import people_in, unseal
from shared.hosting.service import Service
from shared.kernel.clock import today
from shared.kernel.facts import Fact
from shared.web.acts import Acts
from shared.web.application import create_app
from shared.web.authentication import Authenticator
from shared.web.pages import PageTurn
from tests.services.happenings import enrolled, link, someone, unmatched
from tests.services.installation import Installation
from tests.shared.web.tokens import AUDIENCE, ISSUER, Ed25519Signer, claims, token

SIGNER = Ed25519Signer("letters")
OWN = "469001"
LONG_AGO = date(2021, 9, 1)
NUMBER = "11010519491231002X"  # of every child on a list
COUNTY = Scope(division="4690")
F = TypeVar("F", bound=Fact)
CLERK, APPROVER = "clerk-wang", "approver-li"


class Office:
    """Disbursement on a real PostgreSQL, asked over HTTP. ``expected``: place → children planted there, the count that
    nothing of the product made."""

    def __init__(self, installation: Installation, service: Service | None = None) -> None:
        self.installation = installation
        self.service = service or installation.start(app.build(installation.settings("disbursement")))
        installation.bare("registry")
        installation.bare("matching")
        installation.bare("audit")
        assert self.service.acts is not None
        self.acts = Acts(self.service.store, self.service.database, self.service.acts, OWN)
        self.client = TestClient(
            create_app(
                "disbursement",
                self.service.routers,
                authenticator=Authenticator(issuer=ISSUER, audience=AUDIENCE, jwks={"keys": [SIGNER.jwk]}),
                database=self.service.database,
                acts=self.acts,
            ),
            raise_server_exceptions=False,
        )
        self.expected: dict[str, set[UUID]] = {}
        # Of the day it opened: on the night a term ends, its letters stay those of that term.
        self.term = term_of(LIVING_SUBSIDY, today())

    def division(self, code: str, name: str) -> None:
        self.installation.append("registry", someone(), DivisionCodeAdded(code=code, name=name), date(2000, 1, 1))

    def listed(self, school: str, *, lists: int = 1, division: str = OWN, stage: str | None = "primary") -> UUID:
        """A child on ``lists`` agencies' lists whose rows name a school elsewhere; her id."""
        child = someone()
        for number in range(lists):
            entry = someone()
            who = EntryPersonal(person_id=child, name="陈小梅", id_number=NUMBER, school=school)
            told: dict[str, Any] = {"agency": "poverty_office", "list": ("poverty", "disability")[number % 2]}
            row = ListEntryAdded(personal=who, division_code=division, school_elsewhere=True, stage=stage, **told)
            self.installation.append("registry", entry, row, LONG_AGO)
            state = unmatched(entry, state="registered_elsewhere", list=told["list"], division_code=division)
            self.installation.append("matching", entry, state, LONG_AGO)
        return child

    def went(self, place: str | None, on: date, **who: Any) -> UUID:
        """A listed student who went to a school elsewhere on a day; her id."""
        student = someone()
        self.installation.append("registry", student, enrolled(student, **who), LONG_AGO)
        self.installation.append("matching", someone(), link(someone(), student), LONG_AGO)
        gone = StudentTransferredOut(
            school_code="S1", division_code=OWN, destination_kind="elsewhere", destination_division_code=place
        )
        self.installation.append("registry", student, gone, on)
        return student

    def expect(self, place: str, child: UUID) -> UUID:
        self.expected.setdefault(place, set()).add(child)
        return child

    def erase(self, child: UUID) -> None:
        """Destroy her key, as audit does, and let everybody hear of it."""
        held = [logged for logged, _ in self.installation.entries("registry") if child in people_in(logged.event)]
        self.installation.keyring.erase(child)
        fact = PersonErased(
            student_id=child,
            people=(child,),
            index={"registry": tuple(logged.log_index for logged in held)},
            streams=tuple(logged.event.stream_id for logged in held),
            looked_through={"registry": held[-1].log_index},
        )
        self.installation.append("audit", child, fact, today())
        self.pump()

    def settle(self) -> None:
        """Let everything have its effects, on a day that has opened."""
        self.installation.open_day(self.service, today())
        self.installation.pump(batch=500)

    def _headers(self, who: str, kind: str, division: str) -> dict[str, str]:
        told = claims(sub=who, kind=kind, division=division)
        return {"authorization": f"Bearer {token(SIGNER, told)}", "accept-language": "en"}

    def get(self, path: str, who: str = CLERK, kind: str = "aid_clerk", division: str = "4690") -> httpx.Response:
        answer: httpx.Response = self.client.get(f"/v1{path}", headers=self._headers(who, kind, division))
        return answer

    def post(
        self,
        path: str,
        body: Any,
        who: str = CLERK,
        kind: str = "aid_clerk",
        *,
        division: str = "4690",
        key: UUID | None = None,
    ) -> httpx.Response:
        headers = self._headers(who, kind, division) | {"idempotency-key": str(key or uuid4())}
        answer: httpx.Response = self.client.post(f"/v1{path}", json=body, headers=headers)
        return answer

    def pump(self) -> None:
        """Let what was recorded show."""
        self.installation.pump(batch=500)

    def facts(self, kind: type[F]) -> list[F]:
        """Everything of one type in disbursement's log, in its order."""
        self.pump()
        found = (unseal(logged.event, {}) for logged, _ in self.installation.entries("disbursement"))
        return [fact for fact in found if isinstance(fact, kind)]

    def does(self, path: str, body: Any, who: str = CLERK, kind: str = "aid_clerk") -> dict[str, Any]:
        """The same, insisting."""
        answer = self.post(path, body, who, kind)
        assert answer.is_success, answer.text
        done: dict[str, Any] = answer.json()
        return done

    def drafted(self, *places: str) -> dict[str, str]:
        """Letters to these places, shown; place → id."""
        asked = [{"term": self.term.name, "place": place} for place in places]
        letters: list[str] = [self.does("/letters", each)["letter_id"] for each in asked]
        self.pump()
        return dict(zip(places, letters, strict=True))

    def signed_off(self, letter: str) -> None:
        read = self.get(f"/letters/{letter}").json()
        self.does(f"/letters/{letter}/approve", {"content_hash": read["content_hash"]}, APPROVER, "approver")

    def sent(self, *places: str) -> dict[str, str]:
        """Letters drafted, signed off by a second person and sent; place → id."""
        letters = self.drafted(*places)
        for letter in letters.values():
            self.signed_off(letter)
            self.does(f"/letters/{letter}/send", self.sending(letter))
        self.pump()
        return letters

    def sending(self, letter: str, reply_by: date | None = None) -> dict[str, Any]:
        until = reply_by or date(today().year + 1, 12, 31)
        number = f"望教助函〔2026〕{letter[-4:]}号"
        return {"sent_on": str(today()), "way": "post", "number": number, "reply_by": str(until)}

    def reply(self, letter: str, child: UUID, kind: str, **more: Any) -> None:
        body = {"child_id": str(child), "kind": kind, "replied_on": str(today()), **more}
        self.does(f"/letters/{letter}/replies", {"replies": [body]})
        self.pump()

    def due(self) -> dict[UUID, EntitlementRow]:
        """What is due, by child: of this term."""
        with self.service.database.reading(COUNTY, "payments") as connection:
            rows = queries.entitlements(connection, today(), PageTurn(None, 500), term=self.term.name)
        standing = [row for row in rows if row.state != "withdrawn"]
        due = {row.student_id: row for row in standing}
        assert len(due) == len(standing), "nobody is due two things at once"
        return due

"""Access with the services beside it that a hand-over asks and moves work in, and the shortest ways to have work
there."""

from __future__ import annotations

import uuid
from contextlib import ExitStack
from dataclasses import replace
from datetime import date
from uuid import UUID

import httpx

from deploy.run import built
from services.access.events import HandoverClosed
from services.access.handover.collecting import Collector
from services.access.handover.handover_desk import Actor, HandoverDesk, Wanted
from services.access.handover_events import ListedItem, Signer
from services.access.sessions import session_desk
from services.access.sessions.sign_in import SignedInAs
from services.notifications.case_events import TeamFormed
from services.notifications.events import AlertRaised, AlertSeen
from services.registry.events import SchoolRegistered
from services.visits.events import HelperAssigned
from services.visits.streams import Streams as VisitStreams
from shared.kernel.clock import utc_now
from shared.web.application import create_app
from shared.web.authentication import Authenticator
from tests.services.access.conftest import COUNTY, Office
from tests.services.happenings import enrolled
from tests.services.installation import DIVISION
from tests.support.serving import serving

# What people see, and what moves with a post; the other policies have nothing to do here.
BESIDE = {
    "notifications": ("alerts", "teams_handed_on"),
    "registry": ("register", "requests_handed_on"),
    "visits": ("visits", "helpers_handed_on"),
}
CLASS = {"school_code": "S1", "school_class": "primary/五年级/1班"}


class Town:
    """Access with the services that have something for a class teacher, each served; ``handing`` asks them for real."""

    def __init__(self, office: Office, stack: ExitStack) -> None:
        self.office, self.installation = office, office.installation
        office.now = utc_now()
        issuer = f"urn:rollcall:{DIVISION}:access"
        authenticator = Authenticator(issuer=issuer, audience="rollcall", jwks=office.desk.signer.jwks())
        addresses = {}
        for name, wanted in BESIDE.items():
            service = built(name, self.installation.settings(name))
            shown = tuple(each for each in service.projections if each.name in wanted)
            assert len(shown) == len(wanted)
            self.installation.start(replace(service, projections=shown))
            served = create_app(name, service.routers, authenticator=authenticator, database=service.database)
            addresses[name] = stack.enter_context(serving(served)).url
        self.addresses = addresses
        self.handing = HandoverDesk(office.desk, Collector(addresses, office.desk.signer))
        for school, division in (("S1", "469001"), ("S2", "469002")):
            fact = SchoolRegistered(school_code=school, name=f"{school}小学", division_code=division)
            self.installation.append("registry", uuid.uuid4(), fact, date(2000, 1, 1))

    def child(self, school: str = "S1", class_name: str = "1班") -> UUID:
        student = uuid.uuid4()
        fact = enrolled(student, school, stage="primary", grade="五年级", class_name=class_name)
        self.installation.append("registry", student, fact, date(2025, 9, 1))
        return student

    def helps(self, teacher: UUID, student: UUID) -> UUID:
        """The stream of the assignment: the item's id."""
        stream = VisitStreams(self.installation.settings("visits").hmac_key).helper(student)
        fact = HelperAssigned(student_id=student, helper=str(teacher), division_code="469001", school_code="S1")
        self.installation.append("visits", stream, fact, date(2026, 1, 1))
        return stream

    def case(self, student: UUID, *team: UUID) -> UUID:
        """An open case that somebody has read, with a team."""
        alert = uuid.uuid4()
        raised = AlertRaised(
            kind="dropped_out", student_id=student, entry_id=None, since=date(2026, 2, 1), evidence=(uuid.uuid4(),),
            rules_hash="", explanation_code="dropped_out_of_compulsory_school", facts={"left_on": "2026-02-01"},
            division_code="469001", school_code="S1",
        )  # fmt: skip
        formed = TeamFormed(principals={"lead": "cadre", "teacher": str(team[0])} if team else {}, family="parent")
        for fact in (raised, AlertSeen(), *([formed] if team else [])):
            self.installation.append("notifications", alert, fact, date(2026, 2, 2))
        return alert

    def asks(self, entered: SignedInAs, student: UUID) -> UUID:
        """A correction of somebody else's record that the session's person asks for."""
        token = session_desk.token(self.office.desk, entered.secret, self.office.now).token
        body = {"target": "student", "target_id": str(student), "wanted": {"phone": "13800000000"},
                "reason": "家长换号", "evidence": "来电登记"}  # fmt: skip
        headers = {"authorization": f"Bearer {token}", "idempotency-key": str(uuid.uuid4())}
        answer = httpx.post(
            f"{self.addresses['registry']}/v1/change-requests", json=body, headers=headers, trust_env=False
        )
        assert answer.status_code == 202, answer.text
        return UUID(answer.json()["request_id"])

    def open(self, post: UUID, successor: UUID, who: Actor | None = None, *, at_once: bool = False) -> UUID:
        """A hand-over, listed."""
        handover = uuid.uuid4()
        wanted = Wanted(handover, post, successor, "轮岗", at_once)
        actor = who or ADMINISTRATOR
        self.installation.pump()
        self.handing.open(actor, wanted, self.office.command(), self.office.now)
        self.handing.make_list(actor, handover, self.office.command(), self.office.now)
        return handover

    def vacant(self) -> UUID:
        return self.office.post("class_teacher", school_code="S1", school_class="primary/五年级/1班")

    def shown(self, handover: UUID) -> str:
        digest = self.handing.known(ADMINISTRATOR, handover).items_hash
        assert digest is not None
        return digest

    def sign(self, handover: UUID, who: UUID | Actor, role: Signer, reason: str = "") -> None:
        actor = who if isinstance(who, Actor) else Actor(str(who))
        self.handing.sign(actor, handover, role, self.shown(handover), reason, self.office.command(), self.office.now)
        self.installation.pump()

    def waiting(self, post: UUID, account: UUID) -> dict[tuple[str, UUID], ListedItem]:
        with self.office.desk.database.writing() as connection:
            state = self.office.desk.post(connection, post)
        found = self.handing.collector.items(state, account, self.office.now)
        return {(item.kind, item.item_id): item for item in found}

    def closed(self, handover: UUID) -> HandoverClosed:
        (fact,) = [each for each in self.office.facts(HandoverClosed) if each.handover_id == handover]
        return fact  # type: ignore[no-any-return]


ADMINISTRATOR = Actor(COUNTY.by, COUNTY)


class Pair:
    """A class teacher signed in, and who is to follow."""

    def __init__(self, town: Town, kind: str = "class_teacher", **place: str) -> None:
        self.before, self.login = town.office.someone()
        self.after, _ = town.office.someone(password=None)
        self.post = town.office.post(kind, holder=self.before, **(place or CLASS))
        self.entered = town.office.enter(self.login)

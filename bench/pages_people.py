"""People of a county who sign in with name and password, each in one post, let in by an administrator as in production.

Whoever the installation itself cannot make is left out: a city's officer is let in by the city.
"""

from __future__ import annotations

import base64
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import cycle, islice
from typing import Any, NamedTuple

import httpx

from cli.session import Session
from shared.standards.posts import KINDS, POSTS, Kind, Shape

TIMEOUT_SECONDS = 60.0
AGENCIES = ("poverty_office", "civil_affairs", "disability_federation")
SCHOOLS_LOOKED_AT, STUDENTS_LOOKED_AT = 40, 200
# Fifty who are signed in at once: one of each kind, then schools most of all.
EACH_KIND: tuple[Kind, ...] = tuple(kind for kind in KINDS if kind is not Kind.CITY_OFFICER)
FIFTY: tuple[Kind, ...] = (
    *EACH_KIND,
    *(Kind.CLASS_TEACHER,) * 13, *(Kind.REGISTRAR,) * 6, *(Kind.HELPER_TEACHER,) * 5, *(Kind.PRINCIPAL,) * 3,
    *(Kind.TOWNSHIP_CADRE,) * 3, *(Kind.AID_CLERK,) * 3, *(Kind.REVIEWER,) * 2, Kind.APPROVER, Kind.CASHIER,
    Kind.AGENCY_PUBLISHER,
)  # fmt: skip


class Person(NamedTuple):
    """Somebody who can sign in."""

    login: str
    password: str
    kind: Kind


@dataclass(frozen=True)
class Places:
    """Where people work: ``schools`` by code; ``classes``: (school, stage/grade/class); ``townships``: nine digits."""

    division: str
    schools: Sequence[str]
    classes: Sequence[tuple[str, str]]
    townships: Sequence[str]

    def of(self, kind: Kind, number: int) -> dict[str, str]:
        """The place of the ``number``-th post of a kind, as access takes it."""
        match POSTS[kind].shape:
            case Shape.SCHOOL:
                return {"school": self.schools[number % len(self.schools)]}
            case Shape.CLASS:
                school, school_class = self.classes[number % len(self.classes)]
                return {"school": school, "school_class": school_class}
            case Shape.AGENCY:
                return {"agency": AGENCIES[number % len(AGENCIES)]}
            case _ if kind is Kind.TOWNSHIP_CADRE:
                return {"division": self.townships[number % len(self.townships)]}
            case _:
                return {"division": self.division}


def places_of(session: Session, division: str) -> Places:
    """Schools, classes and townships as the registry has them. Raises RuntimeError for a county without classes."""
    told = session.get("registry", "/v1/reference/schools", limit=SCHOOLS_LOOKED_AT)["items"]
    schools = [each["school_code"] for each in told]
    townships = sorted({each["division_code"][:9] for each in told if len(each["division_code"]) >= 9})
    classes: dict[tuple[str, str], None] = {}
    for school in schools:
        students = session.get("registry", "/v1/students", school=school, limit=STUDENTS_LOOKED_AT)["items"]
        for each in students:
            if each["grade"] and each["class_name"]:
                classes[school, "/".join((each["stage"] or "", each["grade"], each["class_name"]))] = None
    if not classes:
        raise RuntimeError("no class has a student")
    spread = sorted(classes, key=lambda each: (each[1], each[0]))  # neighbours in the list are in different schools
    return Places(division, schools, spread, townships or [f"{division}001"])


class Personnel:
    """The administrator who lets people in, over HTTP. ``access``: the service's address; ``operator``: the secret of
    who runs the machine."""

    def __init__(self, access: str, operator: bytes) -> None:
        self._client = httpx.Client(base_url=access, timeout=TIMEOUT_SECONDS, trust_env=False)
        shown = base64.b64encode(operator).decode()
        login = f"guanli-{uuid.uuid4().hex[:8]}"
        body = {"login": login, "name": "管理甲"}
        once = self._ask("POST", "/v1/administrators", f"Operator {shown}", body)["password"]
        self._secret = self._chosen(login, once, _password())["secret"]

    def close(self) -> None:
        """Leave, and close the connections."""
        self._client.post("/v1/sign-out", json={}, headers={"authorization": f"Session {self._secret}"})
        self._client.close()

    def hire(self, kinds: Sequence[Kind], places: Places) -> list[Person]:
        """One person for each, who has chosen a password and is not signed in. Raises httpx.HTTPStatusError."""
        numbers = dict.fromkeys(Kind, 0)
        people = []
        for kind in kinds:
            people.append(self._hire(kind, places.of(kind, numbers[kind]), places.division))
            numbers[kind] += 1
        return people

    def _hire(self, kind: Kind, place: Mapping[str, str], division: str) -> Person:
        token = self._ask("POST", "/v1/token", f"Session {self._secret}")["access_token"]
        bearer, login, password = f"Bearer {token}", f"{kind.value}-{uuid.uuid4().hex[:8]}", _password()
        managed = {"school": place["school"]} if "school" in place else {"division": division}
        account = self._ask("POST", "/v1/accounts", bearer, {"login": login, "name": "工作人员", **managed})
        post = self._ask("POST", "/v1/posts", bearer, {"kind": kind.value, **place})["id"]
        self._ask("POST", f"/v1/posts/{post}/fill", bearer, {"account_id": account["account_id"]})
        secret = self._chosen(login, account["password"], password)["secret"]
        self._client.post("/v1/sign-out", json={}, headers={"authorization": f"Session {secret}"}).raise_for_status()
        return Person(login, password, kind)

    def _chosen(self, login: str, once: str, password: str) -> Any:
        opened = self._ask("POST", "/v1/sign-in", "", {"login": login, "password": once})
        change = {"former": once, "password": password}
        return self._ask("POST", "/v1/me/password", f"Session {opened['secret']}", change)

    def _ask(self, method: str, path: str, authorization: str, body: Mapping[str, Any] | None = None) -> Any:
        headers = {"idempotency-key": str(uuid.uuid4())}
        if authorization:
            headers["authorization"] = authorization
        answer = self._client.request(method, path, json=body, headers=headers)
        answer.raise_for_status()
        return answer.json()


def kinds_of(count: int) -> list[Kind]:
    """The kinds of so many people, in the shares of ``FIFTY``."""
    return list(islice(cycle(FIFTY), count))


def _password() -> str:
    """Long, of no word and no name."""
    return f"云{uuid.uuid4().hex}"

"""Households through splits, mergers, moves and changes of head: the oracle keeps for every day who is where, and
foretells each refusal; then the same over HTTP on a real database."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any, NamedTuple
from uuid import UUID, uuid4

import hypothesis.strategies as st
import pytest
from hypothesis import given
from starlette.testclient import TestClient

from services.registry import app
from services.registry.errors import (
    BeforeHouseholdChange,
    HouseholdAlreadyMerged,
    HouseholdNumberTaken,
    HouseholdsNotMergeable,
    HouseholdUnknown,
    MemberNotInHousehold,
    NobodyLeft,
)
from services.registry.events import (
    HouseholdMemberJoined,
    HouseholdMemberLeft,
    HouseholdRegistered,
)
from services.registry.households.household_life import (
    Change,
    Household,
    apply_household,
    change_head,
    household_of,
    merge,
    move,
    register_household,
    split,
)
from shared.kernel.facts import Fact
from shared.kernel.refusals import Refusal
from shared.standards.identity_number import check_digit
from shared.web.application import create_app
from shared.web.authentication import Authenticator
from shared.web.live import SseHub
from tests.services.installation import DIVISION, Installation
from tests.shared.web import tokens

FIRST = date(2026, 9, 1)
DAYS = 12
HOUSES = tuple(UUID(int=number) for number in (101, 102, 103))
PEOPLE = tuple(UUID(int=number) for number in range(1, 6))


class Act(NamedTuple):
    """Something asked; what a kind does not need is left alone."""

    kind: str
    house: UUID
    other: UUID
    people: tuple[UUID, ...]
    person: UUID
    day: int


PEOPLE_DRAWN = st.lists(st.sampled_from(PEOPLE), min_size=1, max_size=4, unique=True).map(tuple)
KINDS = st.sampled_from(["register", "register", "split", "split", "merge", "move", "head", "head"])
ACTS = st.lists(
    st.builds(
        Act,
        KINDS,
        st.sampled_from(HOUSES),
        st.sampled_from(HOUSES),
        PEOPLE_DRAWN,
        st.sampled_from(PEOPLE),
        st.integers(0, DAYS - 1),
    ),
    max_size=12,
)


def day(number: int) -> date:
    return FIRST + timedelta(days=number)


@dataclass
class Oracle:
    """Who belongs to each household on each day, kept day by day; ``head`` as last told."""

    known: set[UUID] = field(default_factory=set)
    merged: set[UUID] = field(default_factory=set)
    members: dict[UUID, list[set[UUID]]] = field(
        default_factory=lambda: {house: [set() for _ in range(DAYS)] for house in HOUSES}
    )
    spoken: dict[tuple[UUID, UUID], int] = field(default_factory=dict)  # (house, person) → day of the last word
    head: dict[UUID, UUID | None] = field(default_factory=lambda: dict.fromkeys(HOUSES))
    headed: dict[UUID, int] = field(default_factory=lambda: dict.fromkeys(HOUSES, -1))

    def last(self, house: UUID) -> set[UUID]:
        return self.members[house][-1]

    def too_early(self, house: UUID, people: Any, on: int) -> bool:
        return any(self.spoken.get((house, person), -1) > on for person in people)

    def put(self, house: UUID, person: UUID, on: int, belongs: bool) -> None:
        for number in range(on, DAYS):
            (set.add if belongs else set.discard)(self.members[house][number], person)
        self.spoken[house, person] = on
        if not belongs and self.head[house] == person:
            self.head[house] = None

    def lead(self, house: UUID, person: UUID, on: int) -> None:
        self.head[house], self.headed[house] = person, on

    def foretell(self, act: Act) -> type[Refusal] | None:
        """Do what is asked, or name the refusal and change nothing."""
        return getattr(self, f"_{act.kind}")(act)  # type: ignore[no-any-return]

    def _register(self, act: Act) -> type[Refusal] | None:
        house, first = act.house, act.people[0]
        if house in self.merged:
            return HouseholdAlreadyMerged
        new, gone = set(act.people) - self.last(house), self.last(house) - set(act.people)
        if self.too_early(house, new | gone, act.day):
            return BeforeHouseholdChange
        leads = first in self.last(house) and self.head[house] != first
        if leads and self.headed[house] > act.day:
            return BeforeHouseholdChange
        self.known.add(house)
        for person in new:
            self.put(house, person, act.day, True)
        if first in new:
            self.lead(house, first, act.day)
        for person in gone:
            self.put(house, person, act.day, False)
        if leads:
            self.lead(house, first, act.day)
        return None

    def _living(self, house: UUID) -> type[Refusal] | None:
        if house not in self.known:
            return HouseholdUnknown
        return HouseholdAlreadyMerged if house in self.merged else None

    def _head(self, act: Act) -> type[Refusal] | None:
        if refusal := self._living(act.house):
            return refusal
        if act.person not in self.last(act.house):
            return MemberNotInHousehold
        if self.too_early(act.house, [act.person], act.day):
            return BeforeHouseholdChange
        if self.head[act.house] != act.person:
            if self.headed[act.house] > act.day:
                return BeforeHouseholdChange
            self.lead(act.house, act.person, act.day)
        return None

    def _split(self, act: Act) -> type[Refusal] | None:
        if refusal := self._living(act.house):
            return refusal
        if act.other in self.known:
            return HouseholdNumberTaken
        if not set(act.people) <= self.last(act.house):
            return MemberNotInHousehold
        if self.too_early(act.house, act.people, act.day):
            return BeforeHouseholdChange
        if set(act.people) == self.last(act.house):
            return NobodyLeft
        self.known.add(act.other)
        for person in act.people:
            self.put(act.house, person, act.day, False)
            self.put(act.other, person, act.day, True)
        self.lead(act.other, act.people[0], act.day)
        return None

    def _merge(self, act: Act) -> type[Refusal] | None:
        for house in (act.house, act.other):
            if refusal := self._living(house):
                return refusal
        if act.house == act.other:
            return HouseholdsNotMergeable
        leaving = set(self.last(act.house))
        newcomers = leaving - self.last(act.other)
        if self.too_early(act.house, leaving, act.day) or self.too_early(act.other, newcomers, act.day):
            return BeforeHouseholdChange
        head = self.head[act.house]
        for person in leaving:
            self.put(act.house, person, act.day, False)
        for person in newcomers:
            self.put(act.other, person, act.day, True)
        if self.head[act.other] is None and head in newcomers:
            assert head is not None
            self.lead(act.other, head, act.day)
        self.merged.add(act.house)
        return None

    def _move(self, act: Act) -> type[Refusal] | None:
        if refusal := self._living(act.house):
            return refusal
        return BeforeHouseholdChange if self.too_early(act.house, self.last(act.house), act.day) else None


STATED = HouseholdRegistered(list="civil", division_code="469001")


def asked(states: dict[UUID, Household], act: Act) -> list[Change]:
    """The act, decided by the rules."""
    house, on, state = act.house, day(act.day), states[act.house]
    if act.kind == "register":
        joined = [
            HouseholdMemberJoined(member_id=person, division_code="469001", head=person == act.people[0])
            for person in act.people
        ]
        happened = register_household(house, state, STATED, joined, on)
    elif act.kind == "split":
        return split(house, state, act.other, states[act.other], act.people, act.people[0], None, on)
    elif act.kind == "merge":
        return merge(house, state, act.other, states[act.other], on)
    elif act.kind == "move":
        happened = move(house, state, "469002", None, on)
    else:
        happened = change_head(house, state, act.person, on)
    return [Change(house, each) for each in happened]


def belongs_on(history: list[tuple[Fact, date]], person: UUID, when: date) -> bool:
    """What the events say of one person on one day, read without the rules: the last word up to that day."""
    words = [
        (on, place, isinstance(fact, HouseholdMemberJoined))
        for place, (fact, on) in enumerate(history)
        if isinstance(fact, HouseholdMemberJoined | HouseholdMemberLeft) and fact.member_id == person and on <= when
    ]
    return max(words)[2] if words else False


@given(ACTS)
def test_everyone_is_in_the_household_that_an_office_would_say_on_every_day(acts: list[Act]) -> None:
    oracle = Oracle()
    states = {house: Household() for house in HOUSES}
    histories: dict[UUID, list[tuple[Fact, date]]] = {house: [] for house in HOUSES}
    for act in acts:
        refusal: type[Refusal] | None = None
        changes: list[Change] = []
        try:
            changes = asked(states, act)
        except Refusal as refused:
            refusal = type(refused)
        assert refusal == oracle.foretell(act), act
        for house, (fact, on) in changes:
            histories[house].append((fact, on))
            states[house] = apply_household(states[house], fact, on)
    for house in HOUSES:
        for number in range(DAYS):
            found = {person for person in PEOPLE if belongs_on(histories[house], person, day(number))}
            assert found == oracle.members[house][number], (house, number)
        state = household_of(histories[house])
        assert state == states[house] and state.version == len(histories[house])
        assert state.members.keys() == oracle.last(house)
        assert (state.head, state.merged_into is not None) == (oracle.head[house], house in oracle.merged)


def number(first17: str) -> str:
    return first17 + check_digit(first17)


FATHER, MOTHER, SON = (number(each) for each in ("46900119800101001", "46900119820505002", "46900120140303001"))


class Desk(NamedTuple):
    """A registry over HTTP, and a way to ask as somebody."""

    client: TestClient
    signer: tokens.Ed25519Signer
    installation: Installation

    def headers(self, role: str, claims: dict[str, Any]) -> dict[str, str]:
        token = tokens.token(self.signer, tokens.claims(**({"kind": role, "division": DIVISION[:4]} | claims)))
        return {"authorization": f"Bearer {token}", "idempotency-key": str(uuid4()), "accept-language": "zh"}

    def post(self, path: str, body: dict[str, Any], role: str = "", **claims: Any) -> Any:
        role = role or ("approver" if path.endswith("/approve") else "aid_clerk")  # who prepares, or who may approve
        return self.client.post(path, json=body, headers=self.headers(role, claims))

    def get(self, path: str, role: str = "aid_clerk", **claims: Any) -> Any:
        return self.client.get(path, headers=self.headers(role, claims))

    def agreed(self, path: str, body: dict[str, Any]) -> str:
        """Ask as one clerk and approve as another; the household that the change is about."""
        asked = self.post(path, {"why": "按家庭申请办理", **body})
        assert asked.status_code == 202, asked.text
        proposal = f"/v1/household-proposals/{asked.json()['proposal_id']}"
        shown = self.get(proposal).json()
        done = self.post(f"{proposal}/approve", {"preview_hash": shown["preview_hash"]}, sub="second clerk")
        assert done.status_code == 200, done.text
        return str(done.json()["household_id"])

    def household(self, household_id: str, true_on: str) -> dict[str, Any]:
        self.installation.pump()
        answer = self.client.get(
            f"/v1/households/{household_id}?true_on={true_on}", headers=self.headers("aid_clerk", {})
        )
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def members(self, household_id: str, true_on: str) -> dict[str, bool]:
        """Masked name → head."""
        return {each["name"]: each["head"] for each in self.household(household_id, true_on)["members"]}


@pytest.fixture(scope="module")
def desk(postgres: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    installation = Installation(postgres, tmp_path_factory.mktemp("households"))
    service = installation.start(app.build(installation.settings("registry")))
    signer = tokens.Ed25519Signer()
    hub = SseHub(service.database.app_conninfo)
    made = create_app(
        "registry",
        service.routers,
        authenticator=Authenticator(issuer=tokens.ISSUER, audience=tokens.AUDIENCE, jwks={"keys": [signer.jwk]}),
        database=service.database,
        parts=[hub.part],
        state={"hub": hub},
    )
    with TestClient(made) as client:
        yield Desk(client, signer, installation)
    installation.close()


def family(desk: Desk, household_number: str) -> tuple[str, dict[str, str]]:
    """A household of three since the first of September, and its members' ids by masked name."""
    members = [
        {"name": "王大", "id_number": FATHER, "head": True, "relation": "户主"},
        {"name": "李秀英", "id_number": MOTHER, "relation": "配偶"},
        {"name": "王小明", "id_number": SON, "relation": "子"},
    ]
    body = {"list": "civil", "household_number": household_number, "members": members}
    answer = desk.post("/v1/households?as_of=2026-09-01", body)
    assert answer.status_code == 201, answer.text
    household_id = answer.json()["household_id"]
    shown = desk.household(household_id, "2026-09-01")["members"]
    return household_id, {each["name"]: each["member_id"] for each in shown}


def test_a_split_and_a_merger_are_true_from_their_days(desk: Desk) -> None:
    old, ids = family(desk, "D1")
    leaving = [ids["李*英"], ids["王*明"]]
    body = {"household_number": "D1-2", "member_ids": leaving, "head_id": leaving[0], "on": "2026-10-01"}
    new_id = desk.agreed(f"/v1/households/{old}/split", body)
    new = desk.post(f"/v1/households/{old}/split", {**body, "household_number": "D1", "why": "重复"}).json()
    assert new["code"] == "household_number_taken"
    assert desk.members(old, "2026-09-30") == {"王*": True, "李*英": False, "王*明": False}
    assert desk.members(old, "2026-10-01") == {"王*": True}
    assert desk.members(new_id, "2026-10-01") == {"李*英": True, "王*明": False}

    assert desk.agreed(f"/v1/households/{new_id}/merge", {"into_household_id": old, "on": "2026-11-01"}) == old
    assert desk.members(old, "2026-11-01") == {"王*": True, "李*英": False, "王*明": False}
    gone = desk.household(new_id, "2026-11-01")
    assert (gone["members"], gone["merged_into"]) == ([], old)
    again = desk.post(f"/v1/households/{new_id}/move", {"division_code": "469002", "on": "2026-11-02"})
    assert (again.status_code, again.json()["code"]) == (409, "household_already_merged")


def test_a_move_and_another_head_show_from_their_days_with_the_address_masked(desk: Desk) -> None:
    house, ids = family(desk, "D2")
    told = {"division_code": "469002", "address": "望潮县白沙镇三村12号", "on": "2026-10-05"}
    assert desk.post(f"/v1/households/{house}/move", told).status_code == 200
    assert desk.post(f"/v1/households/{house}/head", {"member_id": ids["李*英"], "on": "2026-10-09"}).status_code == 200
    before, after = desk.household(house, "2026-10-04"), desk.household(house, "2026-10-09")
    assert (before["division_code"], after["division_code"]) == (DIVISION, "469002")
    assert after["address"] and "12号" not in after["address"]
    assert [each["name"] for each in after["members"] if each["head"]] == ["李*英"]
    assert [each["name"] for each in before["members"] if each["head"]] == ["王*"]


def test_an_agency_changes_its_own_households_and_a_refusal_names_what_is_wrong(desk: Desk) -> None:
    house, ids = family(desk, "D3")
    head = {"member_id": ids["李*英"], "on": "2026-10-09"}
    office: dict[str, Any] = {"role": "agency_publisher", "division": None}
    foreign = desk.post(f"/v1/households/{house}/head", head, agency="poverty_office", **office)
    assert (foreign.status_code, foreign.json()["code"]) == (404, "household_unknown")
    own = desk.post(f"/v1/households/{house}/head", head, agency="civil_affairs", **office)
    assert own.status_code == 200, own.text
    everybody = {"household_number": "D3-2", "member_ids": list(ids.values())}
    for path, body, status, code in (
        ("head", {**head, "member_id": str(UUID(int=5))}, 409, "member_not_in_household"),
        ("head", {"member_id": ids["王*"], "on": "2026-10-01"}, 422, "before_household_change"),
        ("merge", {"into_household_id": house, "on": "2026-10-10"}, 422, "households_not_mergeable"),
        ("merge", {"into_household_id": str(UUID(int=6)), "on": "2026-10-10"}, 404, "household_unknown"),
        ("split", {**everybody, "on": "2026-10-10"}, 422, "nobody_left"),
        ("move", {"division_code": "469002", "on": "2026-08-01"}, 422, "before_household_change"),
    ):
        why = {"why": "按家庭申请办理"} if path in ("merge", "split") else {}
        answer = desk.post(f"/v1/households/{house}/{path}", body | why)
        assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
    assert desk.post(f"/v1/households/{house}/head", head, "school", school="S1").status_code == 403

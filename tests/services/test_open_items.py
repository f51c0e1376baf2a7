"""What waits for a person: every kind is served by its service, within the post's place, and no table that could hold
waiting work is forgotten."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from fastapi.testclient import TestClient
from msgspec import structs

from deploy.run import built
from services.audit.events import ErasureRequested, LegalHoldProposed
from services.disbursement.events import AidDisbursed, EntitlementGranted, EntitlementWithdrawn
from shared.hosting.settings import Settings
from shared.kernel.clock import today
from shared.messaging.builds import prepare
from shared.standards.open_work import NOT_WORK, OPEN_WORK, SERVICES, Kind, kinds_of
from shared.standards.posts import Kind as PostKind
from shared.web.application import create_app
from shared.web.authentication import Authenticator
from shared.web.open_items import PATH, Source, open_item_routes
from shared.web.pages import encode_cursor
from tests.services.happenings import listed, review
from tests.services.installation import DIVISION, SECRETS, Installation
from tests.shared.web.tokens import AUDIENCE, ISSUER, Ed25519Signer, claims, token

SIGNER = Ed25519Signer("open items")
COUNTY = {"division": DIVISION[:4]}
# A column of one of these names says that something may wait for somebody.
_WAITS = frozenset(
    (
        "state", "done", "decided_by", "finished_at", "justified", "reviewed", "answer_by", "repeat_on", "helper",
        "erasure", "hold", "granted", "open", "ended", "withdrawn", "acknowledged_at", "over",
        "asked_by", "requested_by", "expires_on", "until",
    )
)  # fmt: skip
_CREATE = re.compile(r"CREATE TABLE (?:IF NOT EXISTS )?(\w+) \((.*?)\n\);", re.DOTALL)
Tables = dict[tuple[str, str], set[str]]


def test_every_kind_is_declared_once_and_served_by_its_service() -> None:
    assert set(OPEN_WORK) == set(Kind)
    assert [kind for service in SERVICES for kind in kinds_of(service)].count(Kind.ALERT) == 1
    with pytest.raises(ValueError, match="other kinds"):
        open_item_routes("visits", [Source(Kind.HELPED_STUDENT, lambda viewer, after, limit: [])])


def waiting_tables(home: Path) -> Tables:
    """(service, table) → its columns that say so, of views and of write-side tables alike."""
    found: Tables = {}
    for name in SERVICES:
        service = built(name, settings_of(name, home))
        for projection in service.projections:
            for table in projection.tables:
                found.setdefault((name, table.name), set()).update(table.columns)
        for _, sql in service.steps:
            for table, body in _CREATE.findall(sql):
                columns = {line.split()[0] for line in body.splitlines() if line.split()}
                found.setdefault((name, table), set()).update(columns)
    return {key: columns & _WAITS for key, columns in found.items() if columns & _WAITS}


def settings_of(name: str, home: Path) -> Settings:
    """As of an installation that nobody connects to."""
    secrets = {each: bytes(32) for each in (*SECRETS, f"hmac-{name}", f"log-{name}")}
    nowhere = "postgresql://nobody:word@127.0.0.1:1/none"
    return Settings(
        service=name, bootstrap_servers="127.0.0.1:1", database_url=nowhere, keys_database_url=nowhere,
        secrets=secrets, division=DIVISION, environment="test", home=home, port=0,
    )  # fmt: skip


def test_no_table_in_which_something_waits_is_forgotten(tmp_path: Path) -> None:
    found = waiting_tables(tmp_path)
    named = {(work.service, table) for work in OPEN_WORK.values() for table in work.tables}
    assert set(found) - named - set(NOT_WORK) == set(), "waiting work, or say in NOT_WORK why not"
    assert set(NOT_WORK) <= set(found) and not named & set(NOT_WORK)


LIMIT = 2
VIEWS = {"matching": "roster", "disbursement": "payments", "registry": "register", "audit": "erasures"}


class County:
    """Four services with what waits in two schools; ``ask`` gets the whole list, page by page."""

    def __init__(self, installation: Installation) -> None:
        self.installation = installation
        self.clients: dict[str, TestClient] = {}
        for name in VIEWS:
            service = built(name, installation.settings(name))
            shown = tuple(each for each in service.projections if each.name == VIEWS[name])
            assert shown, [each.name for each in service.projections]
            installation.start(replace(service, projections=shown))
            prepare(service.database, service.projections)  # empty: a kind that reads them answers with nothing
            authenticator = Authenticator(issuer=ISSUER, audience=AUDIENCE, jwks={"keys": [SIGNER.jwk]})
            app = create_app(name, service.routers, authenticator=authenticator, database=service.database)
            self.clients[name] = TestClient(app)

    def ask(
        self, service: str, kind: PostKind, *, only: Sequence[str] = (), **place: str
    ) -> list[tuple[str, str, int]]:
        """(kind, id, count), in pages of LIMIT; of all kinds, or ``only`` of these."""
        headers = {"authorization": f"Bearer {token(SIGNER, claims(kind=kind, **place))}"}
        found: list[tuple[str, str, int]] = []
        after: str | None = None
        while True:
            given = {"limit": LIMIT, "kind": list(only)} | ({"after": after} if after else {})
            answer = self.clients[service].get(PATH, params=given, headers=headers)
            assert answer.status_code == 200, answer.text
            page = answer.json()
            assert len(page["items"]) <= LIMIT
            found += [(each["kind"], each["item_id"], each["count"]) for each in page["items"]]
            after = page["next"]
            if after is None:
                assert found == sorted(found)
                return found


@pytest.fixture(scope="module")
def county(postgres: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[County]:
    installation = Installation(postgres, tmp_path_factory.mktemp("open-items"))
    found = County(installation)
    yield found
    installation.close()


SCHOOLS = {"S1": "469001100", "S2": "469002100"}


def test_list_rows_wait_where_who_answers_for_them_is(county: County) -> None:
    rows = {school: uuid4() for school in SCHOOLS}
    for school, division in SCHOOLS.items():
        opened = structs.replace(review(rows[school], uuid4()), division_code=division)
        said = listed(rows[school], division_code=division)
        county.installation.append("registry", rows[school], said, date(2025, 9, 1))
        county.installation.append("matching", rows[school], opened, date(2025, 9, 1))
    county.installation.pump()
    everything = sorted(("review", str(each), 1) for each in rows.values())
    assert county.ask("matching", PostKind.REVIEWER, **COUNTY) == everything
    assert county.ask("matching", PostKind.REVIEWER, division=SCHOOLS["S2"][:6]) == [("review", str(rows["S2"]), 1)]
    assert county.ask("matching", PostKind.REVIEWER, division="110000") == []


def test_money_waits_by_school_and_term_and_what_is_to_come_back_apart(county: County) -> None:
    for school, division in SCHOOLS.items():
        for number, (paid, withdrawn) in enumerate([(False, False), (False, False), (True, False), (True, True)]):
            aid: dict[str, Any] = {"student_id": uuid4(), "programme": "living", "term": "2026-autumn"}
            place: dict[str, Any] = {"division_code": division, "school_code": school, "amount_fen": 62_500}
            facts: list[Any] = [
                EntitlementGranted(stage="primary", boarder=True, evidence=(), content_hash="", **aid, **place)
            ]
            if paid:
                facts.append(AidDisbursed(paid_on=date(2026, 9, 9), reference="B1", **aid, **place))
            if withdrawn:
                facts.append(EntitlementWithdrawn(reason="never_true", evidence=(), paid=True, **aid))
            for fact in facts:
                stream = UUID(int=number << 64 | int(school[1:]))
                county.installation.append("disbursement", stream, fact, date(2026, 9, 1))
    county.installation.pump()
    whole = county.ask("disbursement", PostKind.CASHIER, **COUNTY)
    assert [(kind, count) for kind, _, count in whole] == [("payment", 2)] * 2 + [("recovery", 1)] * 2
    assert county.ask("disbursement", PostKind.CASHIER, only=["recovery"], **COUNTY) == whole[2:]
    assert county.ask("disbursement", PostKind.CASHIER, only=["recovery", "payment"], **COUNTY) == whole
    assert county.ask("disbursement", PostKind.CASHIER, only=["letter"], **COUNTY) == []  # no work of a cashier's
    part = county.ask("disbursement", PostKind.CASHIER, division=SCHOOLS["S1"][:6])
    assert len(part) == 2 and set(part) < set(whole)


def test_what_takes_a_second_person_waits_at_the_registry_within_the_place(county: County) -> None:
    ids = {(table, school): uuid4() for table in ("change", "paper") for school in SCHOOLS}
    household = uuid4()
    with psycopg.connect(county.installation.databases["registry"].owner_conninfo) as raw:
        for school, division in SCHOOLS.items():
            raw.execute(
                """INSERT INTO change_sets (change_id, state, kind, day, division_code, school_code, terms, reason,
                   proposed_by) VALUES (%s, 'ready', 'rename_class', '2026-09-01', %s, %s, '{}', 'r', 'x')""",
                (ids["change", school], division, school),
            )
            raw.execute(
                """INSERT INTO papers (paper_id, state, kind, division_code, school_code, as_of, sealed, entered_by)
                   VALUES (%s, 'waiting', 'student', %s, %s, '2026-09-01', '', 'x')""",
                (ids["paper", school], division, school),
            )
        raw.execute(
            """INSERT INTO household_proposals (proposal_id, state, kind, household_id, list, sealed, reason,
               proposed_by) VALUES (%s, 'waiting', 'split', %s, 'civil', '', 'r', 'x')""",
            (household, uuid4()),
        )
    both = sorted(("mass_change", str(ids["change", school]), 1) for school in SCHOOLS)
    approver = [item for item in county.ask("registry", PostKind.APPROVER, **COUNTY) if item[0] != "term_task"]
    assert approver == [("household_change", str(household), 1), *both]
    assert ("mass_change", str(ids["change", "S2"]), 1) not in county.ask(
        "registry", PostKind.APPROVER, division="469001"
    )
    registrar = [item for item in county.ask("registry", PostKind.REGISTRAR, school="S2") if item[0] == "paper"]
    assert registrar == [("paper", str(ids["paper", "S2"]), 1)]
    civil = county.ask("registry", PostKind.AGENCY_PUBLISHER, agency="civil_affairs")
    assert civil == [("household_change", str(household), 1)]
    assert county.ask("registry", PostKind.AGENCY_PUBLISHER, agency="poverty_office") == []


def test_erasures_and_holds_wait_for_who_sees_the_whole_division(county: County) -> None:
    erased, held = uuid4(), uuid4()
    asked = ErasureRequested(student_id=erased, ground="asked_for", reason="家长申请", requested_by="x")
    proposed = LegalHoldProposed(student_id=held, reason="信访", reference="2026-1", proposed_by="x")
    county.installation.append("audit", uuid4(), asked, today())
    county.installation.append("audit", uuid4(), proposed, today())
    county.installation.pump()
    expected = [("erasure", str(erased), 1), ("hold", str(held), 1)]
    assert county.ask("audit", PostKind.APPROVER, **COUNTY) == expected
    assert county.ask("audit", PostKind.APPROVER, division="469001") == []
    assert county.ask("audit", PostKind.AID_CLERK, **COUNTY) == [], "who asks does not approve: nothing waits for him"


def test_a_cursor_of_another_list_is_refused_and_a_post_without_any_right_finds_nothing(county: County) -> None:
    headers = {"authorization": f"Bearer {token(SIGNER, claims(kind=PostKind.REVIEWER, **COUNTY))}"}
    other = encode_cursor((date(2026, 1, 1),))
    assert county.clients["matching"].get(PATH, params={"after": other}, headers=headers).status_code == 422
    headers = {"authorization": f"Bearer {token(SIGNER, claims(kind=PostKind.CASHIER, **COUNTY))}"}
    assert county.clients["matching"].get(PATH, headers=headers).status_code == 403

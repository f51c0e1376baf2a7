"""Two clerks who change the model of a matching service on a real database, and a county whose rows lack numbers, so
that the model has much to say."""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from typing import Any, NamedTuple
from uuid import UUID, uuid4

from services.matching import app, model_handlers, model_queries
from services.matching.commands import ActivateModel, ProposeModel
from services.matching.events import MatchingModelActivated
from services.matching.model_handlers import ModelDesk
from services.matching.model_queries import ChangedListRow, Proposal, Sought
from services.matching.model_reporting import Reporting
from services.matching.scoring import Model, county_model
from services.matching.streams import Streams
from services.registry.events import EntryPersonal, ListEntryAdded, StudentEnrolled, StudentPersonal
from shared.database.database import driver
from shared.eventsourcing.store import Command, Result
from tests.services.installation import DIVISION, Installation
from tests.services.matching.test_deciding import (
    COUNTY,
    SINCE,
    TODAY,
    A,
    Happening,
    Matching,
    decider_of,
    ids,
    listed,
    settle,
    student,
)

NAMES = ("林小燕", "林小雁", "符小妹", "王芳", "欧阳静")
GUARDIANS = ("林大山", "符建国", "")
STUDENTS, ROWS = 12, 30


def county_with(version: str, automatic: float, review: float, **more: Any) -> Model:
    """The shipped model under another name and with other thresholds."""
    raw = county_model().as_json()
    raw |= {"version": version, "thresholds": {"automatic": automatic, "review": review}} | more
    return Model.parse(json.dumps(raw).encode())


STRICT = county_with("strict", 90.0, 25.0)  # no link by score, and few reviews
LENIENT = county_with("lenient", 4.0, -6.0)


def name_of(model: Model) -> str:
    """How decisions name the model."""
    return f"ladder-3+{model.hash[:16]}"


SHIPPED = name_of(county_model())


def unnumbered(seed: int) -> list[Happening]:
    """Students who resemble each other, and rows about them of which few have a number."""
    chance = random.Random(seed)
    happenings: list[Happening] = []
    for stream in ids(seed + 1, STUDENTS):
        personal = StudentPersonal(
            person_id=stream,
            name=chance.choice(NAMES),
            birth_date=date(2014, 3, chance.choice((1, 2, 21))),
            sex=chance.choice(("male", "female")),
            guardian_name=chance.choice(GUARDIANS),
        )
        fact = StudentEnrolled(
            school_code=chance.choice(("S1", "S2")), division_code=f"{DIVISION}101", grade="5", personal=personal
        )
        happenings.append(Happening(stream, fact, SINCE))
    numbered, *rows = ids(seed + 2, ROWS)
    happenings += [student(UUID(int=seed), "王芳", A), listed(numbered, "王芳", A)]
    for stream in rows:
        listed_as = EntryPersonal(
            person_id=stream,
            name=chance.choice(NAMES),
            birth_date=chance.choice((None, date(2014, 3, 1), date(2014, 3, 2), date(2014, 3, 12))),
            sex=chance.choice(("male", "female", None)),
            guardian_name=chance.choice(GUARDIANS),
        )
        row = ListEntryAdded(
            agency="poverty_office",
            list="poverty",
            household_type="脱贫户",
            division_code=DIVISION,
            school_code=chance.choice(("S1", "S2", None)),
            grade=chance.choice(("5", "4", None)),
            personal=listed_as,
        )
        happenings.append(Happening(stream, row, SINCE))
    return happenings


class Handover(NamedTuple):
    """A matching service, and people who propose and activate models."""

    installation: Installation
    matching: Matching
    desk: ModelDesk
    reporting: Reporting

    def happen(self, happenings: Sequence[Happening]) -> None:
        for each in happenings:
            self.installation.append("registry", each.stream, each.fact, each.on)

    def settle(self) -> None:
        settle(self.installation, self.matching)

    def propose(self, model: Model | bytes, by: str = "first", key: UUID | None = None) -> UUID:
        content = model if isinstance(model, bytes) else model.content
        return model_handlers.propose_model(self.desk, ProposeModel(content, by), Command(by, key or uuid4(), content))

    def report(self) -> None:
        while self.reporting.report_some():
            continue

    def activate(
        self, proposal_id: UUID, by: str = "second", report_hash: str | None = None, key: UUID | None = None
    ) -> Result:
        report_hash = report_hash or self.proposal(proposal_id).report_hash or "0" * 64
        intent = ActivateModel(proposal_id, report_hash, by)
        body = f"{proposal_id} {report_hash}".encode()
        return model_handlers.activate_model(self.desk, intent, Command(by, key or uuid4(), body))

    def change_to(self, model: Model) -> UUID:
        """Propose, report, activate."""
        proposal_id = self.propose(model)
        self.report()
        self.activate(proposal_id)
        return proposal_id

    def proposal(self, proposal_id: UUID) -> Proposal:
        with self.desk.database.working() as connection:
            found = model_queries.proposal(driver(connection), proposal_id, "second", activates=True)
        assert found is not None
        return found

    def changed(self, proposal_id: UUID) -> dict[UUID, ChangedListRow]:
        with self.desk.database.working() as connection:
            found = model_queries.changed(driver(connection), proposal_id, Sought(), None, 10_000)
        return {row.entry_id: row for row in found}

    def named(self) -> dict[UUID, str]:
        """Row → the model that its standing decision names."""
        with self.desk.database.working() as connection:
            rows = (
                driver(connection)
                .execute("SELECT entry_id, convert_from(content, 'UTF8')::json->2->>'model' FROM decided")
                .fetchall()
            )
        return dict(rows)

    def table_hash(self) -> str:
        """Of everything decided about every row, and of the roster's decisions as the fold wrote them: without ids of
        events, versions and log indexes."""
        found = sorted((str(entry), *map(str, row)) for entry, row in self.matching.decisions().items())
        with self.desk.database.reading(COUNTY, "roster") as connection:
            folded = driver(connection).execute(_FOLDED).fetchall()
        assert len(folded) == len(found)
        return hashlib.sha256(repr((found, folded)).encode()).hexdigest()


_FOLDED = """
SELECT entity, valid_from, valid_to, state, list, student_id, candidates, rule, score, reason, division_code,
    school_code, household_type
FROM decisions ORDER BY entity, valid_from
"""


def handover_of(installation: Installation, first: Model | None = None) -> Handover:
    """A service whose first model is this one; the shipped one unless given."""
    installation.bare("registry")
    settings = installation.settings("matching")
    built = app.build(settings)
    if first is not None:
        fact = MatchingModelActivated(content=first.content.decode(), content_hash=first.hash, activated_by="test")
        seeds = tuple(replaced(each, fact) for each in built.seeds)
        built = replace(built, seeds=seeds)
    service = installation.start(built)
    installation.open_day(service, TODAY)
    installation.pump()
    streams = Streams(settings.hmac_key)
    deciding = decider_of(service, streams)
    desk = ModelDesk(service.database, service.store, deciding.models)
    matching = Matching(service, deciding)
    return Handover(installation, matching, desk, Reporting(service.database, deciding, deciding.models))


def replaced(seed: Any, fact: MatchingModelActivated) -> Any:
    """The seed with this fact where it plants a model."""
    return seed._replace(fact=fact) if isinstance(seed.fact, MatchingModelActivated) else seed


def waiting(office: Handover) -> int:
    with office.desk.database.working() as connection:
        row = driver(connection).execute("SELECT count(*) FROM matching_work").fetchone()
    assert row is not None
    return int(row[0])

"""Several views at one moment, for a part of the division or across each other, and folds without clock or chance."""

from __future__ import annotations

import builtins
import os
import random
import time
import uuid
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any, NoReturn

import pytest
from sqlalchemy import text

from deploy.views import VIEWS
from services.audit import app
from services.audit.errors import TrueOnAfterKnownAt, WholeDivisionOnly
from services.audit.replays.folding import folded
from services.audit.replays.moments import cut
from services.audit.replays.narrowing import check_scope
from services.audit.replays.replaying import Question, Replays
from shared.database.database import driver
from shared.database.scopes import NO_SCOPE, Scope
from shared.messaging.arrivals import arrival
from shared.messaging.codec import Envelope
from shared.messaging.facts import open_facts
from shared.standards.age import compulsory_period
from tests.services.audit.replays.test_replaying import SERVICES, TODAY, Moment, a_history, archive, replays
from tests.services.happenings import enrolled, someone
from tests.services.installation import DIVISION, Installation

SERVED = ("students", "roster", "payments", "entitlements", "alerts", "visits", "programmes")


class Told:
    """A county with a history, archived; ``moments`` as the input list has it."""

    def __init__(self, installation: Installation, replays: Replays, moments: list[Moment]) -> None:
        self.installation, self.replays, self.moments = installation, replays, moments

    def ask(self, view: str, **question: Any) -> list[dict[str, Any]]:
        question.setdefault("known_at", self.moments[-1].at)
        return self.replays.ask(Question(view, question.pop("true_on", TODAY), **question)).rows


@pytest.fixture(scope="module")
def told(postgres: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Told]:
    installation = Installation(postgres, tmp_path_factory.mktemp("folding"))
    audit = installation.start(app.build(installation.settings("audit"), VIEWS))
    moments = a_history(installation)
    stranger = someone()
    elsewhere = enrolled(stranger, "S2", division_code="469002")
    installation.append("registry", stranger, elsewhere, date(2021, 9, 1))
    installation.pump()
    archive(installation, audit)
    last = moments[-1]._replace(at=max(e.logged.recorded_at for name in SERVICES for e in installation.entries(name)))
    yield Told(installation, replays(installation, audit), [*moments, last])
    installation.close()


def test_a_school_sees_its_own_part_of_a_replay(told: Told) -> None:
    everyone, mine = told.ask("students"), told.ask("students", scope=Scope(school="S1"))
    assert {row["school_code"] for row in everyone} == {"S1", "S2"}
    assert mine == [row for row in everyone if row["school_code"] == "S1"]
    assert told.ask("students", scope=Scope(division="469002")) == [
        row for row in everyone if row["division_code"] == "469002"
    ]
    assert len(told.ask("payments", scope=Scope(school="S1"))) == len(told.moments[-1].paid)
    assert told.ask("payments", scope=Scope(school="S2")) == []
    assert told.ask("students", scope=NO_SCOPE) == []


def test_what_is_no_schools_part_is_refused_to_a_school(told: Told) -> None:
    assert told.ask("programmes")
    with pytest.raises(WholeDivisionOnly):
        told.ask("programmes", scope=Scope(school="S1"))


def test_a_viewer_may_ask_for_no_more_than_he_sees() -> None:
    county, town, school = Scope(division="4690"), Scope(division="469001"), Scope(school="S1")
    for asked in (None, town, school):
        check_scope(county, asked, DIVISION)
    check_scope(town, Scope(division="469001"), DIVISION)
    check_scope(school, Scope(school="S1"), DIVISION)
    for viewer, asked in (
        (town, None),
        (town, Scope(division="469002")),
        (town, school),
        (school, None),
        (school, Scope(school="S2")),
        (school, Scope(division="469001")),
        (NO_SCOPE, None),
        (NO_SCOPE, school),
        (Scope(agency="civil"), Scope(school="S1")),
    ):
        with pytest.raises(WholeDivisionOnly):
            check_scope(viewer, asked, DIVISION)


def test_a_day_that_had_not_come_yet_is_refused_and_the_moments_own_day_is_the_default(told: Told) -> None:
    at = told.moments[-1].at
    answer = told.replays.ask(Question("payments", None, at))
    assert answer.true_on == date.fromisoformat(str(answer.true_on)) >= TODAY
    with pytest.raises(TrueOnAfterKnownAt) as refused:
        told.ask("payments", true_on=answer.true_on + timedelta(days=1))
    assert refused.value.facts["latest"] == answer.true_on.isoformat()


def test_views_of_several_services_are_asked_together(told: Told) -> None:
    projections = {VIEWS[name].projection.name: VIEWS[name].projection for name in SERVED}
    logs = sorted({log for each in projections.values() for log in each.logs if log != "visits"})
    with told.replays.scratch() as connection:
        _, upto = cut(driver(connection), logs, told.moments[-1].at)
        scratch = folded(connection, projections.values(), upto, told.installation.keyring)
        paid = scratch.enter_all().execute(
            text(
                "SELECT count(*) FROM payments_payments p JOIN register_students s ON s.entity = p.student_id"
                " JOIN roster_decisions d ON d.student_id = s.entity WHERE s.school_code = 'S1'"
            )
        )
        assert paid.scalar_one() == len(told.moments[-1].paid)
        for name in SERVED:
            view = VIEWS[name]
            rows = scratch.asked(view.projection.name, view.query, TODAY)
            keys = [tuple(row[field] for field in view.key) for row in rows]
            assert len(set(keys)) == len(keys), name


def test_every_view_can_be_asked_for_everyone_and_its_key_names_a_row(told: Told) -> None:
    projections = {view.projection.name: view.projection for view in VIEWS.values()}
    with told.replays.scratch() as connection:
        upto = {name: len(told.installation.entries(name)) for name in SERVICES}
        scratch = folded(connection, projections.values(), upto, told.installation.keyring)
        student = next(iter(told.moments[-1].paid))
        for name, view in VIEWS.items():
            rows = scratch.asked(view.projection.name, view.query, TODAY)
            keys = {tuple(str(row[field]) for field in view.key) for row in rows}
            assert len(keys) == len(rows), name
            if view.by_person is not None:
                assert view.by_person(scratch.enter(view.projection.name), TODAY, student) is not None


def test_folds_run_with_every_clock_dice_and_file_taken_away(told: Told, monkeypatch: pytest.MonkeyPatch) -> None:
    compulsory_period(date(2015, 1, 1))

    def taken_away(*_: object, **__: object) -> NoReturn:
        raise AssertionError("a fold reached for a clock, chance or a file")

    opened = {}
    projections = {view.projection.name: view.projection for view in VIEWS.values()}
    for name in SERVICES:
        items = [arrival(Envelope(entry.logged, 0, None)) for entry in told.installation.entries(name)]
        for projection in projections.values():
            if name in projection.logs:
                opened[name, projection.name] = open_facts(projection, told.installation.keyring, items)
    with monkeypatch.context() as bare:
        for module, names in (
            (time, ("time", "time_ns", "monotonic", "perf_counter", "localtime", "gmtime")),
            (random, ("random", "randrange", "choice", "getrandbits")),
            (uuid, ("uuid1", "uuid4")),
            (os, ("urandom", "getenv")),
            (builtins, ("open",)),
        ):
            for each in names:
                bare.setattr(module, each, taken_away)
        first, again = (
            {
                (place, index): projections[place[1]].fold(fact)
                for place, facts in opened.items()
                for index, fact in facts.items()
                if not isinstance(fact, Exception)
            }
            for _ in range(2)
        )
    assert first == again and len(first) > 100

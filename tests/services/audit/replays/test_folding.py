"""Several views at one moment, for a part of the division or across each other, and folds without clock or chance."""

from __future__ import annotations

import builtins
import os
import random
import time
import uuid
from datetime import date, timedelta
from typing import NoReturn

import pytest
from sqlalchemy import text

from deploy.views import VIEWS
from services.audit.errors import TrueOnAfterKnownAt, WholeDivisionOnly
from services.audit.replays.folding import folded
from services.audit.replays.moments import cut
from services.audit.replays.narrowing import check_scope
from services.audit.replays.replaying import Question
from shared.database.database import driver
from shared.database.scopes import NO_SCOPE, Scope
from shared.messaging.arrivals import arrival
from shared.messaging.codec import Envelope
from shared.messaging.facts import open_facts
from shared.standards.age import compulsory_period
from tests.services.audit.replays.county import ALL_LOGS, County
from tests.services.audit.replays.test_replaying import TODAY
from tests.services.installation import DIVISION

SERVED = ("students", "roster", "payments", "entitlements", "alerts", "visits", "programmes")


def test_a_school_sees_its_own_part_of_a_replay(county: County) -> None:
    everyone, mine = county.rows("students"), county.rows("students", scope=Scope(school="S1"))
    assert {row["school_code"] for row in everyone} == {"S1", "S2"}
    assert mine == [row for row in everyone if row["school_code"] == "S1"]
    assert county.rows("students", scope=Scope(division="469002")) == [
        row for row in everyone if row["division_code"] == "469002"
    ]
    assert len(county.rows("payments", scope=Scope(school="S1"))) == len(county.end.paid)
    assert county.rows("payments", scope=Scope(school="S2")) == []
    assert county.rows("students", scope=NO_SCOPE) == []


def test_what_is_no_schools_part_is_refused_to_a_school(county: County) -> None:
    assert county.rows("programmes")
    with pytest.raises(WholeDivisionOnly):
        county.rows("programmes", scope=Scope(school="S1"))


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


def test_a_day_that_had_not_come_yet_is_refused_and_the_moments_own_day_is_the_default(county: County) -> None:
    at = county.end.at
    answer = county.replays.ask(Question("payments", None, at))
    assert answer.true_on == date.fromisoformat(str(answer.true_on)) >= TODAY
    with pytest.raises(TrueOnAfterKnownAt) as refused:
        county.rows("payments", true_on=answer.true_on + timedelta(days=1))
    assert refused.value.facts["latest"] == answer.true_on.isoformat()


def test_views_of_several_services_are_asked_together(county: County) -> None:
    projections = {VIEWS[name].projection.name: VIEWS[name].projection for name in SERVED}
    logs = sorted({log for each in projections.values() for log in each.logs})
    with county.replays.scratch() as connection:
        _, upto = cut(driver(connection), logs, county.end.at)
        scratch = folded(connection, projections.values(), upto, county.installation.keyring)
        paid = scratch.enter_all().execute(
            text(
                "SELECT count(*) FROM payments_payments p JOIN register_students s ON s.entity = p.student_id"
                " JOIN roster_decisions d ON d.student_id = s.entity WHERE s.school_code = 'S1'"
            )
        )
        assert paid.scalar_one() == len(county.end.paid)
        for name in SERVED:
            view = VIEWS[name]
            rows = scratch.asked(view.projection.name, view.query, TODAY)
            keys = [tuple(row[field] for field in view.key) for row in rows]
            assert len(set(keys)) == len(keys), name


def test_every_view_can_be_asked_for_everyone_and_its_key_names_a_row(county: County) -> None:
    projections = {view.projection.name: view.projection for view in VIEWS.values()}
    with county.replays.scratch() as connection:
        upto = {name: len(county.installation.entries(name)) for name in ALL_LOGS}
        scratch = folded(connection, projections.values(), upto, county.installation.keyring)
        student = next(iter(county.end.paid))
        for name, view in VIEWS.items():
            rows = scratch.asked(view.projection.name, view.query, TODAY)
            keys = {tuple(str(row[field]) for field in view.key) for row in rows}
            assert len(keys) == len(rows), name
            if view.by_person is not None:
                assert view.by_person(scratch.enter(view.projection.name), TODAY, student) is not None


def test_folds_run_with_every_clock_dice_and_file_taken_away(county: County, monkeypatch: pytest.MonkeyPatch) -> None:
    compulsory_period(date(2015, 1, 1))

    def taken_away(*_: object, **__: object) -> NoReturn:
        raise AssertionError("a fold reached for a clock, chance or a file")

    opened = {}
    projections = {view.projection.name: view.projection for view in VIEWS.values()}
    for name in ALL_LOGS:
        items = [arrival(Envelope(entry.logged, 0, None)) for entry in county.installation.entries(name)]
        for projection in projections.values():
            if name in projection.logs:
                opened[name, projection.name] = open_facts(projection, county.installation.keyring, items)
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

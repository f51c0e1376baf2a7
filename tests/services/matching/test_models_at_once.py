"""What is done at the same moment: decisions on two deciders, one activation and another. The log tells the order."""

from __future__ import annotations

import threading
import time
from collections import Counter
from uuid import UUID, uuid4

import pytest

from services.matching import taking
from services.matching.active_model import ActiveModel
from services.matching.errors import DecidingBusy, ReportOutdated
from services.matching.events import MatchingModelActivated
from services.matching.scoring import county_model
from shared.database import database
from shared.eventsourcing.sealing import unseal
from shared.kernel.refusals import VersionConflict
from tests.services.installation import Installation
from tests.services.matching.model_office import (
    LENIENT,
    SHIPPED,
    STRICT,
    Handover,
    handover_of,
    name_of,
    unnumbered,
    waiting,
)
from tests.services.matching.test_deciding import decider_of


@pytest.fixture
def office(installation: Installation) -> Handover:
    made = handover_of(installation)
    made.happen(unnumbered(5))
    made.settle()
    return made


def test_who_activates_waits_for_decisions_under_way_and_lets_none_begin(office: Handover) -> None:
    proposal_id = office.propose(STRICT)
    office.report()
    other = ActiveModel(office.desk.store, office.desk.models.streams)
    done = threading.Event()

    def activate() -> None:
        office.activate(proposal_id)
        done.set()

    thread = threading.Thread(target=activate)
    with office.desk.database.working() as connection:
        held = other.current(connection)
        assert held is not None and held.hash == county_model().hash
        thread.start()
        assert not done.wait(0.5), "a decision by the old model is under way"
        again = other.current(connection)
        assert again is not None and again.hash == county_model().hash, "the model stays until the transaction ends"
    assert done.wait(10.0)
    thread.join()
    with office.desk.database.working() as connection:
        now = other.current(connection)
    assert now is not None and now.hash == STRICT.hash, "what was remembered is not believed"


def test_decisions_that_do_not_end_in_time_are_told_and_the_same_command_may_come_again(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "LOCK_TIMEOUT_SECONDS", 0.3)
    office = handover_of(installation)
    proposal_id, key = office.propose(STRICT), uuid4()
    office.report()
    with office.desk.database.working() as connection:
        assert office.desk.models.current(connection) is not None
        with pytest.raises(DecidingBusy):
            office.activate(proposal_id, key=key)
    assert len(office.activate(proposal_id, key=key).event_ids) == 1


def test_two_deciders_at_work_name_the_model_activated_last_in_every_decision(
    office: Handover, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(taking, "DAY_ROWS", 3)
    stop = threading.Event()
    workers = []
    for _ in range(2):
        decider = decider_of(office.matching.service, office.desk.models.streams)
        workers.append(threading.Thread(target=decider.run, args=(stop,)))
    for worker in workers:
        worker.start()
    try:
        for model in (STRICT, LENIENT, county_model(), STRICT):
            office.change_to(model)
            time.sleep(0.05)
        deadline = time.monotonic() + 60
        while set(office.named().values()) != {name_of(STRICT)} or waiting(office):
            assert time.monotonic() < deadline
            time.sleep(0.05)
    finally:
        stop.set()
        for worker in workers:
            worker.join()
    office.installation.pump()
    in_force, by_model = "", Counter[str]()
    for entry in office.installation.entries("matching"):
        fact = unseal(entry.logged.event, {})
        if isinstance(fact, MatchingModelActivated):
            in_force = fact.content_hash
        elif hasattr(fact, "model"):
            assert fact.model == f"ladder-3+{in_force[:16]}", entry.logged.log_index
            by_model[fact.model] += 1
    assert by_model.keys() >= {SHIPPED, name_of(STRICT)}, by_model


def test_two_people_who_activate_at_once_put_one_model_in_force(office: Handover) -> None:
    proposals = [office.propose(STRICT), office.propose(LENIENT)]
    office.report()
    hashes = {proposal_id: office.proposal(proposal_id).report_hash for proposal_id in proposals}
    outcomes: list[str] = []
    barrier = threading.Barrier(2)

    def activate(proposal_id: UUID) -> None:
        barrier.wait()
        try:
            office.activate(proposal_id, report_hash=hashes[proposal_id])
            outcomes.append("done")
        except (ReportOutdated, VersionConflict) as refused:
            outcomes.append(refused.code)

    threads = [threading.Thread(target=activate, args=(proposal_id,)) for proposal_id in proposals]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["done", "report_outdated"]
    with office.desk.database.working() as connection:
        assert len(office.desk.models.activations(connection)) == 2

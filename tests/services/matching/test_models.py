"""Models on a real database: a report foretells what an activation does, and afterwards the link table is the one that
the new model would have made from the start."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from services.matching import model_reporting, taking
from services.matching.commands import RuleRow
from services.matching.errors import (
    ModelInForce,
    ModelUnusable,
    ProposalUnknown,
    ReportDiffers,
    ReportMissing,
    ReportOutdated,
    TooManyProposals,
)
from services.matching.events import MatchingModelActivated
from services.matching.handlers import Desk, rule_row
from services.matching.model_change import OPEN_MOST
from services.matching.model_diff import hash_of
from services.matching.model_reporting import Reporting
from services.matching.scoring import Model, county_model
from services.matching.streams import Streams
from shared.database.database import driver
from shared.eventsourcing.sealing import unseal
from shared.eventsourcing.store import Command
from shared.hosting.seeding import plant
from shared.standards.separation import SecondPersonNeeded
from tests.services.installation import Installation
from tests.services.matching.model_office import (
    LENIENT,
    NAMES,
    SHIPPED,
    STRICT,
    Handover,
    county_with,
    handover_of,
    name_of,
    replaced,
    unnumbered,
    waiting,
)
from tests.services.matching.test_deciding import COUNTY, decider_of

OTHERS = pytest.mark.parametrize("chosen", [STRICT, LENIENT], ids=["strict", "lenient"])


@pytest.fixture
def office(installation: Installation) -> Handover:
    made = handover_of(installation)
    made.happen(unnumbered(5))
    made.settle()
    return made


@pytest.fixture
def other_installation(postgres: Any, tmp_path: Path) -> Iterator[Installation]:
    made = Installation(postgres, tmp_path)
    yield made
    made.close()


def test_nothing_is_decided_before_a_model_is_in_force(installation: Installation) -> None:
    office = handover_of(installation)
    with office.desk.database.owner() as connection:  # as it stood before the first seed was planted
        raw = driver(connection)
        raw.execute("ALTER TABLE events DISABLE TRIGGER events_stay")
        raw.execute("DELETE FROM events WHERE stream_id = %s", (office.desk.models.streams.model,))
        raw.execute("ALTER TABLE events ENABLE TRIGGER events_stay")
    office.happen(unnumbered(5))
    office.installation.pump()
    assert not office.matching.deciding.decide_some() and not office.matching.decisions()


def test_the_shipped_model_is_planted_once_and_never_over_one_that_people_chose(office: Handover) -> None:
    fact = MatchingModelActivated(content=STRICT.content.decode(), content_hash=STRICT.hash, activated_by="test")
    service = office.matching.service
    updated = replace(service, seeds=tuple(replaced(each, fact) for each in service.seeds))
    for _ in range(2):
        plant(updated, office.installation.settings("matching").hmac_key)
    with office.desk.database.working() as connection:
        (only,) = office.desk.models.activations(connection)
    assert (only.hash, only.fact.activated_by) == (county_model().hash, "system:configuration")
    assert set(office.named().values()) == {SHIPPED}


@OTHERS
def test_after_an_activation_the_table_is_that_of_the_new_model_from_the_start(
    installation: Installation, other_installation: Installation, chosen: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(taking, "DAY_ROWS", 7)
    office = handover_of(installation)
    happenings = unnumbered(5)
    office.happen(happenings[:30])
    office.settle()
    office.change_to(chosen)
    assert office.matching.deciding.decide_some()
    assert Counter(office.named().values()).keys() == {SHIPPED, name_of(chosen)}, "a page at a time"
    office.happen(happenings[30:])  # rows that come while the model takes over
    office.settle()
    assert set(office.named().values()) == {name_of(chosen)} and waiting(office) == 0
    fresh = handover_of(other_installation, chosen)
    fresh.happen(happenings)
    fresh.settle()
    assert fresh.table_hash() == office.table_hash()


def test_back_to_the_former_model_the_table_is_what_it_was(office: Handover) -> None:
    before = office.table_hash()
    office.change_to(STRICT)
    office.settle()
    assert office.table_hash() != before
    office.change_to(county_model())
    office.settle()
    assert office.table_hash() == before


@OTHERS
def test_what_the_report_foretells_is_what_happens(office: Handover, chosen: Model) -> None:
    before = office.matching.decisions()
    proposal_id = office.propose(chosen)
    office.report()
    told = office.proposal(proposal_id)
    report, rows = told.report, office.changed(proposal_id)
    assert report is not None and told.state == "ready"
    assert office.matching.decisions() == before, "a report decides nothing"
    office.activate(proposal_id)
    office.settle()
    after = office.matching.decisions()

    moved = {entry: (before[entry][:2], after[entry][:2]) for entry in before if before[entry][:2] != after[entry][:2]}
    assert moved, "the model changes something, or this test says nothing"
    foretold = {
        entry: ((row.before.state, row.before.student_id), (row.after.state, row.after.student_id))
        for entry, row in rows.items()
    }
    assert foretold == moved
    counted = Counter((before[entry][0], after[entry][0]) for entry in before)
    assert {(each["before"], each["after"]): each["rows"] for each in report["states"]} == counted
    assert report["rows"] == len(before) and report["changed"] == len(moved)
    kinds: dict[str, Callable[[str, str], bool]] = {
        "newly_linked": lambda was, becomes: was != "linked" and becomes == "linked",
        "links_lost": lambda was, becomes: was == "linked" and becomes != "linked",
        "links_moved": lambda was, becomes: was == "linked" and becomes == "linked",
        "reviews_opened": lambda was, becomes: was != "review" and becomes == "review",
        "reviews_closed": lambda was, becomes: was == "review" and becomes != "review",
    }
    for name, counts in kinds.items():
        assert report[name] == sum(counts(a[0], b[0]) for a, b in moved.values()), name
    assert (report["before"]["hash"], report["after"]["hash"]) == (county_model().hash, chosen.hash)
    for entry, row in rows.items():
        fact = after[entry][2].decode()
        assert f'"rule":"{row.after.rule}"' in fact and f'"score":{row.after.score}' in fact


def test_a_report_names_nobody_and_its_hash_can_be_reckoned_from_what_is_served(office: Handover) -> None:
    proposal_id = office.propose(STRICT)
    office.report()
    told = office.proposal(proposal_id)
    assert told.report is not None
    text = json.dumps(told.report, ensure_ascii=False)
    assert not any(name in text for name in (*NAMES, "林大山"))
    canonical = json.dumps(told.report, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    assert told.report_hash == hashlib.sha256(canonical.encode()).hexdigest()
    lines = [
        json.dumps(
            [
                str(entry),
                *(
                    [side.state.value, side.student_id and str(side.student_id), side.rule, side.score]
                    for side in (row.before, row.after)
                ),
            ],
            separators=(",", ":"),
        )
        for entry, row in sorted(office.changed(proposal_id).items())
    ]
    assert told.report["rows_digest"] == hashlib.sha256("".join(f"{line}\n" for line in lines).encode()).hexdigest()


def test_a_report_goes_on_where_a_dead_process_left_it_and_comes_to_the_same(
    office: Handover, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = office.propose(STRICT)
    office.report()
    monkeypatch.setattr(model_reporting, "PAGE_ROWS", 4)
    in_parts = office.propose(STRICT, by="third")
    seen = []
    while True:
        streams = Streams(office.installation.settings("matching").hmac_key)
        decider = decider_of(office.matching.service, streams)
        if not Reporting(office.desk.database, decider, decider.models).report_some():
            break
        told = office.proposal(in_parts)
        seen.append((told.state, told.rows_done, told.rows_total))
    rows = len(office.matching.decisions())
    assert [done for _, done, _ in seen] == [min(4 * page, rows) for page in range(1, rows // 4 + 2)]
    assert {total for _, _, total in seen} == {rows}
    assert {state for state, _, _ in seen[:-1]} == {"computing"} and seen[-1][0] == "ready"
    assert office.proposal(in_parts).report_hash == office.proposal(whole).report_hash


def test_rulings_stand_before_any_model_and_the_report_knows_them(office: Handover) -> None:
    doubted = next(entry for entry, row in office.matching.decisions().items() if row[0] == "review")
    desk = Desk(office.desk.database, office.desk.store, office.desk.models.streams)
    intent = RuleRow(doubted, "nobody", (), "clerk", None)
    rule_row(desk, COUNTY, intent, Command("clerk", uuid4(), b"nobody"), lambda version: None)
    office.settle()
    ruled = office.matching.decisions()[doubted][:2]
    proposal_id = office.propose(LENIENT)
    office.report()
    assert doubted not in office.changed(proposal_id)
    office.activate(proposal_id)
    office.settle()
    assert office.matching.decisions()[doubted][:2] == ruled


def test_an_activation_needs_a_complete_report_against_the_model_in_force_and_another_person(office: Handover) -> None:
    first, second = office.propose(STRICT, by="first"), office.propose(LENIENT, by="first")
    with pytest.raises(ReportMissing):
        office.activate(first)
    office.report()
    with pytest.raises(SecondPersonNeeded):
        office.activate(first, by="first")
    with pytest.raises(ReportDiffers):
        office.activate(first, report_hash=office.proposal(second).report_hash)
    with pytest.raises(ProposalUnknown):
        office.activate(uuid4(), report_hash="0" * 64)
    assert set(office.named().values()) == {SHIPPED}
    office.activate(first)
    with pytest.raises(ReportOutdated):
        office.activate(second)
    with pytest.raises(ModelInForce):
        office.activate(first)
    assert (office.proposal(first).state, office.proposal(second).state) == ("activated", "outdated")


def test_the_same_command_again_gets_the_same_answer_and_activates_once(office: Handover) -> None:
    key = uuid4()
    proposal_id = office.propose(STRICT, key=key)
    assert office.propose(STRICT, key=key) == proposal_id
    office.report()
    command = uuid4()
    first = office.activate(proposal_id, key=command)
    again = office.activate(proposal_id, key=command)
    assert (again.event_ids, again.replayed) == (first.event_ids, True)
    with office.desk.database.working() as connection:
        assert [each.hash for each in office.desk.models.activations(connection)] == [county_model().hash, STRICT.hash]


def test_the_event_carries_the_model_its_hash_the_report_and_both_people(office: Handover) -> None:
    proposal_id = office.change_to(STRICT)
    office.installation.pump()
    facts = [unseal(entry.logged.event, {}) for entry in office.installation.entries("matching")]
    activated = [fact for fact in facts if isinstance(fact, MatchingModelActivated)][-1]
    assert activated.content.encode() == STRICT.content and hash_of(activated.content.encode()) == STRICT.hash
    assert activated == MatchingModelActivated(
        content=STRICT.content.decode(),
        content_hash=STRICT.hash,
        activated_by="second",
        proposed_by="first",
        report_hash=office.proposal(proposal_id).report_hash,
        replaces=county_model().hash,
    )


def test_what_is_no_use_is_not_even_compared(office: Handover) -> None:
    with pytest.raises(ModelUnusable):
        office.propose(b"{}")
    with pytest.raises(ModelInForce):
        office.propose(county_model())
    for place in range(OPEN_MOST):
        office.propose(county_with(f"v{place}", 30.0, 0.0))
    with pytest.raises(TooManyProposals):
        office.propose(county_with("one more", 30.0, 0.0))
    office.report()
    office.propose(county_with("one more", 30.0, 0.0))


def test_a_model_that_cannot_be_judged_is_never_activated(office: Handover) -> None:
    broken, good = office.propose(STRICT), office.propose(LENIENT)
    with office.desk.database.owner() as connection:
        driver(connection).execute("UPDATE model_proposals SET content = '{}' WHERE proposal_id = %s", (broken,))
    office.report()
    assert (office.proposal(broken).state, office.proposal(good).state) == ("failed", "ready")
    with pytest.raises(ReportMissing) as refused:
        office.activate(broken)
    assert refused.value.facts["state"] == "failed"

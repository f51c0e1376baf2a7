"""A list's history read back from its events, and told again with one submission otherwise: beside a table of persons
that knows nothing of the product, over histories drawn at random."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

from deploy.counterfactual.acts import Act, ListHistory, histories
from deploy.counterfactual.telling import Retold, retell, unlike_the_log
from services.registry.events import ListEntryFields
from services.registry.lists import submissions
from services.registry.lists.withdrawals import Withdrawals
from shared.database.scopes import Scope
from shared.eventsourcing.projection import Recorded
from shared.eventsourcing.sealing import people_in, unseal
from shared.eventsourcing.store import Command
from tests.services.installation import DIVISION, Installation
from tests.services.registry.office import TERM, Office, RunningRegistry
from tests.services.registry.test_withdrawals import KINDS, Sent, without

DAYS = [TERM + timedelta(days=each) for each in range(6)]
PEOPLE = range(1, 5)


@pytest.fixture(scope="module")
def running(postgres: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningRegistry]:
    installation = Installation(postgres, tmp_path_factory.mktemp("lists"))
    yield RunningRegistry(installation)
    installation.close()


def history_of(office: Office) -> ListHistory:
    """The list as its events tell it."""
    office.installation.sequence()
    facts = []
    for logged, _ in office.installation.entries("registry"):
        keys = office.installation.keyring.keys(people_in(logged.event))
        fact = unseal(logged.event, keys)
        if type(fact).__name__.startswith(("ListEntry", "ListSubmission")):
            facts.append(Recorded(logged, fact, None))
    return histories(facts)[office.agency, "poverty"]


def told_again(office: Office, history: ListHistory, acts: list[Act]) -> Retold:
    return retell(sorted(acts, key=lambda act: act.at), (office.agency, "poverty"), history.parts)


def on_days(retold: Retold) -> dict[date, dict[str, str]]:
    """Who stands on each day, and as what: the last said for the latest day."""
    found: dict[date, dict[str, str]] = {day: {} for day in DAYS}
    for day, standing in found.items():
        for told in retold.entries.values():
            begun = [(each.happened.on, number) for number, each in enumerate(told) if each.happened.on <= day]
            fact: Any = told[max(begun)[1]].happened.fact if begun else None
            if isinstance(fact, ListEntryFields) and fact.personal is not None:
                standing[fact.personal.name] = str(fact.household_type)
    return found


def drawn(chance: random.Random) -> list[Sent]:
    """Two to five submissions; an increment says nothing that is said already, for that would leave no trace."""
    history: list[Sent] = []
    now: dict[int, int] = {}  # as last said, whatever day it is said for
    for _ in range(chance.randint(2, 5)):
        whole, on = chance.random() < 0.6, chance.randint(0, 3)
        rows = {who: chance.randrange(3) for who in PEOPLE if chance.random() < 0.6}
        if not whole:
            rows = {who: kind for who, kind in rows.items() if now.get(who) != kind}
        rows = rows or {1: (now.get(1, 0) + 1) % 3}
        history.append(Sent(whole, rows, on))
        now = rows if whole else now | rows
    return history


@pytest.mark.parametrize("seed", range(5))
def test_what_is_left_out_or_comes_at_another_place_gives_the_list_of_such_a_history(
    running: RunningRegistry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    monkeypatch.setattr(submissions, "PERMITTED_REMOVALS_PERCENT", 100)
    chance = random.Random(seed)
    office, sent = Office(running, tmp_path, 500 + seed), drawn(chance)
    for each in sent:
        rows = [row for who, kind in each.rows.items() for row in office.poor(who, household_type=KINDS[kind])]
        office.send(rows, mode="snapshot" if each.whole else "increment", on=each.on)
    history = history_of(office)
    assert [act.unseen for act in history.acts] == [0] * len(sent)
    assert unlike_the_log(history, told_again(office, history, history.acts)) == set()
    for number, act in enumerate(history.acts):
        rest = [each for each in history.acts if each is not act]
        assert on_days(told_again(office, history, rest)) == without(sent, {number}, DAYS), (number, sent)
        place, day = chance.randrange(len(sent)), chance.randint(0, 3)
        at = history.acts[place].at + timedelta(microseconds=1 if place > number else -1)
        moved = [*rest, replace(act, at=at, dated=TERM + timedelta(days=day), late=True)]
        others = [each for each in sent if each is not sent[number]]
        others.insert(place, replace(sent[number], day=day))
        assert on_days(told_again(office, history, moved)) == without(others, set(), DAYS), (number, place, day, sent)


def test_a_history_with_withdrawals_and_confirmations_is_read_back_as_it_was(
    running: RunningRegistry, tmp_path: Path
) -> None:
    office = Office(running, tmp_path, 520)
    first = office.send(office.poor(*range(1, 11)))
    office.send(office.poor(2, 3, household_type=KINDS[1]), mode="increment", on=DAYS[1])
    held = office.send(office.poor(*range(5, 12)), on=DAYS[2])
    assert held.held
    office.confirm(held.submission_id)
    wrong = office.send(office.poor(*range(5, 12), household_type=KINDS[2]), on=DAYS[3])
    command = Command("clerk", uuid4(), b"withdraw")
    whose = Scope(division=DIVISION)
    Withdrawals(office.registry).withdraw(wrong.submission_id, whose, "clerk", "wrong_file", DAYS[4], command)
    never = office.send(office.poor(5), on=DAYS[4])
    assert never.held
    history = history_of(office)
    again = told_again(office, history, history.acts)
    assert unlike_the_log(history, again) == set()
    assert [act.kind for act in history.acts] == [*["stated"] * 3, "confirmed", "stated", "withdrawn", "stated"]
    without_wrong = [act for act in history.acts if act.submission != wrong.submission_id]
    assert on_days(told_again(office, history, without_wrong)) == on_days(again)
    without_first = [act for act in history.acts if act.submission != first.submission_id]
    names = {"李002", "李003"}
    assert set(on_days(told_again(office, history, without_first))[DAYS[1]]) == names
    assert all(isinstance(act.submission, UUID) for act in history.acts)

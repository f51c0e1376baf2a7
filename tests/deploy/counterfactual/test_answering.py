"""Who would have been due what: each answer beside one worked out by hand from the terms and rates."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, date, datetime
from uuid import UUID, uuid4

import msgspec
import pytest

from deploy.counterfactual.keys import ReadKeys
from services.audit.counterfactuals.answer import CounterfactualAnswer
from services.audit.counterfactuals.changes import (
    AnyChange,
    BringList,
    MoveList,
    OtherRules,
    RedateList,
    ReplaceList,
)
from services.audit.counterfactuals.counterfactual_errors import ChangesRefused
from services.disbursement.living_subsidy import LIVING_SUBSIDY
from services.disbursement.schedule import canonical, content_hash
from shared.keys.keyring import KeyRing
from tests.deploy.counterfactual.town import AUTUMN, BOARDER, NEXT_AUTUMN, SPRING, Fen, Town
from tests.services.registry.office import SCHOOLS

TERMS = (AUTUMN, SPRING, NEXT_AUTUMN)


class Forgetful(ReadKeys):
    """The key ring as it is once somebody is erased: it has no key of theirs."""

    def __init__(self, real: KeyRing, person: UUID) -> None:
        super().__init__(real)
        self._person = person

    def keys(self, person_ids: Collection[UUID], create: bool = False) -> dict[UUID, bytes]:
        return {who: key for who, key in super().keys(person_ids).items() if who != self._person}

    def erased(self, person_ids: Collection[UUID]) -> dict[UUID, datetime]:
        return {self._person: datetime(2026, 10, 1, tzinfo=UTC)} if self._person in person_ids else {}


def clean(answer: CounterfactualAnswer) -> CounterfactualAnswer:
    """The answer, once its control run came to the real history: 1 to 4 and 6 are due three terms, 5 and 7 one."""
    assert answer.clean and answer.deviations == [] and answer.entitlements == 17
    return answer


def test_a_late_list_would_have_brought_the_terms_before_it(town: Town) -> None:
    """Two terms more; and as the snapshot of the spring does not name her, she would have left the list by then."""
    answer = clean(town.ask(MoveList(submission=town.sent[2], to=date(2025, 9, 5))))
    assert town.fen(answer) == {
        *(Fen(5, term, 0, BOARDER) for term in (AUTUMN, SPRING)),
        Fen(5, NEXT_AUTUMN, BOARDER, 0),
    }
    (school,) = answer.schools
    assert (school.name, school.children) == (SCHOOLS[0].school_code, 1)
    assert (school.more_fen, school.less_fen) == (2 * BOARDER, BOARDER)
    assert [(each.name, each.more_fen) for each in answer.agencies] == [(town.office.agency, 2 * BOARDER)]
    (reason,) = answer.children[0].reasons
    assert (reason.code, reason.change, [event.type for event in reason.events]) == (
        *("list_moved", 1),
        ["registry.ListEntryAdded.v1"],
    )


def test_a_corrected_list_takes_out_who_never_belonged_there_and_brings_who_did(town: Town) -> None:
    corrected = town.file([*(town.row(child) for child in (1, 2, 4, 5, 7)), town.row(6, name="王小六")])
    changes = [ReplaceList(submission=sent, file="corrected.xlsx") for sent in town.sent[:2]]
    answer = clean(town.ask(*changes, files={"corrected.xlsx": corrected}))
    assert town.fen(answer) == {
        *(Fen(3, term, BOARDER, 0) for term in TERMS),
        *(Fen(5, term, 0, BOARDER) for term in (AUTUMN, SPRING)),
    }
    assert {reason.code for row in answer.children for reason in row.reasons} == {"list_replaced"}


def test_a_list_dated_after_the_term_it_came_in_brings_nothing_for_it(town: Town) -> None:
    answer = clean(town.ask(RedateList(submission=town.sent[0], dated=date(2026, 2, 5))))
    assert {(each.child, each.term, each.would) for each in town.fen(answer)} == {
        (child, AUTUMN, 0) for child in (1, 2, 3, 4, 6, 7)
    }


def test_a_list_that_never_came_brings_what_it_would_have_brought_and_the_same_rules_again_nothing(town: Town) -> None:
    brought = BringList(agency="office_b", list="poverty", on=date(2025, 9, 6), file="late.xlsx", mode="increment")
    version = content_hash(canonical(LIVING_SUBSIDY))[:16]
    again = OtherRules(programme="living_subsidy", version=version, since=date(2025, 9, 6))
    answer = clean(town.ask(brought, again, files={"late.xlsx": town.file([town.row(5)])}))
    assert town.fen(answer) == {Fen(5, AUTUMN, 0, BOARDER), Fen(5, SPRING, 0, BOARDER)}
    assert {row.agencies[0] for row in answer.children} == {"office_b"}


def test_another_rate_changes_every_entitlement_by_exactly_its_half(town: Town) -> None:
    rates = tuple(
        msgspec.structs.replace(rate, yearly_fen=rate.yearly_fen + 20_000) if rate.boarder else rate
        for rate in LIVING_SUBSIDY.rates
    )
    content = canonical(msgspec.structs.replace(LIVING_SUBSIDY, rates=rates))
    answer = clean(town.ask(OtherRules(programme="living_subsidy", content=content)))
    due = {(child, term) for child in (1, 2, 3, 6) for term in TERMS} | {(5, NEXT_AUTUMN), (7, AUTUMN)}
    assert town.fen(answer) == {Fen(child, term, BOARDER, BOARDER + 10_000) for child, term in due}
    assert sum(each.more_fen for each in answer.schools) == 10_000 * len(due)
    assert {reason.code for row in answer.children for reason in row.reasons} == {"other_rules"}


@pytest.mark.parametrize(
    ("change", "wrong"),
    [
        (MoveList(submission=uuid4(), to=date(2025, 9, 5)), "no list submission"),
        (OtherRules(programme="living_subsidy", version="0" * 16), "has no one version"),
        (OtherRules(programme="no_such", version="0" * 16), "no programme no_such"),
        (OtherRules(programme="living_subsidy", content="{}"), "bad programme"),
        (BringList(agency="a", list="civil", on=date(2025, 9, 6), file="lost.xlsx"), "was not given"),
    ],
)
def test_what_cannot_be_changed_is_told_all_at_once(town: Town, change: AnyChange, wrong: str) -> None:
    early = MoveList(submission=town.sent[0], to=date(2025, 8, 31))
    late = RedateList(submission=town.sent[2], dated=date(2026, 9, 21))
    with pytest.raises(ChangesRefused) as refused:
        town.ask(early, late, change)
    told = refused.value.facts["wrong"]
    assert len(told) == 3 and any(wrong in each for each in told)
    assert any("before the first day" in each for each in told) and any("after the moment" in each for each in told)


def test_what_was_decided_about_an_erased_child_stays_and_what_nobody_tells_of_is_marked(town: Town) -> None:
    """Whoever is erased has no name any more that a row could be matched by. Once audit's log says so, her row keeps
    its decision; a key that is gone without a word is a deviation."""
    change = MoveList(submission=town.sent[0], to=date(2025, 9, 6))
    forgetful = Forgetful(town.installation.keyring, town.person(5))
    answer = town.ask(change, keyring=forgetful)
    (deviation,) = answer.deviations
    assert not answer.clean
    assert (deviation.student_id, deviation.term, deviation.rerun) == (town.students[5], NEXT_AUTUMN, "")
    assert deviation.real.startswith(f"due {BOARDER} · paid 0")
    town.tell_erased(5)
    answer = clean(town.ask(change, keyring=forgetful))
    assert town.students[5] not in {row.student_id for row in answer.children}


def test_a_file_is_refused_with_every_row_that_must_be_mended(town: Town) -> None:
    bad = [("", town.office.number(1), "H1", "脱贫户", ""), ("李", "46900120160301001", "H2", "脱贫户", "")]
    change = ReplaceList(submission=town.sent[0], file="bad.xlsx")
    with pytest.raises(ChangesRefused) as refused:
        town.ask(change, files={"bad.xlsx": town.file([*bad, town.row(2)])})
    assert [each.partition(":")[2][1:15] for each in refused.value.facts["wrong"]] == [
        "bad.xlsx row 1",
        "bad.xlsx row 2",
    ]

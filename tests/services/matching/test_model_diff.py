"""The report of what another model would change: counts and digest worked out by hand."""

from __future__ import annotations

import hashlib
import json
from datetime import date
from uuid import UUID

from services.matching.model_diff import ChangedRow, Ending, Tally, digest, report
from services.matching.outcome import Outcome, State
from services.matching.scoring import county_model
from services.matching.scoring.model import Model, Thresholds

ANNA, BERTA = UUID(int=1), UUID(int=2)
OLD = county_model()
NEW = Model("county", "county-2", OLD.prior, Thresholds(20.0, 1.0), OLD.comparisons, OLD.frequencies, OLD.trained)


def linked(student: UUID, score: float = 0.9, rule: str = "R6") -> Outcome:
    return Outcome(State.LINKED, rule, score, "score_agrees", student, (student,))


def review(*candidates: UUID, score: float = 0.5) -> Outcome:
    single = candidates[0] if len(candidates) == 1 else None
    return Outcome(State.REVIEW, "R6", score, "score_review", single, candidates)


def nobody() -> Outcome:
    return Outcome(State.NOT_IN_REGISTER, "", 0.0, "not_found_without_number")


PAIRS = [
    (linked(ANNA), linked(ANNA)),
    (linked(ANNA), linked(ANNA, score=0.8)),
    (linked(ANNA), linked(BERTA)),
    (linked(ANNA), review(ANNA)),
    (review(ANNA), review(ANNA, BERTA)),
    (review(ANNA), linked(ANNA)),
    (review(ANNA), nobody()),
    (nobody(), review(BERTA)),
    (nobody(), nobody()),
]


def tallied() -> tuple[Tally, list[ChangedRow]]:
    tally = Tally()
    found = [tally.note(UUID(int=100 + place), *pair) for place, pair in enumerate(PAIRS)]
    return tally, [row for row in found if row is not None]


def test_rows_that_end_in_another_state_or_at_another_student_are_told() -> None:
    _, rows = tallied()
    assert [row.entry_id.int - 100 for row in rows] == [2, 3, 5, 6, 7]
    assert rows[0] == ChangedRow(UUID(int=102), Ending("linked", ANNA, "R6", 0.9), Ending("linked", BERTA, "R6", 0.9))
    assert rows[1].after == Ending("review", None, "R6", 0.5), "a candidate is not linked"


def test_the_report_counts_every_row_once() -> None:
    tally, rows = tallied()
    told = json.loads(report(OLD, NEW, date(2026, 11, 24), tally, digest(rows)))
    states = {(each["before"], each["after"]): (each["rows"], each["changed"]) for each in told["states"]}
    assert states == {
        ("linked", "linked"): (3, 1),
        ("linked", "review"): (1, 1),
        ("review", "review"): (1, 0),
        ("review", "linked"): (1, 1),
        ("review", "not_in_register"): (1, 1),
        ("not_in_register", "review"): (1, 1),
        ("not_in_register", "not_in_register"): (1, 0),
    }
    names = ("rows", "changed", "newly_linked", "links_lost", "links_moved", "reviews_opened", "reviews_closed")
    assert [told[name] for name in names] == [9, 5, 1, 1, 1, 2, 2]
    assert told["other_grounds"] == 2, "another score, and other candidates"
    assert (told["before"]["hash"], told["after"]["hash"]) == (OLD.hash, NEW.hash)
    assert (told["before"]["automatic"], told["after"]["automatic"]) == (15.0, 20.0)
    assert told["weights"] == [] and told["day"] == "2026-11-24"


def test_the_digest_is_that_of_one_line_for_each_row() -> None:
    _, rows = tallied()
    line = (
        f'["{UUID(int=102)}",["linked","{ANNA}","R6",0.9],["linked","{BERTA}","R6",0.9]]\n'
        f'["{UUID(int=103)}",["linked","{ANNA}","R6",0.9],["review",null,"R6",0.5]]\n'
    )
    assert digest(rows[:2]) == hashlib.sha256(line.encode()).hexdigest()
    assert digest([]) == hashlib.sha256().hexdigest()


def test_a_tally_goes_on_where_it_was_left() -> None:
    whole, _ = tallied()
    tally = Tally()
    for place, pair in enumerate(PAIRS):
        tally = Tally.of(json.loads(json.dumps(tally.as_json())))
        tally.note(UUID(int=100 + place), *pair)
    assert tally == whole
    assert Tally.of({}) == Tally()


def test_the_same_rows_under_the_same_models_give_the_same_report() -> None:
    tally, rows = tallied()
    day = date(2026, 11, 24)
    first = report(OLD, NEW, day, tally, digest(rows))
    assert first == report(OLD, NEW, day, Tally.of(tally.as_json()), digest(rows))
    assert first != report(NEW, OLD, day, tally, digest(rows))

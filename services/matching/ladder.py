"""The ladder: rules tried in order, the first that has an opinion decides. Pure; no storage, clock or chance.

R1  valid identity number and name equal                              → linked
R2  valid number equal, name differs by a slip or another spelling    → linked, with the reason that flags it
R3  the number agrees, the name does not, or it is the guardian's     → review
R4  number with one slip or a mask, one registered number fits        → linked when name, birth date and sex agree
R5  two valid numbers that differ                                     → never linked; review if all else agrees
R6  no usable number on one side                                      → the score links, asks a person, or neither
R7  a head, no student, who stands for a household                     → its members covered, if proven; else review
then out of age, rejected, registered elsewhere, not in the register. Guards turn a link into a review: a number that
two students claim or several names carry, a row that contradicts itself, another student whom the name fits better, a
runner-up close behind, a twin.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

from services.matching import household_rung, number_rungs, score_rung, slip_rung
from services.matching.candidates import Candidates
from services.matching.outcome import Outcome, State
from services.matching.records import EntryRecord
from services.matching.score_rung import Scorer
from services.matching.scoring import county_model, scorer
from shared.standards import age

LOST_DIGITS = frozenset(("numeric_cell", "scientific_notation"))
LADDER_VERSION = "ladder-3"
HASH_LENGTH = 16  # of the model's hash: enough to name one model among all that were ever active


@dataclass(frozen=True, slots=True)
class Rules:
    """Configuration of the ladder; `version` is named by every decision: the rules' own and the model's hash."""

    scorer: Scorer
    lowest_age_years: int = age.AID_AGE_LOWEST_YEARS
    highest_age_years: int = age.AID_AGE_HIGHEST_YEARS

    @property
    def version(self) -> str:
        return f"{LADDER_VERSION}+{self.scorer.model.hash[:HASH_LENGTH]}"


DEFAULT_RULES = Rules(scorer(county_model()))  # with the shipped model: for whoever decides without an installation

Rung = Callable[[EntryRecord, Candidates, Rules, date], Outcome | None]


def decide(entry: EntryRecord, candidates: Candidates, rules: Rules, as_of: date) -> Outcome:
    """The one outcome of a row on a day. Same arguments, same outcome, whatever the order of the candidates."""
    for rung in LADDER:
        outcome = rung(entry, candidates, rules, as_of)
        if outcome is not None:
            return outcome
    raise AssertionError("the last rung always decides")


def _lost_digits(entry: EntryRecord, candidates: Candidates, rules: Rules, as_of: date) -> Outcome | None:
    if entry.id_number is None and entry.number_problem in LOST_DIGITS:
        return Outcome(State.REJECTED, "", 0.0, f"number_{entry.number_problem}")
    return None


def _out_of_age(entry: EntryRecord, candidates: Candidates, rules: Rules, as_of: date) -> Outcome | None:
    born = entry.birth_date
    if born is None and entry.number_problem == "fifteen_digit":
        born = entry.suggested_birth_date
    lowest, highest = rules.lowest_age_years, rules.highest_age_years
    if born is None or age.of_aid_age(born, as_of, lowest, highest):
        return None
    by_household = household_rung.household(entry, candidates, State.OUT_OF_AGE)
    return by_household or Outcome(State.OUT_OF_AGE, "", 0.0, "age", facts={"lowest": lowest, "highest": highest})


def _unusable(entry: EntryRecord, candidates: Candidates, rules: Rules, as_of: date) -> Outcome | None:
    if entry.id_number is not None or (entry.name and entry.birth_date is not None):
        return None
    if entry.number_problem is not None:
        return Outcome(State.REJECTED, "", 0.0, f"number_{entry.number_problem}")
    return Outcome(State.REJECTED, "", 0.0, "nothing_to_match" if entry.name else "row_empty")


def _elsewhere(entry: EntryRecord, candidates: Candidates, rules: Rules, as_of: date) -> Outcome | None:
    if not entry.school_elsewhere:
        return None
    by_household = household_rung.household(entry, candidates, State.REGISTERED_ELSEWHERE)
    return by_household or Outcome(State.REGISTERED_ELSEWHERE, "", 0.0, "school_elsewhere")


def _not_in_register(entry: EntryRecord, candidates: Candidates, rules: Rules, as_of: date) -> Outcome | None:
    reason = "not_found" if entry.id_number is not None else "not_found_without_number"
    by_household = household_rung.household(entry, candidates, State.NOT_IN_REGISTER)
    return by_household or Outcome(State.NOT_IN_REGISTER, "", 0.0, reason)


LADDER: tuple[Rung, ...] = (
    _lost_digits,
    lambda entry, candidates, rules, as_of: number_rungs.shared_number(candidates),
    lambda entry, candidates, rules, as_of: number_rungs.contradicted(entry, candidates),
    lambda entry, candidates, rules, as_of: number_rungs.number_and_name(entry, candidates),
    lambda entry, candidates, rules, as_of: number_rungs.guardian_number(entry, candidates),
    lambda entry, candidates, rules, as_of: slip_rung.slipped(entry, candidates),
    lambda entry, candidates, rules, as_of: score_rung.scored(entry, candidates, rules.scorer),
    lambda entry, candidates, rules, as_of: number_rungs.two_numbers(entry, candidates),
    _out_of_age,
    _unusable,
    _elsewhere,
    _not_in_register,
)

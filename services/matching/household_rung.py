"""R7: a row about an adult of a household, who is no student here: which students does it concern?

A row that names only a head and stands for a household (整户保) covers the students proven to be of it: of one
registered household with the head, or with the head as guardian in their own record, by number and by name. It stays
the head's row, who is no student here, and names them; the covers themselves are dated (household_cover.py). A number
alone may be another person's; then a clerk asks the household register. An allowance for that one member (单人保)
covers nobody else; whether it should is for a clerk to say, unless the student is listed herself.
"""

from __future__ import annotations

from collections.abc import Iterator

from services.matching.candidates import Candidates
from services.matching.evidence import SCORES, in_order, review
from services.matching.household_cover import names_agree
from services.matching.outcome import CANDIDATES_HIGHEST, Outcome, State
from services.matching.records import EntryRecord, StudentRecord


def household(entry: EntryRecord, candidates: Candidates, state: State) -> Outcome | None:
    """R7 for an adult in this state; None when the row concerns nobody else."""
    if entry.covers_one:
        return _single(entry, candidates)
    if not entry.stands_for_household:
        return None
    proven = {student.student_id: student for adult, student in _tied(candidates) if names_agree(entry.name, adult)}
    doubtful = {s.student_id: s for _, s in _tied(candidates) if s.student_id not in proven}
    if doubtful:
        return review("R7", "household_link_unproven", in_order((proven | doubtful).values()))
    if not proven:
        return None
    ids = tuple(s.student_id for s in in_order(proven.values()))[:CANDIDATES_HIGHEST]
    facts = {"count": len(proven)}
    return Outcome(state, "R7", SCORES["R7"], "household_link_proven", None, ids, facts)


def _tied(candidates: Candidates) -> Iterator[tuple[str, StudentRecord]]:
    """Students tied to the row's number by their household or guardian, with the adult's name there."""
    for member in candidates.same_household:
        yield member.adult, member.student
    for student in candidates.same_guardian:
        yield student.guardian_name, student


def _single(entry: EntryRecord, candidates: Candidates) -> Outcome | None:
    found = {
        member.student.student_id: member.student
        for member in candidates.same_household
        if not member.listed and names_agree(entry.name, member.adult)
    }
    return review("R7", "household_single_cover", in_order(found.values())) if found else None

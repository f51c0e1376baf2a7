"""R7: a row that names only a head or guardian and stands for a household (整户保): which students are its members.

The row is about the head, who is no student here, and says so; it names the students whom the household's allowance
reaches.
The link of household and child must itself be proven: the student's own record names the head as guardian, by number
and by name. A number alone may be another person's; then a clerk asks the household register.
"""

from __future__ import annotations

from services.matching.candidates import Candidates
from services.matching.evidence import SCORES, in_order, review
from services.matching.name_relation import COMPATIBLE, name_relation
from services.matching.outcome import CANDIDATES_HIGHEST, Outcome, State
from services.matching.records import EntryRecord


def household(entry: EntryRecord, candidates: Candidates, state: State) -> Outcome | None:
    """R7 for a head in this state; None when the row stands for nobody else or no student has this guardian."""
    members = in_order(candidates.same_guardian)
    if not entry.stands_for_household or not members:
        return None
    if any(name_relation(entry.name, s.guardian_name) not in COMPATIBLE for s in members):
        return review("R7", "household_link_unproven", members)
    ids = tuple(s.student_id for s in members)[:CANDIDATES_HIGHEST]
    facts = {"count": len(members)}
    return Outcome(state, "R7", SCORES["R7"], "household_link_proven", None, ids, facts)

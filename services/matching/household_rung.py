"""R7: a row that names only a head or guardian and stands for a household (整户保): which students are its members.

The link of household and child must itself be proven: the student's own record names the head as guardian, by number
and by name. A number alone may be another person's; then a clerk asks the household register.
"""

from __future__ import annotations

from services.matching.candidates import Candidates
from services.matching.evidence import in_order, linked, review
from services.matching.name_relation import COMPATIBLE, name_relation
from services.matching.outcome import Outcome
from services.matching.records import EntryRecord


def household(entry: EntryRecord, candidates: Candidates) -> Outcome | None:
    """R7; None when the row stands for nobody but itself or no student has this guardian."""
    members = candidates.same_guardian
    if not entry.stands_for_household or not members:
        return None
    proven = [s for s in members if name_relation(entry.name, s.guardian_name) in COMPATIBLE]
    if len(proven) < len(members):
        return review("R7", "household_link_unproven", in_order(members))
    if len(proven) > 1:
        return review("R7", "household_several_members", in_order(members))
    return linked("R7", "household_link_proven", proven[0])

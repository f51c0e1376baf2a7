"""Other thresholds tried on a past: the policy's own rules, over the same days, with nothing raised."""

from __future__ import annotations

from collections import Counter
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from services.notifications import app
from services.notifications.errors import BadRules
from services.notifications.whatif.pasts import Past
from services.notifications.whatif.whatif_api import Thresholds, tries
from shared.database.scopes import NO_SCOPE, Scope
from simulation.class_reports import Shape
from simulation.terms import invented_classrooms, school_time, simulate_terms
from tests.services.installation import Installation
from tests.support.term_feed import TermFeed, alert_facts

COUNTY = Scope(division="4690")


def test_a_past_is_judged_as_it_was_and_by_other_thresholds(postgres: Any, tmp_path: Path) -> None:
    """Tidy classes, so that what was raised then is what the same thresholds find now."""
    time = school_time(date(2026, 11, 16), 1, 35)
    shape = Shape(trouble=12, untidy=0)
    made = simulate_terms("1", invented_classrooms(150, 30, schools=2), time, shape)
    mended = {story.child for story in made.stories if story.mistakes or story.kind in ("documented", "overstayed")}
    installation = Installation(postgres, tmp_path)
    try:
        service = installation.start(app.build(installation.settings("notifications")))
        TermFeed(installation, service, made).run()
        before = list(alert_facts(service))
        past = Past(time.days[0], time.days[-1], COUNTY)
        same = tries(service.database, past, Thresholds())
        stricter = tries(service.database, past, Thresholds(absent_days_running=9))
        school = tries(service.database, Past(*past[:3], school="S00001"), Thresholds())
        nobody = tries(service.database, Past(time.days[0], time.days[-1], NO_SCOPE), Thresholds())
        with pytest.raises(BadRules):
            tries(service.database, past, Thresholds(absent_days_running=0))
        assert list(alert_facts(service)) == before, "a what-if touches nothing"
    finally:
        installation.close()
    raised = Counter(fact.kind for _, _, fact in before if type(fact).__name__ == "AlertRaised")
    now = {each.kind: each.raised for each in same.tried}
    for kind in ("absent_running", "not_returned_at_term_start"):
        assert abs(now[kind] - raised[kind]) <= len(mended), (kind, now, raised)
        assert now[kind] > 3
    assert same.tried == same.in_force == stricter.in_force
    late = {each.kind: each for each in stricter.tried}["absent_running"]
    soon = {each.kind: each for each in same.tried}["absent_running"]
    assert late.raised <= soon.raised and (late.lead_days or 0) < (soon.lead_days or 0)
    for tally in same.tried:
        assert tally.raised == tally.right + tally.wrong + tally.neither + tally.undecided
        assert sum(part.raised for part in same.parts if part.kind == tally.kind) == tally.raised
    assert {part.school_code for part in school.parts} == {"S00001"}
    assert nobody.children == 0

"""Hold, retention and key rotation on a real database: what is asked, who is due, what a second person agrees to."""

from __future__ import annotations

import dataclasses
import uuid
from datetime import date
from typing import Any

import pytest

from services.audit.commands import (
    ApproveErasure,
    ApproveHold,
    ProposeHold,
    ProposeRelease,
    RefuseErasure,
    RequestErasure,
)
from services.audit.erasure import erasure_queries
from services.audit.erasure.desk import activate_rule
from services.audit.erasure.erasure_errors import KekUnknown, NotDueYet, SubjectUnknown, UnderLegalHold
from services.audit.erasure.retention import BadRetentionRule, RetentionRule
from services.audit.erasure.rotating import Rotating
from services.registry.events import StudentLeft
from shared.eventsourcing.store import Command
from shared.keys import rotation
from shared.keys.keyring import KeyRing, kek_id
from shared.web.pages import PageTurn
from tests.services.audit.erasure.county import TODAY, TOWN, County

ALL = PageTurn(None, 50)


def command(by: str = "clerk-a") -> Command:
    return Command(by, uuid.uuid4(), b"")


def due(county: County, day: date) -> list[uuid.UUID]:
    with county.audit.database.working() as connection:
        return [row.student_id for row in erasure_queries.due(connection, day, ALL)]


def test_a_hold_keeps_the_eraser_away_until_two_people_end_it(county: County) -> None:
    child = county.others[0].student
    county.ask(RequestErasure(child, "asked_for", "家长书面申请", "clerk-a"))
    county.ask(ProposeHold(child, "行政复议期间", "复议〔2026〕3号", "clerk-a"))
    county.ask(ApproveHold(child, "auditor-b"))
    with pytest.raises(UnderLegalHold):
        county.ask(ApproveErasure(child, "clerk-b"))
    assert child not in county.eraser.erase_some()
    assert county.installation.keyring.erased([child]) == {}
    with county.audit.database.working() as connection:
        row = erasure_queries.one(connection, child)
    assert row is not None
    assert (row.erasure, row.hold, row.reference) == ("requested", "held", "复议〔2026〕3号")
    county.ask(ProposeRelease(child, "程序已终结", "clerk-a"))
    county.ask(ApproveHold(child, "clerk-b"))
    county.ask(RefuseErasure(child, "家长撤回申请", "clerk-b"))
    with county.audit.database.working() as connection:
        row = erasure_queries.one(connection, child)
    assert row is not None
    assert (row.erasure, row.hold) == ("", "")


def test_nobody_is_asked_about_whom_the_register_never_knew(county: County) -> None:
    with pytest.raises(SubjectUnknown):
        county.ask(RequestErasure(uuid.uuid4(), "asked_for", "家长书面申请", "clerk-a"))


def test_who_left_is_due_when_the_rule_in_force_has_run_out(county: County) -> None:
    child = county.others[1].student
    left = StudentLeft(school_code="S1", division_code=TOWN, reason="graduated")
    county.installation.append("registry", child, left, date(2026, 7, 1))
    county.installation.pump()
    assert due(county, date(2036, 6, 30)) == []
    assert due(county, date(2036, 7, 1)) == [child]
    with pytest.raises(NotDueYet) as early:
        county.ask(RequestErasure(child, "retention", "保存期限届满", "clerk-a"))
    assert early.value.facts == {"due_on": "2036-07-01"}
    activate_rule(county.desk, RetentionRule(years_after_leaving=1), "clerk-a", date(2027, 1, 1), command())
    county.installation.pump()
    assert due(county, date(2027, 7, 1)) == [child]
    county.ask(ProposeHold(child, "行政复议期间", "复议〔2026〕4号", "clerk-a"))
    assert due(county, date(2027, 7, 1)) == []
    with pytest.raises(BadRetentionRule):
        activate_rule(county.desk, RetentionRule(years_after_leaving=0), "clerk-a", TODAY, command())


def test_a_rotation_that_was_killed_is_finished_by_the_next_worker_and_recorded_once(
    county: County, postgres: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings, following = county.installation.settings("audit"), bytes(reversed(range(32)))
    ring = KeyRing(
        settings.keys_database_url,
        settings.secret("kek"),
        name=county.installation.keyring.name,
        others=lambda: [following],
    )
    rotating = Rotating(county.desk, ring, lambda: following, settings.keys_owner)
    with pytest.raises(KekUnknown):
        dataclasses.replace(rotating, next_kek=lambda: None).start("clerk-a", command())
    assert rotating.rotate_some() is None
    keys = ring.keys([county.others[0].person])
    rotating.start("clerk-a", command())
    state = rotating.state()
    assert (state.kek_id, state.done) == (kek_id(following), False)

    def killed(*_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("services.audit.erasure.rotating.Rotating._record", killed)
    with pytest.raises(KeyboardInterrupt):
        rotating.rotate_some()
    monkeypatch.undo()
    assert rotating.rotate_some() == 0
    assert rotating.rotate_some() is None
    assert rotating.state().model_dump() == {"kek_id": kek_id(following), "left": 0, "done": True}
    with rotation.owner_of_keys(settings.keys_database_url, ring.name) as owner:
        assert rotation.left(owner, kek_id(following)) == 0
    after = KeyRing(settings.keys_database_url, following, name=ring.name)
    assert after.keys([county.others[0].person]) == keys
    after.close()
    present = kek_id(settings.secret("kek"))  # the other tests' processes know no other
    with rotation.owner_of_keys(settings.keys_database_url, ring.name) as owner:
        rotation.make_current(owner, present)
        assert rotation.rewrap(owner, ring, present) > 0
    ring.close()

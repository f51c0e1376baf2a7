"""A student's file, why something was decided about her, and why not, compared with what the input list did."""

from __future__ import annotations

import functools
from datetime import datetime
from uuid import UUID

import pytest

from services.audit.errors import NoSuchEvent, NoSuchPerson
from services.audit.replays.moments import cut
from services.audit.replays.person import PersonFile, events_of, particulars_of, person_file, person_in
from services.audit.replays.records import told
from services.audit.replays.why import Ground, Why, decisions, why
from services.audit.replays.why_not import RULES, Subject, WhyNot, why_not
from shared.database.database import driver
from shared.database.scopes import Scope
from tests.services.audit.replays.county import ALL_LOGS, County
from tests.services.audit.replays.test_replaying import TODAY


@functools.cache  # a file takes a fold of everything; the county never changes
def file_of(county: County, student: UUID, known_at: datetime | None = None, scope: Scope | None = None) -> PersonFile:
    return person_file(county.replays, student, known_at or county.end.at, TODAY, scope)


def why_of(county: County, event_id: UUID) -> Why:
    with county.replays.scratch() as connection:
        raw = driver(connection)
        return why(raw, event_id, cut(raw, ALL_LOGS, county.end.at), county.installation.keyring)


def why_not_of(county: County, student: UUID, subject: Subject) -> WhyNot:
    rules = {view: county.rows(view) for view in RULES[subject]}
    return why_not(file_of(county, student), subject, rules)


def test_the_file_holds_every_view_about_her_and_nothing_about_anybody_else(county: County) -> None:
    file = file_of(county, county.paid)
    assert {"students", "roster", "categories", "list_rows", "entitlements", "payments"} <= file.views.keys()
    for name, rows in file.views.items():
        alone = county.rows(name, student_id=county.paid)
        assert rows == alone, name
    others = {str(each) for each in county.moments[-1].paid.keys() | county.moments[-1].dropped_out} - {
        str(county.paid)
    }
    assert not others & set(repr(file).split("'"))


def test_what_a_row_said_of_another_student_is_not_in_her_file(county: County) -> None:
    types = [each.type for each in file_of(county, county.stranger).events if each.service == "matching"]
    assert types == ["matching.LinkConfirmed.v1", "matching.LinkWithdrawn.v1"]


def test_her_events_stand_in_order_over_all_services_with_what_is_personal_masked(county: County) -> None:
    file = file_of(county, county.paid)
    assert [each.recorded_at for each in file.events] == sorted(each.recorded_at for each in file.events)
    types = [each.type for each in file.events]
    assert [types.index(f"{name}.v1") for name in ("registry.StudentEnrolled", "matching.LinkConfirmed")] == [0, 1]
    assert {"disbursement.EntitlementGranted.v1", "disbursement.AidDisbursed.v1"} <= set(types)
    assert file.events[0].said["personal"]["name"] == "张*明"
    assert file.events[0].said["personal"]["birth_date"] == "2016-**-**"
    assert "张小明" not in repr(file)


def test_the_file_of_a_moment_holds_nothing_recorded_later(county: County) -> None:
    before = file_of(county, county.paid, known_at=county.moments[0].at)
    assert "payments" not in before.views
    assert max(each.recorded_at for each in before.events) <= county.moments[0].at


def test_a_student_outside_the_scope_or_unknown_is_not_there(county: County) -> None:
    assert file_of(county, county.paid, scope=Scope(school="S1")).views["students"]
    for student, scope in ((county.paid, Scope(school="S2")), (UUID(int=9), None)):
        with pytest.raises(NoSuchPerson):
            file_of(county, student, scope=scope)


def test_a_payment_leads_to_grant_link_enrolment_programme_and_the_clerk(county: County) -> None:
    found = why_of(county, county.event("disbursement.AidDisbursed.v1", county.paid))
    types = {each.type for each in found.events}
    assert types >= {
        "disbursement.EntitlementGranted.v1",
        "matching.LinkConfirmed.v1",
        "registry.StudentEnrolled.v1",
        "disbursement.ProgrammeActivated.v1",
    }
    assert "clerk" in found.people and found.complete
    granted = county.event("disbursement.EntitlementGranted.v1", county.paid)
    link = county.event("matching.LinkConfirmed.v1", county.paid)
    assert Ground(granted, link, "evidence") in found.grounds
    programme = next(each for each in found.events if each.type == "disbursement.ProgrammeActivated.v1")
    assert Ground(granted, programme.event_id, "rules") in found.grounds
    assert all(each.recorded_at < found.decision.recorded_at for each in found.events)


def test_an_alert_leads_to_the_fact_and_the_rules_in_force(county: County) -> None:
    found = why_of(county, county.event("notifications.AlertRaised.v1", county.dropped_out))
    assert {"registry.StudentLeft.v1", "notifications.AlertRulesActivated.v1"} <= {each.type for each in found.events}


def test_from_a_person_to_every_decision(county: County) -> None:
    types = [each.type for each in decisions(file_of(county, county.paid).events)]
    assert sorted(types) == [
        "disbursement.AidDisbursed.v1",
        "disbursement.EntitlementGranted.v1",
        "matching.LinkConfirmed.v1",
    ]


def test_an_event_nobody_knew_then_has_no_why(county: County) -> None:
    with pytest.raises(NoSuchEvent):
        why_of(county, UUID(int=1))


def test_why_not_names_the_first_thing_that_is_missing(county: County) -> None:
    assert why_not_of(county, county.paid, "aid").missing is None
    assert why_not_of(county, county.unaided, "aid").missing == "listed"
    assert why_not_of(county, county.unaided, "link").missing == "listed"
    left = why_not_of(county, county.dropped_out, "aid")
    assert left.missing == "registered" and left.steps[0].reasons == ["dropped_out"]
    assert why_not_of(county, county.unaided, "alert").missing == "absent"
    rules = why_not_of(county, county.unaided, "aid").rules
    assert {each.view for each in rules} >= {"programmes"} and all(len(each.content_hash) == 64 for each in rules)


def test_in_full_the_file_shows_her_and_nobody_else(county: County) -> None:
    with county.replays.scratch() as connection:
        full = person_in(connection, county.replays, county.paid, county.end.at, TODAY, None, in_full=True)
    assert particulars_of(full) == {"name": "张小明", "birth_date": "2016-03-01"}
    assert full.events[0].said["personal"]["name"] == "张小明"
    masked = file_of(county, county.paid)
    assert particulars_of(masked) == {"name": "张*明", "birth_date": "2016-**-**"}
    assert [each.event_id for each in full.events] == [each.event_id for each in masked.events]
    with county.replays.scratch() as connection:
        raw = driver(connection)
        known = cut(raw, ALL_LOGS, county.end.at)
        hers = events_of(raw, county.paid, known)
        assert told(hers, county.installation.keyring, county.paid, [county.stranger]) == masked.events

"""Replays, students' files and questions: whoever asks for a part gets the part, and the file to keep holds no more."""

from __future__ import annotations

from typing import Any

import pytest
from httpx import Response

from deploy.views import VIEWS
from tests.services.access_matrix.asking import Found, ask
from tests.services.access_matrix.opened import betrayed, in_scope, shown, texts
from tests.services.access_matrix.oracle import Person, people, who_may
from tests.services.access_matrix.planted import Planted
from tests.services.access_matrix.records import SCHOOLS, Child, children

ASKING = who_may()["audit", "POST", "/replay/{view}"]
CHILDREN_IN = {"students": "student", "alerts": "alert"}  # views that show every planted child
# Rules and programmes of the whole installation, and whose particulars are to be erased: no row has a place, so to
# nobody, whatever they see, is a part of it shown.
WITHOUT_PARTS = {"alert_rules", "erasures", "programmes", "retention_rules"}
# Of audit's own log only, in which nothing was told here: the same answer to everybody, of every part.
NOTHING_TOLD = {"alarm_notes"}
PARTS = tuple({"school_code": school} for school in SCHOOLS) + tuple(
    {"division_code": division} for division in ("469001100", "469001", "4601")
)


def replayers() -> list[Person]:
    return [person for person in people() if person.kind in ASKING]


def permitted(person: Person, part: dict[str, str]) -> bool:
    """Whether a part lies within the scope; without one, all of it does to who sees the whole."""
    if person.whole:
        return True
    if "school_code" in part:
        return part["school_code"] == person.school
    return person.division is not None and part.get("division_code", "-").startswith(str(person.area))


def replay(county: Planted, person: Person, view: str, part: dict[str, str], found: Found) -> None:
    """A view by each way there is to it."""
    client = county.clients["audit"]
    difference: dict[str, Any] = {**part, "before": {"true_on": "2020-01-01"}}
    for path, body in (
        (f"/replay/{view}", part),
        (f"/replay/{view}/difference", difference),
        (f"/replay/{view}/bundle", part),
        (f"/replay/{view}/bundle", {**part, "with_log": True}),
        (f"/replay/{view}/difference/bundle", {**difference, "with_log": True}),
    ):
        answer = ask(client, person, "POST", path, json=body)
        where = (person, path, body, answer.status_code, answer.text[:200])
        may = permitted(person, part) and (person.whole or "with_log" not in body)
        right = _as_it_should(view, part, answer) if may else answer.status_code == 403
        found.expect(right, *where)
        told = betrayed(person, answer.content) if not person.whole else set()
        found.expect(not told, "shown", told, *where, cases=len(children()))
        if part and answer.is_success and "with_log" not in body:
            beside = {str(child.student) for child in children() if not _in_part(child, part)}
            found.expect(not any(each in texts(answer.content) for each in beside), "beside", *where, cases=len(beside))
        if answer.is_success and path == f"/replay/{view}" and view in CHILDREN_IN:
            within = [child for child in in_scope(person) if _in_part(child, part)]
            wanted = {getattr(child, CHILDREN_IN[view]) for child in within}
            found.expect(wanted <= shown(texts(answer.content)), "missing", *where, cases=len(wanted))


def _as_it_should(view: str, part: dict[str, str], answer: Response) -> bool:
    """What becomes of a part that may be asked for: it is shown, unless the view has none."""
    code = "" if answer.is_success else answer.json()["code"]
    if view in NOTHING_TOLD:
        return (answer.status_code, code) == (409, "before_first_event")
    if part and view in WITHOUT_PARTS:
        return (answer.status_code, code) == (403, "whole_division_only")
    return answer.is_success or (answer.status_code == 422 and code in ("only_by_student", "not_by_student"))


def _in_part(child: Child, part: dict[str, str]) -> bool:
    return child.school == part.get("school_code", child.school) and child.division.startswith(
        part.get("division_code", "")
    )


def files_of_children(county: Planted, person: Person, found: Found, every: int = 1) -> None:
    """A student's file, its bundle, why not and by record: of somebody elsewhere there is nothing."""
    client = county.clients["audit"]
    part = {"school_code": person.school} if person.school else {}
    if person.division and not person.whole:
        part = {"division_code": person.division}
    for child in children()[::every]:
        about = {**part, "student_id": str(child.student)}
        for path, body in (
            ("/person", about),
            ("/person/bundle", about),
            ("/person/bundle", {**about, "with_log": True}),
            ("/why-not", {**about, "subject": "aid"}),
            ("/replay/students", about),
            ("/records", {"record_id": str(child.alert)}),
        ):
            answer = ask(client, person, "POST", path, json=body)
            where = (person, path, body, answer.status_code, answer.text[:200])
            told = betrayed(person, answer.content) - {str(child.student), str(child.alert)}
            found.expect(person.whole or not told, "shown", told, *where, cases=len(children()))
            if not person.sees(child) and not person.whole:
                empty = answer.is_success and str(child.school) not in answer.text
                found.expect(answer.status_code in (403, 404) or empty, "told of", *where)


def test_a_replay_shows_its_part_and_the_whole_log_goes_to_who_sees_the_whole(county: Planted) -> None:
    found = Found()
    registrar, auditor = Person("registrar", school="S1"), Person("auditor", division="469001")
    for person, view, part in (
        (registrar, "students", PARTS[0]),
        (registrar, "alerts", {}),
        (registrar, "roster", PARTS[1]),
        (auditor, "roster", PARTS[5]),
    ):
        replay(county, person, view, part, found)
    files_of_children(county, registrar, found, every=31)
    found.check(800)


@pytest.mark.long
@pytest.mark.timeout(3_600)
def test_every_replay_shows_its_part(county: Planted) -> None:
    found = Found()
    for person in replayers()[::5]:
        for number, view in enumerate(sorted(VIEWS)):
            for part in ({}, PARTS[number % len(PARTS)]):
                replay(county, person, view, part, found)
        files_of_children(county, person, found, every=9)
    print(f"replays: {found.cases:,} cases")
    found.check(20_000)

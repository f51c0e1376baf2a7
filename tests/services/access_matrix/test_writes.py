"""Whatever is not a GET, about a planted child out of scope: refused as if she never was, and nothing is stored.

The last file of the folder: at its end everything is done to children in scope, which changes the county.
"""

from __future__ import annotations

import re
from dataclasses import replace
from functools import cache
from typing import Any, cast
from uuid import UUID, uuid4

import pytest

from tests.services.access_matrix.asking import Found, ask
from tests.services.access_matrix.opened import betrayed
from tests.services.access_matrix.oracle import Person, one_of_each, people, who_may
from tests.services.access_matrix.planted import Planted
from tests.services.access_matrix.records import Child, children, linked
from tests.services.access_matrix.requests import Description, placed

_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
WRITES = [route for route in who_may() if route[1] != "GET"]


@cache
def _described(county: Planted, service: str) -> Description:
    return Description(county.clients[service].app.openapi())  # type: ignore[attr-defined]  # the application's


def stored(county: Planted, service: str) -> int:
    """How many events a service has."""
    return county.events_of(service)


def unknown(child: Child) -> Child:
    """A child of the same place whom nobody knows."""
    ids = {name: uuid4() for name in ("student", "entry", "entitlement", "visit", "alert", "document")}
    return replace(child, **cast(dict[str, Any], ids))


def send(county: Planted, person: Person, route: tuple[str, str, str], child: Child) -> tuple[Any, UUID | None, Any]:
    """The answer, the planted id that stood in the request, and the request's body."""
    service, method, path = route
    told = _described(county, service)
    body = told.body(method, path, child)
    where, planted = placed(path, child)
    if planted is None and body is not None and str(child.student) in str(body):
        planted = child.student
    request: dict[str, Any] = {"params": told.query(method, path, child)}
    if body is not None:
        request["json"] = body
    return ask(county.clients[service], person, method, where, **request), planted, body


def plain(answer: Any) -> tuple[int, str]:
    """What an answer says, whoever it was about."""
    return answer.status_code, _UUID.sub("ID", answer.text)


def entitled(person: Person, route: tuple[str, str, str]) -> bool:
    """Whether the route goes by the installation's logs and the person answers for all of it (oracle.py)."""
    return route[0] == "audit" and person.whole and person.kind in who_may()[route]


def refused(county: Planted, person: Person, route: tuple[str, str, str], child: Child, found: Found) -> None:
    """About a child out of scope: nothing is told, nothing is stored."""
    if entitled(person, route):
        return
    before = stored(county, route[0])
    answer, planted, body = send(county, person, route, child)
    where = (person, route, child.school, child.classroom, answer.status_code, answer.text[:300], body)
    found.expect(stored(county, route[0]) == before or route in NOBODYS, "stored", *where)
    found.expect(answer.status_code < 500, "failed", *where)
    sent = {str(planted), str(child.student), child.school, child.division}
    found.expect(not betrayed(person, answer.content) - sent, "shown", *where, cases=len(children()))
    if person.kind not in who_may()[route]:
        found.expect(answer.status_code == 403, "let in", *where)
        return
    if planted is None or route in ASKED_ABOUT:
        return
    stranger = unknown(child)
    other, _, _ = send(county, person, route, stranger)
    found.expect(
        answer.status_code in (403, 404) or (answer.status_code == 422 and route in ROWS), "not refused", *where
    )
    found.expect(plain(answer) == plain(other), "tells apart", *where, other.text[:300])


# Stored, and rightly: what concerns nobody's record but one's own or the settings of the whole installation; a file
# taken away, which is noted; and asking the owner of a record, of whom nothing is told back.
NOBODYS = {
    *(("notifications", "POST", path) for path in ("/alert-rules", "/case-plan", "/webhooks")),
    ("notifications", "PUT", "/contacts/me"),
    *(("registry", "POST", path) for path in ("/exports/{kind}", "/lists/{list_name}/stream", "/change-requests")),
}
# Answered 422, and of one out of scope exactly as of one who never was: rows that name no class or student of the
# viewer's are wrong rows.
ROWS = {("registry", "POST", path) for path in ("/attendance", "/changes/classes")}
# Tells whether a record is there to who names its id: whom it belongs to is what is asked.
ASKED_ABOUT = {("registry", "POST", "/change-requests")}


SOME = {"registrar", "class_teacher", "township_cadre", "cashier", "reviewer"}


def away(person: Person) -> list[Child]:
    """The nearest children out of scope: of the same school, the same division, elsewhere."""
    found = [child for child in children() if not person.sees(child) and not person.sees_row(child)]
    keys = (lambda each: each.school == person.school, lambda each: each.division[:6] == "469001", lambda each: True)
    return list(dict.fromkeys(next(filter(key, found)) for key in keys if any(map(key, found))))


def test_nothing_is_done_to_who_is_out_of_scope(county: Planted) -> None:
    found = Found()
    for person in one_of_each():
        for route in WRITES:
            # What is asked of audit has the tests of replays; the rest of the kinds, --long.
            if person.kind in who_may()[route] & SOME and route[0] != "audit":
                refused(county, person, route, away(person)[0], found)
    found.check(2_000)


def test_who_may_not_is_refused_before_anything_of_the_request_is_read(county: Planted) -> None:
    """Neither what is wrong with a body nor that a file is missing is told to who may not send one."""
    found = Found()
    for route in WRITES:
        stranger = next((person for person in one_of_each() if person.kind not in who_may()[route]), None)
        if stranger is None:  # everybody may
            continue
        where, _ = placed(route[2], children()[0])
        answer = ask(county.clients[route[0]], stranger, route[1], where)
        found.expect(answer.status_code == 403, "let in", stranger, route, answer.status_code, answer.text[:200])
    found.check(150)


@pytest.mark.long
@pytest.mark.timeout(3_600)
def test_nothing_is_done_by_anybody_to_who_is_out_of_scope(county: Planted) -> None:
    found = Found()
    for person in people():
        for route in WRITES:
            may = person.kind in who_may()[route]
            for child in away(person)[: None if may else 1]:
                refused(county, person, route, child, found)
    print(f"writing: {found.cases:,} cases")
    found.check(100_000)


# A planted child of one's own, and still not found: nothing of this kind was planted.
NOT_PLANTED = {
    *(("matching", "POST", f"/reviews/{{entry_id}}/{what}") for what in ("reveal", "ruling", "second-opinion")),
    ("matching", "DELETE", "/reviews/{entry_id}/ruling"),
    *(("registry", "POST", f"/households/{{household_id}}/split{what}") for what in ("", "/preview")),
    ("registry", "POST", "/lists/{list_name}/entries/{entry_id}/remove"),  # rows came as events, not as submissions
    *(("audit", "POST", f"/holds/{{student_id}}/{what}") for what in ("approve", "release")),
    *(("audit", "POST", f"/erasures/{{student_id}}/{what}") for what in ("approve", "refuse")),
}


@pytest.mark.long
@pytest.mark.timeout(3_600)
def test_the_same_requests_reach_who_is_in_scope(county: Planted) -> None:
    """The other half of what is proved above: it was the scope that refused, not the form of the request."""
    somebody = {person.kind: person for person in reversed(one_of_each())}
    somebody |= {kind: replace(somebody[kind], division="4690") for kind in ("aid_clerk", "approver", "auditor")}
    somebody["agency_publisher"] = Person("agency_publisher", agency="poverty_office")
    reached: set[tuple[str, str, str]] = set()
    asked: dict[tuple[str, str, str], set[tuple[int, str]]] = {}
    for number, route in enumerate(WRITES):
        for kind in sorted(who_may()[route]):
            own = [child for child in linked() if somebody[kind].sees(child) or somebody[kind].sees_row(child)]
            if not own or route in reached:
                continue
            answer, planted, _ = send(county, somebody[kind], route, own[number % len(own)])
            if planted is not None:
                asked.setdefault(route, set()).add((answer.status_code, answer.text[:200]))
                if answer.status_code not in (403, 404):
                    reached.add(route)
    missed = {route: told for route, told in asked.items() if route not in reached | NOT_PLANTED}
    assert not missed, "\n".join(map(str, missed.items()))
    assert len(reached) >= 25

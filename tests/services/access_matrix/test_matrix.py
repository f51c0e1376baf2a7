"""Post × scope × endpoint × record: what every GET of every service shows to whom, row by row.

The routes are read from the services' descriptions. Each answer is searched, files in it opened, for the id, the name
and the number of every planted record: one out of scope stands in no answer whatever, and in a list its kind is shown
in every one in scope stands. What is asked for by an id out of scope is answered exactly as an id that never was.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from shared.kernel.clock import today
from tests.services.access_matrix.asking import Found, bearer
from tests.services.access_matrix.opened import hidden, particulars, shown, texts
from tests.services.access_matrix.oracle import Person, one_of_each, people, who_may
from tests.services.access_matrix.planted import SERVICES, Planted
from tests.services.access_matrix.records import Child, Loose, children, linked, loose

# Endless answers have tests of their own (test_streams.py).
STREAMS = ("/roster/stream", "/alerts/stream", "/messages/stream")
ABOUT_CHILD = {"student_id": "student", "alert_id": "alert", "entry_id": "entry", "document_id": "document"}
OTHER = {
    "list_name": "poverty", "name": "a" * 64, "school_code": "S2", "division_code": "469001",
    "index": "1", "service": "registry", "token": "x", "view": "roster",
}  # fmt: skip
QUERY: dict[tuple[str, str], dict[str, Any]] = {
    ("registry", "/class-seats"): {"school": "S1", "stage": "primary", "grade": "五年级"},
    ("registry", "/class-seats/grades"): {"school": "S1"},
    ("matching", "/evidence"): {"student_id": [str(child.student) for child in children()]},
    ("registry", "/students/search"): {"q": "张"},
    ("registry", "/households"): {"list": "poverty", "household_number": "1"},
    ("registry", "/attendance/classes"): {"school": "S1"},
    ("registry", "/attendance/class"): {"school": "S1", "stage": "primary", "grade": "五年级", "class_name": "1班"},
    ("registry", "/reference/school-day"): {"school": "S1"},
    ("registry", "/register-places/students"): {"place": "469001"},
    ("notifications", "/reports/preview"): {"level": "school", "place": "S1"},
}
# What concerns all of a division at once: asked for within it, it is refused.
WHOLE = {
    *(("audit", path) for path in ("/erasures", "/erasures/due", "/keys/rotation", "/retention-rule", "/snapshots")),
    ("audit", "/logs/{service}/export"),
    ("access", "/agency-keys"),
}
# Nothing was told of it here: an answer like any other that shows no row.
NOT_TOLD = ("no_rules_yet", "unknown_class", "no_place")
InList = Callable[[Person], set[UUID]]


def _of(field: str, chosen: Callable[[], list[Child]] = children) -> InList:
    return lambda person: {getattr(child, field) for child in chosen() if person.sees(child)}


# Whom open cases wait for; the others may read them.
WORKING = {"aid_clerk", "registrar", "class_teacher", "principal", "township_cadre"}
# Lists that show every planted record in scope, under its id.
LISTS: dict[tuple[str, str], InList] = {
    ("registry", "/students"): _of("student"),
    ("matching", "/roster"): _of("student", linked),
    ("matching", "/unmatched"): lambda person: {each.entry for each in loose() if person.sees_row(each)},
    ("disbursement", "/entitlements"): _of("entitlement", linked),
    ("disbursement", "/payments"): _of("entitlement", linked),
    ("visits", "/visits"): _of("visit"),
    ("visits", "/helpers"): _of("student"),
    ("notifications", "/alerts"): _of("alert"),
    ("notifications", "/open-items"): lambda person: _of("alert")(person) if person.kind in WORKING else set(),
    ("notifications", "/documented-absences"): _of("document"),
}


def _days() -> dict[str, str]:
    """What a route that asks for days is asked."""
    return {"day": f"{today()}", "last": f"{today()}", "first": f"{today() - timedelta(days=9)}"}


def routes(service: str) -> list[tuple[str, frozenset[str]]]:
    """GET paths of a service with the kinds of post let in."""
    return [
        (path, kinds)
        for (name, method, path), kinds in who_may().items()
        if (name, method) == (service, "GET") and path not in STREAMS and not path.startswith("/log/")
    ]


def let_in(person: Person, service: str, path: str, kinds: frozenset[str]) -> bool:
    """Whether the person's post may ask it at all; models concern the whole division (469000) and ask for its scope."""
    if path == "/agency-keys" and person.agency:
        return person.kind in kinds  # an agency's publisher sees the keys of its own machines
    whole = (service, path) in WHOLE
    whole = whole or (service == "matching" and path.startswith("/models") and path != "/models/in-force")
    return person.kind in kinds and (not whole or "469000".startswith(person.division or "-"))


def ask_everything(county: Planted, person: Person, found: Found) -> None:
    """Every GET without an id of a record in its path."""
    away, names = hidden(person), particulars(person)
    for service in SERVICES:
        client = county.clients[service]
        for path, kinds in routes(service):
            if re.search(r"\{\w+_id\}", path):
                continue
            query = {"limit": "200", **_days(), **QUERY.get((service, path), {})}
            kind = "entries" if person.kind == "agency_publisher" else "students"
            answer = client.get(f"/v1{path.format(**OTHER, kind=kind)}", params=query, headers=bearer(person))
            where = (person, service, path, answer.status_code, answer.text[:200])
            found.expect((answer.status_code == 403) is not let_in(person, service, path, kinds), *where)
            told_nothing = answer.status_code == 422 and answer.json()["code"] in NOT_TOLD
            found.expect(answer.status_code < 500 and (answer.status_code != 422 or told_nothing), *where)
            text = texts(answer.content)
            told = shown(text)
            found.expect(not told & away, "shown", *where, cases=len(away))
            found.expect(not any(each in text for each in names), "named", *where, cases=len(names))
            if answer.status_code == 200 and (expected := LISTS.get((service, path))):
                wanted = expected(person)
                found.expect(wanted <= told, "missing", len(wanted - told), *where, cases=len(wanted))


def ask_by_id(county: Planted, person: Person, chosen: list[Child], found: Found) -> None:
    """Every GET of one record: as it should be in scope, as if it never was outside."""
    for service in SERVICES:
        for path, kinds in routes(service):
            name = next((each for each in ABOUT_CHILD if f"{{{each}}}" in path), None)
            if name is None:
                continue
            unknown = _answer(county, service, path, name, uuid4(), person)
            found.expect((unknown[0] == 403) is (person.kind not in kinds), person, service, path, unknown)
            for child in chosen:
                own = person.sees(child) or (name == "entry_id" and person.sees_row(child))
                told = _answer(county, service, path, name, getattr(child, ABOUT_CHILD[name]), person)
                where = (person, service, path, child.school, child.classroom, told, unknown)
                if not own or person.kind not in kinds:
                    found.expect(told == unknown, "tells apart", *where)
                else:
                    found.expect(told[0] == 200 or name == "entry_id", "not shown", *where)


def _answer(county: Planted, service: str, path: str, name: str, value: UUID, person: Person) -> tuple[int, str]:
    answer = county.clients[service].get(
        f"/v1{path.format(**{name: value})}", params={"version": "1"}, headers=bearer(person)
    )
    return answer.status_code, answer.text.replace(str(value), "ID")


def counts(county: Planted, person: Person, found: Found) -> None:
    """Numbers without rows are of the scope, too."""
    for service, path, expected in (
        ("matching", "/roster/summary", sum(person.sees(child) for child in linked())),
        ("notifications", "/alerts/summary", sum(person.sees(child) for child in children())),
        ("disbursement", "/entitlements/summary", sum(person.sees(child) for child in linked())),
    ):
        if person.kind not in who_may()[service, "GET", path]:
            continue
        told = county.clients[service].get(f"/v1{path}", headers=bearer(person)).json()
        of_children = told["students"] if service == "matching" else told
        numbers = {each for each in _numbers(of_children) if each}
        right = expected in numbers if expected else not numbers
        found.expect(right, person, path, expected, told, cases=len(children()))


def _numbers(told: Any) -> Iterator[int]:
    if isinstance(told, dict):
        for value in told.values():
            yield from _numbers(value)
    elif isinstance(told, list):
        for value in told:
            yield from _numbers(value)
    elif isinstance(told, int) and not isinstance(told, bool):
        yield told


def test_one_of_each_post_sees_its_own_and_nothing_else(county: Planted) -> None:
    found = Found()
    chosen = [child for child in children() if child.classroom == children()[0].classroom][::2]
    for person in one_of_each():
        ask_everything(county, person, found)
        ask_by_id(county, person, chosen[:3], found)
        counts(county, person, found)
    found.check(50_000)


@pytest.mark.long
@pytest.mark.timeout(3_600)
def test_every_post_in_every_place_sees_its_own_and_nothing_else(county: Planted) -> None:
    found = Found()
    for person in people():
        ask_everything(county, person, found)
        ask_by_id(county, person, children()[::2], found)
        counts(county, person, found)
    print(f"reading: {found.cases:,} cases")
    found.check(100_000)


def test_rows_of_the_lists_are_what_was_planted() -> None:
    assert len(children()) == 32 and len({child.student for child in children()}) == 32
    assert isinstance(loose()[0], Loose) and len(loose()) == 12

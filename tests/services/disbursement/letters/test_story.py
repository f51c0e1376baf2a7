"""Story 4: 37 children in 9 counties give 9 letters; 31 aided, 4 not, 2 silent; four join the local roster; a late
"aided" holds exactly that child's payment. Counted beside by what was planted."""

from __future__ import annotations

from uuid import UUID

import pytest

from shared.kernel.clock import today
from tests.services.disbursement.letters.office import LONG_AGO, TERM, Office
from tests.services.installation import Installation

PLACES = {f"4600{number:02}": f"第{number}县" for number in range(10, 19)}


@pytest.fixture
def office(installation: Installation) -> Office:
    return Office(installation)


def planted(office: Office) -> None:
    """37 children in 9 counties, by turns on lists and gone from school here; five more of no concern."""
    for code, name in PLACES.items():
        office.division(code, name)
    places = list(PLACES)
    told: list[tuple[UUID, str]] = []
    for number in range(37):
        place = places[number % len(places)]
        if number % 2:
            office.expect(place, office.went(place, LONG_AGO.replace(year=2024)))
        else:
            child = office.listed(f"{PLACES[place]}中心小学", lists=1 + number % 3)
            told.append((office.expect(place, child), place))
    office.went("469001", LONG_AGO.replace(year=2024))  # to another school of ours
    office.settle()
    for child, place in told:
        office.does(f"/elsewhere/children/{child}/place", {"term": TERM.name, "place": place})


def test_story_four(office: Office) -> None:
    planted(office)
    counted = {row["place"]: row["children"] for row in office.get("/elsewhere").json()["items"]}
    assert counted == {place: len(children) for place, children in office.expected.items()}
    assert (sum(counted.values()), len(counted)) == (37, 9)
    assert office.due() == {}, "nobody is due anything before the answers"

    letters = {place: office.sent(place) for place in PLACES}
    told = {row["letter_id"]: row for row in office.get("/letters").json()["items"]}
    assert {place: told[letter]["children"] for place, letter in letters.items()} == counted
    again = office.post("/letters", {"term": TERM.name, "place": "460010"})
    assert (again.status_code, again.json()["code"]) == (409, "nothing_to_ask")

    children = [(place, child) for place, each in office.expected.items() for child in sorted(each, key=str)]
    kinds = ["aided"] * 31 + ["not_registered", "left", "ineligible", "ineligible"] + ["silent"] * 2
    said = {child: kind for (_, child), kind in zip(children, kinds, strict=True)}
    for place, letter in letters.items():
        answers = [
            {"child_id": str(child), "kind": said[child], "replied_on": str(today())}
            for child in office.expected[place]
        ]
        office.does(f"/letters/{letter}/replies", {"replies": answers})
    joined = {child for child, kind in said.items() if kind in ("not_registered", "left", "ineligible")}
    assert len(joined) == 4
    assert {child: row.programme for child, row in office.due().items()} == dict.fromkeys(joined, "gap_fund")

    late = min(joined, key=str)
    place = next(place for place, each in office.expected.items() if late in each)
    before = office.due()
    office.reply(letters[place], late, "aided", aid="living_subsidy", amount_fen=62_500)
    assert set(office.due()) == joined - {late}
    assert {child: row for child, row in before.items() if child != late} == office.due()
    assert sum(row["aided"] for row in office.get("/letters").json()["items"]) == 32

"""Story 4: 37 children in 9 counties give 9 letters; 31 aided, 4 not, 2 silent; four join the local roster; a late
"aided" holds exactly that child's payment. Counted beside by what was planted."""

from __future__ import annotations

import io
from uuid import UUID

from docx import Document

from services.disbursement.letter_events import LetterPaperRead
from shared.kernel.clock import today
from tests.services.disbursement.letters.office import LONG_AGO, Office

PLACES = {f"4600{number:02}": f"第{number}县" for number in range(10, 19)}


def planted(office: Office) -> dict[str, set[UUID]]:
    """37 children in 9 counties, by turns on lists and gone from school here; one of no concern. Place → children."""
    expected: dict[str, set[UUID]] = {place: set() for place in PLACES}
    for code, name in PLACES.items():
        office.division(code, name)
    places = list(PLACES)
    told: list[tuple[UUID, str]] = []
    for number in range(37):
        place = places[number % len(places)]
        if number % 2:
            child = office.went(place, LONG_AGO.replace(year=2024))
        else:
            child = office.listed(f"{PLACES[place]}中心小学", lists=1 + number % 3)
            told.append((child, place))
        expected[place].add(child)
    office.went("469001", LONG_AGO.replace(year=2024))  # to another school of ours
    office.pump()
    for child, place in told:
        office.does(f"/elsewhere/children/{child}/place", {"term": office.term.name, "place": place})
    office.pump()
    return expected


def test_story_four(office: Office) -> None:
    expected = planted(office)
    before = office.due()
    counted = {
        row["place"]: row["children"] for row in office.get("/elsewhere").json()["items"] if row["place"] in PLACES
    }
    assert counted == {place: len(children) for place, children in expected.items()}
    assert (sum(counted.values()), len(counted)) == (37, 9)
    letters = office.sent(*PLACES)
    told = {row["letter_id"]: row for row in office.get("/letters?limit=200").json()["items"]}
    assert {place: told[letter]["children"] for place, letter in letters.items()} == counted
    again = office.post("/letters", {"term": office.term.name, "place": "460010"})
    assert (again.status_code, again.json()["code"]) == (409, "nothing_to_ask")
    assert office.due() == before, "nobody is due anything before the answers"

    for place, letter in letters.items():
        paper = office.post(f"/letters/{letter}/letter.docx", {"purpose": "寄送对方核实资助情况"}).content
        assert len(Document(io.BytesIO(paper)).tables[0].rows) == 1 + len(expected[place])
        assert "*" not in "".join(cell.text for row in Document(io.BytesIO(paper)).tables[0].rows for cell in row.cells)
    read = [
        child
        for each in office.facts(LetterPaperRead)
        for child in each.children
        if str(each.letter_id) in letters.values()
    ]
    assert sorted(read, key=str) == sorted(set().union(*expected.values()), key=str), "each, once, and nobody else"

    children = [(place, child) for place, each in expected.items() for child in sorted(each, key=str)]
    kinds = ["aided"] * 31 + ["not_registered", "left", "ineligible", "ineligible"] + ["silent"] * 2
    said = {child: kind for (_, child), kind in zip(children, kinds, strict=True)}
    for place, letter in letters.items():
        answers = [
            {"child_id": str(child), "kind": said[child], "replied_on": str(today())} for child in expected[place]
        ]
        office.does(f"/letters/{letter}/replies", {"replies": answers})
    office.pump()
    joined = {child for child, kind in said.items() if kind in ("not_registered", "left", "ineligible")}
    due = {child: row for child, row in office.due().items() if child not in before}
    assert len(joined) == 4
    assert {child: row.programme for child, row in due.items()} == dict.fromkeys(joined, "gap_fund")
    assert {row.name for row in due.values()} <= {"陈*梅", "张*明"}, "each has a name, masked"

    late = min(joined, key=str)
    place = next(place for place, each in expected.items() if late in each)
    office.reply(letters[place], late, "aided", aid="living_subsidy", amount_fen=62_500)
    assert {child: row for child, row in office.due().items() if child not in before} == {
        child: row for child, row in due.items() if child != late
    }
    rows = [row for row in office.get("/letters?limit=200").json()["items"] if row["place"] in PLACES]
    assert (sum(row["aided"] for row in rows), sum(row["undecided"] for row in rows)) == (32, 2)

"""Story: whatever is wrong with what comes in, the answer says what, in words to act on, and nothing is left behind."""

from __future__ import annotations

import io
import time
import uuid
from collections.abc import Callable
from typing import Any

import httpx
import pytest
import python_calamine

from tests.support import sheets
from tests.support.district import District
from tests.support.people import Child

NUMBERS = {
    "a numeric cell": "4.60106E+17",
    "a tail of zeros": "460106201405090000",
    "a wrong check digit": "460106201405090117",
    "a birthday that never was": "460106201413400118",
    "a letter in the middle": "4601062014O5090112",
    "too short": "46010620140509011",
}


def traces(district: District) -> dict[str, int]:
    """How many events each log holds, and how many commands were kept."""
    counts = {}
    for service in ("registry", "matching", "disbursement", "notifications"):
        (row,) = district.system.ask(service, "SELECT (SELECT count(*) FROM events) + (SELECT count(*) FROM commands)")
        counts[service] = int(str(row[0]))
    return counts


def refused(answer: httpx.Response, *statuses: int) -> dict[str, Any]:
    """A problem document with words in Chinese for the person, and no trace of the machinery."""
    assert answer.status_code in statuses, f"{answer.status_code} {answer.text[:300]}"
    assert answer.headers["content-type"].startswith("application/problem+json")
    told: dict[str, Any] = answer.json()
    assert told["code"] and told["title"]
    assert "Traceback" not in answer.text and "psycopg" not in answer.text
    return told


def record(district: District, child: Child | None = None, **fields: Any) -> dict[str, Any]:
    return (child or district.people.child()).record() | fields


@pytest.mark.parametrize("what", NUMBERS)
def test_a_student_with_a_number_that_cannot_be_right_is_refused_with_the_reason(district: District, what: str) -> None:
    district.system.settle()
    before = traces(district)
    body = record(district, id_number=NUMBERS[what], student_number=None)
    told = refused(district.office.clerk.post("registry", "/students", body), 422)
    assert NUMBERS[what] not in str(told), "a number stands in an error"
    assert traces(district) == before


def test_a_number_sent_as_a_number_is_refused_because_it_has_lost_digits(district: District) -> None:
    before = traces(district)
    body = record(district, id_number=460106201405090112, student_number=None)
    refused(district.office.clerk.post("registry", "/students", body), 422)
    row = {"name": "张明", "id_number": 460106201405090112}
    refused(district.office.agencies["poverty"].post("registry", "/lists/poverty/entries", row), 422)
    assert traces(district) == before


def test_an_unknown_school_is_refused_with_the_three_nearest_names(district: District) -> None:
    before = traces(district)
    body = record(district, school_code=None, school="第一小")
    told = refused(district.office.clerk.post("registry", "/students", body), 422)
    nearest = [each["name"] for each in told["facts"]["nearest"]]
    assert len(nearest) == 3
    assert nearest[0] == "第一小学"
    assert traces(district) == before


@pytest.mark.parametrize("made", ["bomb", "crowded", "forged", "torn", "empty"])
def test_a_file_that_is_no_honest_workbook_is_refused_before_it_is_unpacked(district: District, made: str) -> None:
    honest = sheets.xlsx(sheets.table([district.people.row("poverty", "stranger")]))
    files: dict[str, Callable[[], bytes]] = {
        "bomb": sheets.bomb,
        "crowded": sheets.crowded,
        "forged": sheets.forged,
        "torn": lambda: sheets.torn(honest),
        "empty": bytes,
    }
    content = files[made]()
    before, begun = traces(district), time.monotonic()
    params = {"filename": "list.xlsx"}
    office = district.office.agencies["poverty"]
    answer = office.post("registry", "/lists/poverty/submissions", content=content, params=params)
    refused(answer, 400, 413, 415, 422)
    assert time.monotonic() - begun < 15.0
    assert traces(district) == before
    assert district.office.clerk.ask("registry", "/schools").status_code == 200


def test_a_body_that_is_too_large_is_refused(district: District) -> None:
    before = traces(district)
    body = record(district, address="长" * 2_000_000)
    refused(district.office.clerk.post("registry", "/students", body), 413)
    assert traces(district) == before


def test_one_wrong_line_of_a_batch_refuses_the_whole_batch(district: District) -> None:
    import json

    before = traces(district)
    lines = [json.dumps(record(district)) for _ in range(3)]
    lines.insert(2, json.dumps(record(district, id_number=NUMBERS["a wrong check digit"], student_number=None)))
    answer = district.office.clerk.post("registry", "/students/batch", content="\n".join(lines).encode())
    refused(answer, 422)
    assert traces(district) == before


def test_formulas_stay_text_in_every_export(district: District) -> None:
    formula = '=HYPERLINK("http://evil.example","x")'
    child = district.newcomer()
    cells: list[list[sheets.Cell]] = [
        ["姓名", "证件号码", "户类型", "就读学校"],
        [formula, "4.60106E+17", "脱贫户", "@SUM(1+1)"],
        [f"+{child.name}", "460106201405090117", "脱贫户", "-2+3"],
    ]
    office = district.office.agencies["poverty"]
    answer = office.do(
        "registry",
        "/lists/poverty/submissions",
        content=sheets.xlsx(cells),
        params={"mode": "increment", "filename": "list.xlsx"},
    )
    export = office.ask("registry", f"/submissions/{answer['submission_id']}/rejects.xlsx")
    for _ in range(50):
        if export.status_code == 200:
            break
        time.sleep(0.1)
        export = office.ask("registry", f"/submissions/{answer['submission_id']}/rejects.xlsx")
    book = python_calamine.CalamineWorkbook.from_filelike(io.BytesIO(export.content))
    texts = [str(cell) for row in book.get_sheet_by_index(0).to_python() for cell in row]
    assert any(formula in text for text in texts), "the cell is there as it was written"
    assert b"<f>" not in _parts(export.content), "a cell became a formula"
    district.system.settle()
    roster = district.office.clerk.ask("matching", "/roster.xlsx")
    if roster.status_code == 200:
        assert b"<f>" not in _parts(roster.content)
    for row in cells[1:]:
        _withdraw(district, str(row[0]))


def _parts(content: bytes) -> bytes:
    """The unpacked worksheets of a workbook."""
    import zipfile

    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return b"".join(archive.read(name) for name in archive.namelist() if name.startswith("xl/worksheets/"))


def _withdraw(district: District, name: str) -> None:
    """The oracle has not been told of this row: the agency's next whole list leaves it out."""
    left = [row for row in district.oracle.rows.values() if row.list == "poverty"]
    office = district.office.agencies["poverty"]
    content = sheets.xlsx(sheets.table(left, "poverty"))
    receipt = district.office.send(office, "poverty", content, district.today, mode="snapshot")
    if receipt["held"]:
        office.do("registry", f"/submissions/{receipt['submission_id']}/confirm")
    district.system.settle()
    assert not [line for line in district.observed.lines() if line[:3] == ("row", "poverty", name)]


@pytest.mark.parametrize("how", ["none", "garbage", "expired", "another issuer", "another audience", "unsigned"])
def test_a_wrong_token_opens_nothing(district: District, how: str) -> None:
    callers = district.system.callers
    claims: dict[str, Any] = {"division": district.system.division}
    other = {"another issuer": {"iss": "http://evil.example"}, "another audience": {"aud": "elsewhere"}}
    token: str | None = callers.token("aid_clerk", "test:clerk", **(claims | other.get(how, {})))
    if how == "none":
        token = None
    elif how == "garbage":
        token = "a.b.c"
    elif how == "expired":
        token = callers.token("aid_clerk", "test:clerk", seconds=-600, **claims)
    elif how == "unsigned":
        assert token is not None
        token = token.rpartition(".")[0] + "."
    stranger = callers.caller(token)
    before = traces(district)
    for service, path in (("registry", "/students"), ("matching", "/roster"), ("disbursement", "/payments")):
        refused(stranger.ask(service, path), 401)
    refused(stranger.post("registry", "/students", record(district)), 401)
    assert traces(district) == before


def test_another_schools_student_is_not_found_and_the_attempt_is_logged(district: District) -> None:
    child = district.newcomer()
    assert child.school is not None
    other = next(school for school in district.schools if school is not child.school)
    curious = district.system.callers.school(other.code)
    student_id = district.office.student_id(child)
    district.system.settle()
    known = refused(curious.ask("registry", f"/students/{student_id}"), 404)
    unknown = refused(curious.ask("registry", f"/students/{uuid.uuid4()}"), 404)
    assert known["code"] == unknown["code"], "the answers tell apart what is hidden and what is not there"
    leave = {"on": district.today.isoformat(), "reason": "abroad"}
    refused(curious.post("registry", f"/students/{student_id}/leave", leave), 404)
    log = (district.system.home / "logs" / "registry.log").read_text()
    assert any(student_id in line and f"test:school:{other.code}" in line for line in log.splitlines())
    district.compare()


def test_a_school_sees_none_of_another_schools_children_in_any_list(district: District) -> None:
    child = district.newcomer()
    district.office.list_rows([district.people.row("poverty", "exact", child)], district.today)
    district.system.settle()
    assert child.school is not None
    other = next(school for school in district.schools if school is not child.school)
    curious = district.system.callers.school(other.code)
    student_id = district.office.student_id(child)
    for service, path in (("registry", "/students"), ("matching", "/roster"), ("disbursement", "/entitlements")):
        rows = curious.pages(service, path)
        assert student_id not in {row["student_id"] for row in rows}
        assert {row["school_code"] for row in rows} <= {other.code}


def test_an_agency_may_send_its_own_list_only(district: District) -> None:
    before = traces(district)
    row = district.people.row("poverty", "stranger")
    civil = district.office.agencies["civil"]
    refused(civil.post("registry", "/lists/poverty/entries", row.cells()), 403)
    refused(civil.ask("disbursement", "/payments"), 403)
    assert traces(district) == before


def test_a_post_without_a_key_is_refused(district: District) -> None:
    clerk = district.office.clerk
    answer = clerk.http.post(clerk.url("registry", "/students"), json=record(district))
    told = refused(answer, 422)
    assert "Idempotency-Key" in str(told)


def test_the_same_key_for_another_body_is_refused(district: District) -> None:
    key, first = uuid.uuid4(), district.people.child()
    clerk = district.office.clerk
    assert clerk.post("registry", "/students", first.record(), key=key).status_code == 201
    again = clerk.post("registry", "/students", first.record(), key=key)
    assert again.status_code == 201
    district.oracle.enrolled(first)
    told = refused(clerk.post("registry", "/students", record(district), key=key), 422)
    assert told["code"] == "command_reused"
    district.system.settle()
    district.compare()

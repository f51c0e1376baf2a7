"""A letter with its children in full: who may have it, what is recorded before it leaves, and what the paper shows."""

from __future__ import annotations

import hashlib
import io
from typing import Any
from uuid import UUID, uuid4

import pytest
from docx import Document
from docx.enum.table import WD_ROW_HEIGHT_RULE
from docx.oxml.ns import qn
from docx.table import Table
from sqlalchemy.exc import OperationalError

from services.disbursement.events import DataExported
from services.disbursement.letter_events import LetterPaperRead
from services.disbursement.letters.letter_paper import PaperChild, PaperLetter, written
from tests.services.disbursement.letters.office import APPROVER, CLERK, NUMBER, Office
from tests.services.disbursement.letters.test_letters import GONE
from tests.support.away import away

OTHER_NUMBER = "44030620150101001X"
WHY = {"purpose": "寄送对方核实资助情况"}


def two_children(office: Office, place: str) -> tuple[UUID, UUID]:
    """One of a list, one who was a student here."""
    office.division(place, f"第{place}县")
    listed = office.listed("县第一小学")
    gone = office.went(place, GONE, id_number=OTHER_NUMBER)
    office.pump()
    office.does(f"/elsewhere/children/{listed}/place", {"term": office.term.name, "place": place})
    office.pump()
    return listed, gone


def rows(content: bytes, table: int = 0) -> list[list[str]]:
    """The cells below the head."""
    return [[cell.text for cell in row.cells] for row in Document(io.BytesIO(content)).tables[table].rows][1:]


def test_the_paper_in_full_names_whom_the_masked_one_hides(office: Office) -> None:
    listed, gone = two_children(office, "460401")
    letter = office.sent("460401")["460401"]
    masked = office.get(f"/letters/{letter}/letter.docx").content
    answer = office.post(f"/letters/{letter}/letter.docx", WHY)
    assert answer.status_code == 200 and answer.headers["content-type"].endswith("wordprocessingml.document")
    shown = {row[1]: row[2] for row in rows(answer.content)}
    assert shown == {"陈小梅": NUMBER, "张小明": OTHER_NUMBER}
    assert {row[1]: row[2] for row in rows(masked)} == {"陈*梅": "1101**********002X", "张*明": "4403**********001X"}
    assert [row[1] for row in rows(answer.content, 1)] == [row[1] for row in rows(answer.content)]
    order = [each["child_id"] for each in office.get(f"/letters/{letter}").json()["people"]]
    assert [row[2] for row in rows(answer.content)] == [{str(listed): NUMBER}.get(each, OTHER_NUMBER) for each in order]
    text = [paragraph.text for paragraph in Document(io.BytesIO(answer.content)).paragraphs]
    assert any("妥善保管" in each for each in text)
    assert not any("妥善保管" in each.text for each in Document(io.BytesIO(masked)).paragraphs)
    read = office.facts(LetterPaperRead)[-1]
    assert (read.viewer, str(read.letter_id), read.purpose) == (CLERK, letter, WHY["purpose"])
    assert (set(read.children), read.fields) == ({listed, gone}, ("name", "id_number"))
    taken = office.facts(DataExported)[-1]
    assert (taken.rows, taken.sha256) == (2, hashlib.sha256(answer.content).hexdigest())
    assert (taken.purpose, len(taken.recorded_by), taken.phase) == (WHY["purpose"], 1, "given")


def test_nothing_in_full_leaves_before_the_letter_is_signed_off_or_without_a_purpose(office: Office) -> None:
    two_children(office, "460402")
    letter = office.drafted("460402")["460402"]
    path = f"/letters/{letter}/letter.docx"
    before = len(office.facts(LetterPaperRead))
    early = office.post(path, WHY)
    assert (early.status_code, early.json()["code"]) == (409, "letter_state")
    office.signed_off(letter)
    office.pump()
    for body in ({}, {"purpose": "寄送"}, {"purpose": f"核对 {NUMBER}"}):
        assert office.post(path, body).status_code == 422
    for kind in ("approver", "reviewer", "auditor", "cashier", "registrar"):
        assert office.post(path, WHY, APPROVER, kind).status_code == 403
    stranger = office.post(path, WHY, division="469002")
    assert (stranger.status_code, stranger.json()["code"]) == (404, "unknown_letter")
    assert len(office.facts(LetterPaperRead)) == before
    assert office.post(path, WHY).status_code == 200


def test_what_is_not_recorded_does_not_leave(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    two_children(office, "460403")
    path = f"/letters/{office.sent('460403')['460403']}/letter.docx"

    def fails(*_given: Any, **_more: Any) -> None:
        raise OperationalError("append", {}, Exception("away"))

    monkeypatch.setattr(office.acts, "exported", fails)
    answer = office.post(path, WHY)
    assert (answer.status_code, answer.json()["code"]) == (503, "not_recorded")
    assert "content-disposition" not in answer.headers and NUMBER not in answer.text
    monkeypatch.undo()


def test_a_database_that_is_lost_before_the_read_is_recorded_lets_no_paper_out(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    two_children(office, "460406")
    path = f"/letters/{office.sent('460406')['460406']}/letter.docx"
    run = office.service.store.run

    def lost(*given: Any, **more: Any) -> Any:
        with away(office.service.database):
            return run(*given, **more)

    with monkeypatch.context() as patch:
        patch.setattr(office.service.store, "run", lost)
        answer = office.post(path, WHY)
    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable") and answer.headers["retry-after"]
    assert "content-disposition" not in answer.headers and NUMBER not in answer.text
    assert office.post(path, WHY).status_code == 200


def test_an_erased_child_is_erased_on_paper_and_not_told_as_read(office: Office) -> None:
    erased, gone = two_children(office, "460404")
    letter = office.sent("460404")["460404"]
    office.erase(erased)
    for content in (
        office.get(f"/letters/{letter}/letter.docx").content,
        office.post(f"/letters/{letter}/letter.docx", WHY).content,
    ):
        assert ["\uff08信息已删除\uff09", "", "", ""] in [row[1:5] for row in rows(content)]
        assert NUMBER not in str(rows(content)) and len(rows(content)) == 2
    assert office.facts(LetterPaperRead)[-1].children == (gone,)
    office.erase(gone)
    assert OTHER_NUMBER not in str(rows(office.post(f"/letters/{letter}/letter.docx", WHY).content))
    assert office.facts(LetterPaperRead)[-1].children == (), "still told: a file with what is left was taken away"


def test_the_same_asked_twice_is_one_read_and_two_files(office: Office) -> None:
    two_children(office, "460405")
    path, key = f"/letters/{office.sent('460405')['460405']}/letter.docx", uuid4()
    reads, files = len(office.facts(LetterPaperRead)), len(office.facts(DataExported))
    assert [office.post(path, WHY, key=key).status_code for _ in range(2)] == [200, 200]
    assert len(office.facts(LetterPaperRead)) == reads + 1 and len(office.facts(DataExported)) == files + 2
    told = office.facts(DataExported)[-2:]
    assert told[0].recorded_by == told[1].recorded_by and len(told[0].recorded_by) == 1
    assert office.post(path, {"purpose": "另有用途"}, key=key).status_code in (409, 422)


def test_the_paper_is_laid_out_to_be_read_over_pages_and_filled_in_by_hand() -> None:
    children = [PaperChild("陈小梅", NUMBER, "县第一小学", "三年级", "disabled")] * 40
    paper = Document(
        io.BytesIO(written(PaperLetter("甲", "乙", "2026-autumn", "", None, None, children, in_full=True)))
    )
    letter, slip = paper.tables
    for table, least_mm in ((letter, 7), (slip, 9)):
        assert len(table.rows) == 41
        for row in table.rows:
            assert (row.height_rule, round(row.height.mm)) == (WD_ROW_HEIGHT_RULE.AT_LEAST, least_mm)
            assert row._tr.trPr.find(qn("w:cantSplit")) is not None
        assert _heads(table) == [0]
    assert letter.rows[1].cells[2].width.mm >= 42
    body = next(each for each in paper.paragraphs if each.text.startswith("我地下列40名"))
    assert body.paragraph_format.first_line_indent.pt == 32
    words = "".join(each.text for each in paper.paragraphs)
    assert not set(",:()") & set(words), "official papers are punctuated full width"
    assert "并于收函后三十日内将回执寄回" in words
    assert "PAGE" in paper.sections[0].footer.paragraphs[0]._p.xml


def _heads(table: Table) -> list[int]:
    found = [row._tr.trPr.find(qn("w:tblHeader")) is not None for row in table.rows]
    return [number for number, head in enumerate(found) if head]

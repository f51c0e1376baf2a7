"""What a letter does and refuses, over HTTP before a real database."""

from __future__ import annotations

import io
from datetime import date, timedelta
from uuid import UUID, uuid4

from docx import Document

from services.disbursement import handlers
from services.disbursement.commands import DisburseAid
from services.disbursement.errors import AidedElsewhere
from services.disbursement.queries import EntitlementRow
from services.disbursement.streams import Streams
from shared.eventsourcing.store import Command
from shared.kernel.clock import today
from shared.kernel.refusals import Refusal
from tests.services.disbursement.letters.office import APPROVER, CLERK, COUNTY, LONG_AGO, Office
from tests.services.happenings import enrolled, link, someone

GONE = LONG_AGO.replace(year=2024)


def one_child(office: Office, place: str) -> UUID:
    office.division(place, f"第{place}县")
    child = office.went(place, GONE)
    office.pump()
    return child


def pay(office: Office, row: EntitlementRow) -> Refusal | None:
    streams = Streams(office.installation.settings("disbursement").hmac_key)
    command, intent = Command("cashier", uuid4(), b"pay"), DisburseAid(today(), "B-1")
    service = office.service
    try:
        handlers.disburse_aid(service.database, service.store, streams, COUNTY, row.entitlement_id, intent, command)
    except Refusal as refused:
        return refused
    return None


def test_a_letter_is_read_signed_off_by_another_and_only_then_sent(office: Office) -> None:
    one_child(office, "460101")
    letter = office.drafted("460101")["460101"]
    told = office.get(f"/letters/{letter}").json()
    assert told["why_not"] and office.get(f"/letters/{letter}", APPROVER, "approver").json()["why_not"] is None
    asked = {"content_hash": told["content_hash"]}
    assert office.post(f"/letters/{letter}/send", office.sending(letter)).json()["code"] == "letter_state"
    assert office.post(f"/letters/{letter}/approve", asked).status_code == 403
    itself = office.post(f"/letters/{letter}/approve", asked, CLERK, "approver").json()
    assert (itself["code"], itself["facts"]["rule"]) == ("second_person_needed", "letters.approve")
    other = office.post(f"/letters/{letter}/approve", {"content_hash": "0" * 64}, APPROVER, "approver").json()
    assert other["code"] == "letter_changed"
    key = uuid4()
    answers = [office.post(f"/letters/{letter}/approve", asked, APPROVER, "approver", key=key) for _ in range(2)]
    assert answers[0].json() == answers[1].json() and answers[0].status_code == 200
    late = {**office.sending(letter), "sent_on": str(today() + timedelta(days=1))}
    assert office.post(f"/letters/{letter}/send", late).json()["code"] == "letter_day"
    office.does(f"/letters/{letter}/send", office.sending(letter))
    assert office.post(f"/letters/{letter}/discard", {"reason": "other"}).json()["code"] == "letter_state"


def test_a_discarded_letter_lets_its_children_be_asked_about_again(office: Office) -> None:
    child = one_child(office, "460102")
    letter = office.drafted("460102")["460102"]
    office.does(f"/letters/{letter}/discard", {"reason": "wrong_place"})
    office.pump()
    (shown,) = office.get("/elsewhere/children?place=460102").json()["items"]
    assert (shown["child_id"], shown["asking"]) == (str(child), "to_ask")
    again = office.sent("460102")["460102"]
    office.reply(again, child, "aided")
    body = {"child_id": str(child), "kind": "left", "replied_on": str(today())}
    assert office.post(f"/letters/{letter}/replies", {"replies": [body]}).json()["code"] == "unknown_inquiry"


def test_the_paper_holds_what_was_asked_masked_and_takes_no_text_for_a_command(office: Office) -> None:
    office.division("460103", "望海县")
    child = office.listed("{{ 7 * 7 }}<b>&小学", stage="junior")
    office.pump()
    office.does(f"/elsewhere/children/{child}/place", {"term": office.term.name, "place": "460103"})
    office.pump()
    letter = office.sent("460103")["460103"]
    answer = office.get(f"/letters/{letter}/letter.docx")
    assert answer.headers["content-type"].endswith("wordprocessingml.document")
    paper = Document(io.BytesIO(answer.content))
    lines = [paragraph.text for paragraph in paper.paragraphs]
    assert lines[0] == f"望教助函〔2026〕{letter[-4:]}号" and "望海县学生资助管理中心：" in lines
    section = paper.sections[0]
    assert section.page_width is not None and section.page_height is not None
    assert (round(section.page_width.mm), round(section.page_height.mm)) == (210, 297)
    asked, slip = ([[cell.text for cell in row.cells] for row in table.rows] for table in paper.tables)
    assert asked[1:] == [["1", "陈*梅", "1101**********002X", "{{ 7 * 7 }}<b>&小学", "", "建档立卡"]]
    assert slip[1:] == [["1", "陈*梅", "", "", "", ""]] and "回  执" in lines
    assert "陈小梅" not in answer.text and b"11010519491231002X" not in answer.content


def test_aided_there_takes_away_what_was_due_and_another_answer_brings_it_back(office: Office) -> None:
    child = one_child(office, "460104")
    letter = office.sent("460104")["460104"]
    office.reply(letter, child, "not_registered")
    row = office.due()[child]
    assert (row.programme, row.amount_fen, row.state, row.name) == ("gap_fund", 31_250, "granted", "张*明")
    answer = {"child_id": str(child), "kind": "aided", "replied_on": str(today())}
    office.does(f"/letters/{letter}/replies", {"replies": [answer]})
    assert isinstance(pay(office, row), AidedElsewhere), "before the policy has heard of it"
    office.pump()
    assert child not in office.due()
    (shown,) = office.get(f"/letters/{letter}").json()["people"]
    assert (shown["here"], shown["here_programme"], shown["aided"]) == ("withdrawn", "gap_fund", True)
    office.reply(letter, child, "left")
    assert office.due()[child].entitlement_id == row.entitlement_id
    assert pay(office, row) is None
    office.reply(letter, child, "aided")
    assert office.due()[child].state == "to_recover"


def test_a_student_who_left_in_the_term_keeps_her_aid_until_she_is_aided_there(office: Office) -> None:
    office.division("460105", "第460105县")
    child = office.went("460105", office.term.begins + timedelta(days=1))
    other = office.went("460105", office.term.begins + timedelta(days=1))
    office.settle()
    assert office.due()[child].programme == "living_subsidy"
    letter = office.sent("460105")["460105"]
    office.reply(letter, other, "not_registered")
    assert office.due()[other].programme == "living_subsidy", "not twice"
    office.reply(letter, child, "aided")
    assert child not in office.due() and office.due()[other].programme == "living_subsidy"


def test_silence_and_half_an_answer_are_decided_by_a_second_person(office: Office) -> None:
    silent, partly = one_child(office, "460106"), one_child(office, "460106")
    letter = office.sent("460106")["460106"]
    body = {"child_id": str(silent), "aided": False, "ground": "nothing_heard"}
    early = office.post(f"/letters/{letter}/decisions", body, APPROVER, "approver").json()
    assert early["code"] == "nothing_to_decide"
    office.reply(letter, silent, "silent")
    office.reply(letter, partly, "partly", aid="fee_waiver", amount_fen=20_000)
    assert not {silent, partly} & set(office.due())
    same = office.post(f"/letters/{letter}/decisions", body, CLERK, "approver").json()
    assert same["facts"]["rule"] == "inquiries.decide"
    office.does(f"/letters/{letter}/decisions", body, APPROVER, "approver")
    half = {"child_id": str(partly), "aided": True, "ground": "part_is_enough"}
    office.does(f"/letters/{letter}/decisions", half, APPROVER, "approver")
    office.pump()
    assert {silent, partly} & set(office.due()) == {silent}


def test_a_child_of_no_known_stage_is_not_silently_left_without(office: Office) -> None:
    office.division("460110", "第460110县")
    child = office.listed("县第一中学", stage=None)
    office.pump()
    office.does(f"/elsewhere/children/{child}/place", {"term": office.term.name, "place": "460110"})
    office.pump()
    letter = office.sent("460110")["460110"]
    body = {"child_id": str(child), "kind": "ineligible", "replied_on": str(today())}
    refused = office.post(f"/letters/{letter}/replies", {"replies": [body]})
    assert (refused.status_code, refused.json()["code"]) == (422, "stage_unknown")
    office.reply(letter, child, "silent", stage="junior")
    decided = {"child_id": str(child), "aided": False, "ground": "phone_note"}
    office.does(f"/letters/{letter}/decisions", decided, APPROVER, "approver")
    office.pump()
    assert (office.due()[child].stage, office.due()[child].amount_fen) == ("junior", 37_500)


def test_a_place_told_is_a_division_in_force_and_not_our_own(office: Office) -> None:
    child = office.listed("某县第一小学")
    office.pump()
    for place in ("469001", "999999"):
        refused = office.post(f"/elsewhere/children/{child}/place", {"term": office.term.name, "place": place})
        assert (refused.status_code, refused.json()["code"]) == (422, "no_such_place")
    unknown = office.get("/elsewhere/children?place=unknown&limit=200").json()["items"]
    assert str(child) in {each["child_id"] for each in unknown}


def test_an_erased_child_has_no_name_in_a_letter_any_more(office: Office) -> None:
    office.division("460111", "第460111县")
    child = office.listed("县第一小学")
    office.pump()
    office.does(f"/elsewhere/children/{child}/place", {"term": office.term.name, "place": "460111"})
    office.pump()
    letter = office.sent("460111")["460111"]
    office.reply(letter, child, "left")
    assert office.get(f"/letters/{letter}").json()["people"][0]["name"] == "陈*梅"
    office.erase(child)
    told = office.get(f"/letters/{letter}").json()["people"][0]
    assert (told["name"], told["number"], told["school"]) == ("", "", "")
    assert office.due()[child].name == ""


def test_a_deadline_passes_with_a_day_and_a_reminder_sets_another(office: Office) -> None:
    child = one_child(office, "460107")
    letter = office.drafted("460107")["460107"]
    office.signed_off(letter)
    office.does(f"/letters/{letter}/send", office.sending(letter, today() + timedelta(days=3)))

    def on(day: date) -> str:
        office.installation.open_day(office.service, day)
        office.pump()
        state: str = office.get(f"/letters/{letter}").json()["state"]
        return state

    assert on(today() + timedelta(days=3)) == "sent"
    assert on(today() + timedelta(days=4)) == "overdue"
    assert on(today() + timedelta(days=5)) == "overdue"
    types = [logged.event.type for logged, _ in office.installation.entries("disbursement")]
    assert types.count("disbursement.LetterOverdue.v1") == 1
    office.does(f"/letters/{letter}/remind", {"way": "fax", "reply_by": str(today() + timedelta(days=9))})
    office.does(f"/letters/{letter}/phone", {"called_on": str(today()), "outcome": "will_reply"})
    office.pump()
    told = office.get(f"/letters/{letter}").json()
    assert (told["state"], told["phone_outcome"]) == ("sent", "will_reply")
    office.reply(letter, child, "aided")
    assert on(today() + timedelta(days=11)) == "sent", "everybody is answered for"
    office.settle()


def test_who_sees_another_county_sees_neither_letter_nor_child(office: Office) -> None:
    one_child(office, "460108")
    letter = office.drafted("460108")["460108"]
    for division in ("4601", "469002"):
        assert office.get(f"/letters/{letter}", division=division).status_code == 404
        assert office.get("/letters", division=division).json()["items"] == []
        assert office.get("/elsewhere", division=division).json()["items"] == []
        stranger = office.post(f"/letters/{letter}/discard", {"reason": "other"}, division=division)
        assert (stranger.status_code, stranger.json()["code"]) == (404, "unknown_letter")
    assert office.get("/letters", kind="cashier").status_code == 403
    unknown = office.get("/elsewhere?term=2026-winter")
    assert (unknown.status_code, unknown.json()["code"]) == (422, "letter_term")


def test_two_clerks_at_once_ask_about_a_child_once(office: Office) -> None:
    one_child(office, "460109")
    asked = {"term": office.term.name, "place": "460109"}
    answers = [office.post("/letters", asked, who).status_code for who in (CLERK, "clerk-zhao")]
    assert answers == [201, 409]


def test_another_countys_letter_is_answered_with_what_stands_in_our_books(office: Office) -> None:
    office.division("460301", "第460301县")
    aided, unaided = someone(), someone()
    for child in (aided, unaided):
        office.installation.append("registry", child, enrolled(child), LONG_AGO)
    office.installation.append("matching", someone(), link(someone(), aided), LONG_AGO)
    office.pump()
    row = office.due()[aided]
    assert pay(office, row) is None
    days = {"received_on": str(today()), "answer_by": str(today() + timedelta(days=20))}
    came = {"from_place": "460301", "number": "琼教助函〔2026〕9号", "term": office.term.name, "not_found": 1, **days}
    children = [str(aided), str(unaided), str(aided)]
    stranger = office.post("/incoming-letters", came | {"children": [*children, str(someone())]})
    assert (stranger.status_code, stranger.json()["code"]) == (404, "not_our_child")
    letter = office.does("/incoming-letters", came | {"children": children})["incoming_id"]
    office.pump()
    (waiting,) = office.get("/incoming-letters?state=open").json()["items"]
    assert (waiting["from_name"], waiting["children"], waiting["late"]) == ("第460301县", 2, False)
    told = office.get(f"/incoming-letters/{letter}").json()
    assert {each["child_id"]: each["aid"] for each in told["people"]} == {str(aided): "paid", str(unaided): "none"}
    answer = {"way": "post", "number": "望教助函〔2026〕99号"}
    assert office.post(f"/incoming-letters/{letter}/answer", answer).status_code == 403
    itself = office.post(f"/incoming-letters/{letter}/answer", answer, CLERK, "approver").json()
    assert itself["code"] == "second_person_needed"
    office.does(f"/incoming-letters/{letter}/answer", answer, APPROVER, "approver")
    again = office.post(f"/incoming-letters/{letter}/answer", answer, APPROVER, "approver")
    assert (again.status_code, again.json()["code"]) == (409, "letter_state")
    office.pump()
    assert office.get("/incoming-letters?state=open").json()["items"] == []
    assert office.get(f"/incoming-letters/{letter}", division="469002").status_code == 404

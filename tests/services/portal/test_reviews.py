"""The page of one case over HTTP: what it shows, what its forms send, and how a refusal comes back."""

from __future__ import annotations

import re
from collections.abc import Iterator
from uuid import uuid4

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.portal.matching.reviews import segments
from tests.support.portal import Portal, field, form_token
from tests.support.reviews import Reviews


@pytest.fixture
def reviews(portal: Portal) -> Iterator[Reviews]:
    portal.county.reviews.clear()
    yield portal.county.reviews
    portal.county.reviews.clear()


def sent(page: httpx.Response, action: str, **fields: str) -> dict[str, str]:
    """What the form with this action would send."""
    form = re.search(rf'<form[^>]*action="[^"]*/{action}".*?</form>', page.text, re.S)
    assert form is not None, action
    hidden = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', form[0]))
    return hidden | fields


@given(st.text(min_size=1, max_size=12), st.lists(st.integers(0, 12), max_size=6))
def test_cut_at_its_marks_a_text_is_still_the_text(value: str, cuts: list[int]) -> None:
    places = sorted({min(cut, len(value)) for cut in cuts})
    spans = [(begin, end) for begin, end in zip(places[::2], places[1::2], strict=False) if begin < end]
    pieces = segments(value, spans)
    assert "".join(piece for piece, _ in pieces) == value and all(piece for piece, _ in pieces)
    assert sum(len(piece) for piece, marked in pieces if marked) == sum(end - begin for begin, end in spans)


@pytest.mark.parametrize(("language", "word"), [("zh", "名单上"), ("en", "On the list")])
def test_two_records_stand_side_by_side_with_their_differences_marked(
    portal: Portal, reviews: Reviews, language: str, word: str
) -> None:
    with portal.as_("reviewer") as client:
        page = client.get(f"/reviews/{reviews.rows[0]}", params={"lang": language})
    assert page.status_code == 200 and word in page.text
    assert "欧**<mark>雁</mark>" in page.text, "the last character differs and is shown"
    assert "欧*<mark>*</mark>雁" in page.text, "the third one differs and stays hidden"
    assert "欧阳小雁" not in page.text
    assert page.text.count('<section class="pair') == 2
    for key in ("1", "2", "shift+1", "0", "s", "n", "r"):
        assert f'data-review-key="{key}"' in page.text, key
    for said in ("+6.25", "-9.50", "+4.75", "形近字" if language == "zh" else "similar shape"):
        assert said in page.text


def test_a_ruling_is_sent_with_what_was_seen_and_leads_to_the_next_case(portal: Portal, reviews: Reviews) -> None:
    first, second, _ = reviews.rows
    student = reviews.student(0, 1)
    with portal.as_("reviewer") as client:
        page = client.get(f"/reviews/{first}")
        form = sent(page, "ruling", verdict=f"must_link:{student}")
        answer = client.post(f"/reviews/{first}/ruling", data=form)
        assert answer.status_code == 303
        assert answer.headers["location"] == f"/reviews/{second}?done=ruled&ruled={first}&at=1"
        _, _, key, body = portal.county.commands[-1]
        assert body == {"verdict": "must_link", "students": [str(student)], "evidence": "e" * 32}
        assert str(key) == form["command_id"]
        following = client.get(answer.headers["location"])
        assert "已记录核对结果" in following.text and f'action="/reviews/{first}/undo"' in following.text
        undone = client.post(f"/reviews/{first}/undo", data=sent(following, "undo"))
        assert undone.headers["location"] == f"/reviews/{first}?done=undone" and reviews.rulings[first] == []


def test_a_student_nobody_thought_of_can_be_found_and_confirmed(portal: Portal, reviews: Reviews) -> None:
    first = reviews.rows[0]
    child = min(portal.county.students.values(), key=lambda row: str(row["student_id"]))
    with portal.as_("reviewer") as client:
        page = client.get(f"/reviews/{first}", params={"q": child["student_number"]})
        assert page.text.count(f'value="must_link:{child["student_id"]}"') == 1
        form = sent(page, "ruling", verdict=f"must_link:{child['student_id']}")
        assert client.post(f"/reviews/{first}/ruling", data=form).status_code == 303
        assert reviews.rulings[first][0]["students"] == [str(child["student_id"])]
        assert "没有符合条件的记录" in client.get(f"/reviews/{first}", params={"q": "无此人"}).text


def test_a_refused_ruling_shows_the_case_again_with_the_reason_and_what_was_typed(
    portal: Portal, reviews: Reviews
) -> None:
    first = reviews.rows[0]
    with portal.as_("reviewer") as client:
        page = client.get(f"/reviews/{first}")
        reviews.refuse = True
        form = sent(page, "ruling", verdict="nobody", purpose="核对名单与学籍")
        answer = client.post(f"/reviews/{first}/ruling", data=form)
        assert answer.status_code == 409 and "这一行刚有变动,请重新核对" in answer.text
        assert 'value="核对名单与学籍"' in answer.text
        assert sent(answer, "ruling")["command_id"] != form["command_id"], "the refusal is kept with its command"
        reviews.versions[first] = 5
        stale = client.post(f"/reviews/{first}/ruling", data=sent(page, "ruling", verdict="nobody"))
        assert stale.status_code == 412 and "已被他人更改" in stale.text and 'name="version" value="5"' in stale.text


def test_the_full_fields_are_shown_once_for_a_purpose(portal: Portal, reviews: Reviews) -> None:
    first = reviews.rows[0]
    with portal.as_("reviewer") as client:
        page = client.get(f"/reviews/{first}")
        short = client.post(f"/reviews/{first}/reveal", data=sent(page, "reveal", purpose="看"))
        assert short.status_code == 422 and 'value="看"' in short.text and reviews.reads == []
        full = client.post(f"/reviews/{first}/reveal", data=sent(page, "reveal", purpose="核对名单与学籍"))
        assert "欧阳小<mark>雁</mark>" in full.text and "本次查看已记录" in full.text
        assert reviews.reads == ["核对名单与学籍"]
        assert "欧阳小" not in client.get(f"/reviews/{first}").text


def test_who_asked_for_a_second_opinion_has_nothing_to_press(portal: Portal, reviews: Reviews) -> None:
    first, second, _ = reviews.rows
    with portal.as_("reviewer") as client:
        page = client.get(f"/reviews/{first}")
        asked = client.post(f"/reviews/{first}/second-opinion", data=sent(page, "second-opinion"))
        assert asked.headers["location"] == f"/reviews/{second}?done=asked"
        again = client.get(f"/reviews/{first}")
        assert "须由另一人确认" in again.text and 'name="verdict"' not in again.text
        assert "已请他人复核" in client.get("/reviews").text


@pytest.mark.parametrize("role", ["auditor"])
def test_a_reader_sees_the_case_and_no_button(portal: Portal, reviews: Reviews, role: str) -> None:
    with portal.as_(role) as client:
        page = client.get(f"/reviews/{reviews.rows[0]}")
        assert page.status_code == 200 and 'name="verdict"' not in page.text and "/reveal" not in page.text
        form = {"form_token": form_token(page), "command_id": str(uuid4()), "verdict": "nobody"}
        assert client.post(f"/reviews/{reviews.rows[0]}/ruling", data=form).status_code == 403


def test_a_case_outside_the_scope_is_a_page_that_says_so(portal: Portal, reviews: Reviews) -> None:
    with portal.as_("registrar", school="3146000001") as client:
        assert client.get(f"/reviews/{reviews.rows[0]}").status_code == 404
    with portal.as_("agency_publisher", agency="civil_affairs") as client:
        assert client.get(f"/reviews/{reviews.rows[0]}").status_code == 403
    with portal.as_("reviewer") as client:
        assert client.get(f"/reviews/{uuid4()}").status_code == 404


def test_the_part_for_the_script_is_the_case_without_its_frame(portal: Portal, reviews: Reviews) -> None:
    with portal.as_("reviewer") as client:
        part = client.get(f"/reviews/{reviews.rows[0]}?part=case&list=poverty")
        assert "<html" not in part.text and "<h1" in part.text and "list=poverty" in part.text
        form = sent(part, "ruling", verdict="nobody")
        answer = client.post(f"/reviews/{reviews.rows[0]}/ruling?part=answer", data=form)
        assert answer.status_code == 200 and "<html" not in answer.text
        assert field(answer, "version") == "1" and "撤销刚才的核对" in answer.text

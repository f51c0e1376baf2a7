"""The pages of hand-overs: who sees the list to sign, what its forms send, and what it says for paper."""

from __future__ import annotations

from tests.support.county_staff import DIGEST, HANDOVER
from tests.support.portal import Portal


def test_the_administrator_sees_the_list_its_changes_and_its_signatures(portal: Portal) -> None:
    with portal.as_("account_administrator") as client:
        posts, listed = client.get("/posts").text, client.get("/handovers").text
        page = client.get(f"/handovers/{HANDOVER}").text
        english = client.get(f"/handovers/{HANDOVER}", params={"lang": "en"}).text
    assert 'action="/handovers"' in posts and f"/handovers/{HANDOVER}" in listed and "待签字" in listed
    for said in ("交接清单", "控辍预警", "新增一项", "经办乙", "经办丙", "缺席,管理员代签:病休", "未签字", DIGEST):
        assert said in page, said
    for act in ("confirm", "withdraw"):
        assert f'action="/handovers/{HANDOVER}/{act}"' in page
    for act in ("lock-out", "absent", "sign"):  # he is out, it is signed for him, and the administrator is no party
        assert f'action="/handovers/{HANDOVER}/{act}"' not in page
    assert "Drop-out case" in english and "List of a hand-over" in english


def test_who_neither_administers_nor_takes_part_finds_nothing(portal: Portal) -> None:
    with portal.as_("aid_clerk") as client:
        assert client.get("/handovers").status_code == 403
        assert client.get(f"/handovers/{HANDOVER}").status_code == 404
        assert client.get("/account/handovers", follow_redirects=False).status_code == 303

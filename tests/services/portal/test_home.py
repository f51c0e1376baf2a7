"""The first page, and the page of all that waits."""

from __future__ import annotations

from uuid import UUID

from tests.support.portal import Portal


def test_the_pages_say_how_old_the_lists_are_and_which_are_overdue(portal: Portal) -> None:
    with portal.as_("aid_clerk") as client:
        roster, home = client.get("/roster"), client.get("/")
        assert "数据截至: 建档立卡(乡村振兴局) 2024-09-01" in roster.text
        assert "2024-09-05,已逾期 3 个工作日" in home.text and "逾期未报的名单" in home.text


def test_what_waits_is_counted_on_the_first_page_and_listed_in_words(portal: Portal) -> None:
    about = "2026-autumn living_subsidy 海口市第一小学"
    due = {"kind": "payment", "about": about, "since": "2026-09-01", "due": "2026-10-31", "assigned_to": None}
    address = "/entitlements?state=granted&term=2026-autumn&school=3146000001"
    rows = [{**due, "item_id": str(UUID(int=n + 1)), "count": 41, "path": address} for n in range(60)]
    rows.append(
        {**due, "kind": "paper", "item_id": str(UUID(int=99)), "about": "intake", "count": 1, "path": "/papers"}
    )
    portal.county.waiting.extend(rows)
    try:
        with portal.as_("cashier") as client:
            home, work = client.get("/").text, client.get("/work").text
            assert "2,460</strong><span>待发放" in home and 'href="/work?kind=payment"' in home
            assert "待复核纸质单" not in home and "待复核纸质单" not in work
            assert work.count("2026年秋季学期 生活补助 海口市第一小学") == 10
            assert f'href="{address.replace("&", "&amp;")}"' in work
            one = client.get("/work", params={"kind": "payment"}).text
            assert one.count("生活补助 海口市第一小学") == 50 and "after=more" in one
            assert client.get("/work", params={"kind": "paper"}).status_code == 404
        with portal.as_("aid_clerk") as client:
            home = client.get("/").text
            assert "1</strong><span>待复核纸质单" in home and "待发放" not in home
    finally:
        portal.county.waiting.clear()


def test_whoever_has_no_rows_has_numbers_and_nobody_is_told_to_import_who_may_not(portal: Portal) -> None:
    with portal.as_("city_officer", division="4600") as client:
        home = client.get("/").text
        assert ">120<" in home and 'href="/roster' not in home and 'href="/dropout"' in home
        assert client.get("/work").status_code == 403
    with portal.as_("account_administrator") as client:
        home = client.get("/").text
        assert "今天没有待处理事项" in home and "请先导入" not in home

"""No page leads where its viewer is turned away: every link of every page is followed, as every kind of post."""

from __future__ import annotations

import re
from html import unescape
from urllib.parse import urlsplit

import httpx
import pytest

from services.portal.tables.menu import NAVIGATION
from shared.standards.posts import Kind
from shared.standards.rights import RIGHTS, Right
from tests.services.portal.test_pages import PLACES
from tests.support.portal import Portal

# The invented county holds no such record or sheet; that they answer is shown where their services run.
NOT_HELD = {
    *("/alerts/…", "/audit/counterfactuals/…", "/changes/classes", "/dropout/reports/…", "/dropout/rules/try"),
    "/dropout/reports/preview",
    *("/emergencies/…", "/handovers/…/sheet.xlsx", "/messages/chat", "/messages/settings", "/people/template.xlsx"),
    *("/reference/closed-schools", "/terms/plan"),
}
DEPTH = 2  # the menu's pages, the records they lead to, and what those lead to
_LED = re.compile(r'<(?:a|article|details|div|form|p|section|button)\b[^<>]*?\s(href|action|data-part)="(/[^"]*)"')
_METHOD = re.compile(r'<form\b[^<>]*?\smethod="post"[^<>]*?\saction="(/[^"]*)"')
_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f-]{22}|\d+")


def _shape(address: str) -> str:
    """What two addresses of the same page for other rows have in common."""
    return _ID.sub("…", urlsplit(address).path)


def _followed(client: httpx.Client, first: list[str]) -> tuple[dict[str, str], set[str], list[str]]:
    """From ``first`` on, one address of each shape: by shape where it stood, the forms' addresses, and what refused."""
    found, forms, refused = {_shape(each): each for each in first}, set[str](), list[str]()
    ahead = [(each, "the menu", DEPTH) for each in first]
    while ahead:
        address, stood, left = ahead.pop(0)
        answer = client.get(address, follow_redirects=True)
        turned_away = answer.status_code in (401, 403) or (
            answer.status_code >= 400 and _shape(address) not in NOT_HELD
        )
        if turned_away and answer.status_code != 422:  # a form without its conditions says so
            refused.append(f"{answer.status_code} {address} on {stood}")
        forms |= {unescape(each) for each in _METHOD.findall(answer.text)}
        if "html" not in answer.headers["content-type"]:
            continue
        assert 'lang="zh-CN"' in answer.text, address
        if not left:
            continue
        for kind, written in _LED.findall(answer.text):
            led = unescape(written)
            if kind != "action" and _shape(led) not in found and not led.startswith(("/static/", "/demo-issuer")):
                found[_shape(led)] = led
                ahead.append((led, address, left - 1))
    return found, forms, refused


@pytest.mark.parametrize("kind", list(PLACES))
def test_no_page_leads_where_its_viewer_is_turned_away(portal: Portal, kind: Kind) -> None:
    rights = RIGHTS[kind]
    with portal.as_(kind, **PLACES[kind]) as client:
        menu = [address for _, address, needed in NAVIGATION if not rights.isdisjoint(needed)]
        found, forms, refused = _followed(client, menu)
    assert refused == []
    assert [each for each in sorted(forms) if not portal.doors.opens(rights, each, "POST")] == []
    rows = "class" not in PLACES[kind]  # the invented county has no child for a class alone
    assert ("/students/…" in found) == (rows and Right.STUDENTS_READ in rights)


def test_a_cashier_reads_of_whom_a_payment_is_and_cannot_open_the_child(portal: Portal) -> None:
    with portal.as_("cashier") as client:
        shown = client.get("/entitlements")
        student = next(iter(portal.county.entitlements.values()))["student_id"]
        assert client.get(f"/students/{student}").status_code == 403
    assert shown.status_code == 200 and "/students/" not in shown.text
    with portal.as_("aid_clerk") as client:
        linked = re.search(r'<a href="/students/[^"]+">([^<]+)</a>', client.get("/entitlements").text)
    assert linked is not None and linked[1] in shown.text


def test_the_menu_asks_for_the_rights_its_pages_ask_for(portal: Portal) -> None:
    for name, address, needed in NAVIGATION:
        said = portal.doors.rules(address) or (frozenset({Right.SIGNED_IN}),)
        assert said == (frozenset(needed),), name


def test_only_what_does_not_open_loses_its_link(portal: Portal) -> None:
    nobody = frozenset({Right.SIGNED_IN})
    kept = (
        '<a href="/account">x</a><a href="?after=1">y</a><a href="#main">z</a><a href="https://a.example/">w</a>'
        '<a href="/api/audit/v1/x">v</a>'
    )
    assert portal.doors.closed(kept, nobody) == kept
    shown = '<td><a class="name" href="/students/1?a=1&amp;b=2#x"><b>王</b>\n小</a></td>'
    assert portal.doors.closed(shown, nobody) == "<td><b>王</b>\n小</td>"
    assert portal.doors.closed(shown, frozenset({Right.STUDENTS_READ})) == shown
    assert portal.doors.closed('<a href="/roster" class="button">to it</a>', nobody) == ""

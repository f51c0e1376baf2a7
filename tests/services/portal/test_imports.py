"""Lists sent on the page: checked, imported, refused, and who is offered to."""

from __future__ import annotations

from uuid import uuid4

import httpx

from services.portal.people.demo_issuer import DemoIssuer, Persona
from tests.support.portal import SEED, Portal, field, form_token


def import_form(client: httpx.Client, **fields: str) -> dict[str, str]:
    page = client.get("/imports")
    sent = {"form_token": form_token(page), "command_id": field(page, "command_id")}
    return {**sent, "list": "poverty", "mode": "snapshot", "effective_on": "2024-09-01", **fields}


def test_a_list_is_checked_then_imported_and_the_receipt_balances(portal: Portal) -> None:
    file = {"file": ("名单.xlsx", b"PK synthetic")}
    with portal.as_("agency_publisher", agency="poverty_office") as client:
        sent = import_form(client, action="dry_run")
        checked = client.post("/imports/submissions", data=sent, files=file)
        assert (
            checked.status_code == 200 and "校验结果(未入库)" in checked.text and 'data-balance="yes"' in checked.text
        )
        assert not portal.county.submissions
        first = client.post("/imports/submissions", data={**sent, "action": "apply"}, files=file)
        again = client.post("/imports/submissions", data={**sent, "action": "apply"}, files=file)
        assert "回执" in first.text and "rejects.xlsx" in first.text and again.status_code == 200
        (submission_id,) = portal.county.submissions
        assert len(client.get(f"/imports/{submission_id}/rejects.xlsx").content) == 600_002
        assert client.get(f"/imports/{uuid4()}/rejects.xlsx").status_code == 404
        dry, apply, repeated = portal.county.commands[-3:]
        assert dry[3] == {"dry_run": True, "bytes": 12, "name": "名单.xlsx"} and apply[3]["dry_run"] is False
        assert dry[2] != apply[2] == repeated[2]


def test_a_receipt_that_does_not_balance_says_so(portal: Portal) -> None:
    before, portal.county.receipt = portal.county.receipt, {**portal.county.receipt, "added": 5}
    try:
        with portal.as_("aid_clerk") as client:
            sent = import_form(client, action="dry_run")
            page = client.post("/imports/submissions?part=receipt", data=sent, files={"file": ("a.xlsx", b"PK")})
            assert 'data-balance="no"' in page.text and "<html" not in page.text
    finally:
        portal.county.receipt = before


def test_a_refused_file_keeps_what_was_typed(portal: Portal) -> None:
    with portal.as_("aid_clerk") as client:
        sent = import_form(client, list="civil", mode="increment", action="apply")
        page = client.post("/imports/submissions", data=sent, files={"file": ("a.txt", b"hello")})
        assert page.status_code == 422 and "文件不是表格" in page.text
        sent["action"] = "annotate"
        page = client.post("/imports/submissions", data=sent, files={"file": ("a.txt", b"hello")})
        assert page.status_code == 422 and "文件不是表格" in page.text
        assert '<option value="civil" selected>' in page.text and '<option value="increment" selected>' in page.text


def test_who_answers_for_a_part_is_offered_no_file_of_the_whole_and_told_who_sends_it(portal: Portal) -> None:
    """The registry takes none of them (``whole_division_only``)."""
    issuer = DemoIssuer(SEED, issuer=f"{portal.url}/demo-issuer", audience="rollcall", environment="test")
    part = {"authorization": f"Bearer {issuer.token(Persona('aid_clerk', '460106'))}"}
    with portal.visitor() as clerk, portal.as_("aid_clerk") as everybodys:
        for address, form, said in (
            ("/imports", 'action="/imports/submissions"', "由负责全部辖区的经办人员或名单所属部门报送"),
            ("/reference/divisions/upload", 'type="file"', "由负责全部辖区的经办人员报送"),
            ("/reference/divisions", 'href="/reference/divisions/upload"', ""),
            ("/freshness", 'action="/freshness/', ""),
        ):
            page, whole = clerk.get(address, headers=part), everybodys.get(address)
            assert page.status_code == 200 and form not in page.text and said in page.text, address
            assert form in whole.text and (not said or said not in whole.text), address
        assert '<a href="/changes">批量更正</a>' in clerk.get("/imports", headers=part).text

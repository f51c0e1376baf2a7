"""What the page sends of another county's letter: students it found, and a count of the others; no line as typed."""

from __future__ import annotations

from uuid import uuid4

import pytest

from tests.support.portal import Portal, form_token

DAYS = {"received_on": "2024-09-10", "answer_by": "2024-10-10"}
LETTER = {"from_place": "460200", "number": "琼教助函〔2026〕9号", **DAYS}


def test_children_of_a_letter_are_looked_for_and_nothing_of_the_lines_goes_on(
    portal: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    known, other = list(portal.county.students.values())[:2]
    monkeypatch.setitem(known, "name", "独*一")
    with portal.as_("aid_clerk") as client:
        guard = {"form_token": form_token(client.get("/letters/incoming")), "command_id": str(uuid4())}
        typed = LETTER | guard | {"term": "2024年秋季学期"}
        answer = client.post("/letters/incoming", data=typed | {"people": "独*一\n\n没有这个人\n"})
        assert answer.status_code == 303 and answer.headers["location"].startswith("/letters/incoming/")
        _, _, _, body = portal.county.commands[-1]
        assert body == LETTER | {"term": "2024-autumn", "children": [str(known["student_id"])], "not_found": 1}
        said = portal.county.commands[:]
        several = client.post("/letters/incoming", data=typed | {"people": other["name"][:1]})
        assert several.status_code == 422 and "多名学生" in several.text and portal.county.commands == said
    with portal.as_("auditor") as client:
        guard["form_token"] = form_token(client.get("/roster"))
        assert client.post("/letters/incoming", data=LETTER | guard).status_code == 403

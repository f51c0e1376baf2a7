"""The audit pages over HTTP: the slider by form, sentences a clerk understands, and what leads where."""

from __future__ import annotations

import tomllib
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import services.portal
from tests.support.portal import Portal

GOLDEN = Path(__file__).parents[2] / "golden"


def asked(address: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}


def test_the_slider_by_form_leads_to_the_address_of_its_moment(portal: Portal) -> None:
    with portal.as_("auditor") as client:
        page = client.get("/audit?view=roster")
        assert '<input type="range" id="mark" name="mark" min="1" max="3" value="3"' in page.text
        sent = {"view": "roster", "known_at": "", "true_on": "2024-09-01", "mark": "2", "by": "mark"}
        answer = client.get("/audit", params=sent | {"marks_until": "2024-08-30T09:02:03"})
        assert answer.status_code == 303
        assert asked(answer.headers["location"]) == {"view": "roster", "known_at": "2024-08-20T09:02:03"}
        shown = client.get(answer.headers["location"])
        assert 'value="2" list="marks"' in shown.text and portal.county.replays[-1]["true_on"] is None
        assert portal.county.replays[-1]["known_at"] == "2024-08-20T09:02:03+08:00"


def test_days_that_have_a_name_are_one_step_away_and_days_to_come_are_not(portal: Portal) -> None:
    with portal.as_("auditor") as client:
        page = client.get("/audit").text
    jumps = page.partition('class="jumps"')[2].partition("</nav>")[0]
    assert "认定基准日 <small>2024-08-20" in jumps and "发放日 <small>2024-08-25" in jumps
    assert "known_at=2024-08-25T23%3A59%3A59&amp;true_on=2024-08-25" in jumps


def test_a_change_is_told_by_name_field_and_cause(portal: Portal) -> None:
    with portal.as_("auditor") as client:
        page = client.get("/audit?view=roster&known_at=2024-08-20T09:02:03&from_known_at=2024-08-10T09:02:03").text
    assert "困难类别: <del>非建档立卡残疾学生</del> → <ins>建档立卡</ins>" in page
    assert "确认为同一人" in page and "/audit/proofs?service=matching&amp;index=7" in page
    assert "导出这次对比的证据包" in page


def test_every_type_of_record_has_its_words() -> None:
    texts = tomllib.loads((Path(services.portal.__file__).parent / "texts.toml").read_text("utf-8"))
    assert {path.stem for path in GOLDEN.glob("*.v*.json")} == set(texts["event"])

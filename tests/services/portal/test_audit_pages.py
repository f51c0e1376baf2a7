"""The audit pages over HTTP: the slider by form, sentences a clerk understands, and what leads where."""

from __future__ import annotations

import tomllib
from pathlib import Path
from urllib.parse import parse_qs, urlsplit
from uuid import UUID, uuid4

import services.portal
from services.audit import domain
from services.portal.settings import SERVICES
from shared.transparency.answers import InclusionProof
from tests.support.portal import Portal, form_token

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
    found = {value for name, value in vars(domain).items() if name.isupper() and isinstance(value, str)}
    assert found - {domain.OUT_OF_ORDER} == set(texts["alarm_kind_found"])  # the latter is of an exported file


def test_a_record_is_found_by_its_id_and_proved_step_by_step(portal: Portal) -> None:
    student = str(next(iter(portal.county.students)))
    with portal.as_("auditor") as client:
        found = client.get("/audit/proofs", params={"record": student})
        assert "入学登记" in found.text and "/audit/proofs?service=registry&amp;index=3" in found.text
        assert "没有这个编号的记录" in client.get("/audit/proofs", params={"record": str(UUID(int=1))}).text
        assert "编号格式不正确" in client.get("/audit/proofs", params={"record": "460106"}).text
        page = client.get("/audit/proofs?service=registry&index=3").text
        assert "得到的正是检查点所签的根" in page and page.count("在后面接上") + page.count("在前面接上") == 4
        assert "./rollcall verify inclusion registry-3.proof --event registry-3.json --keys keys.txt" in page
        kept = client.get("/audit/proofs/registry/3.proof?size=11")
        assert kept.headers["content-disposition"] == 'attachment; filename="registry-3.proof"'
        assert InclusionProof.model_validate_json(kept.content).log_index == 3
        assert client.get("/audit/proofs/nobody/3.proof").status_code == 404


def test_the_logs_are_shown_with_who_has_put_their_name_to_them(portal: Portal) -> None:
    with portal.as_("aid_clerk") as client:
        page = client.get("/audit/proofs").text
        assert page.count("rollcall/460100/witness <small") == len(SERVICES) and "2024-09-01 09:02:03" in page
        portal.county.away.add("matching")
        try:
            assert "没有应答" in client.get("/audit/proofs").text
        finally:
            portal.county.away.discard("matching")


def test_an_alarm_stands_on_every_page_of_an_auditor_and_a_note_does_not_silence_it(portal: Portal) -> None:
    county = portal.county
    alarm = {"service": "registry", "kind": "store_differs", "log_index": 11, "detail": "another event", "notes": []}
    with portal.as_("auditor") as client, portal.as_("principal", school="3146000001") as school:
        assert "没有警报" in client.get("/audit/alarms").text
        county.logs.alarms.append({**alarm, "raised_at": "2024-09-01T01:02:03Z", "state": "open"})
        try:
            portal.forget_standing()
            for address in ("/roster", "/", "/audit/questions"):
                assert "有 1 处记录与签名不符,尚无人知悉" in client.get(address).text
            assert "与签名不符" not in school.get("/roster").text
            assert "尚无人知悉" in client.get("/audit/alarms/banner").text
            assert school.get("/audit/alarms/banner").status_code == 403
            page = client.get("/audit/alarms")
            assert (
                "业务库里的记录与签名不符" in page.text and "/audit/proofs?service=registry&amp;index=11" in page.text
            )
            sent = {"form_token": form_token(page), "command_id": str(uuid4()), "note": "正在查业务库的磁盘"}
            sent |= {"service": "registry", "kind": "store_differs", "log_index": "11"}
            short = client.post("/audit/alarms/acknowledge", data=sent | {"note": "在查"})
            assert short.status_code == 422 and "请写明在做什么" in short.text and ">在查</textarea>" in short.text
            answer = client.post("/audit/alarms/acknowledge", data=sent)
            assert answer.status_code == 303 and county.commands[-1][3]["note"] == "正在查业务库的磁盘"
            after = client.get(answer.headers["location"]).text
            assert "已记录,警报仍然有效" in after and "正在查业务库的磁盘" in after
            assert "已有人知悉,尚未恢复一致" in client.get("/roster").text
            refused = school.post("/audit/alarms/acknowledge", data=sent | {"form_token": form_token(page)})
            assert refused.status_code == 403
        finally:
            county.logs.alarms.clear()
            portal.forget_standing()


def test_a_comparison_that_does_not_answer_is_no_all_clear(portal: Portal) -> None:
    portal.county.away.add("audit")
    portal.forget_standing()
    try:
        with portal.as_("auditor") as client:
            assert "核对情况暂时读取不到" in client.get("/roster").text
    finally:
        portal.county.away.discard("audit")
        portal.forget_standing()


def test_a_file_is_masked_until_a_purpose_is_given_and_a_refused_one_shows_nothing(portal: Portal) -> None:
    address = f"/audit/file/{next(iter(portal.county.students))}"
    with portal.as_("auditor") as client:
        page = client.get(address)
        assert "张*明" in page.text and "张小明" not in page.text
        sent = {"form_token": form_token(page), "command_id": str(uuid4()), "known_at": "2024-09-01T01:02:03Z"}
        refused = client.post(address, data=sent | {"purpose": "?"})
        assert refused.status_code == 422 and "请填写事由" in refused.text and "张小明" not in refused.text
        full = client.post(address, data=sent | {"purpose": "核对资助发放"})
        assert full.status_code == 200 and "张小明" in full.text and "事由: 核对资助发放" in full.text
        assert 'value="2024-09-01T09:02:03"' in full.text and "no-store" in full.headers["cache-control"]
    with portal.as_("principal", school="3146000001") as school:
        assert school.get(address).status_code == 403 and school.get(f"{address}/why-not/aid").status_code == 403


def test_a_decision_opens_up_to_what_stands_behind_it(portal: Portal) -> None:
    student = next(iter(portal.county.students))
    with portal.as_("auditor") as client:
        page = client.get(f"/audit/file/{student}").text
        assert page.count('class="decides"') == 1 and "number_and_name_agree" not in page
        tree = client.get(f"/audit/why/{UUID(int=77)}?part=1").text
        assert tree.index("确认为同一人") < tree.index("所涉记录") < tree.index("入学登记") and "<html" not in tree
        assert "无(由规则自动作出)" in tree and "<html" in client.get(f"/audit/why/{UUID(int=77)}").text
        missing = client.get(f"/audit/file/{student}/why-not/aid?part=1").text
        assert missing.index("✓ 当日在籍") < missing.index("✗ 有名单行涉及该生") < missing.index("首先缺这一项")
        assert client.get(f"/audit/file/{student}/why-not/rain").status_code == 404
